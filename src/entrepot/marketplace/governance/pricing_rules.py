"""Commission and tax policies as rules of the pricing engine, and what a promotion policy makes of a discount.

Pure: a policy's document in, pricing documents out. A rule holds where the seller stands under the policy, which a cart
says as `seller.policies.KIND`, so that any number of versions can be enacted at the same time and each seller meets
exactly one: the one in force for them, the one that they are locked onto, or the one that an experiment gives them.

Facts that the rules ask for, beside the cart's own: `seller.monthly_volume` (sales of the month before, in the policy's
currency), `seller.region_sales` (sales into the buyer's region in a year), `buyer.region` or `seller.region`,
`line.category`, `line.tax_code`.
"""

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Any, NoReturn

from entrepot.kit.currencies import MINOR_DIGITS
from entrepot.marketplace.governance.checking import refuse
from entrepot.marketplace.governance.schemas import (
    CommissionDocument,
    GovernedDocument,
    Nexus,
    PromotionDocument,
    TaxCode,
    TaxDocument,
)
from entrepot.marketplace.governance.words import ANY, OWN_ENGINE
from entrepot.marketplace.pricing.schemas import Action, Caps, Funding, PricingRuleDocument, Tier

OWNER = "governance"


def standing(kind: str) -> str:
    """The fact that says under which version of a kind a seller stands."""
    return f"seller.policies.{kind}"


def pricing_rules(document: GovernedDocument, reference: str) -> list[PricingRuleDocument]:
    """The rules of a commission or tax policy; none for every other kind."""
    match document:
        case CommissionDocument():
            return [*_commission_rules(document, reference)]
        case TaxDocument():
            return [*_tax_rules(document, reference)]
    return []


def _commission_rules(document: CommissionDocument, reference: str) -> Iterator[PricingRuleDocument]:
    under = {standing("commission"): reference}
    categories = [rate.category for rate in document.rates]
    everything_else: dict[str, Any] = {"line.category": {"$nin": categories}} if categories else {}
    rates = [("base", everything_else, document.base_commission_rate)]
    rates += [
        (f"c{number}", {"line.category": rate.category}, rate.commission_rate)
        for number, rate in enumerate(document.rates, 1)
    ]
    for name, lines, rate in rates:
        for band, volume, discount in _volumes(document):
            key = f"commission.{reference}.{name}{band}"
            condition = under | lines | volume
            yield from _commission(document, key, condition, max(rate - discount, Decimal(0)))
    if document.processing_fee_rate:
        yield _rule(
            f"processing.{reference}",
            "FEE",
            under,
            Action(type="PERCENTAGE", value=document.processing_fee_rate),
            name=f"Processing fee of {document.policy_version}",
        )
    if document.fixed_fee_amount:
        yield _rule(
            f"fixed-fee.{reference}",
            "FEE",
            under,
            Action(
                type="PER_UNIT" if document.fixed_fee_per == "UNIT" else "FIXED_AMOUNT",
                value=document.fixed_fee_amount,
                currency=document.currency,
            ),
            level="cart" if document.fixed_fee_per == "ORDER" else "line",
            name=f"Fixed fee of {document.policy_version}",
        )


def _volumes(document: CommissionDocument) -> Iterator[tuple[str, dict[str, Any], Decimal]]:
    """Suffix, condition and discount of each band of volume; a seller without a volume is in the lowest."""
    fact = "seller.monthly_volume"
    steps = document.volume_discounts
    if not steps:
        yield "", {}, Decimal(0)
        return
    yield "", {"$not": {fact: {"$gte": _number(steps[0].volume_threshold)}}}, Decimal(0)
    for number, step in enumerate(steps, 1):
        within: dict[str, Any] = {"$gte": _number(step.volume_threshold)}
        if number < len(steps):
            within["$lt"] = _number(steps[number].volume_threshold)
        yield f".v{number}", {fact: within}, step.volume_discount


def _commission(
    document: CommissionDocument, key: str, condition: dict[str, Any], rate: Decimal
) -> Iterator[PricingRuleDocument]:
    """A rate within its bounds: by itself, or with a least commission as two scales of which one gives nothing."""
    name = f"Commission of {document.policy_version}"
    least, most = document.min_commission or None, document.max_commission
    bounded = {"currency": document.currency} if least is not None or most is not None else {}
    caps = Caps(line=most) if most is not None else Caps()
    if least is None:
        yield _rule(
            key,
            "COMMISSION",
            condition,
            Action(type="PERCENTAGE", value=rate, **bounded),
            name=name,
            caps=caps,
        )
        return
    if not rate:
        fixed = Action(type="FIXED_AMOUNT", value=least, **bounded)
        yield _rule(key, "COMMISSION", condition, fixed, name=f"Least {name.lower()}", caps=caps)
        return
    # Below this price of a line the rate comes to less than the least commission; exact, since prices are whole cents.
    enough = (least * 100 / rate).quantize(
        Decimal(1).scaleb(-MINOR_DIGITS[document.currency or ""]), ROUND_CEILING
    )
    by_rate = Action(
        type="TIERED", by="amount", unit="PERCENTAGE", tiers=(Tier(start=enough, value=rate),), **bounded
    )
    at_least = Action(
        type="TIERED",
        by="amount",
        unit="FIXED_AMOUNT",
        tiers=(Tier(start=Decimal(0), value=least), Tier(start=enough, value=Decimal(0))),
        **bounded,
    )
    yield _rule(key, "COMMISSION", condition, by_rate, name=name, caps=caps)
    yield _rule(f"{key}.min", "COMMISSION", condition, at_least, name=f"Least {name.lower()}")


def _tax_rules(document: TaxDocument, reference: str) -> Iterator[PricingRuleDocument]:
    for number, code in enumerate(document.codes, 1):
        if code.calculation_engine != OWN_ENGINE:
            continue
        for place, nexus in enumerate(_nexus_of(document, code)):
            where = {standing("tax"): reference} | _region(document, code, nexus)
            key = f"tax.{reference}.t{number}" + (f".n{place}" if place else "")
            yield _tax(document, code, key, where | _taxed(document, code), "line")
            if code.tax_code == document.shipping_tax_code:
                yield _tax(document, code, f"{key}.shipping", where, "shipping")


def _nexus_of(document: TaxDocument, code: TaxCode) -> list[Nexus | None]:
    """The regions in which a code is collected: those with a threshold one by one, the others together as None."""
    among = [one for one in document.nexus if code.region_code in (ANY, one.region_code)]
    by_threshold: list[Nexus | None] = [one for one in among if one.sales_threshold is not None]
    together = not document.nexus or any(one.sales_threshold is None for one in among)
    return [None, *by_threshold] if together else [*by_threshold]


def _region(document: TaxDocument, code: TaxCode, nexus: Nexus | None) -> dict[str, Any]:
    fact = "buyer.region" if document.tax_calculation_model == "DESTINATION_BASED" else "seller.region"
    if nexus is not None:
        return {
            fact: nexus.region_code,
            "seller.region_sales": {"$gte": _number(nexus.sales_threshold or Decimal(0))},
        }
    if code.region_code != ANY:
        return {fact: code.region_code}
    regions = sorted(one.region_code for one in document.nexus if one.sales_threshold is None)
    return {fact: {"$in": regions}} if regions else {}


def _taxed(document: TaxDocument, code: TaxCode) -> dict[str, Any]:
    """Which lines a code is for: those that have it, and where it is the default those that have none."""
    own = {"line.tax_code": code.tax_code}
    return {"$or": [own, {"line.tax_code": None}]} if code.tax_code == document.default_tax_code else own


def _tax(
    document: TaxDocument, code: TaxCode, key: str, condition: dict[str, Any], level: Any
) -> PricingRuleDocument:
    action = Action(
        type="PERCENTAGE",
        value=code.tax_rate,
        inclusive=document.is_tax_inclusive,
        compound=code.is_compound,
    )
    name = f"{code.tax_name} {code.tax_code} of {document.policy_version}"
    # The pricing engine reckons higher priorities first.
    return _rule(
        key, "TAX", condition, action, level=level, name=name, priority=1000 - code.calculation_order
    )


def govern_discount(
    policy: PromotionDocument, reference: str, discount: PricingRuleDocument, path: str = ""
) -> PricingRuleDocument:
    """A discount held to a promotion policy: within its caps, funded as it says, for sellers who stand under it.

    Raises InvalidInputError, with the path in the discount, for one that goes beyond what the policy allows.
    """
    at = f"{path}." if path else ""
    if discount.type != "DISCOUNT":
        refuse(f"{at}type", f"a promotion is a DISCOUNT, and this is a {discount.type}.")
    _check_percentages(policy, discount, at)
    funding = _funding(policy)
    if "funding" in discount.model_fields_set and discount.funding != funding:
        _refuse_funding(policy, at, "Leave it out.")
    fact = standing("promotion")
    if discount.condition.get(fact, reference) != reference:
        refuse(f"{at}condition.{fact}", f"the policy that governs it is {reference}.", "Leave it out.")
    values: dict[str, Any] = {"funding": funding, "condition": {**discount.condition, fact: reference}}
    if policy.currency is not None:
        values |= _capped(policy, discount, at)
    return discount.model_copy(update=values)


def check_held(policy: PromotionDocument, discount: PricingRuleDocument, path: str = "") -> None:
    """Raise InvalidInputError, with the path in the discount, unless it stays within a promotion policy as it is."""
    at = f"{path}." if path else ""
    hint = f"`entrepot governance discount FILE` gives it as {policy.policy_version} allows it."
    _check_percentages(policy, discount, at)
    if discount.funding != _funding(policy):
        _refuse_funding(policy, at, hint)
    if policy.currency is None:
        return
    _check_currency(policy, discount, at)
    caps = {"rule": policy.max_discount_amount, "cart": policy.max_cart_discount_amount}
    for name, most in caps.items():
        own = getattr(discount.caps, name)
        if most is not None and (own is None or Decimal(own) > most):
            refuse(
                f"{at}caps.{name}",
                f"{policy.policy_version} allows no more than {most:f} {policy.currency}.",
                hint,
            )


def _funding(policy: PromotionDocument) -> Funding:
    platform = policy.platform_co_funding_percentage
    return Funding(platform=platform, seller=Decimal(100) - platform)


def _refuse_funding(policy: PromotionDocument, at: str, hint: str) -> NoReturn:
    shares = _funding(policy)
    refuse(
        f"{at}funding",
        f"{policy.policy_version} has the platform pay {shares.platform} % and the seller {shares.seller} %.",
        hint,
    )


def _check_currency(policy: PromotionDocument, discount: PricingRuleDocument, at: str) -> None:
    if discount.action.currency not in (None, policy.currency):
        refuse(
            f"{at}action.currency",
            f"the caps of {policy.policy_version} are in {policy.currency}.",
            f"Give the amounts in {policy.currency}.",
        )


def _capped(policy: PromotionDocument, discount: PricingRuleDocument, at: str) -> dict[str, Any]:
    _check_currency(policy, discount, at)
    caps = Caps(
        rule=_least(discount.caps.rule, policy.max_discount_amount),
        line=discount.caps.line,
        cart=_least(discount.caps.cart, policy.max_cart_discount_amount),
    )
    return {"caps": caps, "action": discount.action.model_copy(update={"currency": policy.currency})}


def _check_percentages(policy: PromotionDocument, discount: PricingRuleDocument, at: str) -> None:
    most = policy.max_discount_percentage
    action = discount.action
    if most is None or discount.level == "shipping":
        return
    given: dict[str, Decimal] = {}
    if action.type == "PERCENTAGE_OFF" and action.value is not None:
        given["action.value"] = Decimal(action.value)
    elif action.type == "TIERED" and action.unit == "PERCENTAGE":
        given = {
            f"action.tiers[{index}].value": Decimal(tier.value) for index, tier in enumerate(action.tiers)
        }
    elif action.type == "BUY_X_GET_Y" and action.buy and action.get:
        given["action.get"] = Decimal(action.percent) * action.get / (action.buy + action.get)
    elif policy.max_discount_amount is None:
        refuse(
            f"{at}action.type",
            f"what {action.type} takes off in percent depends on the price, and {policy.policy_version} allows {most} %.",
            "Give a percentage, or the policy a max_discount_amount.",
        )
    for place, percentage in given.items():
        if percentage > most:
            refuse(
                f"{at}{place}",
                f"{percentage:f} % is more than the {most:f} % that {policy.policy_version} allows.",
            )


def _least(own: str | None, most: Decimal | None) -> str | Decimal | None:
    if own is None or most is None:
        return own if most is None else most
    return min(Decimal(own), most)


def _number(value: Decimal) -> int | float:
    """A decimal as the number that a condition compares with."""
    return int(value) if value == int(value) else float(value)


def _rule(
    key: str, rule_type: Any, condition: dict[str, Any], action: Action, *, name: str, **more: Any
) -> PricingRuleDocument:
    return PricingRuleDocument(
        key=key, name=name, type=rule_type, owner_service=OWNER, condition=condition, action=action, **more
    )
