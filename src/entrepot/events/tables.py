"""The outbox: what happened, who wants to hear of it, and how far each hearing is."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.ddl import EXTRA_SQL
from entrepot.kit.db.tables import Base, TenantRows, Touch, created_at, key, table_args, timestamp, updated_at

#: What `event_type` of an event looks like, and what `event_type` of a subscription may look like besides.
TYPE_PATTERN = r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"
SUBSCRIBED_TYPE_PATTERN = r"^(\*|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(\.\*)?)$"

# Written as PostgreSQL prints them, so that the declared default and the live one compare equal.
CURRENT_SHOP = "(NULLIF(current_setting('app.current_shop_id'::text, true), ''::text))::uuid"
CURRENT_TRACE = "NULLIF(current_setting('app.trace_id'::text, true), ''::text)"


class QueuedEvent(Base):
    """Something that happened, in a CloudEvents 1.0 envelope; never changed once written."""

    __tablename__ = "hm_event_queue"
    __table_args__ = table_args(
        "marketplace",
        "Events, written in the transaction of what they tell; a trigger makes one delivery a matching subscription",
        # One tenant an event: were both allowed, a shop could address its event to a platform that is not its own.
        CheckConstraint("num_nonnulls(shop_id, platform_id, account_id) <= 1", name="one_tenant"),
        CheckConstraint(f"event_type ~ '{TYPE_PATTERN}'", name="event_type"),
        Index("idx_event_queue_shop", "shop_id", "id"),
        Index(
            "uq_event_queue_dedupe",
            "shop_id",
            "platform_id",
            "account_id",
            "event_type",
            "dedupe_key",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("dedupe_key IS NOT NULL"),
        ),
        TenantRows(writes="append", also=("platform_id", "account_id")),
    )

    id: Mapped[UUID] = key("Identifier of the event (CloudEvents id), ordered by time (UUIDv7)")
    shop_id: Mapped[UUID | None] = mapped_column(
        Uuid,
        server_default=text(CURRENT_SHOP),
        comment="Shop whose event this is; null for a platform's and for global ones",
    )
    platform_id: Mapped[UUID | None] = mapped_column(
        Uuid, comment="Marketplace platform whose event this is; null for others' and for global ones"
    )
    event_type: Mapped[str] = mapped_column(
        String(100), comment="What happened (CloudEvents type), in dotted words: pim.import.completed"
    )
    source: Mapped[str] = mapped_column(
        String(255),
        server_default=text("'/entrepot'::character varying"),
        comment="Part of the program that says so (CloudEvents source), a URI reference",
    )
    subject: Mapped[str | None] = mapped_column(
        String(255), comment="Thing that it happened to (CloudEvents subject)"
    )
    occurred_at: Mapped[datetime] = timestamp(
        "When it happened (CloudEvents time)", nullable=False, server_default=text("now()")
    )
    datacontenttype: Mapped[str] = mapped_column(
        String(100),
        server_default=text("'application/json'::character varying"),
        comment="Media type of the payload (CloudEvents datacontenttype)",
    )
    dataschema: Mapped[str | None] = mapped_column(
        String(255), comment="Schema that the payload follows (CloudEvents dataschema), a URI"
    )
    payload: Mapped[Any] = mapped_column(
        JSONB,
        nullable=False,
        server_default=text("'{}'::jsonb"),
        comment="What is known of it (CloudEvents data)",
    )
    trace_id: Mapped[str | None] = mapped_column(
        Text, server_default=text(CURRENT_TRACE), comment="Trace of the request or job that caused it"
    )
    dedupe_key: Mapped[str | None] = mapped_column(
        String(200), comment="Key under which the tenant's event of this type is published once only"
    )
    account_id: Mapped[UUID | None] = mapped_column(
        Uuid, comment="Mirakl account whose event this is; null for others' and for global ones"
    )


class EventSubscription(Base):
    """A wish to hear of events of a type."""

    __tablename__ = "hm_event_subscription"
    __table_args__ = table_args(
        "marketplace",
        "Who wants to hear of which events; an inactive subscription gets no new deliveries and none of its old ones",
        CheckConstraint("num_nonnulls(shop_id, platform_id, account_id) <= 1", name="one_tenant"),
        CheckConstraint(f"event_type ~ '{SUBSCRIBED_TYPE_PATTERN}'", name="event_type"),
        CheckConstraint("max_attempts BETWEEN 1 AND 100", name="max_attempts"),
        UniqueConstraint(
            "shop_id",
            "platform_id",
            "account_id",
            "subscriber_endpoint",
            "event_type",
            name="uq_event_subscription",
            postgresql_nulls_not_distinct=True,
        ),
        # A tenant that could name `task://…` would have the program's own subscribers run twice on its events.
        TenantRows(writes="system"),
        Touch(),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID | None] = mapped_column(
        Uuid, comment="Shop whose events are heard of; null for events of all"
    )
    platform_id: Mapped[UUID | None] = mapped_column(
        Uuid, comment="Marketplace platform whose events are heard of; null for events of all"
    )
    event_type: Mapped[str] = mapped_column(
        String(100), comment="Type heard of: exact, every type below a prefix (pim.*), or all (*)"
    )
    subscriber_endpoint: Mapped[str] = mapped_column(
        String(255), comment="Where deliveries go: task://NAME is a subscriber within the program"
    )
    is_active: Mapped[bool] = mapped_column(
        Boolean,
        nullable=False,
        server_default=text("true"),
        comment="Whether deliveries are made and attempted",
    )
    max_attempts: Mapped[int] = mapped_column(
        SmallInteger, server_default=text("10"), comment="Attempts after which a delivery is a dead letter"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()
    account_id: Mapped[UUID | None] = mapped_column(
        Uuid, comment="Mirakl account whose events are heard of; null for events of all"
    )


class EventDelivery(Base):
    """One event on its way to one subscription, with its own attempts, lease and dead letter."""

    __tablename__ = "hm_event_delivery"
    __table_args__ = table_args(
        "marketplace",
        "One event for one subscription: attempts, backoff, lease and dead letter of its own",
        CheckConstraint("state IN ('pending', 'leased', 'delivered', 'dead')", name="state"),
        CheckConstraint(
            "(state = 'leased') = (leased_by IS NOT NULL AND lease_until IS NOT NULL)",
            name="leased_has_lease",
        ),
        Index(
            "idx_event_delivery_pending",
            "subscription_id",
            "next_retry_time",
            "event_id",
            postgresql_where=text("state = 'pending'"),
        ),
        Index("idx_event_delivery_leased", "lease_until", postgresql_where=text("state = 'leased'")),
        Index(
            "idx_event_delivery_dead", "subscription_id", "event_id", postgresql_where=text("state = 'dead'")
        ),
        TenantRows(writes="system"),
    )

    event_id: Mapped[UUID] = mapped_column(
        Uuid,
        ForeignKey("marketplace.hm_event_queue.id", ondelete="CASCADE"),
        primary_key=True,
        comment="Event that is delivered",
    )
    subscription_id: Mapped[UUID] = mapped_column(
        Uuid,
        ForeignKey("marketplace.hm_event_subscription.id", ondelete="CASCADE"),
        primary_key=True,
        comment="Subscription that it is delivered to",
    )
    shop_id: Mapped[UUID | None] = mapped_column(Uuid, comment="Shop of the event")
    platform_id: Mapped[UUID | None] = mapped_column(Uuid, comment="Marketplace platform of the event")
    state: Mapped[str] = mapped_column(
        String(20),
        server_default=text("'pending'::character varying"),
        comment="pending/leased/delivered/dead",
    )
    attempts: Mapped[int] = mapped_column(
        SmallInteger, server_default=text("0"), comment="Attempts begun since it was made or redriven"
    )
    next_retry_time: Mapped[datetime] = timestamp(
        "When a pending delivery may be attempted", nullable=False, server_default=text("now()")
    )
    leased_by: Mapped[str | None] = mapped_column(
        String(200), comment="Worker and attempt that hold it; only they may finish it"
    )
    lease_until: Mapped[datetime | None] = timestamp(
        "When the lease ends and another worker may take it", nullable=True
    )
    error_message: Mapped[str | None] = mapped_column(Text, comment="Why the last attempt failed")
    delivered_at: Mapped[datetime | None] = timestamp("When it was delivered", nullable=True)
    account_id: Mapped[UUID | None] = mapped_column(Uuid, comment="Mirakl account of the event")


#: The channel that wakes delivering workers; one notification a transaction, however much it publishes.
CHANNEL = "entrepot_events"

# Both functions act above the caller's row security on purpose: a tenant may not see who hears of its events, and
# may finish a delivery only by showing the lease. So their search path is pinned and every name in them is qualified.
FUNCTIONS = """
CREATE FUNCTION entrepot.deliver_events() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO marketplace.hm_event_delivery (event_id, subscription_id, shop_id, platform_id, account_id)
    SELECT event.id, subscription.id, event.shop_id, event.platform_id, event.account_id
    FROM published AS event
    JOIN marketplace.hm_event_subscription AS subscription
      ON subscription.is_active
     AND (subscription.shop_id IS NULL OR subscription.shop_id = event.shop_id)
     AND (subscription.platform_id IS NULL OR subscription.platform_id = event.platform_id)
     AND (subscription.account_id IS NULL OR subscription.account_id = event.account_id)
     AND (subscription.event_type = event.event_type
          OR (right(subscription.event_type, 1) = '*'
              AND starts_with(event.event_type, left(subscription.event_type, -1))));
    IF FOUND THEN
        PERFORM pg_notify('entrepot_events', '');
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER hm_event_queue_deliver AFTER INSERT ON marketplace.hm_event_queue
REFERENCING NEW TABLE AS published FOR EACH STATEMENT EXECUTE FUNCTION entrepot.deliver_events();

CREATE FUNCTION entrepot.finish_deliveries(the_subscription uuid, the_events uuid[], the_lease text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    finished integer;
BEGIN
    UPDATE marketplace.hm_event_delivery
    SET state = 'delivered', delivered_at = clock_timestamp(), leased_by = NULL, lease_until = NULL,
        error_message = NULL
    WHERE subscription_id = the_subscription AND event_id = ANY (the_events)
      AND state = 'leased' AND leased_by = the_lease;
    GET DIAGNOSTICS finished = ROW_COUNT;
    RETURN finished;
END $$;

REVOKE ALL ON FUNCTION entrepot.deliver_events(), entrepot.finish_deliveries(uuid, uuid[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION entrepot.finish_deliveries(uuid, uuid[], text) TO entrepot_app, entrepot_system;
"""

EXTRA_SQL.append(FUNCTIONS)
