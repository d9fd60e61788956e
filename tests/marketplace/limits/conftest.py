"""One database for all tests of limits: each asks for limits of a platform of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from tests.conftest import add_platform, add_shop, clone

from entrepot.kit.db import Database
from entrepot.kit.settings import Settings
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.limits.engine import LimitEngine
from entrepot.marketplace.limits.kind import KIND
from entrepot.marketplace.rulebook.authoring import Version, parse_document, publish, save_draft, take_step

Publish = Callable[..., Awaitable[Version]]
NUMBERS = count(1)


@pytest.fixture(scope="session")
def settings(server_home: Any) -> Iterator[Settings]:
    """Settings of the database that the tests of limits share."""
    with clone(server_home) as found:
        yield found


@pytest.fixture(scope="session")
async def db(settings: Settings) -> AsyncIterator[Database]:
    """The two pools on it."""
    async with Database.opened(settings) as database:
        yield database


@pytest.fixture(scope="session")
async def engines(db: Database) -> AsyncIterator[Engines]:
    """The engines of a process."""
    async with Engines.opened(db) as found:
        yield found


@pytest.fixture
async def limits(engines: Engines) -> AsyncIterator[LimitEngine]:
    """The limits engine, by the database's clock unless the test sets it (`at`)."""
    yield engines.limits
    engines.limits.taker.at = None


@pytest.fixture
def at(limits: LimitEngine) -> Callable[[str], None]:
    """Sets the clock by which the engine counts, as an ISO time; UTC where it names no offset."""

    def set_clock(time: str) -> None:
        limits.taker.at = datetime.fromisoformat(time if "+" in time[10:] else f"{time}+00:00")

    return set_clock


@pytest.fixture
async def shop(db: Database) -> UUID:
    """A shop of the test's own."""
    return await add_shop(db, f"harbor-{next(NUMBERS)}.myshopify.com")


@pytest.fixture
async def other_shop(db: Database) -> UUID:
    """Another one."""
    return await add_shop(db, f"lagoon-{next(NUMBERS)}.myshopify.com")


@pytest.fixture
def platform_code() -> str:
    """The code of the test's platform."""
    return f"quayside-{next(NUMBERS)}"


@pytest.fixture
async def platform(db: Database, platform_code: str) -> UUID:
    """A platform of the test's own."""
    return await add_platform(db, platform_code)


@pytest.fixture
async def other_platform(db: Database) -> UUID:
    """Another one."""
    return await add_platform(db, f"breakwater-{next(NUMBERS)}")


def limit(key: str, algorithm: str = "TOTAL", **fields: Any) -> dict[str, Any]:
    """A document as short as it can be."""
    return {"key": key, "resource_type": "TEST", "algorithm": algorithm, "limit": 10, **fields}


async def publish_on(db: Database, platform: UUID, document: dict[str, Any]) -> Version:
    """Publish a document on a platform, as an edge would."""
    async with db.tenant(platform_id=platform) as session:
        await save_draft(session, KIND, platform, parse_document(KIND, document), user_id=None)
        return await publish(session, KIND, platform, document["key"])


@pytest.fixture
def publish_limit(db: Database, engines: Engines, platform: UUID) -> Publish:
    """Publishes `limit(…)` on the test's platform, or on another (`on`), and waits until the engines have heard of it."""

    async def publish_and_wait(
        key: str, algorithm: str = "TOTAL", *, on: UUID = platform, **fields: Any
    ) -> Version:
        version = await publish_on(db, on, limit(key, algorithm, **fields))
        await _heard(engines, on, version, suspended=False)
        return version

    return publish_and_wait


@pytest.fixture
def step(db: Database, engines: Engines, platform: UUID) -> Publish:
    """Suspends or resumes a limit of the test's platform, and waits until the engines have heard of it."""

    async def step_and_wait(key: str, event: str) -> Version:
        async with db.tenant(platform_id=platform) as session:
            version = await take_step(session, KIND, platform, key, event)
        await _heard(engines, platform, version, suspended=event == "suspend")
        return version

    return step_and_wait


async def _heard(engines: Engines, platform: UUID, version: Version, *, suspended: bool) -> None:
    async with asyncio.timeout(5):
        while True:
            found = (await engines.limits.limits(platform)).get(version.key)
            if found and (found.version, found.suspended) == (version.version, suspended):
                return
            await asyncio.sleep(0.005)
