"""`entrepot metrics` on the command line, and the page that defines the metrics."""

import asyncio
from pathlib import Path

import pytest
from tests.cli.conftest import CommandLine, entrepot
from tests.playground.metrics import worlds
from tests.playground.metrics.worlds import PRODUCTS, at

from entrepot.kit.db import Database
from entrepot.kit.settings import Settings
from entrepot.playground.metrics.definitions import definitions

__all__ = ["entrepot"]
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"


@pytest.fixture
def metrics(entrepot: CommandLine, settings: Settings) -> CommandLine:
    """The commands open their own loop, so this has one of its own."""

    async def run() -> None:
        async with Database.opened(settings) as db, db.system() as session:
            await worlds.write(session, worlds.people())
            await worlds.write(session, worlds.order(1, at(1), 0, [(PRODUCTS[0], 2, "0")]))

    asyncio.run(run())
    return entrepot


def test_a_roll_says_what_it_did_and_the_ledger_keeps_it(metrics: CommandLine) -> None:
    dirty = metrics("metrics", "status", "--json").json
    assert [row["kind"] for row in dirty["dirty"]] == ["product", "shop", "user"]
    rolled = metrics("metrics", "roll", "--json").json
    assert set(rolled) == {"buckets", "rows", "seconds"}
    assert (rolled["buckets"], rolled["rows"]) == (6, 6)
    assert metrics("metrics", "status", "--json").json["dirty"] == []
    assert "0 rows new, 0 changed, 0 gone" in metrics("metrics", "roll").stdout
    runs = metrics("metrics", "runs", "--json").json["items"]
    assert [(run["outcome"], run["rows_inserted"]) for run in runs] == [("completed", 0), ("completed", 6)]
    metrics("metrics", "mark", "--from", "2025-11-30", "--to", "2025-12-01")
    assert "6 as they were" in metrics("metrics", "roll").stdout
    assert metrics("metrics", "roll", "--from", "2025-12-01", "--to", "2025-11-01").code == 2
    assert "is no time" in metrics("metrics", "roll", "--from", "Friday").stderr


def test_the_page_defines_every_metric_as_its_column_does(entrepot: CommandLine) -> None:
    page = PAGE.read_text(encoding="utf-8").splitlines()
    lines = [f"| `{one.column}` | {one.type} | {one.definition} |" for one in definitions()]
    assert [line for line in page if line.startswith("| `")] == lines
    shown = entrepot("metrics", "definitions", "--json").json["items"]
    assert [one["column"] for one in shown] == [one.column for one in definitions()]
