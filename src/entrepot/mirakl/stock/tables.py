"""Components and what is in stock of them, base products, variants, bills of material, listings."""

from datetime import datetime
from decimal import Decimal
from importlib import resources
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Identity,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.ddl import EXTRA_SQL
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
from entrepot.mirakl.values import MOVEMENTS


class Component(Base):
    """A part that is kept in stock: memory, a disk, a bare laptop."""

    __tablename__ = "components"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        Touch(),
        Audit(),
        CheckConstraint("on_hand >= 0", name="on_hand"),
        CheckConstraint("reserved BETWEEN 0 AND on_hand", name="reserved"),
        UniqueConstraint("account_id", "component_id", name="uq_component_id"),
        UniqueConstraint("account_id", "name", name="uq_component_name"),
        UniqueConstraint("account_id", "barcode", name="uq_component_barcode"),
    )

    component_id: Mapped[UUID] = key("Component")
    account_id: Mapped[UUID] = account_id()
    name: Mapped[str] = mapped_column(String(255), comment="Name of the component")
    type: Mapped[str] = mapped_column(String(50), comment="Type of component (RAM, SSD, BASE …)")
    barcode: Mapped[str | None] = mapped_column(String(100), comment="What the scanner reads")
    specs: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="What it is in detail"
    )
    on_hand: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Units in the house; the sum of the movements"
    )
    reserved: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Units of these that accepted orders will take"
    )
    reorder_point: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Free units at or below which it is to be ordered"
    )
    reorder_quantity: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Units to order then"
    )
    unit_cost: Mapped[Decimal | None] = money("What a unit costs", nullable=True)
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ComponentMovement(Base):
    """A change of a component's stock or of what is reserved of it."""

    __tablename__ = "component_movements"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_LOG,
        one_of("movement", *MOVEMENTS),
        CheckConstraint("on_hand_change <> 0 OR reserved_change <> 0", name="changes"),
        account_reference("component_id", "components", target_columns="component_id"),
        account_reference("order_line_id", "order_lines", target_columns="order_line_id"),
        UniqueConstraint(
            "account_id", "component_id", "movement", "dedupe_key", name="uq_component_movement"
        ),
        Index("idx_component_movement", "account_id", "component_id", "movement_id"),
        Index("idx_component_movement_line", "account_id", "order_line_id"),
    )

    account_id: Mapped[UUID] = account_id(primary_key=True)
    movement_id: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True, comment="Number of the movement"
    )
    component_id: Mapped[UUID] = mapped_column(Uuid, comment="Component that moved")
    movement: Mapped[str] = mapped_column(String(20), comment="/".join(MOVEMENTS))
    on_hand_change: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Units that came or went"
    )
    reserved_change: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Units reserved or freed"
    )
    order_line_id: Mapped[str | None] = mapped_column(String(255), comment="Line that it is for")
    dedupe_key: Mapped[str | None] = mapped_column(
        String(300), comment="Key under which the movement is made once only, however often it is asked for"
    )
    reason: Mapped[str | None] = mapped_column(Text, comment="Why, and who")
    moved_at: Mapped[datetime] = timestamp("When", nullable=False, server_default=text("now()"))


class BaseProduct(Base):
    """A laptop model without its parts."""

    __tablename__ = "base_products"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        Touch(),
        Audit(),
        UniqueConstraint("account_id", "product_id", name="uq_base_product_id"),
        UniqueConstraint("account_id", "model_name", name="uq_base_product_model"),
    )

    product_id: Mapped[UUID] = key("Base product")
    account_id: Mapped[UUID] = account_id()
    model_name: Mapped[str] = mapped_column(String(255), comment="Model name")
    brand: Mapped[str | None] = mapped_column(String(100), comment="Brand")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ProductVariant(Base):
    """A configuration that is sold: the canonical product."""

    __tablename__ = "product_variants"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        Touch(),
        Audit(),
        CheckConstraint("weight_kg > 0 AND length_cm > 0 AND width_cm > 0 AND height_cm > 0", name="parcel"),
        account_reference("base_product_id", "base_products", target_columns="product_id"),
        UniqueConstraint("account_id", "variant_id", name="uq_product_variant_id"),
        UniqueConstraint("account_id", "internal_sku", name="uq_product_variant_sku"),
    )

    variant_id: Mapped[UUID] = key("Variant")
    account_id: Mapped[UUID] = account_id()
    base_product_id: Mapped[UUID] = mapped_column(Uuid, comment="Base product")
    internal_sku: Mapped[str] = mapped_column(String(100), comment="Our SKU of the variant")
    description: Mapped[str | None] = mapped_column(Text, comment="What it is")
    weight_kg: Mapped[Decimal] = mapped_column(
        Numeric(8, 3), server_default=text("1.8"), comment="Weight of the packed unit in kilograms"
    )
    length_cm: Mapped[Decimal] = mapped_column(
        Numeric(6, 1), server_default=text("35"), comment="Length in centimeters"
    )
    width_cm: Mapped[Decimal] = mapped_column(
        Numeric(6, 1), server_default=text("25"), comment="Width in centimeters"
    )
    height_cm: Mapped[Decimal] = mapped_column(
        Numeric(6, 1), server_default=text("5"), comment="Height in centimeters"
    )
    floor_price: Mapped[Decimal | None] = money(
        "Price of a unit below which no order is accepted", nullable=True
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class VariantComponent(Base):
    """The bill of materials: the components that a variant is built from."""

    __tablename__ = "variant_components"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        UniqueConstraint("account_id", "variant_id", "component_id", name="uq_variant_component"),
        Audit(),
        CheckConstraint("quantity > 0", name="quantity"),
        account_reference("variant_id", "product_variants", target_columns="variant_id", ondelete="CASCADE"),
        account_reference("component_id", "components", target_columns="component_id"),
    )

    id: Mapped[UUID] = key()
    account_id: Mapped[UUID] = account_id()
    variant_id: Mapped[UUID] = mapped_column(Uuid, comment="Variant that is built")
    component_id: Mapped[UUID] = mapped_column(Uuid, comment="Component that it takes")
    quantity: Mapped[int] = mapped_column(Integer, server_default=text("1"), comment="Units a unit takes")


class ComponentPart(Base):
    """What a component is itself built from (a kit: two memory modules, a disk in a caddy)."""

    __tablename__ = "component_parts"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        UniqueConstraint("account_id", "component_id", "part_id", name="uq_component_part"),
        Audit(),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("component_id <> part_id", name="not_itself"),
        account_reference("component_id", "components", target_columns="component_id", ondelete="CASCADE"),
        account_reference("part_id", "components", target_columns="component_id"),
    )

    id: Mapped[UUID] = key()
    account_id: Mapped[UUID] = account_id()
    component_id: Mapped[UUID] = mapped_column(Uuid, comment="Component that is built")
    part_id: Mapped[UUID] = mapped_column(Uuid, comment="Component that it takes")
    quantity: Mapped[int] = mapped_column(Integer, server_default=text("1"), comment="Units a unit takes")


class ShopSkuMap(Base):
    """A listing on the marketplace and the variant that is sold under it."""

    __tablename__ = "shop_sku_map"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        UniqueConstraint("account_id", "shop_sku", name="uq_shop_sku"),
        Touch(),
        Audit(),
        CheckConstraint("safety_stock >= 0", name="safety_stock"),
        account_reference("variant_id", "product_variants", target_columns="variant_id"),
        Index("idx_shop_sku_variant", "account_id", "variant_id"),
    )

    id: Mapped[UUID] = key()
    account_id: Mapped[UUID] = account_id()
    shop_sku: Mapped[str] = mapped_column(String(255), comment="SKU on the marketplace")
    variant_id: Mapped[UUID] = mapped_column(Uuid, comment="Variant that is sold under it")
    listing_title: Mapped[str | None] = mapped_column(Text, comment="Title of the listing")
    is_active: Mapped[bool] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether stock is pushed to it"
    )
    safety_stock: Mapped[int | None] = mapped_column(
        Integer, comment="Units kept back from the listing; null: as many as the account says"
    )
    pushed_quantity: Mapped[int | None] = mapped_column(
        Integer, comment="Quantity that the marketplace was last told"
    )
    pushed_at: Mapped[datetime | None] = timestamp("When it was told")
    pushing_quantity: Mapped[int | None] = mapped_column(
        Integer, comment="Quantity that is being told; null: nobody is at it"
    )
    pushing_until: Mapped[datetime | None] = timestamp("When another worker may tell it")
    push_attempts: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Attempts since it was last told"
    )
    push_import_id: Mapped[str | None] = mapped_column(
        String(100), comment="Import that told it last, while it is not known whether the marketplace took it"
    )
    push_error: Mapped[str | None] = mapped_column(Text, comment="Why the last attempt failed")
    next_push_at: Mapped[datetime | None] = timestamp("When it may be told again, after a failure")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


EXTRA_SQL.append(resources.files(__package__).joinpath("functions.sql").read_text(encoding="utf-8"))
