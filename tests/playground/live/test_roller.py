"""Rolling beside a world: whatever was told before the end is rolled, also what was told during the last roll."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from entrepot.kit.db import Database
from entrepot.playground.live.running import _Roller
from entrepot.playground.metrics import rolling


async def test_what_is_told_during_the_last_roll_is_rolled(
    monkeypatch: pytest.MonkeyPatch, db: Database
) -> None:
    rolled: list[datetime] = []
    roller = _Roller()
    first, last = datetime(2025, 11, 9, tzinfo=UTC), datetime(2025, 11, 10, tzinfo=UTC)

    async def roll(_db: Database, *, until: datetime, **_: Any) -> None:
        rolled.append(until)
        if until == first:
            roller.ring(last)
            roller.close()

    monkeypatch.setattr(rolling, "roll", roll)
    roller.ring(first)
    async with asyncio.timeout(20):
        await roller.run(db)
    assert rolled == [first, last]
