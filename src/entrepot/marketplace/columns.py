"""Columns and references that recur in the tables of the `marketplace` schema."""

from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Uuid
from sqlalchemy.orm import MappedColumn, mapped_column

from entrepot.kit.db.tables import TenantRows, tenant_reference

SCHEMA = "marketplace"

#: Rows of a platform, which its members read and write.
PLATFORM_ROWS = TenantRows(column="platform_id", tenant="platform_id")
#: Rows of a platform that are written once and never changed.
PLATFORM_LOG = TenantRows(column="platform_id", tenant="platform_id", writes="append")


def platform_id(comment: str = "Tenant", *, primary_key: bool = False) -> MappedColumn[Any]:
    """The tenant column: the platform that a row belongs to; its rows go when the platform goes."""
    return mapped_column(
        Uuid,
        ForeignKey("marketplace.hm_platform.id", ondelete="CASCADE"),
        nullable=False,
        primary_key=primary_key,
        comment=comment,
    )


def platform_reference(
    columns: str | tuple[str, ...],
    target: str,
    *,
    target_columns: str | tuple[str, ...] = "id",
    ondelete: str | None = None,
) -> ForeignKeyConstraint:
    """A reference between tables of a platform; it carries the tenant."""
    return tenant_reference(
        columns, target, tenant="platform_id", target_columns=target_columns, ondelete=ondelete
    )
