"""`entrepot sandbox`: the stand-ins that can be started from the command line."""

from entrepot.sandbox.canadapost.commands import canadapost
from entrepot.sandbox.mirakl.commands import mirakl
from entrepot.sandbox.shopify.commands import app

app.command("mirakl")(mirakl)
app.command("canadapost")(canadapost)

__all__ = ["app"]
