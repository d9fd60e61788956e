"""How web pages are read, and what outside services cost."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, ForeignKey, Index, Integer, Numeric, String, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import (
    Base,
    GlobalRows,
    Partitions,
    TenantRows,
    Touch,
    created_at,
    key,
    one_of,
    secret,
    table_args,
    timestamp,
    updated_at,
)
from entrepot.pim.columns import shop_id


class ScraperConfig(Base):
    """How the pages of a source are read."""

    __tablename__ = "scraper_configs"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        Touch(),
        one_of("scraper_type", "CHEERIO", "PLAYWRIGHT", "PUPPETEER"),
        Index("idx_scraper_configs_source", "source_id"),
        Index("idx_scraper_configs_active", "is_active", "scraper_type"),
    )

    id: Mapped[UUID] = key()
    source_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey("pim.prod_sources.id"), comment="Source")
    name: Mapped[str] = mapped_column(String(100), comment="Name of the configuration")
    scraper_type: Mapped[str] = mapped_column(String(50), comment="Kind of reader")
    target_url_pattern: Mapped[str] = mapped_column(
        Text, comment="Regular expression of the addresses that it reads"
    )
    selectors: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="CSS or XPath selectors of the fields")
    pagination_config: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="How further pages are found: {type, selector, maxPages}"
    )
    rate_limit: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="How fast it may ask: {requestsPerSecond, minDelay}"
    )
    retry_config: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="How often it tries again: {maxRetries, backoffMs}"
    )
    headers: Mapped[dict[str, Any] | None] = secret(
        JSONB, "Headers that it sends", server_default=text("'{}'")
    )
    cookies: Mapped[dict[str, Any] | None] = secret(
        JSONB, "Cookies that it sends", server_default=text("'{}'")
    )
    proxy_config: Mapped[dict[str, Any] | None] = secret(JSONB, "Proxy that it goes through")
    is_active: Mapped[bool | None] = mapped_column(
        Boolean, server_default=text("true"), comment="Whether it is used"
    )
    last_run_at: Mapped[datetime | None] = timestamp("When it last ran")
    success_rate: Mapped[Decimal | None] = mapped_column(
        Numeric(5, 2), comment="Share of pages that were read, in percent"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ScraperRun(Base):
    """One run of a scraper."""

    __tablename__ = "scraper_runs"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        one_of("status", "pending", "running", "completed", "failed", "cancelled"),
        one_of("trigger_type", "manual", "scheduled", "webhook"),
        Index("idx_scraper_runs_config", "config_id", text("created_at DESC")),
        Index("idx_scraper_runs_status", "status", text("created_at DESC")),
        Index("idx_scraper_runs_source", "source_id", text("created_at DESC")),
    )

    id: Mapped[UUID] = key()
    config_id: Mapped[UUID] = mapped_column(
        Uuid, ForeignKey("pim.scraper_configs.id", ondelete="CASCADE"), comment="Configuration"
    )
    source_id: Mapped[UUID] = mapped_column(Uuid, ForeignKey("pim.prod_sources.id"), comment="Source")
    status: Mapped[str] = mapped_column(String(20), server_default=text("'pending'"), comment="How far it is")
    trigger_type: Mapped[str | None] = mapped_column(String(30), comment="What started it")
    target_urls: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), comment="Addresses to read; null for the configuration's own"
    )
    pages_crawled: Mapped[int | None] = mapped_column(Integer, server_default=text("0"), comment="Pages read")
    products_found: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Products found"
    )
    products_updated: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Products changed"
    )
    errors_count: Mapped[int | None] = mapped_column(Integer, server_default=text("0"), comment="Errors")
    error_log: Mapped[list[dict[str, Any]] | None] = mapped_column(
        JSONB, server_default=text("'[]'"), comment="Errors: [{url, error, timestamp}]"
    )
    started_at: Mapped[datetime | None] = timestamp("When it started")
    completed_at: Mapped[datetime | None] = timestamp("When it ended")
    duration_ms: Mapped[int | None] = mapped_column(Integer, comment="How long it took, in milliseconds")
    memory_peak_mb: Mapped[int | None] = mapped_column(
        Integer, comment="Most memory that it used, in megabytes"
    )
    created_at: Mapped[datetime] = created_at()


class ScraperQueueItem(Base):
    """An address waiting to be read."""

    __tablename__ = "scraper_queue"
    __table_args__ = table_args(
        "pim",
        __doc__,
        GlobalRows(),
        one_of("status", "pending", "processing", "completed", "failed"),
        Index(
            "idx_scraper_queue_pending",
            "config_id",
            text("priority DESC"),
            "created_at",
            postgresql_where=text("status = 'pending'"),
        ),
        Index("idx_scraper_queue_url", "url"),
        Index("idx_scraper_queue_next", "next_attempt_at", postgresql_where=text("status = 'pending'")),
    )

    id: Mapped[UUID] = key()
    config_id: Mapped[UUID] = mapped_column(
        Uuid, ForeignKey("pim.scraper_configs.id", ondelete="CASCADE"), comment="Configuration"
    )
    url: Mapped[str] = mapped_column(Text, comment="Address")
    priority: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Which is read first; higher wins"
    )
    depth: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Links from the seed"
    )
    parent_url: Mapped[str | None] = mapped_column(Text, comment="Page that linked to it")
    status: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'pending'"), comment="How far it is"
    )
    attempts: Mapped[int | None] = mapped_column(Integer, server_default=text("0"), comment="Attempts so far")
    max_attempts: Mapped[int | None] = mapped_column(
        Integer, server_default=text("3"), comment="Attempts allowed"
    )
    last_attempt_at: Mapped[datetime | None] = timestamp("When it was last tried")
    next_attempt_at: Mapped[datetime | None] = timestamp("Not before this time")
    error_message: Mapped[str | None] = mapped_column(Text, comment="What went wrong, when it failed")
    created_at: Mapped[datetime] = created_at()


class ApiUsageLog(Base):
    """What requests to an outside service cost."""

    __tablename__ = "api_usage_log"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(shared_nulls=True),
        Partitions("created_at", retain=timedelta(days=730)),
        Index("idx_api_usage_provider_date", "api_provider", "created_at"),
        Index("idx_api_usage_product", "product_id", postgresql_where=text("product_id IS NOT NULL")),
        Index("idx_api_usage_shop", "shop_id", "created_at", postgresql_where=text("shop_id IS NOT NULL")),
        Index(
            "idx_api_usage_cost", "created_at", "estimated_cost", postgresql_where=text("estimated_cost > 0")
        ),
        Index(
            "idx_api_usage_errors", "api_provider", "created_at", postgresql_where=text("http_status >= 400")
        ),
    )

    id: Mapped[UUID] = key()
    api_provider: Mapped[str] = mapped_column(String(50), comment="Service, such as google")
    endpoint: Mapped[str] = mapped_column(String(100), comment="Path that was called")
    request_count: Mapped[int] = mapped_column(
        Integer, server_default=text("1"), comment="Requests in this entry"
    )
    tokens_input: Mapped[int | None] = mapped_column(Integer, comment="Tokens sent to a model")
    tokens_output: Mapped[int | None] = mapped_column(Integer, comment="Tokens that a model returned")
    estimated_cost: Mapped[Decimal | None] = mapped_column(
        Numeric(14, 8), comment="Estimated cost, in US dollars"
    )
    http_status: Mapped[int | None] = mapped_column(Integer, comment="Status of the answer")
    response_time_ms: Mapped[int | None] = mapped_column(Integer, comment="How long it took, in milliseconds")
    job_id: Mapped[str | None] = mapped_column(String(255), comment="Job that asked")
    product_id: Mapped[UUID | None] = mapped_column(
        Uuid, ForeignKey("pim.prod_master.id", ondelete="SET NULL"), comment="Golden record that it was for"
    )
    shop_id: Mapped[UUID | None] = shop_id("Shop that it was for", nullable=True)
    error_message: Mapped[str | None] = mapped_column(Text, comment="What went wrong, when it failed")
    metadata_: Mapped[dict[str, Any] | None] = mapped_column(
        "metadata", JSONB, server_default=text("'{}'"), comment="Further details"
    )
    created_at: Mapped[datetime] = timestamp(
        "When the row was written; chooses the partition", primary_key=True, server_default=text("now()")
    )
