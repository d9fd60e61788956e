"""The steps of a quote for people and programs: which rule, why, on what, and what it came to."""

import math
from collections.abc import Sequence
from functools import lru_cache
from operator import attrgetter
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

#: What steps call the shipping, where lines have their ids.
SHIPPING = "shipping"
_STEP = attrgetter("rule.step")


def trace(quote: "Quote") -> list[dict[str, Any]]:
    """Every step of a quote, those of rules that lost before those that applied in the same step."""
    totals, cart, money = quote.totals, quote.cart, quote.money
    names = [*cart.ids, SHIPPING]
    count = len(cart.ids)
    opening = (
        f"{count} {'line' if count == 1 else 'lines'} come{'s' * (count == 1)} to {money(sum(cart.amounts))}"
    )
    if cart.shipping is not None:
        opening += f", the shipping to {money(cart.shipping)}"
    found: list[dict[str, Any]] = [{"step": "prices", "amount": totals["original"], "words": f"{opening}."}]
    applied = sorted(quote.applied, key=_STEP)
    if quote.lost:
        lost = sorted(quote.lost, key=lambda one: (one.rule.order, one.targets))
        steps = [((one.rule.step, 0), _lost(names, one)) for one in lost]
        steps += [((one.rule.step, 1), _applied(quote, names, one)) for one in applied]
        steps.sort(key=lambda step: step[0])
        found += [step for _, step in steps]
    else:
        found += [_applied(quote, names, one) for one in applied]
    closing = (
        f"The buyer pays {money(totals['total'])}, {money(totals['tax'] + totals['tax_included'])} of it tax; "
        f"the seller gets {money(totals['net'])}."
    )
    found.append({"step": "totals", "amount": totals["total"], "words": closing})
    return found


def exact_text(numerator: int, denominator: int) -> str:
    """A fraction as a decimal where it ends, else as a fraction: "1199.5", "100/3"."""
    whole, rest = divmod(numerator, denominator)
    if not rest:
        return str(whole)
    if denominator == HUNDRED_PERCENT:
        return f"{whole}{_decimals(rest, HUNDRED_PERCENT)}"
    common = math.gcd(rest, denominator)
    denominator //= common
    # A fraction ends where its denominator has no prime factors but 2 and 5; 10**18 has both often enough.
    if 10**18 % denominator:
        return f"{numerator // common}/{denominator}"
    return f"{whole}{_decimals(rest // common * (10**18 // denominator), 10**18)}"


@lru_cache(maxsize=10_000)
def _decimals(rest: int, scale: int) -> str:
    """What stands behind the point, and the point: ".05" for 50,000 of a million. Percentages leave few of them."""
    # A one before the digits keeps the zeros that they begin with.
    return f".{str(scale + rest)[1:].rstrip('0')}"


def _applied(quote: "Quote", names: list[str], step: Applied) -> dict[str, Any]:
    rule, targets, bases, exact, over, amounts, cuts, platform = step
    common, opening, holds = rule.telling
    found = common.copy()
    if len(targets) == 1:
        # The usual case by itself: what is told of a cart is mostly what one rule does to one line.
        target, base, whole, amount = targets[0], bases[0], exact[0], amounts[0]
        text = exact_text(whole, over)
        lines: list[dict[str, Any]] = [{"id": names[target], "base": base, "exact": text, "amount": amount}]
        where = f"on line {names[target]}" if target < len(names) - 1 else "on the shipping"
    else:
        base, whole, amount = sum(bases), sum(exact), sum(amounts)
        text = exact_text(whole, over)
        lines = [
            {"id": names[target], "base": of, "exact": exact_text(part, over), "amount": rounded}
            for target, of, part, rounded in zip(targets, bases, exact, amounts, strict=True)
        ]
        where = _where(names, targets)
    found["base"] = base
    found["exact"] = text
    found["amount"] = amount
    found["lines"] = lines
    rest = f"; exactly {text} minor units, rounded by largest remainder" if whole % over else ""
    if cuts:
        found["cuts"] = [
            {
                "by": cut.kind,
                "line": None if cut.target is None else names[cut.target],
                "from": cut.before,
                "to": cut.after,
            }
            for cut in cuts
        ]
        rest += "".join(f"; {_cut_words(quote, names, cut)}" for cut in cuts)
    if rule.lowers:
        if not amount:
            found["outcome"] = "no effect"
        if platform is None:
            found["funding"] = {"platform": 0, "seller": amount}
        else:
            paid = sum(platform)
            found["funding"] = {"platform": paid, "seller": amount - paid}
            rest += f"; the platform pays {format_percent(rule.platform_rate)} % of it, {quote.money(paid)}"
            for line, part in zip(lines, platform, strict=True):
                line["platform"] = part
    if rule.currency is not None and rule.currency != quote.currency:
        rate = quote.rate_of(rule)
        if rate is not None:
            found["rate"] = rate.as_dict()
            rest += (
                f"; its amounts are in {rate.from_currency}, of which one is {rate.text} {rate.to_currency} "
                f"({rate.source}, {found['rate']['date']})"
            )
    scale, ends = quote.scale, quote.ends
    found["words"] = (
        f"{opening} {amount // scale}{ends[amount % scale]} {where}, "
        f"on {base // scale}{ends[base % scale]}{holds}{rest}."
    )
    return found


def _lost(names: list[str], lost: Lost) -> dict[str, Any]:
    rule, by = lost.rule, lost.by
    found = {
        **rule.told,
        "outcome": "lost",
        "reason": lost.reason,
        "by": None if by is None else by.key,
        "because": rule.because,
        "lines": [{"id": names[target]} for target in lost.targets],
    }
    found["words"] = (
        f"{rule.key} does not apply {_where(names, lost.targets)}: {_reason(rule, lost.reason, by)}."
    )
    return found


def _reason(rule: Rule, reason: str, by: Rule | None) -> str:
    if by is None or reason == NO_EFFECT:
        return "it comes to nothing there"
    if reason == EXCLUDED:
        return f"{by.key} excludes it"
    if by.priority > rule.priority:
        before = "has the higher priority"
    elif by.priority == rule.priority:
        before = "has the same priority, and then the greater benefit or the first key"
    else:
        before = "comes first, since what comes to nothing or can be excluded comes later"
    return {
        EXCLUSIVE: f"{by.key} {before} and goes with nothing else of its type",
        NOT_ALONE: f"it goes with nothing else of its type, and {by.key} {before}",
        GROUP: f"of the group {rule.group!r} one applies, and {by.key} {before}",
    }[reason]


def _cut_words(quote: "Quote", names: list[str], cut: Cut) -> str:
    kind = {
        ZERO: "nothing goes below zero",
        MINIMUM: "the agreed minimum price holds",
        FLOOR: "the rule's floor holds",
        LINE_CAP: "the rule's cap for a line holds",
        RULE_CAP: "the rule's cap holds",
        CART_CAP: "the cap for the cart holds",
        NOTHING_LEFT: "no more is left",
    }[cut.kind]
    where = "" if cut.target is None else f" {_where(names, [cut.target])}"
    return f"{kind}{where}: {quote.money(cut.before)} becomes {quote.money(cut.after)}"


def _where(names: Sequence[str], targets: Sequence[int]) -> str:
    if len(targets) == 1:
        # The shipping is the last of the names.
        return "on the shipping" if targets[0] == len(names) - 1 else f"on line {names[targets[0]]}"
    if len(targets) > 5:
        return f"on {len(targets)} lines"
    return f"on lines {listed([names[target] for target in targets])}"
