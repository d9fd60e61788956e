"""Products and variants as the API gives them."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class _Row(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class ProductSummary(_Row):
    """A product in a list."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0199f1c2-7a10-7c55-9d31-6a7be2c4c001",
                    "shopify_gid": "gid://shopify/Product/8801234567890",
                    "title": "Enamel Mug 350 ml",
                    "handle": "enamel-mug-350-ml",
                    "status": "ACTIVE",
                    "vendor": "Harbor Goods",
                    "product_type": "Kitchen",
                    "tags": ["mug", "gift"],
                    "featured_image_url": "https://cdn.shopify.com/s/files/1/0001/mug.jpg",
                    "variants_count": 3,
                    "min_price": "19.50",
                    "max_price": "21.00",
                    "currency_code": "CAD",
                    "inventory_quantity": 21,
                    "published_at": "2026-08-13T09:00:00Z",
                    "created_at_shopify": "2025-07-09T09:00:00Z",
                    "updated_at_shopify": "2026-11-15T08:51:00Z",
                    "synced_at": "2026-11-21T08:51:00Z",
                }
            ]
        }
    )

    id: UUID = Field(description="Identifier here.")
    shopify_gid: str = Field(description="Identifier at Shopify.")
    title: str
    handle: str
    status: str = Field(description="ACTIVE, DRAFT, ARCHIVED or UNLISTED.")
    vendor: str | None
    product_type: str | None
    tags: list[str] = Field(default_factory=list)
    featured_image_url: str | None
    variants_count: int
    min_price: Decimal | None = Field(description="Least price of a variant.")
    max_price: Decimal | None = Field(description="Greatest price of a variant.")
    currency_code: str
    inventory_quantity: int = Field(description="Units in stock over all variants.")
    published_at: datetime | None
    created_at_shopify: datetime | None
    updated_at_shopify: datetime | None
    synced_at: datetime | None = Field(description="When it was last imported.")


class ProductPage(BaseModel):
    """A page of products; `next` and `previous` are cursors for `after` and `before`."""

    items: list[ProductSummary]
    approximate: bool = Field(description="Nothing holds the words of `q`; these are titles that come close.")
    next: str | None = Field(description="Cursor of the next page; null on the last one.")
    previous: str | None = Field(description="Cursor of the page before; null on the first one.")


class Variant(_Row):
    """A variant of a product."""

    id: UUID
    product_id: UUID
    shopify_gid: str
    title: str
    sku: str | None
    barcode: str | None
    price: Decimal
    compare_at_price: Decimal | None
    cost: Decimal | None
    currency_code: str | None
    weight: Decimal | None
    weight_unit: str | None
    inventory_quantity: int | None
    inventory_policy: str | None = Field(description="DENY or CONTINUE: whether it sells when there is none.")
    inventory_item_id: str | None
    taxable: bool | None
    requires_shipping: bool | None
    available_for_sale: bool | None
    position: int | None
    selected_options: list[dict[str, Any]] | None = Field(description="[{name, value}]")
    image_url: str | None
    metafields: dict[str, Any] | None
    updated_at_shopify: datetime | None
    synced_at: datetime | None


class FoundVariant(Variant):
    """A variant in a list, with its product."""

    product_title: str
    product_handle: str


class VariantPage(BaseModel):
    """A page of variants."""

    items: list[FoundVariant]
    next: str | None
    previous: str | None


class Media(_Row):
    """An image, video or model of a product."""

    id: UUID
    shopify_gid: str
    media_type: str
    status: str
    alt: str | None
    mime_type: str | None
    width: int | None
    height: int | None
    url: str | None
    preview_url: str | None
    position: int | None
    is_featured: bool | None


class CollectionSummary(_Row):
    """A collection that a product is in."""

    id: UUID
    shopify_gid: str
    title: str
    handle: str
    collection_type: str


class Product(ProductSummary):
    """A product with everything that belongs to it."""

    description: str | None
    description_html: str | None = Field(description="As Shopify holds it: sanitize before showing it.")
    options: list[dict[str, Any]] | None = Field(description="[{name, position, values}]")
    seo: dict[str, Any] | None
    metafields: dict[str, Any] | None = Field(description="By namespace.key, each with its value and type.")
    category_id: str | None
    is_gift_card: bool | None
    variants: list[Variant]
    media: list[Media]
    collections: list[CollectionSummary]
