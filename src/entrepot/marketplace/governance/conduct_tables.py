"""The centralized policies about conduct: onboarding, compliance, fulfillment, eligibility, and tests of policies."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Integer, Numeric, String, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import Base, one_of
from entrepot.marketplace.columns import platform_reference
from entrepot.marketplace.governance.tables import (
    Governed,
    GovernedPart,
    govern,
    governed_args,
    part_args,
    position,
    refers_to_policy,
)
from entrepot.marketplace.governance.words import (
    ANY,
    CHANNELS,
    COMPLIANCE_TYPES,
    ENFORCEMENT_LEVELS,
    TESTED_KINDS,
    TIERS,
)

NO_TEXTS = text("'{}'")


def _texts(comment: str) -> Any:
    return mapped_column(ARRAY(String(255)), nullable=False, server_default=NO_TEXTS, comment=comment)


class OnboardingPolicy(Governed, Base):
    """What a new seller has to go through before they may sell."""

    __tablename__ = "hm_onboarding_policy"
    __table_args__ = governed_args(
        __doc__,
        "onboarding_policy",
        CheckConstraint("expires_after_days BETWEEN 1 AND 3650", name="expires_after_days"),
        CheckConstraint("reapply_after_days BETWEEN 0 AND 3650", name="reapply_after_days"),
    )

    identity_required: Mapped[bool] = mapped_column(
        Boolean,
        nullable=False,
        server_default=text("true"),
        comment="Whether the seller's identity is verified",
    )
    tax_required: Mapped[bool] = mapped_column(
        Boolean,
        nullable=False,
        server_default=text("true"),
        comment="Whether their tax registration is verified",
    )
    bank_required: Mapped[bool] = mapped_column(
        Boolean, nullable=False, server_default=text("true"), comment="Whether their bank account is verified"
    )
    approval_required: Mapped[bool] = mapped_column(
        Boolean, nullable=False, server_default=text("true"), comment="Whether a person approves at the end"
    )
    expires_after_days: Mapped[int | None] = mapped_column(
        Integer, comment="Days after which a case that has not come to its end expires; null for never"
    )
    reapply_after_days: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Days after a rejection until the seller may apply again"
    )


class OnboardingPolicyRule(GovernedPart, Base):
    """A step of onboarding: who carries it out, how often it may be tried, and how long it may take."""

    order_column = "step_order"
    __tablename__ = "hm_onboarding_policy_rule"
    __table_args__ = part_args(
        __doc__,
        "hm_onboarding_policy",
        "onboarding_policy_rule",
        UniqueConstraint("platform_id", "policy_id", "step_name", name="uq_onboarding_policy_rule_step"),
        CheckConstraint("max_retries BETWEEN 0 AND 100", name="max_retries"),
        CheckConstraint("sla_hours BETWEEN 1 AND 8760", name="sla_hours"),
        order="step_order",
    )

    step_order: Mapped[int] = position("Place among the steps, from 1")
    step_name: Mapped[str] = mapped_column(String(100), comment="Name of the step, once in the policy")
    is_mandatory: Mapped[bool] = mapped_column(
        Boolean, nullable=False, server_default=text("true"), comment="Whether the seller must complete it"
    )
    provider_name: Mapped[str | None] = mapped_column(String(100), comment="Service that carries it out")
    max_retries: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="How often it may be tried again after a failure"
    )
    sla_hours: Mapped[int | None] = mapped_column(Integer, comment="Hours within which it should be done")
    configuration_json: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="What the provider is told"
    )


class CompliancePolicy(Governed, Base):
    """What the law forbids and demands: prohibited items, restricted categories, certifications."""

    __tablename__ = "hm_compliance_policy"
    __table_args__ = governed_args(
        __doc__,
        "compliance_policy",
        one_of("policy_type", *COMPLIANCE_TYPES),
        one_of("enforcement_level", *ENFORCEMENT_LEVELS),
        CheckConstraint("minimum_compliance_score BETWEEN 0 AND 100", name="minimum_compliance_score"),
    )

    policy_type: Mapped[str] = mapped_column(
        String(50), server_default=text("'PRODUCT_SAFETY'"), comment="What it is about"
    )
    enforcement_level: Mapped[str] = mapped_column(
        String(20),
        server_default=text("'MANDATORY'"),
        comment="MANDATORY denies, RECOMMENDED has a person look, OPTIONAL only says so",
    )
    minimum_compliance_score: Mapped[int | None] = mapped_column(
        Integer, comment="Least compliance score of a seller, 0 to 100; null where none is asked"
    )
    requires_annual_review: Mapped[bool] = mapped_column(
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Whether sellers are reviewed every year",
    )
    requires_aml_check: Mapped[bool] = mapped_column(
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Whether sellers are checked for money laundering",
    )
    requires_data_protection: Mapped[bool] = mapped_column(
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Whether sellers must have agreed to the processing of personal data",
    )
    prohibited_items: Mapped[list[str]] = _texts("Types of product that nobody may sell")
    restricted_categories: Mapped[list[str]] = _texts("Categories in which a person looks at every product")
    policy_document_url: Mapped[str | None] = mapped_column(String(500), comment="Where its text can be read")


class CompliancePolicyCertification(GovernedPart, Base):
    """A certification that products of a category need in a region."""

    __tablename__ = "hm_compliance_policy_certification"
    __table_args__ = part_args(
        __doc__,
        "hm_compliance_policy",
        "compliance_policy_certification",
        UniqueConstraint(
            "platform_id",
            "policy_id",
            "region_code",
            "category",
            "certification_code",
            name="uq_compliance_policy_certification",
        ),
    )

    position: Mapped[int] = position()
    region_code: Mapped[str] = mapped_column(
        String(10), server_default=text(f"'{ANY}'"), comment="Region of sale, such as EU or US-CA; * for any"
    )
    category: Mapped[str] = mapped_column(String(100), comment="Category of the product; * for any")
    certification_code: Mapped[str] = mapped_column(String(50), comment="Certification, such as CE or CPC")


class FulfillmentPolicy(Governed, Base):
    """How orders are sent: through whom, how heavy, how fast, in what."""

    __tablename__ = "hm_fulfillment_policy"
    __table_args__ = governed_args(
        __doc__,
        "fulfillment_policy",
        CheckConstraint(
            f"cardinality(allowed_channels) > 0 AND allowed_channels <@ ARRAY[{', '.join(repr(one) for one in CHANNELS)}]::varchar[]",
            name="allowed_channels",
        ),
        CheckConstraint("max_weight_kg > 0", name="max_weight_kg"),
        CheckConstraint("delivery_sla_days BETWEEN 1 AND 365", name="delivery_sla_days"),
        CheckConstraint("handling_days BETWEEN 0 AND delivery_sla_days", name="handling_days"),
        CheckConstraint("on_time_target_percentage BETWEEN 0 AND 100", name="on_time_target_percentage"),
    )

    allowed_channels: Mapped[list[str]] = mapped_column(
        ARRAY(String(20)),
        comment="Who may send: FBA the platform, MFN the seller, DROPSHIP the seller's supplier",
    )
    max_weight_kg: Mapped[Decimal | None] = mapped_column(
        Numeric(10, 3), comment="Heaviest parcel in kilograms; null for any"
    )
    handling_days: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Working days from the order to the handover at most"
    )
    delivery_sla_days: Mapped[int] = mapped_column(
        Integer, comment="Days from the order to the delivery at most"
    )
    on_time_target_percentage: Mapped[Decimal | None] = mapped_column(
        Numeric(7, 4), comment="Percent of orders that must arrive in time; null where none is asked"
    )
    packaging_standard: Mapped[str | None] = mapped_column(
        String(100), comment="Standard that packaging meets, such as ISTA-6A; null for any"
    )
    tracking_required: Mapped[bool] = mapped_column(
        Boolean,
        nullable=False,
        server_default=text("true"),
        comment="Whether every parcel has a tracking number",
    )


class ProductEligibilityPolicy(Governed, Base):
    """Which products may be sold, by whom, and after whose approval."""

    __tablename__ = "hm_product_eligibility_policy"
    __table_args__ = governed_args(__doc__, "product_eligibility_policy")

    prohibited_keywords: Mapped[list[str]] = _texts(
        "Words that a title or description must not hold, in any case"
    )
    prohibited_hazmat_classes: Mapped[list[str]] = _texts("Classes of hazardous material that are not sold")
    protected_brands: Mapped[list[str]] = _texts("Brands whose owner must have authorized the seller")


class ProductEligibilityPolicyGate(GovernedPart, Base):
    """A gated category: the tier that a seller needs there, and the approval."""

    __tablename__ = "hm_product_eligibility_policy_gate"
    __table_args__ = part_args(
        __doc__,
        "hm_product_eligibility_policy",
        "product_eligibility_policy_gate",
        one_of("minimum_seller_tier", *TIERS),
        CheckConstraint("num_nonnulls(minimum_seller_tier, required_approval) > 0", name="gate"),
        UniqueConstraint("platform_id", "policy_id", "category", name="uq_product_eligibility_policy_gate"),
    )

    position: Mapped[int] = position()
    category: Mapped[str] = mapped_column(String(100), comment="Category that is gated")
    minimum_seller_tier: Mapped[str | None] = mapped_column(
        String(20), comment="Lowest tier of seller that may sell there; null for any"
    )
    required_approval: Mapped[str | None] = mapped_column(
        String(100), comment="Approval that the seller must hold; null for none"
    )


class PolicyExperimentFlags(Governed, Base):
    """A test of policies: which version a seller gets by the variant of an experiment that they are in."""

    __tablename__ = "hm_policy_experiment_flags"
    __table_args__ = governed_args(
        __doc__,
        "policy_experiment_flags",
        one_of("policy_kind", *TESTED_KINDS),
        UniqueConstraint("platform_id", "id", "policy_kind", name="uq_policy_experiment_flags_kind"),
        within=("policy_kind",),
    )

    policy_kind: Mapped[str] = mapped_column(String(20), comment="Kind of policy that is tested")
    experiment_key: Mapped[str] = mapped_column(
        String(100), comment="Experiment of the experiment engine that assigns the variants"
    )


class PolicyExperimentVariant(GovernedPart, Base):
    """The version that sellers of one variant get; those of a variant without a row keep the version in force."""

    __tablename__ = "hm_policy_experiment_variant"
    __table_args__ = part_args(
        __doc__,
        "hm_policy_experiment_flags",
        "policy_experiment_variant",
        platform_reference(
            ("policy_id", "policy_kind"),
            "marketplace.hm_policy_experiment_flags",
            target_columns=("id", "policy_kind"),
            ondelete="CASCADE",
        ),
        UniqueConstraint("platform_id", "policy_id", "variant_key", name="uq_policy_experiment_variant_key"),
    )

    position: Mapped[int] = position()
    policy_kind: Mapped[str] = mapped_column(String(20), comment="Kind of policy that is tested")
    variant_key: Mapped[str] = mapped_column(String(50), comment="Variant of the experiment")
    tested_policy_id: Mapped[UUID] = mapped_column(
        Uuid, comment="Version that its sellers get, in the table of the kind"
    )
    policy_version: Mapped[str] = mapped_column(String(50), comment="Name of that version")


govern(OnboardingPolicy, OnboardingPolicyRule)
govern(CompliancePolicy, CompliancePolicyCertification)
govern(FulfillmentPolicy)
govern(ProductEligibilityPolicy, ProductEligibilityPolicyGate)
govern(PolicyExperimentFlags, PolicyExperimentVariant)
refers_to_policy(PolicyExperimentVariant, "tested_policy_id")
