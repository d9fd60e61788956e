"""From orders to their money, by all that is there: nothing of a person in the record of calls, no cent lost."""

from decimal import Decimal

from tests.mirakl.shipping.conftest import ADDRESS, Yard, db, order_id, settings, yard

from entrepot.kit.clock import clock
from entrepot.mirakl.money.importing import take_in
from entrepot.mirakl.money.settling import settle
from entrepot.mirakl.orders.polling import poll
from entrepot.sandbox.canadapost.shipments import PASSWORD

__all__ = ["db", "settings", "yard"]

SAID = "Zephyrine wants her laptop before Tuesday."
ANSWERED = "Dear Zephyrine, it is on its way."


async def test_orders_are_shipped_paid_and_settled_and_their_people_are_in_no_record(yard: Yard) -> None:
    placed = [await yard.order({"LAPTOP-1": 1}) for _ in range(3)]
    for one in placed:
        # Placed as if they were paid already, which the marketplace writes down when it is told.
        yard.marketplace.ledger.debited(one.order)
    api = await yard.services.api(yard.account)
    with clock(yard.time):
        thread = yard.marketplace.inbox.receive(order_id(placed[0]), SAID)
        assert [found["messages"][0]["body"] async for found in api.threads()] == [SAID]
        await api.reply(thread.thread_id, ANSWERED, [{"type": "CUSTOMER"}])
    await yard.work(2, minutes=5)
    assert [one.state for one in placed] == ["SHIPPED"] * 3
    yard.time.pass_(days=1)
    with clock(yard.time):
        await poll(yard.services, yard.account)
        done = await take_in(yard.db, yard.account, api)
        async with yard.db.tenant(account_id=yard.account_id) as session:
            found = [one async for one in settle(session, yard.account_id)]
    assert done.applied == len(yard.marketplace.ledger.lines)
    assert [(one.status, one.differences) for one in found] == [("settled", ())] * 3
    net = sum(settlement.net for one in found for settlement in one.settlements)
    assert net == Decimal(yard.marketplace.ledger.balance) / 100

    rows = await yard.sql(
        "SELECT operation, c::text AS text FROM mirakl.api_calls AS c WHERE account_id = :account_id"
    )
    made = {row["operation"] for row in rows}
    assert made >= {"OR11", "OR23", "OR24", "M11", "M12", "TL02", "CreateShipment"}
    everything = "\n".join(row["text"] for row in rows)
    people = [one.order["customer"] for one in placed]
    hidden = {
        *(
            str(ADDRESS[name])
            for name in ("firstname", "lastname", "street_1", "zip_code", "phone")
            if ADDRESS.get(name)
        ),
        *(str(person[name]) for person in people for name in ("firstname", "lastname")),
        *(str(one.order["customer_notification_email"]) for one in placed),
        SAID,
        ANSWERED,
        yard.marketplace.api_key,
        "H2X1Y4",
        "H2X 1Y4",
        PASSWORD,
    }
    assert len(hidden) > 8
    assert [one for one in hidden if one in everything] == []
    assert all(order_id(one) in everything for one in placed)
