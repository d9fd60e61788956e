"""The files of an export, and the manifest that lists them.

    OUT/manifest.json
    OUT/table=shop_orders/date=2025-11-28/rows.parquet
    OUT/table=shop_orders/month=2025-11/rows.csv

Nothing in a file depends on when or by whom it was written: the same rows make the same bytes.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.playground.loading.shapes import Shape, arrow_type

if TYPE_CHECKING:
    import pyarrow as pa

Format = Literal["parquet", "csv"]
MANIFEST = "manifest.json"
#: Bytes that are read at a time.
BLOCK = 1 << 20


@dataclass(frozen=True)
class WrittenFile:
    """A file of an export."""

    path: str
    rows: int
    bytes: int
    sha256: str

    def as_dict(self) -> dict[str, Any]:
        """As the manifest has it."""
        return {"path": self.path, "rows": self.rows, "bytes": self.bytes, "sha256": self.sha256}


def file_path(shape: Shape, format_: Format, day: date) -> str:
    """Where the rows of a day (Parquet) or a month (CSV) are."""
    period = f"date={day.isoformat()}" if format_ == "parquet" else f"month={day:%Y-%m}"
    return f"table={shape.name}/{period}/rows.{format_}"


def describe(
    format_: Format, made_from: Mapping[str, Any], files: Mapping[Shape, Sequence[WrittenFile]]
) -> dict[str, Any]:
    """The manifest: what the rows are, the tables with their columns, the files."""
    return {
        "format": format_,
        **made_from,
        "tables": {
            shape.name: {
                "meaning": shape.comment,
                "rows": sum(file.rows for file in written),
                "columns": [
                    {
                        "name": column.name,
                        "type": column.type,
                        "nullable": column.nullable,
                        "meaning": column.comment,
                    }
                    for column in shape.columns
                ],
                "files": [file.as_dict() for file in written],
            }
            for shape, written in files.items()
        },
    }


def write_manifest(directory: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest, at the very end: files without one are not an export."""
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / MANIFEST
    beside = target.with_suffix(".new")
    beside.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    beside.replace(target)


def read_manifest(directory: Path) -> dict[str, Any]:
    """The manifest of a directory. Raises NotFoundError where there is none, InvalidInputError where it is not one."""
    target = directory / MANIFEST
    if not target.is_file():
        raise NotFoundError(
            f"{directory} is no export: it has no {MANIFEST}.",
            hint="An export that was interrupted has none; run its command again.",
        )
    try:
        found = json.loads(target.read_text(encoding="utf-8"))
        if found["format"] not in ("parquet", "csv") or not isinstance(found["tables"], dict):
            raise KeyError("format")
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInputError(f"{target} is not the manifest of an export.") from error
    return dict(found)


def require_room(directory: Path, made_from: Mapping[str, Any], *, replace: bool) -> bool:
    """Whether the directory has this very export already; an old one is taken away where `replace` is given.

    Raises ConflictError where something else is in it.
    """
    if not directory.exists():
        return False
    if (directory / MANIFEST).is_file():
        manifest = read_manifest(directory)
        if all(manifest.get(name) == value for name, value in made_from.items()):
            return True
        if not replace:
            raise ConflictError(
                f"{directory} has another export.", hint="Give --replace to take it away, or another --out."
            )
        return False
    strange = [
        one.name for one in directory.iterdir() if not one.name.startswith("table=") and one.name[0] != "."
    ]
    if strange:
        raise ConflictError(
            f"{directory} has files that are no export: {', '.join(sorted(strange)[:3])}.",
            hint="Give an --out that is empty or does not exist.",
        )
    return False


def remove_export(directory: Path) -> None:
    """Take away the manifest, then the files of every table."""
    import shutil

    (directory / MANIFEST).unlink(missing_ok=True)
    for one in directory.glob("table=*"):
        shutil.rmtree(one)


def write_csv(directory: Path, path: str, shape: Shape, blocks: Iterable[Any], rows: int) -> WrittenFile:
    """Write canonical text under a line of names."""
    from entrepot.playground.loading.canonical import header

    target = directory / path
    target.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with target.open("wb") as stream:
        for block in (header(shape), *blocks):
            stream.write(block)
            digest.update(block)
            size += len(block)
    return WrittenFile(path, rows, size, digest.hexdigest())


def write_parquet(directory: Path, path: str, shape: Shape, table: "pa.Table") -> WrittenFile:
    """Write rows in their order; uuids have Parquet's own type for them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    target = directory / path
    target.parent.mkdir(parents=True, exist_ok=True)
    arrays, fields = [], []
    for column in shape.columns:
        array = table.column(column.name).combine_chunks()
        if column.kind == "uuid":
            array = pa.ExtensionArray.from_storage(pa.uuid(), array)
        arrays.append(array)
        fields.append(pa.field(column.name, array.type, column.nullable))
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=pa.schema(fields)), target, compression="zstd", store_schema=False
    )
    return WrittenFile(path, table.num_rows, target.stat().st_size, sha256_of(target))


def read_parquet(target: Path, shape: Shape) -> "pa.Table":
    """Rows of a Parquet file, with the shape's types."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    held = pq.ParquetFile(target).read(columns=shape.names)
    arrays = []
    for column in shape.columns:
        array = held.column(column.name)
        if isinstance(array.type, pa.BaseExtensionType):
            array = pa.chunked_array([chunk.storage for chunk in array.chunks], array.type.storage_type)
        arrays.append(array.cast(arrow_type(column)))
    return pa.table(arrays, names=shape.names)


def table_blocks(directory: Path, manifest: Mapping[str, Any], shape: Shape) -> Iterator[Any]:
    """The canonical text of a table of an export, in the order of its rows.

    Raises InvalidInputError where a file of the manifest is missing.
    """
    from entrepot.playground.loading.canonical import header, lines

    for file in manifest["tables"][shape.name]["files"]:
        target = directory / file["path"]
        if not target.is_file():
            raise InvalidInputError(f"{target} is missing.", hint="The manifest lists it; export again.")
        if manifest["format"] == "parquet":
            yield from lines(read_parquet(target, shape), shape)
            continue
        with target.open("rb") as stream:
            stream.read(len(header(shape)))
            while block := stream.read(BLOCK):
                yield block


def sha256_of(target: Path) -> str:
    """The SHA-256 of a file."""
    with target.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
