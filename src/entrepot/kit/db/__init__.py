"""The database toolkit: server, roles, transactions, declared features, migrations, checks."""

from entrepot.kit.db.database import Database

__all__ = ["Database"]
