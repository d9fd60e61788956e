"""What the database would say to the rows: columns, nulls, lengths, checks, unique keys, references."""

from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sqlalchemy import CheckConstraint, ForeignKeyConstraint, String, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql

from entrepot.kit.db.tables import Base
from entrepot.playground import schema

WORLDS = ("steady", "eventful")
TABLES = sorted(
    mapped.__tablename__ for mapped in (getattr(schema.facts, name) for name in schema.facts.__all__)
)


def declared(name: str) -> Table:
    """The declaration of a table."""
    return Base.metadata.tables[f"data_playground.{name}"]


@pytest.fixture(params=WORLDS)
def whole(request: pytest.FixtureRequest) -> Any:
    """Both worlds."""
    return request.getfixturevalue(request.param)


def test_all_tables_are_there_with_their_columns_and_types(whole: Any) -> None:
    assert sorted(whole.tables) == TABLES
    kinds = {"UUID": "fixed_size_binary[16]", "TIMESTAMP": "timestamp[us, tz=UTC]", "NUMERIC(19, 4)": "decimal128(19, 4)",
             "INTEGER": "int32", "SMALLINT": "int16", "BOOLEAN": "bool", "JSONB": "string", "DATE": "date32[day]"}  # fmt: skip
    for name in TABLES:
        columns = {column.name: column for column in declared(name).columns if column.name != "partition_key"}
        assert set(whole.tables[name].column_names) == set(columns)
        assert whole.tables[name].num_rows > 0, name
        for field in whole.tables[name].schema:
            written = columns[field.name].type.compile(postgresql.dialect()).replace(" WITH TIME ZONE", "")  # type: ignore[no-untyped-call]
            expected = kinds.get(written)
            assert expected is None or str(field.type) == expected, (name, field)


@pytest.mark.parametrize("name", TABLES)
def test_nulls_and_lengths(whole: Any, name: str) -> None:
    for column in declared(name).columns:
        if column.name == "partition_key":
            continue
        values = whole.tables[name][column.name]
        assert column.nullable or values.null_count == 0, column.name
        if isinstance(column.type, String) and column.type.length:
            longest = pc.max(pc.utf8_length(values)).as_py() or 0
            assert longest <= column.type.length, column.name


@pytest.mark.parametrize("name", TABLES)
def test_every_check_holds(whole: Any, name: str) -> None:
    table = whole.tables[name]
    checks = [c for c in declared(name).constraints if isinstance(c, CheckConstraint)]
    assert checks
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("facts", table)
        for check in checks:
            broken = connection.execute(f"SELECT count(*) FROM facts WHERE NOT ({check.sqltext})").fetchone()
            assert broken == (0,), (check.name, str(check.sqltext))


def rows(table: pa.Table, columns: list[str]) -> list[tuple[Any, ...]]:
    """The rows of some columns, without those that hold a null."""
    kept = table.select(columns).drop_null()
    return list(zip(*(kept[column].to_pylist() for column in columns), strict=True))


@pytest.mark.parametrize("name", TABLES)
def test_keys_are_unique_even_without_their_time(whole: Any, name: str) -> None:
    table = declared(name)
    keys = [list(table.primary_key.columns.keys())]
    keys += [list(c.columns.keys()) for c in table.constraints if isinstance(c, UniqueConstraint)]
    for key in keys:
        found = rows(whole.tables[name], [column for column in key if column != "event_time"])
        assert len(found) == len(set(found)), key


@pytest.mark.parametrize("name", TABLES)
def test_every_reference_meets_its_row(whole: Any, name: str) -> None:
    for constraint in declared(name).constraints:
        if isinstance(constraint, ForeignKeyConstraint):
            target = constraint.elements[0].column.table.name
            there = set(rows(whole.tables[target], ["id", "event_time"]))
            columns = list(constraint.column_keys)
            here = set(rows(whole.tables[name].select(columns).group_by(columns).aggregate([]), columns))
            assert here <= there, (constraint.column_keys, len(here - there))
            one, other = (whole.tables[name][column].null_count for column in constraint.column_keys)
            assert one == other


@pytest.mark.parametrize("name", TABLES)
def test_nothing_points_to_what_is_yet_to_come(whole: Any, name: str) -> None:
    table = whole.tables[name]
    for column in table.column_names:
        if column.endswith("_event_time"):
            later = pc.sum(pc.greater(table[column], table["event_time"])).as_py() or 0
            assert later == 0, column


def test_rows_are_in_the_order_of_time_and_identifier(whole: Any) -> None:
    for part in whole.parts:
        for name, table in part.tables.items():
            key = {"global_entities": "entity_id", "global_events": "event_id"}.get(name, "id")
            ordered = table.sort_by([("event_time", "ascending"), (key, "ascending")])
            assert ordered[key].equals(table[key]), name


def test_every_entity_is_registered_at_its_time(whole: Any) -> None:
    kinds = {"users": "user", "shops": "user_shop", "shop_products": "shop_product", "shop_orders": "shop_order",
             "shop_reviews": "shop_review", "shop_promotions": "shop_promotion", "invoices": "user_invoice",
             "user_payment_methods": "user_payment_method", "shop_order_payments": "user_payment",
             "invoice_payments": "user_payment"}  # fmt: skip
    registered = set(rows(whole.tables["global_entities"], ["entity_type", "entity_id", "event_time"]))
    entities = {
        (kind, *row)
        for table, kind in kinds.items()
        for row in rows(whole.tables[table], ["id", "event_time"])
    }
    assert registered == entities


def test_callers_of_events_are_registered(whole: Any) -> None:
    registered = set(rows(whole.tables["global_entities"], ["entity_id", "event_time"]))
    columns = ["caller_entity_id", "caller_event_time"]
    events = whole.tables["global_events"].select(columns).group_by(columns).aggregate([])
    callers = set(rows(events, columns))
    assert callers
    assert callers <= registered


def test_addresses_are_reserved_ones(whole: Any) -> None:
    emails = whole.tables["users"]["email"].to_pylist()
    assert all(
        email.strip().lower().endswith(("@example.com", "@example.net", "@example.org")) for email in emails
    )
    assert len({email.strip().lower() for email in emails}) == len(emails)
