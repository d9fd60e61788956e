"""Platforms and their members."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Index, String, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import CITEXT, JSONB
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
    updated_at,
)
from entrepot.marketplace.columns import PLATFORM_ROWS, SCHEMA, platform_id

#: The platform that stands for the installation itself: its limits hold for everybody who uses the API.
HOUSE = "house"
ROLES = ("viewer", "editor", "admin")


class Platform(Base):
    """A marketplace that is run here: the tenant of every row that carries it as platform_id."""

    __tablename__ = "hm_platform"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        TenantRows(column="id", tenant="platform_id"),
        Touch(),
        Audit(),
        one_of("marketplace_type", "B2C", "B2B"),
        CheckConstraint("platform_code ~ '^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$'", name="platform_code"),
        Index("uq_platform_code", "platform_code", unique=True),
    )

    id: Mapped[UUID] = key("Identifier, and the tenant of every row that carries it as platform_id")
    platform_code: Mapped[str] = mapped_column(
        CITEXT, comment="Short name in addresses and commands: lower-case letters, digits and hyphens"
    )
    name: Mapped[str] = mapped_column(String(100), comment="What people call it")
    country_code: Mapped[str] = mapped_column(
        String(2), server_default=text("'US'"), comment="Country of the operator (ISO 3166-1)"
    )
    currency_code: Mapped[str] = mapped_column(
        String(3), server_default=text("'USD'"), comment="Currency of the platform (ISO 4217)"
    )
    time_zone: Mapped[str] = mapped_column(
        String(50),
        server_default=text("'UTC'"),
        comment="Time zone (IANA) in which its days begin: for limits that reset and for rules on the hour",
    )
    marketplace_type: Mapped[str] = mapped_column(
        String(20), server_default=text("'B2C'"), comment="B2C or B2B"
    )
    description: Mapped[str | None] = mapped_column(String(500), comment="What it is for")
    settings: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="What the operator has configured"
    )
    is_active: Mapped[bool] = mapped_column(
        Boolean, nullable=False, server_default=text("true"), comment="Whether it is open"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class PlatformMember(Base):
    """A person who works on a platform, and what they may do there."""

    __tablename__ = "hm_platform_member"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_ROWS,
        Touch(),
        Audit(),
        one_of("role", *ROLES),
        UniqueConstraint("platform_id", "user_id", name="uq_platform_member"),
        Index("idx_platform_member_user", "user_id"),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    user_id: Mapped[UUID] = mapped_column(Uuid, comment="The person (pim.staff_users)")
    role: Mapped[str] = mapped_column(
        String(20), comment="viewer reads, editor also drafts and asks, admin also publishes"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()
