"""A world in which all is well passes, and whatever is spoiled is found by the checks that are meant for it."""

import pytest
from tests.playground.checks.conftest import METRICS, Opened

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError
from entrepot.playground.checks.family_queries import FAMILIES, SPANS
from entrepot.playground.checks.verifying import CHECKS, verify


async def test_where_nothing_is_spoiled_everything_agrees(opened: Opened) -> None:
    async with opened() as session:
        checks = await verify(session)
    assert [check.name for check in checks] == list(CHECKS)
    assert [(check.name, check.first) for check in checks if check.failed] == []
    assert [check.name for check in checks if not check.compared] == []


async def test_an_empty_warehouse_has_nothing_to_verify(db: Database) -> None:
    async with db.system() as session:
        with pytest.raises(ConflictError, match="nothing to verify"):
            await verify(session)


async def test_a_check_that_does_not_exist_is_refused_with_those_that_do(db: Database) -> None:
    async with db.system() as session:
        with pytest.raises(InvalidInputError) as refused:
            await verify(session, ["stock"])
    assert "'stock'" in refused.value.detail
    assert "stock-log" in str(refused.value.hint)


async def test_only_the_checks_named_are_made_in_their_order(opened: Opened) -> None:
    async with opened() as session:
        checks = await verify(session, ["registry", "order-totals"])
    assert [check.name for check in checks] == ["order-totals", "registry"]


def test_every_column_of_the_metrics_is_compared() -> None:
    for family in FAMILIES:
        for span in SPANS:
            table = METRICS[family.table(span).removeprefix("data_playground.")].__table__
            keys = {family.entity, family.entity.replace("_id", "_event_time")}
            others = {"event_time", "id", "partition_key", "extra_metrics"}
            assert {column.name for column in table.columns} - keys - others == set(family.columns)
