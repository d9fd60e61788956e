"""What a pricing rule must fulfil beyond its types: found when it is saved.

Every function raises InvalidInputError with the path of what is wrong.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from entrepot.kit.rules import compile_condition
from entrepot.marketplace.pricing.facts import CART_FACTS, LINE_FACTS, LIST_FACTS, TIME_FACTS
from entrepot.marketplace.pricing.money import minor_digits, parse_amount, parse_decimal, parse_percent
from entrepot.marketplace.pricing.refusing import refuse
from entrepot.marketplace.pricing.schemas import (
    DEFAULT_GROUP,
    EXCLUSIVE_GROUP,
    MONEY_ACTIONS,
    Action,
    Caps,
    Funding,
    PricingRuleDocument,
)
from entrepot.marketplace.pricing.stacking import references

#: Rule type → what it can do.
ACTIONS: dict[str, tuple[str, ...]] = {
    "DISCOUNT": (
        "PERCENTAGE_OFF",
        "FIXED_AMOUNT",
        "OVERRIDE",
        "PER_UNIT",
        "TIERED",
        "BUY_X_GET_Y",
        "FREE_SHIPPING",
    ),
    "SURCHARGE": ("PERCENTAGE", "FIXED_AMOUNT", "OVERRIDE", "PER_UNIT", "TIERED"),
    "FEE": ("PERCENTAGE", "FIXED_AMOUNT", "PER_UNIT", "TIERED"),
    "COMMISSION": ("PERCENTAGE", "FIXED_AMOUNT", "PER_UNIT", "TIERED"),
    "TAX": ("PERCENTAGE", "FIXED_AMOUNT", "PER_UNIT"),
}
#: Action → the levels on which it has a meaning, where these are not all.
LEVELS: dict[str, tuple[str, ...]] = {
    "OVERRIDE": ("line", "shipping"),
    "BUY_X_GET_Y": ("line", "cart"),
    "FREE_SHIPPING": ("shipping",),
}
#: Field of an action → the actions that have it.
FIELDS: dict[str, tuple[str, ...]] = {
    "value": ("PERCENTAGE_OFF", "PERCENTAGE", "FIXED_AMOUNT", "OVERRIDE", "PER_UNIT"),
    "by": ("TIERED",),
    "mode": ("TIERED",),
    "unit": ("TIERED",),
    "tiers": ("TIERED",),
    "buy": ("BUY_X_GET_Y",),
    "get": ("BUY_X_GET_Y",),
    "percent": ("BUY_X_GET_Y",),
    "times": ("BUY_X_GET_Y",),
    "inclusive": ("PERCENTAGE",),
    "compound": ("PERCENTAGE",),
}
NEEDED = {"TIERED": ("tiers",), "BUY_X_GET_Y": ("buy", "get")}


def check_document(document: PricingRuleDocument, path: str = "") -> None:
    """Check one rule by itself; `path` is where it stands, `rules[2]` for one."""
    at = f"{path}." if path else ""
    _check_times(document, at)
    _check_action(document, at)
    _check_amounts(document, at)
    _check_belonging(document, at)
    _check_own_references(document, at)
    check_conditions(document, path)


def check_conditions(document: PricingRuleDocument, path: str = "") -> None:
    """Check the conditions of a rule, and that what they ask is there to be known."""
    at = f"{path}." if path else ""
    for name, source in (("condition", document.condition), ("applies_to", document.applies_to)):
        compile_condition(source, path=at + name)
        for place, attribute, asked in attributes(source, at + name):
            root, _, fact = attribute.partition(".")
            known = {"cart": CART_FACTS, "time": TIME_FACTS}.get(root)
            if root == "line" and name == "condition" and document.level != "line":
                refuse(
                    place,
                    f"a rule of level {document.level} is asked once for the cart, not for a line.",
                    "Put what chooses lines into `applies_to`, or give the rule the level line."
                    if document.level == "cart"
                    else "Ask for facts of the cart, such as cart.total or cart.skus.",
                )
            if known is not None and fact.partition(".")[0] not in known:
                near = difflib.get_close_matches(fact, known, n=1)
                refuse(
                    place,
                    f"there is no {attribute!r}.",
                    f"Did you mean {root}.{near[0]}?" if near else f"There is {', '.join(known)}.",
                )
            if attribute in LIST_FACTS and not isinstance(asked, Mapping):
                refuse(
                    place,
                    f"{attribute!r} holds a list, which never equals one value.",
                    f'Ask whether it has one: {{"{attribute}": {{"$in": [{_json(asked)}]}}}}.',
                )
            if root == "line" and not fact:
                refuse(
                    place, "a line is no value.", f"Ask for one of its attributes: {', '.join(LINE_FACTS)} …"
                )


def attributes(source: Any, path: str) -> Iterator[tuple[str, str, Any]]:
    """Place and dotted name of each attribute that a condition asks for, and what it asks of it."""
    if not isinstance(source, Mapping):
        return
    for name, value in source.items():
        if name in ("$and", "$or", "$nor") and isinstance(value, Sequence):
            for index, part in enumerate(value):
                yield from attributes(part, f"{path}.{name}[{index}]")
        elif name == "$not":
            yield from attributes(value, f"{path}.$not")
        elif isinstance(name, str) and not name.startswith("$"):
            yield f"{path}.{name}", name, value


def _check_times(document: PricingRuleDocument, at: str) -> None:
    start, end = document.start_time, document.end_time
    if start is not None and end is not None and end <= start:
        refuse(f"{at}end_time", "the rule would end before it begins.", "Give a later end.")


def _check_action(document: PricingRuleDocument, at: str) -> None:
    action, kind = document.action, document.action.type
    if kind not in ACTIONS[document.type]:
        # The two percentages are easily taken for one another.
        other = {"PERCENTAGE": "PERCENTAGE_OFF", "PERCENTAGE_OFF": "PERCENTAGE"}.get(kind)
        refuse(
            f"{at}action.type",
            f"a {document.type} has no {kind}.",
            f"Did you mean {other}?" if other in ACTIONS[document.type] else _one_of(ACTIONS[document.type]),
        )
    if document.level not in LEVELS.get(kind, ("line", "cart", "shipping")):
        refuse(f"{at}level", f"{kind} has no meaning on the level {document.level}.", _one_of(LEVELS[kind]))
    for field, owners in FIELDS.items():
        given = getattr(action, field) != Action.model_fields[field].get_default(call_default_factory=True)
        if given and kind not in owners:
            refuse(f"{at}action.{field}", f"{kind} has no {field}.", "Remove it.")
    for field in ("value",) if kind in FIELDS["value"] else NEEDED.get(kind, ()):
        if getattr(action, field) in (None, ()):
            refuse(f"{at}action.{field}", f"{kind} needs its {field}.", None)
    if (action.inclusive or action.compound) and document.type != "TAX":
        field = "inclusive" if action.inclusive else "compound"
        refuse(f"{at}action.{field}", f"only a TAX is {field}, not a {document.type}.", "Remove it.")


def _check_amounts(document: PricingRuleDocument, at: str) -> None:
    action = document.action
    if kind_is_percentage(action):
        parse_percent(action.value, f"{at}action.value")
    if action.type == "BUY_X_GET_Y":
        parse_percent(action.percent, f"{at}action.percent")
    amounts = dict(money_of(document, at))
    if action.currency is not None:
        digits = minor_digits(action.currency, f"{at}action.currency")
        for place, amount in amounts.items():
            parse_amount(amount, digits, place)
    elif amounts:
        place = next(iter(amounts))
        refuse(
            f"{at}action.currency",
            f"{place} is an amount of money, and no currency says of which.",
            'Give the action a currency, such as "EUR".',
        )
    _check_tiers(document, at)
    if document.floor is not None and action.type == "OVERRIDE" and _less(action.value, document.floor):
        refuse(
            f"{at}floor",
            f"the floor {document.floor} is above the new price {action.value}, which can so never be reached.",
            "Lower the floor, or raise the price.",
        )


def kind_is_percentage(action: Action) -> bool:
    """Whether `value` is a percentage."""
    return action.type in ("PERCENTAGE_OFF", "PERCENTAGE")


def money_of(document: PricingRuleDocument, at: str = "") -> Iterator[tuple[str, str]]:
    """Place and text of every amount of money in a rule."""
    action = document.action
    if action.type in MONEY_ACTIONS and action.value is not None:
        yield f"{at}action.value", action.value
    for index, tier in enumerate(action.tiers):
        if action.by == "amount":
            yield f"{at}action.tiers[{index}].from", tier.start
        if action.unit != "PERCENTAGE":
            yield f"{at}action.tiers[{index}].value", tier.value
    for name in Caps.model_fields:
        amount = getattr(document.caps, name)
        if amount is not None:
            yield f"{at}caps.{name}", amount
    if document.floor is not None:
        yield f"{at}floor", document.floor


def _check_tiers(document: PricingRuleDocument, at: str) -> None:
    action = document.action
    if action.type != "TIERED":
        return
    if action.unit in ("PER_UNIT", "OVERRIDE") and action.by != "quantity":
        refuse(f"{at}action.by", f"steps of {action.unit} go by quantity.", "Measure the quantity.")
    if action.unit == "OVERRIDE" and (
        document.level != "line" or document.type not in ("DISCOUNT", "SURCHARGE")
    ):
        refuse(
            f"{at}action.unit",
            "steps of new prices are for discounts and surcharges on lines.",
            "Take PERCENTAGE, PER_UNIT or FIXED_AMOUNT.",
        )
    if action.mode == "graduated" and document.level == "shipping":
        refuse(
            f"{at}action.mode", "shipping has no parts for the steps to hold for.", "Take the mode volume."
        )
    before = -1
    for index, tier in enumerate(action.tiers):
        place = f"{at}action.tiers[{index}]"
        # Four digits compare as well as the currency's own, and whole numbers too.
        start = parse_decimal(tier.start, 4, f"{place}.from", noun="number")
        if start < 0 or (action.by == "quantity" and start % 10**4):
            refuse(f"{place}.from", f"{tier.start} is no quantity.", "Give a whole number of at least 0.")
        if start <= before:
            refuse(
                f"{place}.from",
                f"{tier.start} does not come after {action.tiers[index - 1].start}.",
                "Write the steps in ascending order, each with a start of its own.",
            )
        before = start
        if action.unit == "PERCENTAGE":
            parse_percent(tier.value, f"{place}.value")
        elif action.unit == "OVERRIDE" and document.floor is not None and _less(tier.value, document.floor):
            refuse(
                f"{at}floor",
                f"the floor {document.floor} is above the price {tier.value} of step {index + 1}.",
                "Lower the floor, or raise the price.",
            )


def _check_belonging(document: PricingRuleDocument, at: str) -> None:
    kind = document.type
    if document.applies_to and document.level != "cart":
        refuse(
            f"{at}applies_to",
            f"a rule of level {document.level} covers no choice of lines.",
            "Move it into the condition, or give the rule the level cart.",
        )
    if document.floor is not None and kind != "DISCOUNT":
        refuse(f"{at}floor", f"a {kind} lowers no price.", "Remove the floor.")
    if document.funding != Funding() and kind != "DISCOUNT":
        refuse(f"{at}funding", f"only a DISCOUNT is funded, not a {kind}.", "Remove it.")
    platform = parse_percent(document.funding.platform, f"{at}funding.platform")
    seller = parse_percent(document.funding.seller, f"{at}funding.seller")
    if platform + seller != 10**6:
        refuse(
            f"{at}funding",
            f"{document.funding.platform} % and {document.funding.seller} % do not make 100 %.",
            "Say of both who pays which part.",
        )
    if document.charged_to != "seller" and kind != "FEE":
        refuse(f"{at}charged_to", f"a {kind} is not charged to whom one likes; a FEE is.", "Remove it.")
    if kind == "TAX" and document.caps != Caps():
        refuse(f"{at}caps", "a TAX has no cap.", "Remove it.")
    group = document.stacking_group
    if group != group.upper() and group.upper() in (DEFAULT_GROUP, EXCLUSIVE_GROUP):
        refuse(f"{at}stacking_group", f"{group!r} is written like this: {group.upper()}.", None)


def _check_own_references(document: PricingRuleDocument, at: str) -> None:
    seen: dict[str, str] = {}
    for place, field, key in references(document, at.rstrip(".")):
        if key == document.key:
            refuse(place, f"{key!r} refers to itself.", "Remove the reference.")
        if key in seen:
            contradiction = seen[key] != field
            refuse(
                place,
                f"{key!r} cannot both be excluded and come before."
                if contradiction
                else f"{key!r} is there twice.",
                "Remove one of the two.",
            )
        seen[key] = field
        if document.stacking_group == EXCLUSIVE_GROUP:
            refuse(
                place,
                "an EXCLUSIVE rule applies with nothing else of its type, so it neither follows nor excludes any.",
                "Remove the reference, or the exclusivity.",
            )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _less(one: str | None, other: str) -> bool:
    return one is not None and parse_decimal(one, 4, "", noun="number") < parse_decimal(
        other, 4, "", noun="number"
    )


def _one_of(names: Sequence[str]) -> str:
    return f"Take {names[0]}." if len(names) == 1 else f"Take {', '.join(names[:-1])} or {names[-1]}."
