"""A simulated world into Parquet or CSV files, without a database; an interrupted run goes on where it was."""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from entrepot.kit.errors import ConflictError
from entrepot.kit.progress import SILENT, Report
from entrepot.playground.loading.declared import fact_shapes
from entrepot.playground.loading.generating import Generated
from entrepot.playground.loading.manifests import (
    Format,
    WrittenFile,
    describe,
    read_manifest,
    remove_export,
    require_room,
    write_manifest,
)
from entrepot.playground.loading.shapes import Shape
from entrepot.playground.loading.simulating import Workers, workers
from entrepot.playground.loading.spilling import remove_parts, settings_name, spilled, total
from entrepot.playground.loading.working import WORLD, Gather, Job, Question, make_world

if TYPE_CHECKING:
    from entrepot.playground.world.settings import WorldSettings


async def generate_files(
    settings: "WorldSettings",
    out: Path,
    format_: Format,
    *,
    processes: int,
    replace: bool = False,
    report: Report = SILENT,
    world: str = WORLD,
) -> Generated:
    """Make a world and write it to a directory.

    Raises ConflictError where the directory holds something else, or another run is writing to it.
    """
    began = time.monotonic()
    made_from = {"format": format_, "world": settings.as_dict()}
    # Parts of other settings have another name, so they are never taken for this world's.
    kept = out / f".parts-{settings_name(settings.as_dict())}"
    with _alone(out):
        if require_room(out, made_from, replace=replace) and not replace:
            tables = read_manifest(out)["tables"]
            rows = {name: table["rows"] for name, table in tables.items() if table["rows"]}
            return Generated(settings.as_dict(), rows, time.monotonic() - began, there=True)
        remove_export(out)
        resumed = kept.exists()
        job = Job(settings.as_dict(), kept, world, out, format_)
        parts = make_world(job).parts
        async with workers(job, processes) as pool:
            rows = await _simulate(pool, parts, kept, report)
            files = await _gather(pool, parts, report)
        write_manifest(out, describe(format_, made_from, files))
        remove_parts(out)
    return Generated(settings.as_dict(), rows, time.monotonic() - began, resumed)


async def _simulate(pool: Workers, parts: int, kept: Path, report: Report) -> dict[str, int]:
    found = {number: held for number in range(parts + 1) if (held := spilled(kept, number)) is not None}
    missing = [number for number in range(parts) if number not in found]
    done = parts - len(missing)
    async for part in pool.parts(missing):
        found[part.number] = (dict(part.rows), part.carried)
        done += 1
        report("simulate", done=done, total=parts + 1, unit="parts")
    if parts not in found or missing:
        people = await pool.ask(Question(parts, [found[number][1] for number in range(parts)]))
        found[parts] = (dict(people.rows), b"")
    report("simulate", done=parts + 1, total=parts + 1, unit="parts")
    return total([rows for rows, _ in found.values()])


async def _gather(pool: Workers, parts: int, report: Report) -> Mapping[Shape, list[WrittenFile]]:
    done = 0

    async def one(shape: Shape) -> list[WrittenFile]:
        nonlocal done
        files = await pool.gather(Gather(shape.name, parts))
        done += 1
        report("write files", done=done, total=len(shapes), unit="tables")
        return files

    # The large ones first, which refer to others: the last ones to finish are small.
    shapes = list(reversed(fact_shapes()))
    written = await asyncio.gather(*(one(shape) for shape in shapes))
    found = dict(zip(shapes, written, strict=True))
    return {shape: found[shape] for shape in fact_shapes()}


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    import fcntl

    out.mkdir(parents=True, exist_ok=True)
    with (out / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConflictError(
                f"Another command is writing to {out}.", hint="Wait for it to end, or give another --out."
            ) from error
        yield
    (out / ".lock").unlink(missing_ok=True)
