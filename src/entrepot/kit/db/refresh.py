"""Refreshing materialized views without locking their readers out."""

from sqlalchemy import ARRAY, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from entrepot.kit.db.database import Database
from entrepot.kit.db.tables import Base
from entrepot.kit.db.views import MATERIALIZED_VIEWS, MaterializedView
from entrepot.kit.errors import NotFoundError


def find_view(name: str) -> MaterializedView:
    """A declared materialized view by its name."""
    for view in MATERIALIZED_VIEWS:
        if view.name == name:
            return view
    raise NotFoundError(
        f"There is no materialized view {name!r}.",
        hint=f"There are {', '.join(v.name for v in MATERIALIZED_VIEWS)}.",
    )


async def refresh(db: Database, *names: str) -> list[str]:
    """Refresh the named views, or all; each in a transaction of its own. Returns the names refreshed.

    Two refreshes of one view wait for each other in PostgreSQL; readers wait for neither.
    """
    views = [find_view(name) for name in names] or MATERIALIZED_VIEWS
    for view in views:
        async with db.system() as session:
            await session.execute(
                text(f"REFRESH MATERIALIZED VIEW CONCURRENTLY {view.storage_schema}.{view.name}")
            )
    return [view.name for view in views]


async def analyze(db: Database, *tables: str) -> None:
    """Tell the planner what a bulk load put into tables, without waiting for autovacuum.

    Long texts and JSON are left out: no plan hangs on their statistics, and sampling them is most of the cost.
    """
    for name in tables:
        table = Base.metadata.tables[name]
        columns = ", ".join(
            column.name for column in table.columns if not isinstance(column.type, Text | JSONB | ARRAY)
        )
        async with db.system() as session:
            await session.execute(text(f"ANALYZE {name} ({columns})"))
