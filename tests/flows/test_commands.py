"""`entrepot world run`, as it is typed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import CommandLine
from tests.playground.live.conftest import SMALL, clock_of

from entrepot.kit.db import Database

SOURCE = str(Path(__file__).resolve().parents[2] / "src")


@pytest.fixture
def environment(world: Database) -> dict[str, str]:
    """The environment in which a program finds the small world."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
    found = {
        "ENTREPOT_HOME": str(world.settings.home),
        "ENTREPOT_DATABASE_NAME": world.settings.database_name,
    }
    return kept | found | {"PYTHONPATH": SOURCE}


def command(*arguments: str) -> list[str]:
    """A command line."""
    return [sys.executable, "-m", "entrepot", "world", "run", *arguments]


async def output(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command."""
    done = await asyncio.to_thread(
        subprocess.run, command(*arguments), env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


async def test_a_run_prints_one_object(world: Database, environment: dict[str, str]) -> None:
    options = ("--speed", "max", "--for", "2h", "--late", "0.2", "--duplicates", "0.2", "--settle", "--json")
    code, stdout, stderr = await output(environment, *options)
    assert code == 0, stderr
    found: dict[str, Any] = json.loads(stdout)
    assert found.keys() == {
        "start", "clock", "ticks", "inserted", "updated", "late", "duplicates", "waiting", "stopped", "rows", "seconds",
    }  # fmt: skip
    assert (found["ticks"], found["waiting"], found["stopped"]) == (2, 0, False)
    assert found["clock"] == "2025-11-09T02:00:00Z"


async def test_a_signal_ends_it_between_two_ticks(world: Database, environment: dict[str, str]) -> None:
    def stop() -> tuple[str, str, int]:
        process = subprocess.Popen(
            command("--speed", "600"),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        for told in process.stderr:
            if "changed" in told:
                break
        process.send_signal(signal.SIGTERM)
        return *process.communicate(), process.returncode

    stdout, stderr, code = await asyncio.to_thread(stop)
    assert code == 0, stderr
    assert "The world was stopped" in stdout
    clock = await clock_of(world)
    assert str(clock) in stdout or f"{clock:%Y-%m-%d %H:%M}" in stdout
    assert clock > SMALL.end_time  # type: ignore[operator]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--until", "2025-12-01", "--for", "2h"), "--until and --for"),
        (("--speed", "fast"), "no speed"),
        (("--for", "soon"), "no length of time"),
        (("--late", "2"), "a share between 0 and 1"),
        (("--onto", "program", "--late", "0.1"), "for the warehouse"),
    ],
)
def test_what_cannot_be_is_said(entrepot: CommandLine, options: tuple[str, ...], word: str) -> None:
    outcome = entrepot("world", "run", *options)
    assert outcome.code == 2
    assert word in outcome.stderr


def test_without_a_world_it_says_what_to_do(entrepot: CommandLine) -> None:
    for onto in ("warehouse", "program"):
        outcome = entrepot("world", "run", "--onto", onto)
        assert outcome.code == 3
        assert "entrepot world generate" in outcome.stderr
