"""A marketplace of its own for each test, spoken to over HTTP."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from entrepot.sandbox.mirakl.server import serving
from entrepot.sandbox.mirakl.state import MiraklState

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
SKUS = ("LAPTOP-A", "LAPTOP-B", "LAPTOP-C")


@dataclass(frozen=True)
class Market:
    """A served marketplace and a client with its key."""

    state: MiraklState
    client: httpx.AsyncClient

    async def order(self, order_id: str) -> Mapping[str, Any]:
        """An order as OR11 shows it."""
        answer = await self.client.get("/api/orders", params={"order_ids": order_id})
        (found,) = answer.json()["orders"]
        return dict(found)

    async def accept(self, order: Mapping[str, Any], *accepted: bool) -> httpx.Response:
        """OR21 with an answer for each line; all accepted where none is given."""
        lines = order["order_lines"]
        answers = accepted or (True,) * len(lines)
        body = [
            {"id": line["order_line_id"], "accepted": answer}
            for line, answer in zip(lines, answers, strict=True)
        ]
        return await self.client.put(f"/api/orders/{order['order_id']}/accept", json={"order_lines": body})

    def advance(self, **by: float) -> None:
        """Move the marketplace's clock on."""
        self.state.advance(timedelta(**by))


@pytest.fixture
async def market() -> AsyncIterator[Market]:
    """A fresh marketplace that stands at NOW."""
    state = MiraklState.fresh(clock=NOW)
    async with (
        serving(state) as url,
        httpx.AsyncClient(base_url=url, headers={"authorization": state.api_key}, verify=False) as client,
    ):
        yield Market(state, client)
