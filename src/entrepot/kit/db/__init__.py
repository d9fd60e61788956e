"""The database toolkit: server, roles, transactions, declared features, migrations, checks."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from entrepot.kit.db.database import Database

__all__ = ["Database"]


def __getattr__(name: str) -> Any:
    # SQLAlchemy and Alembic take half a second to import, which `entrepot db status` does not need.
    if name == "Database":
        from entrepot.kit.db.database import Database

        return Database
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
