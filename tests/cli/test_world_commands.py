"""`entrepot world verify` and the commands that read the registry, from the shell."""

import asyncio

import pytest
from sqlalchemy import text
from tests.cli.conftest import CommandLine
from tests.playground.checks.conftest import measure
from tests.playground.village import Village, settle

from entrepot.kit.db import Database
from entrepot.kit.settings import Settings
from entrepot.playground.checks.verifying import CHECKS


@pytest.fixture
def village(settings: Settings) -> Village:
    """The village, measured, in the database of the command line."""
    found = Village()

    async def write() -> None:
        async with Database.opened(settings) as db, db.system() as session:
            await settle(session, found)
            await measure(session)

    asyncio.run(write())
    return found


async def spoil(settings: Settings) -> None:
    async with Database.opened(settings) as db, db.system() as session:
        await session.execute(
            text(
                "UPDATE data_playground.shop_products SET stock_quantity = 8 WHERE sku = 'SKU-globe' AND stock_quantity = 7"
            )
        )


def test_nothing_to_verify_is_a_conflict(entrepot: CommandLine) -> None:
    outcome = entrepot("world", "verify", "--json")
    assert outcome.code == 4
    assert "nothing to verify" in outcome.json["error"]["detail"]


@pytest.mark.usefixtures("village")
def test_verify_ends_with_1_once_something_is_wrong(entrepot: CommandLine, settings: Settings) -> None:
    well = entrepot("world", "verify", "--json")
    assert well.code == 0
    assert [check["name"] for check in well.json["checks"]] == list(CHECKS)
    assert all(set(check) == {"name", "compared", "failed", "first"} for check in well.json["checks"])

    asyncio.run(spoil(settings))
    wrong = entrepot("world", "verify", "--check", "stock-log", "--json")
    assert wrong.code == 1
    (check,) = wrong.json["checks"]
    assert (check["failed"], check["name"]) == (1, "stock-log")
    assert "its stock is 8, its last movement left 7" in check["first"]

    told = entrepot("world", "verify", "--check", "stock-log", "--check", "registry")
    assert told.code == 1
    assert "its stock is 8, its last movement left 7" in told.stdout
    assert "1 check of 2 failed: stock-log." in told.stdout

    assert entrepot("world", "verify", "--check", "nothing").code == 2


def test_the_registry_answers(entrepot: CommandLine, village: Village) -> None:
    order = str(village.id("second"))
    found = entrepot("world", "entity", order, "--json").json
    assert (found["type"], found["table"]) == ("shop_order", "shop_orders")
    page = entrepot("world", "history", order, "--limit", "10", "--json").json
    rest = entrepot("world", "history", order, "--after", page["next"], "--json").json
    assert [entry["what"] for entry in page["items"] + rest["items"]][-1] == "payment_refunded"
    assert rest["next"] is None
    span = ("--from", "2025-10-01", "--to", "2025-12-01")
    days = entrepot("world", "created", *span, "--type", "user_shop", "--json").json["days"]
    assert [(day["day"], day["created"]) for day in days] == [
        ("2025-10-06", 1),
        ("2025-10-07", 1),
        ("2025-10-21", 1),
    ]
    alive = entrepot("world", "population", "--at", "2025-11-21", "--json").json["types"]
    assert {row["entity_type"]: row["alive"] for row in alive}["user"] == 4
    stages = entrepot("world", "funnel", *span, "--json").json["stages"]
    assert [stage["users"] for stage in stages] == [5, 3, 2, 1]
    for shown in (
        entrepot("world", "entity", order),
        entrepot("world", "history", order, "--newest", "--limit", "3"),
        entrepot("world", "created", *span),
        entrepot("world", "population"),
        entrepot("world", "funnel", *span),
    ):
        assert shown.code == 0
        assert shown.stdout
    assert entrepot("world", "entity", str(village.id("first/globe"))).code == 3
    assert entrepot("world", "entity", "order-7").code == 2
