"""The connection to Shopify: webhooks, how far each resource is mirrored, and metaobjects."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Index, Integer, String, Text, Uuid, text
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


class ShopifyMetaobject(Base):
    """A metaobject of a shop: content of a type that the merchant defined."""

    __tablename__ = "shopify_metaobjects"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        Index("idx_metaobjects_shop_gid", "shop_id", "shopify_gid", unique=True),
        Index("idx_metaobjects_shop_type", "shop_id", "type"),
        Index("idx_metaobjects_shop_handle", "shop_id", "type", "handle"),
        Index(
            "idx_metaobjects_fields",
            "fields",
            postgresql_using="gin",
            postgresql_ops={"fields": "jsonb_path_ops"},
        ),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    shopify_gid: Mapped[str] = mapped_column(
        String(100), comment="Shopify's global identifier, gid://shopify/Metaobject/123"
    )
    type: Mapped[str] = mapped_column(String(100), comment="Type of metaobject")
    handle: Mapped[str] = mapped_column(String(255), comment="Name, unique within its type")
    display_name: Mapped[str | None] = mapped_column(Text, comment="Name as Shopify shows it")
    fields: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="Fields: {key: {type, value}}")
    capabilities: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, server_default=text("'{}'"), comment="What the type can do, such as being published"
    )
    synced_at: Mapped[datetime | None] = timestamp(
        "When the mirror last read it from Shopify", server_default=text("now()")
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ShopifyWebhook(Base):
    """A subscription to a topic of a shop's webhooks."""

    __tablename__ = "shopify_webhooks"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Index("idx_webhooks_shop_gid", "shop_id", "shopify_gid", unique=True),
        Index("idx_webhooks_shop_topic", "shop_id", "topic"),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    shopify_gid: Mapped[str] = mapped_column(
        String(100), comment="Shopify's global identifier, gid://shopify/WebhookSubscription/123"
    )
    topic: Mapped[str] = mapped_column(String(100), comment="What is subscribed to, such as orders/create")
    address: Mapped[str] = mapped_column(Text, comment="Where Shopify delivers")
    format: Mapped[str | None] = mapped_column(
        String(10), server_default=text("'json'"), comment="Format of the deliveries"
    )
    api_version: Mapped[str | None] = mapped_column(String(20), comment="API version of the deliveries")
    include_fields: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), comment="Fields that are delivered; null for all"
    )
    metafield_namespaces: Mapped[list[str] | None] = mapped_column(
        ARRAY(Text), comment="Metafield namespaces that are delivered"
    )
    created_at: Mapped[datetime] = created_at()


class WebhookEvent(Base):
    """A webhook that arrived, and what became of it."""

    __tablename__ = "webhook_events"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(shared_nulls=True),
        Partitions("created_at", retain=timedelta(days=90)),
        Index(
            "idx_webhook_events_unprocessed",
            "shop_id",
            "received_at",
            postgresql_where=text("processed_at IS NULL"),
        ),
        Index("idx_webhook_events_topic", "shop_id", "topic"),
        Index(
            "idx_webhook_events_idempotency",
            "idempotency_key",
            postgresql_where=text("idempotency_key IS NOT NULL"),
        ),
        Index(
            "idx_webhook_events_payload",
            "payload",
            postgresql_using="gin",
            postgresql_ops={"payload": "jsonb_path_ops"},
        ),
    )

    id: Mapped[UUID] = key("Identifier of the event")
    shop_id: Mapped[UUID | None] = shop_id("Tenant; null while the shop is unknown", nullable=True)
    topic: Mapped[str] = mapped_column(String(100), comment="Topic, such as orders/create")
    shopify_webhook_id: Mapped[str | None] = mapped_column(
        String(100), comment="Shopify's identifier of the delivery"
    )
    api_version: Mapped[str | None] = mapped_column(String(20), comment="API version of the payload")
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB, comment="Body, whole")
    hmac_verified: Mapped[bool] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether the signature was right"
    )
    received_at: Mapped[datetime | None] = timestamp("When it arrived", server_default=text("now()"))
    processed_at: Mapped[datetime | None] = timestamp("When it was processed; null while it waits")
    processing_error: Mapped[str | None] = mapped_column(Text, comment="Why processing failed")
    job_id: Mapped[str | None] = mapped_column(String(255), comment="Job that processes it")
    idempotency_key: Mapped[str | None] = mapped_column(
        String(255),
        comment="What makes a second delivery recognizable; webhook_event_keys decides which was first",
    )
    retry_count: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Number of attempts"
    )
    created_at: Mapped[datetime] = timestamp(
        "When the row was written; chooses the partition", primary_key=True, server_default=text("now()")
    )


class WebhookEventKey(Base):
    """The first webhook event with an idempotency key; a second one finds its key taken."""

    __tablename__ = "webhook_event_keys"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Index("idx_webhook_event_keys_created", "created_at"),
    )

    shop_id: Mapped[UUID] = shop_id(primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(
        String(255), primary_key=True, comment="Deduplication key of the webhook"
    )
    event_id: Mapped[UUID] = mapped_column(Uuid, comment="The event in webhook_events")
    created_at: Mapped[datetime] = created_at(
        "When the event arrived; the same as in webhook_events, and what pruning goes by", nullable=False
    )


class SyncCheckpoint(Base):
    """How far a kind of resource of a shop is mirrored."""

    __tablename__ = "sync_checkpoints"
    __table_args__ = table_args(
        "pim",
        __doc__,
        TenantRows(),
        Touch(),
        one_of(
            "resource_type",
            "products",
            "variants",
            "media",
            "collections",
            "customers",
            "orders",
            "metaobjects",
            "publications",
            "locations",
            "inventory",
            "menus",
        ),
        one_of("status", "idle", "running", "error"),
        Index("idx_checkpoints_shop_resource", "shop_id", "resource_type", unique=True),
    )

    id: Mapped[UUID] = key()
    shop_id: Mapped[UUID] = shop_id()
    resource_type: Mapped[str] = mapped_column(String(50), comment="Kind of resource")
    last_sync_at: Mapped[datetime] = timestamp("When it was last mirrored")
    last_cursor: Mapped[str | None] = mapped_column(String(255), comment="Where the next read starts")
    records_synced: Mapped[int | None] = mapped_column(
        Integer, server_default=text("0"), comment="Number of records that were read"
    )
    status: Mapped[str | None] = mapped_column(
        String(20), server_default=text("'idle'"), comment="Whether it is being mirrored"
    )
    error_message: Mapped[str | None] = mapped_column(Text, comment="What went wrong, when it failed")
    metadata_: Mapped[dict[str, Any] | None] = mapped_column(
        "metadata", JSONB, server_default=text("'{}'"), comment="Further details"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()
