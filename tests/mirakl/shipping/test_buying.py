"""Labels are bought exactly once, whatever fails and whoever is killed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from tests.mirakl.shipping.conftest import NOON, Yard, new_yard, order_id

from entrepot.kit.clock import clock
from entrepot.kit.db import Database
from entrepot.mirakl.orders.driving import drive
from entrepot.mirakl.services import Services
from entrepot.mirakl.shipping import queries
from entrepot.mirakl.shipping.buying import buy_labels, record_bought
from entrepot.mirakl.shipping.carrier import Bought
from entrepot.mirakl.shipping.checking import check_label
from entrepot.mirakl.shipping.parceling import plan_parcels
from entrepot.mirakl.shipping.storing import checksum, labels_directory


async def test_an_order_gets_its_label_is_reported_and_shipped(yard: Yard) -> None:
    placed = await yard.order({"LAPTOP-1": 1})
    await yard.work()
    assert await yard.status(placed) == "shipped"
    assert placed.state == "SHIPPED"
    assert (placed.trackings, placed.ships, yard.labels(placed)) == (1, 1, 1)
    [parcel] = await yard.parcels(placed)
    assert parcel["state"] == "labelled"
    assert parcel["carrier_reference"].startswith(f"{order_id(placed)}-P1-")
    assert placed.order["shipping_tracking"] == parcel["tracking_pin"]
    assert parcel["price"] is not None
    assert parcel["intended_at"] == parcel["bought_at"] == NOON
    [file] = await yard.sql("SELECT pdf, sha256, is_right FROM mirakl.label_files")
    path = labels_directory(yard.db.settings) / parcel["label_pdf_path"]
    assert path.read_bytes() == bytes(file["pdf"])
    assert checksum(bytes(file["pdf"])) == file["sha256"] == parcel["label_sha256"]
    assert file["is_right"]
    assert path.stat().st_mode & 0o077 == 0
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in list(path.parents)[:3])
    assert check_label(bytes(file["pdf"]), parcel["destination"], parcel["tracking_pin"]).right
    assert await yard.failures() == []


async def test_the_address_is_kept_whole(yard: Yard) -> None:
    placed = await yard.order()
    await yard.work()
    [shipment] = yard.carrier.all()
    to = "delivery-spec/destination"
    told = {
        name: shipment.text(f"{to}/{path}")
        for name, path in {
            "name": "name",
            "1": "address-details/address-line-1",
            "2": "address-details/address-line-2",
            "city": "address-details/city",
            "province": "address-details/prov-state",
            "country": "address-details/country-code",
            "code": "address-details/postal-zip-code",
        }.items()
    }
    assert told == {
        "name": "Zoé Fern-Alder",
        "1": "12 Lantern Close",
        "2": "Unit 4",
        "city": "Montréal",
        "province": "QC",
        "country": "CA",
        "code": "H2X1Y4",
    }
    assert shipment.reference == shipment.request_id == (await yard.parcels(placed))[0]["carrier_reference"]


@pytest.mark.parametrize(
    ("operation", "behavior"),
    [
        (operation, behavior)
        for operation, behaviors in {
            "CreateShipment": ("fail", "timeout_before", "timeout_after", "garbage"),
            "GetShipmentDetails": ("fail", "timeout_after", "garbage"),
            "GetArtifact": ("fail", "timeout_before", "timeout_after", "garbage"),
        }.items()
        for behavior in behaviors
    ],
)
async def test_what_fails_once_is_settled_without_buying_again(
    yard: Yard, operation: str, behavior: str
) -> None:
    placed = await yard.order()
    yard.carrier.misbehavior.plan(operation, behavior)
    await yard.buy(placed, 6, minutes=2)
    assert await yard.status(placed) == "label_created"
    assert yard.labels(placed) == 1
    not_done = operation == "CreateShipment" and behavior in ("fail", "timeout_before")
    assert yard.carrier.desk.counts["CreateShipment"] == (2 if not_done else 1)
    assert await yard.failures() == []


async def test_an_answer_lost_and_a_lookup_that_fails_are_no_second_label(yard: Yard) -> None:
    placed = await yard.order()
    yard.carrier.misbehavior.plan("CreateShipment", "timeout_after")
    yard.carrier.misbehavior.plan("GetShipments", "fail", "timeout_before", "garbage", "twice")
    await yard.buy(placed, 8, minutes=3)
    assert await yard.status(placed) == "label_created"
    assert yard.labels(placed) == 1
    assert yard.carrier.desk.counts["CreateShipment"] == 1


async def test_a_carrier_that_answers_no_xml_is_told_and_asked_until_it_does(yard: Yard) -> None:
    placed = await yard.order()
    yard.carrier.misbehavior.operations = ("CreateShipment", "GetShipments")
    yard.carrier.misbehavior.garbage = 1.0
    await yard.work(6, minutes=20)
    assert await yard.status(placed) == "ready_to_ship"
    assert await yard.failures() == [("ShippingLabelCreation", "transient")]
    [failure] = await yard.sql("SELECT details, next_step FROM mirakl.process_failures")
    assert "The answer cannot be read. It is not XML" in failure["details"]
    assert "tried again by itself" in failure["next_step"]
    yard.carrier.misbehavior.garbage = 0.0
    await yard.work(1, minutes=60)
    assert await yard.status(placed) == "shipped"
    assert yard.labels(placed) == 1
    assert await yard.failures() == []


async def test_a_call_that_may_be_under_way_is_waited_for(yard: Yard) -> None:
    placed = await yard.order()
    yard.carrier.misbehavior.plan("CreateShipment", "timeout_before")
    await yard.work(2, minutes=1)
    [parcel] = await yard.parcels(placed)
    assert parcel["state"] == "buying"
    assert yard.carrier.desk.counts["CreateShipment"] == 1
    await yard.work(1, minutes=2)
    assert yard.carrier.desk.counts["CreateShipment"] == 1
    await yard.work(1, minutes=3)
    assert yard.carrier.desk.counts["CreateShipment"] == 2
    assert await yard.status(placed) == "shipped"


async def test_two_labels_under_one_reference_are_never_made_three(yard: Yard) -> None:
    placed = await yard.order()
    yard.carrier.misbehavior.plan("CreateShipment", "timeout_after")
    await yard.work()
    [shipment] = yard.carrier.all()
    # Somebody bought another one under our reference, at the carrier's own page.
    yard.carrier.create(shipment.request)
    await yard.work(3, minutes=10)
    assert yard.labels(placed) == 2
    assert await yard.status(placed) == "ready_to_ship"
    assert await yard.failures() == [("ShippingLabelCreation", "permanent")]


class KilledError(BaseException):
    """The worker is gone, at once: nothing of it runs on."""


class Mortal:
    """A database in which the worker dies at the n-th point: around each transaction, within it, around each call."""

    def __init__(self, db: Database, at: int) -> None:
        self._db = db
        self._left = at
        self.settings = db.settings

    def point(self) -> None:
        """Die here, if it is time."""
        self._left -= 1
        if self._left == 0:
            raise KilledError

    @asynccontextmanager
    async def tenant(self, **context: Any) -> AsyncIterator[AsyncSession]:
        """A transaction that may die before, within and after."""
        self.point()
        async with self._db.tenant(**context) as session:
            yield session
            self.point()
        self.point()


class MortalServices(Services):
    """Services whose worker dies at a point."""

    def __init__(self, db: Database, at: int) -> None:
        mortal = Mortal(db, at)
        super().__init__(mortal)  # type: ignore[arg-type]


async def test_a_worker_killed_at_any_point_leaves_what_the_next_one_settles(db: Database) -> None:
    async with new_yard(db) as yard:
        orders = []
        point = 0
        finished = False
        while not finished:
            point += 1
            placed = await yard.order()
            orders.append(placed)
            mortal = MortalServices(db, point)
            async with mortal._open:
                with suppress(KilledError), clock(yard.time):
                    await buy_labels(mortal, await yard.taken(placed, "mortal"))
                    finished = True
        # Every call is recorded in a transaction of its own, so that each has points before and after it.
        assert point > 30
        for _ in range(2):
            yard.time.pass_(minutes=10)
            for placed in orders:
                await yard.buy(placed)
        assert {await yard.status(placed) for placed in orders} == {"label_created"}
        assert [yard.labels(placed) for placed in orders] == [1] * len(orders)
        assert await yard.failures() == []


async def test_two_workers_at_once_buy_one_label(yard: Yard) -> None:
    import asyncio

    orders = [await yard.order() for _ in range(3)]
    yard.carrier.misbehavior.latency_ms = 20
    with clock(yard.time):
        taken = [(await yard.taken(placed, f"worker-{which}")) for placed in orders for which in range(3)]
        async with Services.opened(yard.db) as other:
            went = await asyncio.gather(
                *(buy_labels(other if which % 2 else yard.services, one) for which, one in enumerate(taken)),
                return_exceptions=True,
            )
    assert any(isinstance(one, Exception) for one in went)
    assert [yard.labels(placed) for placed in orders] == [1] * len(orders)
    yard.time.pass_(minutes=10)
    for placed in orders:
        await yard.buy(placed)
    assert [yard.labels(placed) for placed in orders] == [1] * len(orders)
    assert {await yard.status(placed) for placed in orders} == {"label_created"}


async def test_two_drivers_at_once_ship_each_order_once(yard: Yard) -> None:
    import asyncio

    orders = [await yard.order() for _ in range(4)]
    with clock(yard.time):
        await asyncio.gather(
            *(drive(yard.db, yard.services, account_id=yard.account_id, worker=f"w{n}") for n in range(3))
        )
    assert {await yard.status(placed) for placed in orders} == {"shipped"}
    assert [(yard.labels(placed), placed.ships) for placed in orders] == [(1, 1)] * len(orders)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("WAITING_DEBIT_PAYMENT", "ready_to_ship"),
        ("NOT_HEARD_OF", "ready_to_ship"),
        ("CANCELED", "cancelled"),
        ("SHIPPED", "shipped"),
    ],
)
async def test_nothing_is_bought_outside_of_shipping(yard: Yard, state: str, status: str) -> None:
    placed = await yard.order()
    yard.marketplace.orders.put(order_id(placed), state)
    await yard.work()
    assert await yard.status(placed) == status
    assert yard.labels(placed) == 0


async def test_an_order_that_is_paid_later_is_bought_then(yard: Yard) -> None:
    placed = await yard.order(state="WAITING_DEBIT_PAYMENT")
    await yard.work()
    yard.marketplace.orders.put(order_id(placed), "SHIPPING")
    await yard.work(1, minutes=5)
    assert yard.labels(placed) == 0
    await yard.work(1, minutes=11)
    assert await yard.status(placed) == "shipped"


async def test_a_carrier_that_refuses_is_told_and_a_retry_plans_anew(yard: Yard) -> None:
    from entrepot.mirakl.failures.inbox import retry

    placed = await yard.order()
    await yard.sql("UPDATE mirakl.carrier_accounts SET customer_number = '1'")
    await yard.work()
    assert await yard.status(placed) == "shipping_failed"
    assert await yard.failures() == [("ShippingLabelCreation", "permanent")]
    assert (await yard.parcels(placed))[0]["state"] == "failed"
    await yard.sql(
        "UPDATE mirakl.carrier_accounts SET customer_number = :number", number=yard.carrier.customer
    )
    [failure] = await yard.sql("SELECT failure_id FROM mirakl.process_failures")
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            await retry(session, yard.account_id, failure["failure_id"])
    async with Services.opened(yard.db) as fresh:
        yard.services = fresh
        await yard.work()
    assert await yard.status(placed) == "shipped"
    assert yard.labels(placed) == 1
    assert await yard.failures() == []


async def test_a_number_that_another_parcel_has_is_not_kept_and_nothing_is_recorded_twice(yard: Yard) -> None:
    first, second = await yard.order(), await yard.order()
    await yard.buy(first)
    [there] = await yard.parcels(first)
    taken = await yard.taken(second)
    [planned] = await plan_parcels(yard.services, taken) or []
    async with yard.db.tenant(account_id=yard.account_id) as session:
        assert await queries.update_buying(
            session, yard.account_id, planned["shipment_id"], at=NOON, before=None
        )
    with clock(yard.time):
        for number, name in ((there["tracking_pin"], "S-1"), ("1234567890123456", "S-2")):
            held = await record_bought(
                yard.services, planned, Bought(external_id=name, tracking_pin=number, links={})
            )
            assert held is not None
            assert (held["state"], held["external_id"], held["tracking_pin"]) == ("bought", "S-1", None)
    assert [row["tracking_pin"] for row in await yard.parcels(first)] == [there["tracking_pin"]]
