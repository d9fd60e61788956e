"""The worker looks after the accounts as well: a loop beside its jobs."""

import asyncio

from entrepot.kit.db import Database
from entrepot.kit.jobs import companion
from entrepot.mirakl.scheduling import working


@companion("mirakl")
async def look_after_accounts(db: Database, stop: asyncio.Event) -> None:
    """Poll the marketplaces, and do the steps of orders that are due."""
    await working.run(db, stop)
