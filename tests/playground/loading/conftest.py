"""Worlds of the stand-in: one that a module looks at, and those that are generated into the test's own database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from tests.conftest import clone
from tests.playground.loading.stand_in import NAME

from entrepot.kit.db import Database
from entrepot.playground.loading.generating import Generated, generate
from entrepot.playground.world.settings import WorldSettings

Generate = Callable[..., Awaitable[Generated]]


@dataclass(frozen=True)
class Loaded:
    """A database with a world, and what its making said."""

    db: Database
    made: Generated


@pytest.fixture(scope="session")
def small() -> WorldSettings:
    """Three weeks over the end of a month."""
    return WorldSettings(seed=7, scale=1.0, start=date(2025, 10, 20), end=date(2025, 11, 9))


@pytest.fixture(scope="module")
async def loaded(server_home: Path, small: WorldSettings) -> AsyncIterator[Loaded]:
    """The small world, to be looked at only."""
    with clone(server_home) as settings:
        async with Database.opened(settings) as db:
            yield Loaded(db, await generate(db, small, processes=0, world=NAME))


@pytest.fixture
def generate_world(db: Database, small: WorldSettings) -> Generate:
    """Generates the stand-in's world."""

    async def run(
        settings: WorldSettings = small, *, processes: int = 0, replace: bool = False, world: str = NAME
    ) -> Generated:
        return await generate(db, settings, processes=processes, replace=replace, world=world)

    return run
