"""The warehouse into Parquet or CSV files: facts and metrics, simulated and real, of a range of time."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entrepot.kit.db import Database
from entrepot.kit.progress import SILENT, Report
from entrepot.playground.loading import load_queries as queries
from entrepot.playground.loading.declared import shape_of, shapes
from entrepot.playground.loading.load_queries import Connection
from entrepot.playground.loading.manifests import (
    Format,
    WrittenFile,
    describe,
    file_path,
    remove_export,
    require_room,
    write_csv,
    write_manifest,
)
from entrepot.playground.loading.shapes import Shape, arrow_type
from entrepot.playground.loading.working import midnight, month_after

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Exported:
    """An export: rows by table, files, bytes, and how long it took."""

    out: Path
    format: Format
    rows: dict[str, int]
    files: int
    bytes: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The one JSON object of `world export`."""
        return {
            "out": str(self.out),
            "format": self.format,
            "rows": self.rows,
            "files": self.files,
            "bytes": self.bytes,
            "seconds": round(self.seconds, 3),
        }


async def export(
    db: Database,
    out: Path,
    format_: Format,
    *,
    start: date | None = None,
    end: date | None = None,
    tables: Sequence[str] = (),
    replace: bool = False,
    report: Report = SILENT,
) -> Exported:
    """Write tables (all of them, if none is named) to a directory, as they were at one moment.

    Raises ConflictError where the directory holds something else, InvalidInputError for a table that is not there.
    """
    began = time.monotonic()
    chosen = [shape_of(name) for name in dict.fromkeys(tables)] or list(shapes())
    made_from = {
        "format": format_,
        "from": start.isoformat() if start else None,
        "to": end.isoformat() if end else None,
    }
    if require_room(out, made_from, replace=replace) or replace:
        remove_export(out)  # the warehouse may have changed since
    files: dict[Shape, list[WrittenFile]] = {}
    async with queries.connected(db) as connection, connection.transaction():
        await queries.one_moment(connection)
        for number, shape in enumerate(chosen):
            report("export", done=number, total=len(chosen), unit="tables", note=shape.name)
            files[shape] = await _table(connection, shape, out, format_, start, end)
        report("export", done=len(chosen), total=len(chosen), unit="tables")
    write_manifest(out, describe(format_, made_from, files))
    written = [file for found in files.values() for file in found]
    return Exported(
        out,
        format_,
        {shape.name: sum(file.rows for file in found) for shape, found in files.items()},
        len(written),
        sum(file.bytes for file in written),
        time.monotonic() - began,
    )


async def _table(
    connection: Connection, shape: Shape, out: Path, format_: Format, start: date | None, end: date | None
) -> list[WrittenFile]:
    from entrepot.playground.loading.spilling import periods, write_rows

    written: list[WrittenFile] = []
    for month in await queries.months_with_rows(connection, shape):
        after = month_after(month)
        if (end and month >= end) or (start and after <= start):
            continue
        lower, upper = midnight(max(month, start or month)), midnight(min(after, end or after))
        async with queries.reading(connection, shape, lower=lower, upper=upper) as blocks:
            held = [block async for block in blocks]
        if not held:
            continue
        if format_ == "csv":
            # COPY hands out a row a block.
            written.append(write_csv(out, file_path(shape, "csv", month), shape, held, len(held)))
            continue
        table = parse(b"".join(held), shape)
        written += [
            write_rows(out, format_, shape, day, rows) for day, rows in periods(table, format_).items()
        ]
    return written


def parse(text: bytes, shape: Shape) -> "pa.Table":
    """Canonical text as a table with the shape's types."""
    import pyarrow as pa
    import pyarrow.csv as pv

    as_text = ("uuid", "uuids", "texts")
    types = {c.name: pa.string() if c.kind in as_text else arrow_type(c) for c in shape.columns}
    table = pv.read_csv(
        pa.BufferReader(text),
        read_options=pv.ReadOptions(column_names=shape.names),
        parse_options=pv.ParseOptions(newlines_in_values=True),
        convert_options=pv.ConvertOptions(
            column_types=types,
            null_values=[""],
            true_values=["t"],
            false_values=["f"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    for position, column in enumerate(shape.columns):
        if column.kind in as_text:
            made = pa.chunked_array([_parsed(chunk, column.kind) for chunk in table.column(position).chunks])
            table = table.set_column(position, column.name, made)
    return table


def _parsed(array: "pa.Array", kind: str) -> "pa.Array":
    import pyarrow as pa

    from entrepot.playground.loading.canonical import list_values, uuid_values

    if kind == "uuid":
        return uuid_values(array)
    item = pa.binary(16) if kind == "uuids" else pa.string()
    return pa.array([list_values(text, kind) for text in array.to_pylist()], pa.list_(item))
