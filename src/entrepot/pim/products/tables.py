"""The mirror of a shop's products, variants and collections."""

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
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import (
    Audit,
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


class ShopifyProduct(Base):
    """A product of a shop, as Shopify last told it."""

    __tablename__ = "shopify_products"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        Audit(on=("update", "delete")),
        one_of("status", "ACTIVE", "DRAFT", "ARCHIVED", "UNLISTED"),
        UniqueConstraint("shop_id", "id", name="uq_shopify_products_tenant"),
        Index("idx_products_shop_gid", "shop_id", "shopify_gid", unique=True),
        Index("idx_products_shop_handle", "shop_id", "handle"),
        Index("idx_products_shop_status", "shop_id", "status"),
        Index("idx_products_shop_vendor", "shop_id", "vendor"),
        Index("idx_products_tags", "tags", postgresql_using="gin"),
        Index(
            "idx_products_metafields",
            "metafields",
            postgresql_using="gin",
            postgresql_ops={"metafields": "jsonb_path_ops"},
        ),
        Index(
            "idx_products_fts",
            text("to_tsvector('simple', title || ' ' || COALESCE(description,''))"),
            postgresql_using="gin",
        ),
        Index("idx_products_active", "shop_id", "updated_at", postgresql_where=text("status = 'ACTIVE'")),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    shopify_gid: Mapped[str] = mapped_column(
        String(100), comment="Shopify's global identifier, gid://shopify/Product/123"
    )
    legacy_resource_id: Mapped[int] = mapped_column(BigInteger, comment="Shopify's numeric identifier")
    title: Mapped[str] = mapped_column(Text, comment="Name of the product")
    handle: Mapped[str] = mapped_column(String(255), comment="Part of the product's URL")
    description: Mapped[str | None] = mapped_column(Text, comment="Description as plain text")
    description_html: Mapped[str | None] = mapped_column(Text, comment="Description as HTML")
    vendor: Mapped[str | None] = mapped_column(String(255), comment="Brand or vendor")
    product_type: Mapped[str | None] = mapped_column(
        String(255), comment="Type of product, in the merchant's words"
    )
    status: Mapped[str] = mapped_column(String(20), comment="Whether the product is for sale")
    tags: Mapped[list[str] | None] = mapped_column(ARRAY(Text), server_default=text("'{}'"), comment="Tags")
    is_gift_card: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether it is a gift card"
    )
    has_only_default_variant: Mapped[bool | None] = mapped_column(
        Boolean,
        server_default=text("true"),
        comment="Whether it has no options, only the one default variant",
    )
    has_out_of_stock_variants: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether any variant is out of stock"
    )
    requires_selling_plan: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether it is sold by subscription only"
    )
    options: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSONB, server_default=text("'[]'"), comment="Options in order: [{name, position, values}]"
    )
    seo: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="Title and description for search engines: {title, description}"
    )
    price_range: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="Lowest and highest price: {min, max, currency}"
    )
    compare_at_price_range: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="Lowest and highest price before discount: {min, max, currency}"
    )
    featured_image_url: Mapped[str | None] = mapped_column(Text, comment="Address of the main image")
    template_suffix: Mapped[str | None] = mapped_column(
        String(100), comment="Theme template of the product's page"
    )
    category_id: Mapped[str | None] = mapped_column(
        String(100), comment="Category in Shopify's product taxonomy"
    )
    metafields: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB,
        server_default=text("'{}'"),
        comment="Metafields by namespace.key, each with its value and type",
    )
    published_at: Mapped[datetime | None] = timestamp("When it was published to the online store")
    created_at_shopify: Mapped[datetime | None] = timestamp("When Shopify created it")
    updated_at_shopify: Mapped[datetime | None] = timestamp("When Shopify last changed it")
    synced_at: Mapped[datetime | None] = timestamp(
        "When the mirror last read it from Shopify", server_default=text("now()")
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ShopifyVariant(Base):
    """A variant of a product: what is priced, stocked and sold."""

    __tablename__ = "shopify_variants"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        one_of("inventory_policy", "DENY", "CONTINUE"),
        one_of("weight_unit", "KILOGRAMS", "GRAMS", "POUNDS", "OUNCES"),
        UniqueConstraint("shop_id", "id", name="uq_shopify_variants_tenant"),
        tenant_reference("product_id", "pim.shopify_products", ondelete="CASCADE"),
        Index("idx_variants_shop_gid", "shop_id", "shopify_gid", unique=True),
        Index("idx_variants_product", "product_id"),
        Index("idx_variants_shop_sku", "shop_id", "sku", postgresql_where=text("sku IS NOT NULL")),
        Index(
            "idx_variants_shop_barcode", "shop_id", "barcode", postgresql_where=text("barcode IS NOT NULL")
        ),
        Index("idx_variants_inventory", "shop_id", "inventory_quantity"),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    product_id: Mapped[UUID] = mapped_column(Uuid, comment="Product that it is a variant of")
    shopify_gid: Mapped[str] = mapped_column(
        String(100), comment="Shopify's global identifier, gid://shopify/ProductVariant/123"
    )
    legacy_resource_id: Mapped[int] = mapped_column(BigInteger, comment="Shopify's numeric identifier")
    title: Mapped[str] = mapped_column(String(255), comment="Name of the variant, its option values joined")
    sku: Mapped[str | None] = mapped_column(
        String(255), comment="Stock keeping unit, where the merchant has one"
    )
    barcode: Mapped[str | None] = mapped_column(String(100), comment="UPC, EAN or ISBN, where there is one")
    price: Mapped[Decimal] = mapped_column(Numeric(12, 2), comment="Selling price")
    compare_at_price: Mapped[Decimal | None] = mapped_column(
        Numeric(12, 2), comment="Price before discount; null without one"
    )
    currency_code: Mapped[str | None] = mapped_column(
        String(3), server_default=text("'RON'"), comment="Currency of the prices (ISO 4217)"
    )
    cost: Mapped[Decimal | None] = mapped_column(Numeric(12, 2), comment="What one unit costs the merchant")
    weight: Mapped[Decimal | None] = mapped_column(Numeric(10, 4), comment="Weight, in weight_unit")
    weight_unit: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'KILOGRAMS'"), comment="Unit of the weight"
    )
    inventory_quantity: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Units in stock at all locations together"
    )
    inventory_policy: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'DENY'"), comment="Whether it may be sold when it is out of stock"
    )
    inventory_item_id: Mapped[str | None] = mapped_column(
        String(100), comment="Shopify's global identifier of the inventory item"
    )
    taxable: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether tax is charged"
    )
    tax_code: Mapped[str | None] = mapped_column(String(50), comment="Tax code")
    available_for_sale: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether it can be bought now"
    )
    requires_shipping: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether it is shipped"
    )
    requires_components: Mapped[bool | None] = mapped_column(
        Boolean,
        server_default=text("false"),
        comment="Whether it is a bundle that is sold only with its components",
    )
    position: Mapped[int | None] = mapped_column(
        Integer, server_default=text("1"), comment="Place among the product's variants, from 1"
    )
    selected_options: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSONB, server_default=text("'[]'"), comment="Option values: [{name, value}]"
    )
    image_url: Mapped[str | None] = mapped_column(Text, comment="Address of the variant's image")
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


class ShopifyCollection(Base):
    """A collection of products in a shop."""

    __tablename__ = "shopify_collections"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        one_of("collection_type", "MANUAL", "SMART"),
        UniqueConstraint("shop_id", "id", name="uq_shopify_collections_tenant"),
        Index("idx_collections_shop_gid", "shop_id", "shopify_gid", unique=True),
        Index("idx_collections_shop_handle", "shop_id", "handle"),
        Index("idx_collections_type", "shop_id", "collection_type"),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    shopify_gid: Mapped[str] = mapped_column(
        String(100), comment="Shopify's global identifier, gid://shopify/Collection/123"
    )
    legacy_resource_id: Mapped[int] = mapped_column(BigInteger, comment="Shopify's numeric identifier")
    title: Mapped[str] = mapped_column(Text, comment="Name of the collection")
    handle: Mapped[str] = mapped_column(String(255), comment="Part of the collection's URL")
    description: Mapped[str | None] = mapped_column(Text, comment="Description as plain text")
    description_html: Mapped[str | None] = mapped_column(Text, comment="Description as HTML")
    collection_type: Mapped[str] = mapped_column(
        String(20), comment="Whether products are chosen by hand or by rules"
    )
    sort_order: Mapped[str | None] = mapped_column(
        String(50), comment="How the products are ordered, such as BEST_SELLING"
    )
    rules: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="Rules of a smart collection")
    disjunctive: Mapped[bool | None] = mapped_column(
        Boolean,
        server_default=text("false"),
        comment="Whether one matching rule is enough; otherwise all must match",
    )
    seo: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="Title and description for search engines: {title, description}"
    )
    image_url: Mapped[str | None] = mapped_column(Text, comment="Address of the collection's image")
    products_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Number of products"
    )
    template_suffix: Mapped[str | None] = mapped_column(
        String(100), comment="Theme template of the collection's page"
    )
    published_at: Mapped[datetime | None] = timestamp("When it was published to the online store")
    synced_at: Mapped[datetime | None] = timestamp(
        "When the mirror last read it from Shopify", server_default=text("now()")
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ShopifyCollectionProduct(Base):
    """A product's place in a collection."""

    __tablename__ = "shopify_collection_products"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        tenant_reference("collection_id", "pim.shopify_collections", ondelete="CASCADE"),
        tenant_reference("product_id", "pim.shopify_products", ondelete="CASCADE"),
        Index("idx_collection_products_shop", "shop_id"),
        Index("idx_collection_products_product", "product_id"),
    )

    shop_id: Mapped[UUID] = shop_id()
    collection_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, comment="Collection")
    product_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, comment="Product in the collection")
    position: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Place in the collection"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()
