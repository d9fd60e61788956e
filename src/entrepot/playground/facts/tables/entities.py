"""The registry of everything there is, and the log of everything that happens."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, String, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import Base, SystemRows, one_of, table_args
from entrepot.playground.columns import (
    DAILY,
    HOURLY,
    SCHEMA,
    event_time,
    extra_data,
    identifier,
    known_origin,
    moment,
    money,
    origin,
    partition_key,
    pointed_time,
    pointer,
    reference,
)
from entrepot.playground.values import ENTITY_TYPES, EVENT_TYPES


class GlobalEntity(Base):
    """An entry of the registry: what an id is, and since when."""

    __tablename__ = "global_entities"
    __table_args__ = table_args(
        SCHEMA,
        "Registry of every entity: of what type an id is, when it came to be, when it was closed",
        known_origin(),
        one_of("entity_type", *ENTITY_TYPES),
        CheckConstraint("created_time = event_time", name="created_time"),
        CheckConstraint("deactivated_time >= created_time", name="deactivated_time"),
        Index("idx_global_entities_entity", "entity_id"),
        Index("idx_global_entities_type", "entity_type", "event_time"),
        SystemRows(),
        DAILY,
    )

    event_time: Mapped[datetime] = event_time("When the entity came to be")
    entity_id: Mapped[UUID] = mapped_column(
        Uuid, primary_key=True, comment="Id of the entity in its own table"
    )
    partition_key: Mapped[str] = partition_key("day")
    entity_type: Mapped[str] = mapped_column(String(30), comment="/".join(ENTITY_TYPES))
    created_time: Mapped[datetime] = moment("When the entity came to be, as event_time", nullable=False)
    deactivated_time: Mapped[datetime | None] = moment("When it was closed")
    reactivated_time: Mapped[datetime | None] = moment("When it was opened again")
    origin: Mapped[str] = origin()
    extra_data: Mapped[Any | None] = extra_data()


class GlobalEvent(Base):
    """Something that happened."""

    __tablename__ = "global_events"
    __table_args__ = table_args(
        SCHEMA,
        "Everything that happens, each thing once and at its own time; what metrics of carts, payments, "
        "cancellations and refunds are counted from",
        known_origin(),
        one_of("event_type", *EVENT_TYPES),
        reference("user", "users"),
        reference("shop", "shops"),
        reference("product", "shop_products"),
        Index("idx_global_events_type", "event_type", "event_time"),
        Index("idx_global_events_user", "user_id", "event_time"),
        Index("idx_global_events_shop", "shop_id", "event_time"),
        Index("idx_global_events_product", "product_id", "event_time"),
        Index("idx_global_events_caller", "caller_entity_id", "event_time"),
        SystemRows(),
        HOURLY,
    )

    event_id: Mapped[UUID] = identifier("Event")
    event_time: Mapped[datetime] = event_time("When it happened")
    partition_key: Mapped[str] = partition_key()
    event_type: Mapped[str] = mapped_column(String(40), comment="What happened")
    user_id: Mapped[UUID | None] = pointer("User who did it or whom it concerns", nullable=True)
    user_event_time: Mapped[datetime | None] = pointed_time("user", nullable=True)
    shop_id: Mapped[UUID | None] = pointer("Shop that it concerns", nullable=True)
    shop_event_time: Mapped[datetime | None] = pointed_time("shop", nullable=True)
    product_id: Mapped[UUID | None] = pointer("Product that it concerns", nullable=True)
    product_event_time: Mapped[datetime | None] = pointed_time("product", nullable=True)
    caller_entity_id: Mapped[UUID | None] = pointer(
        "Entity that it happened to: the order, payment, review, promotion, invoice …", nullable=True
    )
    caller_event_time: Mapped[datetime | None] = pointed_time("entity that it happened to", nullable=True)
    session_id: Mapped[UUID | None] = mapped_column(Uuid, comment="Visit that it belongs to")
    quantity: Mapped[int | None] = mapped_column(Integer, comment="Units, where it is about units")
    amount: Mapped[Any | None] = money("Money moved or at stake, tax and shipping included", nullable=True)
    net_amount: Mapped[Any | None] = money(
        "The part of it that is goods: without tax and shipping", nullable=True
    )
    event_metadata: Mapped[Any | None] = mapped_column(JSONB, comment="What else is known of it")
    origin: Mapped[str] = origin()
    extra_data: Mapped[Any | None] = extra_data()
