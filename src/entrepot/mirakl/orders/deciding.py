"""Deciding what is answered to an order: pure, over what is known of it.

Rules of the account come first, by priority: the first whose condition holds answers. What a rule accepts still has
to be buildable and to have an address that can be shipped to: these two no rule can promise. Where no rule answers,
the checks do: stock, price floor, address, blocked buyers, limits. What none of them has anything against is answered
as the account says, which is to accept it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, Self, cast

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import Condition
from entrepot.mirakl.orders.facts import LineFacts, OrderFacts, line_context, order_context
from entrepot.mirakl.values import ANSWERS

Answer = Literal["accept", "refuse", "ask"]
#: Of two answers the stronger is given.
_STRENGTH: dict[Answer, int] = {"accept": 0, "ask": 1, "refuse": 2}
#: What is looked at where no rule answers; each answers `ask` when it fails, unless the account says otherwise.
CHECKS = ("stock", "price_floor", "address", "blocked", "limits")


def _all_ask() -> Mapping[str, Answer]:
    return dict.fromkeys(CHECKS, "ask")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the account, its condition compiled."""

    name: str
    applies_to: Literal["order", "line"]
    condition: Condition
    outcome: Answer
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """How an account answers where no rule does: what each check answers when it fails, limits, and the rest.

    `by_line`: lines that a check refuses are refused alone, and the others accepted.
    """

    otherwise: Answer = "accept"
    checks: Mapping[str, Answer] = field(default_factory=_all_ask)
    most_units: int | None = None
    most_value: Decimal | None = None
    by_line: bool = True

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> Self:
        """From `acceptance` of an account's settings; raises InvalidInputError naming what cannot be.

        {"otherwise": "accept", "checks": {"stock": "refuse"}, "limits": {"units": 5, "value": 4000}, "by_line": true}
        """
        held = settings.get("acceptance") or {}
        if not isinstance(held, Mapping):
            raise _wrong("acceptance", "it is no object")
        strange = set(held) - {"otherwise", "checks", "limits", "by_line", "hours", "warn_hours"}
        if strange:
            raise _wrong(f"acceptance.{sorted(strange)[0]}", "there is no such setting")
        checks = held.get("checks") or {}
        limits = held.get("limits") or {}
        if not isinstance(checks, Mapping) or not isinstance(limits, Mapping):
            raise _wrong("acceptance", "checks and limits are objects")
        for name in checks:
            if name not in CHECKS:
                raise _wrong(
                    f"acceptance.checks.{name}", f"there is no such check; there are {', '.join(CHECKS)}"
                )
        return cls(
            otherwise=_answer(held.get("otherwise", "accept"), "acceptance.otherwise"),
            checks={name: _answer(checks.get(name, "ask"), f"acceptance.checks.{name}") for name in CHECKS},
            most_units=_limit(limits, "units", int),
            most_value=_limit(limits, "value", Decimal),
            by_line=bool(held.get("by_line", True)),
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """What is answered, by what, why; `lines`: what is answered of each line."""

    answer: Answer
    by: str
    why: str
    lines: Mapping[str, Answer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Objection:
    """What a check has against an order, or against some of its lines."""

    check: str
    answer: Answer
    why: str
    lines: tuple[str, ...] = ()


def decide(facts: OrderFacts, rules: Sequence[Rule], policy: Policy) -> Decision:
    """What is answered to an order with at least one line; rules in the order of their priority."""
    order = order_context(facts)
    objections = tuple(_objections(facts, policy))
    refused: dict[str, tuple[str, str]] = {}
    for rule in rules:
        if rule.applies_to == "order":
            if not rule.condition.matches(order):
                continue
            why = rule.reason or f"The rule {rule.name} holds."
            if rule.outcome != "accept":
                return _whole(facts, rule.outcome, rule.name, why)
            # What no rule can promise: parts that are not there, and an address to which nothing can be sent.
            hard = tuple(one for one in objections if one.check in ("stock", "address"))
            return _answered(facts, hard, policy, refused, rule.name, why, "accept")
        for line in facts.lines:
            if line.line_id in refused or not rule.condition.matches(line_context(line, order)):
                continue
            why = rule.reason or f"The rule {rule.name} holds for {line.sku or line.line_id}."
            if rule.outcome == "ask":
                return _whole(facts, "ask", rule.name, why)
            if rule.outcome == "refuse":
                refused[line.line_id] = (rule.name, why)
    return _answered(
        facts, objections, policy, refused, "checks", "Nothing speaks against it.", policy.otherwise
    )


def _answered(
    facts: OrderFacts,
    objections: Sequence[Objection],
    policy: Policy,
    refused: Mapping[str, tuple[str, str]],
    by: str,
    why: str,
    otherwise: Answer,
) -> Decision:
    """The answer of rules about lines and of checks, together."""
    gone = dict(refused)
    standing: list[Objection] = []
    for one in objections:
        left = [line for line in one.lines if line not in gone]
        if one.lines and not left:
            continue
        if one.lines and one.answer == "refuse" and policy.by_line:
            gone.update((line, (one.check, one.why)) for line in left)
        elif one.answer != "accept":
            standing.append(one)
    if standing:
        strongest = max(standing, key=lambda one: _STRENGTH[one.answer])
        return _whole(facts, strongest.answer, strongest.check, " ".join(one.why for one in standing))
    if gone:
        names = ", ".join(dict.fromkeys(name for name, _ in gone.values()))
        reasons = " ".join(dict.fromkeys(reason for _, reason in gone.values()))
        if len(gone) == len(facts.lines) or not policy.by_line:
            return _whole(facts, "refuse", names, reasons)
        if otherwise != "accept":
            return _whole(facts, otherwise, by, f"{reasons} {why}")
        lines: dict[str, Answer] = {
            line.line_id: "refuse" if line.line_id in gone else "accept" for line in facts.lines
        }
        return Decision("accept", names, f"{reasons} The other lines are accepted.", lines)
    return _whole(facts, otherwise, by, why)


def _objections(facts: OrderFacts, policy: Policy) -> list[Objection]:
    found: list[Objection] = []

    def object_(check: str, why: str, lines: Sequence[LineFacts] = ()) -> None:
        found.append(Objection(check, policy.checks[check], why, tuple(line.line_id for line in lines)))

    short = [line for line in facts.lines if not line.can_be_built]
    if short:
        object_("stock", facts.missing or "Not everything for it is in stock.", short)
    cheap = [
        line for line in facts.lines if line.floor_price is not None and line.unit_price < line.floor_price
    ]
    if cheap:
        told = "; ".join(
            f"{line.sku} for {line.unit_price:f}, at least {line.floor_price:f}" for line in cheap
        )
        object_("price_floor", f"Below the lowest price: {told}.", cheap)
    if facts.address is not None and facts.address_problems:
        object_("address", f"The address cannot be used: {' '.join(facts.address_problems)}")
    if facts.is_blocked:
        object_("blocked", "The buyer is blocked.")
    if policy.most_units is not None and facts.units > policy.most_units:
        object_("limits", f"{facts.units} units, and at most {policy.most_units} are accepted unasked.")
    if policy.most_value is not None and facts.total_price > policy.most_value:
        object_(
            "limits",
            f"{facts.total_price:f} {facts.currency}, and at most {policy.most_value:f} is accepted unasked.",
        )
    return found


def _whole(facts: OrderFacts, answer: Answer, by: str, why: str) -> Decision:
    return Decision(answer, by, why, {line.line_id: answer for line in facts.lines})


def _answer(given: Any, path: str) -> Answer:
    if given not in ANSWERS:
        raise _wrong(path, f"{given!r} is no answer; there are {', '.join(ANSWERS)}")
    return cast("Answer", given)


def _limit(limits: Mapping[str, Any], name: str, kind: Any) -> Any:
    given = limits.get(name)
    if given is None:
        return None
    try:
        found = kind(str(given))
    except (ValueError, InvalidOperation):
        found = None
    if found is None or isinstance(given, bool) or not found > 0:
        raise _wrong(f"acceptance.limits.{name}", f"{given!r} is no number above 0")
    return found


def _wrong(path: str, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"The setting {path} cannot be used: {why}.",
        hint='It looks like {"acceptance": {"checks": {"stock": "refuse"}, "limits": {"units": 5}}}.',
        where={"path": f"settings.{path}"},
    )
