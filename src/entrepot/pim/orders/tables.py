"""The mirror of a shop's orders and customers."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import CITEXT, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import (
    Base,
    TenantRows,
    Touch,
    created_at,
    key,
    one_of,
    table_args,
    tenant_reference,
    timestamp,
    updated_at,
)
from entrepot.pim.columns import shop_id


class ShopifyOrder(Base):
    """An order of a shop, with its lines."""

    __tablename__ = "shopify_orders"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        one_of(
            "financial_status",
            "PENDING",
            "AUTHORIZED",
            "PARTIALLY_PAID",
            "PAID",
            "PARTIALLY_REFUNDED",
            "REFUNDED",
            "VOIDED",
            "EXPIRED",
        ),
        one_of(
            "fulfillment_status",
            "UNFULFILLED",
            "PARTIALLY_FULFILLED",
            "FULFILLED",
            "SCHEDULED",
            "ON_HOLD",
            "OPEN",
            "IN_PROGRESS",
            "PENDING_FULFILLMENT",
            "REQUEST_DECLINED",
            "RESTOCKED",
            "FULFILLMENT_NOT_REQUIRED",
        ),
        one_of("risk_level", "LOW", "MEDIUM", "HIGH", "NONE", "PENDING"),
        tenant_reference("customer_id", "pim.shopify_customers", ondelete="SET NULL"),
        Index("idx_orders_shop_gid", "shop_id", "shopify_gid", unique=True),
        Index("idx_orders_shop_number", "shop_id", "order_number"),
        Index("idx_orders_shop_email", "shop_id", "email"),
        Index("idx_orders_customer", "customer_id"),
        Index("idx_orders_financial", "shop_id", "financial_status"),
        Index("idx_orders_fulfillment", "shop_id", "fulfillment_status"),
        Index("idx_orders_created", "shop_id", text("created_at_shopify DESC")),
        Index(
            "idx_orders_line_items",
            "line_items",
            postgresql_using="gin",
            postgresql_ops={"line_items": "jsonb_path_ops"},
        ),
        Index(
            "idx_orders_processed",
            "shop_id",
            text("processed_at DESC"),
            postgresql_where=text("processed_at IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    shopify_gid: Mapped[str] = mapped_column(
        String(100), comment="Shopify's global identifier, gid://shopify/Order/123"
    )
    legacy_resource_id: Mapped[int] = mapped_column(BigInteger, comment="Shopify's numeric identifier")
    name: Mapped[str] = mapped_column(String(50), comment="Number as the customer sees it, such as #1001")
    order_number: Mapped[int] = mapped_column(Integer, comment="Number without its prefix")
    email: Mapped[str | None] = mapped_column(CITEXT, comment="Customer's email address")
    phone: Mapped[str | None] = mapped_column(String(50), comment="Customer's telephone number")
    financial_status: Mapped[str | None] = mapped_column(String(30), comment="State of payment")
    fulfillment_status: Mapped[str | None] = mapped_column(String(30), comment="State of delivery")
    total_price: Mapped[Decimal] = mapped_column(
        Numeric(12, 2), comment="What the customer pays, tax and shipping included"
    )
    subtotal_price: Mapped[Decimal | None] = mapped_column(
        Numeric(12, 2), comment="Sum of the lines after discounts"
    )
    total_tax: Mapped[Decimal | None] = mapped_column(Numeric(12, 2), comment="Tax")
    total_discounts: Mapped[Decimal | None] = mapped_column(Numeric(12, 2), comment="Discounts")
    total_shipping: Mapped[Decimal | None] = mapped_column(Numeric(12, 2), comment="Shipping")
    currency_code: Mapped[str] = mapped_column(String(3), comment="Currency of the shop (ISO 4217)")
    presentment_currency: Mapped[str | None] = mapped_column(
        String(3), comment="Currency that the customer saw (ISO 4217)"
    )
    line_items: Mapped[list[dict[str, Any]]] = mapped_column(
        JSONB,
        comment="Lines: [{variant_id, variant_gid, quantity, price, …}]; variant_id is ours, null while the variant is unknown",
    )
    shipping_lines: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSONB, server_default=text("'[]'"), comment="Shipping lines"
    )
    discount_codes: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSONB, server_default=text("'[]'"), comment="Discount codes that were used"
    )
    shipping_address: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="Where the order goes")
    billing_address: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="Who pays")
    customer_id: Mapped[UUID | None] = mapped_column(Uuid, comment="Customer, when known")
    customer_gid: Mapped[str | None] = mapped_column(
        String(100), comment="Shopify's global identifier of the customer, kept until the customer arrives"
    )
    customer_locale: Mapped[str | None] = mapped_column(
        String(10), comment="Language of the customer (BCP 47)"
    )
    tags: Mapped[list[str] | None] = mapped_column(ARRAY(Text), server_default=text("'{}'"), comment="Tags")
    note: Mapped[str | None] = mapped_column(Text, comment="Note on the order")
    note_attributes: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSONB, server_default=text("'[]'"), comment="Further notes: [{key, value}]"
    )
    gateway: Mapped[str | None] = mapped_column(String(100), comment="Payment gateway")
    payment_terms: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="Terms of payment of a business customer"
    )
    risk_level: Mapped[str | None] = mapped_column(String(20), comment="Risk of fraud")
    source_name: Mapped[str | None] = mapped_column(
        String(100), comment="Where the order was placed, such as web, pos or api"
    )
    source_identifier: Mapped[str | None] = mapped_column(
        String(255), comment="Identifier of the order at its source"
    )
    cancelled_at: Mapped[datetime | None] = timestamp("When it was cancelled")
    cancel_reason: Mapped[str | None] = mapped_column(String(50), comment="Why it was cancelled")
    closed_at: Mapped[datetime | None] = timestamp("When it was closed")
    processed_at: Mapped[datetime | None] = timestamp(
        "When it was placed; may lie before its creation for an imported order"
    )
    created_at_shopify: Mapped[datetime | None] = timestamp("When Shopify created it")
    updated_at_shopify: Mapped[datetime | None] = timestamp("When Shopify last changed it")
    synced_at: Mapped[datetime | None] = timestamp(
        "When the mirror last read it from Shopify", server_default=text("now()")
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ShopifyCustomer(Base):
    """A customer of a shop."""

    __tablename__ = "shopify_customers"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        one_of("state", "ENABLED", "DISABLED", "INVITED", "DECLINED"),
        UniqueConstraint("shop_id", "id", name="uq_shopify_customers_tenant"),
        Index("idx_customers_shop_gid", "shop_id", "shopify_gid", unique=True),
        Index("idx_customers_shop_email", "shop_id", "email"),
        Index("idx_customers_shop_phone", "shop_id", "phone", postgresql_where=text("phone IS NOT NULL")),
        Index("idx_customers_tags", "tags", postgresql_using="gin"),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    shopify_gid: Mapped[str] = mapped_column(
        String(100), comment="Shopify's global identifier, gid://shopify/Customer/123"
    )
    legacy_resource_id: Mapped[int] = mapped_column(BigInteger, comment="Shopify's numeric identifier")
    email: Mapped[str | None] = mapped_column(CITEXT, comment="Email address")
    phone: Mapped[str | None] = mapped_column(String(50), comment="Telephone number")
    first_name: Mapped[str | None] = mapped_column(String(100), comment="Given name")
    last_name: Mapped[str | None] = mapped_column(String(100), comment="Family name")
    display_name: Mapped[str | None] = mapped_column(String(255), comment="Name as Shopify shows it")
    state: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'ENABLED'"), comment="State of the customer's account"
    )
    verified_email: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether the address was verified"
    )
    accepts_marketing: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether the customer agreed to marketing"
    )
    accepts_marketing_updated_at: Mapped[datetime | None] = timestamp("When that last changed")
    marketing_opt_in_level: Mapped[str | None] = mapped_column(
        String(30), comment="How the customer agreed, such as CONFIRMED_OPT_IN"
    )
    orders_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Number of orders"
    )
    total_spent: Mapped[Decimal | None] = mapped_column(
        Numeric(12, 2), server_default=text("0"), comment="Sum of the orders"
    )
    average_order_amount: Mapped[Decimal | None] = mapped_column(Numeric(12, 2), comment="Mean order")
    currency_code: Mapped[str | None] = mapped_column(String(3), comment="Currency of the amounts (ISO 4217)")
    tags: Mapped[list[str] | None] = mapped_column(ARRAY(Text), server_default=text("'{}'"), comment="Tags")
    tax_exempt: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether the customer pays no tax"
    )
    tax_exemptions: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), server_default=text("'{}'"), comment="Grounds of exemption"
    )
    locale: Mapped[str | None] = mapped_column(String(10), comment="Language (BCP 47)")
    note: Mapped[str | None] = mapped_column(Text, comment="Note on the customer")
    default_address: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="Default address")
    addresses: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSONB, server_default=text("'[]'"), comment="All addresses"
    )
    metafields: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB,
        server_default=text("'{}'"),
        comment="Metafields by namespace.key, each with its value and type",
    )
    created_at_shopify: Mapped[datetime | None] = timestamp("When Shopify created it")
    updated_at_shopify: Mapped[datetime | None] = timestamp("When Shopify last changed it")
    synced_at: Mapped[datetime | None] = timestamp(
        "When the mirror last read it from Shopify", server_default=text("now()")
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()
