"""Accounts on marketplaces and with carriers, and who works in them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import CITEXT, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import (
    Audit,
    Base,
    TenantRows,
    Touch,
    created_at,
    key,
    one_of,
    sealed,
    table_args,
    timestamp,
    updated_at,
)
from entrepot.mirakl.columns import ACCOUNT_ROWS, SCHEMA, account_id

ROLES = ("viewer", "operator", "admin")


class Account(Base):
    """A seller's account on one Mirakl marketplace: the tenant of every row that carries it as account_id."""

    __tablename__ = "accounts"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        TenantRows(column="id", tenant="account_id"),
        Touch(),
        Audit(),
        CheckConstraint("account_code ~ '^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$'", name="account_code"),
        CheckConstraint("api_url ~ '^https?://'", name="api_url"),
        CheckConstraint("poll_seconds BETWEEN 10 AND 86400", name="poll_seconds"),
        Index("uq_account_code", "account_code", unique=True),
    )

    id: Mapped[UUID] = key("Identifier, and the tenant of every row that carries it as account_id")
    account_code: Mapped[str] = mapped_column(CITEXT, comment="Short name in addresses and commands")
    marketplace: Mapped[str] = mapped_column(String(100), comment="Name of the marketplace")
    api_url: Mapped[str] = mapped_column(Text, comment="Root of its API, without a slash at the end")
    api_key: Mapped[bytes] = sealed(
        "Key of the API, sealed (AES-256-GCM) with the program's keyring", tenant="id"
    )
    mirakl_shop_id: Mapped[int | None] = mapped_column(
        Integer, comment="Number of the seller's shop on the marketplace"
    )
    currency_code: Mapped[str] = mapped_column(
        String(3), server_default=text("'CAD'"), comment="Currency, ISO 4217"
    )
    time_zone: Mapped[str] = mapped_column(
        String(64), server_default=text("'UTC'"), comment="Time zone (IANA) of business hours and deadlines"
    )
    is_active: Mapped[bool] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether it is polled"
    )
    poll_seconds: Mapped[int] = mapped_column(
        Integer, server_default=text("300"), comment="Seconds between two looks at the marketplace"
    )
    orders_updated_since: Mapped[datetime | None] = timestamp("Up to where orders were taken in")
    threads_updated_since: Mapped[datetime | None] = timestamp("Up to where messages were taken in")
    transactions_since: Mapped[datetime | None] = timestamp("Up to where transaction logs were taken in")
    settings: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="Rules of acceptance, hours of business, templates"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class AccountMember(Base):
    """A person who works in an account, and what they may do there."""

    __tablename__ = "account_members"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        Touch(),
        Audit(),
        one_of("role", *ROLES),
        UniqueConstraint("account_id", "user_id", name="uq_account_member"),
        Index("idx_account_member_user", "user_id"),
    )

    id: Mapped[UUID] = key()
    account_id: Mapped[UUID] = account_id()
    user_id: Mapped[UUID] = mapped_column(Uuid, comment="The person (pim.staff_users)")
    role: Mapped[str] = mapped_column(String(20), comment="/".join(ROLES))
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class CarrierAccount(Base):
    """What is needed to buy labels of a carrier."""

    __tablename__ = "carrier_accounts"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        Touch(),
        Audit(),
        UniqueConstraint("account_id", "carrier", name="uq_carrier_account"),
        UniqueConstraint("account_id", "id", name="uq_carrier_account_id"),
    )

    id: Mapped[UUID] = key()
    account_id: Mapped[UUID] = account_id()
    carrier: Mapped[str] = mapped_column(String(40), comment="Which carrier: canada-post")
    api_url: Mapped[str] = mapped_column(Text, comment="Root of its API")
    credentials: Mapped[bytes] = sealed("User and password, sealed with the program's keyring")
    customer_number: Mapped[str] = mapped_column(String(20), comment="Our number with the carrier")
    contract_id: Mapped[str | None] = mapped_column(String(20), comment="Contract that is charged")
    service_code: Mapped[str] = mapped_column(
        String(20),
        server_default=text("'DOM.EP'"),
        comment="Service that is bought unless an order asks for another",
    )
    marketplace_carrier_code: Mapped[str] = mapped_column(
        String(40), server_default=text("'CPCL'"), comment="What the marketplace calls the carrier (OR23)"
    )
    sender: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="Name, company and address on the label")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()
