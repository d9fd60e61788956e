"""Blocks that follow `<!-- run -->` are run: a page's in order, each page on a database of its own.

What a block exports, those after it have, as in one terminal. A block for another terminal runs on until the page ends;
the next one waits until what it starts answers.
"""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.docs.markdown import ROOT, Block, blocks, pages

from entrepot.kit.settings import Settings
from entrepot.sandbox.shopify.exporting import write_export

RUNNABLE = {page: found for page in pages() if (found := [block for block in blocks(page) if block.runs])}
MOMENT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_examples_of_a_page_work(page: Path, settings: Settings, tmp_path: Path) -> None:
    write_export(tmp_path / "export.jsonl", seed=1, products=20, orders=10, customers=5, now=MOMENT)
    environment = shell_environment(settings, tmp_path)
    with ExitStack() as servers:
        for block in RUNNABLE[page]:
            if block.serves:
                servers.enter_context(serving(block, tmp_path, environment))
                continue
            done = run(block, tmp_path, environment)
            assert done.returncode == 0, (
                f"{block} ends with {done.returncode}:\n{block.text}\n{done.stdout}\n{done.stderr}"
            )
            assert "Traceback" not in done.stderr, done.stderr


def test_a_block_that_fails_is_noticed(settings: Settings, tmp_path: Path) -> None:
    block = Block(ROOT / "README.md", 1, "sh", "entrepot shops show nowhere.myshopify.com\ntrue\n", runs=True)
    assert run(block, tmp_path, shell_environment(settings, tmp_path)).returncode == 3


def run(block: Block, directory: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-eu", "-c", f"test ! -f .exported || . ./.exported\n{block.text}\nexport -p > .exported"],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@contextmanager
def serving(block: Block, directory: Path, environment: dict[str, str]) -> Iterator[None]:
    """Run a block in a terminal of its own until the end of the block of `with`."""
    port = re.search(r"--port[ =](\d+)", block.text)
    address = ("127.0.0.1", int(port[1]) if port else 8000)
    with (directory / "served.log").open("w") as log:
        # A session of its own, so that everything that the shell starts ends with it.
        server = subprocess.Popen(
            ["sh", "-eu", "-c", f"test ! -f .exported || . ./.exported\n{block.text}"],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + 60
            while not answers(address):
                said = (directory / "served.log").read_text()
                assert server.poll() is None, f"{block} ended:\n{said}"
                assert time.monotonic() < deadline, f"{block} does not answer on {address}:\n{said}"
                time.sleep(0.1)
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)


def answers(address: tuple[str, int]) -> bool:
    """Whether something takes connections there."""
    with suppress(OSError), socket.create_connection(address, timeout=1):
        return True
    return False


def shell_environment(settings: Settings, directory: Path) -> dict[str, str]:
    """A shell in which `entrepot` and `./dev entrepot` are the program, on the test's own database."""
    program = f'exec "{sys.executable}" -m entrepot "$@"\n'
    write_script(directory / "bin" / "entrepot", program)
    write_script(directory / "bin" / "python3", f'exec "{sys.executable}" "$@"\n')
    write_script(directory / "dev", f'test "$1" = entrepot || exit 64\nshift\n{program}')
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
    return {
        **kept,
        "PATH": f"{directory / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "ENTREPOT_HOME": str(settings.home),
        "ENTREPOT_DATABASE_NAME": settings.database_name,
    }


def write_script(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
