"""Limits, whom they hold for, and what has been used of them."""

from datetime import datetime
from importlib import resources
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Integer, SmallInteger, String, Text, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.ddl import EXTRA_SQL
from entrepot.kit.db.tables import Base, key, one_of, table_args, timestamp
from entrepot.kit.db.views import View, declare
from entrepot.marketplace.columns import PLATFORM_ROWS, SCHEMA, platform_id, platform_reference
from entrepot.marketplace.lifecycle import Part, Versioned, guard, versioned_args
from entrepot.marketplace.lifecycle.machine import LIMIT

ALGORITHMS = ("FIXED_WINDOW", "SLIDING_WINDOW", "TOKEN_BUCKET", "CONCURRENT", "TOTAL")
RESET_PERIODS = ("SECOND", "MINUTE", "HOUR", "DAILY", "WEEKLY", "MONTHLY", "YEARLY")


class LimitDefinition(Versioned, Base):
    """A limit: how much of a resource an entity may use, and how that is counted."""

    __tablename__ = "hm_limit_definition"
    __table_args__ = versioned_args(
        SCHEMA,
        __doc__,
        LIMIT,
        "limit_key",
        one_of("algorithm", *ALGORITHMS),
        one_of("reset_period", *RESET_PERIODS),
        CheckConstraint("default_value >= 0", name="default_value"),
        CheckConstraint("num_nonnulls(reset_period, window_seconds) <= 1", name="one_window"),
        CheckConstraint("window_seconds > 0", name="window_seconds"),
        CheckConstraint("burst >= 0", name="burst"),
        CheckConstraint("warn_percent BETWEEN 1 AND 100", name="warn_percent"),
        CheckConstraint("hold_seconds > 0", name="hold_seconds"),
    )

    limit_key: Mapped[str] = mapped_column(String(100), comment="Name of the limit, such as api.requests")
    resource_type: Mapped[str] = mapped_column(String(50), comment="What is counted: PRODUCT, API, STORAGE …")
    default_value: Mapped[int] = mapped_column(
        BigInteger, server_default=text("0"), comment="The limit where no scope says another"
    )
    description: Mapped[str | None] = mapped_column(Text, comment="What it is for")
    algorithm: Mapped[str] = mapped_column(
        String(20), comment="FIXED_WINDOW/SLIDING_WINDOW/TOKEN_BUCKET/CONCURRENT/TOTAL"
    )
    reset_period: Mapped[str | None] = mapped_column(
        String(20), comment="Window by the calendar: SECOND/MINUTE/HOUR/DAILY/WEEKLY/MONTHLY/YEARLY"
    )
    window_seconds: Mapped[int | None] = mapped_column(
        Integer, comment="Window as a number of seconds, where it is no unit of the calendar"
    )
    time_zone: Mapped[str | None] = mapped_column(
        String(50), comment="Time zone (IANA) in which fixed windows begin; null for the platform's"
    )
    burst: Mapped[int | None] = mapped_column(
        BigInteger, comment="What a token bucket holds; null for as much as the limit"
    )
    warn_percent: Mapped[int | None] = mapped_column(
        SmallInteger, comment="Soft limit: from this share of the limit on, answers warn"
    )
    hold_seconds: Mapped[int | None] = mapped_column(
        Integer,
        comment="For how long a reservation or lease holds; null for 900 and 60 seconds",
    )
    context_schema: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="What the conditions of the scopes may name, and of which types"
    )


class LimitScope(Base):
    """Whom another limit holds for than the default: the entities whose context meets a condition."""

    __tablename__ = "hm_limit_scope"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_ROWS,
        platform_reference("limit_definition_id", f"{SCHEMA}.hm_limit_definition", ondelete="CASCADE"),
        CheckConstraint("override_value >= 0", name="override_value"),
        CheckConstraint("override_burst >= 0", name="override_burst"),
        Index("idx_limit_scope_definition", "platform_id", "limit_definition_id", "position", unique=True),
    )

    id: Mapped[UUID] = key()
    platform_id: Mapped[UUID] = platform_id()
    limit_definition_id: Mapped[UUID] = mapped_column(Uuid, comment="Version of the limit")
    position: Mapped[int] = mapped_column(Integer, comment="Place in the definition, from 0")
    scope_dimension: Mapped[str | None] = mapped_column(
        String(100), comment="The attribute, where the condition is one attribute with one value"
    )
    scope_value: Mapped[str | None] = mapped_column(
        String(255), comment="Its value, where the condition is one attribute with one value"
    )
    condition_json: Mapped[dict[str, Any]] = mapped_column(
        JSONB, comment='Whom it holds for, such as {"seller_tier": "GOLD"}'
    )
    override_value: Mapped[int] = mapped_column(BigInteger, comment="The limit for them")
    override_burst: Mapped[int | None] = mapped_column(
        BigInteger, comment="What their token bucket holds; null for the definition's, else the limit"
    )
    priority: Mapped[int] = mapped_column(
        Integer,
        server_default=text("0"),
        comment="Where several hold, the highest wins; then the one that fixes more attributes; then the first",
    )


guard(LimitDefinition, LIMIT, engine="limit", parts=(Part(table=LimitScope, column="limit_definition_id"),))


class LimitCounter(Base):
    """What an entity has used of a limit, a row a window; changed by the functions marketplace.limit_… only."""

    __tablename__ = "hm_limit_counter"
    # No CHECK on the algorithm: PostgreSQL prepares one anew for each statement, at a tenth of the price of consuming.
    __table_args__ = table_args(SCHEMA, __doc__, PLATFORM_ROWS)

    platform_id: Mapped[UUID] = platform_id(primary_key=True)
    limit_key: Mapped[str] = mapped_column(
        String(100, collation="C"), primary_key=True, comment="Limit that is counted"
    )
    # Before the entity, so that the entities of one window lie together: that is what dashboards read.
    window_start: Mapped[datetime] = timestamp(
        "When the window begins; 1970-01-01 for limits without fixed windows", primary_key=True
    )
    entity_id: Mapped[str] = mapped_column(
        String(200, collation="C"), primary_key=True, comment="Whose use is counted: seller, user, key …"
    )
    algorithm: Mapped[str] = mapped_column(String(20), comment="How it is counted")
    current_usage: Mapped[int] = mapped_column(
        BigInteger,
        server_default=text("0"),
        comment="What is used, with what is held; of a TOKEN_BUCKET all that was ever taken",
    )
    limit_value: Mapped[int] = mapped_column(
        BigInteger,
        comment="The limit that held when something was last taken; 2^62 where it was not enforced",
    )
    reset_time: Mapped[datetime | None] = timestamp(
        "When nothing of it counts any more: the window's end, the last slice's, a TOKEN_BUCKET's theoretical "
        "arrival time; null for those that never reset",
        nullable=True,
    )
    slice: Mapped[int | None] = mapped_column(
        BigInteger, comment="SLIDING_WINDOW: number of the slice that runs, counted from 1970"
    )
    slices: Mapped[list[int] | None] = mapped_column(
        ARRAY(BigInteger), comment="SLIDING_WINDOW: use in the slice that runs (last) and the 20 before it"
    )
    next_expiry: Mapped[datetime | None] = timestamp(
        "Not after the first moment at which something held expires", nullable=True
    )


class LimitReservation(Base):
    """What is held of a limit under an id: a reservation, a lease, or a request that is not to count twice."""

    __tablename__ = "hm_limit_reservation"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        PLATFORM_ROWS,
        one_of("kind", "RESERVATION", "LEASE", "REQUEST"),
        one_of("state", "HELD", "COMMITTED", "RELEASED", "EXPIRED"),
        CheckConstraint("amount > 0", name="amount"),
        Index(
            "idx_limit_reservation_held",
            "platform_id",
            "limit_key",
            "window_start",
            "entity_id",
            "expires_at",
            postgresql_where=text("state = 'HELD'"),
        ),
        Index("idx_limit_reservation_expiry", "expires_at", postgresql_where=text("state = 'HELD'")),
        Index("idx_limit_reservation_recent", "platform_id", "limit_key", "taken_at"),
        Index("idx_limit_reservation_taken", "taken_at", postgresql_using="brin"),
    )

    platform_id: Mapped[UUID] = platform_id(primary_key=True)
    id: Mapped[UUID] = mapped_column(
        Uuid,
        primary_key=True,
        server_default=text("uuidv7()"),
        comment="Identifier, which the caller may choose",
    )
    limit_key: Mapped[str] = mapped_column(String(100, collation="C"), comment="Limit of which it is held")
    window_start: Mapped[datetime] = timestamp("Window of the counter")
    entity_id: Mapped[str] = mapped_column(String(200, collation="C"), comment="For whom")
    kind: Mapped[str] = mapped_column(
        String(20),
        comment="RESERVATION is committed or released, LEASE renewed or released, REQUEST counts at once",
    )
    state: Mapped[str] = mapped_column(
        String(20), server_default=text("'HELD'"), comment="HELD/COMMITTED/RELEASED/EXPIRED"
    )
    amount: Mapped[int] = mapped_column(BigInteger, comment="How much was taken")
    taken_at: Mapped[datetime] = timestamp("When it was taken", server_default=text("now()"))
    expires_at: Mapped[datetime | None] = timestamp("When what is held is given back", nullable=True)
    slice: Mapped[int | None] = mapped_column(
        BigInteger, comment="SLIDING_WINDOW: number of the slice in which it counts"
    )
    worth_until: Mapped[datetime | None] = timestamp(
        "When giving it back stops to change anything; null for never", nullable=True
    )
    settled_at: Mapped[datetime | None] = timestamp(
        "When it was committed, released or expired", nullable=True
    )
    settled_amount: Mapped[int | None] = mapped_column(BigInteger, comment="How much of it stays counted")


# Rows are changed in place, thousands of times between two vacuums: room for the new versions on the page keeps every
# change off the index, since none of the indexed columns ever changes.
STORAGE = """
ALTER TABLE marketplace.hm_limit_counter SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
"""

EXTRA_SQL.append(STORAGE)
EXTRA_SQL.append(resources.files(__package__).joinpath("functions.sql").read_text(encoding="utf-8"))

_QUOTA = """
    SELECT d.platform_id, d.id AS limit_definition_id, d.limit_key, d.resource_type, s.scope_dimension, s.scope_value,
           s.condition_json, coalesce(s.override_value, d.default_value) AS quota, d.algorithm, d.reset_period,
           d.window_seconds, {burst}d.warn_percent, coalesce(s.priority, 0) AS priority, d.state
    FROM marketplace.hm_limit_definition AS d
    LEFT JOIN LATERAL (
        SELECT NULL::text AS scope_dimension, NULL::text AS scope_value, '{{}}'::jsonb AS condition_json,
               NULL::bigint AS override_value, NULL::bigint AS override_burst, NULL::integer AS priority
        UNION ALL
        SELECT o.scope_dimension, o.scope_value, o.condition_json, o.override_value, o.override_burst, o.priority
        FROM marketplace.hm_limit_scope AS o
        WHERE o.platform_id = d.platform_id AND o.limit_definition_id = d.id
    ) AS s ON true
    WHERE d.state IN ('ACTIVE', 'SUSPENDED') AND {which}
"""
_COLUMNS = {
    "platform_id": "Tenant",
    "limit_definition_id": "Version of the limit that is live",
    "limit_key": "Name of the limit",
    "resource_type": "What is counted",
    "scope_dimension": "Attribute of those that it holds for; null for everybody, or for a longer condition",
    "scope_value": "Value of that attribute",
    "condition_json": "Whom it holds for; {} for everybody",
    "quota": "The limit for them",
    "algorithm": "How it is counted",
    "reset_period": "Window by the calendar",
    "window_seconds": "Window in seconds",
    "warn_percent": "Soft limit, as a share of the limit",
    "priority": "Where several hold, the highest wins",
    "state": "ACTIVE or SUSPENDED",
}

declare(
    View(
        SCHEMA,
        "hm_tenant_quota",
        "Quotas: the live limits and their scopes, but those on the rate of requests.",
        _QUOTA.format(burst="", which="d.resource_type <> 'API'"),
        _COLUMNS,
    ),
    View(
        SCHEMA,
        "hm_api_rate_limit",
        "Rate limits: the live limits of resource type API and their scopes.",
        _QUOTA.format(
            burst="coalesce(s.override_burst, d.burst) AS burst, ", which="d.resource_type = 'API'"
        ),
        _COLUMNS | {"burst": "What a token bucket holds; null for as much as the limit"},
    ),
)
