"""A label taken back from the console and over the API, at a carrier that is spoken to over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from tests.conftest import add_shop
from tests.mirakl.pages.conftest import Hand, House, hire
from tests.mirakl.pages.test_forms import text_of
from tests.mirakl.shipping.conftest import Yard, new_yard, order_id
from tests.mirakl.shipping.test_calling_off import labelled

from entrepot.kit.clock import clock
from entrepot.sandbox.mirakl.orders import Placed


@dataclass
class Bench:
    """Somebody at an account that ships, and an order of it with its label."""

    yard: Yard
    hand: Hand
    order: Placed

    @property
    def code(self) -> str:
        """The account's code."""
        return self.yard.account.code

    async def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of the account, at the test's time."""
        with clock(self.yard.time):
            return await self.hand.pages.send(f"/mirakl/{self.code}/{path}", **fields)

    async def page(self) -> str:
        """What the order's page says."""
        return text_of(await self.hand.pages.get(f"/mirakl/{self.code}/orders/{order_id(self.order)}"))

    async def parcel(self) -> str:
        """The identifier of the order's last parcel."""
        return str((await self.yard.parcels(self.order))[-1]["shipment_id"])


@pytest.fixture
async def bench(house: House, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """An account of the test's own."""
    async with new_yard(house.db) as yard:
        name = f"at{request.node.name[:20].replace('_', '')}"
        shop = await add_shop(house.db, f"{name}.myshopify.com")
        hand = await hire(house.app, house.db, shop, f"{name}@harbor.example", {yard.account_id: "operator"})
        yield Bench(yard, hand, await labelled(yard))
        await hand.pages.http.aclose()
        await hand.api.aclose()


async def test_a_label_is_taken_back_and_another_is_bought(bench: Bench) -> None:
    sent = await bench.send(f"labels/{await bench.parcel()}/void", again="yes")
    assert sent.headers["location"].endswith(f"/orders/{order_id(bench.order)}?done=again")
    assert next(row["state"] for row in await bench.yard.parcels(bench.order)) == "refund_requested"
    assert await bench.yard.status(bench.order) == "ready_to_ship"
    said = await bench.page()
    assert "took its label back" in said
    await bench.yard.work()
    assert [row["state"] for row in await bench.yard.parcels(bench.order)] == [
        "refund_requested",
        "labelled",
    ]
    assert bench.yard.labels(bench.order) == 2


async def test_where_the_carrier_does_not_answer_the_page_says_so_and_nothing_is_lost(bench: Bench) -> None:
    bench.yard.carrier.misbehavior.fail = 1.0
    parcel = await bench.parcel()
    refused = await bench.send(f"labels/{parcel}/void")
    assert refused.status_code == 503
    assert "CanadaPost" in text_of(refused)
    assert await bench.yard.status(bench.order) == "label_created"
    # The parcel is left alone for a while after a failure.
    bench.yard.time.pass_(hours=1)
    with clock(bench.yard.time):
        over_api = await bench.hand.api.post(f"/api/v1/mirakl/{bench.code}/parcels/{parcel}/take-back")
    assert over_api.status_code == 503
    assert over_api.headers["content-type"] == "application/problem+json"
    bench.yard.carrier.misbehavior.fail = 0.0
    bench.yard.time.pass_(hours=1)
    with clock(bench.yard.time):
        taken = await bench.hand.api.post(f"/api/v1/mirakl/{bench.code}/parcels/{parcel}/take-back")
        again = await bench.hand.api.post(f"/api/v1/mirakl/{bench.code}/parcels/{parcel}/take-back")
    assert taken.status_code == 200, taken.text
    assert taken.json()["state"] in ("void", "refund_requested")
    assert again.status_code == 409
