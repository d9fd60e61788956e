"""What a table can declare beside its columns: row security, audit, `updated_at`, partitions.

Each is one value among the table's arguments. `kit.db.ddl` turns them into SQL, `kit.db.check` holds the live
database to them, and the data dictionary prints them; nothing else makes a policy, a trigger or a partition.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy.schema import SchemaItem

Operation = Literal["insert", "update", "delete"]
Span = Literal["hour", "day", "month"]

#: Tenant column → the session setting that holds the current tenant.
TENANT_SETTINGS = {
    "shop_id": "app.current_shop_id",
    "platform_id": "app.current_platform_id",
    "account_id": "app.current_account_id",
}


@dataclass(frozen=True)
class TenantRows:
    """A tenant sees and writes its own rows and no others.

    `column` is the tenant column (for the tenant's own table, its key, with `tenant` naming the kind).
    `shared_nulls`: rows whose tenant is null can be read by all and written by entrepot_system only.
    `writes`: "app" lets tenants write, "append" lets them insert only, "system" leaves writing to entrepot_system.
    `within`: (column, table) pairs without a foreign key whose target must be the tenant's own all the same; checked
    once a statement by the policy. For staging tables, where a foreign key a row costs more than the load itself.
    `also`: the column of a second kind of tenant; a row belongs to the one whose column is filled, never to both.
    """

    column: str = "shop_id"
    tenant: str = "shop_id"
    shared_nulls: bool = False
    writes: Literal["app", "append", "system"] = "app"
    within: tuple[tuple[str, str], ...] = ()
    also: str | None = None

    @property
    def setting(self) -> str:
        """The session setting that the policy compares with."""
        return TENANT_SETTINGS[self.tenant]


@dataclass(frozen=True)
class GlobalRows:
    """Rows that belong to no tenant: entrepot_app may read them, only entrepot_system writes."""


@dataclass(frozen=True)
class SystemRows:
    """Rows that entrepot_app neither reads nor writes."""


@dataclass(frozen=True)
class Touch:
    """`updated_at` is set by a trigger whenever a row changes."""


@dataclass(frozen=True)
class Audit:
    """Every `on` is copied to pim.audit_logs by a trigger; columns marked secret leave a digest only."""

    on: tuple[Operation, ...] = ("insert", "update", "delete")


@dataclass(frozen=True)
class Merge:
    """Partitions become one of a coarser `span` when all of it ended `after` ago."""

    span: Span
    after: timedelta


@dataclass(frozen=True)
class Partitions:
    """Range partitions of `span` on `column`, `ahead` of them made in advance, detached and dropped after `retain`.

    `merge` makes coarser ones of those that are old: days of hours, months of days. Only for tables that no other
    table refers to, since a partition that is referred to cannot be swapped. Their partitions are made by the
    scheduled job alone: until it runs, the default partition takes the rows, and a new database stays small.
    """

    column: str
    span: Span = "month"
    ahead: int = 3
    retain: timedelta | None = None
    merge: tuple[Merge, ...] = ()

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans that a partition has in the course of time, finest first."""
        return (self.span, *(one.span for one in self.merge))


Feature = TenantRows | GlobalRows | SystemRows | Touch | Audit | Partitions
FEATURES = (TenantRows, GlobalRows, SystemRows, Touch, Audit, Partitions)


def table_args(
    schema: str, comment: str, *items: SchemaItem | Feature, unlogged: bool = False
) -> tuple[Any, ...]:
    """The `__table_args__` of a table: its schema, comment, features, constraints and indexes."""
    features = tuple(item for item in items if isinstance(item, FEATURES))
    options: dict[str, Any] = {"schema": schema, "comment": comment, "info": {"features": features}}
    for feature in features:
        if isinstance(feature, Partitions):
            options["postgresql_partition_by"] = f"RANGE ({feature.column})"
    if unlogged:
        options["prefixes"] = ["UNLOGGED"]
    return (*(item for item in items if not isinstance(item, FEATURES)), options)
