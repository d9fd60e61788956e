"""What the mirror of a shop tells becomes facts: its shop, its products and stock, its orders and their payments."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from tests.flows.conftest import Program, wrong

from entrepot.flows.facts.mirroring import order_sums, shares
from entrepot.kit.db import Database
from entrepot.kit.jobs import discover, run_worker

GID = "gid://shopify/"


def product(number: int, price: str = "20.00", stock: int = 5, **fields: Any) -> list[dict[str, Any]]:
    """A product of one variant."""
    return [
        {
            "id": f"{GID}Product/{number}",
            "title": f"Mug {number}",
            "handle": f"mug-{number}",
            "vendor": "Harbor",
            "productType": "Kitchen",
            "status": "ACTIVE",
            "createdAt": "2026-01-05T08:00:00Z",
            **fields,
        },
        {
            "id": f"{GID}ProductVariant/{number}",
            "__parentId": f"{GID}Product/{number}",
            "title": "Default Title",
            "sku": "MUG",
            "price": price,
            "inventoryQuantity": stock,
            "createdAt": "2026-01-05T08:00:00Z",
        },
    ]


def sale(number: int, of: int = 1, total: str = "47.00", **fields: Any) -> list[dict[str, Any]]:
    """An order of two of a product, with tax and shipping."""
    return [
        {
            "id": f"{GID}Order/{number}",
            "name": f"#{1000 + number}",
            "email": "mara@example.com",
            "displayFinancialStatus": "PAID",
            "displayFulfillmentStatus": "UNFULFILLED",
            "totalPriceSet": {"shopMoney": {"amount": total, "currencyCode": "USD"}},
            "subtotalPriceSet": {"shopMoney": {"amount": "38.00", "currencyCode": "USD"}},
            "totalDiscountsSet": {"shopMoney": {"amount": "2.00", "currencyCode": "USD"}},
            "totalTaxSet": {"shopMoney": {"amount": "4.00", "currencyCode": "USD"}},
            "totalShippingPriceSet": {"shopMoney": {"amount": "5.00", "currencyCode": "USD"}},
            "currencyCode": "USD",
            "createdAt": f"2026-02-0{number}T10:00:00Z",
            "processedAt": f"2026-02-0{number}T10:00:00Z",
            "updatedAt": f"2026-02-0{number}T12:00:00Z",
            **fields,
        },
        {
            "id": f"{GID}LineItem/{number}",
            "__parentId": f"{GID}Order/{number}",
            "title": "Mug",
            "quantity": 2,
            "variant": {"id": f"{GID}ProductVariant/{of}"},
            "originalUnitPriceSet": {"shopMoney": {"amount": "20.00", "currencyCode": "USD"}},
        },
    ]


@pytest.fixture
async def dollars(program: Program) -> Program:
    """The shop sells in dollars."""
    async with program.db.system() as session:
        await session.execute(text("UPDATE pim.shops SET currency_code = 'USD'"))
    return program


async def test_an_import_becomes_facts(dollars: Program) -> None:
    await dollars.take([*product(1), *product(2, stock=0), *sale(1), *sale(2, of=9)])
    await dollars.deliver()
    assert await dollars.parked() == []
    [shop] = await dollars.rows("shops")
    assert (shop["name"], shop["origin"]) == ("harbor", "pim")
    products = await dollars.rows("shop_products", "name, status, stock_quantity, price, event_time, origin")
    assert [(row["name"], row["status"], row["stock_quantity"]) for row in products] == [
        ("Mug 1", "active", 5),
        ("Mug 2", "out_of_stock", 0),
        ("Mug", "inactive", 0),  # sold, and unknown to the mirror
    ]
    assert products[0]["event_time"] == datetime(2026, 1, 5, 8, tzinfo=UTC)
    orders = await dollars.rows("shop_orders")
    assert [row["status"] for row in orders] == ["processing", "processing"]
    first = orders[0]
    assert first["event_time"] == datetime(2026, 2, 1, 10, tzinfo=UTC)
    sums = [
        first[name]
        for name in ("subtotal", "discount_amount", "tax_amount", "shipping_amount", "total_amount")
    ]
    assert sums == [40, 2, 4, 5, 47]
    assert {row["amount"] for row in await dollars.rows("shop_order_payments")} == {Decimal(47)}
    [imported] = await dollars.rows("global_events", where="event_type = 'import_completed'")
    assert imported["event_metadata"]["by_type"]["Order"]["inserted"] == 2
    assert imported["shop_id"] == shop["id"]


async def test_nobody_is_named(dollars: Program) -> None:
    await dollars.take([*product(1), *sale(1)])
    await dollars.deliver()
    people = await dollars.rows("users")
    assert len(people) == 2
    assert all(row["email"].endswith("@users.invalid") and row["phone_number"] is None for row in people)
    everything = await dollars.everything()
    assert "mara" not in str(everything)


async def test_the_same_person_is_known_by_their_address(dollars: Program) -> None:
    await dollars.take(
        [*product(1), *sale(1), *sale(2, email="Mara@example.com"), *sale(3, email="ola@example.com")]
    )
    await dollars.deliver()
    buyers = [row["user_id"] for row in await dollars.rows("shop_orders")]
    assert buyers[0] == buyers[1] != buyers[2]


async def test_an_import_again_changes_nothing_and_a_changed_one_what_changed(dollars: Program) -> None:
    await dollars.take([*product(1), *sale(1)])
    await dollars.deliver()
    before = await dollars.everything()
    await dollars.again()
    assert await dollars.everything() == before
    cancelled: dict[str, Any] = {"cancelledAt": "2026-02-03T10:00:00Z", "displayFinancialStatus": "REFUNDED"}
    await dollars.take([*product(1, price="25.00", stock=0), *sale(1, **cancelled)])
    await dollars.deliver()
    [found] = await dollars.rows("shop_products")
    assert (found["price"], found["stock_quantity"], found["status"]) == (25, 0, "out_of_stock")
    logs = await dollars.rows("shop_inventory_logs", "event_time, quantity_before, quantity_after")
    assert [(row["quantity_before"], row["quantity_after"]) for row in logs] == [(0, 5), (5, 0)]
    [order] = await dollars.rows("shop_orders")
    assert order["status"] == "refunded"
    [paid] = await dollars.rows("shop_order_payments")
    assert (paid["status"], paid["refunded_amount"]) == ("refunded", 47)
    refunds = await dollars.rows("global_events", where="event_type = 'payment_refunded'")
    assert [(row["amount"], row["net_amount"], row["quantity"]) for row in refunds] == [(47, 38, 2)]
    assert await wrong(dollars.db) == {}


async def test_a_shop_in_another_currency_adds_nothing_up(program: Program) -> None:
    euros: dict[str, Any] = {
        "currencyCode": "EUR",
        "totalPriceSet": {"shopMoney": {"amount": "47.00", "currencyCode": "EUR"}},
    }
    await program.take([*product(1), *sale(1, **euros)])
    await program.deliver()
    assert await program.rows("shop_orders") == []
    assert await program.rows("shop_products") == []
    kept = [("commerce.order.placed", "currency"), ("commerce.product.listed", "currency")]
    assert await program.parked() == kept
    await program.take([*product(1, stock=9), *sale(1, **euros)])
    await program.deliver()
    assert await program.parked() == kept  # as it is now, and not once more
    async with program.db.system() as session:
        await session.execute(text("UPDATE pim.shops SET currency_code = 'USD'"))
        await session.execute(text("UPDATE pim.shopify_variants SET currency_code = 'USD'"))
    await program.take([*product(1, stock=4)])
    await program.deliver()
    assert await program.parked() == kept[:1]
    assert [row["stock_quantity"] for row in await program.rows("shop_products")] == [4]
    assert len(await program.rows("shops")) == 1


async def test_a_worker_that_is_killed_leaves_nothing_half_done(
    dollars: Program, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await dollars.take([*product(1), *product(2), *sale(1), *sale(2), *sale(3)])
    real = AsyncSession.execute
    kills = 0
    for statement in (3, 12, 17, 22):
        count = 0

        async def execute(self: AsyncSession, *args: Any, last: int = statement, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count > last:
                raise ConnectionError("killed")  # and whatever it tries afterwards fails as well
            return await real(self, *args, **options)

        with monkeypatch.context() as dying:
            dying.setattr(AsyncSession, "execute", execute)
            try:
                await dollars.deliver()
            except ConnectionError:
                kills += 1
        # An event's facts, and the mark that it was delivered, are there together or not at all.
        orders = await dollars.rows("shop_orders", "id")
        assert len(orders) in (0, 3)
        assert len(await dollars.rows("shop_order_items")) == len(orders)
        async with db.system() as session:
            await session.execute(
                text(
                    "UPDATE marketplace.hm_event_delivery SET state = 'pending', attempts = 0, leased_by = NULL, "
                    "lease_until = NULL, next_retry_time = now() WHERE state = 'leased'"
                )
            )
    await dollars.deliver()
    assert kills == 4
    assert len(await dollars.rows("shop_orders")) == 3
    assert await dollars.events() == {
        "shop_opened": 1,
        "product_listed": 2,
        "order_placed": 3,
        "payment_completed": 3,
        "order_processing": 3,
        "import_completed": 1,
    }


async def test_the_real_worker_delivers_what_the_import_published(dollars: Program, db: Database) -> None:
    await dollars.take([*product(1), *sale(1)])
    discover()
    stop = asyncio.Event()
    worker = asyncio.create_task(run_worker(db, stop=stop))
    while not {"import_completed", "order_processing"} <= (await dollars.events()).keys():  # noqa: ASYNC110 - of another
        await asyncio.sleep(0.02)
    stop.set()
    await worker
    assert [row["status"] for row in await dollars.rows("shop_orders")] == ["processing"]


CENTS = st.integers(0, 100_000).map(lambda cents: Decimal(cents) / 100)


@given(CENTS, st.lists(CENTS, min_size=1, max_size=8))
def test_shares_add_up(amount: Decimal, weights: list[Decimal]) -> None:
    parts = shares(amount, weights)
    assert sum(parts) == amount
    assert all(part >= 0 for part in parts)
    if amount <= sum(weights):
        assert all(part <= weight for part, weight in zip(parts, weights, strict=True))


@given(st.lists(st.tuples(st.integers(1, 5), CENTS), min_size=1, max_size=5), CENTS, CENTS, CENTS)
def test_the_parts_of_an_order_come_to_its_total(
    bought: list[tuple[int, Decimal]], total: Decimal, discounts: Decimal, shipping: Decimal
) -> None:
    lines = [{"quantity": quantity, "price": str(price)} for quantity, price in bought]
    row = {"total_price": total, "total_discounts": discounts, "total_shipping": shipping}
    sums = order_sums(row, lines)
    goods = [quantity * price for quantity, price in bought]
    assert sum(goods) - sum(sums.discounts) + sums.tax + sums.shipping == total
    assert sums.tax >= 0
    assert sums.shipping >= 0
    assert all(0 <= part <= whole for part, whole in zip(sums.discounts, goods, strict=True))
