"""One order, shop, product or user: what is shown of it, from its rows, its metrics and its history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from entrepot.playground.dashboard.comparing import Figure, Line, Trend, compare, rate
from entrepot.playground.dashboard.overview import (
    Bucket,
    Series,
    abandonment,
    count,
    hrefs_of,
    labels_of,
    whole,
)
from entrepot.playground.dashboard.ranges import STEPS, Range


@dataclass(frozen=True, slots=True)
class Moment:
    """An entry of a timeline."""

    at: datetime
    what: str
    detail: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A time without stock; `open` where it lasts beyond the end of what is looked at."""

    start: datetime
    end: datetime
    open: bool

    @property
    def minutes(self) -> float:
        """How long it is."""
        return (self.end - self.start) / timedelta(minutes=1)


Level = tuple[datetime, int]


def levels_at(
    before: int | None, levels: Sequence[Level], over: Range, clock: datetime
) -> list[float | None]:
    """The stock at the end of each bucket; None before the first level known, and for buckets yet to come."""
    found: list[float | None] = []
    known, index = before, 0
    for bucket in over.buckets:
        end = bucket + STEPS[over.grain]
        while index < len(levels) and levels[index][0] < end:
            known = levels[index][1]
            index += 1
        found.append(None if known is None or bucket > clock else float(known))
    return found


def spans_without_stock(
    before: int | None, levels: Sequence[Level], over: Range, clock: datetime
) -> list[Span]:
    """The times within a range in which there was no stock, up to the world's clock, the state carried in."""
    end = min(over.end, clock)
    found: list[Span] = []
    begun = over.start if before is not None and before <= 0 else None
    for at, level in levels:
        if level <= 0 and begun is None:
            begun = at
        elif level > 0 and begun is not None:
            if at > begun:
                found.append(Span(begun, at, open=False))
            begun = None
    if begun is not None and begun < end:
        found.append(Span(begun, end, open=True))
    return found


#: Event or movement → the tone in which it is shown.
TONES = {
    "payment_failed": "bad",
    "order_cancelled": "bad",
    "invoice_overdue": "bad",
    "fraud_suspected": "bad",
    "order_on_hold": "warn",
    "order_returned": "warn",
    "order_refunded": "warn",
    "payment_refunded": "warn",
    "payment_completed": "ok",
    "order_delivered": "ok",
    "invoice_paid": "ok",
}


def timeline(history: Sequence[Mapping[Any, Any]], movements: Sequence[Mapping[Any, Any]]) -> list[Moment]:
    """What happened to an order, in order of time: its events and the stock that it moved."""
    found = [
        Moment(row["event_time"], row["event_type"], _event_detail(row), TONES.get(row["event_type"], ""))
        for row in history
    ]
    found += [
        Moment(
            row["event_time"],
            f"stock_{row['change_type']}",
            f"{row['product_name']}: {row['quantity_change']:+,}, {row['quantity_after']:,} left"
            + (f" ({row['reason']})" if row["reason"] else ""),
        )
        for row in movements
    ]
    return sorted(found, key=lambda moment: moment.at)


def _event_detail(row: Mapping[Any, Any]) -> str:
    parts = []
    if row["product_name"]:
        parts.append(str(row["product_name"]))
    if row["quantity"]:
        parts.append(f"{row['quantity']:,} units" if row["quantity"] != 1 else "1 unit")
    if row["amount"] is not None:
        parts.append(f"{row['amount']:,.2f}")
    return ", ".join(parts)


def shop_figures(series: Series) -> tuple[list[Figure], list[Trend]]:
    """A shop's figures and charts."""
    figures = [
        Figure("gross", "Gross revenue", "money", series.compared("gross"), "up"),
        Figure("net", "Net revenue", "money", series.compared("net"), "up"),
        Figure("orders", "Orders", "count", series.compared("orders"), "up"),
        Figure("units", "Units sold", "count", series.compared("units"), "up"),
        Figure("cancelled", "Cancelled orders", "count", series.compared("cancelled"), "down"),
        Figure("refunds", "Refunds", "money", series.compared("refunds"), "down"),
        Figure("reviews", "Reviews", "count", series.compared("reviews")),
        Figure("rating", "Rating", "stars", _rating(series), "up"),
    ]
    gross = _trend(series, "revenue", "Revenue", "money", ("gross", "gross"), ("net", "net"))
    return figures, [gross, _trend(series, "orders", "Orders", "count", ("orders", "orders"))]


def product_figures(series: Series) -> tuple[list[Figure], list[Trend]]:
    """A product's figures and charts."""
    figures = [
        Figure("gross", "Gross sales", "money", series.compared("gross"), "up"),
        Figure("units", "Units sold", "count", series.compared("units"), "up"),
        Figure(
            "paid",
            "Price paid, mean",
            "money",
            compare(
                rate(series.total("paid"), series.total("units")),
                rate(series.total_before("paid"), series.total_before("units")),
            ),
            "",
            "after discount",
        ),
        Figure("minutes", "Time out of stock", "minutes", series.compared("minutes"), "down"),
        Figure("views", "Page views", "count", series.compared("views"), "up"),
        Figure("additions", "Put into carts", "count", series.compared("additions"), "up"),
        Figure("rating", "Rating", "stars", _rating(series), "up"),
    ]

    def price(row: Bucket) -> float | None:
        return rate(row.get("paid"), row.get("units"))

    prices = Trend(
        "price",
        "Price paid",
        "money",
        labels_of(series.over),
        hrefs_of(series.over, "all"),
        [
            series.line("mean", price),
            series.line("lowest", lambda row: row.get("low")),
            series.line("highest", lambda row: row.get("high")),
        ],
    )
    return figures, [_trend(series, "units", "Units sold", "count", ("units", "units")), prices]


def user_figures(series: Series) -> tuple[list[Figure], list[Trend]]:
    """A user's figures and charts."""
    tried = whole(series.total("succeeded"), series.total("failed"))
    tried_before = whole(series.total_before("succeeded"), series.total_before("failed"))
    ended = abandonment(series.total("abandoned"), series.total("orders"))
    ended_before = abandonment(series.total_before("abandoned"), series.total_before("orders"))
    figures = [
        Figure("orders", "Orders", "count", series.compared("orders"), "up"),
        Figure("amount", "Ordered", "money", series.compared("amount"), "up", "tax and shipping included"),
        Figure("paid", "Paid", "money", series.compared("paid"), "up"),
        Figure("refunded", "Paid back", "money", series.compared("refunded"), "down"),
        Figure(
            "payment_success",
            "Payment success",
            "share",
            compare(
                rate(series.total("succeeded"), tried), rate(series.total_before("succeeded"), tried_before)
            ),
            "up",
        ),
        Figure("cart_abandonment", "Cart abandonment", "share", compare(ended, ended_before), "down"),
        Figure("units", "Units", "count", series.compared("units")),
        Figure("reviews", "Reviews", "count", series.compared("reviews")),
    ]
    return figures, [
        _trend(series, "amount", "Ordered", "money", ("ordered", "amount")),
        _trend(series, "orders", "Orders", "count", ("orders", "orders")),
    ]


def stock_chart(before: int | None, levels: Sequence[Level], over: Range, clock: datetime) -> Trend:
    """The stock of a product at the end of each bucket."""
    values = levels_at(before, levels, over, clock)
    return Trend(
        "stock",
        "Stock",
        "count",
        labels_of(over),
        hrefs_of(over, "all"),
        [Line("at the end", values)],
        note="Units at the end of each bucket, from the movements.",
    )


FIGURES = {"shop": shop_figures, "product": product_figures, "user": user_figures}


def _rating(series: Series) -> Any:
    return compare(
        rate(series.total("stars"), series.total("reviews")),
        rate(series.total_before("stars"), series.total_before("reviews")),
    )


def _trend(series: Series, key: str, title: str, unit: Any, *lines: tuple[str, str]) -> Trend:
    return Trend(
        key,
        title,
        unit,
        labels_of(series.over),
        hrefs_of(series.over, "all"),
        [series.line(name, count(column)) for name, column in lines],
        series.before(count(lines[0][1])),
    )
