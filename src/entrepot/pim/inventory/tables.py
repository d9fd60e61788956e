"""The ledger of stock, and where stock is kept."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Index, Integer, Numeric, String, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import (
    Base,
    Partitions,
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


class InventoryLedger(Base):
    """A change of stock; rows are only ever added."""

    __tablename__ = "inventory_ledger"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(writes="append"),
        Partitions("recorded_at"),
        one_of("reason", "SALE", "RESTOCK", "ADJUSTMENT", "RETURN", "SYNC", "TRANSFER"),
        one_of("reference_type", "order", "transfer", "bulk_run"),
        tenant_reference("variant_id", "pim.shopify_variants", ondelete="CASCADE"),
        Index("idx_ledger_variant", "variant_id", text("recorded_at DESC")),
        Index("idx_ledger_shop_sku", "shop_id", "sku", text("recorded_at DESC")),
        Index("idx_ledger_location", "location_id", text("recorded_at DESC")),
        Index("idx_ledger_reference", "reference_type", "reference_id"),
        Index("idx_ledger_reason", "shop_id", "reason", text("recorded_at DESC")),
        Index("idx_ledger_shop_variant_date", "shop_id", "variant_id", text("recorded_at DESC")),
    )

    id: Mapped[UUID] = key("Identifier of the entry")
    shop_id: Mapped[UUID] = shop_id()
    variant_id: Mapped[UUID] = mapped_column(Uuid, comment="Variant whose stock changed")
    sku: Mapped[str | None] = mapped_column(String(255), comment="SKU at the time")
    location_id: Mapped[str | None] = mapped_column(
        String(100), comment="Shopify's global identifier of the location"
    )
    delta: Mapped[int] = mapped_column(Integer, comment="Change in units, negative when stock left")
    reason: Mapped[str] = mapped_column(String(50), comment="Why it changed")
    reference_type: Mapped[str | None] = mapped_column(String(50), comment="What it refers to")
    reference_id: Mapped[str | None] = mapped_column(String(255), comment="Identifier of what it refers to")
    previous_quantity: Mapped[int | None] = mapped_column(Integer, comment="Units before")
    new_quantity: Mapped[int | None] = mapped_column(Integer, comment="Units after")
    cost_per_unit: Mapped[Decimal | None] = mapped_column(
        Numeric(12, 2), comment="Cost of one unit at the time"
    )
    recorded_at: Mapped[datetime] = timestamp(
        "When the stock changed; chooses the partition", primary_key=True, server_default=text("now()")
    )
    created_at: Mapped[datetime] = created_at()


class InventoryLocation(Base):
    """A place where a shop keeps stock."""

    __tablename__ = "inventory_locations"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        Index("idx_locations_shop_gid", "shop_id", "shopify_gid", unique=True),
        Index("idx_locations_shop_active", "shop_id", "is_active"),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    shopify_gid: Mapped[str] = mapped_column(
        String(100), comment="Shopify's global identifier, gid://shopify/Location/123"
    )
    legacy_resource_id: Mapped[int | None] = mapped_column(BigInteger, comment="Shopify's numeric identifier")
    name: Mapped[str] = mapped_column(String(255), comment="Name of the place")
    address: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="Address")
    is_active: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether it is in use"
    )
    is_primary: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether it fulfills orders by default"
    )
    fulfills_online_orders: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether it fulfills online orders"
    )
    synced_at: Mapped[datetime | None] = timestamp(
        "When the mirror last read it from Shopify", server_default=text("now()")
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()
