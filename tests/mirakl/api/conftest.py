"""A marketplace served over HTTP, an account on it, and its API; one database for the module."""

from tests.mirakl.sharing import account, api, db, market, settings

__all__ = ["account", "api", "db", "market", "settings"]
