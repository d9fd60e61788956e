"""The centralized policies about money: commission, promotion, payout, tax."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, Integer, Numeric, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import Base, one_of
from entrepot.marketplace.governance.tables import (
    Governed,
    GovernedPart,
    currency_with,
    govern,
    governed_args,
    not_negative,
    part_args,
    percent,
    position,
)
from entrepot.marketplace.governance.words import (
    ANY,
    DISCOUNT_TYPES,
    FEE_BASES,
    FREQUENCIES,
    OWN_ENGINE,
    TAX_MODELS,
)

PERCENT = Numeric(7, 4)
MONEY = Numeric(19, 4)
CURRENCY = "Currency of the amounts (ISO 4217)"


class CommissionPolicy(Governed, Base):
    """What the platform takes from a sale: the base rate, the processing fee and the fixed fee, and their bounds."""

    __tablename__ = "hm_commission_policy"
    __table_args__ = governed_args(
        __doc__,
        "commission_policy",
        percent("base_commission_rate"),
        percent("processing_fee_rate"),
        one_of("fixed_fee_per", *FEE_BASES),
        *not_negative("fixed_fee_amount", "min_commission"),
        CheckConstraint("max_commission >= coalesce(min_commission, 0)", name="max_commission"),
        currency_with("fixed_fee_amount", "min_commission", "max_commission"),
    )

    base_commission_rate: Mapped[Decimal] = mapped_column(
        PERCENT, comment="Percent of the price of a line, where its category has no rate of its own"
    )
    processing_fee_rate: Mapped[Decimal] = mapped_column(
        PERCENT, server_default=text("0"), comment="Percent of the price of a line for taking the payment"
    )
    fixed_fee_amount: Mapped[Decimal | None] = mapped_column(
        MONEY, comment="Fixed fee beside the rates, in `currency`"
    )
    fixed_fee_per: Mapped[str] = mapped_column(
        String(10),
        server_default=text("'ORDER'"),
        comment="What the fixed fee is charged for: ORDER, LINE or UNIT",
    )
    min_commission: Mapped[Decimal | None] = mapped_column(
        MONEY, comment="Least commission of a line, in `currency`"
    )
    max_commission: Mapped[Decimal | None] = mapped_column(
        MONEY, comment="Most commission of a line, in `currency`"
    )
    currency: Mapped[str | None] = mapped_column(String(3), comment=CURRENCY)


class CommissionPolicyRate(GovernedPart, Base):
    """The commission rate of one category, in place of the base rate."""

    __tablename__ = "hm_commission_policy_rate"
    __table_args__ = part_args(
        __doc__,
        "hm_commission_policy",
        "commission_policy_rate",
        percent("commission_rate"),
        UniqueConstraint("platform_id", "policy_id", "category", name="uq_commission_policy_rate_category"),
    )

    position: Mapped[int] = position()
    category: Mapped[str] = mapped_column(String(100), comment="Category of the line")
    commission_rate: Mapped[Decimal] = mapped_column(PERCENT, comment="Percent of the price of the line")


class CommissionPolicyVolume(GovernedPart, Base):
    """What comes off every commission rate from a monthly volume on."""

    __tablename__ = "hm_commission_policy_volume"
    __table_args__ = part_args(
        __doc__,
        "hm_commission_policy",
        "commission_policy_volume",
        percent("volume_discount"),
        CheckConstraint("volume_threshold > 0", name="volume_threshold"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        UniqueConstraint(
            "platform_id", "policy_id", "volume_threshold", name="uq_commission_policy_volume_threshold"
        ),
    )

    position: Mapped[int] = position()
    volume_threshold: Mapped[Decimal] = mapped_column(
        MONEY, comment="Sales of the seller in the month before from which on it holds, in `currency`"
    )
    currency: Mapped[str] = mapped_column(String(3), comment="Currency of the threshold (ISO 4217)")
    volume_discount: Mapped[Decimal] = mapped_column(
        PERCENT, comment="Percentage points that come off the rate; a rate never falls below zero"
    )


class PromotionPolicy(Governed, Base):
    """What a discount may come to, and who pays for it."""

    __tablename__ = "hm_promotion_policy"
    __table_args__ = governed_args(
        __doc__,
        "promotion_policy",
        one_of("default_discount_type", *DISCOUNT_TYPES),
        percent("max_discount_percentage"),
        percent("platform_co_funding_percentage"),
        *not_negative("max_discount_amount", "max_cart_discount_amount"),
        currency_with("max_discount_amount", "max_cart_discount_amount"),
    )

    promotion_name: Mapped[str] = mapped_column(String(255), comment="Name of the program of promotions")
    default_discount_type: Mapped[str] = mapped_column(
        String(20), server_default=text("'PERCENTAGE'"), comment="What a new promotion starts as"
    )
    max_discount_percentage: Mapped[Decimal | None] = mapped_column(
        PERCENT, comment="Most that one promotion takes off a price, in percent"
    )
    max_discount_amount: Mapped[Decimal | None] = mapped_column(
        MONEY, comment="Most that one promotion takes off a cart, in `currency`"
    )
    max_cart_discount_amount: Mapped[Decimal | None] = mapped_column(
        MONEY, comment="Most that all promotions together take off a cart, in `currency`"
    )
    currency: Mapped[str | None] = mapped_column(String(3), comment=CURRENCY)
    platform_co_funding_percentage: Mapped[Decimal] = mapped_column(
        PERCENT,
        server_default=text("0"),
        comment="Percent of a discount that the platform pays; the seller pays the rest",
    )


class PayoutPolicy(Governed, Base):
    """When sellers are paid, and what is held back."""

    __tablename__ = "hm_payout_policy"
    __table_args__ = governed_args(
        __doc__,
        "payout_policy",
        one_of("default_frequency", *FREQUENCIES),
        percent("rolling_reserve_percentage"),
        CheckConstraint("hold_period_days BETWEEN 0 AND 365", name="hold_period_days"),
        CheckConstraint("reserve_release_days BETWEEN 0 AND 730", name="reserve_release_days"),
        *not_negative("minimum_threshold"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
    )

    default_frequency: Mapped[str] = mapped_column(
        String(20), comment="How often a seller is paid, where no rule says otherwise"
    )
    minimum_threshold: Mapped[Decimal] = mapped_column(
        MONEY, comment="Least amount that is paid out, in `currency`"
    )
    currency: Mapped[str] = mapped_column(String(3), comment=CURRENCY)
    hold_period_days: Mapped[int] = mapped_column(
        Integer, comment="Days after delivery until a sale can be paid out"
    )
    rolling_reserve_percentage: Mapped[Decimal] = mapped_column(
        PERCENT, server_default=text("0"), comment="Percent of a payout that is held back for refunds"
    )
    reserve_release_days: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Days after which what was held back is paid"
    )


class PayoutPolicyRule(GovernedPart, Base):
    """Other terms of payout for sellers who meet a condition; the first rule that is met holds."""

    order_column = "rule_order"
    __tablename__ = "hm_payout_policy_rule"
    __table_args__ = part_args(
        __doc__,
        "hm_payout_policy",
        "payout_policy_rule",
        one_of("frequency", *FREQUENCIES),
        percent("fee_percentage"),
        CheckConstraint("hold_period_days BETWEEN 0 AND 365", name="hold_period_days"),
        *not_negative("threshold"),
        UniqueConstraint("platform_id", "policy_id", "rule_name", name="uq_payout_policy_rule_name"),
        order="rule_order",
    )

    rule_order: Mapped[int] = position(
        "Place among the rules of its policy, from 1; the first that is met holds"
    )
    rule_name: Mapped[str] = mapped_column(String(100), comment="Name of the rule, such as Express")
    frequency: Mapped[str] = mapped_column(String(20), comment="How often the seller is paid")
    threshold: Mapped[Decimal | None] = mapped_column(
        MONEY, comment="Least amount that is paid out, in the policy's currency; null for the policy's"
    )
    hold_period_days: Mapped[int | None] = mapped_column(
        Integer, comment="Days until a sale can be paid out; null for the policy's"
    )
    fee_percentage: Mapped[Decimal] = mapped_column(
        PERCENT,
        server_default=text("0"),
        comment="Percent of the payout that the seller pays for these terms",
    )
    eligibility_criteria: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="Condition on the seller (the rules language)"
    )


class TaxPolicy(Governed, Base):
    """How sales into a country are taxed, and who collects."""

    __tablename__ = "hm_tax_policy"
    __table_args__ = governed_args(__doc__, "tax_policy", one_of("tax_calculation_model", *TAX_MODELS))

    tax_calculation_model: Mapped[str] = mapped_column(
        String(20),
        server_default=text("'DESTINATION_BASED'"),
        comment="Whose region decides: the buyer's (DESTINATION_BASED) or the seller's (ORIGIN_BASED)",
    )
    is_tax_inclusive: Mapped[bool] = mapped_column(
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Whether prices contain the tax already",
    )
    is_marketplace_facilitator: Mapped[bool] = mapped_column(
        Boolean,
        nullable=False,
        server_default=text("true"),
        comment="Whether the platform collects and remits in the seller's place",
    )
    default_tax_code: Mapped[str | None] = mapped_column(
        String(50), comment="Tax code of products that have none"
    )
    shipping_tax_code: Mapped[str | None] = mapped_column(
        String(50), comment="Tax code of the shipping; null where it is not taxed"
    )


class TaxPolicyNexus(GovernedPart, Base):
    """A region in which tax has to be collected; a policy without any collects in the whole country."""

    __tablename__ = "hm_tax_policy_nexus"
    __table_args__ = part_args(
        __doc__,
        "hm_tax_policy",
        "tax_policy_nexus",
        *not_negative("sales_threshold"),
        currency_with("sales_threshold"),
        UniqueConstraint("platform_id", "policy_id", "region_code", name="uq_tax_policy_nexus_region"),
    )

    position: Mapped[int] = position()
    region_code: Mapped[str] = mapped_column(
        String(10), comment="State or province (ISO 3166-2 without the country)"
    )
    sales_threshold: Mapped[Decimal | None] = mapped_column(
        MONEY,
        comment="Sales into the region in a year from which on it holds, in `currency`; null for the first",
    )
    currency: Mapped[str | None] = mapped_column(String(3), comment="Currency of the threshold (ISO 4217)")


class TaxPolicyCode(GovernedPart, Base):
    """What reckons the tax of one product tax code in a region, and its rate where that is the pricing engine."""

    __tablename__ = "hm_tax_policy_code"
    __table_args__ = part_args(
        __doc__,
        "hm_tax_policy",
        "tax_policy_code",
        percent("tax_rate"),
        CheckConstraint(
            f"(calculation_engine = '{OWN_ENGINE}') = (tax_rate IS NOT NULL)", name="calculation_engine"
        ),
        UniqueConstraint(
            "platform_id", "policy_id", "tax_code", "region_code", "tax_name", name="uq_tax_policy_code"
        ),
    )

    position: Mapped[int] = position()
    tax_code: Mapped[str] = mapped_column(String(50), comment="Product tax code, such as GEN or BOOKS")
    region_code: Mapped[str] = mapped_column(
        String(10), server_default=text(f"'{ANY}'"), comment="State or province; * for every one with nexus"
    )
    tax_name: Mapped[str] = mapped_column(
        String(50),
        server_default=text("'TAX'"),
        comment="Which of several taxes on the same thing, such as GST or QST",
    )
    calculation_engine: Mapped[str] = mapped_column(
        String(50),
        server_default=text(f"'{OWN_ENGINE}'"),
        comment="What reckons it: PRICING for the pricing engine, or the name of a service",
    )
    tax_rate: Mapped[Decimal | None] = mapped_column(PERCENT, comment="Percent; null for a service outside")
    is_compound: Mapped[bool] = mapped_column(
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Whether it is reckoned on the taxes before it too",
    )
    calculation_order: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Taxes of a lower number are reckoned first"
    )


govern(CommissionPolicy, CommissionPolicyRate, CommissionPolicyVolume)
govern(PromotionPolicy)
govern(PayoutPolicy, PayoutPolicyRule)
govern(TaxPolicy, TaxPolicyNexus, TaxPolicyCode)
