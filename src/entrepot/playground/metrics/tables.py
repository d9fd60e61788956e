"""The metrics tables, what is dirty in them, and the ledger of their runs.

The comment of a column is its definition: docs/reference/metrics.md prints them.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    Identity,
    Numeric,
    String,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column

from entrepot.kit.db.ddl import EXTRA_SQL
from entrepot.kit.db.tables import Base, SystemRows, one_of, table_args
from entrepot.playground.columns import (
    DAILY,
    HOURLY,
    SCHEMA,
    event_time,
    moment,
    money,
    partition_key,
    pointed_time,
    reference,
)
from entrepot.playground.metrics import marking_queries
from entrepot.playground.values import ORIGINS

_EMPTY = text("0")


def _count(comment: str) -> MappedColumn[int]:
    return mapped_column(BigInteger, server_default=_EMPTY, comment=comment)


def _amount(comment: str) -> MappedColumn[Decimal]:
    return money(comment, default=True)


def _rating(comment: str) -> MappedColumn[Decimal | None]:
    return mapped_column(Numeric(6, 4), nullable=True, comment=comment)


def _entity(what: str) -> MappedColumn[UUID]:
    return mapped_column(Uuid, primary_key=True, comment=f"{what} that is measured")


def _bucket(span: str) -> MappedColumn[datetime]:
    return event_time(f"Start of the {span}, in UTC; the bucket ends before the next one starts")


def _row_id(entity: str, span: str) -> MappedColumn[UUID]:
    number = "((EXTRACT(epoch FROM (event_time AT TIME ZONE 'UTC'::text)))::bigint)::text"
    return mapped_column(
        Uuid,
        Computed(f"(md5((({entity})::text || '/{span}/'::text) || {number}))::uuid", persisted=False),
        nullable=True,  # it never is; see partition_key
        comment="Identifier of the row, made from what is measured and the bucket",
    )


def _extra_metrics() -> MappedColumn[Any]:
    return mapped_column(JSONB, nullable=True, comment="Metrics of one's own; a roll leaves them as they are")


class _UserMetrics:
    """The columns of user_metrics_hourly and user_metrics_daily."""

    orders_placed_count: Mapped[int] = _count("Orders placed in the bucket")
    orders_cancelled_count: Mapped[int] = _count("Orders cancelled in the bucket, whenever they were placed")
    total_order_amount: Mapped[Decimal] = _amount("Sum of total_amount of the orders placed in the bucket")
    avg_order_amount: Mapped[Decimal] = _amount("total_order_amount / orders_placed_count; 0 without orders")
    unique_shops_ordered_from: Mapped[int] = _count("Different shops ordered from in the bucket")
    total_amount_paid: Mapped[Decimal] = _amount("Sum of the payments completed in the bucket")
    total_amount_refunded: Mapped[Decimal] = _amount("Sum of the money paid back in the bucket, tax included")
    successful_payments_count: Mapped[int] = _count("Payments completed in the bucket")
    failed_payments_count: Mapped[int] = _count("Payments that failed in the bucket")
    reviews_written_count: Mapped[int] = _count("Reviews written in the bucket and approved since")
    avg_rating_given: Mapped[Decimal | None] = _rating("Mean rating of those reviews; null without any")
    helpful_votes_received: Mapped[int] = _count(
        "Votes cast in the bucket that found a review of the user helpful"
    )
    promotions_used_count: Mapped[int] = _count("Uses of promotions in the bucket")
    total_discount_amount: Mapped[Decimal] = _amount(
        "Sum of discount_amount of the orders placed in the bucket"
    )
    cart_abandonment_count: Mapped[int] = _count(
        "Carts given up in the bucket: 30 minutes after the last activity in them without an order"
    )
    total_items_purchased: Mapped[int] = _count("Units in the orders placed in the bucket")


class _ShopMetrics:
    """The columns of shop_metrics_hourly and shop_metrics_daily."""

    orders_received_count: Mapped[int] = _count("Orders placed in the bucket")
    orders_cancelled_count: Mapped[int] = _count("Orders cancelled in the bucket, whenever they were placed")
    total_order_amount: Mapped[Decimal] = _amount("Sum of total_amount of the orders placed in the bucket")
    avg_order_amount: Mapped[Decimal] = _amount(
        "total_order_amount / orders_received_count; 0 without orders"
    )
    unique_customers_count: Mapped[int] = _count("Different users who ordered in the bucket")
    total_products_sold: Mapped[int] = _count("Units in the orders placed in the bucket")
    unique_products_sold: Mapped[int] = _count("Different products in the orders placed in the bucket")
    low_stock_products_count: Mapped[int] = _count(
        "Products with 0 < stock <= low_stock_threshold at the end of the bucket"
    )
    out_of_stock_products_count: Mapped[int] = _count(
        "Products with stock <= 0 at the end of the bucket, by their last inventory log"
    )
    gross_revenue: Mapped[Decimal] = _amount(
        "Sum of the items' subtotals of the orders placed in the bucket: goods before discount, tax and shipping"
    )
    net_revenue: Mapped[Decimal] = _amount(
        "gross_revenue - total_discounts_given - the goods part of what was paid back in the bucket"
    )
    total_discounts_given: Mapped[Decimal] = _amount(
        "Sum of discount_amount of the orders placed in the bucket"
    )
    total_refunds_amount: Mapped[Decimal] = _amount("Sum of the money paid back in the bucket, tax included")
    reviews_received_count: Mapped[int] = _count(
        "Reviews of the shop and of its products written in the bucket and approved since"
    )
    avg_rating_received: Mapped[Decimal | None] = _rating("Mean rating of those reviews; null without any")
    one_star_reviews_count: Mapped[int] = _count("Those reviews that gave one star")
    five_star_reviews_count: Mapped[int] = _count("Those reviews that gave five stars")
    active_promotions_count: Mapped[int] = _count(
        "Promotions, neither draft nor cancelled, whose window overlaps the bucket"
    )
    promotions_used_count: Mapped[int] = _count("Uses of its promotions in the bucket")
    inventory_value: Mapped[Decimal] = _amount(
        "Sum over its products of stock at the end of the bucket x cost_price"
    )


class _ShopProductMetrics:
    """The columns of shop_product_metrics_hourly and shop_product_metrics_daily."""

    units_sold: Mapped[int] = _count("Units in the orders placed in the bucket")
    units_refunded: Mapped[int] = _count("Units paid back in the bucket, whenever they were ordered")
    gross_sales: Mapped[Decimal] = _amount(
        "Sum of the items' subtotals of the orders placed in the bucket: before discount, tax and shipping"
    )
    net_sales: Mapped[Decimal] = _amount(
        "gross_sales - total_discount_amount - the goods part of what was paid back in the bucket"
    )
    current_stock_level: Mapped[int] = _count(
        "Stock at the end of the bucket, by the last inventory log; 0 before the first"
    )
    stock_replenishment_count: Mapped[int] = _count("Purchases and transfers in during the bucket")
    time_out_of_stock_minutes: Mapped[Decimal] = mapped_column(
        Numeric(10, 4),
        server_default=_EMPTY,
        comment="Minutes of the bucket with stock <= 0, from the first inventory log to the clock of the roll",
    )
    avg_selling_price: Mapped[Decimal] = _amount(
        "Mean price paid a unit, after discount, weighted by quantity; 0 without sales"
    )
    min_selling_price: Mapped[Decimal] = _amount("Least price paid a unit, after discount; 0 without sales")
    max_selling_price: Mapped[Decimal] = _amount("Highest price paid a unit, after discount; 0 without sales")
    reviews_count: Mapped[int] = _count("Reviews of the product written in the bucket and approved since")
    avg_rating: Mapped[Decimal | None] = _rating("Mean rating of those reviews; null without any")
    one_star_reviews_count: Mapped[int] = _count("Those reviews that gave one star")
    five_star_reviews_count: Mapped[int] = _count("Those reviews that gave five stars")
    times_discounted: Mapped[int] = _count("Lines of orders placed in the bucket that have a discount")
    total_discount_amount: Mapped[Decimal] = _amount("Sum of the discounts of those lines")
    cart_additions_count: Mapped[int] = _count("Times it was put into a cart in the bucket")
    cart_removals_count: Mapped[int] = _count("Times it was taken out of a cart in the bucket")
    page_views: Mapped[int] = _count("Times its page was viewed in the bucket")


class UserMetricsHourly(_UserMetrics, Base):
    """What a user did in an hour."""

    __tablename__ = "user_metrics_hourly"
    __table_args__ = table_args(
        SCHEMA,
        "What users did, by the hour; a row where there was something",
        reference("user", "users"),
        SystemRows(),
        HOURLY,
    )

    user_id: Mapped[UUID] = _entity("User")
    event_time: Mapped[datetime] = _bucket("hour")
    user_event_time: Mapped[datetime] = pointed_time("user")
    id: Mapped[UUID] = _row_id("user_id", "hour")
    partition_key: Mapped[str] = partition_key()
    extra_metrics: Mapped[Any | None] = _extra_metrics()


class UserMetricsDaily(_UserMetrics, Base):
    """What a user did in a day."""

    __tablename__ = "user_metrics_daily"
    __table_args__ = table_args(
        SCHEMA,
        "What users did, by the day; a row where there was something",
        reference("user", "users"),
        SystemRows(),
        DAILY,
    )

    user_id: Mapped[UUID] = _entity("User")
    event_time: Mapped[datetime] = _bucket("day")
    user_event_time: Mapped[datetime] = pointed_time("user")
    id: Mapped[UUID] = _row_id("user_id", "day")
    partition_key: Mapped[str] = partition_key("day")
    extra_metrics: Mapped[Any | None] = _extra_metrics()


class ShopMetricsHourly(_ShopMetrics, Base):
    """How a shop did in an hour."""

    __tablename__ = "shop_metrics_hourly"
    __table_args__ = table_args(
        SCHEMA,
        "How shops did, by the hour; a row where there was something",
        reference("shop", "shops"),
        SystemRows(),
        HOURLY,
    )

    shop_id: Mapped[UUID] = _entity("Shop")
    event_time: Mapped[datetime] = _bucket("hour")
    shop_event_time: Mapped[datetime] = pointed_time("shop")
    id: Mapped[UUID] = _row_id("shop_id", "hour")
    partition_key: Mapped[str] = partition_key()
    extra_metrics: Mapped[Any | None] = _extra_metrics()


class ShopMetricsDaily(_ShopMetrics, Base):
    """How a shop did in a day."""

    __tablename__ = "shop_metrics_daily"
    __table_args__ = table_args(
        SCHEMA,
        "How shops did, by the day; a row where there was something",
        reference("shop", "shops"),
        SystemRows(),
        DAILY,
    )

    shop_id: Mapped[UUID] = _entity("Shop")
    event_time: Mapped[datetime] = _bucket("day")
    shop_event_time: Mapped[datetime] = pointed_time("shop")
    id: Mapped[UUID] = _row_id("shop_id", "day")
    partition_key: Mapped[str] = partition_key("day")
    extra_metrics: Mapped[Any | None] = _extra_metrics()


class ShopProductMetricsHourly(_ShopProductMetrics, Base):
    """How a product did in an hour."""

    __tablename__ = "shop_product_metrics_hourly"
    __table_args__ = table_args(
        SCHEMA,
        "How products did, by the hour; a row where there was something, or nothing to sell",
        reference("product", "shop_products"),
        SystemRows(),
        HOURLY,
    )

    product_id: Mapped[UUID] = _entity("Product")
    event_time: Mapped[datetime] = _bucket("hour")
    product_event_time: Mapped[datetime] = pointed_time("product")
    id: Mapped[UUID] = _row_id("product_id", "hour")
    partition_key: Mapped[str] = partition_key()
    extra_metrics: Mapped[Any | None] = _extra_metrics()


class ShopProductMetricsDaily(_ShopProductMetrics, Base):
    """How a product did in a day."""

    __tablename__ = "shop_product_metrics_daily"
    __table_args__ = table_args(
        SCHEMA,
        "How products did, by the day; a row where there was something, or nothing to sell",
        reference("product", "shop_products"),
        SystemRows(),
        DAILY,
    )

    product_id: Mapped[UUID] = _entity("Product")
    event_time: Mapped[datetime] = _bucket("day")
    product_event_time: Mapped[datetime] = pointed_time("product")
    id: Mapped[UUID] = _row_id("product_id", "day")
    partition_key: Mapped[str] = partition_key("day")
    extra_metrics: Mapped[Any | None] = _extra_metrics()


#: What a mark is about. A cell is one entity's hour; a span is everything from `hour` to before `until`.
MARKS = ("user", "shop", "product", "stock", "shop_stock", "promotion", "span")


class MetricsDirty(Base):
    """A mark: something changed, and the metrics of its bucket do not know of it yet."""

    __tablename__ = "metrics_dirty"
    __table_args__ = table_args(
        SCHEMA,
        "What the next roll has to compute again; rows are appended by whoever writes facts and taken by the roll",
        one_of("kind", *MARKS),
        CheckConstraint("(kind = 'span') = (entity_id IS NULL)", name="entity_id"),
        SystemRows(),
    )

    mark_id: Mapped[int] = mapped_column(
        BigInteger, Identity(always=True), primary_key=True, comment="Number of the mark"
    )
    kind: Mapped[str] = mapped_column(
        String(10),
        comment="user/shop/product: the entity's hour; stock/shop_stock: a product's stock from the hour on, for its "
        "own and its shop's rows; promotion: a shop's rows in the window; span: everything in it",
    )
    entity_id: Mapped[UUID | None] = mapped_column(Uuid, comment="User, shop or product")
    hour: Mapped[datetime] = moment("Start of the hour, or of the span", nullable=False)
    until: Mapped[datetime | None] = moment("First moment after the span, where it is one")


class MetricsRun(Base):
    """A roll of the metrics."""

    __tablename__ = "metrics_runs"
    __table_args__ = table_args(
        SCHEMA,
        "Ledger of the rolls of the metrics: what each rolled, what it wrote, how it ended",
        one_of("outcome", "running", "completed", "failed"),
        SystemRows(),
    )

    run_id: Mapped[UUID] = mapped_column(
        Uuid, primary_key=True, server_default=text("uuidv7()"), comment="Roll"
    )
    started_time: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("now()"), comment="When it began"
    )
    finished_time: Mapped[datetime | None] = moment("When it ended")
    from_time: Mapped[datetime | None] = moment(
        "Earliest bucket that it was asked for; null: whatever is dirty"
    )
    to_time: Mapped[datetime | None] = moment("First moment after the last bucket that it was asked for")
    buckets: Mapped[int] = _count("Cells (an entity's hour or day) that were computed")
    rows_inserted: Mapped[int] = _count("Rows written that were not there")
    rows_updated: Mapped[int] = _count("Rows written over, because something in them changed")
    rows_deleted: Mapped[int] = _count("Rows deleted, because there are no such facts any more")
    rows_unchanged: Mapped[int] = _count("Rows that were right already")
    seconds: Mapped[Decimal | None] = mapped_column(Numeric(12, 3), nullable=True, comment="How long it took")
    outcome: Mapped[str] = mapped_column(
        String(20), server_default=text("'running'::character varying"), comment="running/completed/failed"
    )
    error: Mapped[str | None] = mapped_column(Text, comment="What went wrong")


class MetricsClock(Base):
    """Until when a product without stock is known to be without."""

    __tablename__ = "metrics_clocks"
    __table_args__ = table_args(
        SCHEMA,
        "Until when the metrics know: out-of-stock time of products that have none now is counted up to here",
        one_of("origin", *ORIGINS),
        SystemRows(),
    )

    origin: Mapped[str] = mapped_column(
        String(20),
        primary_key=True,
        comment="Origin of the products: the clock of the simulated world, or of ours",
    )
    reached: Mapped[datetime] = moment("Moment that the metrics reach to", nullable=False)


EXTRA_SQL.extend(marking_queries.statements())
