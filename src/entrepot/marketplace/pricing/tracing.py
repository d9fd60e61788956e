"""The steps of a quote for people and programs: which rule, why, on what, and what it came to."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from entrepot.marketplace.pricing.compiling import Rule
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
    rule, targets, over, rounded = step.rule, step.targets, step.denominator, step.amounts
    amount, base = sum(rounded), sum(step.bases)
    exact = exact_text(sum(step.exact), over)
    texts = [exact] if len(targets) == 1 else [exact_text(part, over) for part in step.exact]
    names = quote.names
    lines: list[dict[str, Any]] = [
        {"id": names[target], "base": of, "exact": text, "amount": part}
        for target, of, text, part in zip(targets, step.bases, texts, rounded, strict=True)
    ]
    found = {
        **rule.told,
        "outcome": "applied" if amount or not rule.lowers else "no effect",
        "because": rule.because,
        "does": rule.does,
        "base": base,
        "exact": exact,
        "amount": amount,
        "lines": lines,
    }
    opening, holds = rule.telling
    words = f"{opening} {quote.money(amount)} {_where(names, targets)}, on {quote.money(base)}{holds}"
    if not exact.isdecimal():
        words += f"; exactly {exact} minor units, rounded by largest remainder"
    if step.cuts:
        found["cuts"] = [
            {
                "by": cut.kind,
                "line": None if cut.target is None else names[cut.target],
                "from": cut.before,
                "to": cut.after,
            }
            for cut in step.cuts
        ]
        words += "".join(f"; {_cut_words(quote, cut)}" for cut in step.cuts)
    if rule.lowers:
        platform = 0 if step.platform is None else sum(step.platform)
        found["funding"] = {"platform": platform, "seller": amount - platform}
        if step.platform is not None:
            share = format_percent(rule.platform_rate)
            words += f"; the platform pays {share} % of it, {quote.money(platform)}"
            for line, part in zip(lines, step.platform, strict=True):
                line["platform"] = part
    if rule.currency is not None and rule.currency != quote.currency:
        rate = quote.rate_of(rule)
        if rate is not None:
            found["rate"] = rate.as_dict()
            words += (
                f"; its amounts are in {rate.from_currency}, of which one is {rate.text} {rate.to_currency} "
                f"({rate.source}, {found['rate']['date']})"
            )
    found["words"] = f"{words}."
    return found


def _lost(quote: "Quote", lost: Lost) -> dict[str, Any]:
    rule, by = lost.rule, lost.by
    found = {
        **rule.told,
        "outcome": "lost",
        "reason": lost.reason,
        "by": None if by is None else by.key,
        "because": rule.because,
        "lines": [{"id": quote.names[target]} for target in lost.targets],
    }
    found["words"] = (
        f"{rule.key} does not apply {_where(quote.names, lost.targets)}: {_reason(rule, lost.reason, by)}."
    )
    return found


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
    where = "" if cut.target is None else f" {_where(quote.names, [cut.target])}"
    return f"{kind}{where}: {quote.money(cut.before)} becomes {quote.money(cut.after)}"


def _where(names: Sequence[str], targets: Sequence[int]) -> str:
    if len(targets) == 1:
        # The shipping is the last of the names.
        return "on the shipping" if targets[0] == len(names) - 1 else f"on line {names[targets[0]]}"
    if len(targets) > 5:
        return f"on {len(targets)} lines"
    return f"on lines {listed([names[target] for target in targets])}"
