"""A world of four people, two shops and four products, written out by hand, in which every rule holds.

Beside it stand a shop, a customer and an order of another part of the program.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Table, insert
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db.tables import Base
from entrepot.playground.facts import tables as facts
from entrepot.playground.loading.tables import WorldPart, WorldRun

Row = dict[str, Any]
NAMES = UUID("0199f1c2-0000-7000-8000-000000000000")
#: In the order in which they can be written.
TABLES: tuple[type[Base], ...] = (
    facts.User,
    facts.UserPaymentMethod,
    facts.Shop,
    facts.ShopProduct,
    facts.ShopPromotion,
    facts.ShopOrder,
    facts.ShopOrderItem,
    facts.ShopOrderPayment,
    facts.Invoice,
    facts.InvoicePayment,
    facts.ShopPromotionUsage,
    facts.ShopReview,
    facts.ShopReviewVote,
    facts.ShopInventoryLog,
    facts.GlobalEntity,
    facts.GlobalEvent,
)
#: The simulated part of the village, as its simulator would know it.
SETTINGS = {
    "seed": 1,
    "scale": 0.001,
    "start": "2025-10-01",
    "end": "2025-12-01",
    "scenarios": [
        {
            "name": "payment-outage",
            "start": "2025-11-03T09:00:00+00:00",
            "end": "2025-11-03T10:00:00+00:00",
            "strength": 1.0,
        }
    ],
}
PEOPLE_TRUTH = {"users": 4, "users_left": 1}
LAMPS_TRUTH = {
    "shops": 1,
    "orders": 3,
    "order_cents": 17560,
    "gross_cents": 16500,
    "discount_cents": 1900,
    "units_sold": 6,
    "orders_cancelled": 0,
    "payments_completed": 1,
    "payments_failed": 0,
    "lines_refunded": 0,
    "carts_abandoned": 0,
    "payment-outage": {"payments": 0, "payments_failed": 0},
}
ROPES_TRUTH = {
    "shops": 1,
    "orders": 2,
    "order_cents": 11560,
    "gross_cents": 9600,
    "discount_cents": 0,
    "units_sold": 4,
    "orders_cancelled": 1,
    "payments_completed": 2,
    "payments_failed": 1,
    "lines_refunded": 2,
    "carts_abandoned": 1,
    "payment-outage": {"payments": 2, "payments_failed": 1},
}
#: The village as it stands at the end of November 2025.
START, END = datetime(2025, 10, 1, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC)


def at(month: int, day: int, hour: int = 12, minute: int = 0) -> datetime:
    """A moment of 2025."""
    return datetime(2025, month, day, hour, minute, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    """A span."""
    return timedelta(minutes=count)


def id_of(name: str, when: datetime) -> UUID:
    """The id of a thing: version 7, its first 48 bits the milliseconds of its time."""
    milliseconds = int(when.timestamp() * 1000)
    rest = uuid5(NAMES, name).int & ((1 << 80) - 1)
    return UUID(int=(milliseconds << 80) | (rest & ~(0xF << 76) & ~(0b11 << 62)) | 0x7 << 76 | 0b10 << 62)


class Village:
    """The rows, by table, and who is who, by name."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {table.__tablename__: [] for table in TABLES}
        self.named: dict[str, Row] = {}
        self._moved: dict[str, int] = {}
        self._build()

    def id(self, name: str) -> UUID:
        """The id of who or what has a name."""
        found: UUID = self.named[name]["id"]
        return found

    def time(self, name: str) -> datetime:
        """Since when it is there."""
        found: datetime = self.named[name]["event_time"]
        return found

    def add(self, table: str, name: str, when: datetime, /, entity: str | None = None, **columns: Any) -> Row:
        """A row under a name; with `entity` it is registered."""
        row = {"id": id_of(name, when), "event_time": when, **columns}
        self.rows[table].append(row)
        self.named[name] = row
        if entity:
            self.rows["global_entities"].append(
                {
                    "event_time": when,
                    "entity_id": row["id"],
                    "entity_type": entity,
                    "created_time": when,
                    "deactivated_time": columns.get("deactivated_time"),
                    "origin": columns.get("origin", "simulated"),
                }
            )
        return row

    def to(self, reference: str, name: str | None) -> Row:
        """The two columns that point to something."""
        row = self.named[name] if name else {"id": None, "event_time": None}
        return {f"{reference}_id": row["id"], f"{reference}_event_time": row["event_time"]}

    def tell(
        self,
        kind: str,
        when: datetime,
        *,
        user: str | None = None,
        shop: str | None = None,
        product: str | None = None,
        caller: str | None = None,
        **columns: Any,
    ) -> None:
        """An event."""
        name = f"{kind}/{caller or product or shop or user}/{when}"
        event = {
            "event_id": id_of(name, when),
            "event_time": when,
            "event_type": kind,
            **self.to("user", user),
            **self.to("shop", shop),
            **self.to("product", product),
            **self.to("caller", caller),
            **columns,
        }
        event["caller_entity_id"] = event.pop("caller_id")
        self.rows["global_events"].append(event)
        self.named[name] = {"id": event["event_id"], "event_time": when}

    def person(self, name: str, when: datetime, left: datetime | None = None) -> None:
        """Somebody signs up, stores a way to pay, and may leave."""
        self.add(
            "users", name, when, "user", username=name, email=f"{name}@example.com", created_time=when,
            status=left is None, deactivated_time=left,
        )  # fmt: skip
        self.tell("user_registered", when, user=name)
        card = when + minutes(5)
        self.add(
            "user_payment_methods", f"{name}'s card", card, "user_payment_method", **self.to("user", name),
            method_type="credit_card", status="active", token=f"tok-{name}", created_time=card,
        )  # fmt: skip
        self.tell("payment_method_added", card, user=name, caller=f"{name}'s card")
        if left is not None:
            self.tell("user_deactivated", left, user=name)

    def shop(self, name: str, owner: str, when: datetime) -> None:
        """Somebody opens a shop."""
        self.add(
            "shops", name, when, "user_shop", **self.to("owner", owner), name=name, category="retail",
            created_time=when,
        )  # fmt: skip
        self.tell("shop_opened", when, user=owner, shop=name)

    def product(self, name: str, shop: str, when: datetime, price: int, stock: int) -> None:
        """A shop lists a product, with a first delivery."""
        self.add(
            "shop_products", name, when, "shop_product", **self.to("shop", shop), sku=f"SKU-{name}", name=name,
            category="home", status="active", price=Decimal(price), cost_price=Decimal(price) / 2,
            stock_quantity=0, low_stock_threshold=2, created_time=when,
        )  # fmt: skip
        self.tell("product_listed", when, shop=shop, product=name)
        self.move(name, shop, when + minutes(1), "purchase", stock)

    def move(self, product: str, shop: str, when: datetime, kind: str, change: int, **more: Any) -> None:
        """Stock changes, and with it the product."""
        before = self._moved.get(product, 0)
        after = self._moved[product] = before + change
        user = more.pop("user", None)
        owner = self.named[shop]
        mover = (
            self.to("created_by_user", user)
            if user
            else {
                "created_by_user_id": owner["owner_id"],
                "created_by_user_event_time": owner["owner_event_time"],
            }
        )
        self.add(
            "shop_inventory_logs", f"movement of {product} at {when}", when, **self.to("shop", shop),
            **self.to("product", product), **self.to("order", more.pop("order", None)), change_type=kind,
            quantity_before=before, quantity_change=change, quantity_after=after, **mover, **more,
        )  # fmt: skip
        row = self.named[product]
        row["stock_quantity"], row["status"] = after, "active" if after > 0 else "out_of_stock"
        if (before > 0) != (after > 0) and kind != "purchase":
            self.tell(
                "product_back_in_stock" if after > 0 else "product_out_of_stock",
                when,
                shop=shop,
                product=product,
            )

    def order(
        self,
        name: str,
        user: str,
        shop: str,
        when: datetime,
        lines: Mapping[str, int],
        *,
        percent: int = 0,
        session: UUID | None = None,
        origin: str = "simulated",
        **columns: Any,
    ) -> None:
        """Somebody orders: lines, totals, what is taken from stock."""
        subtotal = discount = Decimal(0)
        items = []
        for product, quantity in lines.items():
            price = self.named[product]["price"]
            part = price * quantity
            off = part * percent / 100
            subtotal, discount = subtotal + part, discount + off
            items.append(
                {
                    "quantity": quantity,
                    "unit_price": price,
                    "subtotal": part,
                    "discount_amount": off,
                    "total_amount": part - off,
                    "is_cancelled": columns.get("cancelled_time") is not None,
                    "is_refunded": columns.get("refunded", False),
                }
            )
        columns.pop("refunded", None)
        tax, shipping = (subtotal - discount) / 10, Decimal(5)
        total = subtotal - discount + tax + shipping
        both = {**self.to("user", user), **self.to("shop", shop)}
        self.add(
            "shop_orders", name, when, "shop_order", **both, order_number=f"N-{name}", subtotal=subtotal,
            tax_amount=tax, shipping_amount=shipping, discount_amount=discount, total_amount=total,
            ordered_time=when, origin=origin, **columns,
        )  # fmt: skip
        for product, item in zip(lines, items, strict=True):
            line = f"{name}/{product}"
            self.add(
                "shop_order_items", line, when, **both, **self.to("order", name), **self.to("product", product),
                origin=origin, **item,
            )  # fmt: skip
            if origin == "simulated":
                self.move(product, shop, when, "sale", -item["quantity"], user=user, order=name)
        for kind, column in (
            ("order_processing", "processed_time"),
            ("order_shipped", "shipped_time"),
            ("order_delivered", "delivered_time"),
            ("order_cancelled", "cancelled_time"),
            ("order_returned", "returned_time"),
        ):
            if columns.get(column):
                self.tell(kind, columns[column], user=user, shop=shop, caller=name, amount=total)
        self.tell(
            "order_placed",
            when,
            user=user,
            shop=shop,
            caller=name,
            amount=total,
            session_id=session,
            origin=origin,
        )

    def pay(
        self, name: str, order: str, user: str, when: datetime, status: str = "completed", **columns: Any
    ) -> None:
        """Somebody tries to pay for an order; the outcome is known two minutes later."""
        row = self.named[order]
        shop = next(one for one, found in self.named.items() if found["id"] == row["shop_id"])
        outcome = when + minutes(2)
        amount = columns.pop("amount", row["total_amount"])
        self.add(
            "shop_order_payments", name, when, "user_payment", **self.to("order", order), **self.to("user", user),
            **self.to("shop", shop), **self.to("payment_method", f"{user}'s card"), amount=amount, status=status,
            method="credit_card", transaction_reference=f"ref-{name}", initiated_time=when,
            completed_time=outcome, **columns,
        )  # fmt: skip
        self.tell("payment_initiated", when, user=user, shop=shop, caller=name, amount=amount)
        kind = "payment_failed" if status == "failed" else "payment_completed"
        self.tell(kind, outcome, user=user, shop=shop, caller=name, amount=amount)

    def refund(self, payment: str, line: str, when: datetime) -> None:
        """A line is paid back, with its tax."""
        item, paid = self.named[line], self.named[payment]
        order, product = line.split("/")
        net = item["total_amount"]
        user = next(one for one, found in self.named.items() if found["id"] == item["user_id"])
        shop = next(one for one, found in self.named.items() if found["id"] == item["shop_id"])
        amount = net * Decimal("1.1")
        paid["refunded_amount"] = paid.get("refunded_amount", Decimal(0)) + amount
        paid["status"] = "refunded" if paid["refunded_amount"] == paid["amount"] else "partially_refunded"
        self.tell(
            "payment_refunded", when, user=user, shop=shop, product=product, caller=payment, amount=amount,
            net_amount=net, quantity=item["quantity"],
            event_metadata={"order_id": str(self.id(order)), "order_item_id": str(item["id"])},
        )  # fmt: skip

    def review(
        self, name: str, user: str, order: str, product: str, when: datetime, rating: int, status: str
    ) -> None:
        """Somebody says what they think of what they bought."""
        shop = next(one for one, found in self.named.items() if found["id"] == self.named[product]["shop_id"])
        self.add(
            "shop_reviews", name, when, "shop_review", **self.to("user", user), **self.to("shop", shop),
            **self.to("product", product), **self.to("order", order), review_type="product", status=status,
            rating=rating, content="As described.", is_verified_purchase=True, helpful_votes=0, not_helpful_votes=0,
        )  # fmt: skip
        self.tell("review_submitted", when, user=user, shop=shop, product=product, caller=name)
        if status == "approved":
            self.tell(
                "review_approved", when + minutes(60), user=user, shop=shop, product=product, caller=name
            )

    def vote(self, user: str, review: str, author: str, when: datetime, *, helpful: bool) -> None:
        """Somebody found a review helpful, or did not."""
        self.add(
            "shop_review_votes", f"{user} on {review}", when, **self.to("review", review), **self.to("user", user),
            **self.to("author", author), is_helpful=helpful,
        )  # fmt: skip
        self.named[review]["helpful_votes" if helpful else "not_helpful_votes"] += 1

    def visit(self, user: str, shop: str, product: str, when: datetime, quantity: int) -> UUID:
        """Somebody looks at a product, and puts it into the cart two minutes later."""
        session = id_of(f"visit of {user} at {when}", when)
        amount = self.named[product]["price"] * quantity
        self.tell("product_viewed", when, user=user, shop=shop, product=product, session_id=session)
        self.tell(
            "cart_item_added", when + minutes(2), user=user, shop=shop, product=product, session_id=session,
            quantity=quantity, amount=amount,
        )  # fmt: skip
        return session

    def _build(self) -> None:
        self.person("ada", at(10, 3))
        self.person("bo", at(10, 4))
        self.person("cy", at(10, 5))
        self.person("dee", at(11, 2, 8), left=at(11, 20))
        self.shop("lamps", "ada", at(10, 6))
        self.shop("ropes", "bo", at(10, 7))
        self.product("globe", "lamps", at(10, 8), 40, 10)
        self.product("shade", "lamps", at(10, 8, 13), 15, 3)
        self.product("twine", "ropes", at(10, 8, 14), 6, 20)
        self.product("cable", "ropes", at(10, 8, 15), 30, 3)
        self._promotion()
        self._october()
        self._november()
        self._elsewhere()
        self.rows["global_events"].sort(key=lambda row: (row["event_time"], row["event_id"]))

    def _promotion(self) -> None:
        self.add(
            "shop_promotions", "autumn", at(10, 9), "shop_promotion", **self.to("shop", "lamps"), name="autumn",
            promotion_type="percentage", status="active", discount_value=Decimal(20), valid_from=at(10, 10, 0),
            valid_until=at(11, 30, 0), applicability="all_products", current_usage_count=1,
        )  # fmt: skip
        self.tell("promotion_created", at(10, 9), shop="lamps", caller="autumn")

    def _october(self) -> None:
        session = self.visit("cy", "lamps", "globe", at(10, 10, 9, 40), 2)
        self.tell(
            "checkout_started",
            at(10, 10, 9, 55),
            user="cy",
            shop="lamps",
            session_id=session,
            amount=Decimal(80),
        )
        self.order(
            "first", "cy", "lamps", at(10, 10, 10), {"globe": 2, "shade": 1}, percent=20, session=session,
            status="delivered", processed_time=at(10, 10, 10, 3), shipped_time=at(10, 11), delivered_time=at(10, 14),
        )  # fmt: skip
        self.add(
            "shop_promotion_usages", "cy's use of autumn", at(10, 10, 10), **self.to("promotion", "autumn"),
            **self.to("user", "cy"), **self.to("order", "first"), **self.to("shop", "lamps"),
            discount_amount=Decimal(19),
        )  # fmt: skip
        self.pay("first payment", "first", "cy", at(10, 10, 10, 1))
        self.review("praise", "cy", "first", "globe", at(10, 16), 5, "approved")
        self.review("doubt", "cy", "first", "shade", at(10, 16, 13), 2, "pending")
        self.vote("bo", "praise", "cy", at(10, 17), helpful=True)
        self.vote("dee", "praise", "cy", at(11, 3), helpful=False)

    def _november(self) -> None:
        # All of the cable: it is out of stock until one comes back, three weeks later.
        self.order(
            "second", "dee", "ropes", at(11, 3, 9), {"cable": 3}, status="returned", refunded=True,
            processed_time=at(11, 3, 9, 32), shipped_time=at(11, 4), delivered_time=at(11, 7), returned_time=at(11, 18),
        )  # fmt: skip
        self.pay("second payment, declined", "second", "dee", at(11, 3, 9, 1), "failed")
        self.pay("second payment", "second", "dee", at(11, 3, 9, 30))
        self.move("cable", "ropes", at(11, 18), "return", 3, order="second")
        self.refund("second payment", "second/cable", at(11, 18, 13))
        self.order(
            "third", "cy", "ropes", at(11, 5), {"twine": 1}, status="cancelled", cancelled_time=at(11, 5, 15),
            processed_time=at(11, 5, 12, 4), refunded=True,
        )  # fmt: skip
        self.pay("third payment", "third", "cy", at(11, 5, 12, 2))
        self.move("twine", "ropes", at(11, 5, 15), "return", 1, order="third", reason="cancelled")
        self.refund("third payment", "third/twine", at(11, 5, 16))
        self.order(
            "fourth", "dee", "lamps", at(11, 6), {"shade": 2}, status="shipped", processed_time=at(11, 6, 14),
            shipped_time=at(11, 7),
        )  # fmt: skip
        self._invoice()
        self.order("fifth", "cy", "lamps", at(11, 28), {"globe": 1}, status="pending")
        cart = self.visit("dee", "ropes", "twine", at(11, 9), 5)
        self.tell(
            "cart_abandoned", at(11, 9, 12, 32), user="dee", shop="ropes", session_id=cart, amount=Decimal(30)
        )

    def _elsewhere(self) -> None:
        """What another part of the program had to tell: it keeps its own stock, and tells of orders only."""
        origin = "marketplace"
        self.add(
            "users", "eve", at(10, 20), "user", username="eve", email="eve@example.com", created_time=at(10, 20),
            origin=origin,
        )  # fmt: skip
        self.add(
            "shops", "quay", at(10, 21), "user_shop", **self.to("owner", "eve"), name="quay", category="other",
            created_time=at(10, 21), origin=origin,
        )  # fmt: skip
        self.add(
            "shop_products", "anchor", at(10, 22), "shop_product", **self.to("shop", "quay"), sku="SKU-globe",
            name="anchor", category="other", status="active", price=Decimal(6), created_time=at(10, 22), origin=origin,
        )  # fmt: skip
        self.order("sixth", "eve", "quay", at(11, 29), {"anchor": 4}, status="pending", origin=origin)

    def _invoice(self) -> None:
        when, paid = at(11, 6, 14), at(11, 15)
        order = self.named["fourth"]
        both = {**self.to("user", "dee"), **self.to("shop", "lamps")}
        self.add(
            "invoices", "bill", when, "user_invoice", **both, **self.to("order", "fourth"), invoice_number="INV-1",
            invoice_amount=order["subtotal"] + order["shipping_amount"], tax_amount=order["tax_amount"],
            discount_amount=order["discount_amount"], total_amount=order["total_amount"], status="partially_paid",
            payment_terms="net_30", payment_term_days=30, issue_date=when.date(),
            due_date=when.date() + timedelta(days=30),
        )  # fmt: skip
        self.tell(
            "invoice_issued", when, user="dee", shop="lamps", caller="bill", amount=order["total_amount"]
        )
        self.add(
            "invoice_payments", "bill payment", paid, "user_payment", **both, **self.to("invoice", "bill"),
            **self.to("payment_method", "dee's card"), amount=Decimal(20), status="completed", method="credit_card",
            is_partial_payment=True, transaction_reference="ref-bill", initiated_time=paid,
            completed_time=paid + minutes(1),
        )  # fmt: skip
        self.tell(
            "payment_initiated", paid, user="dee", shop="lamps", caller="bill payment", amount=Decimal(20)
        )
        self.tell(
            "payment_completed",
            paid + minutes(1),
            user="dee",
            shop="lamps",
            caller="bill payment",
            amount=Decimal(20),
        )

    def truths(self) -> list[Row]:
        """What is known of each part of the village: its two shops and its people."""
        lamps = {**LAMPS_TRUTH, "units_sold_by_product": {str(self.id("globe")): 3, str(self.id("shade")): 3}}
        ropes = {**ROPES_TRUTH, "units_sold_by_product": {str(self.id("cable")): 3, str(self.id("twine")): 1}}
        return [lamps, ropes, PEOPLE_TRUTH]


async def settle(session: AsyncSession, village: Village) -> None:
    """Write the village; its events and movements mark the metrics as any fact does."""
    for declared in TABLES:
        table = declared.__table__
        assert isinstance(table, Table)
        rows = village.rows[declared.__tablename__]
        # One statement a set of columns: what a row does not say is the column's default.
        for columns in {tuple(sorted(row)) for row in rows}:
            await session.execute(insert(table), [row for row in rows if tuple(sorted(row)) == columns])
    run = {
        "settings": SETTINGS,
        "seed": 1,
        "scale": Decimal("0.001"),
        "parts": 2,
        "state": "complete",
        "clock": END,
    }
    made = await session.execute(insert(WorldRun).returning(WorldRun.id), run)
    run_id = made.scalar_one()
    for number, truth in enumerate(village.truths()):
        await session.execute(
            insert(WorldPart), {"run_id": run_id, "number": number, "rows": {}, "truth": truth}
        )
