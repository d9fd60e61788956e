"""Figures of shops and products by period."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Date, Index, Integer, Numeric, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import Base, TenantRows, created_at, key, one_of, table_args, tenant_reference
from entrepot.pim.columns import shop_id


class AnalyticsDailyShop(Base):
    """The figures of a shop for one day."""

    __tablename__ = "analytics_daily_shop"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Index("idx_analytics_daily_shop_date", "shop_id", "date", unique=True),
        Index("idx_analytics_daily_date", text("date DESC")),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    date: Mapped[date] = mapped_column(Date, comment="Day, in the shop's time zone")
    orders_count: Mapped[int | None] = mapped_column(Integer, server_default=text("0"), comment="Orders")
    orders_total: Mapped[Decimal | None] = mapped_column(
        Numeric(14, 2), server_default=text("0"), comment="Sum of the orders"
    )
    orders_avg: Mapped[Decimal | None] = mapped_column(
        Numeric(12, 2), server_default=text("0"), comment="Mean order"
    )
    products_synced: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Products read from Shopify"
    )
    variants_synced: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Variants read from Shopify"
    )
    customers_new: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="New customers"
    )
    inventory_value: Mapped[Decimal | None] = mapped_column(
        Numeric(14, 2), server_default=text("0"), comment="Stock at cost"
    )
    low_stock_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Variants low in stock"
    )
    out_of_stock_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Variants out of stock"
    )
    bulk_runs_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Bulk runs"
    )
    bulk_runs_failed: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Bulk runs that failed"
    )
    api_calls_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Requests to Shopify"
    )
    webhook_events_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Webhooks received"
    )
    created_at: Mapped[datetime] = created_at()


class AnalyticsProductPerformance(Base):
    """How a product sold in a period."""

    __tablename__ = "analytics_product_performance"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        one_of("period_type", "daily", "weekly", "monthly"),
        tenant_reference("product_id", "pim.shopify_products", ondelete="CASCADE"),
        Index("idx_product_perf_product", "product_id", "period_type", text("period_start DESC")),
        Index("idx_product_perf_shop_period", "shop_id", "period_type", text("period_start DESC")),
        Index("idx_product_perf_revenue", "shop_id", "period_type", text("revenue DESC")),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    product_id: Mapped[UUID] = mapped_column(Uuid, comment="Product")
    period_start: Mapped[date] = mapped_column(Date, comment="First day")
    period_end: Mapped[date] = mapped_column(Date, comment="Last day")
    period_type: Mapped[str] = mapped_column(String(20), comment="Length of the period")
    views_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Views, where they are counted"
    )
    orders_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Orders with the product"
    )
    units_sold: Mapped[int | None] = mapped_column(Integer, server_default=text("0"), comment="Units sold")
    revenue: Mapped[Decimal | None] = mapped_column(
        Numeric(12, 2), server_default=text("0"), comment="Revenue"
    )
    avg_order_value: Mapped[Decimal | None] = mapped_column(
        Numeric(12, 2), server_default=text("0"), comment="Mean order with the product"
    )
    return_rate: Mapped[Decimal | None] = mapped_column(
        Numeric(5, 2), server_default=text("0"), comment="Share of units returned, in percent"
    )
    inventory_turnover: Mapped[Decimal | None] = mapped_column(
        Numeric(8, 4), comment="Times that the stock was sold"
    )
    created_at: Mapped[datetime] = created_at()
