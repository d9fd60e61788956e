"""A world into files: parts are kept as Arrow files, then each table is put together by day or month."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entrepot.playground.loading.manifests import Format, WrittenFile, file_path, write_csv, write_parquet
from entrepot.playground.loading.shapes import Shape

if TYPE_CHECKING:
    import pyarrow as pa

_DAY = 86_400_000_000


def spill(directory: Path, number: int, tables: Sequence[tuple[Shape, "pa.Table"]], carried: bytes) -> None:
    """Keep the tables of a part, all of them or none: the directory gets its name when it is complete."""
    import pyarrow as pa

    target = part_directory(directory, number)
    beside = target.with_suffix(".new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    rows = {}
    for shape, table in tables:
        target_file = str(beside / f"{shape.name}.arrow")
        with pa.OSFile(target_file, "wb") as stream, pa.ipc.new_file(stream, table.schema) as writer:
            writer.write_table(plain_json(table, shape))
        rows[shape.name] = table.num_rows
    (beside / "carried").write_bytes(carried)
    (beside / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    beside.rename(target)


def part_directory(directory: Path, number: int) -> Path:
    """Where the tables of a part are kept."""
    return directory / f"part-{number:05d}"


def spilled(directory: Path, number: int) -> tuple[dict[str, int], bytes] | None:
    """The rows by table of a part that is kept, and what the people need to know of it; None where it is not."""
    part = part_directory(directory, number)
    if not part.is_dir():
        return None
    rows = json.loads((part / "rows.json").read_text(encoding="utf-8"))
    return dict(rows), (part / "carried").read_bytes()


def plain_json(table: "pa.Table", shape: Shape) -> "pa.Table":
    """The table with JSON written as the database writes it, so that files do not depend on who wrote them."""
    from entrepot.playground.loading.canonical import canonical_texts

    for position, column in enumerate(shape.columns):
        if column.kind == "json" and table.column(position).null_count < table.num_rows:
            table = table.set_column(position, column.name, canonical_texts(table.column(position)))
    return table


def assemble(
    parts: Path, numbers: Sequence[int], out: Path, format_: Format, shape: Shape
) -> list[WrittenFile]:
    """Put the rows of a table in order and write its files."""
    import pyarrow as pa

    files = [part_directory(parts, number) / f"{shape.name}.arrow" for number in numbers]
    tables = [pa.ipc.open_file(pa.memory_map(str(file))).read_all() for file in files if file.is_file()]
    pieces = [periods(table, format_) for table in tables]
    days = sorted({day for piece in pieces for day in piece})
    written = []
    for day in days:
        found = pa.concat_tables([piece[day] for piece in pieces if day in piece])
        ordered = found.sort_by([(key, "ascending") for key in shape.order])
        written.append(write_rows(out, format_, shape, day, ordered))
    return written


def write_rows(out: Path, format_: Format, shape: Shape, day: date, ordered: "pa.Table") -> WrittenFile:
    """Write the rows of a day (Parquet) or a month (CSV)."""
    from entrepot.playground.loading.canonical import lines

    path = file_path(shape, format_, day)
    if format_ == "parquet":
        return write_parquet(out, path, shape, ordered)
    return write_csv(out, path, shape, lines(ordered, shape), ordered.num_rows)


def periods(table: "pa.Table", format_: Format) -> Mapping[date, "pa.Table"]:
    """The slices of a table that is in order of time, by day (Parquet) or month (CSV) in UTC."""
    import numpy as np
    import pyarrow as pa

    times = table.column("event_time").cast(pa.int64()).to_numpy()
    unit = "M8[D]" if format_ == "parquet" else "M8[M]"
    found, starts = np.unique(times.view("M8[us]").astype(unit), return_index=True)
    ends = [*starts[1:], len(times)]
    return {
        day.astype("M8[D]").astype(object): table.slice(int(start), int(end - start))
        for day, start, end in zip(found, starts, ends, strict=True)
    }


def remove_parts(out: Path) -> None:
    """Take away the parts that are kept beside finished files, of whatever settings."""
    for kept in out.glob(".parts-*"):
        shutil.rmtree(kept)


def settings_name(settings: Mapping[str, Any]) -> str:
    """A name for the parts of a world: other settings never meet them."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def total(rows: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Rows by table of all parts."""
    counted: Counter[str] = Counter()
    for one in rows:
        counted.update(one)
    return dict(counted)
