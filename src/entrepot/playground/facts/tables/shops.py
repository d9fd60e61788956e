"""Shops, what they sell, and what moves in their stock."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Index, Integer, Numeric, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import Base, SystemRows, one_of, table_args
from entrepot.playground.columns import (
    HOURLY,
    MONTHLY,
    SCHEMA,
    event_time,
    extra_data,
    identifier,
    known_origin,
    moment,
    money,
    origin,
    partition_key,
    pointed_time,
    pointer,
    reference,
)
from entrepot.playground.values import (
    INVENTORY_CHANGES,
    PRODUCT_CATEGORIES,
    PRODUCT_STATUSES,
    SHOP_CATEGORIES,
)


class Shop(Base):
    """A shop of the world."""

    __tablename__ = "shops"
    __table_args__ = table_args(
        SCHEMA,
        "Shops; event_time is the time of opening",
        known_origin(),
        one_of("category", *SHOP_CATEGORIES),
        CheckConstraint("created_time = event_time", name="created_time"),
        reference("owner", "users"),
        Index("idx_playground_shops_id", "id"),
        Index("idx_playground_shops_owner", "owner_id"),
        SystemRows(),
        MONTHLY,
    )

    id: Mapped[UUID] = identifier("Shop")
    event_time: Mapped[datetime] = event_time("When the shop opened")
    partition_key: Mapped[str] = partition_key()
    owner_id: Mapped[UUID] = pointer("User who owns it")
    owner_event_time: Mapped[datetime] = pointed_time("owner")
    name: Mapped[str] = mapped_column(String(255), comment="Name over the door")
    description: Mapped[str | None] = mapped_column(String(1000), comment="What it says of itself")
    category: Mapped[str] = mapped_column(String(20), comment="/".join(SHOP_CATEGORIES))
    status: Mapped[bool] = mapped_column(Boolean, server_default=text("true"), comment="Whether it is open")
    address_line1: Mapped[str | None] = mapped_column(String(255), comment="Street")
    address_line2: Mapped[str | None] = mapped_column(String(255), comment="Second line of the address")
    city: Mapped[str | None] = mapped_column(String(100), comment="City")
    state: Mapped[str | None] = mapped_column(String(100), comment="State or province")
    postal_code: Mapped[str | None] = mapped_column(String(20), comment="Postal code")
    country: Mapped[str | None] = mapped_column(String(2), comment="Country, ISO 3166-1 alpha-2")
    time_zone: Mapped[str | None] = mapped_column(String(64), comment="Time zone of the shop (IANA name)")
    created_time: Mapped[datetime] = moment("When the shop opened, as event_time", nullable=False)
    deactivated_time: Mapped[datetime | None] = moment("When the shop closed")
    origin: Mapped[str] = origin()
    extra_data: Mapped[Any | None] = extra_data()


class ShopProduct(Base):
    """A product of a shop."""

    __tablename__ = "shop_products"
    __table_args__ = table_args(
        SCHEMA,
        "Products of shops; event_time is the time of listing, stock_quantity what the last inventory log left",
        known_origin(),
        one_of("category", *PRODUCT_CATEGORIES),
        one_of("status", *PRODUCT_STATUSES),
        CheckConstraint("price >= 0 AND sale_price >= 0 AND cost_price >= 0", name="prices"),
        CheckConstraint("(status = 'out_of_stock') <= (stock_quantity <= 0)", name="out_of_stock"),
        UniqueConstraint("sku", "event_time", name="uq_shop_products_sku"),
        reference("shop", "shops"),
        Index("idx_shop_products_id", "id"),
        Index("idx_shop_products_shop", "shop_id", "event_time"),
        SystemRows(),
        MONTHLY,
    )

    id: Mapped[UUID] = identifier("Product")
    event_time: Mapped[datetime] = event_time("When the product was listed")
    partition_key: Mapped[str] = partition_key()
    shop_id: Mapped[UUID] = pointer("Shop that sells it")
    shop_event_time: Mapped[datetime] = pointed_time("shop")
    sku: Mapped[str] = mapped_column(String(50), comment="Stock keeping unit")
    name: Mapped[str] = mapped_column(String(255), comment="Name")
    description: Mapped[str | None] = mapped_column(Text, comment="Description")
    category: Mapped[str] = mapped_column(String(20), comment="/".join(PRODUCT_CATEGORIES))
    status: Mapped[str] = mapped_column(String(20), comment="/".join(PRODUCT_STATUSES))
    price: Mapped[Any] = money("Price a unit")
    sale_price: Mapped[Any | None] = money("Reduced price a unit, while there is one", nullable=True)
    cost_price: Mapped[Any | None] = money("What a unit costs the shop", nullable=True)
    stock_quantity: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Units in stock, as the last inventory log says"
    )
    low_stock_threshold: Mapped[int | None] = mapped_column(
        Integer, comment="Units at or below which stock is low"
    )
    weight: Mapped[Any | None] = mapped_column(Numeric(10, 3), comment="Weight in kilograms")
    dimensions: Mapped[str | None] = mapped_column(
        String(50), comment="Length × width × height in centimeters"
    )
    manufacturer: Mapped[str | None] = mapped_column(String(100), comment="Manufacturer")
    brand: Mapped[str | None] = mapped_column(String(100), comment="Brand")
    tags: Mapped[Any | None] = mapped_column(JSONB, comment="List of words")
    created_time: Mapped[datetime] = moment("When it was listed, as event_time", nullable=False)
    updated_time: Mapped[datetime | None] = moment("When it last changed")
    origin: Mapped[str] = origin()
    extra_data: Mapped[Any | None] = extra_data()


class ShopInventoryLog(Base):
    """A movement of stock."""

    __tablename__ = "shop_inventory_logs"
    __table_args__ = table_args(
        SCHEMA,
        "Movements of stock: one row a change of a product's stock, with what was there before and after",
        known_origin(),
        one_of("change_type", *INVENTORY_CHANGES),
        CheckConstraint("quantity_after = quantity_before + quantity_change", name="adds_up"),
        reference("shop", "shops"),
        reference("product", "shop_products"),
        reference("order", "shop_orders"),
        reference("created_by_user", "users"),
        Index("idx_shop_inventory_logs_product", "product_id", "event_time"),
        Index("idx_shop_inventory_logs_shop", "shop_id", "event_time"),
        SystemRows(),
        HOURLY,
    )

    id: Mapped[UUID] = identifier("Movement")
    event_time: Mapped[datetime] = event_time("When the stock changed")
    partition_key: Mapped[str] = partition_key()
    shop_id: Mapped[UUID] = pointer("Shop whose stock it is")
    shop_event_time: Mapped[datetime] = pointed_time("shop")
    product_id: Mapped[UUID] = pointer("Product that moved")
    product_event_time: Mapped[datetime] = pointed_time("product")
    order_id: Mapped[UUID | None] = pointer("Order that moved it", nullable=True)
    order_event_time: Mapped[datetime | None] = pointed_time("order", nullable=True)
    change_type: Mapped[str] = mapped_column(String(20), comment="/".join(INVENTORY_CHANGES))
    quantity_before: Mapped[int] = mapped_column(Integer, comment="Units before")
    quantity_change: Mapped[int] = mapped_column(
        Integer, comment="Units that came (positive) or went (negative)"
    )
    quantity_after: Mapped[int] = mapped_column(Integer, comment="Units after")
    unit_cost: Mapped[Any | None] = money("What a unit cost", nullable=True)
    total_cost: Mapped[Any | None] = money("What the movement cost", nullable=True)
    reference_number: Mapped[str | None] = mapped_column(
        String(50), comment="Delivery note, order number or the like"
    )
    reason: Mapped[str | None] = mapped_column(String(255), comment="Why")
    created_by_user_id: Mapped[UUID] = pointer(
        "User who moved it: the buyer for a sale, else the shop's owner"
    )
    created_by_user_event_time: Mapped[datetime] = pointed_time("user who moved it")
    notes: Mapped[str | None] = mapped_column(Text, comment="Remarks")
    origin: Mapped[str] = origin()
    extra_data: Mapped[Any | None] = extra_data()
