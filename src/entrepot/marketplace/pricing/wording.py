"""Pricing rules in words, for people."""

from collections.abc import Sequence

from entrepot.kit.rules import compile_condition
from entrepot.marketplace.pricing.schemas import (
    DEFAULT_GROUP,
    EXCLUSIVE_GROUP,
    Action,
    PricingRuleDocument,
)

_KINDS = {
    "DISCOUNT": "a discount",
    "SURCHARGE": "a surcharge",
    "FEE": "a fee",
    "COMMISSION": "a commission",
    "TAX": "a tax",
}
_LEVELS = {"line": "each line", "cart": "the cart", "shipping": "the shipping"}


def action_words(document: PricingRuleDocument) -> str:
    """What a rule does, in a few words: "10 % off", "5.00 EUR for each unit"."""
    action, off = document.action, " off" if document.type == "DISCOUNT" else ""
    kind = action.type
    if kind in ("PERCENTAGE_OFF", "PERCENTAGE"):
        contained = " contained in the price" if action.inclusive else ""
        return f"{action.value} %{off}{contained}{' on the taxes before, too' if action.compound else ''}"
    if kind == "FIXED_AMOUNT":
        return f"{action.value} {action.currency}{off}"
    if kind == "PER_UNIT":
        return f"{action.value} {action.currency}{off} for each unit"
    if kind == "OVERRIDE":
        return f"a price of {action.value} {action.currency}"
    if kind == "FREE_SHIPPING":
        return "free shipping"
    if kind == "BUY_X_GET_Y":
        less = "free" if action.percent == "100" else f"at {action.percent} % less"
        times = "" if action.times is None else f", at most {action.times} times"
        return (
            f"of every {(action.buy or 0) + (action.get or 0)} units the {action.get} cheapest {less}{times}"
        )
    return _scale_words(action, off)


def _scale_words(action: Action, off: str) -> str:
    unit = {
        "PERCENTAGE": f" %{off}",
        "PER_UNIT": f" {action.currency}{off} for each unit",
        "FIXED_AMOUNT": f" {action.currency}{off}",
        "OVERRIDE": f" {action.currency} for a unit",
    }[action.unit]
    measure = "units" if action.by == "quantity" else action.currency
    steps = [f"{tier.value}{unit} from {tier.start} {measure} on" for tier in action.tiers]
    return f"{listed(steps)}{', each for its own part' if action.mode == 'graduated' else ''}"


def document_words(document: PricingRuleDocument) -> list[str]:
    """A rule in sentences."""
    payer = f" to the {document.charged_to}" if document.type == "FEE" else ""
    what = f"{_KINDS[document.type]}{payer} on {_LEVELS[document.level]}"
    lines = [f"{document.name or document.key} is {what}: {action_words(document)}."]
    if document.condition:
        lines.append(f"It holds when {compile_condition(document.condition).words()}.")
    if document.applies_to:
        lines.append(f"It covers the lines of which {compile_condition(document.applies_to).words()}.")
    if document.start_time or document.end_time:
        start = f" from {document.start_time:%Y-%m-%d %H:%M} UTC" if document.start_time else ""
        end = f" until {document.end_time:%Y-%m-%d %H:%M} UTC" if document.end_time else ""
        lines.append(f"It holds{start}{end}.")
    lines.append(_stacking_words(document))
    if document.after:
        lines.append(f"It is reckoned after {listed(document.after)}.")
    if document.excludes:
        lines.append(
            f"Where it applies, {listed(document.excludes)} {'does' if len(document.excludes) == 1 else 'do'} not."
        )
    return lines + _limit_words(document)


def _stacking_words(document: PricingRuleDocument) -> str:
    group = document.stacking_group
    with_what = {
        DEFAULT_GROUP: "goes with all others",
        EXCLUSIVE_GROUP: "goes with nothing else of its type",
    }.get(group, f"is the only one of the group {group!r} that applies")
    return f"Its priority is {document.priority}, and it {with_what}."


def _limit_words(document: PricingRuleDocument) -> list[str]:
    caps, currency = document.caps, document.action.currency
    most = [
        f"{amount} {currency} {where}"
        for amount, where in (
            (caps.line, "on a line"),
            (caps.rule, "in all"),
            (caps.cart, "together with all others of its type"),
        )
        if amount is not None
    ]
    lines = [f"It comes to at most {listed(most)}."] if most else []
    if document.floor is not None:
        lines.append(f"It leaves a price of at least {document.floor} {currency}.")
    if document.funding.platform != "0":
        lines.append(
            f"The platform pays {document.funding.platform} % of it, the seller {document.funding.seller} %."
        )
    return lines


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: "A", "A and B", "A, B and C"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
