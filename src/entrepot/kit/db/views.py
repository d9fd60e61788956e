"""Views and materialized views, declared beside the tables that they read."""

from dataclasses import dataclass, field

from entrepot.kit.db.tables import Base


@dataclass(frozen=True)
class View:
    """A view that runs with the rights of its reader, so that row security holds."""

    schema: str
    name: str
    comment: str
    query: str
    columns: dict[str, str] = field(default_factory=dict)  # column → comment


@dataclass(frozen=True)
class MaterializedView:
    """A materialized view with its indexes and its refresh schedule.

    A materialized view has no row security. One that holds a `tenant` column therefore lives in a schema closed to
    entrepot_app (`<schema>_private`) and is read through a security-barrier view of its name in `schema`, which shows
    the current tenant's rows only.
    """

    schema: str
    name: str
    comment: str
    query: str
    unique: tuple[str, tuple[str, ...]]  # index name, columns: what REFRESH CONCURRENTLY needs
    indexes: tuple[tuple[str, str], ...] = ()  # index name, column list as SQL
    tenant: str | None = None
    schedule: str = "0 * * * *"  # cron, UTC
    columns: dict[str, str] = field(default_factory=dict)

    @property
    def storage_schema(self) -> str:
        """The schema that holds the rows."""
        return f"{self.schema}_private" if self.tenant else self.schema


VIEWS: list[View] = []
MATERIALIZED_VIEWS: list[MaterializedView] = []


def declare(*views: View | MaterializedView) -> None:
    """Make views part of the declared schema."""
    for view in views:
        target: list[View] | list[MaterializedView] = VIEWS if isinstance(view, View) else MATERIALIZED_VIEWS
        target.append(view)  # type: ignore[arg-type]


metadata = Base.metadata
