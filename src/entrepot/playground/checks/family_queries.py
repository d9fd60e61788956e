"""What the metrics are counted from: the columns of each family, from the facts and in the plainest way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Span = Literal["hour", "day"]
SPANS: tuple[Span, ...] = ("hour", "day")
#: Of the names of the tables.
SUFFIX: Mapping[Span, str] = {"hour": "hourly", "day": "daily"}


@dataclass(frozen=True, slots=True)
class Source:
    """Facts to count from: where they are, whose they are, when they happened, and what each group of them amounts to."""

    facts: str
    entity: str
    at: str
    counted: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Family:
    """The metrics of one kind of entity.

    `added` are columns that are sums over sources and 0 where there is nothing; `derived` are computed from those
    (`e`) and from auxiliary sums that are no columns of the table; `gauges` are as of the end of the bucket, each from
    the joins in `standing`, which know the cell as `c` (entity_id, bucket, until).
    """

    name: str
    entity: str
    sources: tuple[Source, ...]
    added: tuple[str, ...]
    derived: Mapping[str, str]
    auxiliary: tuple[str, ...] = ()
    least: tuple[str, ...] = ()
    highest: tuple[str, ...] = ()
    gauges: Mapping[str, str] | None = None
    standing: str = ""
    tables: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is compared."""
        return (*self.added, *self.derived, *(self.gauges or ()))

    def table(self, span: Span) -> str:
        """The table of a span."""
        return f"data_playground.{self.name}_metrics_{SUFFIX[span]}"


_ORDERS = "data_playground.shop_orders"
_ITEMS = "data_playground.shop_order_items"
_USAGES = "data_playground.shop_promotion_usages"
_APPROVED = "data_playground.shop_reviews WHERE status = 'approved'"


def _events(*types: str) -> str:
    listed = ", ".join(f"'{one}'" for one in types)
    return f"data_playground.global_events WHERE event_type IN ({listed})"


USERS = Family(
    "user",
    "user_id",
    (
        Source(
            _ORDERS,
            "user_id",
            "event_time",
            {
                "orders_placed_count": "count(*)",
                "total_order_amount": "sum(total_amount)",
                "unique_shops_ordered_from": "count(DISTINCT shop_id)",
                "total_discount_amount": "sum(discount_amount)",
            },
        ),
        Source(_ITEMS, "user_id", "event_time", {"total_items_purchased": "sum(quantity)"}),
        Source(
            _events(
                "order_cancelled", "payment_completed", "payment_failed", "payment_refunded", "cart_abandoned"
            ),
            "user_id",
            "event_time",
            {
                "orders_cancelled_count": "count(*) FILTER (WHERE event_type = 'order_cancelled')",
                "successful_payments_count": "count(*) FILTER (WHERE event_type = 'payment_completed')",
                "total_amount_paid": "sum(amount) FILTER (WHERE event_type = 'payment_completed')",
                "failed_payments_count": "count(*) FILTER (WHERE event_type = 'payment_failed')",
                "total_amount_refunded": "sum(amount) FILTER (WHERE event_type = 'payment_refunded')",
                "cart_abandonment_count": "count(*) FILTER (WHERE event_type = 'cart_abandoned')",
            },
        ),
        Source(
            _APPROVED, "user_id", "event_time", {"reviews_written_count": "count(*)", "stars": "sum(rating)"}
        ),
        Source(
            "data_playground.shop_review_votes WHERE is_helpful",
            "author_id",
            "event_time",
            {"helpful_votes_received": "count(*)"},
        ),
        Source(_USAGES, "user_id", "event_time", {"promotions_used_count": "count(*)"}),
    ),
    (
        "orders_placed_count",
        "orders_cancelled_count",
        "total_order_amount",
        "unique_shops_ordered_from",
        "total_amount_paid",
        "total_amount_refunded",
        "successful_payments_count",
        "failed_payments_count",
        "reviews_written_count",
        "helpful_votes_received",
        "promotions_used_count",
        "total_discount_amount",
        "cart_abandonment_count",
        "total_items_purchased",
    ),
    {
        "avg_order_amount": "coalesce(round(e.total_order_amount / nullif(e.orders_placed_count, 0), 4), 0)",
        "avg_rating_given": "round(e.stars / nullif(e.reviews_written_count, 0), 4)",
    },
    auxiliary=("stars",),
)

# What each movement did to the sums over the shop's products; the sums as of a time add up from the beginning.
_SHOP_STOCK = """
    movements AS (
        SELECT l.shop_id, l.event_time, l.quantity_after AS after, p.cost_price, p.low_stock_threshold,
               lag(l.quantity_after) OVER (PARTITION BY l.product_id ORDER BY l.event_time, l.id) AS before
        FROM data_playground.shop_inventory_logs AS l
        JOIN data_playground.shop_products AS p ON p.id = l.product_id AND p.event_time = l.product_event_time
    ),
    steps AS (
        SELECT shop_id, event_time,
               (after <= 0)::integer - coalesce((before <= 0)::integer, 0) AS without,
               coalesce((after > 0 AND after <= low_stock_threshold)::integer, 0)
                   - coalesce((before > 0 AND before <= low_stock_threshold)::integer, 0) AS low,
               (after - coalesce(before, 0)) * coalesce(cost_price, 0) AS value
        FROM movements
    ),
    standing AS (
        SELECT entity_id, bucket, without, low, value FROM (
            SELECT shop_id AS entity_id, bucket, sum(without) OVER so_far AS without, sum(low) OVER so_far AS low,
                   sum(value) OVER so_far AS value
            FROM (SELECT shop_id, event_time AS at, NULL::timestamptz AS bucket, without, low, value FROM steps
                  UNION ALL SELECT entity_id, until, bucket, 0, 0, 0 FROM cells) AS merged
            -- A cell comes before what happens at the very moment at which it ends.
            WINDOW so_far AS (PARTITION BY shop_id ORDER BY at, bucket IS NULL ROWS UNBOUNDED PRECEDING)
        ) AS told WHERE bucket IS NOT NULL
    ),
    promotions AS (
        SELECT c.entity_id, c.bucket, count(*) AS active
        FROM cells AS c
        JOIN data_playground.shop_promotions AS p
          ON p.shop_id = c.entity_id AND p.valid_from < c.until AND p.valid_until > c.bucket
        WHERE p.status NOT IN ('draft', 'cancelled')
        GROUP BY c.entity_id, c.bucket
    )
"""

SHOPS = Family(
    "shop",
    "shop_id",
    (
        Source(
            _ORDERS,
            "shop_id",
            "event_time",
            {
                "orders_received_count": "count(*)",
                "total_order_amount": "sum(total_amount)",
                "unique_customers_count": "count(DISTINCT user_id)",
                "total_discounts_given": "sum(discount_amount)",
            },
        ),
        Source(
            _ITEMS,
            "shop_id",
            "event_time",
            {
                "total_products_sold": "sum(quantity)",
                "unique_products_sold": "count(DISTINCT product_id)",
                "gross_revenue": "sum(subtotal)",
            },
        ),
        Source(
            _events("order_cancelled", "payment_refunded"),
            "shop_id",
            "event_time",
            {
                "orders_cancelled_count": "count(*) FILTER (WHERE event_type = 'order_cancelled')",
                "total_refunds_amount": "sum(amount) FILTER (WHERE event_type = 'payment_refunded')",
                "goods_refunded": "sum(net_amount) FILTER (WHERE event_type = 'payment_refunded')",
            },
        ),
        Source(
            _APPROVED,
            "shop_id",
            "event_time",
            {
                "reviews_received_count": "count(*)",
                "stars": "sum(rating)",
                "one_star_reviews_count": "count(*) FILTER (WHERE rating = 1)",
                "five_star_reviews_count": "count(*) FILTER (WHERE rating = 5)",
            },
        ),
        Source(_USAGES, "shop_id", "event_time", {"promotions_used_count": "count(*)"}),
    ),
    (
        "orders_received_count",
        "orders_cancelled_count",
        "total_order_amount",
        "unique_customers_count",
        "total_products_sold",
        "unique_products_sold",
        "gross_revenue",
        "total_discounts_given",
        "total_refunds_amount",
        "reviews_received_count",
        "one_star_reviews_count",
        "five_star_reviews_count",
        "promotions_used_count",
    ),
    {
        "avg_order_amount": "coalesce(round(e.total_order_amount / nullif(e.orders_received_count, 0), 4), 0)",
        "net_revenue": "coalesce(e.gross_revenue - e.total_discounts_given - e.goods_refunded, 0)",
        "avg_rating_received": "round(e.stars / nullif(e.reviews_received_count, 0), 4)",
    },
    auxiliary=("stars", "goods_refunded"),
    gauges={
        "low_stock_products_count": "coalesce(s.low, 0)",
        "out_of_stock_products_count": "coalesce(s.without, 0)",
        "active_promotions_count": "coalesce(p.active, 0)",
        "inventory_value": "coalesce(s.value, 0)",
    },
    standing=_SHOP_STOCK,
    tables="""
        LEFT JOIN standing AS s ON s.entity_id = c.entity_id AND s.bucket = c.bucket
        LEFT JOIN promotions AS p ON p.entity_id = c.entity_id AND p.bucket = c.bucket
    """,
)

# Stock as of the end of a cell: the last movement before it, found by one pass over movements and cells in order.
_PRODUCT_STOCK = """
    standing AS (
        SELECT entity_id, bucket, first_value(after) OVER (PARTITION BY entity_id, movement ORDER BY at, bucket IS NULL DESC) AS stock
        FROM (SELECT entity_id, at, bucket, after,
                     count(after) OVER (PARTITION BY entity_id ORDER BY at, bucket IS NULL, id ROWS UNBOUNDED PRECEDING) AS movement
              FROM (SELECT product_id AS entity_id, event_time AS at, NULL::timestamptz AS bucket, quantity_after AS after, id
                    FROM data_playground.shop_inventory_logs
                    UNION ALL SELECT entity_id, until, bucket, NULL, NULL FROM cells) AS merged) AS numbered
    )
"""

# Spans without stock, cut at the borders of the buckets; an open one ends at the clock of its origin.
_WITHOUT_STOCK = """
    (SELECT product_id, cut, greatest(0, extract(epoch FROM least(ends, cut + interval '1 {span}') - greatest(starts, cut)) / 60) AS minutes
     FROM (SELECT l.product_id, l.event_time AS starts, l.quantity_after,
                  coalesce(lead(l.event_time) OVER (PARTITION BY l.product_id ORDER BY l.event_time, l.id), k.reached) AS ends
           FROM data_playground.shop_inventory_logs AS l
           JOIN data_playground.shop_products AS p ON p.id = l.product_id AND p.event_time = l.product_event_time
           LEFT JOIN data_playground.metrics_clocks AS k ON k.origin = p.origin) AS spans,
          generate_series(date_trunc('{span}', starts, 'UTC'), ends - interval '1 microsecond', interval '1 {span}') AS cut
     WHERE quantity_after <= 0 AND ends > starts) AS without_stock
"""

PRODUCTS = Family(
    "shop_product",
    "product_id",
    (
        Source(
            _ITEMS,
            "product_id",
            "event_time",
            {
                "units_sold": "sum(quantity)",
                "gross_sales": "sum(subtotal)",
                "total_discount_amount": "sum(discount_amount)",
                "times_discounted": "count(*) FILTER (WHERE discount_amount > 0)",
                "paid": "sum(total_amount)",
                "least_price": "min(total_amount / quantity)",
                "highest_price": "max(total_amount / quantity)",
            },
        ),
        Source(
            _events("payment_refunded", "cart_item_added", "cart_item_removed", "product_viewed"),
            "product_id",
            "event_time",
            {
                "units_refunded": "sum(quantity) FILTER (WHERE event_type = 'payment_refunded')",
                "goods_refunded": "sum(net_amount) FILTER (WHERE event_type = 'payment_refunded')",
                "cart_additions_count": "count(*) FILTER (WHERE event_type = 'cart_item_added')",
                "cart_removals_count": "count(*) FILTER (WHERE event_type = 'cart_item_removed')",
                "page_views": "count(*) FILTER (WHERE event_type = 'product_viewed')",
            },
        ),
        Source(
            f"{_APPROVED} AND product_id IS NOT NULL",
            "product_id",
            "event_time",
            {
                "reviews_count": "count(*)",
                "stars": "sum(rating)",
                "one_star_reviews_count": "count(*) FILTER (WHERE rating = 1)",
                "five_star_reviews_count": "count(*) FILTER (WHERE rating = 5)",
            },
        ),
        Source(
            "data_playground.shop_inventory_logs WHERE change_type IN ('purchase', 'transfer_in')",
            "product_id",
            "event_time",
            {"stock_replenishment_count": "count(*)"},
        ),
        Source(_WITHOUT_STOCK, "product_id", "cut", {"time_out_of_stock_minutes": "sum(minutes)"}),
    ),
    (
        "units_sold",
        "units_refunded",
        "gross_sales",
        "stock_replenishment_count",
        "time_out_of_stock_minutes",
        "reviews_count",
        "one_star_reviews_count",
        "five_star_reviews_count",
        "times_discounted",
        "total_discount_amount",
        "cart_additions_count",
        "cart_removals_count",
        "page_views",
    ),
    {
        "net_sales": "coalesce(e.gross_sales - e.total_discount_amount - e.goods_refunded, 0)",
        "avg_selling_price": "coalesce(round(e.paid / nullif(e.units_sold, 0), 4), 0)",
        "min_selling_price": "coalesce(round(e.least_price, 4), 0)",
        "max_selling_price": "coalesce(round(e.highest_price, 4), 0)",
        "avg_rating": "round(e.stars / nullif(e.reviews_count, 0), 4)",
    },
    auxiliary=("stars", "goods_refunded", "paid"),
    least=("least_price",),
    highest=("highest_price",),
    gauges={"current_stock_level": "coalesce(s.stock, 0)"},
    standing=_PRODUCT_STOCK,
    tables="LEFT JOIN standing AS s ON s.entity_id = c.entity_id AND s.bucket = c.bucket",
)

FAMILIES = (USERS, SHOPS, PRODUCTS)
