"""The three kinds of metrics: what they count of which facts, and how their columns are made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from entrepot.playground.metrics.marking_queries import PRODUCT_EVENTS, SHOP_EVENTS, USER_EVENTS, listed

Span = Literal["hour", "day"]


@dataclass(frozen=True)
class Branch:
    """What one table of facts adds: slots are aggregates over `f`, numeric where named in `NUMERIC`, else integers.

    `counted`: slots are conditions, the rows are stacked as they are, and what fulfills a condition is counted when all
    branches are grouped: for facts of which most cells have one or two.
    """

    table: str
    slots: Mapping[str, str]
    where: str = "true"
    entity: str | None = None
    counted: bool = False


@dataclass(frozen=True)
class Kind:
    """One kind of metrics: its branches, and its columns as expressions over their slots."""

    name: str
    table: str
    branches: tuple[Branch, ...]
    columns: Mapping[str, str]
    #: Slots beside the branches', which the kind's own SQL adds.
    own_slots: tuple[str, ...] = field(default=())

    @property
    def entity(self) -> str:
        """The column of the entity: user_id, shop_id or product_id."""
        return f"{self.name}_id"

    def target(self, span: Span) -> str:
        """The table of an hour's or a day's metrics, with its schema."""
        return f"data_playground.{self.table}_{'hourly' if span == 'hour' else 'daily'}"


NUMERIC = frozenset(
    {
        "amount",
        "discount",
        "paid",
        "refunded",
        "refunded_net",
        "gross",
        "total",
        "least",
        "most",
        "value_change",
    }
)


def _is(event_type: str) -> str:
    return f"FILTER (WHERE f.event_type = '{event_type}')"


_STARS = {
    "reviews": "count(*)",
    "stars": "sum(f.rating)",
    "one_star": "count(*) FILTER (WHERE f.rating = 1)",
    "five_stars": "count(*) FILTER (WHERE f.rating = 5)",
}
_APPROVED = "f.status = 'approved'"
_RATING = "round(stars::numeric / nullif(reviews, 0), 4)"

USER = Kind(
    "user",
    "user_metrics",
    (
        Branch(
            "shop_orders",
            {
                "orders": "count(*)",
                "amount": "sum(f.total_amount)",
                "discount": "sum(f.discount_amount)",
                "shops": "count(DISTINCT f.shop_id)",
            },
        ),
        Branch("shop_order_items", {"units": "sum(f.quantity)"}),
        Branch(
            "global_events",
            {
                "cancelled": f"count(*) {_is('order_cancelled')}",
                "paid": f"sum(f.amount) {_is('payment_completed')}",
                "payments": f"count(*) {_is('payment_completed')}",
                "failures": f"count(*) {_is('payment_failed')}",
                "refunded": f"sum(f.amount) {_is('payment_refunded')}",
                "abandoned": f"count(*) {_is('cart_abandoned')}",
            },
            where=f"f.event_type IN ({listed(USER_EVENTS)})",
        ),
        Branch("shop_reviews", {"reviews": "count(*)", "stars": "sum(f.rating)"}, where=_APPROVED),
        Branch("shop_review_votes", {"votes": "count(*)"}, where="f.is_helpful", entity="author"),
        Branch("shop_promotion_usages", {"uses": "count(*)"}),
    ),
    {
        "orders_placed_count": "coalesce(orders, 0)",
        "orders_cancelled_count": "coalesce(cancelled, 0)",
        "total_order_amount": "coalesce(amount, 0)",
        "avg_order_amount": "coalesce(round(amount / nullif(orders, 0), 4), 0)",
        "unique_shops_ordered_from": "coalesce(shops, 0)",
        "total_amount_paid": "coalesce(paid, 0)",
        "total_amount_refunded": "coalesce(refunded, 0)",
        "successful_payments_count": "coalesce(payments, 0)",
        "failed_payments_count": "coalesce(failures, 0)",
        "reviews_written_count": "coalesce(reviews, 0)",
        "avg_rating_given": _RATING,
        "helpful_votes_received": "coalesce(votes, 0)",
        "promotions_used_count": "coalesce(uses, 0)",
        "total_discount_amount": "coalesce(discount, 0)",
        "cart_abandonment_count": "coalesce(abandoned, 0)",
        "total_items_purchased": "coalesce(units, 0)",
    },
)

SHOP = Kind(
    "shop",
    "shop_metrics",
    (
        Branch(
            "shop_orders",
            {
                "orders": "count(*)",
                "amount": "sum(f.total_amount)",
                "discount": "sum(f.discount_amount)",
                "customers": "count(DISTINCT f.user_id)",
            },
        ),
        Branch(
            "shop_order_items",
            {
                "units": "sum(f.quantity)",
                "products": "count(DISTINCT f.product_id)",
                "gross": "sum(f.subtotal)",
            },
        ),
        Branch(
            "global_events",
            {
                "cancelled": f"count(*) {_is('order_cancelled')}",
                "refunded": f"sum(f.amount) {_is('payment_refunded')}",
                "refunded_net": f"sum(f.net_amount) {_is('payment_refunded')}",
            },
            where=f"f.event_type IN ({listed(SHOP_EVENTS)})",
        ),
        Branch("shop_reviews", _STARS, where=_APPROVED),
        Branch("shop_promotion_usages", {"uses": "count(*)"}),
    ),
    {
        "orders_received_count": "coalesce(orders, 0)",
        "orders_cancelled_count": "coalesce(cancelled, 0)",
        "total_order_amount": "coalesce(amount, 0)",
        "avg_order_amount": "coalesce(round(amount / nullif(orders, 0), 4), 0)",
        "unique_customers_count": "coalesce(customers, 0)",
        "total_products_sold": "coalesce(units, 0)",
        "unique_products_sold": "coalesce(products, 0)",
        "low_stock_products_count": "low_products",
        "out_of_stock_products_count": "out_products",
        "gross_revenue": "coalesce(gross, 0)",
        "net_revenue": "coalesce(gross, 0) - coalesce(discount, 0) - coalesce(refunded_net, 0)",
        "total_discounts_given": "coalesce(discount, 0)",
        "total_refunds_amount": "coalesce(refunded, 0)",
        "reviews_received_count": "coalesce(reviews, 0)",
        "avg_rating_received": _RATING,
        "one_star_reviews_count": "coalesce(one_star, 0)",
        "five_star_reviews_count": "coalesce(five_stars, 0)",
        "active_promotions_count": "promotions",
        "promotions_used_count": "coalesce(uses, 0)",
        "inventory_value": "stock_value",
    },
    own_slots=("low_change", "out_change", "value_change"),
)

PRODUCT = Kind(
    "product",
    "shop_product_metrics",
    (
        Branch(
            "shop_order_items",
            {
                "units": "sum(f.quantity)",
                "gross": "sum(f.subtotal)",
                "total": "sum(f.total_amount)",
                "discount": "sum(f.discount_amount)",
                "discounted": "count(*) FILTER (WHERE f.discount_amount > 0)",
                "least": "min(round(f.total_amount / f.quantity, 4))",
                "most": "max(round(f.total_amount / f.quantity, 4))",
            },
        ),
        Branch(
            "global_events",
            {
                "added": "f.event_type = 'cart_item_added'",
                "removed": "f.event_type = 'cart_item_removed'",
                "viewed": "f.event_type = 'product_viewed'",
            },
            where=f"f.event_type IN ({listed(PRODUCT_EVENTS[1:])})",
            counted=True,
        ),
        Branch(
            "global_events",
            {"refunded_units": "sum(f.quantity)", "refunded_net": "sum(f.net_amount)"},
            where="f.event_type = 'payment_refunded'",
        ),
        Branch("shop_reviews", _STARS, where=_APPROVED),
    ),
    {
        "units_sold": "coalesce(units, 0)",
        "units_refunded": "coalesce(refunded_units, 0)",
        "gross_sales": "coalesce(gross, 0)",
        # Most rows are of views only, and arithmetic of numerics is dear.
        "net_sales": "CASE WHEN units IS NULL AND refunded_net IS NULL THEN 0 "
        "ELSE coalesce(gross, 0) - coalesce(discount, 0) - coalesce(refunded_net, 0) END",
        "current_stock_level": "coalesce(stock, 0)",
        "stock_replenishment_count": "coalesce(restocked, 0)",
        "time_out_of_stock_minutes": "coalesce(round(empty_time::numeric / 60000000, 4), 0)",
        "avg_selling_price": "coalesce(round(total / nullif(units, 0), 4), 0)",
        "min_selling_price": "coalesce(least, 0)",
        "max_selling_price": "coalesce(most, 0)",
        "reviews_count": "coalesce(reviews, 0)",
        "avg_rating": _RATING,
        "one_star_reviews_count": "coalesce(one_star, 0)",
        "five_star_reviews_count": "coalesce(five_stars, 0)",
        "times_discounted": "coalesce(discounted, 0)",
        "total_discount_amount": "coalesce(discount, 0)",
        "cart_additions_count": "coalesce(added, 0)",
        "cart_removals_count": "coalesce(removed, 0)",
        "page_views": "coalesce(viewed, 0)",
    },
    own_slots=("restocked", "last_stock", "empty_time"),
)

KINDS = (USER, SHOP, PRODUCT)
