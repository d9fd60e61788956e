"""Other carriers fit the same port: one where a person types the number, and one that is written here."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from tests.mirakl.shipping.conftest import ADDRESS, SENDER, Yard, order_id
from tests.mirakl.shipping.test_labels import page

from entrepot.kit.clock import clock
from entrepot.kit.crypto import Keyring
from entrepot.kit.errors import ConflictError, InvalidInputError
from entrepot.mirakl.accounts.accounts import Carrier, set_carrier
from entrepot.mirakl.shipping import deciding
from entrepot.mirakl.shipping.carrier import (
    CARRIERS,
    Bought,
    Opening,
    Parcel,
    Tracking,
    TrackingEvent,
    carrier,
)
from entrepot.mirakl.shipping.delivery import mark_delivered


async def set_up(yard: Yard, name: str, *, alone: bool = False, code: str = "OTHER") -> None:
    """Give the account a carrier; the only one, or one more."""
    if alone:
        await yard.sql("DELETE FROM mirakl.carrier_accounts WHERE account_id = :account_id")
    async with yard.db.tenant(account_id=yard.account_id) as session:
        await set_carrier(
            session,
            Keyring.open(yard.db.settings),
            Carrier(
                account_id=yard.account_id,
                carrier=name,
                api_url="https://carrier.example",
                customer_number="1",
                contract_id=None,
                service_code="STANDARD",
                marketplace_carrier_code=code,
                sender=SENDER,
            ),
            user="",
            password="",
        )


async def test_a_person_sends_a_parcel_and_types_its_number(yard: Yard) -> None:
    await set_up(yard, "own", alone=True, code="SELF")
    placed = await yard.order()
    await yard.work()
    assert await yard.status(placed) == "ready_to_ship"
    assert await yard.failures() == [("ShippingByHand", "decision")]
    async with yard.db.tenant(account_id=yard.account_id) as session:
        parcel = await deciding.find_parcel(session, yard.account_id, order_id(placed))
        for wrong in ("", "  ", "12", "x" * 51, "numéro-1"):
            with pytest.raises(InvalidInputError):
                await deciding.record_number(session, yard.account_id, parcel, wrong, by="Robin")
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            await deciding.record_number(session, yard.account_id, parcel, "1Z 999 AA1", by="Robin")
        async with yard.db.tenant(account_id=yard.account_id) as session:
            parcel = await deciding.find_parcel(session, yard.account_id, "1Z999AA1")
            with pytest.raises(ConflictError, match="no number is asked for"):
                await deciding.record_number(session, yard.account_id, parcel, "1Z999AA2", by="Robin")
        await yard.work()
        assert await yard.status(placed) == "shipped"
        assert placed.order["shipping_tracking"] == "1Z999AA1"
        async with yard.db.tenant(account_id=yard.account_id) as session:
            parcel = await deciding.find_parcel(session, yard.account_id, order_id(placed))
            await mark_delivered(session, yard.account_id, parcel, by="Robin")
    assert await yard.status(placed) == "delivered"
    assert await yard.failures() == []
    assert yard.labels(placed) == 0


async def test_what_no_label_can_be_bought_for_is_sent_by_hand(yard: Yard) -> None:
    await set_up(yard, "own")
    placed = await yard.order(address={**ADDRESS, "country_iso_code": "CHE", "zip_code": "8001"})
    await yard.work()
    assert await yard.status(placed) == "shipping_failed"
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            await deciding.send_by_hand(session, yard.account_id, order_id(placed), by="Robin")
        await yard.work()
        assert await yard.failures() == [("ShippingByHand", "decision")]
        async with yard.db.tenant(account_id=yard.account_id) as session:
            parcel = await deciding.find_parcel(session, yard.account_id, order_id(placed))
            assert parcel["destination"]["postal_code"] == "8001"
            await deciding.record_number(session, yard.account_id, parcel, "CH-77", by="Robin")
    await yard.work()
    assert await yard.status(placed) == "shipped"
    assert yard.labels(placed) == 0


async def test_an_order_that_waits_for_an_address_is_sent_by_hand(yard: Yard) -> None:
    await set_up(yard, "own")
    placed = await yard.order(address={**ADDRESS, "country_iso_code": "CHE", "zip_code": "8001"}, ready=False)
    await yard.work()
    assert await yard.status(placed) == "accepted"
    assert await yard.failures() == [("OrderAddress", "permanent")]
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            await deciding.send_by_hand(session, yard.account_id, order_id(placed), by="Robin")
    await yard.work()
    assert await yard.status(placed) == "ready_to_ship"
    assert await yard.failures() == [("ShippingByHand", "decision")]


class Courier:
    """A carrier that is a dictionary."""

    name = "courier"
    gives_labels = True
    heaviest_kg = Decimal(5)
    longest_cm = Decimal(100)

    def __init__(self) -> None:
        self.sold: dict[str, Parcel] = {}

    async def buy(self, parcel: Parcel) -> Bought:
        """A label, numbered by its reference."""
        self.sold[parcel.reference] = parcel
        return self._bought(parcel.reference)

    async def find(self, reference: str) -> Bought | None:
        """What was sold under a reference."""
        return self._bought(reference) if reference in self.sold else None

    async def destination(self, bought: Bought) -> None:
        """Not told."""
        return

    async def label(self, bought: Bought) -> bytes:
        """A page with what has to be on it."""
        to = self.sold[bought.external_id].destination
        return page(to.name, to.postal_code, bought.tracking_pin or "")

    async def void(self, bought: Bought) -> None:
        """Forgotten."""
        del self.sold[bought.external_id]

    async def refund(self, bought: Bought) -> str:
        """Never needed."""
        raise AssertionError

    async def track(self, tracking_pin: str) -> Tracking:
        """Everything is delivered at once."""
        from entrepot.kit.clock import now

        event = TrackingEvent(identifier="D", description="Delivered", happened_at=now())
        return Tracking(state="delivered", events=(event,), delivered_at=now())

    @staticmethod
    def _bought(reference: str) -> Bought:
        return Bought(external_id=reference, tracking_pin=f"C{abs(hash(reference)) % 10**10}", links={})


@pytest.fixture
def courier() -> Iterator[Courier]:
    """The carrier, registered for a test."""
    made = Courier()

    @carrier("courier")
    @asynccontextmanager
    async def opened(opening: Opening) -> AsyncIterator[Courier]:
        yield made

    yield made
    del CARRIERS["courier"]


async def test_another_carrier_fits_the_port(yard: Yard, courier: Courier) -> None:
    from entrepot.mirakl.shipping.delivery import follow_due

    await set_up(yard, "courier", alone=True, code="COUR")
    placed = await yard.order({"LAPTOP-1": 4})
    await yard.work()
    assert await yard.status(placed) == "shipped"
    # It takes 5 kg: two laptops a parcel.
    parcels = await yard.parcels(placed)
    assert [(row["parcel_number"], row["weight_kg"], row["state"]) for row in parcels] == [
        (1, Decimal("3.6"), "labelled"),
        (2, Decimal("3.6"), "labelled"),
    ]
    assert sorted(courier.sold) == [row["carrier_reference"] for row in parcels]
    assert placed.order["shipping_carrier_code"] == "COUR"
    yard.time.pass_(hours=5)
    with clock(yard.time):
        assert await follow_due(yard.services, yard.account_id) == 2
    assert await yard.status(placed) == "delivered"
