"""Worlds and exports as files: what they hold, that they agree with the database, what is refused."""

import csv
import hashlib
import json
from dataclasses import replace as changed
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sqlalchemy import text
from tests.playground.loading.conftest import Generate, Loaded
from tests.playground.loading.stand_in import BROKEN, NAME
from tests.playground.loading.test_resuming import tree

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, EntrepotError, InvalidInputError, NotFoundError
from entrepot.playground.loading.checksums import checksums, checksums_of
from entrepot.playground.loading.declared import fact_shapes
from entrepot.playground.loading.exporting import export
from entrepot.playground.loading.filing import generate_files
from entrepot.playground.loading.manifests import Format
from entrepot.playground.world.settings import WorldSettings


async def test_the_database_and_all_files_of_a_world_agree(
    loaded: Loaded, small: WorldSettings, tmp_path: Path
) -> None:
    db, made = loaded.db, loaded.made
    found = await checksums(db)
    formats: tuple[Format, ...] = ("parquet", "csv")
    for format_ in formats:
        of_world, of_export = tmp_path / f"world-{format_}", tmp_path / f"export-{format_}"
        written = await generate_files(small, of_world, format_, processes=0, world=NAME)
        assert dict(written.rows) == dict(made.rows)
        assert checksums_of(of_world) == found
        exported = await export(db, of_export, format_, tables=[shape.name for shape in fact_shapes()])
        assert {name: count for name, count in exported.rows.items() if count} == dict(made.rows)
        assert checksums_of(of_export) == found
        first, second = tree(of_world), tree(of_export)
        del first["manifest.json"], second["manifest.json"]
        assert first == second


async def test_files_do_not_depend_on_the_workers(small: WorldSettings, tmp_path: Path) -> None:
    await generate_files(small, tmp_path / "one", "csv", processes=0, world=NAME)
    await generate_files(small, tmp_path / "two", "csv", processes=2, world=NAME)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


async def test_the_manifest_lists_every_file(small: WorldSettings, tmp_path: Path) -> None:
    await generate_files(small, tmp_path, "parquet", processes=0, world=NAME)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["world"] == small.as_dict()
    listed = {file["path"]: file for table in manifest["tables"].values() for file in table["files"]}
    assert set(listed) | {"manifest.json"} == set(tree(tmp_path))
    for path, file in listed.items():
        content = (tmp_path / path).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert file["rows"] == pq.read_metadata(tmp_path / path).num_rows
    orders = manifest["tables"]["shop_orders"]
    assert orders["rows"] == 240
    columns = {column["name"]: column for column in orders["columns"]}
    total = columns["total_amount"]
    assert (total["type"], total["nullable"]) == ("numeric(19,4)", False)
    assert total["meaning"].startswith("What is to be paid")
    assert "table=shop_orders/date=2025-10-31/rows.parquet" in listed


async def test_duckdb_and_pandas_read_the_files(small: WorldSettings, tmp_path: Path) -> None:
    await generate_files(small, tmp_path / "p", "parquet", processes=0, world=NAME)
    await generate_files(small, tmp_path / "c", "csv", processes=0, world=NAME)
    with duckdb.connect() as connection:
        found = connection.execute(
            f"""SELECT o.date, count(*), sum(o.total_amount), any_value(s.name)
            FROM '{tmp_path}/p/table=shop_orders/*/*.parquet' AS o
            JOIN '{tmp_path}/p/table=shops/*/*.parquet' AS s ON s.id = o.shop_id
            WHERE o.date = '2025-10-31' GROUP BY ALL"""
        ).fetchall()
        types = dict(
            connection.execute(
                f"SELECT column_name, column_type FROM (DESCRIBE FROM '{tmp_path}/p/table=shop_orders/*/*.parquet')"
            ).fetchall()
        )
    assert [row[:2] for row in found] == [(date(2025, 10, 31), 12)]
    assert (types["id"], types["total_amount"], types["event_time"]) == (
        "UUID", "DECIMAL(19,4)", "TIMESTAMP WITH TIME ZONE",
    )  # fmt: skip
    frame = pd.read_parquet(tmp_path / "p" / "table=shop_orders")
    assert len(frame) == 240
    assert str(frame["event_time"].dtype).startswith("datetime64[")
    with (tmp_path / "c" / "table=shops" / "month=2025-10" / "rows.csv").open() as stream:
        assert [row["name"] for row in csv.DictReader(stream)] == [f'The "{n}", and more' for n in range(4)]


async def test_a_range_and_some_tables_are_exported(loaded: Loaded, tmp_path: Path) -> None:
    db = loaded.db
    start, end = date(2025, 10, 30), date(2025, 11, 2)
    done = await export(db, tmp_path, "parquet", start=start, end=end, tables=["shop_orders", "users"])
    assert done.rows == {"shop_orders": 36, "users": 0}
    days = sorted(Path(path).parent.name for path in tree(tmp_path) if path.endswith(".parquet"))
    assert days == ["date=2025-10-30", "date=2025-10-31", "date=2025-11-01"]
    with pytest.raises(InvalidInputError, match="no table 'colors'"):
        await export(db, tmp_path / "other", "csv", tables=["colors"])


async def test_an_export_is_written_again_and_has_what_is_there_now(
    db: Database, generate_world: Generate, tmp_path: Path
) -> None:
    await export(db, tmp_path, "csv", tables=["users"])
    await generate_world()
    assert (await export(db, tmp_path, "csv", tables=["users"])).rows == {"users": 4}
    with pytest.raises(ConflictError, match="has another export"):
        await export(db, tmp_path, "parquet", tables=["users"])
    assert (await export(db, tmp_path, "parquet", tables=["users"], replace=True)).rows == {"users": 4}
    assert not [path for path in tree(tmp_path) if path.endswith(".csv")]


async def test_metrics_are_exported_with_their_decimals(
    db: Database, generate_world: Generate, tmp_path: Path
) -> None:
    await generate_world()
    async with db.system() as session:
        await session.execute(
            text(
                """
                INSERT INTO data_playground.user_metrics_daily (user_id, user_event_time, event_time, total_order_amount, extra_metrics)
                SELECT id, event_time, '2025-10-21T00:00Z', 12.5, '{"x": [1.50]}' FROM data_playground.users LIMIT 1
                """
            )
        )
    await export(db, tmp_path, "parquet", tables=["user_metrics_daily"])
    (path,) = [path for path in tree(tmp_path) if path.endswith(".parquet")]
    (row,) = pq.ParquetFile(tmp_path / path).read().to_pylist()
    assert str(row["total_order_amount"]) == "12.5000"
    assert row["extra_metrics"] == '{"x": [1.50]}'


async def test_what_is_there_already_is_left(small: WorldSettings, tmp_path: Path) -> None:
    first = await generate_files(small, tmp_path, "csv", processes=0, world=NAME)
    again = await generate_files(small, tmp_path, "csv", processes=0, world=NAME)
    assert (first.there, again.there) == (False, True)
    assert dict(again.rows) == dict(first.rows)
    other = changed(small, seed=8)
    with pytest.raises(ConflictError, match="another export"):
        await generate_files(other, tmp_path, "csv", processes=0, world=NAME)
    before = checksums_of(tmp_path)
    await generate_files(other, tmp_path, "csv", processes=0, world=NAME, replace=True)
    assert checksums_of(tmp_path) != before


async def test_a_directory_with_other_files_is_refused(small: WorldSettings, tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(ConflictError, match=r"has files that are no export: letters\.txt"):
        await generate_files(small, tmp_path, "parquet", processes=0, world=NAME)
    assert (tmp_path / "letters.txt").read_text() == "mine"


async def test_files_of_a_world_that_fails_have_no_manifest(small: WorldSettings, tmp_path: Path) -> None:
    with pytest.raises(EntrepotError, match="Part 2 of the world"):
        await generate_files(small, tmp_path, "csv", processes=0, world=BROKEN)
    with pytest.raises(NotFoundError, match=r"has no manifest\.json"):
        checksums_of(tmp_path)


async def test_a_file_that_is_missing_is_named(small: WorldSettings, tmp_path: Path) -> None:
    await generate_files(small, tmp_path, "csv", processes=0, world=NAME)
    (tmp_path / "table=shops/month=2025-10/rows.csv").unlink()
    with pytest.raises(InvalidInputError, match=r"table=shops/month=2025-10/rows\.csv is missing"):
        checksums_of(tmp_path)
