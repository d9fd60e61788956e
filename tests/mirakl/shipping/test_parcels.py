"""Parcels of an order: planned before money is spent, divided by people, and what cannot be sent is said."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from tests.mirakl.shipping.conftest import ADDRESS, Yard, order_id

from entrepot.kit.clock import clock
from entrepot.kit.errors import ConflictError, InvalidInputError
from entrepot.mirakl.failures.inbox import retry
from entrepot.mirakl.shipping import deciding
from entrepot.sandbox.canadapost.shipments import CanadaPostState
from entrepot.sandbox.operating import Refusal


async def test_several_lines_and_units_go_together(yard: Yard) -> None:
    placed = await yard.order({"LAPTOP-1": 2, "LAPTOP-2": 1})
    await yard.sql(
        "UPDATE mirakl.product_variants SET weight_kg = 2.5, length_cm = 40, height_cm = 8 "
        "WHERE account_id = :account_id AND internal_sku LIKE 'LAPTOP-2%'"
    )
    await yard.work()
    [parcel] = await yard.parcels(placed)
    assert (parcel["weight_kg"], parcel["length_cm"], parcel["width_cm"], parcel["height_cm"]) == (
        Decimal("6.1"),
        40,
        25,
        18,
    )
    lines = await yard.sql("SELECT order_line_id, quantity FROM mirakl.shipment_lines ORDER BY order_line_id")
    assert [(row["order_line_id"], row["quantity"]) for row in lines] == [
        (f"{order_id(placed)}-1", 2),
        (f"{order_id(placed)}-2", 1),
    ]
    [shipment] = yard.carrier.all()
    assert shipment.text("delivery-spec/parcel-characteristics/weight") == "6.100"


async def test_an_order_may_be_divided(yard: Yard) -> None:
    placed = await yard.order({"LAPTOP-1": 3, "LAPTOP-2": 1})
    one, two = f"{order_id(placed)}-1", f"{order_id(placed)}-2"
    post = await yard.services.carrier(yard.account_id, "canada-post")
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            with pytest.raises(
                InvalidInputError, match=f"Line {one} has 3 units that are in no parcel yet, not 4"
            ):
                await deciding.divide(session, yard.account, post, order_id(placed), [{one: 4}], by="Robin")
        async with yard.db.tenant(account_id=yard.account_id) as session:
            made = await deciding.divide(
                session, yard.account, post, order_id(placed), [{one: 1}, {one: 1, two: 1}], by="Robin"
            )
            assert len(made) == 2
    yard.carrier.misbehavior.plan("CreateShipment", "plain", "timeout_after")
    await yard.work(4, minutes=10)
    assert await yard.status(placed) == "shipped"
    parcels = await yard.parcels(placed)
    assert [(row["parcel_number"], row["weight_kg"]) for row in parcels] == [
        (1, Decimal("1.8")),
        (2, Decimal("3.6")),
        (3, Decimal("1.8")),
    ]
    assert yard.labels(placed) == 3
    assert placed.order["shipping_tracking"] == parcels[0]["tracking_pin"]
    with pytest.raises(InvalidInputError, match="has 3 parcels"):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            await deciding.find_parcel(session, yard.account_id, order_id(placed))


async def test_the_database_allows_one_live_parcel_of_a_number(yard: Yard) -> None:
    placed = await yard.order()
    await yard.work()
    with pytest.raises(IntegrityError, match="uq_shipment_parcel"):
        await yard.sql(
            "INSERT INTO mirakl.shipments (account_id, order_id, parcel_number, carrier, service_code, "
            "carrier_reference, weight_kg, length_cm, width_cm, height_cm, destination) "
            "VALUES (:account_id, :order_id, 1, 'canada-post', 'DOM.EP', 'another', 1, 1, 1, 1, '{}')",
            order_id=order_id(placed),
        )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"address": {**ADDRESS, "zip_code": None}}, "It has no postal code."),
        ({"address": None}, "The marketplace has not told an address."),
        ({"address": {**ADDRESS, "zip_code": "M5V 2T6"}}, "The postal code M5V 2T6 is not in QC."),
    ],
)
async def test_an_address_that_no_label_takes_costs_nothing(
    yard: Yard, changes: dict[str, Any], said: str
) -> None:
    placed = await yard.order(**changes)
    await yard.work()
    assert await yard.status(placed) == "shipping_failed"
    assert await yard.failures() == [("ShippingPlan", "permanent")]
    [failure] = await yard.sql("SELECT failure_id, details FROM mirakl.process_failures")
    assert said in failure["details"]
    assert yard.carrier.desk.counts["CreateShipment"] == 0
    # The customer was asked, and the marketplace has the right one now.
    await yard.sql(
        "UPDATE mirakl.orders SET shipping_address = CAST(:address AS jsonb) WHERE order_id = :order_id",
        address='{"firstname": "Zoé", "lastname": "Fern", "street_1": "1 Quay", "city": "Québec", "zip_code": "G1R 2A2"}',
        order_id=order_id(placed),
    )
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            await retry(session, yard.account_id, failure["failure_id"])
    await yard.work()
    assert await yard.status(placed) == "shipped"
    assert await yard.failures() == []


async def test_a_listing_that_maps_to_nothing_and_a_unit_too_heavy_are_said_together(yard: Yard) -> None:
    placed = await yard.order({"LAPTOP-1": 1, "LAPTOP-2": 1})
    await yard.sql("UPDATE mirakl.order_lines SET variant_id = NULL WHERE account_id = :account_id")
    await yard.sql("DELETE FROM mirakl.shop_sku_map WHERE account_id = :account_id AND shop_sku = 'LAPTOP-1'")
    await yard.work()
    [failure] = await yard.sql("SELECT details FROM mirakl.process_failures")
    assert "The listing 'LAPTOP-1' maps to no variant" in failure["details"]
    heavy = await yard.order({"LAPTOP-2": 1})
    await yard.sql("UPDATE mirakl.product_variants SET weight_kg = 31 WHERE account_id = :account_id")
    await yard.work()
    assert await yard.status(placed) == await yard.status(heavy) == "shipping_failed"
    details = [row["details"] for row in await yard.sql("SELECT details FROM mirakl.process_failures")]
    assert "the carrier takes 30 kg" in " ".join(details)
    assert yard.carrier.desk.counts["CreateShipment"] == 0


async def test_an_order_without_lines_and_an_account_without_carrier_are_said(yard: Yard) -> None:
    placed = await yard.order()
    await yard.sql("DELETE FROM mirakl.order_lines WHERE order_id = :order_id", order_id=order_id(placed))
    await yard.work()
    [failure] = await yard.sql("SELECT details FROM mirakl.process_failures")
    assert "has no lines that could be sent" in failure["details"]
    other = await yard.order()
    await yard.sql("DELETE FROM mirakl.carrier_accounts WHERE account_id = :account_id")
    await yard.work()
    assert await yard.status(other) == "shipping_failed"
    details = [row["details"] for row in await yard.sql("SELECT details FROM mirakl.process_failures")]
    assert "No carrier is set up, so no label can be bought." in details


async def test_a_parcel_that_was_refused_is_not_forgotten_when_another_is_taken_back(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = await yard.order({"LAPTOP-1": 20})
    create = CanadaPostState.create

    def once(carrier: CanadaPostState, request: Any) -> Any:
        if list(carrier.all()):
            raise Refusal(400, "Not today.", code="9111")
        return create(carrier, request)

    with monkeypatch.context() as patch:
        patch.setattr(CanadaPostState, "create", once)
        await yard.work()
    assert await yard.status(placed) == "shipping_failed"
    first, second = await yard.parcels(placed)
    assert (first["state"], second["state"]) == ("bought", "failed")
    with clock(yard.time):
        async with yard.db.tenant(account_id=yard.account_id) as session:
            parcel = await deciding.find_parcel(session, yard.account_id, first["carrier_reference"])
        await deciding.take_back(yard.services, yard.account_id, parcel, by="Robin", again=True)
    await yard.work()
    assert await yard.status(placed) == "shipped"
    lines = await yard.sql(
        "SELECT s.state, l.quantity FROM mirakl.shipments AS s JOIN mirakl.shipment_lines AS l USING (shipment_id) "
        "WHERE s.account_id = :account_id"
    )
    assert sum(row["quantity"] for row in lines if row["state"] == "labelled") == 20


async def test_an_order_is_not_divided_while_a_label_is_being_bought(yard: Yard) -> None:
    placed = await yard.order()
    yard.carrier.misbehavior.plan("CreateShipment", "timeout_after")
    await yard.work()
    async with yard.db.tenant(account_id=yard.account_id) as session:
        with pytest.raises(ConflictError, match="is being bought"):
            await deciding.send_by_hand(session, yard.account_id, order_id(placed), by="Robin")
