"""Assignments a second beside the package growthbook: the same experiment, the same users, both in one run.

The package is used in the way in which it is fastest: one instance, whose attributes are set for each user. Ours is asked
in the same way, one user a call, and in batches, which its own HTTP route and engine use. Both answer for every user, and
that they agree is asserted. The experiment has three variants, an audience of two attributes, and nine tenths of coverage.
Nothing is stored or recorded on either side.
"""

import time
import uuid
from collections.abc import Callable
from random import Random
from typing import Any

from growthbook import Experiment as SdkExperiment
from growthbook import GrowthBook
from growthbook.core import gbhash

from benchmarks import Result
from entrepot.kit.settings import Settings
from entrepot.marketplace.experiments.assigning import Experiment
from entrepot.marketplace.experiments.documents import ExperimentDocument
from entrepot.marketplace.experiments.hashing import Hasher
from entrepot.marketplace.experiments.sharing import sdk_settings

USERS = 20_000
TURNS = 7
BATCH = 1_000

DOCUMENT = ExperimentDocument.model_validate(
    {
        "key": "checkout-button",
        "coverage": 0.9,
        "audiences": [{"rule_name": "buyers", "condition": {"country": {"$in": ["US", "CA", "MX"]}, "age": {"$gte": 21}}}],
        "buckets": [
            {"variant_key": "control", "allocation_weight": 40, "is_control": True, "payload": {"color": "blue"}},
            {"variant_key": "red", "allocation_weight": 30, "payload": {"color": "red"}},
            {"variant_key": "green", "allocation_weight": 30, "payload": {"color": "green"}},
        ],
    }
)  # fmt: skip

User = dict[str, Any]
Answer = tuple[bool, Any]


async def run(_settings: Settings) -> Result:
    """Both sides on short identifiers and on UUIDs, turn by turn; the best turn of each counts."""
    random = Random(20261121)
    populations = {
        "short ids": _users(random, lambda number: f"user-{number:08d}"),
        "UUIDs": _users(random, lambda _: str(uuid.UUID(int=random.getrandbits(128)))),
    }
    ratios: dict[str, float] = {}
    details: dict[str, Any] = {"users": USERS, "batch": BATCH, "turns": TURNS}
    for name, users in populations.items():
        rates = _compare(users)
        for side in ("one at a time", "in batches"):
            ratios[f"assignments {side}, {name} (at least 5)"] = round(rates[side] / rates["growthbook"], 2)
        hashes = _compare_hashes([user["id"] for user in users])
        ratios[f"hashes one at a time, {name}"] = round(hashes["one at a time"] / hashes["growthbook"], 2)
        ratios[f"hashes in batches, {name}"] = round(hashes["in batches"] / hashes["growthbook"], 2)
        details[name] = {
            "assignments_per_second": {side: round(rate) for side, rate in rates.items()},
            "hashes_per_second": {side: round(rate) for side, rate in hashes.items()},
        }
    return {"name": "experiments", "ratios": ratios, "details": details}


def _users(random: Random, identify: Callable[[int], str]) -> list[User]:
    return [
        {
            "id": identify(number),
            "country": random.choice(["US", "CA", "MX", "DE"]),
            "age": random.randint(18, 80),
            "device": "mobile",
        }
        for number in range(USERS)
    ]


def _compare(users: list[User]) -> dict[str, float]:
    ours, theirs, sdk = Experiment(DOCUMENT), SdkExperiment[Any](**sdk_settings(DOCUMENT)), GrowthBook()

    def peer() -> list[Answer]:
        found = []
        for user in users:
            sdk.set_attributes(user)
            result = sdk.run(theirs)
            found.append((result.inExperiment, result.value))
        return found

    def singly() -> list[Answer]:
        found = []
        for user in users:
            given = ours.assign(user)
            found.append((given.in_experiment, given.payload))
        return found

    def in_batches() -> list[Answer]:
        found = []
        for start in range(0, len(users), BATCH):
            for given in ours.assign_many(users[start : start + BATCH]):
                found.append((given.in_experiment, given.payload))  # noqa: PERF401 - as the others do
        return found

    return _rates({"growthbook": peer, "one at a time": singly, "in batches": in_batches}, len(users))


def _compare_hashes(values: list[str]) -> dict[str, float]:
    hasher = Hasher(DOCUMENT.hash_seed)

    def in_batches() -> list[float]:
        found: list[float] = []
        for start in range(0, len(values), BATCH):
            found += [place / hasher.size for place in hasher.places(values[start : start + BATCH])]
        return found

    return _rates(
        {
            "growthbook": lambda: [gbhash(DOCUMENT.hash_seed, value, 2) for value in values],
            "one at a time": lambda: [hasher.place(value) / hasher.size for value in values],
            "in batches": in_batches,
        },
        len(values),
    )


def _rates(sides: dict[str, Callable[[], list[Any]]], count: int) -> dict[str, float]:
    """Answers a second of each side; asserts that all sides answer the same."""
    expected = sides["growthbook"]()
    for name, side in sides.items():
        assert side() == expected, f"{name} disagrees with growthbook"
    best = dict.fromkeys(sides, float("inf"))
    for turn in range(TURNS):
        for name in list(sides) if turn % 2 else reversed(list(sides)):
            started = time.perf_counter()
            sides[name]()
            best[name] = min(best[name], time.perf_counter() - started)
    return {name: count / seconds for name, seconds in best.items()}
