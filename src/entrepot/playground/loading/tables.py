"""The ledger of the simulated world: what it was made with, how far it is loaded, what its clock says."""

from datetime import datetime
from importlib import resources
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    String,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.ddl import EXTRA_SQL
from entrepot.kit.db.tables import Base, SystemRows, key, one_of, table_args, timestamp
from entrepot.playground.columns import SCHEMA

#: loading: parts are simulated and written beside the warehouse; placing: they become part of it; complete: all is
#: there; cleared: it was taken out again.
STATES = ("loading", "placing", "complete", "cleared")


class WorldRun(Base):
    """A simulated world."""

    __tablename__ = "world_runs"
    __table_args__ = table_args(
        SCHEMA,
        "Simulated worlds: settings, state, clock and rows; at most one is in the warehouse at a time",
        one_of("state", *STATES),
        CheckConstraint("parts > 0", name="parts"),
        Index(
            "idx_world_runs_present",
            text("(state <> 'cleared')"),
            unique=True,
            postgresql_where=text("state <> 'cleared'"),
        ),
        SystemRows(),
    )

    id: Mapped[UUID] = key()
    settings: Mapped[Any] = mapped_column(
        JSONB, nullable=False, comment="Seed, scale, days and scenarios, as WorldSettings.as_dict gives them"
    )
    seed: Mapped[int] = mapped_column(BigInteger, comment="Seed")
    scale: Mapped[Any] = mapped_column(Numeric(12, 4), comment="Size; 1 is about 2,000 users")
    parts: Mapped[int] = mapped_column(Integer, comment="Parts that the world is simulated in")
    state: Mapped[str] = mapped_column(
        String(20), server_default=text("'loading'::character varying"), comment="/".join(STATES)
    )
    clock: Mapped[datetime] = timestamp(
        "Moment up to which things have happened; what is simulated live moves it on", nullable=False
    )
    staged: Mapped[Any] = mapped_column(
        JSONB,
        server_default=text("'[]'::jsonb"),
        nullable=False,
        comment="Tables that parts are written to, each with the table and range that it is for",
    )
    rows: Mapped[Any] = mapped_column(
        JSONB, server_default=text("'{}'::jsonb"), nullable=False, comment="Rows by table"
    )
    started_at: Mapped[datetime] = timestamp(
        "When generation began", nullable=False, server_default=text("now()")
    )
    completed_at: Mapped[datetime | None] = timestamp("When all of it was there")
    seconds: Mapped[Any] = mapped_column(
        Numeric(12, 3),
        nullable=False,
        server_default=text("0"),
        comment="Seconds spent generating and loading, all attempts together",
    )


class WorldPart(Base):
    """A part of a simulated world that is loaded."""

    __tablename__ = "world_parts"
    __table_args__ = table_args(
        SCHEMA,
        "Parts of worlds that are loaded: written in the transaction of their rows, so that an interrupted run "
        "knows where it was",
        CheckConstraint("number >= 0", name="number"),
        SystemRows(),
    )

    run_id: Mapped[UUID] = mapped_column(
        ForeignKey(f"{SCHEMA}.world_runs.id", ondelete="CASCADE"), primary_key=True, comment="World"
    )
    number: Mapped[int] = mapped_column(
        Integer,
        primary_key=True,
        autoincrement=False,
        comment="Number of the part; the one after the last is the people",
    )
    rows: Mapped[Any] = mapped_column(JSONB, nullable=False, comment="Rows by table")
    carried: Mapped[bytes | None] = mapped_column(
        LargeBinary, comment="What the people need to know of the part, packed; emptied when all is there"
    )
    truth: Mapped[Any | None] = mapped_column(JSONB, comment="What the scenarios did in the part")
    loaded_at: Mapped[datetime] = timestamp(
        "When it was loaded", nullable=False, server_default=text("now()")
    )


EXTRA_SQL.append(resources.files(__package__).joinpath("functions.sql").read_text(encoding="utf-8"))
