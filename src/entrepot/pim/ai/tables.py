"""Batches of requests to model providers."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, Index, Integer, Numeric, String, Text, UniqueConstraint, Uuid, text
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


class AiBatch(Base):
    """A batch of requests sent to a model provider."""

    __tablename__ = "ai_batches"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(shared_nulls=True),
        Touch(),
        one_of("provider", "openai", "anthropic"),
        one_of("batch_type", "embedding", "extraction", "enrichment"),
        one_of("status", "pending", "submitted", "processing", "completed", "failed"),
        UniqueConstraint("shop_id", "id", name="uq_ai_batches_tenant"),
        Index("idx_ai_batches_provider", "provider_batch_id"),
        Index("idx_ai_batches_status", "status"),
        Index("idx_ai_batches_shop", "shop_id"),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID | None] = shop_id("Shop that it is for; null for the golden catalog", nullable=True)
    provider: Mapped[str] = mapped_column(String(20), comment="Provider")
    provider_batch_id: Mapped[str | None] = mapped_column(
        String(100), comment="The provider's identifier of the batch"
    )
    batch_type: Mapped[str] = mapped_column(String(50), comment="What is asked for")
    status: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'pending'"), comment="How far it is"
    )
    request_count: Mapped[int] = mapped_column(
        Integer, server_default=text("0"), comment="Requests in the batch"
    )
    completed_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Requests that were answered"
    )
    error_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Requests that failed"
    )
    total_tokens: Mapped[int | None] = mapped_column(Integer, server_default=text("0"), comment="Tokens used")
    estimated_cost: Mapped[Decimal | None] = mapped_column(
        Numeric(14, 8), comment="Estimated cost, in US dollars"
    )
    submitted_at: Mapped[datetime | None] = timestamp("When it was sent")
    completed_at: Mapped[datetime | None] = timestamp("When it ended")
    expires_at: Mapped[datetime | None] = timestamp("When the provider deletes the result")
    error_message: Mapped[str | None] = mapped_column(Text, comment="What went wrong, when it failed")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class AiBatchItem(Base):
    """One request of a batch and its answer."""

    __tablename__ = "ai_batch_items"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(shared_nulls=True),
        one_of("entity_type", "product", "harvest", "spec"),
        tenant_reference("batch_id", "pim.ai_batches", ondelete="CASCADE"),
        Index("idx_batch_items_batch", "batch_id"),
        Index("idx_batch_items_entity", "entity_type", "entity_id"),
        Index("idx_batch_items_hash", "content_hash"),
        Index("idx_batch_items_status", "batch_id", "status"),
    )

    id: Mapped[UUID] = key()
    batch_id: Mapped[UUID] = mapped_column(
        Uuid, ForeignKey("pim.ai_batches.id", ondelete="CASCADE"), comment="Batch"
    )
    shop_id: Mapped[UUID | None] = shop_id("Shop that it is for, the same as its batch's", nullable=True)
    entity_type: Mapped[str] = mapped_column(String(50), comment="What it is about")
    entity_id: Mapped[UUID] = mapped_column(Uuid, comment="Identifier of what it is about")
    custom_id: Mapped[str | None] = mapped_column(
        String(100), comment="Our name for the request at the provider"
    )
    input_content: Mapped[str] = mapped_column(Text, comment="The request")
    content_hash: Mapped[str] = mapped_column(
        String(64), comment="SHA-256 of the request; the same is not asked twice"
    )
    status: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'pending'"), comment="How far it is"
    )
    output_content: Mapped[str | None] = mapped_column(Text, comment="The answer")
    tokens_used: Mapped[int | None] = mapped_column(Integer, comment="Tokens used")
    error_message: Mapped[str | None] = mapped_column(Text, comment="What went wrong, when it failed")
    processed_at: Mapped[datetime | None] = timestamp("When it was answered")
    created_at: Mapped[datetime] = created_at()
