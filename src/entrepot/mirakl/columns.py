"""Columns and references that recur in the tables of the `mirakl` schema."""

from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Numeric, Uuid
from sqlalchemy.orm import MappedColumn, mapped_column

from entrepot.kit.db.tables import TenantRows, tenant_reference

SCHEMA = "mirakl"

#: Rows of an account, which its members read and write.
ACCOUNT_ROWS = TenantRows(column="account_id", tenant="account_id")
#: Rows of an account that are written once and never changed.
ACCOUNT_LOG = TenantRows(column="account_id", tenant="account_id", writes="append")


def account_id(comment: str = "Tenant", *, primary_key: bool = False) -> MappedColumn[Any]:
    """The tenant column: the account that a row belongs to; its rows go when the account goes."""
    return mapped_column(
        Uuid,
        ForeignKey("mirakl.accounts.id", ondelete="CASCADE"),
        nullable=False,
        primary_key=primary_key,
        comment=comment,
    )


def account_reference(
    columns: str | tuple[str, ...],
    target: str,
    *,
    target_columns: str | tuple[str, ...] = "id",
    ondelete: str | None = None,
) -> ForeignKeyConstraint:
    """A reference between tables of an account; it carries the tenant."""
    return tenant_reference(
        columns, f"{SCHEMA}.{target}", tenant="account_id", target_columns=target_columns, ondelete=ondelete
    )


def money(comment: str, *, nullable: bool = False) -> MappedColumn[Any]:
    """An amount in the currency that the row (or its order) names."""
    return mapped_column(Numeric(19, 4), nullable=nullable, comment=comment)
