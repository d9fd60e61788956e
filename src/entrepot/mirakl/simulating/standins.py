"""The stand-ins of outside services as processes of their own: started, told what to do, and asked what happened."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from tempfile import TemporaryFile
from typing import IO, Any

import httpx
import orjson

from entrepot.kit.errors import UnavailableError
from entrepot.mirakl.simulating.books import LIVE, LabelThere, MessageThere, OrderThere


class StandIn:
    """A stand-in that runs, and what it can be told under /sandbox."""

    def __init__(self, told: Mapping[str, Any], client: httpx.AsyncClient) -> None:
        #: What it said of itself when it started: its address, and what callers have to show.
        self.told = told
        self._client = client

    async def set_clock(self, at: datetime) -> None:
        """Have it live at a moment."""
        await self.tell("clock", {"now": at.isoformat()})

    async def misbehave(self, how: Mapping[str, Any]) -> None:
        """Have it misbehave; an empty mapping ends it."""
        await self.tell("misbehavior", dict(how))

    async def tell(self, what: str, given: Mapping[str, Any]) -> Any:
        """Post to one of its controls."""
        return self._read(await self._client.post(f"/sandbox/{what}", json=dict(given)))

    async def ask(self, what: str) -> Any:
        """Get what one of its controls shows."""
        return self._read(await self._client.get(f"/sandbox/{what}"))

    @staticmethod
    def _read(response: httpx.Response) -> Any:
        if response.is_error:
            raise UnavailableError(f"The stand-in refused {response.request.url.path}: {response.text[:300]}")
        return response.json() if response.content else None


class MarketplaceBooks(StandIn):
    """The invented marketplace."""

    def __init__(self, told: Mapping[str, Any], client: httpx.AsyncClient) -> None:
        super().__init__(told, client)
        self._received: list[MessageThere] = []

    async def place(self, count: int, skus: Sequence[str], *, seed: int, mix: Any) -> list[str]:
        """Have so many customers order; the identifiers of the orders."""
        given = {"count": count, "skus": list(skus), "seed": seed, "mix": mix}
        placed: list[str] = (await self.tell("orders", given))["order_ids"]
        return placed

    async def in_state(self, state: str) -> list[str]:
        """The orders in a state."""
        return [order.order_id for order in await self.orders() if order.state == state]

    async def put(self, order_id: str, state: str) -> None:
        """Have an order in a state."""
        await self.tell(f"orders/{order_id}/state", {"state": state})

    async def offer(self, sku: str) -> None:
        """Offer something under a SKU."""
        await self.tell("offers", {"sku": sku})

    async def cancel(self, order_id: str) -> None:
        """Have a customer cancel an order, if it is not too late."""
        with suppress(UnavailableError):
            await self.tell(f"orders/{order_id}/cancel", {})

    async def write(self, order_id: str, body: str) -> None:
        """Have a customer write about an order."""
        found = await self.tell("messages", {"order_id": order_id, "body": body})
        self._received.append(
            MessageThere(external_id=found["message_id"], thread=found["thread_id"], is_ours=False, body=body)
        )

    async def orders(self) -> tuple[OrderThere, ...]:
        """Its orders."""
        return tuple(
            OrderThere(
                order_id=one["order_id"],
                states=tuple((datetime.fromisoformat(at["at"]), at["state"]) for at in one["states"]),
                accepts=one["accepts"],
                ships=one["ships"],
                tracking=one["shipping_tracking"],
            )
            for one in (await self.ask("orders?each=true"))["each"]
        )

    async def messages(self) -> tuple[MessageThere, ...]:
        """Its messages: those that customers were had to write, and those that it has from us."""
        sent = (await self.ask("messages"))["messages"]
        ours = [
            MessageThere(
                external_id=one["message_id"], thread=one["thread_id"], is_ours=True, body=one["body"]
            )
            for one in sent
        ]
        return (*self._received, *ours)


class CarrierBooks(StandIn):
    """The invented carrier."""

    async def labels(self) -> tuple[LabelThere, ...]:
        """Its labels, those that were taken back included."""
        found = (await self.ask("labels"))["by_reference"]
        return tuple(
            LabelThere(
                external_id=one["shipment_id"],
                reference=reference,
                pin=one["tracking_pin"],
                bought_at=datetime.fromisoformat(one["created"]),
                state=LIVE if one["status"] in ("created", "transmitted") else one["status"],
            )
            for reference, labels in found.items()
            for one in labels
        )


@asynccontextmanager
async def running(name: str, *options: str) -> AsyncIterator[Mapping[str, Any]]:
    """A stand-in in a process of its own, as `entrepot sandbox NAME` starts it; what it says of itself."""
    command = [sys.executable, "-m", "entrepot", "sandbox", name, "--port", "0", "--json", *options]
    # Into files: a pipe that nobody reads holds up whoever writes into it.
    with TemporaryFile() as said, TemporaryFile() as complained:
        process = await asyncio.create_subprocess_exec(*command, stdout=said, stderr=complained)
        try:
            yield await _told(process, said, complained)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _told(
    process: asyncio.subprocess.Process, said: IO[bytes], complained: IO[bytes]
) -> Mapping[str, Any]:
    while process.returncode is None:
        with suppress(orjson.JSONDecodeError):
            found: Mapping[str, Any] = orjson.loads(os.pread(said.fileno(), 65536, 0))
            return found
        await asyncio.sleep(0.02)
    words = os.pread(complained.fileno(), 65536, 0).decode(errors="replace")
    raise UnavailableError(f"A stand-in did not start: {words[-2000:]}")
