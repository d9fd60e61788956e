"""Which facts came from events of the program, and which events wait for what they speak of."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, DateTime, ForeignKey, Index, String, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import Base, SystemRows, one_of, table_args
from entrepot.playground.columns import SCHEMA, known_origin, moment, origin


class RecordedFact(Base):
    """A fact that an event of the program became."""

    __tablename__ = "recorded_facts"
    __table_args__ = table_args(
        SCHEMA,
        "Facts that events of the program became: decides that each is one row, whatever time a repetition tells, and "
        "finds the event_time with which another fact refers to it",
        known_origin(),
        SystemRows(),
    )

    fact_id: Mapped[UUID] = mapped_column(
        Uuid, primary_key=True, comment="Id of the fact, made from who tells of it and its key there"
    )
    event_time: Mapped[datetime] = moment("When it happened: the second half of its key", nullable=False)
    kind: Mapped[str] = mapped_column(String(20), comment="Kind of fact, such as order or event")
    origin: Mapped[str] = origin()
    refers_to: Mapped[Any | None] = mapped_column(
        JSONB,
        comment="Its user, shop and product, with their event_time: what happens to it happens to them too",
    )
    recorded_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("now()"), comment="When it was written"
    )


class ParkedFact(Base):
    """An event of the program that is no fact yet."""

    __tablename__ = "parked_facts"
    __table_args__ = table_args(
        SCHEMA,
        "Events that came before what they speak of, and amounts in other currencies: kept until they can be facts",
        one_of("reason", "waiting", "currency"),
        Index("idx_parked_facts_waits_for", "waits_for", postgresql_using="gin"),
        SystemRows(),
    )

    event_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, comment="Event that is kept")
    event_type: Mapped[str] = mapped_column(String(100), comment="Its type")
    reason: Mapped[str] = mapped_column(String(20), comment="waiting/currency")
    waits_for: Mapped[list[UUID]] = mapped_column(
        ARRAY(Uuid), server_default=text("'{}'::uuid[]"), comment="Ids of the facts that it waits for"
    )
    detail: Mapped[str] = mapped_column(Text, comment="What it waits for, in words")
    told: Mapped[Any] = mapped_column(JSONB, nullable=False, comment="The event as it was understood")
    parked_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("now()"), comment="Since when it is kept"
    )


class HeldBackFact(Base):
    """A fact of the simulated world that is written later than it happened, or once more."""

    __tablename__ = "held_back_facts"
    __table_args__ = table_args(
        SCHEMA,
        "Facts of the simulated world on their way: late ones, and second deliveries of what is there",
        Index("idx_held_back_facts_due", "due_time"),
        SystemRows(),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, comment="Id of the fact")
    table_name: Mapped[str] = mapped_column(String(63), primary_key=True, comment="Table that it belongs to")
    again: Mapped[bool] = mapped_column(
        Boolean, primary_key=True, comment="Whether it is a second delivery; else it is late"
    )
    run_id: Mapped[UUID] = mapped_column(
        ForeignKey(f"{SCHEMA}.world_runs.id", ondelete="CASCADE"), comment="World that it belongs to"
    )
    due_time: Mapped[datetime] = moment("When, by the world's clock, it is written", nullable=False)
    row_data: Mapped[Any] = mapped_column(JSONB, nullable=False, comment="The row as it stands")


class ActedWorld(Base):
    """How far the world has acted on the program instead of the warehouse."""

    __tablename__ = "acted_worlds"
    __table_args__ = table_args(
        SCHEMA,
        "How far simulated worlds have acted on the program: a clock of their own, beside that of the warehouse",
        SystemRows(),
    )

    run_id: Mapped[UUID] = mapped_column(
        ForeignKey(f"{SCHEMA}.world_runs.id", ondelete="CASCADE"), primary_key=True, comment="World"
    )
    began: Mapped[datetime] = moment("Moment of the world from which on it acts", nullable=False)
    clock: Mapped[datetime] = moment("Moment of the world up to which it has acted", nullable=False)
