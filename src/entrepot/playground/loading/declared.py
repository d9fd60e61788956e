"""The shapes of the tables as they are declared, so that a column added there is loaded, exported and checksummed here."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Table,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from entrepot.kit.db.ddl import feature
from entrepot.kit.db.tables import Base, Partitions
from entrepot.kit.errors import InvalidInputError
from entrepot.playground import schema
from entrepot.playground.columns import SCHEMA
from entrepot.playground.loading.shapes import Column, Kind, Shape


@cache
def shapes() -> tuple[Shape, ...]:
    """Every table by time of event, those that others refer to before those that refer to them."""
    assert schema.facts  # declares the tables
    return tuple(
        _shape(table)
        for table in Base.metadata.sorted_tables
        if table.schema == SCHEMA and feature(table, Partitions) is not None
    )


@cache
def fact_shapes() -> tuple[Shape, ...]:
    """The tables of facts, in the order in which rows can go into them."""
    return tuple(shape for shape in shapes() if shape.is_fact)


def shape_of(name: str) -> Shape:
    """The table of that name; raises InvalidInputError with the names that there are."""
    for shape in shapes():
        if shape.name == name:
            return shape
    known = ", ".join(sorted(shape.name for shape in shapes()))
    raise InvalidInputError(f"The warehouse has no table {name!r}.", hint=f"There are {known}.")


def _shape(table: Table) -> Shape:
    columns = [column for column in table.columns if column.computed is None]
    keys = [column.name for column in table.primary_key.columns]
    order = ("event_time", *(name for name in keys if name != "event_time"))
    return Shape(
        table.name,
        tuple(
            Column(
                column.name,
                _kind(column.type),
                bool(column.nullable),
                column.comment or "",
                getattr(column.type, "precision", None) or 0,
                getattr(column.type, "scale", None) or 0,
            )
            for column in columns
        ),
        order,
        table.comment or "",
        "origin" in table.columns,
    )


def _kind(type_: Any) -> Kind:
    if isinstance(type_, ARRAY):
        return "uuids" if isinstance(type_.item_type, Uuid) else "texts"
    kinds: Sequence[tuple[Any, Kind]] = (
        (Uuid, "uuid"),
        (DateTime, "time"),
        (Date, "date"),
        (Boolean, "bool"),
        (SmallInteger, "int2"),
        (BigInteger, "int8"),
        (Integer, "int4"),
        (Numeric, "decimal"),
        (JSONB, "json"),
        (String, "text"),
    )
    for class_, kind in kinds:
        if isinstance(type_, class_):
            return kind
    raise TypeError(f"no column of the warehouse may be of type {type_!r}")
