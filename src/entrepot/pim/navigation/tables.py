"""Menus of a shop's online store."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Index, Integer, String, Text, UniqueConstraint, Uuid, text
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


class ShopifyMenu(Base):
    """A menu of a shop's online store."""

    __tablename__ = "shopify_menus"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        UniqueConstraint("shop_id", "id", name="uq_shopify_menus_tenant"),
        Index("idx_menus_shop_gid", "shop_id", "shopify_gid", unique=True),
        Index("idx_menus_shop_handle", "shop_id", "handle"),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    shopify_gid: Mapped[str] = mapped_column(
        String(100), comment="Shopify's global identifier, gid://shopify/Menu/123"
    )
    title: Mapped[str] = mapped_column(Text, comment="Name of the menu")
    handle: Mapped[str] = mapped_column(String(255), comment="Name for URLs and themes")
    items_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Number of items"
    )
    synced_at: Mapped[datetime | None] = timestamp(
        "When the mirror last read it from Shopify", server_default=text("now()")
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ShopifyMenuItem(Base):
    """An item of a menu."""

    __tablename__ = "shopify_menu_items"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        one_of(
            "item_type",
            "FRONTPAGE",
            "COLLECTION",
            "PAGE",
            "PRODUCT",
            "BLOG",
            "ARTICLE",
            "HTTP",
            "CATALOG",
            "COLLECTIONS",
            "CUSTOMER_ACCOUNT_PAGE",
            "METAOBJECT",
            "SEARCH",
            "SHOP_POLICY",
        ),
        UniqueConstraint("shop_id", "id", name="uq_shopify_menu_items_tenant"),
        tenant_reference("menu_id", "pim.shopify_menus", ondelete="CASCADE"),
        tenant_reference("parent_item_id", "pim.shopify_menu_items", ondelete="CASCADE"),
        Index("idx_menu_items_shop_gid", "shop_id", "shopify_gid", unique=True),
        Index("idx_menu_items_menu", "menu_id", "position"),
        Index("idx_menu_items_parent", "parent_item_id"),
        Index("idx_menu_items_type", "shop_id", "item_type"),
        Index("idx_menu_items_path", "path", postgresql_using="gin"),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    menu_id: Mapped[UUID] = mapped_column(Uuid, comment="Menu")
    shopify_gid: Mapped[str] = mapped_column(
        String(100), comment="Shopify's global identifier, gid://shopify/MenuItem/123"
    )
    parent_item_id: Mapped[UUID | None] = mapped_column(Uuid, comment="Item above; null at the top")
    title: Mapped[str] = mapped_column(Text, comment="Text that is shown")
    url: Mapped[str | None] = mapped_column(Text, comment="Where it leads")
    item_type: Mapped[str | None] = mapped_column(String(50), comment="Kind of target")
    resource_id: Mapped[str | None] = mapped_column(
        String(100), comment="Shopify's global identifier of the target"
    )
    position: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Place among its siblings"
    )
    level: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Depth, 0 at the top"
    )
    path: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), comment="Titles from the top down to this one"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()
