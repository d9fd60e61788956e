"""The person of a simulation: mends what only a person can, decides what is asked, tries again what failed, answers."""

from collections.abc import Mapping
from random import Random
from uuid import UUID

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.errors import EntrepotError
from entrepot.mirakl.failures import inbox
from entrepot.mirakl.simulating import queries

#: Failures that say that a label cannot be taken back; the money is lost, and that is the end of it.
WRITTEN_OFF = "ShipmentVoid"


class Person:
    """Somebody who comes by."""

    def __init__(self, db: Database, account_id: UUID, *, seed: int) -> None:
        self._db = db
        self._account_id = account_id
        self._random = Random(f"person {seed}")  # noqa: S311 - not a secret
        #: References of labels that were given up.
        self.written_off: set[str] = set()
        self.retried = 0

    async def receive(self, units: Mapping[str, int]) -> None:
        """Take a delivery of components in."""
        async with self._db.tenant(account_id=self._account_id) as session:
            await queries.insert_receipt(session, self._account_id, units, now())

    async def look(self, *, now_and_then: bool) -> None:
        """Look through everything; with `now_and_then` at some of it only."""
        await self._retry(0.3 if now_and_then else 1.0)

    async def _retry(self, share: float) -> None:
        async with self._db.tenant(account_id=self._account_id) as session:
            failures = await queries.select_failures(session, self._account_id)
        for failure in failures:
            if self._random.random() >= share or failure["process_name"] not in inbox.RETRIES:
                continue
            try:
                async with self._db.tenant(account_id=self._account_id) as session:
                    await inbox.retry(session, self._account_id, failure["failure_id"])
            except EntrepotError:
                # Somebody was first, or it was resolved meanwhile.
                continue
            self.retried += 1
