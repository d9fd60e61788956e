"""Each documented query reads the partitions that hold its range and no other, as it stands and prepared; so do foreign keys."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from benchmarks._warehouse_year import END, documented_queries, prepared
from psycopg import sql
from tests.playground.partitions.conftest import YEAR

Connection = psycopg.Connection[Any]
QUERIES = documented_queries()
MONTH, DAY, HOUR = timedelta(days=30), timedelta(days=1), timedelta(hours=1)
NOVEMBER = datetime(2025, 11, 1, tzinfo=END.tzinfo)
#: Query → the length of its range. Each is asked in a month that is one partition, in a day, and in hours.
LENGTHS = {
    "orders-of-a-day": DAY,
    "history-of-a-user": MONTH,
    "hours-of-a-shop": timedelta(days=7),
    "payments-of-an-outage": timedelta(hours=3),
    "type-of-an-id": HOUR,
    "stock-of-a-product": DAY,
    "top-products": MONTH,
    "late-deliveries": MONTH,
    "response-times": HOUR,
    "funnel-of-a-day": DAY,
}
BEGINS = {"month": NOVEMBER, "days": YEAR.days_from, "hours": YEAR.hours_from + timedelta(hours=10)}
PARTITION = re.compile(r"_(default|20\d\d(_\d\d)+)$")


def overlapping(catalog: Connection, table: str, lower: datetime, upper: datetime) -> set[str]:
    """The partitions of a table whose bounds meet a range; the default one where they leave a part of it."""
    rows = catalog.execute(
        """
        SELECT c.relname, greatest(p.starts, %(lower)s), least(p.ends, %(upper)s)
        FROM entrepot.partition_ranges(%(table)s::regclass) AS p JOIN pg_class AS c ON c.oid = p.id
        WHERE p.starts < %(upper)s AND p.ends > %(lower)s
        """,
        {"table": f"data_playground.{table}", "lower": lower, "upper": upper},
    ).fetchall()
    covered = sum((ends - starts for _, starts, ends in rows), timedelta())
    return {str(name) for name, *_ in rows} | (set() if covered == upper - lower else {f"{table}_default"})


def read_partitions(plan: dict[str, Any]) -> Iterator[str]:
    """The partitions that a plan's scans really read."""
    if plan.get("Actual Loops", 0) > 0 and "Relation Name" in plan:
        yield plan["Relation Name"]
    for child in plan.get("Plans", []):
        yield from read_partitions(child)


def explained(warehouse: Connection, statement: str) -> set[str]:
    row = warehouse.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}".encode()).fetchone()
    assert row is not None
    return set(read_partitions(row[0][0]["Plan"]))


def literal(warehouse: Connection, value: Any) -> str:
    return sql.Literal(value).as_string(warehouse).removesuffix("::timestamptz").removesuffix("::uuid")


def test_every_query_of_the_page_is_tested() -> None:
    assert QUERIES.keys() == LENGTHS.keys()


@pytest.mark.parametrize("way", ["as it stands", "prepared"])
@pytest.mark.parametrize("begin", BEGINS)
@pytest.mark.parametrize("name", LENGTHS)
def test_a_documented_query_reads_its_partitions_only(
    warehouse: Connection, catalog: Connection, name: str, begin: str, way: str
) -> None:
    lower = BEGINS[begin]
    upper = min(lower + LENGTHS[name], END)
    asked = YEAR.values(warehouse, lower, lower + DAY if begin == "month" else upper)
    asked |= {"from": lower, "to": upper}
    names, types, statement = prepared(QUERIES[name])
    if way == "prepared":
        warehouse.execute("SET plan_cache_mode = force_generic_plan")
        warehouse.execute(f"PREPARE asked ({', '.join(types)}) AS {statement}".encode())
        try:
            given = ", ".join(literal(warehouse, asked[one]) for one in names)
            found = explained(warehouse, f"EXECUTE asked ({given})")
        finally:
            warehouse.execute("DEALLOCATE asked")
            warehouse.execute("RESET plan_cache_mode")
    else:
        query = re.sub(r":'(\w+)'", lambda one: literal(warehouse, asked[one[1]]), QUERIES[name])
        found = explained(warehouse, query)
    if name == "type-of-an-id":
        [(moment,)] = warehouse.execute("SELECT uuid_extract_timestamp(%s)", [asked["id"]]).fetchall()
        lower, upper = moment, moment + timedelta(milliseconds=1)
    allowed: set[str] = set()
    needed: set[str] = set()
    for table in set(re.findall(r"data_playground\.(\w+)", QUERIES[name])):
        if (
            table == "shop_products"
        ):  # found by reference, each in its one partition: none later than the sale
            allowed |= overlapping(catalog, table, YEAR.begin, upper) - {"shop_products_default"}
        else:
            needed |= overlapping(catalog, table, lower, upper)
    assert needed <= found | later_than_the_first(name, needed), needed - found
    assert found <= needed | allowed, found - needed


def later_than_the_first(name: str, needed: set[str]) -> set[str]:
    """What a query with a LIMIT leaves unread once it has its row."""
    return needed if name == "stock-of-a-product" else set()


@pytest.mark.parametrize("month", ["2025_10", "2025_11"])
def test_a_look_up_by_reference_reads_one_partition(warehouse: Connection, month: str) -> None:
    row = warehouse.execute(
        f"SELECT id, event_time FROM data_playground.users WHERE event_time >= '{month.replace('_', '-')}-15' LIMIT 1".encode()
    ).fetchone()
    assert row is not None
    warehouse.execute("SET plan_cache_mode = force_generic_plan")
    warehouse.execute(
        "PREPARE known (uuid, timestamptz) AS SELECT 1 FROM data_playground.users WHERE id = $1 AND event_time = $2 FOR KEY SHARE"
    )
    found = explained(
        warehouse, f"EXECUTE known ({literal(warehouse, row[0])}, {literal(warehouse, row[1])})"
    )
    warehouse.execute("DEALLOCATE known")
    warehouse.execute("RESET plan_cache_mode")
    assert found == {f"users_{month}"}


def test_a_foreign_key_is_checked_in_one_partition(warehouse: Connection) -> None:
    """What the check itself reads is counted by the server, in the transaction that makes it."""
    user = warehouse.execute(
        "SELECT id, event_time FROM data_playground.users WHERE event_time >= '2025-11-10' ORDER BY event_time LIMIT 1"
    ).fetchone()
    assert user is not None
    for _ in range(7):  # from the sixth time on, the server's plan for the check is a generic one
        with warehouse.transaction(force_rollback=True):
            before = scans(warehouse)
            warehouse.execute(
                "INSERT INTO data_playground.global_events (event_time, event_type, user_id, user_event_time)"
                " VALUES (%s, 'user_logged_in', %s, %s)",
                [END - HOUR, *user],
            )
            after = scans(warehouse)
        assert {name for name in after if after[name] > before.get(name, 0)} == {"users_2025_11"}


def scans(warehouse: Connection) -> dict[str, int]:
    """How often this session has read each partition that facts refer to."""
    rows = warehouse.execute(
        """
        SELECT relname, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) FROM pg_stat_xact_all_tables
        WHERE schemaname = 'data_playground' AND relname ~ '^(users|shops|shop_products)_'
        """
    )
    return {str(name): int(count) for name, count in rows}


def test_a_join_on_id_alone_reads_everything(warehouse: Connection) -> None:
    """What the page warns of; and that this test can tell."""
    found = explained(warehouse, "SELECT * FROM data_playground.users WHERE id = uuidv7()")
    assert len({name for name in found if PARTITION.search(name)}) >= 3
