"""The steps of a quote for people and programs: which rule, why, on what, and what it came to."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from entrepot.marketplace.pricing.compiling import STEPS, Rule
from entrepot.marketplace.pricing.money import HUNDRED_PERCENT, format_percent
from entrepot.marketplace.pricing.reckoning import (
    CART_CAP,
    FLOOR,
    LINE_CAP,
    MINIMUM,
    NOTHING_LEFT,
    RULE_CAP,
    ZERO,
    Applied,
    Cut,
)
from entrepot.marketplace.pricing.selecting import EXCLUDED, EXCLUSIVE, GROUP, NO_EFFECT, NOT_ALONE, Lost
from entrepot.marketplace.pricing.wording import listed

if TYPE_CHECKING:
    from entrepot.marketplace.pricing.quotes import Quote

SHIPPING = "shipping"


def trace(quote: "Quote") -> list[dict[str, Any]]:
    """Every step of a quote, those of rules that lost before those that applied in the same step."""
    totals, cart = quote.totals, quote.cart
    count = len(cart.ids)
    opening = f"{count} {'line' if count == 1 else 'lines'} come{'s' * (count == 1)} to {quote.money(sum(cart.amounts))}"
    if cart.shipping is not None:
        opening += f", the shipping to {quote.money(cart.shipping)}"
    steps: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    lost = sorted(quote.lost, key=lambda one: (one.rule.order, one.targets))
    steps += [((one.rule.step, 0), _lost(quote, one)) for one in lost]
    steps += [((one.rule.step, 1), _applied(quote, one)) for one in quote.applied]
    steps.sort(key=lambda step: step[0])
    closing = (
        f"The buyer pays {quote.money(totals['total'])}, {quote.money(totals['tax'] + totals['tax_included'])} of it tax; "
        f"the seller gets {quote.money(totals['net'])}."
    )
    return [
        {"step": "prices", "amount": totals["original"], "words": f"{opening}."},
        *(step for _, step in steps),
        {"step": "totals", "amount": totals["total"], "words": closing},
    ]


def exact_text(numerator: int, denominator: int) -> str:
    """A fraction as a decimal where it ends, else as a fraction: "1199.5", "100/3"."""
    whole, rest = divmod(numerator, denominator)
    if not rest:
        return str(whole)
    if denominator != HUNDRED_PERCENT:
        common = math.gcd(rest, denominator)
        rest, denominator = rest // common, denominator // common
        # A fraction ends where its denominator has no prime factors but 2 and 5; 10**18 has both often enough.
        if 10**18 % denominator:
            return f"{whole * denominator + rest}/{denominator}"
        rest, denominator = rest * (10**18 // denominator), 10**18
    # A one before the digits keeps the zeros that they begin with.
    return f"{whole}.{str(denominator + rest)[1:].rstrip('0')}"


def _applied(quote: "Quote", step: Applied) -> dict[str, Any]:
    rule, amount = step.rule, sum(step.amounts)
    exact = exact_text(sum(step.exact), step.denominator)
    found = {
        **_named(quote, rule, step.targets),
        "outcome": "applied" if amount or not rule.lowers else "no effect",
        "because": rule.because,
        "does": rule.does,
        "base": sum(step.bases),
        "exact": exact,
        "amount": amount,
        "lines": [
            {
                "id": _name(quote, target),
                "base": base,
                "exact": exact_text(part, step.denominator),
                "amount": rounded,
            }
            for target, base, part, rounded in zip(
                step.targets, step.bases, step.exact, step.amounts, strict=True
            )
        ],
    }
    words = [
        f"{rule.key} ({found['does']}) {_does(rule)} {quote.money(amount)} {_where(quote, step.targets)}"
    ]
    words[0] += f", on {quote.money(found['base'])}"
    if rule.document.condition:
        words.append(f"it holds since {found['because']}")
    if step.denominator != 1 and exact != str(amount):
        words.append(f"exactly {exact} minor units, rounded by largest remainder")
    if step.cuts:
        found["cuts"] = [
            {
                "by": cut.kind,
                "line": None if cut.target is None else _name(quote, cut.target),
                "from": cut.before,
                "to": cut.after,
            }
            for cut in step.cuts
        ]
        words += [_cut_words(quote, cut) for cut in step.cuts]
    if rule.lowers:
        platform = sum(step.platform or ())
        found["funding"] = {"platform": platform, "seller": amount - platform}
        if step.platform is not None:
            share = format_percent(rule.platform_rate)
            words.append(f"the platform pays {share} % of it, {quote.money(platform)}")
            for line, part in zip(found["lines"], step.platform, strict=True):
                line["platform"] = part
    rate = quote.rate_of(rule)
    if rate is not None:
        found["rate"] = rate.as_dict()
        words.append(
            f"its amounts are in {rate.from_currency}, of which one is {rate.text} {rate.to_currency} "
            f"({rate.source}, {found['rate']['date']})"
        )
    found["words"] = f"{'; '.join(words)}."
    return found


def _lost(quote: "Quote", lost: Lost) -> dict[str, Any]:
    rule, by = lost.rule, lost.by
    found = {
        **_named(quote, rule, lost.targets),
        "outcome": "lost",
        "reason": lost.reason,
        "by": None if by is None else by.key,
        "because": rule.because,
        "lines": [{"id": _name(quote, target)} for target in lost.targets],
    }
    found["words"] = (
        f"{rule.key} does not apply {_where(quote, lost.targets)}: {_reason(rule, lost.reason, by)}."
    )
    return found


def _named(quote: "Quote", rule: Rule, targets: Sequence[int]) -> dict[str, Any]:
    return {
        "step": STEPS[rule.step],
        "rule": rule.key,
        "version": rule.version,
        "type": rule.type,
        "level": rule.level,
        "priority": rule.priority,
    }


def _reason(rule: Rule, reason: str, by: Rule | None) -> str:
    if by is None or reason == NO_EFFECT:
        return "it comes to nothing there"
    if reason == EXCLUDED:
        return f"{by.key} excludes it"
    before = (
        "the higher priority"
        if by.priority > rule.priority
        else "the same priority, and then the greater benefit or the first key"
    )
    return {
        EXCLUSIVE: f"{by.key} has {before} and goes with nothing else of its type",
        NOT_ALONE: f"it goes with nothing else of its type, and {by.key} has {before}",
        GROUP: f"of the group {rule.group!r} one applies, and {by.key} has {before}",
    }[reason]


def _cut_words(quote: "Quote", cut: Cut) -> str:
    kind = {
        ZERO: "nothing goes below zero",
        MINIMUM: "the agreed minimum price holds",
        FLOOR: "the rule's floor holds",
        LINE_CAP: "the rule's cap for a line holds",
        RULE_CAP: "the rule's cap holds",
        CART_CAP: "the cap for the cart holds",
        NOTHING_LEFT: "no more is left",
    }[cut.kind]
    where = "" if cut.target is None else f" {_where(quote, [cut.target])}"
    return f"{kind}{where}: {quote.money(cut.before)} becomes {quote.money(cut.after)}"


def _does(rule: Rule) -> str:
    if rule.lowers:
        return "takes off"
    return (
        "finds contained" if rule.inclusive else "adds" if rule.domain[1] == "buyer" else "charges the seller"
    )


def _where(quote: "Quote", targets: Sequence[int]) -> str:
    names = [_name(quote, target) for target in targets]
    if names == [SHIPPING]:
        return "on the shipping"
    if len(names) > 5:
        return f"on {len(names)} lines"
    return f"on {'line' if len(names) == 1 else 'lines'} {listed(names)}"


def _name(quote: "Quote", target: int) -> str:
    ids = quote.cart.ids
    return ids[target] if target < len(ids) else SHIPPING
