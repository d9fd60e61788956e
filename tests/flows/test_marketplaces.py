"""What accounts on Mirakl marketplaces sell and are asked becomes facts; their listings are tied to golden records."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from tests.flows.conftest import Program, wrong

from entrepot.events import publish
from entrepot.flows.channels.tying import tie_listings
from entrepot.flows.facts.schemas import Line
from entrepot.flows.facts.selling import item
from entrepot.kit.clock import clock
from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.mirakl.accounts.accounts import add_account
from entrepot.mirakl.orders.history import move

ORDERED = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHIPPED = ("accepting", "accepted", "ready_to_ship", "label_created", "tracking_sent", "shipped", "delivered")
PRODUCT = """
    INSERT INTO mirakl.base_products (account_id, model_name) VALUES (:account, 'Laptop') RETURNING product_id
"""
VARIANT = """
    INSERT INTO mirakl.product_variants (account_id, base_product_id, internal_sku)
    VALUES (:account, :product, 'LAPTOP-16') RETURNING variant_id
"""
LISTING = (
    "INSERT INTO mirakl.shop_sku_map (account_id, shop_sku, variant_id) VALUES (:account, :sku, :variant)"
)
ORDER = """
    INSERT INTO mirakl.orders (account_id, order_id, customer_id, mirakl_state, currency_code, total_price,
                               shipping_price, shipping_address, order_created_at, order_updated_at, raw_order_data)
    VALUES (:account, :order, :customer, 'SHIPPING', :currency, 999.99, 10, '{"country": "CA"}', :at, :at, '{}')
"""
LINE = """
    INSERT INTO mirakl.order_lines (account_id, order_line_id, order_id, sku, product_title, variant_id, quantity, price,
                                    taxes, raw_line_data)
    VALUES (:account, :order || '-1', :order, :sku, 'A laptop', :variant, 3, 100, 13, '{}')
"""
CUSTOMER = """
    INSERT INTO mirakl.customers (account_id, mirakl_customer_id, firstname, lastname, email)
    VALUES (:account, 'c1', 'Mara', 'Quill', 'mara@example.com') RETURNING id
"""


class Seller:
    """An account, its variant, and what is done with its orders."""

    def __init__(self, db: Database, program: Program) -> None:
        self.db, self.program = db, program
        self.account = self.variant = self.customer = UUID(int=0)

    async def one(self, statement: str, **values: Any) -> Any:
        """What a statement returns first, in the account."""
        async with self.db.tenant(account_id=self.account) as session:
            result = await session.execute(text(statement), {"account": self.account, **values})
            return result.scalar() if result.returns_rows else None  # type: ignore[attr-defined]

    async def start(self) -> None:
        """An account with a variant that is listed."""
        async with self.db.system() as session:
            account = await add_account(
                session,
                Keyring.open(self.db.settings),
                "best-buy",
                marketplace="Best Buy",
                api_url="https://marketplace.example/api",
                api_key="secret",
            )
        self.account = account.account_id
        product = await self.one(PRODUCT)
        self.variant = await self.one(VARIANT, product=product)
        await self.one(LISTING, sku="BB-1", variant=self.variant)
        self.customer = await self.one(CUSTOMER)

    async def sell(self, order: str, *steps: str, currency: str = "USD", sku: str = "BB-1") -> None:
        """An order that has come so far, a step an hour."""
        variant = self.variant if sku == "BB-1" else None
        await self.one(ORDER, order=order, customer=self.customer, at=ORDERED, currency=currency)
        await self.one(LINE, order=order, sku=sku, variant=variant)
        for hours, status in enumerate(("pending_acceptance", *steps)):
            with clock(ORDERED + timedelta(hours=hours)):
                async with self.db.tenant(account_id=self.account) as session:
                    await move(session, self.account, order, status, actor_type="worker")


@pytest.fixture
async def seller(db: Database, program: Program) -> Seller:
    """The account."""
    found = Seller(db, program)
    await found.start()
    return found


async def test_an_order_that_was_delivered_is_in_the_warehouse(seller: Seller, program: Program) -> None:
    await seller.sell("A-1", *SHIPPED)
    await program.deliver()
    assert await program.parked() == []
    [shop] = await program.rows("shops")
    assert (shop["name"], shop["origin"]) == ("Best Buy", "mirakl")
    [order] = await program.rows("shop_orders")
    assert (order["status"], order["event_time"], order["shipping_country"]) == ("delivered", ORDERED, "CA")
    sums = [order[name] for name in ("subtotal", "discount_amount", "tax_amount", "shipping_amount")]
    # A third of 100 has no four decimals: the price is rounded up, and the rest is discount.
    assert sums == [Decimal("100.0002"), Decimal("0.0002"), 13, 10]
    assert order["total_amount"] == 123
    assert order["shipped_time"] == ORDERED + timedelta(hours=6)
    assert order["delivered_time"] == ORDERED + timedelta(hours=7)
    [payment] = await program.rows("shop_order_payments")
    assert (payment["amount"], payment["completed_time"]) == (123, ORDERED + timedelta(hours=3))
    [product] = await program.rows("shop_products")
    assert (product["name"], product["extra_data"]["key"]) == ("A laptop", "LAPTOP-16")
    events = await program.events()
    assert {name: events[name] for name in events if name.startswith("order_")} == {
        "order_placed": 1,
        "order_processing": 1,
        "order_shipped": 1,
        "order_delivered": 1,
    }
    assert await wrong(program.db) == {}


async def test_told_twice_it_is_once(seller: Seller, program: Program) -> None:
    await seller.sell("A-1", "accepting", "accepted", "ready_to_ship")
    await program.deliver()
    before = await program.everything()
    await program.again()
    assert await program.everything() == before


async def test_nobody_is_named(seller: Seller, program: Program) -> None:
    await seller.sell("A-1", *SHIPPED)
    await program.deliver()
    everything = str(await program.everything())
    assert not [word for word in ("Mara", "Quill", "mara@example.com") if word in everything]


@pytest.mark.parametrize(
    ("steps", "status", "paid_back"),
    [
        (("refusing", "refused"), "cancelled", []),
        (("accepting", "cancelled"), "cancelled", []),
        (("accepting", "accepted", "ready_to_ship", "cancelled"), "refunded", [Decimal(123)]),
        (("waiting_for_person",), "on_hold", []),
        ((), "pending", []),
    ],
)
async def test_orders_that_come_to_nothing(
    seller: Seller, program: Program, steps: tuple[str, ...], status: str, paid_back: list[Decimal]
) -> None:
    await seller.sell("A-1", *steps)
    await program.deliver()
    [order] = await program.rows("shop_orders")
    assert order["status"] == status
    back = await program.rows("global_events", "amount, event_time", "event_type = 'payment_refunded'")
    assert [row["amount"] for row in back] == paid_back
    assert await wrong(program.db) == {}


async def test_a_listing_that_maps_to_nothing_is_sold_under_its_own_name(
    seller: Seller, program: Program
) -> None:
    await seller.sell("A-1", sku="UNKNOWN")
    await program.deliver()
    [product] = await program.rows("shop_products")
    assert product["extra_data"]["key"] == "listing UNKNOWN"


async def test_amounts_of_another_currency_are_kept(seller: Seller, program: Program) -> None:
    await seller.sell("A-1", *SHIPPED, currency="CAD")
    await program.deliver()
    assert await program.rows("shop_orders") == []
    assert await program.parked() == [("commerce.order.placed", "currency")]


async def test_messages_are_counted(seller: Seller, program: Program) -> None:
    await seller.sell("A-1")
    conversation = await seller.one(
        "INSERT INTO mirakl.conversations (account_id, mirakl_thread_id, customer_id, order_id) "
        "VALUES (:account, 't1', :customer, 'A-1') RETURNING id",
        customer=seller.customer,
    )
    for sender, kind, template, sending in (
        ("customer", "received", None, "received"),
        ("technician", "auto_reply", 1, "sent"),
    ):
        message = await seller.one(
            "INSERT INTO mirakl.messages (account_id, conversation_id, sender_type, message_type, template_number, "
            "sending, body, mirakl_message_id, sent_at) "
            "VALUES (:account, :conversation, :sender, :kind, :template, :sending, 'Where is it?', :sender, :at) RETURNING id",
            conversation=conversation,
            sender=sender,
            kind=kind,
            template=template,
            sending=sending,
            at=ORDERED + timedelta(hours=1),
        )
        async with seller.db.tenant(account_id=seller.account) as session:
            await publish(session, type=f"mirakl.message.{sending}", subject=str(message))
    await program.deliver()
    notices = await program.rows("global_events", "*", "event_type = 'system_notice'")
    assert sorted(
        (row["event_metadata"]["notice"], row["event_metadata"]["automatic"]) for row in notices
    ) == [
        ("message_received", False),
        ("message_sent", True),
    ]
    [order] = await program.rows("shop_orders")
    assert {row["event_metadata"]["order_id"] for row in notices} == {str(order["id"])}
    assert {row["user_id"] for row in notices} == {order["user_id"]}
    assert "Where is it" not in str(await program.everything())


async def test_listings_are_tied_to_golden_records(seller: Seller) -> None:
    await seller.one(LISTING, sku="BB-2", variant=seller.variant)
    async with seller.db.system() as session:
        nothing = await tie_listings(session)
        await session.execute(
            text("INSERT INTO pim.prod_master (internal_sku, canonical_title) VALUES ('LAPTOP-16', 'Laptop')")
        )
        two = await tie_listings(session)
        again = await tie_listings(session)
    assert [(one.tied, one.untied) for one in (nothing, two, again)] == [(0, 0), (2, 0), (0, 0)]
    query = text(
        "SELECT channel_meta ->> 'shop_sku' FROM pim.prod_channel_mappings WHERE channel = 'mirakl' ORDER BY 1"
    )
    async with seller.db.system() as session:
        assert (await session.execute(query)).scalars().all() == ["BB-1", "BB-2"]
    await seller.one("DELETE FROM mirakl.shop_sku_map WHERE shop_sku = :sku", sku="BB-1")
    async with seller.db.system() as session:
        gone = await tie_listings(session)
        assert (gone.tied, gone.untied) == (0, 1)
        assert (await session.execute(query)).scalars().all() == ["BB-2"]


@given(st.integers(1, 1000), st.decimals(0, 100_000, places=4, allow_nan=False, allow_infinity=False))
def test_a_line_adds_up_to_its_price(quantity: int, price: Decimal) -> None:
    row = {"quantity": quantity, "price": str(price), "product": "P", "title": None, "sku": None, "line": "1"}
    line = Line.model_validate(item(row))
    assert line.subtotal - line.discount == price
