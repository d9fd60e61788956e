"""Jobs that ran, jobs that run by the clock, and the allowance at the Shopify API."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Index, Integer, Numeric, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import (
    Base,
    Partitions,
    TenantRows,
    Touch,
    created_at,
    key,
    one_of,
    table_args,
    timestamp,
    updated_at,
)
from entrepot.pim.columns import shop_id


class JobRun(Base):
    """A job that waits, runs or ran."""

    __tablename__ = "job_runs"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(shared_nulls=True),
        one_of("status", "waiting", "active", "completed", "failed"),
        Index("idx_jobs_queue", "queue_name", "status"),
        Index("idx_jobs_shop", "shop_id", "status"),
        Index("idx_jobs_bullmq", "queue_name", "job_id"),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID | None] = shop_id("Shop that it is for; null for the installation", nullable=True)
    queue_name: Mapped[str] = mapped_column(String(100), comment="Queue")
    job_id: Mapped[str] = mapped_column(String(255), comment="Identifier of the job in its queue")
    job_name: Mapped[str] = mapped_column(String(100), comment="What the job does")
    status: Mapped[str] = mapped_column(String(20), comment="How far it is")
    priority: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Which runs first; higher wins"
    )
    attempts: Mapped[int | None] = mapped_column(Integer, server_default=text("0"), comment="Attempts so far")
    max_attempts: Mapped[int | None] = mapped_column(
        Integer, server_default=text("3"), comment="Attempts allowed"
    )
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="What the job was given")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB, comment="What the job returned")
    error_message: Mapped[str | None] = mapped_column(Text, comment="Error of the last attempt")
    error_stack: Mapped[str | None] = mapped_column(Text, comment="Where in the program it arose")
    started_at: Mapped[datetime | None] = timestamp("When the last attempt started")
    completed_at: Mapped[datetime | None] = timestamp("When it succeeded")
    failed_at: Mapped[datetime | None] = timestamp("When it failed for good")
    created_at: Mapped[datetime] = created_at()


class ScheduledTask(Base):
    """A job that runs by the clock."""

    __tablename__ = "scheduled_tasks"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(shared_nulls=True),
        Touch(),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID | None] = shop_id("Shop that it is for; null for the installation", nullable=True)
    task_name: Mapped[str] = mapped_column(String(100), comment="What runs")
    cron_expression: Mapped[str] = mapped_column(
        String(100), comment="When it runs, as five cron fields in UTC"
    )
    queue_name: Mapped[str] = mapped_column(String(100), comment="Queue that it is put into")
    job_data: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="What the job is given"
    )
    is_active: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether it runs"
    )
    last_run_at: Mapped[datetime | None] = timestamp("When it last ran")
    next_run_at: Mapped[datetime | None] = timestamp("When it runs next")
    run_count: Mapped[int | None] = mapped_column(Integer, server_default=text("0"), comment="Runs so far")
    error_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Runs that failed"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class RateLimitBucket(Base):
    """A shop's allowance at the Shopify API, as a token bucket."""

    __tablename__ = "rate_limit_buckets"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
    )

    shop_id: Mapped[UUID] = shop_id("Tenant; one bucket a shop", primary_key=True)
    tokens_remaining: Mapped[Decimal] = mapped_column(
        Numeric(10, 2), server_default=text("1000"), comment="Tokens left at last_refill_at"
    )
    max_tokens: Mapped[Decimal] = mapped_column(
        Numeric(10, 2), server_default=text("1000"), comment="Most tokens that it holds"
    )
    refill_rate: Mapped[Decimal] = mapped_column(
        Numeric(10, 4), server_default=text("2.0"), comment="Tokens that come back a second"
    )
    last_refill_at: Mapped[datetime] = timestamp(
        "When tokens_remaining was right", server_default=text("now()")
    )
    locked_until: Mapped[datetime | None] = timestamp("No request before this time")
    consecutive_429_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Refusals in a row"
    )
    updated_at: Mapped[datetime] = updated_at()


class ApiCostTracking(Base):
    """What one request to the Shopify API cost."""

    __tablename__ = "api_cost_tracking"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Partitions("created_at", span="day", ahead=7, retain=timedelta(days=7)),
        Index("idx_api_cost_shop_date", "shop_id", text("requested_at DESC")),
        Index(
            "idx_api_cost_throttled",
            "shop_id",
            "throttle_status",
            postgresql_where=text("throttle_status IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    operation_type: Mapped[str] = mapped_column(String(50), comment="Which query it was")
    query_hash: Mapped[str | None] = mapped_column(String(64), comment="SHA-256 of the query")
    actual_cost: Mapped[int] = mapped_column(Integer, comment="Points that it cost")
    throttle_status: Mapped[str | None] = mapped_column(
        String(20), comment="THROTTLED when the limit was hit"
    )
    available_cost: Mapped[int | None] = mapped_column(Integer, comment="Points left afterwards")
    restore_rate: Mapped[Decimal | None] = mapped_column(
        Numeric(10, 2), comment="Points that come back a second"
    )
    requested_at: Mapped[datetime | None] = timestamp("When it was sent", server_default=text("now()"))
    response_time_ms: Mapped[int | None] = mapped_column(Integer, comment="How long it took, in milliseconds")
    created_at: Mapped[datetime] = timestamp(
        "When the row was written; chooses the partition", primary_key=True, server_default=text("now()")
    )
