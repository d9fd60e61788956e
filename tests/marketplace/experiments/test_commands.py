"""The command line of experiments, and the hash in a pipe."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from uuid import UUID

import pytest
from growthbook.core import gbhash
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.cli.conftest import CommandLine
from tests.cli.conftest import entrepot as entrepot
from tests.conftest import add_platform

from entrepot.kit.db import Database
from entrepot.kit.settings import Settings
from entrepot.marketplace.experiments.documents import EXAMPLE
from entrepot.marketplace.experiments.kind import KIND
from entrepot.marketplace.experiments.piping import answer_lines
from entrepot.marketplace.rulebook.authoring import parse_document, publish, save_draft

KEY = EXAMPLE["key"]
HASH = [sys.executable, "-m", "entrepot", "experiment", "hash"]


@pytest.fixture
def published(settings: Settings) -> UUID:
    """A platform with an experiment that runs; made in a loop of its own, as a command runs in one."""

    async def make() -> UUID:
        async with Database.opened(settings, pool_size=2) as db:
            platform = await add_platform(db, "quayside")
            async with db.tenant(platform_id=platform) as session:
                await save_draft(session, KIND, platform, parse_document(KIND, EXAMPLE), user_id=None)
                await publish(session, KIND, platform, KEY)
            return platform

    return asyncio.run(make())


def test_an_entity_is_assigned_and_counted(entrepot: CommandLine, published: UUID) -> None:
    mobile = '{"device_type": "mobile"}'
    told = entrepot("experiment", "assign", KEY, "--entity", "user-1", "--context", mobile)
    assert told.code == 0
    assert "The audience mobile holds" in told.stdout
    assert "Payload:" in told.stdout
    again = entrepot(
        "experiment", "assign", KEY, "--entity", "user-1", "--context", "-", "--json", given=mobile
    )
    assert again.json["reason"] == "sticky"
    dry = entrepot(
        "experiment", "assign", KEY, "--entity", "user-2", "--no-record", "--context", mobile, "--json"
    )
    assert dry.json["reason"] == "hashed"
    results = entrepot("experiment", "results", KEY, "--keep", "--json")
    assert sum(results.json["entities"].values()) == 1
    shown = entrepot("experiment", "results", KEY)
    assert "purchase" in shown.stdout
    assert "refund (guardrail)" in shown.stdout


def test_what_cannot_be_used_is_said(entrepot: CommandLine, published: UUID) -> None:
    wrong: list[tuple[list[str], int, str]] = [
        (["--context", "{"], 2, "no JSON"),
        (["--context", "[]"], 2, "object"),
        (["--context", "@missing.json"], 2, "cannot be read"),
        (["--context", '{"device_type": "phone"}'], 2, "device_type"),
        (["--entity", "a", "--context", '{"id": "b"}'], 2, "another id"),
    ]
    for arguments, code, said in wrong:
        outcome = entrepot("experiment", "assign", KEY, *arguments)
        assert outcome.code == code
        assert said in outcome.stderr
    assert entrepot("experiment", "results", "nothing").code == 3


def test_the_hash_answers_each_line_as_it_comes() -> None:
    with subprocess.Popen(HASH, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for value in ("user-1", "é"):
            process.stdin.write(json.dumps({"seed": "s", "value": value, "version": 2}).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline()) == {"n": gbhash("s", value, 2)}
        process.stdin.write(b'{"seed": "s", "value": "last", "version": 1}')  # no newline at the end
        process.stdin.close()
        assert json.loads(process.stdout.readline()) == {"n": gbhash("s", "last", 1)}
    assert process.returncode == 0


def test_many_lines_are_answered_in_order() -> None:
    asked = [
        {"seed": "exp", "value": f"user-{number}", "version": (2, 1, 9)[number % 3]}
        for number in range(5_000)
    ]
    lines = b"".join(json.dumps(one).encode() + b"\n" for one in asked)
    done = subprocess.run(HASH, input=lines, stdout=subprocess.PIPE, check=True)
    found = [json.loads(line)["n"] for line in done.stdout.splitlines()]
    assert found == [gbhash(one["seed"], one["value"], one["version"]) for one in asked]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "path"),
    [
        (b"{", "$"),
        (b"[]", "$"),
        (b"NaN", "$"),
        (b'{"value": "u", "version": 2}', "seed"),
        (b'{"seed": 1, "value": "u", "version": 2}', "seed"),
        (b'{"seed": "s", "version": 2}', "value"),
        (b'{"seed": "s", "value": true, "version": 2}', "value"),
        (b'{"seed": "s", "value": "u", "version": "2"}', "version"),
        (b'{"seed": "s", "value": "u", "version": true}', "version"),
        (b"\xff", "$"),
    ],
)
def test_a_broken_line_is_answered_with_its_error(line: bytes, path: str) -> None:
    good = b'{"seed": "s", "value": "u", "version": 2}'
    first, broken, last = map(json.loads, answer_lines([good, b"", line, good], 7))
    assert first == last == {"n": gbhash("s", "u", 2)}
    assert broken["error"]["line"] == 9
    assert broken["error"]["where"] == {"path": path}


WORDS = st.text(st.characters(), max_size=12)


@given(asked=st.lists(st.tuples(WORDS, WORDS | st.integers(), st.integers(1, 3)), max_size=60))
@settings(max_examples=60, deadline=None)
def test_lines_hash_as_with_growthbook(asked: list[tuple[str, str | int, int]]) -> None:
    encode: Callable[[object], str] = json.dumps
    lines = [encode({"seed": s, "value": v, "version": n}).encode() for s, v, n in asked]
    found = [json.loads(line)["n"] for line in answer_lines(lines)]
    small = [(s, v, n) for s, v, n in asked if not isinstance(v, int) or abs(v) < 10**15]
    expected = {(s, v, n): gbhash(s, str(v), n) for s, v, n in small}
    assert all(number == expected[one] for one, number in zip(asked, found, strict=True) if one in expected)
