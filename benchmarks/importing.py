"""A shop's export into the mirror, beside dlt's merge and beside a raw COPY of the same lines, on the same server.

The file is generated: products with their variants, in Shopify's order. The mirror has all its indexes, constraints,
policies and triggers; staging, checks, events, statistics and views are part of the import's time. dlt merges on the
key into two tables without any of that. COPY writes the lines into one jsonb column of a table without an index: no
import that keeps anything can be faster.
"""

import asyncio
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson
import psycopg

from benchmarks import Result
from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.progress import SILENT
from entrepot.kit.settings import Settings
from entrepot.pim.bulk.context import Context
from entrepot.pim.bulk.importing import Imported, Options, import_files
from entrepot.pim.bulk.reading import examine
from entrepot.pim.tenants.shops import add_shop
from entrepot.sandbox.shopify.exporting import export_lines

NAME = "import"
PRODUCTS = 50_000
KINDS = (b'"id":"gid://shopify/Product/', b'"id":"gid://shopify/ProductVariant/')
DLT_PAGE = 5_000


async def run(settings: Settings) -> Result:
    """Import, import again, dlt, COPY; each on the same lines."""
    path = settings.home / "export.jsonl"
    lines, products, variants = generate(path)
    copied = min(raw_copy(settings, path) for _ in range(2))
    async with Database.opened(settings, pool_size=5) as db:
        async with db.system() as session:
            shop = await add_shop(session, Keyring.open(settings), "bench.myshopify.com", currency="EUR")
        first = await timed_import(db, shop.shop_id, path, Options())
        again = await timed_import(db, shop.shop_id, path, Options(force=True))
    if first.outcome.total.inserted != lines or again.outcome.total.unchanged != lines:
        raise AssertionError(f"the import did not take every line: {first.as_dict()}, {again.as_dict()}")
    merged = dlt_merge(settings, path)
    copied = min(copied, raw_copy(settings, path))
    return {
        "name": NAME,
        "ratios": {
            "import rate / dlt merge rate (at least 5)": round(merged / first.seconds, 2),
            "import rate / raw COPY rate (at least 0.25)": round(copied / first.seconds, 3),
            "first import time / unchanged re-import time (at least 2)": round(
                first.seconds / again.seconds, 2
            ),
        },
        "details": {
            "lines": lines,
            "products": products,
            "variants": variants,
            "megabytes": round(path.stat().st_size / 1e6, 1),
            "import_seconds": round(first.seconds, 2),
            "import_lines_per_second": round(lines / first.seconds),
            "reimport_seconds": round(again.seconds, 2),
            "dlt_seconds": round(merged, 2),
            "dlt_lines_per_second": round(lines / merged),
            "copy_seconds": round(copied, 2),
            "copy_lines_per_second": round(lines / copied),
        },
    }


def generate(path: Path) -> tuple[int, int, int]:
    """Write the export; returns its lines, products and variants."""
    counts = [0, 0]
    with path.open("wb") as out:
        for line in export_lines(
            seed=1, products=PRODUCTS, orders=0, customers=0, now=datetime(2026, 11, 1, tzinfo=UTC)
        ):
            for place, kind in enumerate(KINDS):
                # a product below a collection has nothing but its id and its parent
                if kind in line[:80] and (place or b'"title"' in line):
                    counts[place] += 1
                    out.write(line)
    return sum(counts), counts[0], counts[1]


async def timed_import(db: Database, shop_id: UUID, path: Path, options: Options) -> Imported:
    """An import as the command does it, the reading for the digest included."""
    started = time.monotonic()
    sources = [await asyncio.to_thread(examine, path)]
    imported = await import_files(Context(db, shop_id), sources, options, SILENT)
    return Imported(imported.run_id, imported.outcome, time.monotonic() - started)


def raw_copy(settings: Settings, path: Path) -> float:
    """Seconds of a COPY of the lines into one jsonb column."""
    with psycopg.connect(libpq_url(role_url(settings, "admin")), autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS public.bench_copy")
        connection.execute("CREATE TABLE public.bench_copy (line jsonb)")
        started = time.monotonic()
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY public.bench_copy FROM STDIN") as copy,
            path.open("rb") as file,
        ):
            while chunk := file.read(1 << 20):
                copy.write(chunk.replace(b"\\", b"\\\\"))
        seconds = time.monotonic() - started
        connection.execute("DROP TABLE public.bench_copy")
    return seconds


def dlt_merge(settings: Settings, path: Path) -> float:
    """Seconds of dlt's merge, in a process of its own, as its documentation writes a pipeline."""
    server = role_url(settings, "admin")
    environment = {
        **os.environ,
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "DLT_DATA_DIR": str(settings.home / "dlt"),
        "DESTINATION__POSTGRES__CREDENTIALS": f"postgresql://postgres:none@{quote(str(server.query['host']), safe='')}/{server.database}",
        "NORMALIZE__WORKERS": "2",
    }
    command = [sys.executable, "-m", "benchmarks.importing", str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return float(done.stdout.strip().splitlines()[-1])


def dlt_pipeline(path: Path) -> float:
    """Run the pipeline; returns the seconds from the first line read to the merge committed."""
    import dlt

    def table(item: dict[str, Any]) -> str:
        return "variants" if "__parentId" in item else "products"

    def pages() -> Iterator[list[dict[str, Any]]]:
        with path.open("rb") as file:
            while page := [orjson.loads(line) for line in itertools.islice(file, DLT_PAGE)]:
                yield page

    started = time.monotonic()
    resource: Callable[..., Any] = dlt.resource(
        pages,
        name="export",
        table_name=table,
        write_disposition="merge",
        primary_key="id",
        max_table_nesting=0,
    )
    pipeline = dlt.pipeline("entrepot_bench", destination="postgres", dataset_name="bench_dlt")
    pipeline.run(resource()).raise_on_failed_jobs()
    return time.monotonic() - started


if __name__ == "__main__":
    sys.stdout.write(f"{dlt_pipeline(Path(sys.argv[1]))}\n")
