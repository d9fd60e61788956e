"""What is done for an account again and again, and when it is next."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import Base, Touch, table_args, timestamp, updated_at
from entrepot.mirakl.columns import ACCOUNT_ROWS, SCHEMA, account_id


class AccountWork(Base):
    """Work that is done for an account again and again: a look at its orders, its messages, its transactions."""

    __tablename__ = "account_work"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        Touch(),
        Index("idx_account_work_next", "next_at"),
    )

    account_id: Mapped[UUID] = account_id(primary_key=True)
    work: Mapped[str] = mapped_column(String(60), primary_key=True, comment="Which work: orders, messages …")
    next_at: Mapped[datetime] = timestamp("When it is done next", nullable=False)
    leased_by: Mapped[str | None] = mapped_column(String(200), comment="Worker that is at it")
    lease_until: Mapped[datetime | None] = timestamp("When another worker may take it")
    last_at: Mapped[datetime | None] = timestamp("When it was last done and went well")
    failures: Mapped[int] = mapped_column(
        Integer, server_default="0", comment="How often it has failed since it last went well"
    )
    last_error: Mapped[str | None] = mapped_column(Text, comment="Why it failed last; null when it went well")
    updated_at: Mapped[datetime] = updated_at()
