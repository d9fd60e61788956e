"""The metrics computed again, slowly and plainly: from rows of facts as dicts, one cell after the other.

It shares nothing with the roll but the definitions (the comments of the columns in tables.py), so that the two can be
compared: by tests on small worlds, and by `entrepot world verify` on what a database holds.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from operator import itemgetter
from typing import Any, Literal
from uuid import UUID

Row = Mapping[str, Any]
#: Rows of facts by the name of their table, as they stand in the database; tables that are left out are empty.
Facts = Mapping[str, Sequence[Row]]
Span = Literal["hour", "day"]
Cell = tuple[UUID, datetime]
#: Origin of products → the moment up to which one without stock is known to be without (table metrics_clocks).
Clocks = Mapping[str, datetime]
Metrics = dict[Cell, dict[str, Any]]

_LENGTH: dict[str, timedelta] = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
ZERO = Decimal("0.0000")


def bucket_of(moment: datetime, span: Span) -> datetime:
    """The start of the half-open UTC bucket that a moment is in."""
    whole = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return whole.replace(hour=0) if span == "day" else whole


def buckets_of(start: datetime, end: datetime, span: Span) -> Iterator[datetime]:
    """The starts of the buckets that share time with [start, end)."""
    bucket = bucket_of(start, span)
    while bucket < end:
        yield bucket
        bucket += _LENGTH[span]


def user_metrics(facts: Facts, span: Span) -> Metrics:
    """(user, bucket) → columns of user_metrics_hourly or _daily."""
    orders = _by_cell(facts, "shop_orders", "user_id", span)
    items = _by_cell(facts, "shop_order_items", "user_id", span)
    cancelled = _events(facts, "order_cancelled", "user_id", span)
    paid = _events(facts, "payment_completed", "user_id", span)
    failed = _events(facts, "payment_failed", "user_id", span)
    refunded = _events(facts, "payment_refunded", "user_id", span)
    abandoned = _events(facts, "cart_abandoned", "user_id", span)
    reviews = _approved(facts, "user_id", span)
    votes = _group(
        (row for row in facts.get("shop_review_votes", ()) if row["is_helpful"]), "author_id", span
    )
    usages = _by_cell(facts, "shop_promotion_usages", "user_id", span)
    sources = (orders, items, cancelled, paid, failed, refunded, abandoned, reviews, votes, usages)
    found: Metrics = {}
    for cell in {cell for source in sources for cell in source}:
        amount = _sum(orders[cell], "total_amount")
        found[cell] = {
            "orders_placed_count": len(orders[cell]),
            "orders_cancelled_count": len(cancelled[cell]),
            "total_order_amount": amount,
            "avg_order_amount": _ratio(amount, len(orders[cell])) or ZERO,
            "unique_shops_ordered_from": len({row["shop_id"] for row in orders[cell]}),
            "total_amount_paid": _sum(paid[cell], "amount"),
            "total_amount_refunded": _sum(refunded[cell], "amount"),
            "successful_payments_count": len(paid[cell]),
            "failed_payments_count": len(failed[cell]),
            "reviews_written_count": len(reviews[cell]),
            "avg_rating_given": _rating(reviews[cell]),
            "helpful_votes_received": len(votes[cell]),
            "promotions_used_count": len(usages[cell]),
            "total_discount_amount": _sum(orders[cell], "discount_amount"),
            "cart_abandonment_count": len(abandoned[cell]),
            "total_items_purchased": sum(row["quantity"] for row in items[cell]),
        }
    return found


def shop_metrics(facts: Facts, span: Span) -> Metrics:
    """(shop, bucket) → columns of shop_metrics_hourly or _daily."""
    orders = _by_cell(facts, "shop_orders", "shop_id", span)
    items = _by_cell(facts, "shop_order_items", "shop_id", span)
    cancelled = _events(facts, "order_cancelled", "shop_id", span)
    refunded = _events(facts, "payment_refunded", "shop_id", span)
    reviews = _approved(facts, "shop_id", span)
    usages = _by_cell(facts, "shop_promotion_usages", "shop_id", span)
    movements = _by_cell(facts, "shop_inventory_logs", "shop_id", span)
    logs = _logs(facts)
    products: dict[UUID, list[Row]] = defaultdict(list)
    for product in facts.get("shop_products", ()):
        products[product["shop_id"]].append(product)
    promotions: dict[UUID, list[Row]] = defaultdict(list)
    for promotion in facts.get("shop_promotions", ()):
        if promotion["status"] not in {"draft", "cancelled"}:
            promotions[promotion["shop_id"]].append(promotion)
    found: Metrics = {}
    sources = (orders, items, cancelled, refunded, reviews, usages, movements)
    for cell in {cell for source in sources for cell in source}:
        shop, start = cell
        end = start + _LENGTH[span]
        stocks = [(product, _stock(logs[product["id"]], end)) for product in products[shop]]
        known = [(product, stock) for product, stock in stocks if stock is not None]
        amount = _sum(orders[cell], "total_amount")
        gross, discounts = _sum(items[cell], "subtotal"), _sum(orders[cell], "discount_amount")
        found[cell] = {
            "orders_received_count": len(orders[cell]),
            "orders_cancelled_count": len(cancelled[cell]),
            "total_order_amount": amount,
            "avg_order_amount": _ratio(amount, len(orders[cell])) or ZERO,
            "unique_customers_count": len({row["user_id"] for row in orders[cell]}),
            "total_products_sold": sum(row["quantity"] for row in items[cell]),
            "unique_products_sold": len({row["product_id"] for row in items[cell]}),
            "low_stock_products_count": sum(
                0 < stock <= (product["low_stock_threshold"] or 0) for product, stock in known
            ),
            "out_of_stock_products_count": sum(stock <= 0 for _, stock in known),
            "gross_revenue": gross,
            "net_revenue": gross - discounts - _sum(refunded[cell], "net_amount"),
            "total_discounts_given": discounts,
            "total_refunds_amount": _sum(refunded[cell], "amount"),
            "reviews_received_count": len(reviews[cell]),
            "avg_rating_received": _rating(reviews[cell]),
            "one_star_reviews_count": sum(row["rating"] == 1 for row in reviews[cell]),
            "five_star_reviews_count": sum(row["rating"] == 5 for row in reviews[cell]),
            "active_promotions_count": sum(
                row["valid_from"] < end and row["valid_until"] > start for row in promotions[shop]
            ),
            "promotions_used_count": len(usages[cell]),
            "inventory_value": sum(
                (stock * (product["cost_price"] or Decimal(0)) for product, stock in known), ZERO
            ),
        }
    return found


def product_metrics(facts: Facts, span: Span, clocks: Clocks) -> Metrics:
    """(product, bucket) → columns of shop_product_metrics_hourly or _daily."""
    items = _by_cell(facts, "shop_order_items", "product_id", span)
    refunded = _events(facts, "payment_refunded", "product_id", span)
    reviews = _approved(facts, "product_id", span)
    movements = _by_cell(facts, "shop_inventory_logs", "product_id", span)
    added = _events(facts, "cart_item_added", "product_id", span)
    removed = _events(facts, "cart_item_removed", "product_id", span)
    viewed = _events(facts, "product_viewed", "product_id", span)
    logs = _logs(facts)
    empty: dict[Cell, timedelta] = defaultdict(timedelta)
    for product in facts.get("shop_products", ()):
        for start, end in _without_stock(logs[product["id"]], clocks.get(product["origin"])):
            for bucket in buckets_of(start, end, span):
                empty[product["id"], bucket] += min(end, bucket + _LENGTH[span]) - max(start, bucket)
    found: Metrics = {}
    sources: tuple[Mapping[Cell, object], ...]
    sources = (items, refunded, reviews, movements, added, removed, viewed, empty)
    for cell in {cell for source in sources for cell in source}:
        product_id, start = cell
        units = sum(row["quantity"] for row in items[cell])
        gross, discounts = _sum(items[cell], "subtotal"), _sum(items[cell], "discount_amount")
        prices = [_exactly(row["total_amount"], row["quantity"]) for row in items[cell]]
        found[cell] = {
            "units_sold": units,
            "units_refunded": sum(row["quantity"] or 0 for row in refunded[cell]),
            "gross_sales": gross,
            "net_sales": gross - discounts - _sum(refunded[cell], "net_amount"),
            "current_stock_level": _stock(logs[product_id], start + _LENGTH[span]) or 0,
            "stock_replenishment_count": sum(
                row["change_type"] in {"purchase", "transfer_in"} for row in movements[cell]
            ),
            "time_out_of_stock_minutes": _exactly(
                Decimal(empty.get(cell, timedelta()) // timedelta(microseconds=1)), 60_000_000
            ),
            "avg_selling_price": _ratio(_sum(items[cell], "total_amount"), units) or ZERO,
            "min_selling_price": min(prices, default=ZERO),
            "max_selling_price": max(prices, default=ZERO),
            "reviews_count": len(reviews[cell]),
            "avg_rating": _rating(reviews[cell]),
            "one_star_reviews_count": sum(row["rating"] == 1 for row in reviews[cell]),
            "five_star_reviews_count": sum(row["rating"] == 5 for row in reviews[cell]),
            "times_discounted": sum(row["discount_amount"] > 0 for row in items[cell]),
            "total_discount_amount": discounts,
            "cart_additions_count": len(added[cell]),
            "cart_removals_count": len(removed[cell]),
            "page_views": len(viewed[cell]),
        }
    return found


def all_metrics(facts: Facts, clocks: Clocks) -> dict[str, Metrics]:
    """All six tables by name."""
    return {
        "user_metrics_hourly": user_metrics(facts, "hour"),
        "user_metrics_daily": user_metrics(facts, "day"),
        "shop_metrics_hourly": shop_metrics(facts, "hour"),
        "shop_metrics_daily": shop_metrics(facts, "day"),
        "shop_product_metrics_hourly": product_metrics(facts, "hour", clocks),
        "shop_product_metrics_daily": product_metrics(facts, "day", clocks),
    }


def _group(rows: Iterable[Row], entity: str, span: Span) -> defaultdict[Cell, list[Row]]:
    found: defaultdict[Cell, list[Row]] = defaultdict(list)
    for row in rows:
        if row[entity] is not None:
            found[row[entity], bucket_of(row["event_time"], span)].append(row)
    return found


def _by_cell(facts: Facts, table: str, entity: str, span: Span) -> defaultdict[Cell, list[Row]]:
    return _group(facts.get(table, ()), entity, span)


def _events(facts: Facts, event_type: str, entity: str, span: Span) -> defaultdict[Cell, list[Row]]:
    rows = (row for row in facts.get("global_events", ()) if row["event_type"] == event_type)
    return _group(rows, entity, span)


def _approved(facts: Facts, entity: str, span: Span) -> defaultdict[Cell, list[Row]]:
    rows = (row for row in facts.get("shop_reviews", ()) if row["status"] == "approved")
    return _group(rows, entity, span)


def _logs(facts: Facts) -> defaultdict[UUID, list[Row]]:
    found: defaultdict[UUID, list[Row]] = defaultdict(list)
    for row in sorted(facts.get("shop_inventory_logs", ()), key=lambda row: (row["event_time"], row["id"])):
        found[row["product_id"]].append(row)
    return found


def _stock(logs: Sequence[Row], moment: datetime) -> int | None:
    before = bisect_left(logs, moment, key=itemgetter("event_time"))
    return int(logs[before - 1]["quantity_after"]) if before else None


def _without_stock(logs: Sequence[Row], clock: datetime | None) -> Iterator[tuple[datetime, datetime]]:
    for number, row in enumerate(logs):
        start = row["event_time"]
        last = number + 1 == len(logs)
        end = (clock or start) if last else logs[number + 1]["event_time"]
        if row["quantity_after"] <= 0 and end > start:
            yield start, end


def _sum(rows: Sequence[Row], column: str) -> Decimal:
    return sum((row[column] for row in rows if row[column] is not None), ZERO)


def _exactly(value: Decimal, divisor: int) -> Decimal:
    quotient = Fraction(value) / divisor
    scaled = Decimal(quotient.numerator * 10_000) / quotient.denominator
    return scaled.quantize(Decimal(1), ROUND_HALF_UP).scaleb(-4)


def _ratio(total: Decimal, count: int) -> Decimal | None:
    return _exactly(total, count) if count else None


def _rating(reviews: Sequence[Row]) -> Decimal | None:
    return _ratio(Decimal(sum(row["rating"] for row in reviews)), len(reviews))
