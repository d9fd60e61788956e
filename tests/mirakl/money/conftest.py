"""One database for a module; tests keep apart by accounts of their own."""

from tests.mirakl.sharing import account, api, db, market, settings

__all__ = ["account", "api", "db", "market", "settings"]
