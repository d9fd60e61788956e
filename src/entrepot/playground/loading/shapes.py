"""The tables of the warehouse as rows on the way: their columns in order, each with the kind of its values.

Plain values: worker processes are given them, and never load the declarations that they are read from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

#: The schema of the warehouse.
SCHEMA = "data_playground"
Kind = Literal[
    "uuid", "time", "decimal", "int2", "int4", "int8", "bool", "text", "json", "date", "uuids", "texts"
]
#: The database's word for each kind, as the manifest has it.
TYPES: Mapping[Kind, str] = {
    "uuid": "uuid",
    "time": "timestamptz",
    "decimal": "numeric",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "bool": "boolean",
    "text": "text",
    "json": "jsonb",
    "date": "date",
    "uuids": "uuid[]",
    "texts": "text[]",
}


@dataclass(frozen=True)
class Column:
    """A column: its name, the kind of its values, digits of a decimal, and what it means."""

    name: str
    kind: Kind
    nullable: bool
    comment: str
    precision: int = 0
    scale: int = 0

    @property
    def type(self) -> str:
        """The type as PostgreSQL writes it."""
        return f"numeric({self.precision},{self.scale})" if self.kind == "decimal" else TYPES[self.kind]


@dataclass(frozen=True)
class Shape:
    """A table: its columns without the generated ones, and the order of its rows (time of event, then the rest of the key)."""

    name: str
    columns: tuple[Column, ...]
    order: tuple[str, ...]
    comment: str
    is_fact: bool

    @property
    def full_name(self) -> str:
        """Name with its schema."""
        return f"{SCHEMA}.{self.name}"

    @property
    def names(self) -> list[str]:
        """The columns' names."""
        return [column.name for column in self.columns]


def arrow_type(column: Column) -> "pa.DataType":
    """The Arrow type of a column's values, as the simulator makes them."""
    import pyarrow as pa

    if column.kind == "decimal":
        return pa.decimal128(column.precision, column.scale)
    types: dict[Kind, pa.DataType] = {
        "uuid": pa.binary(16),
        "time": pa.timestamp("us", "UTC"),
        "int2": pa.int16(),
        "int4": pa.int32(),
        "int8": pa.int64(),
        "bool": pa.bool_(),
        "text": pa.string(),
        "json": pa.string(),
        "date": pa.date32(),
        "uuids": pa.list_(pa.binary(16)),
        "texts": pa.list_(pa.string()),
    }
    return types[column.kind]


def conform(table: "pa.Table", shape: Shape) -> "pa.Table":
    """The table with exactly the shape's columns, in their order and types; what it lacks is null.

    Raises KeyError where a column that may not be null is missing, or one is there that the shape does not have.
    """
    import pyarrow as pa

    surplus = set(table.column_names) - set(shape.names)
    if surplus:
        raise KeyError(f"{shape.name} has no columns {', '.join(sorted(surplus))}")
    arrays: list[pa.ChunkedArray] = []
    for column in shape.columns:
        wanted = arrow_type(column)
        if column.name in table.column_names:
            found = table.column(column.name)
            arrays.append(found if found.type == wanted else found.cast(wanted))
        elif column.nullable:
            arrays.append(pa.chunked_array([pa.nulls(table.num_rows, wanted)]))
        else:
            raise KeyError(f"{shape.name} needs the column {column.name}")
    return pa.table(arrays, names=shape.names)
