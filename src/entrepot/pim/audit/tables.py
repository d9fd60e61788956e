"""The audit log."""

from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, Text, Uuid, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import (
    Base,
    Partitions,
    TenantRows,
    key,
    one_of,
    table_args,
    timestamp,
)
from entrepot.pim.columns import shop_id


class AuditLog(Base):
    """A change of a row in an audited table: what it was, what it became, who did it."""

    __tablename__ = "audit_logs"
    __table_args__ = table_args(
        "pim",
        __doc__,
        # Changes of global data tell who runs the installation, and from where: they are no shop's to read.
        TenantRows(writes="system", also=("platform_id", "account_id")),
        Partitions("created_at", retain=timedelta(days=730)),
        one_of("action", "INSERT", "UPDATE", "DELETE"),
        CheckConstraint("num_nonnulls(shop_id, platform_id, account_id) <= 1", name="one_tenant"),
        Index("idx_audit_shop", "shop_id", text("created_at DESC")),
        Index(
            "idx_audit_platform",
            "platform_id",
            text("created_at DESC"),
            postgresql_where=text("platform_id IS NOT NULL"),
        ),
        Index(
            "idx_audit_account",
            "account_id",
            text("created_at DESC"),
            postgresql_where=text("account_id IS NOT NULL"),
        ),
        Index("idx_audit_entity", "entity_type", "entity_id"),
        Index("idx_audit_user", "user_id"),
        Index("idx_audit_request", "request_id"),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID | None] = shop_id("Shop whose row changed; null for global data", nullable=True)
    user_id: Mapped[UUID | None] = mapped_column(
        Uuid, comment="Who changed it, even when gone since; null for the program itself"
    )
    action: Mapped[str] = mapped_column(String(20), comment="What was done")
    entity_type: Mapped[str] = mapped_column(String(100), comment="Table")
    entity_id: Mapped[UUID] = mapped_column(Uuid, comment="Key of the row")
    old_values: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="The row before; null for an insert"
    )
    new_values: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="The row after; null for a delete"
    )
    ip_address: Mapped[IPv4Address | IPv6Address | None] = mapped_column(
        INET, comment="Where the request came from"
    )
    user_agent: Mapped[str | None] = mapped_column(Text, comment="Program that sent the request")
    request_id: Mapped[str | None] = mapped_column(String(100), comment="Trace that the change belongs to")
    created_at: Mapped[datetime] = timestamp(
        "When it was done; chooses the partition", primary_key=True, server_default=text("now()")
    )
    platform_id: Mapped[UUID | None] = mapped_column(
        Uuid, comment="Marketplace platform whose row changed; null for others' and for global data"
    )
    account_id: Mapped[UUID | None] = mapped_column(
        Uuid, comment="Mirakl account whose row changed; null for others' and for global data"
    )
