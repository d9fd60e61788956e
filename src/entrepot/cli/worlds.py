"""`entrepot world`: the commands of the simulated world, put together from those who make them."""

from entrepot.flows.acting.commands import run
from entrepot.playground.commands import app

app.command("run")(run)

__all__ = ["app"]
