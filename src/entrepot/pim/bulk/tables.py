"""Bulk runs with their steps, files and errors, and the staging tables that they load into."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Identity,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import (
    Base,
    TenantRows,
    Touch,
    created_at,
    key,
    one_of,
    secret,
    table_args,
    tenant_reference,
    timestamp,
    updated_at,
)
from entrepot.pim.columns import shop_id


class BulkRun(Base):
    """An import or export of many records, from its start to its end."""

    __tablename__ = "bulk_runs"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        one_of("operation_type", "PRODUCTS_EXPORT", "ORDERS_EXPORT", "FILE_IMPORT"),
        one_of("status", "pending", "running", "completed", "failed", "cancelled"),
        UniqueConstraint("shop_id", "id", name="uq_bulk_runs_tenant"),
        Index("idx_bulk_runs_shop_status", "shop_id", "status"),
        Index("idx_bulk_runs_shopify_op", "shopify_operation_id"),
        Index("idx_bulk_runs_idempotency", "idempotency_key", unique=True),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    operation_type: Mapped[str] = mapped_column(String(50), comment="What is done")
    query_type: Mapped[str | None] = mapped_column(String(50), comment="Which query or file layout it reads")
    status: Mapped[str] = mapped_column(String(20), server_default=text("'pending'"), comment="How far it is")
    shopify_operation_id: Mapped[str | None] = mapped_column(
        String(100), comment="Shopify's global identifier of the bulk operation"
    )
    api_version: Mapped[str | None] = mapped_column(String(20), comment="Version of the Shopify API")
    polling_url: Mapped[str | None] = mapped_column(Text, comment="Where its state is asked for")
    result_url: Mapped[str | None] = secret(Text, "Signed address of the result, valid for seven days")
    idempotency_key: Mapped[str | None] = mapped_column(
        String(100), comment="The same key twice is the same run"
    )
    cursor_state: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="Where a run that was interrupted goes on"
    )
    started_at: Mapped[datetime | None] = timestamp("When it started")
    completed_at: Mapped[datetime | None] = timestamp("When it ended")
    records_processed: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Records so far"
    )
    bytes_processed: Mapped[int | None] = mapped_column(
        BigInteger, server_default=text("0"), comment="Bytes so far"
    )
    error_message: Mapped[str | None] = mapped_column(Text, comment="What went wrong, when it failed")
    retry_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Number of new attempts so far"
    )
    max_retries: Mapped[int | None] = mapped_column(
        Integer, server_default=text("3"), comment="Number of new attempts allowed"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class BulkStep(Base):
    """One step of a bulk run."""

    __tablename__ = "bulk_steps"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        one_of("step_name", "download", "parse", "validate", "merge", "upsert"),
        one_of("status", "pending", "running", "completed", "failed", "cancelled", "skipped"),
        tenant_reference("bulk_run_id", "pim.bulk_runs", ondelete="CASCADE"),
        Index("idx_bulk_steps_run", "bulk_run_id"),
        Index("idx_bulk_steps_status", "shop_id", "status"),
    )

    id: Mapped[UUID] = key()
    bulk_run_id: Mapped[UUID] = mapped_column(Uuid, comment="Run that it is a step of")
    shop_id: Mapped[UUID] = shop_id()
    step_name: Mapped[str] = mapped_column(String(100), comment="What the step does")
    status: Mapped[str] = mapped_column(String(20), server_default=text("'pending'"), comment="How far it is")
    started_at: Mapped[datetime | None] = timestamp("When it started")
    completed_at: Mapped[datetime | None] = timestamp("When it ended")
    records_processed: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Records so far"
    )
    error_message: Mapped[str | None] = mapped_column(Text, comment="What went wrong, when it failed")
    metadata_: Mapped[dict[str, Any] | None] = mapped_column(
        "metadata", JSONB, server_default=text("'{}'"), comment="Figures and details of the step"
    )
    created_at: Mapped[datetime] = created_at()


class BulkArtifact(Base):
    """A file of a bulk run."""

    __tablename__ = "bulk_artifacts"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        one_of("artifact_type", "jsonl", "csv"),
        tenant_reference("bulk_run_id", "pim.bulk_runs", ondelete="CASCADE"),
        Index("idx_bulk_artifacts_run", "bulk_run_id"),
    )

    id: Mapped[UUID] = key()
    bulk_run_id: Mapped[UUID] = mapped_column(Uuid, comment="Run that it belongs to")
    shop_id: Mapped[UUID] = shop_id()
    artifact_type: Mapped[str] = mapped_column(String(50), comment="Format of the file")
    file_path: Mapped[str] = mapped_column(Text, comment="Path of the local file")
    url: Mapped[str | None] = secret(Text, "Address that it was downloaded from")
    bytes_size: Mapped[int | None] = mapped_column(BigInteger, comment="Size, in bytes")
    rows_count: Mapped[int | None] = mapped_column(Integer, comment="Number of lines")
    checksum: Mapped[str | None] = mapped_column(String(64), comment="SHA-256 of the file")
    expires_at: Mapped[datetime | None] = timestamp("When the address stops working")
    created_at: Mapped[datetime] = created_at()


class BulkError(Base):
    """A record of a bulk run that was set aside, with the reason."""

    __tablename__ = "bulk_errors"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        one_of("error_type", "PARSE", "VALIDATION", "DB"),
        tenant_reference("bulk_run_id", "pim.bulk_runs", ondelete="CASCADE"),
        Index("idx_bulk_errors_run", "bulk_run_id"),
        Index("idx_bulk_errors_type", "shop_id", "error_type"),
    )

    id: Mapped[UUID] = key()
    bulk_run_id: Mapped[UUID] = mapped_column(Uuid, comment="Run that it belongs to")
    shop_id: Mapped[UUID] = shop_id()
    error_type: Mapped[str] = mapped_column(
        String(50), comment="Where it failed: reading, checking or storing"
    )
    error_code: Mapped[str | None] = mapped_column(String(50), comment="Short name of the reason")
    error_message: Mapped[str] = mapped_column(Text, comment="The reason, in words")
    line_number: Mapped[int | None] = mapped_column(Integer, comment="Line of the file, from 1")
    payload: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="The record, as far as it could be read"
    )
    created_at: Mapped[datetime] = created_at()


class StagingProduct(Base):
    """A product on its way into shopify_products; unlogged, without foreign keys, and emptied when its run ends."""

    __tablename__ = "staging_products"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(within=(("bulk_run_id", "pim.bulk_runs"),)),
        one_of("validation_status", "pending", "valid", "invalid"),
        one_of("merge_status", "pending", "merged", "skipped", "failed"),
        Index("idx_staging_products_run", "bulk_run_id"),
        Index("idx_staging_products_validation", "bulk_run_id", "validation_status"),
        Index("idx_staging_products_merge", "bulk_run_id", "merge_status"),
        Index("idx_staging_products_gid", "shop_id", "shopify_gid"),
        unlogged=True,
    )

    id: Mapped[UUID] = key("Identifier of the staged row")
    bulk_run_id: Mapped[UUID] = mapped_column(Uuid, comment="Run that staged the row")
    shop_id: Mapped[UUID] = mapped_column(Uuid, comment="Tenant")
    shopify_gid: Mapped[str | None] = mapped_column(
        String(100), comment="Shopify's global identifier, gid://shopify/Product/123"
    )
    legacy_resource_id: Mapped[int | None] = mapped_column(BigInteger, comment="Shopify's numeric identifier")
    title: Mapped[str | None] = mapped_column(Text, comment="Name of the product")
    handle: Mapped[str | None] = mapped_column(String(255), comment="Part of the product's URL")
    description: Mapped[str | None] = mapped_column(Text, comment="Description as plain text")
    description_html: Mapped[str | None] = mapped_column(Text, comment="Description as HTML")
    vendor: Mapped[str | None] = mapped_column(String(255), comment="Brand or vendor")
    product_type: Mapped[str | None] = mapped_column(
        String(255), comment="Type of product, in the merchant's words"
    )
    status: Mapped[str | None] = mapped_column(String(20), comment="Whether the product is for sale")
    tags: Mapped[list[str] | None] = mapped_column(ARRAY(Text), server_default=text("'{}'"), comment="Tags")
    options: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSONB, server_default=text("'[]'"), comment="Options in order: [{name, position, values}]"
    )
    seo: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="Title and description for search engines: {title, description}"
    )
    metafields: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB,
        server_default=text("'{}'"),
        comment="Metafields by namespace.key, each with its value and type",
    )
    is_gift_card: Mapped[bool | None] = mapped_column(Boolean, comment="Whether it is a gift card")
    has_only_default_variant: Mapped[bool | None] = mapped_column(
        Boolean, comment="Whether it has no options, only the one default variant"
    )
    has_out_of_stock_variants: Mapped[bool | None] = mapped_column(
        Boolean, comment="Whether any variant is out of stock"
    )
    requires_selling_plan: Mapped[bool | None] = mapped_column(
        Boolean, comment="Whether it is sold by subscription only"
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
    published_at: Mapped[datetime | None] = timestamp("When it was published to the online store")
    created_at_shopify: Mapped[datetime | None] = timestamp("When Shopify created it")
    updated_at_shopify: Mapped[datetime | None] = timestamp("When Shopify last changed it")
    file_number: Mapped[int | None] = mapped_column(
        SmallInteger, comment="Which file of the run, from 0 in the order in which they were named"
    )
    line_number: Mapped[int | None] = mapped_column(Integer, comment="Line of the file, from 1")
    raw_data: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="The record as it was read")
    imported_at: Mapped[datetime | None] = timestamp("When it was staged", server_default=text("now()"))
    validation_status: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'pending'"), comment="Whether the row may be merged"
    )
    validation_errors: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSONB, server_default=text("'[]'"), comment="What is wrong with it: [{field, error, value}]"
    )
    merge_status: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'pending'"), comment="What the merge did with it"
    )
    merged_at: Mapped[datetime | None] = timestamp("When it was merged")
    target_product_id: Mapped[UUID | None] = mapped_column(Uuid, comment="Product that it was merged into")


class StagingVariant(Base):
    """A variant on its way into shopify_variants; unlogged, without foreign keys, and emptied when its run ends."""

    __tablename__ = "staging_variants"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(within=(("bulk_run_id", "pim.bulk_runs"),)),
        one_of("validation_status", "pending", "valid", "invalid"),
        one_of("merge_status", "pending", "merged", "skipped", "failed"),
        Index("idx_staging_variants_run", "bulk_run_id"),
        Index("idx_staging_variants_product", "staging_product_id"),
        Index("idx_staging_variants_validation", "bulk_run_id", "validation_status"),
        Index("idx_staging_variants_gid", "shop_id", "shopify_gid"),
        unlogged=True,
    )

    id: Mapped[UUID] = key("Identifier of the staged row")
    bulk_run_id: Mapped[UUID] = mapped_column(Uuid, comment="Run that staged the row")
    shop_id: Mapped[UUID] = mapped_column(Uuid, comment="Tenant")
    staging_product_id: Mapped[UUID | None] = mapped_column(
        Uuid, comment="Staged product that it belongs to, when that is in the same run"
    )
    shopify_gid: Mapped[str | None] = mapped_column(
        String(100), comment="Shopify's global identifier, gid://shopify/ProductVariant/123"
    )
    legacy_resource_id: Mapped[int | None] = mapped_column(BigInteger, comment="Shopify's numeric identifier")
    title: Mapped[str | None] = mapped_column(
        String(255), comment="Name of the variant, its option values joined"
    )
    sku: Mapped[str | None] = mapped_column(
        String(255), comment="Stock keeping unit, where the merchant has one"
    )
    barcode: Mapped[str | None] = mapped_column(String(100), comment="UPC, EAN or ISBN, where there is one")
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2), comment="Selling price")
    compare_at_price: Mapped[Decimal | None] = mapped_column(
        Numeric(12, 2), comment="Price before discount; null without one"
    )
    cost: Mapped[Decimal | None] = mapped_column(Numeric(12, 2), comment="What one unit costs the merchant")
    inventory_quantity: Mapped[int | None] = mapped_column(
        Integer, comment="Units in stock at all locations together"
    )
    inventory_item_id: Mapped[str | None] = mapped_column(
        String(100), comment="Shopify's global identifier of the inventory item"
    )
    weight: Mapped[Decimal | None] = mapped_column(Numeric(10, 4), comment="Weight, in weight_unit")
    weight_unit: Mapped[str | None] = mapped_column(String(20), comment="Unit of the weight")
    selected_options: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSONB, server_default=text("'[]'"), comment="Option values: [{name, value}]"
    )
    metafields: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB,
        server_default=text("'{}'"),
        comment="Metafields by namespace.key, each with its value and type",
    )
    product_gid: Mapped[str | None] = mapped_column(
        String(100), comment="Shopify's global identifier of its product"
    )
    currency_code: Mapped[str | None] = mapped_column(String(3), comment="Currency of the prices (ISO 4217)")
    inventory_policy: Mapped[str | None] = mapped_column(
        String(20), comment="Whether it may be sold when it is out of stock"
    )
    taxable: Mapped[bool | None] = mapped_column(Boolean, comment="Whether tax is charged")
    tax_code: Mapped[str | None] = mapped_column(String(50), comment="Tax code")
    available_for_sale: Mapped[bool | None] = mapped_column(Boolean, comment="Whether it can be bought now")
    requires_shipping: Mapped[bool | None] = mapped_column(Boolean, comment="Whether it is shipped")
    requires_components: Mapped[bool | None] = mapped_column(
        Boolean, comment="Whether it is a bundle that is sold only with its components"
    )
    position: Mapped[int | None] = mapped_column(
        Integer, comment="Place among the product's variants, from 1"
    )
    image_url: Mapped[str | None] = mapped_column(Text, comment="Address of the variant's image")
    created_at_shopify: Mapped[datetime | None] = timestamp("When Shopify created it")
    updated_at_shopify: Mapped[datetime | None] = timestamp("When Shopify last changed it")
    file_number: Mapped[int | None] = mapped_column(
        SmallInteger, comment="Which file of the run, from 0 in the order in which they were named"
    )
    line_number: Mapped[int | None] = mapped_column(Integer, comment="Line of the file, from 1")
    raw_data: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="The record as it was read")
    imported_at: Mapped[datetime | None] = timestamp("When it was staged", server_default=text("now()"))
    validation_status: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'pending'"), comment="Whether the row may be merged"
    )
    validation_errors: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSONB, server_default=text("'[]'"), comment="What is wrong with it: [{field, error, value}]"
    )
    merge_status: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'pending'"), comment="What the merge did with it"
    )
    merged_at: Mapped[datetime | None] = timestamp("When it was merged")
    target_variant_id: Mapped[UUID | None] = mapped_column(Uuid, comment="Variant that it was merged into")


class StagingRecord(Base):
    """Any other record on its way into its table; unlogged, without foreign keys, and emptied when its run ends."""

    __tablename__ = "staging_records"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(within=(("bulk_run_id", "pim.bulk_runs"),)),
        one_of("validation_status", "valid", "invalid"),
        Index("idx_staging_records_run", "bulk_run_id", "resource_type", "shopify_gid"),
        unlogged=True,
    )

    id: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True, comment="Order of staging"
    )
    bulk_run_id: Mapped[UUID] = mapped_column(Uuid, comment="Run that staged the row")
    shop_id: Mapped[UUID] = mapped_column(Uuid, comment="Tenant")
    file_number: Mapped[int] = mapped_column(
        SmallInteger, comment="Which file of the run, from 0 in the order in which they were named"
    )
    line_number: Mapped[int] = mapped_column(Integer, comment="Line of the file, from 1")
    resource_type: Mapped[str] = mapped_column(String(50), comment="Type of the record, as its gid names it")
    shopify_gid: Mapped[str | None] = mapped_column(Text, comment="Shopify's global identifier")
    parent_gid: Mapped[str | None] = mapped_column(
        Text, comment="Identifier of the record that it stands below"
    )
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="The columns of the record, checked")
    validation_status: Mapped[str] = mapped_column(
        String(20), server_default=text("'valid'"), comment="Whether the row may be merged"
    )
    reason: Mapped[str | None] = mapped_column(Text, comment="What is wrong with it")
