"""Transaction logs of a marketplace."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import Base, created_at, table_args, timestamp
from entrepot.mirakl.columns import ACCOUNT_ROWS, SCHEMA, account_id, money


class TransactionLog(Base):
    """A line of a marketplace's account with the seller."""

    __tablename__ = "transaction_logs"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        Index("idx_transaction_log_order", "account_id", "order_id"),
        Index("idx_transaction_log_date", "account_id", "date_created"),
    )

    account_id: Mapped[UUID] = account_id(primary_key=True)
    transaction_id: Mapped[str] = mapped_column(
        String(255), primary_key=True, comment="The marketplace's identifier"
    )
    transaction_type: Mapped[str] = mapped_column(
        String(60),
        comment="What it is: ORDER_AMOUNT, COMMISSION_FEE, … ; one that we do not know is kept and listed",
    )
    order_id: Mapped[str | None] = mapped_column(String(255), comment="Order that it is for, taken in or not")
    order_line_id: Mapped[str | None] = mapped_column(String(255), comment="Line that it is for")
    amount: Mapped[Decimal] = money("What is added to (positive) or taken from the seller's balance")
    currency_code: Mapped[str] = mapped_column(String(3), comment="Currency, ISO 4217")
    payment_state: Mapped[str | None] = mapped_column(String(40), comment="Whether it has been paid out")
    date_created: Mapped[datetime] = timestamp("When the marketplace wrote it", nullable=False)
    last_updated: Mapped[datetime] = timestamp(
        "When the marketplace last changed it; an older reading changes nothing", nullable=False
    )
    raw_data: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="The line as the API gave it, unchanged")
    created_at: Mapped[datetime] = created_at("When it was taken in")
