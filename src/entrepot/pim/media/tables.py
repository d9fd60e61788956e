"""Images and videos of a shop, and the channels that it publishes to."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Index, Integer, String, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
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


class ShopifyMedia(Base):
    """An image, video or 3D model of a shop."""

    __tablename__ = "shopify_media"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        one_of("media_type", "IMAGE", "VIDEO", "MODEL_3D", "EXTERNAL_VIDEO"),
        one_of("status", "UPLOADED", "PROCESSING", "READY", "FAILED"),
        UniqueConstraint("shop_id", "media_id", name="uq_shopify_media_tenant"),
        Index("idx_media_shop_gid", "shop_id", "shopify_gid", unique=True),
        Index("idx_media_type", "shop_id", "media_type"),
        Index("idx_media_status", "shop_id", "status"),
    )

    media_id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    shopify_gid: Mapped[str] = mapped_column(
        String(100), comment="Shopify's global identifier, gid://shopify/MediaImage/123"
    )
    legacy_resource_id: Mapped[int | None] = mapped_column(BigInteger, comment="Shopify's numeric identifier")
    media_type: Mapped[str] = mapped_column(String(30), comment="Kind of file")
    alt: Mapped[str | None] = mapped_column(Text, comment="Text that stands for it")
    status: Mapped[str] = mapped_column(String(20), comment="Whether it can be shown")
    mime_type: Mapped[str | None] = mapped_column(String(100), comment="Media type, such as image/jpeg")
    file_size: Mapped[int | None] = mapped_column(BigInteger, comment="Size, in bytes")
    width: Mapped[int | None] = mapped_column(Integer, comment="Width, in pixels")
    height: Mapped[int | None] = mapped_column(Integer, comment="Height, in pixels")
    duration: Mapped[int | None] = mapped_column(Integer, comment="Length of a video, in milliseconds")
    url: Mapped[str | None] = mapped_column(Text, comment="Address of the file")
    preview_url: Mapped[str | None] = mapped_column(Text, comment="Address of its preview image")
    sources: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSONB, server_default=text("'[]'"), comment="Forms that it is offered in: [{url, mimeType, format}]"
    )
    metadata_: Mapped[dict[str, Any] | None] = mapped_column(
        "metadata", JSONB, server_default=text("'{}'"), comment="What only this kind of file has"
    )
    created_at_shopify: Mapped[datetime | None] = timestamp("When Shopify created it")
    synced_at: Mapped[datetime | None] = timestamp(
        "When the mirror last read it from Shopify", server_default=text("now()")
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ShopifyProductMedia(Base):
    """A file shown with a product."""

    __tablename__ = "shopify_product_media"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        tenant_reference("product_id", "pim.shopify_products", ondelete="CASCADE"),
        tenant_reference("media_id", "pim.shopify_media", target_columns="media_id", ondelete="CASCADE"),
        Index("idx_product_media_shop", "shop_id"),
        Index("idx_product_media_product", "product_id", "position"),
        Index("idx_product_media_featured", "product_id", postgresql_where=text("is_featured = true")),
        Index("idx_product_media_media", "media_id"),
    )

    shop_id: Mapped[UUID] = shop_id()
    product_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, comment="Product")
    media_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, comment="File")
    position: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Place among the product's files"
    )
    is_featured: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether it is the main one"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ShopifyVariantMedia(Base):
    """A file shown with a variant."""

    __tablename__ = "shopify_variant_media"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        tenant_reference("variant_id", "pim.shopify_variants", ondelete="CASCADE"),
        tenant_reference("media_id", "pim.shopify_media", target_columns="media_id", ondelete="CASCADE"),
        Index("idx_variant_media_shop", "shop_id"),
        Index("idx_variant_media_media", "media_id"),
    )

    shop_id: Mapped[UUID] = shop_id()
    variant_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, comment="Variant")
    media_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, comment="File")
    position: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Place among the variant's files"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ShopifyPublication(Base):
    """A channel that a shop publishes to."""

    __tablename__ = "shopify_publications"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        one_of("catalog_type", "APP", "MARKET", "COMPANY_LOCATION", "NONE"),
        UniqueConstraint("shop_id", "id", name="uq_shopify_publications_tenant"),
        Index("idx_publications_shop_gid", "shop_id", "shopify_gid", unique=True),
        Index("idx_publications_shop_active", "shop_id", "is_active"),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    shopify_gid: Mapped[str] = mapped_column(
        String(100), comment="Shopify's global identifier, gid://shopify/Publication/123"
    )
    name: Mapped[str] = mapped_column(String(255), comment="Name of the channel")
    catalog_type: Mapped[str | None] = mapped_column(String(50), comment="Kind of catalog behind it")
    supports_future_publishing: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether a date in the future can be set"
    )
    auto_publish: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether new products are published by themselves"
    )
    is_active: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether it is in use"
    )
    synced_at: Mapped[datetime | None] = timestamp(
        "When the mirror last read it from Shopify", server_default=text("now()")
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ShopifyResourcePublication(Base):
    """A product or collection on a channel."""

    __tablename__ = "shopify_resource_publications"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        one_of("resource_type", "Product", "Collection"),
        tenant_reference("publication_id", "pim.shopify_publications", ondelete="CASCADE"),
        Index("idx_resource_pub_publication", "publication_id"),
        Index(
            "idx_resource_pub_resource",
            "shop_id",
            "publication_id",
            "resource_type",
            "resource_id",
            unique=True,
        ),
        Index("idx_resource_pub_published", "shop_id", "resource_type", "is_published"),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    publication_id: Mapped[UUID] = mapped_column(Uuid, comment="Channel")
    resource_type: Mapped[str] = mapped_column(String(50), comment="Kind of what is published")
    resource_id: Mapped[UUID] = mapped_column(
        Uuid, comment="Identifier in shopify_products or shopify_collections"
    )
    is_published: Mapped[bool] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether it is published now"
    )
    published_at: Mapped[datetime | None] = timestamp("When it was published")
    publish_date: Mapped[datetime | None] = timestamp("When it is going to be published")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()
