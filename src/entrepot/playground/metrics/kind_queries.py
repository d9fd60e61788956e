"""The three kinds of metrics: what they count of which facts, and how their columns are made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from entrepot.playground.metrics.marking_queries import PRODUCT_EVENTS, SHOP_EVENTS, USER_EVENTS, listed

Span = Literal["hour", "day"]
SPANS: tuple[Span, ...] = ("hour", "day")


@dataclass(frozen=True)
class Branch:
    """What one table of facts adds: a value of each fact `f` by its name, null where it does not count.

    Values are numeric where named in `NUMERIC`, else integers. `first`: a value of that name and the column whose different
    values are counted; it is `OF_DAY` where the fact is the first of the entity's day with what the column has, `OF_HOUR`
    where it is the first of the hour only.
    """

    table: str
    values: Mapping[str, str]
    where: str = "true"
    entity: str | None = None
    first: tuple[str, str] | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of metrics: its branches, aggregates over their values, and its columns as expressions over those."""

    name: str
    table: str
    branches: tuple[Branch, ...]
    slots: Mapping[str, str]
    columns: Mapping[str, str]
    #: Values beside the branches', which the kind's own SQL adds, with their types.
    own_values: Mapping[str, str] = field(default_factory=dict)

    @property
    def entity(self) -> str:
        """The column of the entity: user_id, shop_id or product_id."""
        return f"{self.name}_id"

    @property
    def values(self) -> dict[str, str]:
        """Everything that is aggregated, with its type."""
        names = [name for one in self.branches for name in (*one.values, *(one.first or ())[:1])]
        return {name: "numeric" if name in NUMERIC else "integer" for name in names} | dict(self.own_values)

    def target(self, span: Span) -> str:
        """The table of an hour's or a day's metrics, with its schema."""
        return f"data_playground.{self.table}_{'hourly' if span == 'hour' else 'daily'}"


OF_HOUR, OF_DAY = 1, 2
NUMERIC = frozenset(
    {"amount", "discount", "paid", "refunded", "refunded_net", "gross", "total", "price", "value_change"}
)


def _if(event_type: str, value: str = "1") -> str:
    return f"CASE WHEN f.event_type = '{event_type}' THEN {value} END"


def _different(name: str) -> str:
    return f"CASE GROUPING(hour) WHEN 0 THEN count({name}) ELSE count(*) FILTER (WHERE {name} = {OF_DAY}) END"


_STARS = {
    "reviews": "count(stars)",
    "stars": "sum(stars)",
    "one_star": "count(*) FILTER (WHERE stars = 1)",
    "five_stars": "count(*) FILTER (WHERE stars = 5)",
}
_APPROVED = "f.status = 'approved'"
_RATING = "round(stars::numeric / nullif(reviews, 0), 4)"

USER = Kind(
    "user",
    "user_metrics",
    (
        Branch(
            "shop_orders",
            {"amount": "f.total_amount", "discount": "f.discount_amount"},
            first=("new_shop", "shop_id"),
        ),
        Branch("shop_order_items", {"units": "f.quantity"}),
        Branch(
            "global_events",
            {
                "cancelled": _if("order_cancelled"),
                "paid": _if("payment_completed", "f.amount"),
                "payments": _if("payment_completed"),
                "failures": _if("payment_failed"),
                "refunded": _if("payment_refunded", "f.amount"),
                "abandoned": _if("cart_abandoned"),
            },
            where=f"f.event_type IN ({listed(USER_EVENTS)})",
        ),
        Branch("shop_reviews", {"stars": "f.rating"}, where=_APPROVED),
        Branch("shop_review_votes", {"votes": "1"}, where="f.is_helpful", entity="author"),
        Branch("shop_promotion_usages", {"uses": "1"}),
    ),
    {
        "orders": "count(amount)",
        "amount": "sum(amount)",
        "discount": "sum(discount)",
        "shops": _different("new_shop"),
        "units": "sum(units)",
        "cancelled": "count(cancelled)",
        "paid": "sum(paid)",
        "payments": "count(payments)",
        "failures": "count(failures)",
        "refunded": "sum(refunded)",
        "abandoned": "count(abandoned)",
        "reviews": "count(stars)",
        "stars": "sum(stars)",
        "votes": "count(votes)",
        "uses": "count(uses)",
    },
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
            {"amount": "f.total_amount", "discount": "f.discount_amount"},
            first=("new_customer", "user_id"),
        ),
        Branch(
            "shop_order_items",
            {"units": "f.quantity", "gross": "f.subtotal"},
            first=("new_product", "product_id"),
        ),
        Branch(
            "global_events",
            {
                "cancelled": _if("order_cancelled"),
                "refunded": _if("payment_refunded", "f.amount"),
                "refunded_net": _if("payment_refunded", "f.net_amount"),
            },
            where=f"f.event_type IN ({listed(SHOP_EVENTS)})",
        ),
        Branch("shop_reviews", {"stars": "f.rating"}, where=_APPROVED),
        Branch("shop_promotion_usages", {"uses": "1"}),
    ),
    {
        "orders": "count(amount)",
        "amount": "sum(amount)",
        "discount": "sum(discount)",
        "customers": _different("new_customer"),
        "units": "sum(units)",
        "gross": "sum(gross)",
        "products": _different("new_product"),
        "cancelled": "count(cancelled)",
        "refunded": "sum(refunded)",
        "refunded_net": "sum(refunded_net)",
        **_STARS,
        "uses": "count(uses)",
        "low_change": "sum(low_change)",
        "out_change": "sum(out_change)",
        "value_change": "sum(value_change)",
    },
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
    own_values={"low_change": "integer", "out_change": "integer", "value_change": "numeric"},
)

PRODUCT = Kind(
    "product",
    "shop_product_metrics",
    (
        Branch(
            "shop_order_items",
            {
                "units": "f.quantity",
                "gross": "f.subtotal",
                "total": "f.total_amount",
                "discount": "f.discount_amount",
                "price": "round(f.total_amount / f.quantity, 4)",
            },
        ),
        Branch(
            "global_events",
            {
                "added": _if("cart_item_added"),
                "removed": _if("cart_item_removed"),
                "viewed": _if("product_viewed"),
                "refunded_units": _if("payment_refunded", "f.quantity"),
                "refunded_net": _if("payment_refunded", "f.net_amount"),
            },
            where=f"f.event_type IN ({listed(PRODUCT_EVENTS)})",
        ),
        Branch("shop_reviews", {"stars": "f.rating"}, where=_APPROVED),
    ),
    {
        "units": "sum(units)",
        "gross": "sum(gross)",
        "total": "sum(total)",
        "discount": "sum(discount)",
        "discounted": "count(*) FILTER (WHERE discount > 0)",
        "least": "min(price)",
        "most": "max(price)",
        "added": "count(added)",
        "removed": "count(removed)",
        "viewed": "count(viewed)",
        "refunded_units": "sum(refunded_units)",
        "refunded_net": "sum(refunded_net)",
        **_STARS,
        "restocked": "count(restocked)",
        "empty_time": "sum(empty_time)",
        "known": "max(known)",
    },
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
    own_values={"restocked": "integer", "known": "bigint", "empty_time": "bigint"},
)

KINDS = (USER, SHOP, PRODUCT)
