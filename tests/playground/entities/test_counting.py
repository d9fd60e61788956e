"""How many came, are there and went."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from tests.playground.entities.test_resolving import partitions_read
from tests.playground.village import END, START, at

from entrepot.kit.errors import InvalidInputError
from entrepot.playground.entities import queries
from entrepot.playground.entities.counting import created_by_day, flows, funnel, population


async def test_what_came_to_be_is_counted_by_day_and_type(session: AsyncSession) -> None:
    rows = await created_by_day(session, START, END, "shop_order")
    assert [(row["day"].date().isoformat(), row["created"], row["simulated"]) for row in rows] == [
        ("2025-10-10", 1, 1),
        ("2025-11-03", 1, 1),
        ("2025-11-05", 1, 1),
        ("2025-11-06", 1, 1),
        ("2025-11-28", 1, 1),
        ("2025-11-29", 1, 0),
    ]
    everything = await created_by_day(session, at(10, 8, 0), at(10, 9, 0))
    assert [(row["entity_type"], row["created"]) for row in everything] == [("shop_product", 4)]


async def test_a_type_that_does_not_exist_is_refused(session: AsyncSession) -> None:
    with pytest.raises(InvalidInputError, match="'boat'"):
        await created_by_day(session, START, END, "boat")
    with pytest.raises(InvalidInputError, match="before it begins"):
        await created_by_day(session, END, START)


async def test_who_was_there_at_a_time_is_counted(session: AsyncSession) -> None:
    def users(rows: object) -> tuple[int, int, int]:
        (row,) = [row for row in rows if row["entity_type"] == "user"]  # type: ignore[attr-defined]
        return row["created"], row["closed"], row["alive"]

    assert users(await population(session, at(10, 4, 12))) == (2, 0, 2)
    assert users(await population(session, at(11, 19))) == (5, 0, 5)
    assert users(await population(session, at(11, 20))) == (5, 1, 4)
    assert await population(session, START) == []


async def test_the_way_from_lead_to_churn(session: AsyncSession) -> None:
    stages = {stage.stage: stage for stage in await funnel(session, START, END, END)}
    assert {name: (stage.users, stage.in_order) for name, stage in stages.items()} == {
        "lead": (5, 5),
        "prospect": (3, 3),  # ada, bo and eve have shops
        "customer": (2, 0),  # cy and dee have paid, and have none
        "churn": (1, 0),
    }
    assert stages["prospect"].median == timedelta(days=3)
    assert stages["churn"].share == 0.2
    # Before dee paid: one customer, and nobody had left.
    earlier = {stage.stage: stage.users for stage in await funnel(session, START, END, at(11, 3, 9))}
    assert earlier == {"lead": 5, "prospect": 3, "customer": 1, "churn": 0}


async def test_the_flows_from_users_to_shops(session: AsyncSession) -> None:
    found = {(row["source"], row["target"]): row["entities"] for row in await flows(session, START, END, END)}
    assert found == {
        ("users", "shops"): 3,
        ("users", "active"): 4,
        ("users", "closed"): 1,
        ("shops", "active"): 3,
    }


async def test_only_the_days_counted_are_read(session: AsyncSession) -> None:
    october = {"since": START, "until": at(10, 20)}
    created = await partitions_read(session, queries.CREATED, **october, entity_type=None)
    assert created == {"global_entities_2025_10"}
    assert not any(
        "2025_11" in name for name in await partitions_read(session, queries.FUNNEL, **october, at=at(10, 20))
    )
    assert not any(
        "2025_11" in name for name in await partitions_read(session, queries.FLOWS, **october, at=END)
    )
    assert not any(
        "2025_11" in name for name in await partitions_read(session, queries.POPULATION, at=at(10, 20))
    )
