"""The inbox of failures, and the record of every call to an outside service."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, CheckConstraint, Index, Integer, String, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import Base, Partitions, Touch, key, one_of, table_args, timestamp, updated_at
from entrepot.mirakl.columns import ACCOUNT_LOG, ACCOUNT_ROWS, SCHEMA, account_id
from entrepot.mirakl.values import FAILURE_KINDS, FAILURE_STATES


class ApiCall(Base):
    """A call to an outside service; secrets and personal data are redacted, bodies are bounded."""

    __tablename__ = "api_calls"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_LOG,
        Partitions("timestamp", span="month", ahead=1, retain=timedelta(days=365)),
        one_of("outcome", "done", "transient", "permanent", "unknown"),
        Index("idx_api_call_related", "account_id", "related_id", "timestamp"),
        Index("idx_api_call_service", "account_id", "service", "timestamp"),
    )

    call_id: Mapped[UUID] = key("Call")
    account_id: Mapped[UUID] = account_id()
    timestamp: Mapped[datetime] = timestamp(
        "When it was made", primary_key=True, server_default=text("clock_timestamp()")
    )
    service: Mapped[str] = mapped_column(String(50), comment="Service that was called: Mirakl, CanadaPost")
    operation: Mapped[str] = mapped_column(
        String(20), comment="Its name for the call: OR11, M12, CreateShipment"
    )
    method: Mapped[str] = mapped_column(String(10), comment="HTTP method")
    endpoint: Mapped[str] = mapped_column(Text, comment="Address without secrets")
    related_id: Mapped[str | None] = mapped_column(
        String(255), comment="Order, thread or shipment that it was for"
    )
    request_payload: Mapped[Any | None] = mapped_column(JSONB, comment='What was sent; XML as {"xml": text}')
    response_body: Mapped[str | None] = mapped_column(Text, comment="What came back, at most 16 KiB")
    response_bytes: Mapped[int | None] = mapped_column(Integer, comment="Size of what came back")
    status_code: Mapped[int | None] = mapped_column(Integer, comment="HTTP status; null: no answer")
    is_success: Mapped[bool] = mapped_column(Boolean, comment="Whether it did what was asked")
    outcome: Mapped[str] = mapped_column(String(20), comment="done/transient/permanent/unknown")
    duration_ms: Mapped[int | None] = mapped_column(Integer, comment="Milliseconds until the answer")
    trace_id: Mapped[str | None] = mapped_column(Text, comment="Trace of the job or request that made it")


class ProcessFailure(Base):
    """Something that went wrong and is somebody's business: what, why, what happens next."""

    __tablename__ = "process_failures"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        Touch(),
        one_of("state", *FAILURE_STATES),
        one_of("kind", *FAILURE_KINDS),
        CheckConstraint("(state = 'resolved') = (resolved_at IS NOT NULL)", name="resolved"),
        UniqueConstraint("account_id", "failure_id", name="uq_process_failure_id"),
        # One open failure a step of a thing: what fails again is counted, not listed again.
        Index(
            "uq_process_failure_open",
            "account_id",
            "related_id",
            "process_name",
            unique=True,
            postgresql_where=text("state <> 'resolved'"),
        ),
        Index("idx_process_failure_state", "account_id", "state", "timestamp"),
    )

    failure_id: Mapped[UUID] = key("Failure")
    account_id: Mapped[UUID] = account_id()
    related_id: Mapped[str] = mapped_column(
        String(255), comment="Order, shipment, message or listing that it is about"
    )
    order_id: Mapped[str | None] = mapped_column(String(255), comment="Order, where there is one")
    process_name: Mapped[str] = mapped_column(
        String(100), comment="Step that failed: OrderAcceptance, ShippingLabelCreation …"
    )
    kind: Mapped[str] = mapped_column(String(20), comment="/".join(FAILURE_KINDS))
    details: Mapped[str] = mapped_column(Text, comment="What went wrong and why, for people")
    next_step: Mapped[str | None] = mapped_column(
        Text, comment="What happens next, or what a person should do"
    )
    payload: Mapped[Any | None] = mapped_column(JSONB, comment="What is needed to try again, without secrets")
    state: Mapped[str] = mapped_column(
        String(20), server_default=text("'open'"), comment="/".join(FAILURE_STATES)
    )
    times: Mapped[int] = mapped_column(Integer, server_default=text("1"), comment="How often it has failed")
    next_attempt_at: Mapped[datetime | None] = timestamp(
        "When it is tried again by itself; null: a person decides"
    )
    resolved_at: Mapped[datetime | None] = timestamp("When it was resolved")
    resolved_by: Mapped[UUID | None] = mapped_column(
        Uuid, comment="Person who resolved it; null: it resolved itself"
    )
    resolution: Mapped[str | None] = mapped_column(Text, comment="How")
    timestamp: Mapped[datetime] = timestamp(
        "When it first failed", nullable=False, server_default=text("clock_timestamp()")
    )
    updated_at: Mapped[datetime] = updated_at()
