"""A world in which all is well passes, and whatever is spoiled is found by the checks that are meant for it."""

import pytest
from tests.playground.checks.conftest import Opened

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError
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
