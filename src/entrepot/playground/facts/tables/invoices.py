"""Invoices and their payments."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
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
from entrepot.playground.values import PAYMENT_METHOD_TYPES, PAYMENT_STATUSES, PAYMENT_TERMS


class Invoice(Base):
    """A bill of a shop to a user."""

    __tablename__ = "invoices"
    __table_args__ = table_args(
        SCHEMA,
        "Bills of shops to users, for orders that are paid later; event_time is the time of issue",
        known_origin(),
        one_of("status", *PAYMENT_STATUSES),
        one_of("payment_terms", *PAYMENT_TERMS),
        CheckConstraint("total_amount = invoice_amount + tax_amount - discount_amount", name="total_amount"),
        CheckConstraint("due_date >= issue_date", name="due_date"),
        UniqueConstraint("invoice_number", "event_time", name="uq_invoices_invoice_number"),
        reference("user", "users"),
        reference("shop", "shops"),
        reference("order", "shop_orders"),
        Index("idx_invoices_id", "id"),
        Index("idx_invoices_user", "user_id", "event_time"),
        Index("idx_invoices_shop", "shop_id", "event_time"),
        SystemRows(),
        MONTHLY,
    )

    id: Mapped[UUID] = identifier("Invoice")
    event_time: Mapped[datetime] = event_time("When it was issued")
    partition_key: Mapped[str] = partition_key()
    invoice_number: Mapped[str] = mapped_column(String(50), comment="Number on the bill")
    user_id: Mapped[UUID] = pointer("User who is to pay")
    user_event_time: Mapped[datetime] = pointed_time("user")
    shop_id: Mapped[UUID] = pointer("Shop that issued it")
    shop_event_time: Mapped[datetime] = pointed_time("shop")
    order_id: Mapped[UUID | None] = pointer("Order that it is for", nullable=True)
    order_event_time: Mapped[datetime | None] = pointed_time("order", nullable=True)
    invoice_amount: Mapped[Any] = money("Goods and shipping")
    tax_amount: Mapped[Any] = money("Tax")
    discount_amount: Mapped[Any] = money("Discount")
    total_amount: Mapped[Any] = money("What is to be paid")
    status: Mapped[str] = mapped_column(
        String(20), server_default=text("'draft'::character varying"), comment="/".join(PAYMENT_STATUSES)
    )
    payment_terms: Mapped[str] = mapped_column(String(20), comment="/".join(PAYMENT_TERMS))
    payment_term_days: Mapped[int | None] = mapped_column(SmallInteger, comment="Days until it is due")
    issue_date: Mapped[date] = mapped_column(Date, comment="Day of issue, in UTC")
    due_date: Mapped[date] = mapped_column(Date, comment="Day it is due: issue_date + payment_term_days")
    notes: Mapped[str | None] = mapped_column(Text, comment="Remarks")
    origin: Mapped[str] = origin()
    extra_data: Mapped[Any | None] = extra_data()


class InvoicePayment(Base):
    """An attempt to pay an invoice."""

    __tablename__ = "invoice_payments"
    __table_args__ = table_args(
        SCHEMA,
        "Attempts to pay invoices, with their outcome; event_time is the time of initiation",
        known_origin(),
        one_of("status", *PAYMENT_STATUSES),
        one_of("method", *PAYMENT_METHOD_TYPES),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("refunded_amount BETWEEN 0 AND amount", name="refunded_amount"),
        CheckConstraint("initiated_time = event_time", name="initiated_time"),
        CheckConstraint("completed_time >= initiated_time", name="completed_time"),
        UniqueConstraint("transaction_reference", "event_time", name="uq_invoice_payments_reference"),
        reference("invoice", "invoices"),
        reference("user", "users"),
        reference("shop", "shops"),
        reference("payment_method", "user_payment_methods"),
        Index("idx_invoice_payments_invoice", "invoice_id"),
        Index("idx_invoice_payments_user", "user_id", "event_time"),
        SystemRows(),
        HOURLY,
    )

    id: Mapped[UUID] = identifier("Payment")
    event_time: Mapped[datetime] = event_time("When the attempt began")
    partition_key: Mapped[str] = partition_key()
    invoice_id: Mapped[UUID] = pointer("Invoice that is paid")
    invoice_event_time: Mapped[datetime] = pointed_time("invoice")
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
        Boolean, server_default=text("false"), comment="Whether it is less than the invoice's total"
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
