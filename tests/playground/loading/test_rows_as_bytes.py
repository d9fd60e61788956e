"""What the database takes from a binary COPY, it gives back as the canonical text of the same rows."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entrepot.kit.db import Database
from entrepot.playground.loading import canonical, copying
from entrepot.playground.loading.declared import fact_shapes, shape_of
from entrepot.playground.loading.exporting import parse
from entrepot.playground.loading.shapes import Column, Shape, arrow_type, conform

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=10)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.decimals(-1000, 1000, places=3).map(str) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=6,
)  # fmt: skip


def values(column: Column) -> st.SearchStrategy[Any]:
    """Values that a column may hold, null among them where it may be."""
    import json

    whole = column.precision - column.scale
    limit = Decimal(10) ** min(whole, 14) - Decimal(1).scaleb(-column.scale)
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "uuid": st.binary(min_size=16, max_size=16),
        "time": st.integers(0, 4 * 10**15).map(lambda n: EPOCH + timedelta(microseconds=n)),
        "decimal": st.decimals(-limit, limit, places=column.scale),
        "int2": st.integers(-(2**15), 2**15 - 1),
        "int4": st.integers(-(2**31), 2**31 - 1),
        "int8": st.integers(-(2**63), 2**63 - 1),
        "bool": st.booleans(),
        "text": TEXT if column.name not in ("currency", "country") else st.just("US"),
        "json": JSON.map(lambda value: json.dumps(value, ensure_ascii=False)),
        "date": st.dates(date(1990, 1, 1), date(2100, 1, 1)),
        "uuids": st.lists(st.binary(min_size=16, max_size=16), max_size=3),
        "texts": st.lists(TEXT, max_size=3),
    }
    found = kinds[column.kind]
    if column.kind == "text" and "country" in column.name:
        found = st.sampled_from(["US", "DE"])
    if column.name == "last_four":
        found = st.just("0042")
    return st.none() | found if column.nullable else found


def tables(shape: Shape) -> st.SearchStrategy[pa.Table]:
    rows = st.lists(st.tuples(*(values(column) for column in shape.columns)), min_size=1, max_size=6)
    return rows.map(
        lambda found: pa.table(
            [pa.array([row[n] for row in found], arrow_type(c)) for n, c in enumerate(shape.columns)],
            names=shape.names,
        )
    )


def stored(connection: "psycopg.Connection[Any]", shape: Shape, body: bytes) -> bytes:
    """What the database writes of the rows of a binary COPY."""
    columns = ", ".join(shape.names)
    with connection.transaction(force_rollback=True):
        connection.execute(
            f"CREATE TEMP TABLE rows (LIKE {shape.full_name} INCLUDING GENERATED) ON COMMIT DROP".encode()
        )
        for column in shape.columns:
            connection.execute(f"ALTER TABLE rows ALTER {column.name} DROP NOT NULL".encode())
        with connection.cursor().copy(f"COPY rows ({columns}) FROM STDIN (FORMAT BINARY)".encode()) as copy:
            copy.write(copying.HEADER + body + copying.TRAILER)
        with connection.cursor().copy(
            f"COPY (SELECT {columns} FROM rows) TO STDOUT (FORMAT CSV)".encode()
        ) as copy:
            return b"".join(map(bytes, copy))


@pytest.fixture
def connection(db: Database) -> Any:
    with psycopg.connect(db.url("system"), options="-c timezone=UTC") as found:
        yield found


#: Between them they have every kind of column.
TABLES = ("global_events", "shop_products", "shop_promotions", "invoices", "users", "request_response_logs")


def test_every_kind_of_column_is_tried() -> None:
    tried = {column.kind for name in TABLES for column in shape_of(name).columns}
    assert {column.kind for shape in fact_shapes() for column in shape.columns} <= tried


@pytest.mark.parametrize("shape", [shape_of(name) for name in TABLES], ids=lambda shape: shape.name)
def test_rows_are_stored_as_they_are(connection: "psycopg.Connection[Any]", shape: Shape) -> None:
    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
    @given(table=tables(shape))
    def holds(table: pa.Table) -> None:
        text = b"".join(canonical.lines(table, shape))
        assert stored(connection, shape, b"".join(copying.body(table, shape))) == text
        # And back: what was text is the same rows again.
        assert b"".join(canonical.lines(conform(parse(text, shape), shape), shape)) == text

    holds()


def test_slices_are_encoded_from_where_they_begin() -> None:
    shape = shape_of("global_entities")
    table = pa.table(
        [pa.array([_value(column, row) for row in range(5)], arrow_type(column)) for column in shape.columns],
        names=shape.names,
    )
    whole = b"".join(copying.body(table, shape))
    assert (
        b"".join(copying.body(table.slice(0, 2), shape)) + b"".join(copying.body(table.slice(2), shape))
        == whole
    )
    text = b"".join(canonical.lines(table, shape))
    assert b"".join(canonical.lines(table.slice(2), shape)) == b"".join(text.splitlines(keepends=True)[2:])


def _value(column: Column, row: int) -> Any:
    made: dict[str, Any] = {
        "uuid": bytes([row]) * 16,
        "time": EPOCH + timedelta(microseconds=row) if row % 2 or not column.nullable else None,
        "text": f"value {row}",
        "json": None if row % 2 else '{"a":1}',
    }
    return made[column.kind]


def test_an_amount_beyond_sixty_four_bits_is_refused() -> None:
    amounts = pa.array([Decimal("922337203685477.5808")], pa.decimal128(19, 4))
    with pytest.raises(OverflowError):
        copying.ten_thousandths(amounts)


@pytest.mark.parametrize(
    ("missing", "surplus", "message"),
    [("id", None, "needs the column id"), (None, "color", "has no columns color")],
)
def test_columns_are_those_of_the_table(missing: str | None, surplus: str | None, message: str) -> None:
    shape = shape_of("users")
    names = [name for name in shape.names if name != missing] + ([surplus] if surplus else [])
    table = pa.table([pa.nulls(1, pa.string()) for _ in names], names=names)
    with pytest.raises(KeyError, match=message):
        conform(table, shape)
