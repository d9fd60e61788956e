"""What was read from suppliers, manufacturers and the web, and what was found in it."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import (
    Base,
    GlobalRows,
    Partitions,
    Touch,
    created_at,
    key,
    one_of,
    secret,
    table_args,
    timestamp,
    updated_at,
)


class ProdSource(Base):
    """Where product data comes from: a supplier, a manufacturer or a scraped site."""

    __tablename__ = "prod_sources"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        Touch(),
        one_of("source_type", "SUPPLIER", "MANUFACTURER", "SCRAPER"),
        CheckConstraint("trust_score BETWEEN 0 AND 1", name="trust_score"),
    )

    id: Mapped[UUID] = key()
    name: Mapped[str] = mapped_column(String(100), unique=True, comment="Name of the source")
    source_type: Mapped[str] = mapped_column(String(50), comment="Kind of source")
    base_url: Mapped[str | None] = mapped_column(Text, comment="Address that its pages begin with")
    priority: Mapped[int | None] = mapped_column(
        Integer, server_default=text("50"), comment="Which source wins a conflict; higher wins"
    )
    trust_score: Mapped[Decimal | None] = mapped_column(
        Numeric(3, 2), server_default=text("0.5"), comment="How far it is trusted, from 0 to 1"
    )
    config: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="How it is read"
    )
    rate_limit: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="How fast it may be asked: {requests_per_second}"
    )
    auth_config: Mapped[dict[str, Any] | None] = secret(JSONB, "Where its credentials are kept, encrypted")
    is_active: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether it is used"
    )
    last_harvest_at: Mapped[datetime | None] = timestamp("When it was last read")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ProdRawHarvest(Base):
    """A page or record as its source delivered it."""

    __tablename__ = "prod_raw_harvest"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        Partitions("fetched_at", retain=timedelta(days=90)),
        one_of("processing_status", "pending", "processed", "failed"),
        Index("idx_harvest_source", "source_id"),
        Index("idx_harvest_status", "processing_status"),
        Index("idx_harvest_sku", "target_sku", postgresql_where=text("target_sku IS NOT NULL")),
        Index("idx_harvest_url", "source_url"),
        Index("idx_harvest_hash", "content_hash"),
    )

    id: Mapped[UUID] = key()
    source_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey("pim.prod_sources.id"), comment="Source")
    target_sku: Mapped[str | None] = mapped_column(String(100), comment="SKU that it is about, when known")
    source_url: Mapped[str] = mapped_column(Text, comment="Address that was read")
    source_product_id: Mapped[str | None] = mapped_column(
        String(255), comment="The source's identifier of the product"
    )
    raw_html: Mapped[str | None] = mapped_column(Text, comment="The page, whole")
    raw_json: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="Structured data of the page")
    http_status: Mapped[int | None] = mapped_column(Integer, comment="Status of the answer")
    response_headers: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="Headers of the answer")
    fetched_at: Mapped[datetime] = timestamp(
        "When it was read; chooses the partition", primary_key=True, server_default=text("now()")
    )
    processing_status: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'pending'"), comment="Whether specifications were extracted from it"
    )
    processing_error: Mapped[str | None] = mapped_column(Text, comment="Why processing failed")
    processed_at: Mapped[datetime | None] = timestamp("When it was processed")
    content_hash: Mapped[str | None] = mapped_column(
        String(64), comment="SHA-256 of the content; the same content is not processed twice"
    )
    ttl_expires_at: Mapped[datetime | None] = timestamp("Until when it counts as fresh")
    created_at: Mapped[datetime] = created_at()


class ProdExtractionSession(Base):
    """What one reading of a harvest found."""

    __tablename__ = "prod_extraction_sessions"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        CheckConstraint("confidence_score BETWEEN 0 AND 1", name="confidence_score"),
        ForeignKeyConstraint(
            ["harvest_id", "harvest_fetched_at"],
            ["pim.prod_raw_harvest.id", "pim.prod_raw_harvest.fetched_at"],
            ondelete="CASCADE",
        ),
        Index("idx_extraction_harvest", "harvest_id"),
        Index("idx_extraction_confidence", "confidence_score"),
        Index(
            "idx_extraction_specs",
            "extracted_specs",
            postgresql_using="gin",
            postgresql_ops={"extracted_specs": "jsonb_path_ops"},
        ),
    )

    id: Mapped[UUID] = key()
    harvest_id: Mapped[UUID] = mapped_column(Uuid, comment="Harvest that was read")
    harvest_fetched_at: Mapped[datetime] = timestamp(
        "When that harvest was fetched; the other half of its key"
    )
    agent_version: Mapped[str] = mapped_column(String(50), comment="Version of the extractor")
    model_name: Mapped[str | None] = mapped_column(String(100), comment="Model that read it, such as gpt-4o")
    extracted_specs: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="What was found: {key: value}")
    grounding_snippets: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="Passages of the source that prove it"
    )
    confidence_score: Mapped[Decimal | None] = mapped_column(
        Numeric(3, 2), comment="Confidence in the whole, from 0 to 1"
    )
    field_confidences: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="Confidence in each field"
    )
    tokens_used: Mapped[int | None] = mapped_column(Integer, comment="Tokens that the model used")
    latency_ms: Mapped[int | None] = mapped_column(Integer, comment="How long it took, in milliseconds")
    error_message: Mapped[str | None] = mapped_column(Text, comment="What went wrong, when it failed")
    created_at: Mapped[datetime] = created_at()
