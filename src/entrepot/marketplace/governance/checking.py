"""What is wrong with a centralized policy beyond the types of its fields: found before it is kept.

Every function raises InvalidInputError with the path of what is wrong.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NoReturn

from entrepot.kit.currencies import MINOR_DIGITS
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import compile_condition
from entrepot.marketplace.governance.schemas import (
    CommissionDocument,
    ComplianceDocument,
    EligibilityDocument,
    ExperimentDocument,
    FulfillmentDocument,
    GovernedDocument,
    OnboardingDocument,
    PayoutDocument,
    PromotionDocument,
    TaxDocument,
)
from entrepot.marketplace.governance.words import ANY, OWN_ENGINE, TESTED_KINDS


def refuse(path: str, message: str, hint: str | None = None) -> NoReturn:
    """Raise InvalidInputError."""
    raise InvalidInputError(f"{path}: {message}", hint=hint, where={"path": path})


def check_document(document: GovernedDocument, path: str = "") -> None:
    """Check a policy whole; `path` is where it stands in a file."""
    at = f"{path}." if path else ""
    start, end = document.effective_from, document.effective_to
    if start is not None and end is not None and end <= start:
        refuse(f"{at}effective_to", "the policy would end before it begins.", "The end is not part of it.")
    match document:
        case CommissionDocument():
            _check_commission(document, at)
        case PromotionDocument():
            _check_promotion(document, at)
        case PayoutDocument():
            _check_payout(document, at)
        case TaxDocument():
            _check_tax(document, at)
        case OnboardingDocument():
            _check_different(at, "steps", "step_name", [step.step_name for step in document.steps])
        case ComplianceDocument():
            _check_compliance(document, at)
        case FulfillmentDocument():
            _check_different(at, "allowed_channels", "", document.allowed_channels)
            if document.handling_days > document.delivery_sla_days:
                refuse(f"{at}handling_days", f"an order arrives within {document.delivery_sla_days} days.")
        case EligibilityDocument():
            _check_eligibility(document, at)
        case ExperimentDocument():
            _check_experiment(document, at)


def _check_commission(document: CommissionDocument, at: str) -> None:
    amounts = {
        f"{at}{name}": getattr(document, name)
        for name in ("fixed_fee_amount", "min_commission", "max_commission")
    }
    thresholds = {
        f"{at}volume_discounts[{index}].volume_threshold": one.volume_threshold
        for index, one in enumerate(document.volume_discounts)
    }
    _check_money(amounts | thresholds, document.currency, f"{at}currency")
    least, most = document.min_commission, document.max_commission
    if least is not None and most is not None and most < least:
        refuse(f"{at}max_commission", f"it is below the least commission, {least}.")
    _check_different(at, "rates", "category", [rate.category for rate in document.rates])
    before = None
    for index, one in enumerate(document.volume_discounts):
        place = f"{at}volume_discounts[{index}]"
        if before is not None and one.volume_threshold <= before.volume_threshold:
            refuse(
                f"{place}.volume_threshold",
                f"{one.volume_threshold} does not come after {before.volume_threshold}.",
            )
        if before is not None and one.volume_discount < before.volume_discount:
            refuse(
                f"{place}.volume_discount",
                "whoever sells more would pay more.",
                "Raise it from step to step.",
            )
        before = one


def _check_promotion(document: PromotionDocument, at: str) -> None:
    amounts = {
        f"{at}{name}": getattr(document, name) for name in ("max_discount_amount", "max_cart_discount_amount")
    }
    _check_money(amounts, document.currency, f"{at}currency")
    one, all_of_them = document.max_discount_amount, document.max_cart_discount_amount
    if one is not None and all_of_them is not None and one > all_of_them:
        refuse(f"{at}max_discount_amount", f"it is above what all together may come to, {all_of_them}.")


def _check_payout(document: PayoutDocument, at: str) -> None:
    amounts: dict[str, Decimal | None] = {f"{at}minimum_threshold": document.minimum_threshold}
    amounts |= {f"{at}rules[{index}].threshold": rule.threshold for index, rule in enumerate(document.rules)}
    _check_money(amounts, document.currency, f"{at}currency")
    _check_different(at, "rules", "rule_name", [rule.rule_name for rule in document.rules])
    if document.rolling_reserve_percentage and not document.reserve_release_days:
        refuse(f"{at}reserve_release_days", "a reserve that is held back is paid some day.", "Give the days.")
    for index, rule in enumerate(document.rules):
        place = f"{at}rules[{index}].eligibility_criteria"
        compile_condition(rule.eligibility_criteria, path=place)
        if not rule.eligibility_criteria and index + 1 < len(document.rules):
            refuse(place, f"it is met by everybody, so rules[{index + 1}] is never reached.", "Put it last.")


def _check_tax(document: TaxDocument, at: str) -> None:
    if document.country_code == ANY and (document.codes or document.nexus):
        refuse(f"{at}country_code", "regions and rates are those of one country.", "Name the country.")
    _check_different(at, "nexus", "region_code", [nexus.region_code for nexus in document.nexus])
    regions = {nexus.region_code for nexus in document.nexus}
    for index, nexus in enumerate(document.nexus):
        place = f"{at}nexus[{index}]"
        if nexus.region_code == ANY:
            refuse(
                f"{place}.region_code",
                "a nexus is in one region.",
                "Leave the list empty for the whole country.",
            )
        _check_money({f"{place}.sales_threshold": nexus.sales_threshold}, nexus.currency, f"{place}.currency")
    for index, code in enumerate(document.codes):
        place = f"{at}codes[{index}]"
        if (code.calculation_engine == OWN_ENGINE) != (code.tax_rate is not None):
            refuse(
                f"{place}.tax_rate",
                f"{OWN_ENGINE} needs the rate."
                if code.tax_rate is None
                else "a service outside knows its rates.",
            )
        if regions and code.region_code not in {ANY, *regions}:
            refuse(f"{place}.region_code", f"there is no nexus in {code.region_code}.", "Add it to `nexus`.")
    named = [(code.tax_code, code.region_code, code.tax_name) for code in document.codes]
    _check_different(at, "codes", "tax_name", named)
    known = {code.tax_code for code in document.codes}
    for name in ("default_tax_code", "shipping_tax_code"):
        given = getattr(document, name)
        if given is not None and given not in known:
            refuse(f"{at}{name}", f"`codes` has no {given}.", f"It has {', '.join(sorted(known)) or 'none'}.")


def _check_compliance(document: ComplianceDocument, at: str) -> None:
    _check_different(at, "prohibited_items", "", document.prohibited_items)
    _check_different(at, "restricted_categories", "", document.restricted_categories)
    given = [(one.region_code, one.category, one.certification_code) for one in document.certifications]
    _check_different(at, "certifications", "certification_code", given)


def _check_eligibility(document: EligibilityDocument, at: str) -> None:
    for name in ("prohibited_keywords", "prohibited_hazmat_classes", "protected_brands"):
        _check_different(at, name, "", getattr(document, name))
    for index, keyword in enumerate(document.prohibited_keywords):
        if not keyword.strip():
            refuse(f"{at}prohibited_keywords[{index}]", "a word has a letter or a digit.")
    _check_different(at, "gates", "category", [gate.category for gate in document.gates])
    for index, gate in enumerate(document.gates):
        if gate.minimum_seller_tier is None and gate.required_approval is None:
            refuse(f"{at}gates[{index}]", "the gate stands open.", "Give a tier or an approval.")


def _check_experiment(document: ExperimentDocument, at: str) -> None:
    if document.policy_kind not in TESTED_KINDS:
        refuse(
            f"{at}policy_kind",
            f"there is no {document.policy_kind!r} to test.",
            f"It is one of {', '.join(TESTED_KINDS)}.",
        )
    if document.is_trial:
        refuse(f"{at}is_trial", "a test is itself no trial of another.", "Remove it.")
    _check_different(at, "variants", "variant_key", [variant.variant_key for variant in document.variants])


def _check_money(amounts: dict[str, Decimal | None], currency: str | None, currency_path: str) -> None:
    """Amounts have a currency, and no more decimals than it has."""
    given = {path: amount for path, amount in amounts.items() if amount is not None}
    if currency is None:
        if given:
            refuse(
                currency_path,
                f"{next(iter(given))} is an amount, and no currency says of which.",
                "Such as EUR.",
            )
        return
    digits = MINOR_DIGITS.get(currency)
    if digits is None:
        refuse(currency_path, f"{currency!r} is not a currency (ISO 4217).")
    for path, amount in given.items():
        if amount != round(amount, digits):
            refuse(path, f"{amount} has more decimals than {currency} has ({digits}).", "Round it.")


def _check_different(at: str, field: str, name: str, values: Iterable[Any]) -> None:
    seen: dict[Any, int] = {}
    for index, value in enumerate(values):
        if value in seen:
            place = f"{at}{field}[{index}]" + (f".{name}" if name else "")
            refuse(place, f"it is the same as {field}[{seen[value]}].", "Name each once.")
        seen[value] = index
