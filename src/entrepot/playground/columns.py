"""Columns and references that recur in the tables of the `data_playground` schema."""

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, DateTime, ForeignKeyConstraint, Numeric, String, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column

from entrepot.kit.db.tables import Merge, Partitions, one_of
from entrepot.playground.values import ORIGINS

SCHEMA = "data_playground"

#: Facts that no table refers to: hours while they are new, days from the day after, months a week after the month.
HOURLY = Partitions(
    "event_time",
    span="hour",
    ahead=30,
    merge=(Merge("day", after=timedelta(days=1)), Merge("month", after=timedelta(days=7))),
)
#: What is counted or registered by the day: days, and months a week after the month.
DAILY = Partitions("event_time", span="day", ahead=3, merge=(Merge("month", after=timedelta(days=7)),))
#: What others refer to: a partition that is referred to cannot be swapped, so it is a month from the beginning.
MONTHLY = Partitions("event_time", span="month", ahead=1)

_DAY = (
    "lpad((EXTRACT(year FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 4, '0'::text) || '-' || "
    "lpad((EXTRACT(month FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || '-' || "
    "lpad((EXTRACT(day FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text)"
)
#: The document's labels of a partition. Spelled out of EXTRACT because to_char() depends on the session's locale, and
#: a generated column may not.
_LABELS = {
    "day": _DAY,
    "hour": f"{_DAY} || 'T' || "
    "lpad((EXTRACT(hour FROM (event_time AT TIME ZONE 'UTC'::text))::integer)::text, 2, '0'::text) || ':00:00'",
}


def identifier(comment: str) -> MappedColumn[UUID]:
    """The first part of the key; the second is `event_time`."""
    return mapped_column(Uuid, primary_key=True, server_default=text("uuidv7()"), comment=comment)


def event_time(comment: str) -> MappedColumn[datetime]:
    """When it happened: the column that partitions, the second part of the key."""
    return mapped_column(DateTime(timezone=True), primary_key=True, comment=comment)


def partition_key(span: Literal["hour", "day"] = "hour") -> MappedColumn[str]:
    """The label that the document gives to a partition, made from `event_time` when it is read.

    It is never null, since `event_time` is not; NOT NULL would have every row that is written compute it to see that.
    """
    shape = "YYYY-MM-DDThh:00:00" if span == "hour" else "YYYY-MM-DD"
    return mapped_column(
        String,
        Computed(_LABELS[span], persisted=False),
        nullable=True,
        comment=f"Label of the {span} that it happened in, in UTC ({shape}); for reading, nothing is partitioned by it",
    )


def moment(comment: str, *, nullable: bool = True) -> MappedColumn[Any]:
    """Another point in time."""
    return mapped_column(DateTime(timezone=True), nullable=nullable, comment=comment)


def pointer(comment: str, *, nullable: bool = False) -> MappedColumn[Any]:
    """The id half of a reference."""
    return mapped_column(Uuid, nullable=nullable, comment=comment)


def pointed_time(what: str, *, nullable: bool = False) -> MappedColumn[Any]:
    """The time half of a reference: it makes the foreign key hold, and prunes."""
    return mapped_column(
        DateTime(timezone=True),
        nullable=nullable,
        comment=f"event_time of the {what}, with which it is found",
    )


def money(comment: str, *, nullable: bool = False, default: bool = False) -> MappedColumn[Any]:
    """An amount in the world's one currency (US dollars)."""
    return mapped_column(
        Numeric(19, 4), nullable=nullable, server_default=text("0") if default else None, comment=comment
    )


def origin() -> MappedColumn[str]:
    """Where the row comes from."""
    return mapped_column(
        String(20),
        nullable=False,
        server_default=text("'simulated'::character varying"),
        comment="Who made the row: simulated, or the part of the program whose event it was",
    )


def extra_data() -> MappedColumn[Any]:
    """What is known beside the columns."""
    return mapped_column(JSONB, comment="What is known beside the columns")


def known_origin() -> CheckConstraint:
    """The origins that there are."""
    return one_of("origin", *ORIGINS)


def reference(name: str, target: str) -> ForeignKeyConstraint:
    """A foreign key `(<name>_id, <name>_event_time)` to a partitioned table of the warehouse; one probe, one partition."""
    return ForeignKeyConstraint(
        [f"{name}_id", f"{name}_event_time"], [f"{SCHEMA}.{target}.id", f"{SCHEMA}.{target}.event_time"]
    )


__all__ = [
    "DAILY",
    "HOURLY",
    "MONTHLY",
    "SCHEMA",
    "Mapped",
    "event_time",
    "extra_data",
    "identifier",
    "known_origin",
    "moment",
    "money",
    "origin",
    "partition_key",
    "pointed_time",
    "pointer",
    "reference",
]
