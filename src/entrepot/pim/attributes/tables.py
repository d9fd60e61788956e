"""The attributes that specifications are normalized to."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pgvector.sqlalchemy import Vector
from sqlalchemy import Boolean, ForeignKey, Index, Integer, Numeric, String, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import Base, GlobalRows, Touch, created_at, key, one_of, table_args, updated_at


class ProdAttrDefinition(Base):
    """An attribute that golden records can have."""

    __tablename__ = "prod_attr_definitions"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        Touch(),
        one_of("data_type", "string", "number", "boolean", "enum"),
        one_of("unit_family", "length", "weight", "volume"),
        Index("idx_attr_code", "code", unique=True),
        Index("idx_attr_type", "data_type"),
        Index(
            "idx_attr_embedding",
            "embedding",
            postgresql_using="hnsw",
            postgresql_ops={"embedding": "vector_cosine_ops"},
        ),
    )

    id: Mapped[UUID] = key()
    code: Mapped[str] = mapped_column(String(100), comment="Canonical code")
    label: Mapped[str] = mapped_column(String(255), comment="Name for people")
    description: Mapped[str | None] = mapped_column(Text, comment="What it means")
    data_type: Mapped[str] = mapped_column(String(30), comment="Type of its values")
    unit: Mapped[str | None] = mapped_column(String(50), comment="Unit that values are kept in")
    unit_family: Mapped[str | None] = mapped_column(String(50), comment="What the unit measures")
    allowed_values: Mapped[Any] = mapped_column(JSONB, nullable=True, comment="Values of an enumeration")
    validation_regex: Mapped[str | None] = mapped_column(
        String(255), comment="Pattern that a value must match"
    )
    is_required: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether every product must have it"
    )
    is_variant_level: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether it differs between variants"
    )
    is_searchable: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether search looks at it"
    )
    is_filterable: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether lists can be filtered by it"
    )
    display_order: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Place in lists"
    )
    embedding: Mapped[list[float] | None] = mapped_column(Vector(1536), comment="Vector of its meaning")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ProdAttrSynonym(Base):
    """Another name for an attribute."""

    __tablename__ = "prod_attr_synonyms"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        one_of("source", "manual", "ai", "import"),
        Index("idx_synonyms_definition", "definition_id"),
        Index("idx_synonyms_text", "synonym_text"),
        Index(
            "idx_synonyms_text_trgm",
            "synonym_text",
            postgresql_using="gin",
            postgresql_ops={"synonym_text": "gin_trgm_ops"},
        ),
    )

    id: Mapped[UUID] = key()
    definition_id: Mapped[UUID] = mapped_column(
        Uuid, ForeignKey("pim.prod_attr_definitions.id", ondelete="CASCADE"), comment="Attribute"
    )
    synonym_text: Mapped[str] = mapped_column(String(255), comment="The other name")
    locale: Mapped[str | None] = mapped_column(
        String(10), server_default=text("'ro'"), comment="Language of the name (BCP 47)"
    )
    source: Mapped[str | None] = mapped_column(String(50), comment="Where the name comes from")
    confidence_score: Mapped[Decimal | None] = mapped_column(
        Numeric(3, 2), server_default=text("1.0"), comment="Confidence that it means the same, from 0 to 1"
    )
    is_approved: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether it may be used"
    )
    created_at: Mapped[datetime] = created_at()
