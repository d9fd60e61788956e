"""A run that was killed goes on where it was, and ends with what an uninterrupted one has."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.playground.loading.conftest import Generate
from tests.playground.loading.stand_in import NAME
from tests.playground.loading.test_generating import count

from entrepot.kit.db import Database
from entrepot.kit.settings import Settings
from entrepot.playground.loading.checksums import checksums, checksums_of
from entrepot.playground.loading.filing import generate_files
from entrepot.playground.loading.generating import clear
from entrepot.playground.loading.queries import current_world
from entrepot.playground.world.settings import WorldSettings

ROOT = Path(__file__).resolve().parents[3]
#: Step, calls of it that are let through; state and whole parts (the people among them) that are found afterwards.
POINTS = [
    ("note_part", 2, "loading", 2),
    ("prepare", 3, "placing", 5),
    ("place", 4, "placing", 5),
    ("complete", 0, "placing", 5),
]


#: A run that kills itself: step, calls of it that are let through, and the directory of a run that writes files.
Kill = Callable[..., None]


@pytest.fixture(scope="module")
def killing(server_home: Path) -> Iterator[subprocess.Popen[str]]:
    """The process that forks such runs."""
    environment = {
        **os.environ,
        "ENTREPOT_HOME": str(server_home),
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "tests.playground.loading.killed"],
        cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield process


@pytest.fixture
def killed(killing: subprocess.Popen[str], settings: Settings, small: WorldSettings) -> Kill:
    def run(step: str, calls: int, out: Path | None = None) -> None:
        assert killing.stdin is not None
        assert killing.stdout is not None
        order = [settings.database_name, step, calls, small.as_dict(), out and str(out)]
        print(json.dumps(order), file=killing.stdin, flush=True)
        assert killing.stdout.readline().strip() == str(-signal.SIGKILL)

    return run


async def test_a_killed_run_goes_on(db: Database, killed: Kill, generate_world: Generate) -> None:
    """One point after the other, each in an empty warehouse."""
    await generate_world()
    whole = await checksums(db)
    for step, calls, state, parts in POINTS:
        await clear(db)
        killed(step, calls)
        async with db.system() as session:
            world = await current_world(session)
        assert world is not None
        assert world.state == state, (step, calls)
        assert await count(db, "data_playground.world_parts", f"run_id = '{world.id}'") == parts, (
            step,
            calls,
        )
        made = await generate_world()
        assert made.resumed
        assert await checksums(db) == whole, (step, calls)
        left = await count(
            db, "pg_class", "relkind = 'r' AND (relname LIKE '%_built' OR relname LIKE '%_beside_%')"
        )
        assert left == 0, (step, calls)


async def test_what_is_half_placed_can_be_cleared(
    db: Database, killed: Kill, generate_world: Generate
) -> None:
    killed("place", 4)
    assert sum((await clear(db)).values()) > 0
    assert await count(db, "data_playground.shops") == 0
    made = await generate_world()
    assert not made.resumed
    assert await count(db, "data_playground.shops") == 4


@pytest.mark.parametrize(("step", "calls", "kept"), [("spill", 3, 3), ("write_rows", 20, 5)])
async def test_files_go_on_from_the_parts_that_are_kept(
    killed: Kill, small: WorldSettings, tmp_path: Path, step: str, calls: int, kept: int
) -> None:
    out = tmp_path / "world"
    killed(step, calls, out)
    assert not (out / "manifest.json").exists()
    assert len(list(out.glob(".parts-*/part-*"))) == kept
    made = await generate_files(small, out, "parquet", processes=0, world=NAME)
    assert made.resumed
    await generate_files(small, tmp_path / "whole", "parquet", processes=0, world=NAME)
    assert checksums_of(out) == checksums_of(tmp_path / "whole")
    assert tree(out) == tree(tmp_path / "whole")


def tree(directory: Path) -> dict[str, bytes]:
    """Every file of a directory, and what is in it."""
    return {
        str(file.relative_to(directory)): file.read_bytes()
        for file in sorted(directory.rglob("*"))
        if file.is_file()
    }
