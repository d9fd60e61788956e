"""What the console began in the simulated world: worlds made, scenarios run."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, CheckConstraint, DateTime, Numeric, String, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import Base, SystemRows, one_of, table_args
from entrepot.playground.columns import SCHEMA, moment

#: What a run does, and how far it is.
KINDS = ("world", "scenario")
STATUSES = ("waiting", "running", "completed", "stopped", "failed")


class ScenarioRun(Base):
    """A run that somebody began on a page or over HTTP."""

    __tablename__ = "scenario_runs"
    __table_args__ = table_args(
        SCHEMA,
        "Worlds and scenarios that were begun from the console: what was asked for, how far it is, how it ended",
        one_of("kind", *KINDS),
        one_of("status", *STATUSES),
        CheckConstraint("share BETWEEN 0 AND 1", name="share"),
        SystemRows(),
    )

    run_id: Mapped[UUID] = mapped_column(
        Uuid, primary_key=True, server_default=text("uuidv7()"), comment="Run"
    )
    kind: Mapped[str] = mapped_column(String(20), comment="world/scenario")
    title: Mapped[str] = mapped_column(String(200), comment="What it is, in words")
    asked: Mapped[Any] = mapped_column(
        JSONB,
        nullable=False,
        comment="What was asked for: scenario, strength, hours, speed; or seed, scale, days",
    )
    status: Mapped[str] = mapped_column(
        String(20),
        server_default=text("'waiting'::character varying"),
        comment="waiting/running/completed/stopped/failed",
    )
    stop_requested: Mapped[bool] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether somebody wants it to stop"
    )
    clock_start: Mapped[datetime | None] = moment("World's clock when it began")
    clock: Mapped[datetime | None] = moment("World's clock when it was last looked at")
    clock_end: Mapped[datetime | None] = moment("World's clock when it is to end")
    share: Mapped[Decimal] = mapped_column(
        Numeric(5, 4), server_default=text("0"), comment="How much of it is done, from 0 to 1"
    )
    facts: Mapped[int] = mapped_column(
        BigInteger, server_default=text("0"), comment="Facts written since it began"
    )
    message: Mapped[str | None] = mapped_column(Text, comment="What it is doing, or why it failed")
    begun_by: Mapped[UUID | None] = mapped_column(Uuid, comment="Person who began it")
    created_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("now()"), comment="When it was asked for"
    )
    started_at: Mapped[datetime | None] = moment("When a worker took it")
    seen_at: Mapped[datetime | None] = moment("When the worker last said that it lives")
    finished_at: Mapped[datetime | None] = moment("When it ended")
