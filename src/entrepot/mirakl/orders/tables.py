"""Customers, orders, their lines, and the history that is their state."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Identity,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import (
    Audit,
    Base,
    Touch,
    created_at,
    key,
    one_of,
    table_args,
    timestamp,
    updated_at,
)
from entrepot.mirakl.columns import ACCOUNT_LOG, ACCOUNT_ROWS, SCHEMA, account_id, account_reference, money
from entrepot.mirakl.values import ANSWERS, STATUSES


class Customer(Base):
    """A customer of a marketplace."""

    __tablename__ = "customers"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        Touch(),
        UniqueConstraint("account_id", "id", name="uq_customer_id"),
        UniqueConstraint("account_id", "mirakl_customer_id", name="uq_mirakl_customer"),
    )

    id: Mapped[UUID] = key("Our identifier of the customer")
    account_id: Mapped[UUID] = account_id()
    mirakl_customer_id: Mapped[str] = mapped_column(String(255), comment="The marketplace's identifier")
    firstname: Mapped[str | None] = mapped_column(String(255), comment="First name")
    lastname: Mapped[str | None] = mapped_column(String(255), comment="Last name")
    email: Mapped[str | None] = mapped_column(String(255), comment="Address, where the marketplace tells it")
    locale: Mapped[str | None] = mapped_column(String(20), comment="Language that the customer reads")
    is_blocked: Mapped[bool] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether orders wait for a person"
    )
    no_automatic_replies: Mapped[bool] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether the customer asked for none"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class Order(Base):
    """An order of a marketplace, as it was last read there."""

    __tablename__ = "orders"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        Touch(),
        account_reference("customer_id", "customers"),
        Index("idx_orders_state", "account_id", "mirakl_state"),
        Index("idx_orders_customer", "account_id", "customer_id"),
        Index("idx_orders_created", "account_id", text("order_created_at DESC")),
        Index(
            "idx_orders_deadline",
            "account_id",
            "acceptance_deadline",
            postgresql_where=text("mirakl_state = 'WAITING_ACCEPTANCE'"),
        ),
        Index(
            "idx_orders_shipping_deadline",
            "account_id",
            "shipping_deadline",
            postgresql_where=text("mirakl_state = 'SHIPPING'"),
        ),
        Index("idx_orders_next", "next_attempt_at", postgresql_where=text("next_attempt_at IS NOT NULL")),
    )

    account_id: Mapped[UUID] = account_id(primary_key=True)
    order_id: Mapped[str] = mapped_column(
        String(255), primary_key=True, comment="The marketplace's identifier"
    )
    commercial_id: Mapped[str | None] = mapped_column(
        String(255), comment="What the customer bought at once; may be several orders"
    )
    customer_id: Mapped[UUID | None] = mapped_column(Uuid, comment="Who ordered")
    mirakl_state: Mapped[str] = mapped_column(
        String(60),
        comment="State on the marketplace when last read; one that we do not know is kept as it came",
    )
    currency_code: Mapped[str] = mapped_column(String(3), comment="Currency of its amounts, ISO 4217")
    total_price: Mapped[Decimal] = money("What the customer pays, shipping included, tax excluded")
    shipping_price: Mapped[Decimal | None] = money("What the customer pays for shipping", nullable=True)
    total_commission: Mapped[Decimal | None] = money("What the marketplace keeps", nullable=True)
    shipping_address: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="Where it goes; null until it is told"
    )
    shipping_type_code: Mapped[str | None] = mapped_column(
        String(60), comment="Way of shipping that was asked for"
    )
    order_created_at: Mapped[datetime] = timestamp("When it was ordered", nullable=False)
    order_updated_at: Mapped[datetime] = timestamp("When the marketplace last changed it", nullable=False)
    acceptance_deadline: Mapped[datetime | None] = timestamp("Until when it has to be accepted")
    shipping_deadline: Mapped[datetime | None] = timestamp("Until when it has to be shipped")
    raw_order_data: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment="The order as the API gave it, unchanged"
    )
    next_attempt_at: Mapped[datetime | None] = timestamp(
        "When the next step may be taken; null: nothing to do"
    )
    attempts: Mapped[int] = mapped_column(
        Integer,
        server_default=text("0"),
        comment="How often the step that is due was tried and has to be again",
    )
    leased_by: Mapped[str | None] = mapped_column(String(200), comment="Worker that is at it")
    lease_until: Mapped[datetime | None] = timestamp("When another worker may take it")
    created_at: Mapped[datetime] = created_at("When it was taken in")
    updated_at: Mapped[datetime] = updated_at()


class OrderLine(Base):
    """A line of an order."""

    __tablename__ = "order_lines"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        Touch(),
        CheckConstraint("quantity > 0", name="quantity"),
        account_reference("order_id", "orders", target_columns="order_id", ondelete="CASCADE"),
        account_reference("variant_id", "product_variants", target_columns="variant_id"),
        Index("idx_order_lines_order", "account_id", "order_id"),
        Index("idx_order_lines_sku", "account_id", "sku"),
    )

    account_id: Mapped[UUID] = account_id(primary_key=True)
    order_line_id: Mapped[str] = mapped_column(
        String(255), primary_key=True, comment="The marketplace's identifier"
    )
    order_id: Mapped[str] = mapped_column(String(255), comment="Order that it is a line of")
    sku: Mapped[str | None] = mapped_column(String(255), comment="Shop SKU that was ordered (offer_sku)")
    product_title: Mapped[str | None] = mapped_column(Text, comment="What the customer saw")
    variant_id: Mapped[UUID | None] = mapped_column(
        Uuid, comment="What is built for it; null while the listing maps to nothing"
    )
    quantity: Mapped[int] = mapped_column(Integer, comment="Units")
    price: Mapped[Decimal] = money("Price of the units, shipping and tax excluded")
    unit_price: Mapped[Decimal | None] = money("Price of a unit", nullable=True)
    commission: Mapped[Decimal | None] = money("What the marketplace keeps of it", nullable=True)
    taxes: Mapped[Decimal | None] = money("Taxes of the line", nullable=True)
    line_state: Mapped[str | None] = mapped_column(String(60), comment="State of the line on the marketplace")
    decision: Mapped[str | None] = mapped_column(String(20), comment="accept or refuse, once it is decided")
    raw_line_data: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment="The line as the API gave it, unchanged"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class AcceptanceRule(Base):
    """What is answered to orders, or lines of orders, of which a condition holds."""

    __tablename__ = "acceptance_rules"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        Touch(),
        Audit(),
        one_of("outcome", *ANSWERS),
        one_of("applies_to", "order", "line"),
        UniqueConstraint("account_id", "name", name="uq_acceptance_rule"),
    )

    id: Mapped[UUID] = key()
    account_id: Mapped[UUID] = account_id()
    name: Mapped[str] = mapped_column(String(100), comment="Name, which the history of orders shows")
    priority: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="The highest whose condition holds decides"
    )
    applies_to: Mapped[str] = mapped_column(
        String(10), server_default=text("'order'"), comment="order, or line: each line is asked"
    )
    condition: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment="When it holds, in the language of rules"
    )
    outcome: Mapped[str] = mapped_column(String(20), comment="/".join(ANSWERS))
    reason: Mapped[str | None] = mapped_column(Text, comment="Why, for the history")
    is_active: Mapped[bool] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether it is asked"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class OrderStatusHistory(Base):
    """What was done with an order and why, one row a step: the only truth about where it is."""

    __tablename__ = "order_status_history"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_LOG,
        one_of("status", *STATUSES),
        one_of("actor_type", "rule", "person", "marketplace", "carrier", "worker"),
        account_reference("order_id", "orders", target_columns="order_id", ondelete="CASCADE"),
        UniqueConstraint("account_id", "order_id", "step", name="uq_order_status_step"),
        Index(
            "idx_order_status_time",
            "account_id",
            "order_id",
            text('"timestamp" DESC'),
            text("history_id DESC"),
        ),
    )

    account_id: Mapped[UUID] = account_id(primary_key=True)
    history_id: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True, comment="Number of the entry"
    )
    order_id: Mapped[str] = mapped_column(String(255), comment="Order")
    step: Mapped[int] = mapped_column(
        Integer,
        comment="1 for the first status of the order, then one more each; two workers cannot take the same",
    )
    status: Mapped[str] = mapped_column(String(50), comment="Status from then on")
    previous_status: Mapped[str | None] = mapped_column(
        String(50), comment="Status until then; checked by a trigger"
    )
    actor_type: Mapped[str] = mapped_column(String(20), comment="rule/person/marketplace/carrier/worker")
    actor: Mapped[str | None] = mapped_column(String(200), comment="Which rule, person or worker")
    notes: Mapped[str | None] = mapped_column(Text, comment="Why")
    timestamp: Mapped[datetime] = timestamp("When", nullable=False, server_default=text("clock_timestamp()"))
