"""The base of every table, and the columns that recur in all of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, ForeignKeyConstraint, LargeBinary, MetaData, Uuid, text
from sqlalchemy.orm import DeclarativeBase, MappedColumn, mapped_column

from entrepot.kit.db.features import (
    Audit,
    Feature,
    GlobalRows,
    Merge,
    Partitions,
    SystemRows,
    TenantRows,
    Touch,
    table_args,
)

__all__ = [
    "Audit",
    "Base",
    "Feature",
    "GlobalRows",
    "Merge",
    "Partitions",
    "SystemRows",
    "TenantRows",
    "Touch",
    "created_at",
    "key",
    "one_of",
    "sealed",
    "secret",
    "table_args",
    "tenant_reference",
    "timestamp",
    "updated_at",
]


class Base(DeclarativeBase):
    """The declarative base: one metadata for every schema of the program."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def key(comment: str = "Identifier, ordered by time of creation (UUIDv7)") -> MappedColumn[UUID]:
    """The primary key column of most tables."""
    return mapped_column(Uuid, primary_key=True, server_default=text("uuidv7()"), comment=comment)


def timestamp(comment: str, **options: Any) -> MappedColumn[Any]:
    """A point in time with its zone."""
    return mapped_column(DateTime(timezone=True), comment=comment, **options)


def created_at(comment: str = "When the row was written", *, nullable: bool = True) -> MappedColumn[datetime]:
    """The time of insertion."""
    return mapped_column(
        DateTime(timezone=True), server_default=text("now()"), nullable=nullable, comment=comment
    )


def updated_at(comment: str = "When the row last changed") -> MappedColumn[datetime]:
    """The time of the last change, kept by the `Touch` feature."""
    return mapped_column(
        DateTime(timezone=True), server_default=text("now()"), nullable=True, comment=comment
    )


def secret(type_: Any, comment: str, **options: Any) -> MappedColumn[Any]:
    """A column whose value never reaches the audit log or a page: a digest prefix stands for it."""
    return mapped_column(type_, comment=comment, info={"secret": True}, **options)


def sealed(comment: str, *, tenant: str = "account_id", **options: Any) -> MappedColumn[Any]:
    """A secret that is sealed with the keyring (`Sealed.packed`), bound to a tenant column of its row.

    A rotation of the keys finds it by this declaration. The row has a primary key `id`; the value is bound to
    "schema.table.column".
    """
    return mapped_column(LargeBinary, comment=comment, info={"secret": True, "sealed": tenant}, **options)


def tenant_reference(
    columns: str | tuple[str, ...],
    target: str,
    *,
    tenant: str = "shop_id",
    target_columns: str | tuple[str, ...] = "id",
    ondelete: str | None = None,
    deferrable: bool = False,
) -> ForeignKeyConstraint:
    """A reference between tenant tables; it carries the tenant, so that no row can point into another tenant.

    `ondelete="SET NULL"` clears the referring columns and leaves the tenant in place.
    """
    local = (columns,) if isinstance(columns, str) else columns
    remote = (target_columns,) if isinstance(target_columns, str) else target_columns
    if ondelete == "SET NULL":
        ondelete = f"SET NULL ({', '.join(local)})"
    return ForeignKeyConstraint(
        [tenant, *local],
        [f"{target}.{tenant}", *(f"{target}.{column}" for column in remote)],
        ondelete=ondelete,
        deferrable=deferrable or None,
        initially="DEFERRED" if deferrable else None,
    )


def one_of(column: str, *values: str) -> CheckConstraint:
    """The values that a column may hold; null stays possible where the column allows it."""
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)
