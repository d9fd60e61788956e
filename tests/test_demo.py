"""The demo and `serve` as a newcomer runs them: whole processes, which leave nothing running behind them."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from entrepot.demo.running import DOMAIN
from entrepot.kit.db.server import EmbeddedServer

#: Far beyond what anything here takes, so that a process that hangs fails its test and not the run.
PATIENCE = 120


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home that is not there yet; a server that a failed test left in it is stopped."""
    path = tmp_path / "home"
    yield path
    if path.is_dir():
        EmbeddedServer(path).stop("immediate")


def environment(home: Path, **more: str) -> dict[str, str]:
    """The environment without the settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
    return kept | {"ENTREPOT_HOME": str(home)} | more


def demo(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """One run of the demo that does not serve."""
    command = [sys.executable, "-m", "entrepot.demo", "--no-serve", "--products", "50", *arguments]
    return subprocess.run(
        command, env=environment(home, **more), capture_output=True, text=True, timeout=PATIENCE, check=False
    )


@contextmanager
def serving(home: Path, *command: str) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """A process that serves, its address, and the lines that it printed before."""
    process = subprocess.Popen(
        [sys.executable, *command, "--port", "0"],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                yield process, found.group(), lines
                return
        pytest.fail("".join(lines))
    finally:
        process.kill()
        process.wait()


def end(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    """Send a signal; the exit code, and what was still printed."""
    process.send_signal(number)
    rest, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, rest


def login(output: str) -> Mapping[str, str]:
    """What the demo says to sign in with."""
    return dict(re.findall(r"^(shop|email|password) +(\S+)", output, re.MULTILINE))


def processes(home: Path) -> list[str]:
    """The processes that have the home in their command line."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(home) in words:
            found.append(words)
    return found


def entrepot(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command line in the demo's home."""
    command = [sys.executable, "-m", "entrepot", *arguments]
    return subprocess.run(
        command, env=environment(home), capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_the_demo_imports_a_shop_keeps_it_and_starts_over(home: Path) -> None:
    first = demo(home, ENTREPOT_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert first.returncode == 0, first.stderr
    for step in ("generate", "parse", "merge"):
        assert f"  {step}" in first.stdout
    read, applied, unchanged, rejected = figures(first.stdout)
    assert read == applied + rejected > 500
    assert (unchanged, rejected) == (0, 5)
    assert "StorefrontGizmo" in first.stdout
    assert re.search(r"products +50, of which", first.stdout)
    assert re.search(r"orders of 30 days +[1-9]", first.stdout)
    assert re.search(r"policy +50 products decided on", first.stdout)
    assert re.search(r"prices +40 carts quoted", first.stdout)
    assert re.search(r"orders +9 of refurbished laptops, 6 delivered, 1 refused", first.stdout)
    assert re.search(r"labels +7 bought, each once; 1 failed and waits in the inbox", first.stdout)
    assert re.search(r"customers +1 answered, one more waits", first.stdout)
    assert login(first.stdout)["shop"] == DOMAIN
    assert stat.S_IMODE((home / "demo" / "login.json").stat().st_mode) == 0o600
    assert processes(home) == []

    second = demo(home)
    assert second.returncode == 0, second.stderr
    assert "is here from an earlier run" in second.stdout
    assert figures(second.stdout) == (read, 0, applied, rejected)
    assert login(second.stdout) == login(first.stdout)
    assert "products decided on" not in second.stdout
    assert "refurbished laptops" not in second.stdout

    found = json.loads(entrepot(home, "experiment", "results", "CHECKOUT_BUTTON", "--json").stdout)
    assert sum(found["entities"].values()) == 2000

    checked = entrepot(home, "db", "check", "--json")
    assert (checked.returncode, json.loads(checked.stdout)["differences"]) == (0, [])

    third = demo(home, "--reset")
    assert third.returncode == 0, third.stderr
    assert figures(third.stdout) == (read, applied, 0, rejected)
    assert login(third.stdout)["password"] != login(first.stdout)["password"]
    assert processes(home) == []


def figures(output: str) -> tuple[int, int, int, int]:
    """Read, applied, unchanged and rejected, as the demo's sentence has them."""
    found = re.search(r"([\d,]+) read = ([\d,]+) applied \+ ([\d,]+) unchanged \+ ([\d,]+) rejected", output)
    assert found, output
    read, applied, unchanged, rejected = (int(number.replace(",", "")) for number in found.groups())
    return read, applied, unchanged, rejected


def test_starting_over_deletes_nothing_that_the_demo_did_not_make(home: Path) -> None:
    home.mkdir()
    (home / "thesis.txt").write_text("years of work")
    refused = demo(home, "--reset")
    assert refused.returncode == 5
    assert "did not make" in refused.stderr
    assert [path.name for path in home.iterdir()] == ["thesis.txt"]


def test_the_demo_serves_until_it_is_interrupted(home: Path) -> None:
    with serving(home, "-m", "entrepot.demo", "--products", "20") as (process, address, lines):
        assert process.stdout is not None
        while not login("".join(lines)).get("password"):
            lines.append(process.stdout.readline())
        known = login("".join(lines))
        with httpx.Client(base_url=address) as client:
            assert client.get("/health/ready").json() == {"status": "ok", "rules": "heard"}
            page = client.get("/sign-in")
            assert page.status_code == 200
            fields = dict(
                re.findall(r'<input[^>]*type="hidden"[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.text)
            )
            entered = client.post("/sign-in", data=fields | dict(known))
            assert entered.status_code == 303, entered.text
            assert DOMAIN in client.get("/").text
        other = demo(home)
        assert other.returncode == 4
        assert "A demo runs in" in other.stderr
        code, rest = end(process, signal.SIGINT)
    assert code == 0, rest
    assert "nothing is left running" in rest
    assert processes(home) == []


def test_serve_answers_runs_jobs_and_ends_when_told(home: Path) -> None:
    with serving(home, "-m", "entrepot", "serve") as (process, address, _):
        assert httpx.get(f"{address}/health/ready").json() == {"status": "ok", "rules": "heard"}
        assert httpx.get(f"{address}/sign-in").status_code == 200
        assert httpx.get(f"{address}/api/v1/openapi.json").json()["info"]["title"] == "Entrepot"
        taken = entrepot(home, "serve", "--port", address.rpartition(":")[2])
        assert taken.returncode == 4
        assert "is in use" in taken.stderr
        assert entrepot(home, "jobs", "run", "staging.purge").returncode == 0
        limit = time.monotonic() + PATIENCE
        while "completed" not in (listed := entrepot(home, "jobs", "list")).stdout:
            assert time.monotonic() < limit, listed.stdout
        code, rest = end(process, signal.SIGTERM)
    assert code == 0, rest
    assert processes(home) == []
