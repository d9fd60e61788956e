"""Checksums of a world: SHA-256 of each table's simulated rows, in their order, in canonical text.

The database, Parquet files and CSV files of one world have equal checksums, whatever the workers, batches and
interruptions were that they came through.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from entrepot.kit.db import Database
from entrepot.kit.progress import SILENT, Report
from entrepot.playground.loading import load_queries as queries
from entrepot.playground.loading.declared import fact_shapes, shape_of
from entrepot.playground.loading.manifests import read_manifest, table_blocks
from entrepot.playground.loading.working import midnight, month_after


async def checksums(db: Database, *, report: Report = SILENT) -> dict[str, str]:
    """The checksum of each table of facts in the database."""
    found: dict[str, str] = {}
    async with queries.connected(db) as connection, connection.transaction():
        await queries.one_moment(connection)
        for number, shape in enumerate(fact_shapes()):
            report("checksum", done=number, total=len(fact_shapes()), unit="tables", note=shape.name)
            digest = hashlib.sha256()
            # A month at a time: what is sorted at once stays small, whatever the size of the world.
            for month in await queries.months_with_rows(connection, shape):
                lower, upper = midnight(month), midnight(month_after(month))
                async with queries.reading(
                    connection, shape, lower=lower, upper=upper, simulated=True
                ) as blocks:
                    async for block in blocks:
                        digest.update(block)
            found[shape.name] = digest.hexdigest()
        report("checksum", done=len(fact_shapes()), total=len(fact_shapes()), unit="tables")
    return dict(sorted(found.items()))


def checksums_of(directory: Path, *, report: Report = SILENT) -> dict[str, str]:
    """The checksum of each table of facts in the files of a directory; a table without files has that of no rows.

    Raises NotFoundError where the directory has no manifest, InvalidInputError where a file of it is missing.
    """
    manifest = read_manifest(directory)
    found: dict[str, str] = {}
    for number, shape in enumerate(fact_shapes()):
        report("checksum", done=number, total=len(fact_shapes()), unit="tables", note=shape.name)
        digest = hashlib.sha256()
        if shape.name in manifest["tables"]:
            for block in table_blocks(directory, manifest, shape_of(shape.name)):
                digest.update(block)
        found[shape.name] = digest.hexdigest()
    report("checksum", done=len(fact_shapes()), total=len(fact_shapes()), unit="tables")
    return dict(sorted(found.items()))


def differences(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """The tables whose checksums differ."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
