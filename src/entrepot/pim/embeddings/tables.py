"""Vectors of the golden catalog and of the shops' products."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from pgvector.sqlalchemy import Vector
from sqlalchemy import ForeignKey, Index, Integer, Numeric, String, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import (
    Base,
    GlobalRows,
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


class ProdEmbedding(Base):
    """A vector of a golden record's meaning."""

    __tablename__ = "prod_embeddings"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        one_of("embedding_type", "title", "description", "specs", "combined"),
        Index("idx_embeddings_product", "product_id"),
        Index("idx_embeddings_type", "product_id", "embedding_type"),
        Index(
            "idx_embeddings_vector",
            "embedding",
            postgresql_using="hnsw",
            postgresql_ops={"embedding": "vector_cosine_ops"},
            postgresql_with={"m": 16, "ef_construction": 64},
        ),
        Index(
            "idx_embeddings_product_current",
            "product_id",
            postgresql_where=text("embedding_type = 'combined'"),
        ),
    )

    id: Mapped[UUID] = key()
    product_id: Mapped[UUID] = mapped_column(
        Uuid, ForeignKey("pim.prod_master.id", ondelete="CASCADE"), comment="Golden record"
    )
    embedding_type: Mapped[str] = mapped_column(String(50), comment="Which text the vector stands for")
    embedding: Mapped[list[float]] = mapped_column(
        Vector(1536),
        comment="The vector; a shorter one is padded with zeros, which leaves the cosine unchanged",
    )
    content_hash: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the text")
    model_version: Mapped[str] = mapped_column(
        String(50), comment="Model that made it; vectors of different models are not compared"
    )
    dimensions: Mapped[int | None] = mapped_column(
        Integer, server_default=text("1536"), comment="Dimensions of the model, before padding"
    )
    created_at: Mapped[datetime] = created_at()


class ShopProductEmbedding(Base):
    """A vector of a shop's product, for search within the shop."""

    __tablename__ = "shop_product_embeddings"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        one_of("embedding_type", "title", "description", "combined"),
        one_of("status", "pending", "ready", "failed"),
        tenant_reference("product_id", "pim.shopify_products", ondelete="CASCADE"),
        Index(
            "idx_shop_embeddings_product",
            "shop_id",
            "product_id",
            "embedding_type",
            "model_version",
            unique=True,
        ),
        Index("idx_shop_embeddings_hash", "shop_id", "content_hash"),
        Index(
            "idx_shop_embeddings_pending", "shop_id", "status", postgresql_where=text("status = 'pending'")
        ),
        Index(
            "idx_shop_embeddings_vector",
            "embedding",
            postgresql_using="hnsw",
            postgresql_ops={"embedding": "vector_cosine_ops"},
            postgresql_with={"m": 24, "ef_construction": 128},
        ),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    product_id: Mapped[UUID] = mapped_column(Uuid, comment="Product of the shop")
    embedding_type: Mapped[str] = mapped_column(String(50), comment="Which text the vector stands for")
    embedding: Mapped[list[float]] = mapped_column(
        Vector(1536),
        comment="The vector; a shorter one is padded with zeros, which leaves the cosine unchanged",
    )
    content_hash: Mapped[str] = mapped_column(
        String(64), comment="SHA-256 of the text, to see that it changed"
    )
    model_version: Mapped[str] = mapped_column(
        String(50), comment="Model that made it; vectors of different models are not compared"
    )
    dimensions: Mapped[int | None] = mapped_column(
        Integer, server_default=text("1536"), comment="Dimensions of the model, before padding"
    )
    status: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'pending'"), comment="Whether the vector can be used"
    )
    error_message: Mapped[str | None] = mapped_column(Text, comment="What went wrong, when it failed")
    generated_at: Mapped[datetime | None] = timestamp("When it was made")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class EmbeddingBatch(Base):
    """A batch of texts sent away to become vectors."""

    __tablename__ = "embedding_batches"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(shared_nulls=True),
        Touch(),
        one_of("batch_type", "product_title", "product_description", "specs", "combined", "attribute"),
        one_of("status", "pending", "submitted", "processing", "completed", "failed", "cancelled"),
        Index("idx_embedding_batches_shop", "shop_id"),
        Index("idx_embedding_batches_status", "status"),
        Index(
            "idx_embedding_batches_openai",
            "openai_batch_id",
            postgresql_where=text("openai_batch_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = key("Identifier of the batch")
    shop_id: Mapped[UUID | None] = shop_id("Shop that it is for; null for the golden catalog", nullable=True)
    batch_type: Mapped[str] = mapped_column(String(30), comment="Which texts it holds")
    status: Mapped[str] = mapped_column(String(20), server_default=text("'pending'"), comment="How far it is")
    openai_batch_id: Mapped[str | None] = mapped_column(
        String(100), comment="The provider's identifier of the batch"
    )
    input_file_id: Mapped[str | None] = mapped_column(
        String(100), comment="The provider's identifier of the input file"
    )
    output_file_id: Mapped[str | None] = mapped_column(
        String(100), comment="The provider's identifier of the output file"
    )
    error_file_id: Mapped[str | None] = mapped_column(
        String(100), comment="The provider's identifier of the error file"
    )
    model: Mapped[str] = mapped_column(
        String(50), server_default=text("'text-embedding-3-small'"), comment="Model"
    )
    dimensions: Mapped[int] = mapped_column(
        Integer, server_default=text("1536"), comment="Dimensions of the vectors"
    )
    total_items: Mapped[int] = mapped_column(Integer, server_default=text("0"), comment="Texts in the batch")
    completed_items: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Texts that became vectors"
    )
    failed_items: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Texts that failed"
    )
    tokens_used: Mapped[int | None] = mapped_column(Integer, server_default=text("0"), comment="Tokens used")
    estimated_cost: Mapped[Decimal | None] = mapped_column(
        Numeric(14, 8), comment="Estimated cost, in US dollars"
    )
    submitted_at: Mapped[datetime | None] = timestamp("When it was sent")
    completed_at: Mapped[datetime | None] = timestamp("When it ended")
    expires_at: Mapped[datetime | None] = timestamp("When the provider deletes the result")
    error_message: Mapped[str | None] = mapped_column(Text, comment="What went wrong, when it failed")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()
