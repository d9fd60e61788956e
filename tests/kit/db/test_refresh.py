"""Refreshing materialized views: all or some, together with their readers."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from entrepot.kit.db import Database
from entrepot.kit.db.check import load_declarations
from entrepot.kit.db.refresh import find_view, refresh
from entrepot.kit.db.views import MATERIALIZED_VIEWS
from entrepot.kit.errors import NotFoundError

load_declarations()

SUMMARY = text("SELECT shop_id FROM pim.mv_shop_summary")


async def seen(db: Database, shop: UUID) -> list[Any]:
    async with db.tenant(shop_id=shop) as session:
        return list((await session.execute(SUMMARY)).scalars())


async def test_a_refresh_shows_what_has_changed(db: Database, shop: UUID, other_shop: UUID) -> None:
    assert await seen(db, shop) == []
    assert await refresh(db, "mv_shop_summary") == ["mv_shop_summary"]
    assert await seen(db, shop) == [shop]
    assert await seen(db, other_shop) == [other_shop]


async def test_every_declared_view_can_be_refreshed(db: Database, shop: UUID) -> None:
    assert await refresh(db) == [view.name for view in MATERIALIZED_VIEWS]
    assert await refresh(db) == [view.name for view in MATERIALIZED_VIEWS]


async def test_readers_are_not_locked_out(db: Database, shop: UUID) -> None:
    """A reader in the middle of its transaction does not stop a refresh, nor a refresh the reader."""
    await refresh(db, "mv_shop_summary")
    async with db.tenant(shop_id=shop) as session:
        assert list((await session.execute(SUMMARY)).scalars()) == [shop]
        await refresh(db, "mv_shop_summary")
        assert list((await session.execute(SUMMARY)).scalars()) == [shop]


async def test_a_view_that_there_is_not() -> None:
    with pytest.raises(NotFoundError, match="mv_nothing") as missing:
        find_view("mv_nothing")
    assert "mv_shop_summary" in (missing.value.hint or "")
