"""Policy decisions beside PyCasbin and cedarpy on the same rules, and how their number tells on the cost.

A rule allows, one in ten denies, a type of seller in a region and a category up to a price; the default is to deny, and
deny beats allow. Every engine gives every answer before any is timed, and all must agree. PyCasbin runs as it comes and
as its FastEnforcer, which files rules by the three equalities; Cedar runs with its policies and entities parsed ahead,
the principal and the resource in the scope of each policy, and in batches, which is its fastest form. Engines and
sizes take turns; the fastest round of each engine counts. Those whose cost grows with the rules get fewer questions at many.
"""

import random
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import casbin
import cedarpy
from casbin.model import FastModel, Model
from sqlalchemy import text

from benchmarks import Result
from entrepot.kit.db import Database
from entrepot.kit.settings import Settings
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.policies.documents import PolicyDocument
from entrepot.marketplace.policies.evaluating import Policy
from entrepot.marketplace.policies.kind import KIND
from entrepot.marketplace.rulebook.authoring import publish, save_draft

SIZES = (10, 1_000, 10_000)
ROUNDS = 15
QUESTIONS = 4_000
RECORDED = 20_000
#: At so many rules, how many of the questions an engine that looks at each rule is asked.
ASKED_OF_SCANNING = {10: 1_000, 1_000: 60, 10_000: 12}
ASKED_OF_CEDAR = {10: 2_000, 1_000: 300, 10_000: 40}
SELLER_TYPES, REGIONS = 20, 25

CASBIN_MODEL = """
[request_definition]
r = seller_type, region, category, price

[policy_definition]
p = seller_type, region, category, price, eft

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = r.category == p.category && r.region == p.region && r.seller_type == p.seller_type && r.price <= number(p.price)
"""

Context = dict[str, Any]
#: Asks an engine every question; whether each is allowed.
Asking = Callable[[Sequence[Any]], list[bool]]


def rules(count: int) -> list[dict[str, Any]]:
    """So many rules as plain values; one in ten denies what its neighbor allows."""
    made = []
    for number in range(count):
        place = number + 1 if number % 10 == 0 else number
        made.append(
            {
                "seller_type": f"type-{place % SELLER_TYPES}",
                "region": f"region-{place // SELLER_TYPES % REGIONS}",
                "category": f"category-{place // (SELLER_TYPES * REGIONS)}",
                "price": 100 if number % 10 == 0 else 500,
                "effect": "DENY" if number % 10 == 0 else "ALLOW",
            }
        )
    return made


def questions(made: Sequence[dict[str, Any]], count: int) -> list[Context]:
    """Contexts: three in four of a rule's own, at any price, the others of no rule's."""
    chance = random.Random(29)
    asked = []
    for number in range(count):
        rule = chance.choice(made)
        asked.append(
            {
                "seller_type": rule["seller_type"],
                "region": rule["region"],
                "category": rule["category"] if number % 4 else "category-none",
                "price": chance.randrange(1000),
            }
        )
    return asked


def document(made: Sequence[dict[str, Any]], key: str = "LISTING") -> PolicyDocument:
    """The rules as a policy."""
    return PolicyDocument.read(
        {
            "key": key,
            "name": "Listing",
            "rules": [
                {
                    "key": f"rule-{number}",
                    "condition": {
                        "seller_type": rule["seller_type"],
                        "region": rule["region"],
                        "category": rule["category"],
                        "price": {"$lte": rule["price"]},
                    },
                    "effect": {"result": rule["effect"]},
                }
                for number, rule in enumerate(made)
            ],
        }
    )


def ask_ours(made: Sequence[dict[str, Any]]) -> tuple[Asking, Callable[[Context], Any]]:
    """The policy engine without a database."""
    evaluate = Policy.compile(document(made)).evaluate
    return lambda asked: [evaluate(context).effect == "ALLOW" for context in asked], lambda context: context


def ask_casbin(made: Sequence[dict[str, Any]], *, fast: bool) -> tuple[Asking, Callable[[Context], Any]]:
    """PyCasbin; `fast` is its FastEnforcer, which files the rules by category, region and type."""
    order = [2, 1, 0]
    model: Any = FastModel(order) if fast else Model()
    model.load_model_from_text(CASBIN_MODEL)
    for rule in made:
        row = [
            rule["seller_type"],
            rule["region"],
            rule["category"],
            str(rule["price"]),
            rule["effect"].lower(),
        ]
        model.add_policy("p", "p", row)
    enforcer = casbin.FastEnforcer(model, cache_key_order=order) if fast else casbin.Enforcer(model)
    enforcer.add_function("number", int)  # its rules are texts
    enforce = enforcer.enforce
    return (
        lambda asked: [enforce(*context) for context in asked],
        lambda context: (context["seller_type"], context["region"], context["category"], context["price"]),
    )


def ask_cedar(made: Sequence[dict[str, Any]]) -> tuple[Asking, Callable[[Context], Any]]:
    """Cedar in batches, everything parsed ahead that can be."""
    policies = cedarpy.PolicySet.from_str(
        "\n".join(
            f'{"permit" if rule["effect"] == "ALLOW" else "forbid"}(principal == SellerType::"{rule["seller_type"]}", '
            f'action == Action::"list", resource == Category::"{rule["category"]}") '
            f'when {{ context.region == "{rule["region"]}" && context.price <= {rule["price"]} }};'
            for rule in made
        )
    )
    entities = cedarpy.Entities.from_json_str("[]")
    return (
        lambda asked: [one.allowed for one in cedarpy.is_authorized_batch(list(asked), policies, entities)],
        lambda context: {
            "principal": {"type": "SellerType", "id": context["seller_type"]},
            "action": {"type": "Action", "id": "list"},
            "resource": {"type": "Category", "id": context["category"]},
            "context": {"region": context["region"], "price": context["price"]},
        },
    )


def prepared(size: int) -> dict[str, tuple[Asking, list[Any]]]:
    """The engines with so many rules, and what each is asked; they have agreed on every answer."""
    made = rules(size)
    asked = questions(made, QUESTIONS)
    engines: dict[str, tuple[Asking, list[Any]]] = {}
    for name, (asking, shaped), count in (
        ("ours", ask_ours(made), QUESTIONS),
        ("pycasbin", ask_casbin(made, fast=False), ASKED_OF_SCANNING[size]),
        ("pycasbin_fast", ask_casbin(made, fast=True), QUESTIONS // 4),
        ("cedarpy", ask_cedar(made), ASKED_OF_CEDAR[size]),
    ):
        engines[name] = (asking, [shaped(context) for context in asked[:count]])
    answers = {name: asking(given) for name, (asking, given) in engines.items()}
    for name, answer in answers.items():
        assert answer == answers["ours"][: len(answer)], f"{name} disagrees at {size} rules"
    assert 0.1 < sum(answers["ours"]) / QUESTIONS < 0.9
    return engines


def rates() -> dict[int, dict[str, float]]:
    """Decisions a second of each engine at each number of rules; sizes and engines take turns."""
    engines = {size: prepared(size) for size in SIZES}
    best = {size: dict.fromkeys(engines[size], float("inf")) for size in SIZES}
    for _ in range(ROUNDS):
        for name in engines[SIZES[0]]:
            for size in SIZES:
                asking, given = engines[size][name]
                # Once unmeasured: a busy process has its rules in the processor's cache, not those of another size.
                asking(given)
                started = time.perf_counter()
                asking(given)
                best[size][name] = min(best[size][name], (time.perf_counter() - started) / len(given))
    return {size: {name: 1 / seconds for name, seconds in one.items()} for size, one in best.items()}


async def run(settings: Settings) -> Result:
    """Time every engine at every size, then our own with its decisions recorded."""
    found = rates()
    recorded = await _recorded(settings)
    small, large = SIZES[0], SIZES[-1]
    ratios = {
        f"decisions a second at {large:,} rules / 100,000 (at least 1)": found[large]["ours"] / 100_000,
        f"cost at {large:,} rules / at {small} (at most 2)": found[small]["ours"] / found[large]["ours"],
    }
    for peer in ("pycasbin", "pycasbin_fast", "cedarpy"):
        for size in SIZES:
            ratios[f"decisions a second / {peer} at {size:,} rules"] = found[size]["ours"] / found[size][peer]
    for size in (small, large):
        ratios[f"decisions a second recorded / decided only at {size:,} rules"] = (
            recorded[size]["recorded"] / found[size]["ours"]
        )
    return {
        "name": "policy",
        "ratios": {name: round(ratio, 3) for name, ratio in ratios.items()},
        "details": {
            "decisions_a_second": {
                str(size): {name: round(rate) for name, rate in one.items()} for size, one in found.items()
            },
            "recorded_decisions_a_second": {
                str(size): {name: round(rate) for name, rate in one.items()} for size, one in recorded.items()
            },
            "questions": QUESTIONS,
            "rounds": ROUNDS,
            "recorded": RECORDED,
        },
    }


async def _recorded(settings: Settings) -> dict[int, dict[str, float]]:
    """Decisions a second through the engine, without recording and until every one is in the database."""
    found: dict[int, dict[str, float]] = {}
    async with Database.opened(settings, pool_size=3) as db:
        for size in (SIZES[0], SIZES[-1]):
            made = rules(size)
            platform = await _platform(db, size, document(made))
            asked = questions(made, QUESTIONS) * (RECORDED // QUESTIONS)
            async with Engines.opened(db) as engines:
                evaluate = engines.policies.evaluate
                await evaluate(platform, "LISTING", asked[0], record=False)
                started = time.perf_counter()
                for context in asked:
                    await evaluate(platform, "LISTING", context, record=False)
                decided = time.perf_counter() - started
                started = time.perf_counter()
                await _record(engines, platform, asked)
                found[size] = {
                    "decided_by_the_engine": RECORDED / decided,
                    "recorded": RECORDED / (time.perf_counter() - started),
                }
            async with db.tenant(platform_id=platform) as session:
                counted = await session.execute(text("SELECT count(*) FROM marketplace.hm_policy_decision"))
                assert counted.scalar_one() == RECORDED
    return found


async def _record(engines: Engines, platform: UUID, asked: Sequence[Context]) -> None:
    """Ask in lots as a busy process would, waiting where the database has to catch up, until all is written."""
    writer = engines.policies.recorder.writer
    for start in range(0, len(asked), 2_000):
        await engines.policies.evaluate_many(
            platform, [("LISTING", context) for context in asked[start : start + 2_000]]
        )
        await writer.flush()


async def _platform(db: Database, size: int, policy: PolicyDocument) -> UUID:
    """A platform on which the policy is published."""
    async with db.system() as session:
        made = await session.execute(
            text(
                "INSERT INTO marketplace.hm_platform (platform_code, name) VALUES (:code, 'bench') RETURNING id"
            ),
            {"code": f"bench-{size}"},
        )
        platform: UUID = made.scalar_one()
    async with db.tenant(platform_id=platform) as session:
        KIND.check(policy)
        await save_draft(session, KIND, platform, policy, user_id=None)
        await publish(session, KIND, platform, policy.key)
    return platform
