"""Centralized policies as people write them: in YAML files, over HTTP, on the command line.

The fields are the columns of the tables, under the same names; lists are the tables of parts.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    field_validator,
)

from entrepot.marketplace.governance.words import (
    ANY,
    OWN_ENGINE,
    Channel,
    ComplianceType,
    DiscountType,
    EnforcementLevel,
    FeeBasis,
    Frequency,
    SellerType,
    TaxModel,
    Tier,
)
from entrepot.marketplace.rulebook.problems import Problem, join, refusal, validation_problems

VERSION_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,49}$"


def _as_moment(value: Any) -> Any:
    """A day, as YAML reads `2026-01-01` and as people write it, is its first moment in UTC."""
    if isinstance(value, str) and len(value) == len("2026-01-01"):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            return value
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    return value


def _in_utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


def _plain(value: Decimal) -> str:
    """A decimal without exponent and without zeros that say nothing."""
    written = format(value, "f")
    return written.rstrip("0").rstrip(".") if "." in written else written


def _exactly(value: Any) -> Any:
    """A number as its shortest decimal; yes and no are no numbers."""
    if isinstance(value, bool):
        raise ValueError("Input should be a number")
    return Decimal(repr(value)) if isinstance(value, float) else value


Moment = Annotated[AwareDatetime, BeforeValidator(_as_moment, json_schema_input_type=datetime | date)]
_Exact = (
    BeforeValidator(_exactly, json_schema_input_type=str | float),
    PlainSerializer(_plain, return_type=str),
)
Percent = Annotated[Decimal, *_Exact, Field(ge=0, le=100, max_digits=7, decimal_places=4, examples=["8.5"])]
Money = Annotated[Decimal, *_Exact, Field(ge=0, max_digits=19, decimal_places=4, examples=["19.90"])]
Kilograms = Annotated[Decimal, *_Exact, Field(gt=0, max_digits=10, decimal_places=3)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])]
Country = Annotated[str, Field(pattern=r"^([A-Z]{2}|\*)$", examples=["US"])]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Region = Annotated[str, Field(pattern=r"^([A-Z0-9][A-Z0-9-]{0,9}|\*)$", examples=["CA"])]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=50)]
Word = Annotated[str, Field(min_length=1, max_length=255)]


class Strict(BaseModel):
    """What refuses fields that it does not know, and does not change once it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class GovernedDocument(Strict):
    """What every centralized policy says: which version, for whom, and when."""

    policy_version: str = Field(
        pattern=VERSION_PATTERN, description="Name of the version.", examples=["2026.1-US-ARTISAN"]
    )
    country_code: Country = Field(default=ANY, description="Country that it is for; * for any.")
    seller_type: SellerType = Field(default=ANY, description="Type of seller that it is for; * for any.")
    policy_name: Word | None = Field(default=None, description="Name for people.")
    description: str | None = Field(default=None, min_length=1, max_length=10_000)
    regulatory_basis: str | None = Field(
        default=None, min_length=1, max_length=10_000, description="Law or contract that it rests on."
    )
    effective_from: Moment | None = Field(
        default=None, description="First moment in force; without it the moment of publication."
    )
    effective_to: Moment | None = Field(default=None, description="First moment no longer in force.")
    is_trial: bool = Field(
        default=False, strict=True, description="Only for sellers to whom an experiment gives it."
    )

    @field_validator("effective_from", "effective_to")
    @classmethod
    def _utc(cls, value: datetime | None) -> datetime | None:
        return value and _in_utc(value)

    @classmethod
    def parse(cls, given: Any, path: str = "") -> Self:
        """The document in a plain value; InvalidInputError with the path of what cannot be used."""
        if not isinstance(given, Mapping):
            raise refusal([Problem(path, "A policy is an object with fields.")])
        try:
            return cls.model_validate(dict(given))
        except ValidationError as error:
            found = validation_problems(cls, given, error)
            raise refusal([replace(one, path=join(path, one.path)) for one in found]) from error

    def as_plain(self) -> dict[str, Any]:
        """As JSON values, without what is left at its default."""
        return self.model_dump(mode="json", exclude_defaults=True)


class CategoryRate(Strict):
    """The commission rate of one category."""

    category: Name
    commission_rate: Percent


class VolumeDiscount(Strict):
    """What comes off every rate from a monthly volume on."""

    volume_threshold: Annotated[Money, Field(gt=0)] = Field(description="Sales in the month before.")
    volume_discount: Percent = Field(description="Percentage points that come off.")


class CommissionDocument(GovernedDocument):
    """What the platform takes from a sale."""

    base_commission_rate: Percent = Field(description="Percent, where a category has no rate of its own.")
    processing_fee_rate: Percent = Field(default=Decimal(0), description="Percent for taking the payment.")
    fixed_fee_amount: Money | None = Field(default=None, description="Fixed fee beside the rates.")
    fixed_fee_per: FeeBasis = Field(default="ORDER", description="What the fixed fee is charged for.")
    min_commission: Money | None = Field(default=None, description="Least commission of a line.")
    max_commission: Money | None = Field(default=None, description="Most commission of a line.")
    currency: Currency | None = Field(default=None, description="Currency of every amount.")
    rates: tuple[CategoryRate, ...] = ()
    volume_discounts: tuple[VolumeDiscount, ...] = Field(default=(), description="In ascending order.")


class PromotionDocument(GovernedDocument):
    """What a discount may come to, and who pays for it."""

    promotion_name: Word
    default_discount_type: DiscountType = "PERCENTAGE"
    max_discount_percentage: Percent | None = Field(
        default=None, description="Most that one promotion takes off."
    )
    max_discount_amount: Money | None = Field(default=None, description="Most that one takes off a cart.")
    max_cart_discount_amount: Money | None = Field(default=None, description="Most that all take off a cart.")
    currency: Currency | None = None
    platform_co_funding_percentage: Percent = Field(
        default=Decimal(0), description="Share of the platform; the seller pays the rest."
    )


class PayoutRule(Strict):
    """Other terms for sellers who meet a condition; the first that is met holds."""

    rule_name: Name
    frequency: Frequency
    threshold: Money | None = None
    hold_period_days: int | None = Field(default=None, ge=0, le=365, strict=True)
    fee_percentage: Percent = Decimal(0)
    eligibility_criteria: dict[str, Any] = Field(
        default_factory=dict, examples=[{"sales_count": {"$gte": 100}, "rating": {"$gte": 4.5}}]
    )


class PayoutDocument(GovernedDocument):
    """When sellers are paid, and what is held back."""

    default_frequency: Frequency
    minimum_threshold: Money
    currency: Currency
    hold_period_days: int = Field(ge=0, le=365, strict=True)
    rolling_reserve_percentage: Percent = Decimal(0)
    reserve_release_days: int = Field(default=0, ge=0, le=730, strict=True)
    rules: tuple[PayoutRule, ...] = ()


class Nexus(Strict):
    """A region in which tax is collected."""

    region_code: Region
    sales_threshold: Money | None = Field(
        default=None, description="Sales into the region in a year from which on it holds."
    )
    currency: Currency | None = None


class TaxCode(Strict):
    """What reckons the tax of one product tax code in a region."""

    tax_code: Code
    region_code: Region = ANY
    tax_name: Code = "TAX"
    calculation_engine: Code = OWN_ENGINE
    tax_rate: Percent | None = None
    is_compound: bool = Field(default=False, strict=True)
    calculation_order: int = Field(default=0, ge=0, le=1000, strict=True)


class TaxDocument(GovernedDocument):
    """How sales into a country are taxed, and who collects."""

    tax_calculation_model: TaxModel = "DESTINATION_BASED"
    is_tax_inclusive: bool = Field(default=False, strict=True)
    is_marketplace_facilitator: bool = Field(default=True, strict=True)
    default_tax_code: Code | None = None
    shipping_tax_code: Code | None = None
    nexus: tuple[Nexus, ...] = ()
    codes: tuple[TaxCode, ...] = ()


class OnboardingStep(Strict):
    """A step of onboarding."""

    step_name: Name
    is_mandatory: bool = Field(default=True, strict=True)
    provider_name: Name | None = None
    max_retries: int = Field(default=0, ge=0, le=100, strict=True)
    sla_hours: int | None = Field(default=None, ge=1, le=8760, strict=True)
    configuration_json: dict[str, Any] = Field(default_factory=dict)


class OnboardingDocument(GovernedDocument):
    """What a new seller has to go through."""

    identity_required: bool = Field(default=True, strict=True)
    tax_required: bool = Field(default=True, strict=True)
    bank_required: bool = Field(default=True, strict=True)
    approval_required: bool = Field(default=True, strict=True)
    expires_after_days: int | None = Field(default=None, ge=1, le=3650, strict=True)
    reapply_after_days: int = Field(default=0, ge=0, le=3650, strict=True)
    steps: tuple[OnboardingStep, ...] = ()


class Certification(Strict):
    """A certification that products of a category need in a region."""

    category: Name
    certification_code: Code
    region_code: Region = ANY


class ComplianceDocument(GovernedDocument):
    """What the law forbids and demands."""

    policy_type: ComplianceType = "PRODUCT_SAFETY"
    enforcement_level: EnforcementLevel = "MANDATORY"
    minimum_compliance_score: int | None = Field(default=None, ge=0, le=100, strict=True)
    requires_annual_review: bool = Field(default=False, strict=True)
    requires_aml_check: bool = Field(default=False, strict=True)
    requires_data_protection: bool = Field(default=False, strict=True)
    prohibited_items: tuple[Word, ...] = ()
    restricted_categories: tuple[Word, ...] = ()
    policy_document_url: str | None = Field(default=None, max_length=500, pattern=r"^https?://")
    certifications: tuple[Certification, ...] = ()


class FulfillmentDocument(GovernedDocument):
    """How orders are sent."""

    allowed_channels: tuple[Channel, ...] = Field(min_length=1)
    max_weight_kg: Kilograms | None = None
    handling_days: int = Field(default=0, ge=0, le=365, strict=True)
    delivery_sla_days: int = Field(ge=1, le=365, strict=True)
    on_time_target_percentage: Percent | None = None
    packaging_standard: Name | None = None
    tracking_required: bool = Field(default=True, strict=True)


class Gate(Strict):
    """A gated category."""

    category: Name
    minimum_seller_tier: Tier | None = None
    required_approval: Name | None = None


class EligibilityDocument(GovernedDocument):
    """Which products may be sold, by whom, and after whose approval."""

    prohibited_keywords: tuple[Word, ...] = ()
    prohibited_hazmat_classes: tuple[Word, ...] = ()
    protected_brands: tuple[Word, ...] = ()
    gates: tuple[Gate, ...] = ()


class TestedVariant(Strict):
    """The version that sellers of a variant get."""

    variant_key: Annotated[str, Field(min_length=1, max_length=50)]
    policy_version: str = Field(
        pattern=VERSION_PATTERN, description="A trial of the same kind, country and seller type."
    )


class ExperimentDocument(GovernedDocument):
    """Which version a seller gets by the variant of an experiment."""

    policy_kind: str = Field(description="Kind of policy that is tested.")
    experiment_key: Annotated[str, Field(min_length=1, max_length=100)]
    variants: tuple[TestedVariant, ...] = Field(min_length=1)
