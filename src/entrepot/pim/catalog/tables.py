"""The golden catalog: categories, golden records, their texts, proposals and quality."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import (
    Audit,
    Base,
    GlobalRows,
    TenantRows,
    Touch,
    created_at,
    key,
    one_of,
    table_args,
    timestamp,
    updated_at,
)
from entrepot.pim.columns import shop_id


class ProdTaxonomy(Base):
    """A category of the golden catalog."""

    __tablename__ = "prod_taxonomy"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        Touch(),
        Index("idx_taxonomy_parent", "parent_id"),
        Index("idx_taxonomy_slug", "slug", unique=True),
        Index("idx_taxonomy_shopify", "shopify_taxonomy_id"),
        Index("idx_taxonomy_breadcrumbs", "breadcrumbs", postgresql_using="gin"),
    )

    id: Mapped[UUID] = key()
    parent_id: Mapped[UUID | None] = mapped_column(
        Uuid, ForeignKey("pim.prod_taxonomy.id"), comment="Category above; null at the top"
    )
    name: Mapped[str] = mapped_column(String(255), comment="Name of the category")
    slug: Mapped[str] = mapped_column(String(255), comment="Name for URLs")
    breadcrumbs: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), comment="Names from the top down to this one"
    )
    level: Mapped[int] = mapped_column(Integer, server_default=text("0"), comment="Depth, 0 at the top")
    attribute_schema: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="Attributes that its products must have"
    )
    validation_rules: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="Rules that their values must obey"
    )
    external_mappings: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="The same category elsewhere: {shopify, google, facebook}"
    )
    shopify_taxonomy_id: Mapped[str | None] = mapped_column(
        String(100), comment="The same category in Shopify's product taxonomy"
    )
    is_active: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether products may be put into it"
    )
    sort_order: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Place among its siblings"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ProdMaster(Base):
    """A golden record: the one trusted description of a product, whatever shops sell it."""

    __tablename__ = "prod_master"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        Touch(),
        Audit(on=("update", "delete")),
        one_of("dedupe_status", "unique", "merged", "duplicate"),
        one_of("lifecycle_status", "active", "discontinued", "draft"),
        one_of("data_quality_level", "bronze", "silver", "golden", "review_needed"),
        CheckConstraint("quality_score BETWEEN 0 AND 1", name="quality_score"),
        Index("idx_master_sku", "internal_sku", unique=True),
        Index("idx_master_brand", "brand"),
        Index("idx_master_taxonomy", "taxonomy_id"),
        Index("idx_master_gtin", "gtin", postgresql_where=text("gtin IS NOT NULL")),
        Index("idx_master_mpn", "manufacturer", "mpn"),
        Index("idx_master_review", "needs_review", postgresql_where=text("needs_review = true")),
        Index("idx_master_quality_level", "data_quality_level"),
        Index("idx_master_bronze", "id", postgresql_where=text("data_quality_level = 'bronze'")),
        Index("idx_master_silver", "id", postgresql_where=text("data_quality_level = 'silver'")),
        Index("idx_master_golden", "id", postgresql_where=text("data_quality_level = 'golden'")),
    )

    id: Mapped[UUID] = key("Identifier of the golden record")
    internal_sku: Mapped[str] = mapped_column(String(100), comment="Our own SKU")
    canonical_title: Mapped[str] = mapped_column(Text, comment="Name that the sources agree on")
    brand: Mapped[str | None] = mapped_column(String(255), comment="Brand")
    manufacturer: Mapped[str | None] = mapped_column(String(255), comment="Manufacturer")
    mpn: Mapped[str | None] = mapped_column(String(100), comment="Manufacturer's part number")
    gtin: Mapped[str | None] = mapped_column(String(14), comment="Global Trade Item Number")
    taxonomy_id: Mapped[UUID | None] = mapped_column(
        Uuid, ForeignKey("pim.prod_taxonomy.id", ondelete="SET NULL"), comment="Category"
    )
    dedupe_status: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'unique'"), comment="Whether other records describe the same product"
    )
    dedupe_cluster_id: Mapped[UUID | None] = mapped_column(
        Uuid, comment="Cluster of records that describe the same product"
    )
    primary_source_id: Mapped[UUID | None] = mapped_column(
        Uuid, ForeignKey("pim.prod_sources.id", ondelete="SET NULL"), comment="Source that is believed first"
    )
    lifecycle_status: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'active'"), comment="Whether the product is still made"
    )
    data_quality_level: Mapped[str] = mapped_column(
        String(20), server_default=text("'bronze'"), comment="How far the record can be trusted"
    )
    quality_score: Mapped[Decimal | None] = mapped_column(
        Numeric(3, 2), comment="Computed quality, from 0 to 1"
    )
    quality_score_breakdown: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB,
        server_default=text("'{}'"),
        comment="Parts of the score: {completeness, accuracy, consistency}",
    )
    last_quality_check: Mapped[datetime | None] = timestamp("When the quality was last computed")
    promoted_to_silver_at: Mapped[datetime | None] = timestamp("When it became silver")
    promoted_to_golden_at: Mapped[datetime | None] = timestamp("When it became golden")
    needs_review: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether a person has to look at it"
    )
    review_notes: Mapped[str | None] = mapped_column(Text, comment="What the reviewer wrote")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ProdSpecsNormalized(Base):
    """The specifications of a golden record in canonical attributes and units."""

    __tablename__ = "prod_specs_normalized"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        Touch(),
        Index("idx_specs_product", "product_id"),
        Index("idx_specs_current", "product_id", postgresql_where=text("is_current = true")),
        Index("idx_specs_data", "specs", postgresql_using="gin", postgresql_ops={"specs": "jsonb_path_ops"}),
        Index("idx_specs_review", "needs_review", postgresql_where=text("needs_review = true")),
    )

    id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = mapped_column(
        Uuid, ForeignKey("pim.prod_master.id", ondelete="CASCADE"), comment="Golden record"
    )
    specs: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="Values: {attr_code: {value, unit}}")
    raw_specs: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="Values before normalization")
    provenance: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment="Where each value came from: {source_id, extraction_id, timestamp}"
    )
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"), comment="Version, counted up")
    is_current: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether it is the latest version"
    )
    needs_review: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether a person has to look at it"
    )
    review_reason: Mapped[str | None] = mapped_column(String(100), comment="Why")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ProdSemantics(Base):
    """The texts of a golden record, for people and for search."""

    __tablename__ = "prod_semantics"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        Touch(),
        Index("idx_semantics_fts", "search_vector", postgresql_using="gin"),
        Index("idx_semantics_keywords", "keywords", postgresql_using="gin"),
    )

    product_id: Mapped[UUID] = mapped_column(
        Uuid, ForeignKey("pim.prod_master.id", ondelete="CASCADE"), primary_key=True, comment="Golden record"
    )
    title_master: Mapped[str] = mapped_column(Text, comment="Title written for search engines")
    description_master: Mapped[str | None] = mapped_column(Text, comment="Long description")
    description_short: Mapped[str | None] = mapped_column(String(500), comment="Short description")
    ai_summary: Mapped[str | None] = mapped_column(Text, comment="Summary that a model wrote")
    keywords: Mapped[list[str] | None] = mapped_column(ARRAY(Text), comment="Search keywords")
    keywords_graph: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="Related terms")
    json_ld_schema: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="The product as Schema.org JSON-LD"
    )
    search_vector: Mapped[str | None] = mapped_column(TSVECTOR, comment="Words for full-text search")
    locale: Mapped[str | None] = mapped_column(
        String(10), server_default=text("'ro'"), comment="Language of the texts (BCP 47)"
    )
    updated_at: Mapped[datetime] = updated_at()


class ProdTranslation(Base):
    """The texts of a golden record in another language."""

    __tablename__ = "prod_translations"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        Touch(),
        one_of("translation_source", "manual", "ai", "import"),
        Index("idx_translations_product_locale", "product_id", "locale", unique=True),
        Index("idx_translations_locale", "locale", "is_approved"),
    )

    id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = mapped_column(
        Uuid, ForeignKey("pim.prod_master.id", ondelete="CASCADE"), comment="Golden record"
    )
    locale: Mapped[str] = mapped_column(String(10), comment="Language (BCP 47)")
    title: Mapped[str | None] = mapped_column(Text, comment="Title")
    description: Mapped[str | None] = mapped_column(Text, comment="Long description")
    description_short: Mapped[str | None] = mapped_column(String(500), comment="Short description")
    keywords: Mapped[list[str] | None] = mapped_column(ARRAY(Text), comment="Search keywords")
    seo_title: Mapped[str | None] = mapped_column(String(255), comment="Title for search engines")
    seo_description: Mapped[str | None] = mapped_column(Text, comment="Description for search engines")
    translation_source: Mapped[str | None] = mapped_column(String(30), comment="Who translated it")
    quality_score: Mapped[Decimal | None] = mapped_column(Numeric(3, 2), comment="Quality of the translation")
    is_approved: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether it may be used"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ProdChannelMapping(Base):
    """A golden record as it appears on a channel."""

    __tablename__ = "prod_channel_mappings"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(shared_nulls=True),
        Touch(),
        one_of("sync_status", "pending", "synced", "error"),
        Index("idx_channel_product", "product_id"),
        Index(
            "idx_channel_external",
            "channel",
            "shop_id",
            "external_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        Index("idx_channel_status", "channel", "sync_status"),
    )

    id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = mapped_column(
        Uuid, ForeignKey("pim.prod_master.id", ondelete="CASCADE"), comment="Golden record"
    )
    channel: Mapped[str] = mapped_column(String(50), comment="Channel, such as shopify or google")
    shop_id: Mapped[UUID | None] = shop_id("Shop, for a channel that belongs to one", nullable=True)
    external_id: Mapped[str] = mapped_column(String(255), comment="Identifier of the product on the channel")
    sync_status: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'pending'"), comment="Whether the channel has our latest data"
    )
    last_pushed_at: Mapped[datetime | None] = timestamp("When it was last written to the channel")
    last_pulled_at: Mapped[datetime | None] = timestamp("When it was last read from the channel")
    channel_meta: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="What only this channel knows"
    )
    error_message: Mapped[str | None] = mapped_column(Text, comment="What went wrong, when it failed")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ProdProposal(Base):
    """A new value for a field of a golden record, waiting for a decision."""

    __tablename__ = "prod_proposals"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        Touch(),
        one_of("proposal_status", "pending", "approved", "rejected", "merged", "superseded"),
        CheckConstraint("confidence_score BETWEEN 0 AND 1", name="confidence_score"),
        Index("idx_proposals_product", "product_id", "proposal_status"),
        Index(
            "idx_proposals_pending",
            "proposal_status",
            text("priority DESC"),
            postgresql_where=text("proposal_status = 'pending'"),
        ),
        Index("idx_proposals_field", "product_id", "field_path"),
        Index("idx_proposals_source", "source_id"),
        Index("idx_proposals_expires", "expires_at", postgresql_where=text("proposal_status = 'pending'")),
        Index(
            "idx_proposals_extraction",
            "extraction_session_id",
            postgresql_where=text("extraction_session_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = mapped_column(
        Uuid, ForeignKey("pim.prod_master.id", ondelete="CASCADE"), comment="Golden record"
    )
    field_path: Mapped[str] = mapped_column(Text, comment="Which field, such as specs.weight_kg")
    current_value: Mapped[Any] = mapped_column(JSONB, nullable=True, comment="Value now")
    proposed_value: Mapped[Any] = mapped_column(JSONB, nullable=False, comment="Value proposed")
    extraction_session_id: Mapped[UUID | None] = mapped_column(
        Uuid,
        ForeignKey("pim.prod_extraction_sessions.id", ondelete="SET NULL"),
        comment="Reading that it comes from",
    )
    source_id: Mapped[UUID | None] = mapped_column(
        Uuid, ForeignKey("pim.prod_sources.id", ondelete="SET NULL"), comment="Source that it comes from"
    )
    confidence_score: Mapped[Decimal | None] = mapped_column(Numeric(3, 2), comment="Confidence, from 0 to 1")
    proposal_status: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'pending'"), comment="What was decided"
    )
    priority: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Which to look at first; higher is more urgent"
    )
    reviewed_by: Mapped[UUID | None] = mapped_column(
        Uuid, ForeignKey("pim.staff_users.id", ondelete="SET NULL"), comment="Who decided"
    )
    reviewed_at: Mapped[datetime | None] = timestamp("When it was decided")
    review_notes: Mapped[str | None] = mapped_column(Text, comment="What the reviewer wrote")
    auto_approved: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether it was approved without a person"
    )
    expires_at: Mapped[datetime | None] = timestamp("When it is rejected by itself")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ProdQualityEvent(Base):
    """A change of a golden record's quality level."""

    __tablename__ = "prod_quality_events"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        one_of("event_type", "quality_promoted", "quality_demoted", "review_requested"),
        one_of("previous_level", "bronze", "silver", "golden", "review_needed"),
        one_of("new_level", "bronze", "silver", "golden", "review_needed"),
        one_of("trigger_reason", "auto_enrichment", "manual_review", "data_change", "scheduled_check"),
        Index("idx_quality_events_product", "product_id", text("created_at DESC")),
        Index("idx_quality_events_type", "event_type", text("created_at DESC")),
        Index("idx_quality_events_level", "new_level", text("created_at DESC")),
        Index(
            "idx_quality_events_pending_webhook", "created_at", postgresql_where=text("webhook_sent = false")
        ),
    )

    id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = mapped_column(
        Uuid, ForeignKey("pim.prod_master.id", ondelete="CASCADE"), comment="Golden record"
    )
    event_type: Mapped[str] = mapped_column(String(50), comment="What happened")
    previous_level: Mapped[str | None] = mapped_column(
        String(20), comment="Level before; null for a new record"
    )
    new_level: Mapped[str] = mapped_column(String(20), comment="Level after")
    quality_score_before: Mapped[Decimal | None] = mapped_column(Numeric(3, 2), comment="Score before")
    quality_score_after: Mapped[Decimal | None] = mapped_column(Numeric(3, 2), comment="Score after")
    trigger_reason: Mapped[str] = mapped_column(String(100), comment="What led to it")
    trigger_details: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="Details: {changed_fields, enrichment_source}"
    )
    triggered_by: Mapped[UUID | None] = mapped_column(
        Uuid,
        ForeignKey("pim.staff_users.id", ondelete="SET NULL"),
        comment="Who did it; null for the program itself",
    )
    job_id: Mapped[str | None] = mapped_column(String(255), comment="Job that did it")
    webhook_sent: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether subscribers were told"
    )
    webhook_sent_at: Mapped[datetime | None] = timestamp("When they were told")
    created_at: Mapped[datetime] = created_at()
