"""Worlds of the stand-in, generated into the test's own database."""

from collections.abc import Awaitable, Callable
from datetime import date

import pytest
from tests.playground.loading.stand_in import NAME

from entrepot.kit.db import Database
from entrepot.playground.loading.generating import Generated, generate
from entrepot.playground.world.settings import WorldSettings

Generate = Callable[..., Awaitable[Generated]]


@pytest.fixture
def small() -> WorldSettings:
    """Three weeks over the end of a month."""
    return WorldSettings(seed=7, scale=1.0, start=date(2025, 10, 20), end=date(2025, 11, 9))


@pytest.fixture
def generate_world(db: Database, small: WorldSettings) -> Generate:
    """Generates the stand-in's world."""

    async def run(
        settings: WorldSettings = small, *, processes: int = 0, replace: bool = False, world: str = NAME
    ) -> Generated:
        return await generate(db, settings, processes=processes, replace=replace, world=world)

    return run
