"""Pricing rules, version by version; what was quoted by them; and rates between currencies."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.ddl import EXTRA_SQL
from entrepot.kit.db.tables import (
    Audit,
    Base,
    Partitions,
    Touch,
    created_at,
    key,
    one_of,
    table_args,
    timestamp,
    updated_at,
)
from entrepot.marketplace.columns import (
    PLATFORM_LOG,
    PLATFORM_ROWS,
    SCHEMA,
    platform_id,
    platform_reference,
)
from entrepot.marketplace.lifecycle import Part, Versioned, guard, versioned_args
from entrepot.marketplace.lifecycle.machine import PRICING_RULE

#: How long decisions are kept.
KEPT = timedelta(days=730)


class PricingRuleDefinition(Versioned, Base):
    """One version of a pricing rule: what kind of amount it makes, on what, when, and who pays."""

    __tablename__ = "hm_pricing_rule_definition"
    __table_args__ = versioned_args(
        SCHEMA,
        __doc__,
        PRICING_RULE,
        "rule_key",
        one_of("rule_type", "DISCOUNT", "SURCHARGE", "FEE", "COMMISSION", "TAX"),
        one_of("rule_level", "line", "cart", "shipping"),
        one_of("charged_to", "buyer", "seller"),
        CheckConstraint("start_time < end_time", name="times"),
        CheckConstraint(
            "platform_funding_percent >= 0 AND seller_funding_percent >= 0 "
            "AND platform_funding_percent + seller_funding_percent = 100",
            name="funding",
        ),
    )

    rule_key: Mapped[str] = mapped_column(String(100), comment="Name of the rule; its versions share it")
    rule_name: Mapped[str | None] = mapped_column(String(255), comment="Name for people")
    description: Mapped[str | None] = mapped_column(Text, comment="What it is there for")
    rule_type: Mapped[str] = mapped_column(String(50), comment="DISCOUNT, SURCHARGE, FEE, COMMISSION or TAX")
    rule_level: Mapped[str] = mapped_column(
        String(10), server_default=text("'line'"), comment="What it is reckoned on: line, cart or shipping"
    )
    owner_service: Mapped[str | None] = mapped_column(String(100), comment="Service that answers for it")
    start_time: Mapped[datetime | None] = timestamp("From when it holds, inclusive", nullable=True)
    end_time: Mapped[datetime | None] = timestamp("Until when it holds, exclusive", nullable=True)
    charged_to: Mapped[str] = mapped_column(
        String(10), server_default=text("'seller'"), comment="Of a FEE: who pays it, buyer or seller"
    )
    platform_funding_percent: Mapped[Decimal] = mapped_column(
        Numeric(7, 4), server_default=text("0"), comment="Of a DISCOUNT: the platform's share of it"
    )
    seller_funding_percent: Mapped[Decimal] = mapped_column(
        Numeric(7, 4), server_default=text("100"), comment="Of a DISCOUNT: the seller's share of it"
    )


class PricingRuleCondition(Base):
    """When a version of a pricing rule holds, and which lines one on the cart covers."""

    __tablename__ = "hm_pricing_rule_condition"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_ROWS,
        platform_reference("rule_id", "marketplace.hm_pricing_rule_definition", ondelete="CASCADE"),
        UniqueConstraint("platform_id", "rule_id", name="uq_pricing_rule_condition"),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    rule_id: Mapped[UUID] = mapped_column(Uuid, comment="Version that it belongs to")
    condition_json: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment='When the rule holds: {"line.category": "ELECTRONICS"}; always where empty'
    )
    lines_json: Mapped[dict[str, Any]] = mapped_column(
        JSONB,
        server_default=text("'{}'"),
        comment="Of a rule on the cart: which lines it covers; all where empty",
    )


class PricingRuleAction(Base):
    """What a version of a pricing rule does."""

    __tablename__ = "hm_pricing_rule_action"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_ROWS,
        platform_reference("rule_id", "marketplace.hm_pricing_rule_definition", ondelete="CASCADE"),
        UniqueConstraint("platform_id", "rule_id", name="uq_pricing_rule_action"),
        one_of(
            "action_type",
            "PERCENTAGE_OFF",
            "PERCENTAGE",
            "FIXED_AMOUNT",
            "OVERRIDE",
            "PER_UNIT",
            "TIERED",
            "BUY_X_GET_Y",
            "FREE_SHIPPING",
        ),
        CheckConstraint("rule_value >= 0", name="value"),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    rule_id: Mapped[UUID] = mapped_column(Uuid, comment="Version that it belongs to")
    action_type: Mapped[str] = mapped_column(
        String(50), comment="What it does: PERCENTAGE_OFF, FIXED_AMOUNT …"
    )
    rule_value: Mapped[Decimal | None] = mapped_column(
        Numeric(19, 4), comment="Percentage or amount; null where the parameters say it"
    )
    currency: Mapped[str | None] = mapped_column(
        String(3), comment="Currency of every amount in the rule (ISO 4217); null where there is none"
    )
    parameters: Mapped[dict[str, Any]] = mapped_column(
        JSONB,
        server_default=text("'{}'"),
        comment="The steps of a scale, units bought and got, caps, floor, inclusive, compound",
    )


class PricingPriority(Base):
    """Which of several pricing rules comes first, and which it goes with."""

    __tablename__ = "hm_pricing_priority"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_ROWS,
        platform_reference("rule_id", "marketplace.hm_pricing_rule_definition", ondelete="CASCADE"),
        UniqueConstraint("platform_id", "rule_id", name="uq_pricing_priority"),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    rule_id: Mapped[UUID] = mapped_column(Uuid, comment="Version that it belongs to")
    priority_score: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Higher wins, and is reckoned first"
    )
    stacking_group: Mapped[str] = mapped_column(
        String(50),
        server_default=text("'DEFAULT'"),
        comment="DEFAULT goes with all, EXCLUSIVE with none of its type; of any other group one rule applies",
    )
    after_rules: Mapped[list[str]] = mapped_column(
        ARRAY(Text), server_default=text("'{}'"), comment="Keys of rules that are reckoned before it"
    )
    excluded_rules: Mapped[list[str]] = mapped_column(
        ARRAY(Text), server_default=text("'{}'"), comment="Keys of rules that do not apply where it does"
    )


class PricingDecisionLog(Base):
    """A quote as it was given: the cart, the rules with their content, the rates, every figure and every step."""

    __tablename__ = "hm_pricing_decision_log"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_LOG,
        Partitions("decision_time", retain=KEPT),
        CheckConstraint("original_price >= 0 AND final_price >= 0", name="prices"),
        Index("idx_pricing_decision_time", "platform_id", "decision_time", "id"),
        Index("idx_pricing_decision_transaction", "platform_id", "transaction_id", "decision_time", "id"),
    )

    id: Mapped[UUID] = key("Identifier, ordered by decision_time (UUIDv7)")
    platform_id: Mapped[UUID] = platform_id()
    transaction_id: Mapped[str] = mapped_column(
        String(100),
        comment="Order, cart or whatever else was quoted; the decision's own id where none was named",
    )
    original_price: Mapped[Decimal] = mapped_column(
        Numeric(19, 4), comment="Prices of all lines and the shipping, before any rule"
    )
    final_price: Mapped[Decimal] = mapped_column(Numeric(19, 4), comment="What the buyer pays")
    currency: Mapped[str] = mapped_column(String(3), comment="Currency of every amount (ISO 4217)")
    rule_keys: Mapped[list[str]] = mapped_column(ARRAY(Text), comment="Keys of the rules that matched")
    applied_rules_json: Mapped[list[Any]] = mapped_column(
        JSONB,
        comment="The rules that matched, each with its version, its whole content and whether it applied",
    )
    # json, not jsonb: conditions compare objects with their names in order, which jsonb does not keep.
    cart_json: Mapped[dict[str, Any]] = mapped_column(
        JSON, comment="What was quoted, as it was given, and the moment that it was quoted for"
    )
    quote_json: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment="Every figure in minor units, and every step that led to them"
    )
    rates_json: Mapped[list[Any]] = mapped_column(
        JSONB, comment="The rates that were used, each with its date and source"
    )
    engine_version: Mapped[int] = mapped_column(
        Integer, comment="Way of reckoning: the same rules and cart give the same cents under the same one"
    )
    priced_for: Mapped[datetime] = timestamp("Moment that the price is for", nullable=False)
    trace_id: Mapped[str | None] = mapped_column(String(64), comment="Request that asked")
    decision_time: Mapped[datetime] = timestamp(
        "When it was quoted; chooses the partition", primary_key=True, server_default=text("now()")
    )


class CurrencyConversion(Base):
    """What one unit of a currency is worth in another, from a moment on."""

    __tablename__ = "hm_currency_conversion"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_ROWS,
        Touch(),
        Audit(),
        CheckConstraint("from_currency <> to_currency", name="currencies"),
        CheckConstraint("exchange_rate > 0", name="exchange_rate"),
        UniqueConstraint(
            "platform_id", "from_currency", "to_currency", "effective_date", name="uq_currency_conversion"
        ),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    from_currency: Mapped[str] = mapped_column(String(3), comment="Currency that is converted (ISO 4217)")
    to_currency: Mapped[str] = mapped_column(
        String(3), comment="Currency that it is converted into (ISO 4217)"
    )
    exchange_rate: Mapped[Decimal] = mapped_column(
        Numeric(19, 10), comment="Units of the second for one of the first"
    )
    effective_date: Mapped[datetime] = timestamp(
        "From when it holds, until the next one does", nullable=False
    )
    source: Mapped[str] = mapped_column(
        String(100), server_default=text("'manual'"), comment="Where the rate is from: ECB, a bank, manual"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


guard(
    PricingRuleDefinition,
    PRICING_RULE,
    engine="price",
    parts=(
        Part(PricingRuleCondition, "rule_id"),
        Part(PricingRuleAction, "rule_id"),
        Part(PricingPriority, "rule_id"),
    ),
)

#: Whoever holds the rules in memory holds the rates with them, and hears of both.
RATES_ANNOUNCED = """
CREATE FUNCTION marketplace.announce_rates() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed_platform uuid;
BEGIN
    FOR changed_platform IN SELECT DISTINCT platform_id FROM changed LOOP
        -- Rates that go with their platform need not be told of.
        IF EXISTS (SELECT FROM marketplace.hm_platform WHERE id = changed_platform) THEN
            PERFORM marketplace.announce_rules('price', changed_platform);
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION marketplace.announce_rates() IS
    'Announces changes of rates between currencies to whoever holds the pricing rules in memory.';
"""
EXTRA_SQL.append(
    RATES_ANNOUNCED
    + "".join(
        f"""
CREATE TRIGGER hm_currency_conversion_{operation} AFTER {operation.upper()} ON marketplace.hm_currency_conversion
    REFERENCING {"OLD" if operation == "delete" else "NEW"} TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION marketplace.announce_rates();
"""
        for operation in ("insert", "update", "delete")
    )
)
