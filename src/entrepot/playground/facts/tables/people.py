"""Users and the ways they pay."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import Base, SystemRows, one_of, table_args
from entrepot.playground.columns import (
    MONTHLY,
    SCHEMA,
    event_time,
    extra_data,
    identifier,
    known_origin,
    moment,
    origin,
    partition_key,
    pointed_time,
    pointer,
    reference,
)
from entrepot.playground.values import PAYMENT_METHOD_STATUSES, PAYMENT_METHOD_TYPES


class User(Base):
    """A person of the world."""

    __tablename__ = "users"
    __table_args__ = table_args(
        SCHEMA,
        "People: customers and owners of shops; event_time is the time of signing up",
        known_origin(),
        CheckConstraint("created_time = event_time", name="created_time"),
        UniqueConstraint("username", "event_time", name="uq_users_username"),
        Index("idx_playground_users_id", "id"),
        SystemRows(),
        MONTHLY,
    )

    id: Mapped[UUID] = identifier("User")
    event_time: Mapped[datetime] = event_time("When the person signed up")
    partition_key: Mapped[str] = partition_key()
    username: Mapped[str] = mapped_column(String(50), comment="Name to sign in with")
    email: Mapped[str] = mapped_column(
        String(255), comment="Address, under example.com, .net or .org in a simulated world"
    )
    phone_number: Mapped[str | None] = mapped_column(String(20), comment="Telephone number")
    country: Mapped[str | None] = mapped_column(String(2), comment="Country, ISO 3166-1 alpha-2")
    time_zone: Mapped[str | None] = mapped_column(
        String(64), comment="Time zone that the person lives by (IANA name)"
    )
    status: Mapped[bool] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether the account is active"
    )
    created_time: Mapped[datetime] = moment("When the person signed up, as event_time", nullable=False)
    deactivated_time: Mapped[datetime | None] = moment("When the account was closed")
    last_login_time: Mapped[datetime | None] = moment("When the person last signed in")
    origin: Mapped[str] = origin()
    extra_data: Mapped[Any | None] = extra_data()


class UserPaymentMethod(Base):
    """A stored way to pay."""

    __tablename__ = "user_payment_methods"
    __table_args__ = table_args(
        SCHEMA,
        "Ways to pay that users stored; tokens only, never a number",
        known_origin(),
        one_of("method_type", *PAYMENT_METHOD_TYPES),
        one_of("status", *PAYMENT_METHOD_STATUSES),
        CheckConstraint("expiry_month BETWEEN 1 AND 12", name="expiry_month"),
        CheckConstraint("last_four ~ '^[0-9]{4}$'", name="last_four"),
        UniqueConstraint("token", "event_time", name="uq_user_payment_methods_token"),
        reference("user", "users"),
        Index("idx_user_payment_methods_user", "user_id", "event_time"),
        SystemRows(),
        MONTHLY,
    )

    id: Mapped[UUID] = identifier("Payment method")
    event_time: Mapped[datetime] = event_time("When it was stored")
    partition_key: Mapped[str] = partition_key()
    user_id: Mapped[UUID] = pointer("User whose it is")
    user_event_time: Mapped[datetime] = pointed_time("user")
    method_type: Mapped[str] = mapped_column(String(20), comment="/".join(PAYMENT_METHOD_TYPES))
    status: Mapped[str] = mapped_column(String(20), comment="/".join(PAYMENT_METHOD_STATUSES))
    token: Mapped[str] = mapped_column(String(255), comment="Token of the payment service")
    last_four: Mapped[str | None] = mapped_column(String(4), comment="Last four digits of a card or account")
    expiry_month: Mapped[int | None] = mapped_column(SmallInteger, comment="Month in which a card expires")
    expiry_year: Mapped[int | None] = mapped_column(SmallInteger, comment="Year in which a card expires")
    card_brand: Mapped[str | None] = mapped_column(String(20), comment="Brand of a card")
    bank_name: Mapped[str | None] = mapped_column(String(100), comment="Bank of an account")
    nickname: Mapped[str | None] = mapped_column(String(50), comment="Name that the user gave it")
    is_default: Mapped[bool] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether it is offered first"
    )
    billing_address_line1: Mapped[str | None] = mapped_column(String(255), comment="Street of the bill")
    billing_address_line2: Mapped[str | None] = mapped_column(
        String(255), comment="Second line of the bill's address"
    )
    billing_city: Mapped[str | None] = mapped_column(String(100), comment="City of the bill")
    billing_state: Mapped[str | None] = mapped_column(String(100), comment="State or province of the bill")
    billing_postal_code: Mapped[str | None] = mapped_column(String(20), comment="Postal code of the bill")
    billing_country: Mapped[str | None] = mapped_column(
        String(2), comment="Country of the bill, ISO 3166-1 alpha-2"
    )
    created_time: Mapped[datetime] = moment("When it was stored, as event_time", nullable=False)
    updated_time: Mapped[datetime | None] = moment("When it last changed")
    last_used_time: Mapped[datetime | None] = moment("When it was last paid with")
    origin: Mapped[str] = origin()
    extra_data: Mapped[Any | None] = extra_data()
