"""The person of a simulation: mends what only a person can, decides what is asked, tries again what failed."""

from collections.abc import Awaitable, Callable, Mapping
from random import Random
from uuid import UUID

from sqlalchemy import RowMapping

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, EntrepotError
from entrepot.mirakl.conversations.outbox import write_reply
from entrepot.mirakl.conversations.showing import list_conversations
from entrepot.mirakl.failures import inbox
from entrepot.mirakl.orders.answering import accept_order, refuse_order
from entrepot.mirakl.simulating import queries
from entrepot.mirakl.simulating.catalog import VARIANTS

NAME = "the person of the simulation"
#: A label that cannot be taken back: the carrier keeps the money, and that is the end of it.
NOT_TAKEN_BACK = "ShipmentVoid"
#: A listing that maps to nothing is mapped.
MAPPING = "ListingMapping"
#: Share of what waits that is looked at by somebody who comes by now and then.
NOW_AND_THEN = 0.3


class Person:
    """Somebody who comes by; `cancel` has the marketplace cancel an order that cannot be sent, `offer` a SKU offered."""

    def __init__(
        self,
        db: Database,
        account_id: UUID,
        *,
        seed: int,
        cancel: Callable[[str], Awaitable[None]],
        offer: Callable[[str], Awaitable[None]],
    ) -> None:
        self._db = db
        self._account_id = account_id
        self._cancel = cancel
        self._offer = offer
        self._random = Random(f"person {seed}")  # noqa: S311 - not a secret
        #: References of labels that were given up.
        self.written_off: set[str] = set()
        self.retried = 0
        self._written = 0

    async def receive(self, units: Mapping[str, int]) -> None:
        """Take a delivery of components in."""
        async with self._db.tenant(account_id=self._account_id) as session:
            await queries.insert_receipt(session, self._account_id, units, now())

    async def look(self, *, now_and_then: bool) -> None:
        """Look through what waits for an answer, and through the inbox; with `now_and_then` at some of it only."""
        share = NOW_AND_THEN if now_and_then else 1.0
        await self._decide(share, at_last=not now_and_then)
        await self._write(share / 2)
        await self._go_through_the_inbox(share, at_last=not now_and_then)

    async def _decide(self, share: float, *, at_last: bool) -> None:
        """Accept what can be built, refuse some of the rest; at last all of it."""
        async with self._db.tenant(account_id=self._account_id) as session:
            waiting = await queries.select_waiting(session, self._account_id, "waiting_for_person")
        for order in waiting:
            if self._random.random() >= share:
                continue
            accepts = self._random.random() < 0.9
            if accepts and await self._try(accept_order, order["order_id"]):
                continue
            if at_last or not accepts:
                await self._try(refuse_order, order["order_id"], reason="It cannot be built or sent.")

    async def _write(self, share: float) -> None:
        """Answer some of the customers."""
        async with self._db.tenant(account_id=self._account_id) as session:
            for one in await list_conversations(session, self._account_id, only="unread"):
                if self._random.random() < share:
                    self._written += 1
                    body = f"It is being looked after. (reply {self._written})"
                    await write_reply(session, self._account_id, one.id, body)

    async def _go_through_the_inbox(self, share: float, *, at_last: bool) -> None:
        async with self._db.tenant(account_id=self._account_id) as session:
            failures = await queries.select_failures(session, self._account_id)
            unsendable = await queries.select_unsendable(session, self._account_id)
        for failure in failures:
            if self._random.random() >= share:
                continue
            name = failure["process_name"]
            if name == MAPPING:
                await self._map(failure["order_id"])
            elif name == NOT_TAKEN_BACK and failure["kind"] == "permanent":
                await self._give_up(failure)
            elif at_last and failure["order_id"] in unsendable:
                # No carrier takes it: the customer is told, and cancels.
                await self._cancel(failure["order_id"])
            elif name not in inbox.RETRIES and at_last:
                await self._resolve(failure, "Looked into.")
            if name in inbox.RETRIES:
                await self._retry(failure)

    async def _map(self, order_id: str) -> None:
        async with self._db.tenant(account_id=self._account_id) as session:
            unmapped = await queries.select_unmapped(session, self._account_id, order_id)
            for sku in unmapped:
                await queries.insert_listing(
                    session, self._account_id, sku, self._random.choice(VARIANTS).sku
                )
        for sku in unmapped:
            await self._offer(sku)

    async def _give_up(self, failure: RowMapping) -> None:
        async with self._db.tenant(account_id=self._account_id) as session:
            reference = await queries.select_reference(session, self._account_id, failure["related_id"])
        if reference is not None:
            self.written_off.add(reference)
        await self._resolve(failure, "The carrier keeps the money.")

    async def _resolve(self, failure: RowMapping, how: str) -> None:
        async with self._db.tenant(account_id=self._account_id) as session:
            await inbox.resolve(session, self._account_id, failure["failure_id"], by=None, resolution=how)

    async def _retry(self, failure: RowMapping) -> None:
        try:
            async with self._db.tenant(account_id=self._account_id) as session:
                await inbox.retry(session, self._account_id, failure["failure_id"])
        except ConflictError:
            return  # It is tried already, or was resolved meanwhile.
        self.retried += 1

    async def _try(self, what: Callable[..., Awaitable[object]], order_id: str, **how: str) -> bool:
        try:
            async with self._db.tenant(account_id=self._account_id) as session:
                await what(session, self._account_id, order_id, person=NAME, **how)
        except EntrepotError:
            return False
        return True
