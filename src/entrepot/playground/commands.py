"""`entrepot world`: one group of commands, of which each noun of the playground has its own."""

from entrepot.playground.checks.commands import verify
from entrepot.playground.entities.commands import created, entity, funnel, history, population
from entrepot.playground.loading.commands import app

for command in (verify, entity, history, created, population, funnel):
    app.command()(command)

__all__ = ["app"]
