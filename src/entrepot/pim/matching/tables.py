"""Golden records that describe the same product, and products elsewhere that match them."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, Numeric, String, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import (
    Base,
    GlobalRows,
    Touch,
    created_at,
    key,
    one_of,
    table_args,
    timestamp,
    updated_at,
)


class ProdDedupeCluster(Base):
    """Golden records that seem to describe the same product."""

    __tablename__ = "prod_dedupe_clusters"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        Touch(),
        one_of("cluster_type", "EXACT_MATCH", "FUZZY", "SEMANTIC"),
        one_of("status", "pending", "confirmed", "rejected", "merged"),
        Index("idx_clusters_canonical", "canonical_product_id"),
        Index("idx_clusters_status", "status", text("confidence_score DESC")),
        Index("idx_clusters_type", "cluster_type", "status"),
    )

    id: Mapped[UUID] = key()
    cluster_type: Mapped[str] = mapped_column(String(30), comment="How they were found")
    match_criteria: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment="What had to agree: {fields, thresholds}"
    )
    canonical_product_id: Mapped[UUID | None] = mapped_column(
        Uuid, ForeignKey("pim.prod_master.id", ondelete="SET NULL"), comment="Record that remains"
    )
    member_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("1"), comment="Number of records"
    )
    confidence_score: Mapped[Decimal | None] = mapped_column(Numeric(3, 2), comment="Mean similarity")
    status: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'pending'"), comment="What was decided"
    )
    reviewed_by: Mapped[UUID | None] = mapped_column(
        Uuid, ForeignKey("pim.staff_users.id", ondelete="SET NULL"), comment="Who decided"
    )
    reviewed_at: Mapped[datetime | None] = timestamp("When it was decided")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ProdDedupeClusterMember(Base):
    """A golden record in a cluster."""

    __tablename__ = "prod_dedupe_cluster_members"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        Touch(),
        Index("idx_cluster_members_product", "product_id"),
        Index("idx_cluster_members_similarity", "cluster_id", text("similarity_score DESC")),
    )

    cluster_id: Mapped[UUID] = mapped_column(
        Uuid,
        ForeignKey("pim.prod_dedupe_clusters.id", ondelete="CASCADE"),
        primary_key=True,
        comment="Cluster",
    )
    product_id: Mapped[UUID] = mapped_column(
        Uuid, ForeignKey("pim.prod_master.id", ondelete="CASCADE"), primary_key=True, comment="Golden record"
    )
    similarity_score: Mapped[Decimal | None] = mapped_column(
        Numeric(5, 4), comment="Similarity to the record that remains"
    )
    match_fields: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="Fields that agree")
    is_canonical: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether it is the record that remains"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ProdSimilarityMatch(Base):
    """A product elsewhere that seems to be one of ours."""

    __tablename__ = "prod_similarity_matches"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        Touch(),
        one_of("match_method", "gtin_exact", "vector_semantic", "title_fuzzy", "mpn_exact"),
        one_of("match_confidence", "pending", "confirmed", "rejected", "uncertain"),
        CheckConstraint("similarity_score >= 0 AND similarity_score <= 1", name="similarity_score"),
        Index("idx_similarity_product", "product_id"),
        Index("idx_similarity_source", "source_id"),
        Index("idx_similarity_gtin", "source_gtin", postgresql_where=text("source_gtin IS NOT NULL")),
        Index(
            "idx_similarity_score",
            text("similarity_score DESC"),
            postgresql_where=text("similarity_score >= 0.95"),
        ),
        Index("idx_similarity_method", "match_method", "match_confidence"),
        Index(
            "idx_similarity_pending",
            "match_confidence",
            postgresql_where=text("match_confidence = 'pending'"),
        ),
        Index(
            "idx_similarity_confirmed",
            "product_id",
            "is_primary_source",
            postgresql_where=text("match_confidence = 'confirmed'"),
        ),
        Index("idx_similarity_url", "source_url"),
        Index(
            "idx_similarity_extraction",
            "extraction_session_id",
            postgresql_where=text("extraction_session_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = mapped_column(
        Uuid, ForeignKey("pim.prod_master.id", ondelete="CASCADE"), comment="Our golden record"
    )
    source_id: Mapped[UUID | None] = mapped_column(
        Uuid, ForeignKey("pim.prod_sources.id", ondelete="SET NULL"), comment="Source where it was found"
    )
    source_url: Mapped[str] = mapped_column(Text, comment="Address of its page")
    source_product_id: Mapped[str | None] = mapped_column(
        String(255), comment="Its identifier there, such as an ASIN"
    )
    source_gtin: Mapped[str | None] = mapped_column(String(14), comment="Its GTIN there")
    source_title: Mapped[str | None] = mapped_column(Text, comment="Its title there")
    source_brand: Mapped[str | None] = mapped_column(String(255), comment="Its brand there")
    source_price: Mapped[Decimal | None] = mapped_column(Numeric(12, 2), comment="Its price there")
    source_currency: Mapped[str | None] = mapped_column(
        String(3), comment="Currency of that price (ISO 4217)"
    )
    similarity_score: Mapped[Decimal] = mapped_column(
        Numeric(5, 4), comment="Similarity, from 0 to 1; 0.95 and more counts as a match"
    )
    match_method: Mapped[str] = mapped_column(String(30), comment="How it was found")
    match_confidence: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'pending'"), comment="What was decided"
    )
    match_details: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="What agreed: {matched_fields, scores_breakdown}"
    )
    extraction_session_id: Mapped[UUID | None] = mapped_column(
        Uuid,
        ForeignKey("pim.prod_extraction_sessions.id", ondelete="SET NULL"),
        comment="Reading of its specifications, when they were extracted",
    )
    specs_extracted: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="Its specifications")
    scraped_at: Mapped[datetime | None] = timestamp("When its page was read")
    validated_at: Mapped[datetime | None] = timestamp("When it was decided")
    validated_by: Mapped[UUID | None] = mapped_column(
        Uuid,
        ForeignKey("pim.staff_users.id", ondelete="SET NULL"),
        comment="Who decided, when it was a person",
    )
    validation_notes: Mapped[str | None] = mapped_column(Text, comment="What the reviewer wrote")
    is_primary_source: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether it is the best match to enrich from"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()
