"""The overview: figures and trends of a range, each beside the period before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.playground.dashboard import queries
from entrepot.playground.dashboard.comparing import (
    Comparison,
    Figure,
    Line,
    Number,
    Trend,
    Unit,
    compare,
    rate,
)
from entrepot.playground.dashboard.queries import Origin
from entrepot.playground.dashboard.ranges import Range

Bucket = Mapping[Any, Any]
#: What a chart takes from a bucket.
Of = Callable[[Bucket], Number | None]
NOTHING: Bucket = {}


@dataclass(frozen=True, slots=True)
class Overview:
    """What the first page shows of a range."""

    figures: Sequence[Figure]
    trends: Sequence[Trend]
    shops: Sequence[Bucket]
    products: Sequence[Bucket]

    def figure(self, key: str) -> Figure:
        """A figure by its key."""
        return next(one for one in self.figures if one.key == key)


class Series:
    """Rows of buckets over a range and the period before: sums of either, and values in order.

    `known` says whether the period before lies in the world's time at all: where it does not, its figures are not zero
    but do not exist. Of buckets that begin after `until` nothing can be said yet.
    """

    def __init__(
        self, rows: Sequence[Bucket], over: Range, *, known: bool, until: datetime | None = None
    ) -> None:
        self.over = over
        self.known = known
        self.until = until
        self._rows = {row["bucket"]: row for row in rows if row["bucket"] is not None}
        self._wholes = {row["present"]: row for row in rows if row["bucket"] is None}

    def total(self, name: str) -> Number:
        """The sum over the range."""
        return self._sum(name, self.over)

    def total_before(self, name: str) -> Number | None:
        """The sum over the period before."""
        return self._sum(name, self.over.previous) if self.known else None

    def compared(self, name: str) -> Comparison:
        """Both sums, compared."""
        return compare(self.total(name), self.total_before(name))

    def of_whole(self, of: Of) -> Comparison:
        """What is not the sum of buckets, of the range as a whole and of the period before."""
        now, before = of(self._wholes.get(True, NOTHING)), of(self._wholes.get(False, NOTHING))
        return compare(now, before if self.known else None)

    def values(self, of: Of, *, before: bool = False) -> list[float | None]:
        """A value a bucket, in order."""
        over = self.over.previous if before else self.over
        found = [
            None if self.until and bucket > self.until else of(self._rows.get(bucket, NOTHING))
            for bucket in over.buckets
        ]
        return [None if value is None else float(value) for value in found]

    def line(self, name: str, of: Of) -> Line:
        """A line of a chart."""
        return Line(name, self.values(of))

    def before(self, of: Of) -> Line | None:
        """The line of the period before, where there was one."""
        return Line("period before", self.values(of, before=True)) if self.known else None

    def _sum(self, name: str, over: Range) -> Number:
        total: Number = 0
        for bucket in over.buckets:
            row = self._rows.get(bucket)
            if row is not None and row.get(name) is not None:
                total = total + row[name]
        return total


async def read_overview(
    session: AsyncSession, over: Range, origin: Origin, *, first: datetime, until: datetime | None = None
) -> Overview:
    """The overview of a range in a world that began at `first`, and whose clock stands at `until`."""
    known = over.start > first
    sales = await queries.select_sales(session, over, origin, with_before=known)
    behavior = await queries.select_behavior(session, over, origin, with_before=known)
    trade = Series(merged(sales, behavior), over, known=known, until=until)
    answers = Series(
        await queries.select_answers(session, over, origin, with_before=known), over, known=known, until=until
    )
    figures = [*trade_figures(trade), *answer_figures(answers)]
    trends = [*trade_trends(trade, origin), *answer_trends(answers, origin)]
    if origin == "all":
        stock = Series(
            await queries.select_stock_outs(session, over, with_before=known), over, known=known, until=until
        )
        figures[6:6] = stock_figures(stock)
        trends[4:4] = stock_trends(stock)
    else:
        ran_out = count("ran_out")
        figures[6:6] = [
            Figure("ran_out", "Ran out of stock", "count", trade.compared("ran_out"), "down", "times")
        ]
        trends[4:4] = [
            Trend(
                "ran_out",
                "Products that ran out of stock",
                "count",
                labels_of(over),
                hrefs_of(over, origin),
                [trade.line("times", ran_out)],
                trade.before(ran_out),
            )
        ]
    return Overview(
        figures,
        trends,
        await queries.select_top_shops(session, over, origin),
        await queries.select_top_products(session, over, origin),
    )


def trade_figures(trade: Series) -> list[Figure]:
    """Orders, revenue, payments, carts, refunds, reviews."""
    paid, failed = trade.total("paid"), trade.total("failed")
    paid_before, failed_before = trade.total_before("paid"), trade.total_before("failed")
    return [
        Figure("orders", "Orders", "count", trade.compared("orders"), "up"),
        Figure("gross", "Gross revenue", "money", trade.compared("gross"), "up", "goods before discounts"),
        Figure(
            "net", "Net revenue", "money", trade.compared("net"), "up", "less discounts and goods paid back"
        ),
        Figure(
            "payment_success",
            "Payment success",
            "share",
            compare(rate(paid, whole(paid, failed)), rate(paid_before, whole(paid_before, failed_before))),
            "up",
            "of attempts with an outcome",
        ),
        Figure(
            "cart_abandonment",
            "Cart abandonment",
            "share",
            compare(
                abandonment(trade.total("abandoned"), trade.total("orders")),
                abandonment(trade.total_before("abandoned"), trade.total_before("orders")),
            ),
            "down",
            "of carts that were abandoned or ordered",
        ),
        Figure("refunds", "Refunds", "money", trade.compared("refunds"), "down", "paid back, tax included"),
        Figure("reviews", "Reviews", "count", trade.compared("reviews"), "", "approved"),
        Figure(
            "rating",
            "Rating",
            "stars",
            compare(
                rate(trade.total("stars"), trade.total("reviews")),
                rate(trade.total_before("stars"), trade.total_before("reviews")),
            ),
            "up",
            "mean of those reviews",
        ),
    ]


def stock_figures(stock: Series) -> list[Figure]:
    """Stock-outs: how many products, and for how long in all."""
    products = stock.of_whole(count("products"))
    return [
        Figure("stock_outs", "Stock-outs", "count", products, "down", "different products"),
        Figure(
            "stock_out_minutes",
            "Time out of stock",
            "minutes",
            stock.compared("minutes"),
            "down",
            "over all products",
        ),
    ]


def answer_figures(answers: Series) -> list[Figure]:
    """How fast and how well requests were answered."""
    failed = compare(
        rate(answers.total("errors"), answers.total("requests")),
        rate(answers.total_before("errors"), answers.total_before("requests")),
    )
    return [
        Figure(
            "median", "Response time, median", "milliseconds", answers.of_whole(answered_within(0)), "down"
        ),
        Figure(
            "p95",
            "Response time, p95",
            "milliseconds",
            answers.of_whole(answered_within(1)),
            "down",
            "95 % are faster",
        ),
        Figure("error_rate", "Errors", "share", failed, "down", "requests answered with 5xx"),
    ]


def answered_within(index: int) -> Of:
    """The median (0) or the 95th percentile (1) of the milliseconds of a row of requests."""
    return lambda row: float(row["times"][index]) if row.get("times") else None


def trade_trends(trade: Series, origin: Origin) -> list[Trend]:
    """The charts of what is sold."""
    labels, hrefs = labels_of(trade.over), hrefs_of(trade.over, origin)

    def trend(key: str, title: str, unit: Unit, before: Of, *lines: tuple[str, Of]) -> Trend:
        drawn = [trade.line(name, of) for name, of in lines]
        return Trend(key, title, unit, labels, hrefs, drawn, trade.before(before))

    def succeeded(row: Bucket) -> float | None:
        return rate(row.get("paid"), whole(row.get("paid"), row.get("failed")))

    def abandoned(row: Bucket) -> float | None:
        return abandonment(row.get("abandoned", 0), row.get("orders", 0))

    gross, net, orders = count("gross"), count("net"), count("orders")
    refunds, reviews = count("refunds"), count("reviews")
    return [
        trend("revenue", "Revenue", "money", gross, ("gross", gross), ("net", net)),
        trend("orders", "Orders", "count", orders, ("orders", orders)),
        trend("payment_success", "Payment success rate", "share", succeeded, ("succeeded", succeeded)),
        trend("cart_abandonment", "Cart abandonment rate", "share", abandoned, ("abandoned", abandoned)),
        trend("refunds", "Refunds", "money", refunds, ("paid back", refunds)),
        trend("reviews", "Reviews", "count", reviews, ("approved", reviews)),
    ]


def stock_trends(stock: Series) -> list[Trend]:
    """The charts of products out of stock and of the time that they were."""
    labels, hrefs = labels_of(stock.over), hrefs_of(stock.over, "all")
    products, minutes = count("products"), count("minutes")
    return [
        Trend(
            "stock_outs",
            "Products out of stock",
            "count",
            labels,
            hrefs,
            [stock.line("different products", products)],
            stock.before(products),
        ),
        Trend(
            "stock_out_minutes",
            "Time out of stock",
            "minutes",
            labels,
            hrefs,
            [stock.line("over all products", minutes)],
            stock.before(minutes),
        ),
    ]


def answer_trends(answers: Series, origin: Origin) -> list[Trend]:
    """The charts of requests."""
    labels, hrefs = labels_of(answers.over), hrefs_of(answers.over, origin)

    return [
        Trend(
            "times",
            "Response time",
            "milliseconds",
            labels,
            hrefs,
            [answers.line("p95", answered_within(1)), answers.line("median", answered_within(0))],
            answers.before(answered_within(1)),
        ),
        Trend(
            "errors",
            "Errors",
            "count",
            labels,
            hrefs,
            [answers.line("5xx answers", count("errors"))],
            answers.before(count("errors")),
        ),
    ]


def merged(*groups: Sequence[Bucket]) -> list[Bucket]:
    """The rows of several readings, those of one bucket joined."""
    found: dict[datetime, dict[Any, Any]] = {}
    for rows in groups:
        for row in rows:
            found.setdefault(row["bucket"], {}).update(row)
    return list(found.values())


def count(name: str) -> Of:
    """A column of a bucket; a bucket without a row is one in which nothing happened."""
    return lambda row: row.get(name) or 0


def whole(*parts: Number | None) -> float | None:
    """The sum of parts; None where one does not exist."""
    return (
        None
        if any(part is None for part in parts)
        else sum(float(part) for part in parts if part is not None)
    )


def abandonment(abandoned: Number | None, ordered: Number | None) -> float | None:
    """Abandoned carts as a share of the carts that came to an end, one way or the other."""
    return rate(abandoned, whole(abandoned, ordered))


def labels_of(over: Range) -> list[str]:
    """The names of the buckets: 28 Nov 14:00, or 28 Nov."""
    if over.grain == "hour":
        return [f"{bucket.day} {bucket:%b %H:%M}" for bucket in over.buckets]
    years = over.start.year != over.buckets[-1].year
    return [
        f"{bucket.day} {bucket:%b %Y}" if years else f"{bucket.day} {bucket:%b}" for bucket in over.buckets
    ]


def hrefs_of(over: Range, origin: Origin) -> list[str]:
    """Where a bucket is looked at closely."""
    kept = "" if origin == "all" else f"&origin={origin}"
    return [
        f"/warehouse/bucket?at={bucket:%Y-%m-%dT%H:%M}&grain={over.grain}{kept}" for bucket in over.buckets
    ]
