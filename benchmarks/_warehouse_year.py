"""A year of facts made by plain SQL, in the partitions that a running installation would have, and the documented queries.

Ids begin with their time, as the world's do. Every fact refers to users, shops, products and orders that were there
before it. The last month is in days, its last two days in hours; the months before it are months.
"""

import itertools
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

Connection = psycopg.Connection[Any]
PAGE = Path(__file__).resolve().parents[1] / "docs" / "how-to" / "warehouse-queries.md"
SCHEMA = "data_playground"
END = datetime(2026, 1, 1, tzinfo=UTC)
SHOPS = 60


def documented_queries() -> dict[str, str]:
    """Name → SQL of docs/how-to/warehouse-queries.md, with psql's variables (`:'from'`)."""
    return dict(re.findall(r"<!-- query: (\S+) -->\n```sql\n(.*?);\n```", PAGE.read_text(), re.DOTALL))


def prepared(query: str) -> tuple[list[str], list[str], str]:
    """The variables of a query in order, their types, and the query with $1, $2 … in their place."""
    names = list(dict.fromkeys(re.findall(r":'(\w+)'", query)))
    types = ["timestamptz" if name in ("from", "to") else "uuid" for name in names]
    return names, types, re.sub(r":'(\w+)'", lambda found: f"${names.index(found[1]) + 1}", query)


def uuid_of(kind: str, number: str, moment: str) -> str:
    """SQL of an id of version 7 that begins with a moment."""
    digits = f"md5('{kind}' || ({number}))"
    return (
        f"(lpad(to_hex(floor(extract(epoch FROM {moment}) * 1000)::bigint), 12, '0') || '7' || substr({digits}, 1, 3)"
        f" || '8' || substr({digits}, 4, 15))::uuid"
    )


@dataclass(frozen=True)
class Year:
    """How much happens, and in how many months before END."""

    months: int = 12
    users: int = 2000
    products: int = 2500
    orders_a_day: int = 100
    events_an_order: int = 8
    requests_a_day: int = 400
    days: int = 29  # of the last month, before those that are in hours; the rest of it has no facts
    days_in_hours: int = 2

    @property
    def begin(self) -> datetime:
        """The first moment."""
        month = END.month - 1 - self.months
        return END.replace(year=END.year + month // 12, month=month % 12 + 1)

    @property
    def hours_from(self) -> datetime:
        """Where the partitions of an hour begin."""
        return END - timedelta(days=self.days_in_hours)

    @property
    def days_from(self) -> datetime:
        """Where the partitions of a day begin."""
        return self.hours_from - timedelta(days=self.days)

    @property
    def seconds(self) -> float:
        """From the first moment to the last."""
        return (END - self.begin).total_seconds()

    def at(self, number: str, step: float, offset: float = 0) -> str:
        """SQL of the moment of something that happens every `step` seconds."""
        return f"(timestamptz '{self.begin.isoformat()}' + interval '1 second' * ({offset} + ({number}) * {step}))"

    def known(self, kind: str, moment: str, pick: str) -> str:
        """SQL of the number of a user, shop or product that was there at a moment."""
        many, step, offset = self.kinds[kind]
        elapsed = f"extract(epoch FROM {moment} - timestamptz '{self.begin.isoformat()}')"
        return f"(({pick}) % least({many}, 1 + floor(({elapsed} - {offset}) / {step})::bigint))"

    def pair(self, kind: str, number: str) -> str:
        """SQL of the two columns that refer to one."""
        _, step, offset = self.kinds[kind]
        moment = self.at(number, step, offset)
        return f"{uuid_of(kind, number, moment)}, {moment}"

    @property
    def kinds(self) -> dict[str, tuple[int, float, float]]:
        """Kind → how many, seconds between two, seconds before the first."""
        day = 86400.0
        return {
            "user": (self.users, self.seconds * 0.9 / self.users, 0),
            "shop": (SHOPS, day / SHOPS, day),
            "product": (self.products, (self.seconds - 5 * day) * 0.9 / self.products, 3 * day),
            "order": (
                int(self.orders_a_day * (self.seconds - 5 * day) / day),
                day / self.orders_a_day,
                5 * day,
            ),
            "request": (
                int(self.requests_a_day * self.seconds / day),
                day / self.requests_a_day,
                0,
            ),
        }

    def tables(self) -> dict[str, tuple[str, str, str, str]]:
        """Table → the kind that drives it, columns, rows an instance (FROM …), values; `n` is the number, `t` the moment."""
        user = self.known("user", "t", "n * 7919")
        shop, product = "n % 60", self.known("product", "t", "n * 104729 + line * 31")
        order = "o.id, o.placed"
        inner = f"(SELECT {uuid_of('order', 'n', 't')} AS id, t AS placed) AS o"
        return {
            "users": ("user", "id, event_time, username, email, created_time", "",
                      f"{uuid_of('user', 'n', 't')}, t, 'user' || n, 'user' || n || '@example.com', t"),
            "shops": ("shop", "id, event_time, owner_id, owner_event_time, name, category, created_time", "",
                      f"{uuid_of('shop', 'n', 't')}, t, {self.pair('user', '0')}, 'Shop ' || n, 'retail', t"),
            "shop_products": ("product", "id, event_time, shop_id, shop_event_time, sku, name, category, status, price, created_time", "",
                              f"{uuid_of('product', 'n', 't')}, t, {self.pair('shop', 'n % 60')}, 'sku' || n, 'Product ' || n, 'home', 'active', 5 + n % 90, t"),
            "shop_orders": ("order", ("id, event_time, order_number, user_id, user_event_time, shop_id, shop_event_time, status, subtotal,"
                            " tax_amount, shipping_amount, discount_amount, total_amount, ordered_time, shipped_time, delivered_time"), "",
                            (f"{uuid_of('order', 'n', 't')}, t, 'N' || n, {self.pair('user', user)}, {self.pair('shop', shop)}, 'delivered', 30, 3, 5, 0, 38, t,"
                            " t + interval '1 day', t + interval '1 day' * (2 + n % 9)")),
            "shop_order_items": ("order", ("id, event_time, order_id, order_event_time, product_id, product_event_time, shop_id, shop_event_time,"
                                 " user_id, user_event_time, quantity, unit_price, subtotal, discount_amount, total_amount"),
                                 f", generate_series(1, 2) AS line, LATERAL {inner}",
                                 (f"{uuid_of('item', 'n * 10 + line', 't')}, t, {order}, {self.pair('product', product)}, {self.pair('shop', shop)},"
                                 f" {self.pair('user', user)}, 1, 15, 15, 0, 15")),
            "shop_order_payments": ("order", ("id, event_time, order_id, order_event_time, user_id, user_event_time, shop_id, shop_event_time,"
                                    " amount, status, method, initiated_time, completed_time"), f", LATERAL {inner}",
                                    (f"{uuid_of('payment', 'n', 't')}, t, {order}, {self.pair('user', user)}, {self.pair('shop', shop)},"
                                    " 38, CASE WHEN n % 20 = 0 THEN 'failed' ELSE 'completed' END, 'credit_card', t, t + interval '1 minute'")),
            "shop_inventory_logs": ("order", ("id, event_time, shop_id, shop_event_time, product_id, product_event_time, order_id, order_event_time,"
                                    " change_type, quantity_before, quantity_change, quantity_after, created_by_user_id, created_by_user_event_time"),
                                    f", generate_series(1, 2) AS line, LATERAL {inner}",
                                    (f"{uuid_of('log', 'n * 10 + line', 't')}, t, {self.pair('shop', shop)}, {self.pair('product', product)}, {order},"
                                    f" 'sale', 1000, -1, 999, {self.pair('user', user)}")),
            "global_events": ("order", ("event_id, event_time, event_type, user_id, user_event_time, shop_id, shop_event_time, product_id,"
                              " product_event_time, session_id, quantity, amount"), f", generate_series(1, {self.events_an_order}) AS line",
                              (f"{uuid_of('event', 'n * 10 + line', 't')}, t, (ARRAY['product_viewed', 'product_viewed', 'cart_item_added',"
                              " 'product_viewed', 'cart_item_removed', 'checkout_started', 'order_placed', 'payment_completed'])[line],"
                              f" {self.pair('user', user)}, {self.pair('shop', shop)}, {self.pair('product', product)},"
                              f" {uuid_of('session', 'n', 't')}, 1, 38")),
            "global_entities": ("order", "entity_id, event_time, entity_type, created_time", "",
                                f"{uuid_of('order', 'n', 't')}, t, 'shop_order', t"),
            "request_response_logs": ("request", "id, event_time, method, url, route, status_code, duration_ms", "",
                                      (f"{uuid_of('request', 'n', 't')}, t, 'GET', '/shops/' || n, '/route/' || n % 12,"
                                      " CASE WHEN n % 50 = 0 THEN 503 ELSE 200 END, 5 + (n * 7919) % 500")),
            "shop_metrics_hourly": ("order", "shop_id, shop_event_time, event_time, orders_received_count", "",
                                    f"DISTINCT ON (n % 60, date_trunc('hour', t)) {self.pair('shop', shop)}, date_trunc('hour', t), 1"),
        }  # fmt: skip

    def insertion(self, table: str, target: str, lower: datetime, upper: datetime) -> str:
        """The INSERT of a table's rows from `lower` to before `upper` into a table like it."""
        kind, columns, more, values = self.tables()[table]
        many, step, offset = self.kinds[kind]
        first = max(0, int(((lower - self.begin).total_seconds() - offset) / step))
        last = min(many - 1, int(((upper - self.begin).total_seconds() - offset) / step) + 1)
        bounds = f"t >= '{lower.isoformat()}' AND t < '{upper.isoformat()}'"
        if table == "shop_metrics_hourly":  # the hour decides, not the moment
            bounds = f"date_trunc('hour', t) >= '{lower.isoformat()}' AND t < '{upper.isoformat()}'"
        return (
            f"INSERT INTO {target} ({columns}) SELECT {values} FROM generate_series({first}::bigint, {last}) AS n,"
            f" LATERAL (SELECT {self.at('n', step, offset)} AS t) AS moment{more} WHERE {bounds}"
        )

    def fill(self, system: Connection, leaves: set[str]) -> dict[str, float]:
        """Make the partitions and the rows; gives the seconds that each took. `leaves` are tables that nothing refers to."""
        from time import perf_counter

        seconds = {"partitions": 0.0, "rows": 0.0}

        def timed(what: str, query: str, *values: Any) -> Any:
            started = perf_counter()
            cursor = system.execute(query.encode(), values or None)
            found = cursor.fetchone() if cursor.description else None
            seconds[what] += perf_counter() - started
            return found[0] if found else None

        for table in self.tables():
            name = f"{SCHEMA}.{table}"
            for lower, upper in self.month_bounds(but_the_last=table in leaves):
                made = timed("partitions", "SELECT entrepot.build_partition(%s, %s, %s)", name, lower, upper)
                timed("rows", self.insertion(table, made, lower, upper))
                timed("rows", "SELECT entrepot.attach_partition(%s, %s)", name, made)
            if table in leaves:
                spans = (
                    "SELECT count(*) FROM entrepot.maintain_spans(%s, 'event_time', %s, '{}', %s, NULL, %s)"
                )
                timed("partitions", spans, name, ["day"], self.days - 1, self.days_from)
                if table == "global_entities":
                    timed("partitions", spans, name, ["day"], self.days_in_hours - 1, self.hours_from)
                else:
                    timed("partitions", spans, name, ["hour"], 24 * self.days_in_hours - 1, self.hours_from)
                timed("rows", self.insertion(table, name, self.days_from, END))
        return seconds

    def month_bounds(self, *, but_the_last: bool = False) -> list[tuple[datetime, datetime]]:
        """The months, as half-open ranges."""
        edges = [self.begin]
        while edges[-1] < END:
            edges.append((edges[-1] + timedelta(days=32)).replace(day=1))
        pairs = list(itertools.pairwise(edges))
        return pairs[:-1] if but_the_last else pairs

    def values(self, connection: Connection, lower: datetime, upper: datetime) -> dict[str, Any]:
        """What the documented queries are asked about: ids of an order of the range and of who and what is in it."""
        row = connection.execute(
            "SELECT user_id, shop_id, product_id, order_id FROM data_playground.shop_order_items"
            " WHERE event_time >= %s AND event_time < %s ORDER BY event_time, id LIMIT 1",
            [lower, upper],
        ).fetchone()
        assert row is not None, "the range has no order"
        return {
            "from": lower,
            "to": upper,
            "user_id": row[0],
            "shop_id": row[1],
            "product_id": row[2],
            "id": row[3],
        }


#: The tables of the year that nothing refers to: those that have days and hours.
LEAVES = {
    "shop_order_items",
    "shop_order_payments",
    "shop_inventory_logs",
    "global_events",
    "global_entities",
    "request_response_logs",
    "shop_metrics_hourly",
}
