"""Orders, their items and their payments."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import Base, SystemRows, one_of, table_args
from entrepot.playground.columns import (
    HOURLY,
    MONTHLY,
    SCHEMA,
    event_time,
    extra_data,
    identifier,
    known_origin,
    moment,
    money,
    origin,
    partition_key,
    pointed_time,
    pointer,
    reference,
)
from entrepot.playground.values import (
    ORDER_STATUSES,
    PAYMENT_METHOD_TYPES,
    PAYMENT_STATUSES,
    SHIPPING_METHODS,
)


class ShopOrder(Base):
    """An order, as it stands."""

    __tablename__ = "shop_orders"
    __table_args__ = table_args(
        SCHEMA,
        "Orders as they stand; event_time is the time of ordering. What happens to one later is a row of "
        "global_events at its own time",
        known_origin(),
        one_of("status", *ORDER_STATUSES),
        one_of("shipping_method", *SHIPPING_METHODS),
        CheckConstraint("ordered_time = event_time", name="ordered_time"),
        CheckConstraint(
            "subtotal >= 0 AND tax_amount >= 0 AND shipping_amount >= 0 AND discount_amount >= 0",
            name="amounts",
        ),
        UniqueConstraint("order_number", "event_time", name="uq_shop_orders_order_number"),
        reference("user", "users"),
        reference("shop", "shops"),
        Index("idx_shop_orders_id", "id"),
        Index("idx_shop_orders_user", "user_id", "event_time"),
        Index("idx_shop_orders_shop", "shop_id", "event_time"),
        SystemRows(),
        MONTHLY,
    )

    id: Mapped[UUID] = identifier("Order")
    event_time: Mapped[datetime] = event_time("When it was ordered")
    partition_key: Mapped[str] = partition_key()
    order_number: Mapped[str] = mapped_column(String(50), comment="Number that the customer sees")
    user_id: Mapped[UUID] = pointer("User who ordered")
    user_event_time: Mapped[datetime] = pointed_time("user")
    shop_id: Mapped[UUID] = pointer("Shop that sells")
    shop_event_time: Mapped[datetime] = pointed_time("shop")
    status: Mapped[str] = mapped_column(String(20), comment="/".join(ORDER_STATUSES))
    subtotal: Mapped[Any] = money("Sum of the items' subtotals: goods before discount, tax and shipping")
    tax_amount: Mapped[Any] = money("Tax")
    shipping_amount: Mapped[Any] = money("Shipping")
    discount_amount: Mapped[Any] = money("Sum of the items' discounts")
    total_amount: Mapped[Any] = money("What is to be paid: subtotal − discount + tax + shipping")
    shipping_method: Mapped[str | None] = mapped_column(String(20), comment="/".join(SHIPPING_METHODS))
    shipping_address_line1: Mapped[str | None] = mapped_column(String(255), comment="Street of delivery")
    shipping_address_line2: Mapped[str | None] = mapped_column(
        String(255), comment="Second line of the address"
    )
    shipping_city: Mapped[str | None] = mapped_column(String(100), comment="City of delivery")
    shipping_state: Mapped[str | None] = mapped_column(String(100), comment="State or province of delivery")
    shipping_postal_code: Mapped[str | None] = mapped_column(String(20), comment="Postal code of delivery")
    shipping_country: Mapped[str | None] = mapped_column(
        String(2), comment="Country of delivery, ISO 3166-1 alpha-2"
    )
    tracking_number: Mapped[str | None] = mapped_column(String(50), comment="Number of the parcel")
    tracking_url: Mapped[str | None] = mapped_column(String(255), comment="Where the parcel can be followed")
    ordered_time: Mapped[datetime] = moment("When it was ordered, as event_time", nullable=False)
    processed_time: Mapped[datetime | None] = moment("When it was paid and went to packing")
    shipped_time: Mapped[datetime | None] = moment("When it was shipped")
    delivered_time: Mapped[datetime | None] = moment("When it was delivered")
    cancelled_time: Mapped[datetime | None] = moment("When it was cancelled")
    returned_time: Mapped[datetime | None] = moment("When what was sent back arrived")
    notes: Mapped[str | None] = mapped_column(Text, comment="Remarks")
    origin: Mapped[str] = origin()
    extra_data: Mapped[Any | None] = extra_data()


class ShopOrderItem(Base):
    """A line of an order."""

    __tablename__ = "shop_order_items"
    __table_args__ = table_args(
        SCHEMA,
        "Lines of orders, at the time of the order",
        known_origin(),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("event_time = order_event_time", name="order_event_time"),
        reference("order", "shop_orders"),
        reference("product", "shop_products"),
        reference("shop", "shops"),
        reference("user", "users"),
        Index("idx_shop_order_items_order", "order_id"),
        Index("idx_shop_order_items_product", "product_id", "event_time"),
        Index("idx_shop_order_items_shop", "shop_id", "event_time"),
        Index("idx_shop_order_items_user", "user_id", "event_time"),
        SystemRows(),
        HOURLY,
    )

    id: Mapped[UUID] = identifier("Line of an order")
    event_time: Mapped[datetime] = event_time("When it was ordered")
    partition_key: Mapped[str] = partition_key()
    order_id: Mapped[UUID] = pointer("Order that it is a line of")
    order_event_time: Mapped[datetime] = pointed_time("order")
    product_id: Mapped[UUID] = pointer("Product ordered")
    product_event_time: Mapped[datetime] = pointed_time("product")
    shop_id: Mapped[UUID] = pointer("Shop of the order")
    shop_event_time: Mapped[datetime] = pointed_time("shop")
    user_id: Mapped[UUID] = pointer("User of the order")
    user_event_time: Mapped[datetime] = pointed_time("user")
    quantity: Mapped[int] = mapped_column(Integer, comment="Units")
    unit_price: Mapped[Any] = money("Price a unit, before discount")
    subtotal: Mapped[Any] = money("quantity × unit_price")
    discount_amount: Mapped[Any] = money("What was taken off")
    total_amount: Mapped[Any] = money("subtotal − discount_amount; tax and shipping are the order's")
    is_cancelled: Mapped[bool] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether the order was cancelled before shipping"
    )
    is_refunded: Mapped[bool] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether it was paid back"
    )
    notes: Mapped[str | None] = mapped_column(Text, comment="Remarks")
    origin: Mapped[str] = origin()
    extra_data: Mapped[Any | None] = extra_data()


class ShopOrderPayment(Base):
    """An attempt to pay for an order."""

    __tablename__ = "shop_order_payments"
    __table_args__ = table_args(
        SCHEMA,
        "Attempts to pay for orders, with their outcome; event_time is the time of initiation",
        known_origin(),
        one_of("status", *PAYMENT_STATUSES),
        one_of("method", *PAYMENT_METHOD_TYPES),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("refunded_amount BETWEEN 0 AND amount", name="refunded_amount"),
        CheckConstraint("initiated_time = event_time", name="initiated_time"),
        CheckConstraint("completed_time >= initiated_time", name="completed_time"),
        UniqueConstraint("transaction_reference", "event_time", name="uq_shop_order_payments_reference"),
        reference("order", "shop_orders"),
        reference("user", "users"),
        reference("shop", "shops"),
        reference("payment_method", "user_payment_methods"),
        Index("idx_shop_order_payments_order", "order_id"),
        Index("idx_shop_order_payments_user", "user_id", "event_time"),
        SystemRows(),
        HOURLY,
    )

    id: Mapped[UUID] = identifier("Payment")
    event_time: Mapped[datetime] = event_time("When the attempt began")
    partition_key: Mapped[str] = partition_key()
    order_id: Mapped[UUID] = pointer("Order that is paid")
    order_event_time: Mapped[datetime] = pointed_time("order")
    user_id: Mapped[UUID] = pointer("User who pays")
    user_event_time: Mapped[datetime] = pointed_time("user")
    shop_id: Mapped[UUID] = pointer("Shop that is paid")
    shop_event_time: Mapped[datetime] = pointed_time("shop")
    payment_method_id: Mapped[UUID | None] = pointer("Stored way to pay", nullable=True)
    payment_method_event_time: Mapped[datetime | None] = pointed_time("payment method", nullable=True)
    amount: Mapped[Any] = money("Amount of the attempt")
    refunded_amount: Mapped[Any] = money("What was paid back of it", default=True)
    status: Mapped[str] = mapped_column(String(20), comment="/".join(PAYMENT_STATUSES))
    method: Mapped[str] = mapped_column(String(20), comment="/".join(PAYMENT_METHOD_TYPES))
    is_partial_payment: Mapped[bool] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether it is less than the order's total"
    )
    authorization_code: Mapped[str | None] = mapped_column(String(50), comment="Code of the payment service")
    transaction_reference: Mapped[str | None] = mapped_column(
        String(100), comment="Reference of the payment service"
    )
    transaction_fee: Mapped[Any] = money("What the payment service keeps", default=True)
    initiated_time: Mapped[datetime] = moment("When the attempt began, as event_time", nullable=False)
    completed_time: Mapped[datetime | None] = moment("When its outcome was known, be it success or failure")
    notes: Mapped[str | None] = mapped_column(Text, comment="Remarks; why it failed")
    origin: Mapped[str] = origin()
    extra_data: Mapped[Any | None] = extra_data()
