"""`entrepot sandbox`: the stand-ins that can be started from the command line."""

from entrepot.sandbox.shopify.commands import app

__all__ = ["app"]
