"""What is published in one process decides in all of them, and one that cannot hear of it asks the database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from sqlalchemy import text

from entrepot.kit.db import Database
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.rulebook.authoring import parse_document, publish, roll_back, save_draft, take_step
from entrepot.marketplace.rulebook.registry import kinds

END_LISTENERS = text(
    """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'entrepot listener'
    """
)
Held = Callable[[UUID], Awaitable[Any]]


def held_by(engines: Engines) -> dict[str, Held]:
    """What each engine holds of a platform, by the name of its kind."""
    return {
        "policy": engines.policies.policies,
        "experiment": engines.experiments.experiments,
        "price": engines.pricing.pricing,
        "limit": engines.limits.limits,
    }


async def renewed(held: Held, platform: UUID, before: Any) -> Any:
    """Wait until something else is held than before."""
    async with asyncio.timeout(30):
        while (found := await held(platform)) is before:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)
    return found


async def test_every_engine_of_every_process_hears_of_each_change(
    db: Database, platform: UUID, other_platform: UUID, engines: Engines
) -> None:
    async with Engines.opened(db) as another:
        for kind in kinds():
            here, there = held_by(engines)[kind.name], held_by(another)[kind.name]
            document = parse_document(kind, kind.starter())
            key = kind.starter()["key"]
            held = [await here(platform), await there(platform)]
            elsewhere = await there(other_platform)
            async with db.tenant(platform_id=platform) as session:
                await save_draft(session, kind, platform, document, user_id=None)
            # A draft decides nothing, and nobody reads the rules again for it.
            assert [await here(platform), await there(platform)] == held
            async with db.tenant(platform_id=platform) as session:
                await publish(session, kind, platform, key)
            held = [await renewed(here, platform, held[0]), await renewed(there, platform, held[1])]
            paused = kind.machine.paused[0]
            (pause,) = (
                event
                for event in kind.machine.events(kind.machine.serving)
                if kind.machine.target(event, kind.machine.serving) == paused
            )
            async with db.tenant(platform_id=platform) as session:
                await take_step(session, kind, platform, key, pause)
            held = [await renewed(here, platform, held[0]), await renewed(there, platform, held[1])]
            async with db.tenant(platform_id=platform) as session:
                await roll_back(session, kind, platform, key, 1, user_id=None)
            for one, before in zip((here, there), held, strict=True):
                await renewed(one, platform, before)
            assert await there(other_platform) is elsewhere


async def test_a_process_that_cannot_hear_says_so_and_still_answers_by_the_newest_rules(
    db: Database,
    platform: UUID,
    engines: Engines,
    client: httpx.AsyncClient,
    operator: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    policy = {"name": "Listing", "default_effect": "ALLOW"}
    base = "/api/v1/policies/LISTING"

    async def decided() -> str:
        answer = await client.post(f"{base}/evaluate", json={"context": {}}, headers=operator)
        return str(answer.json()["effect"])

    await client.put(f"{base}/draft", json=policy, headers=operator)
    await client.post(f"{base}/publish", headers=operator)
    assert await decided() == "ALLOW"
    assert (await client.get("/health/ready")).json()["rules"] == "heard"

    async def refused(*_channels: str) -> None:
        raise psycopg.OperationalError("the server takes no connection")

    monkeypatch.setattr(db, "listen", refused)
    async with db.system() as session:
        await session.execute(END_LISTENERS)
    async with asyncio.timeout(30):
        while engines.changes.hearing:  # noqa: ASYNC110 - nor has this
            await asyncio.sleep(0.01)
    assert (await client.get("/health/ready")).json() == {"status": "ok", "rules": "asked"}
    await client.put(f"{base}/draft", json={**policy, "default_effect": "DENY"}, headers=operator)
    await client.post(f"{base}/publish", headers=operator)
    assert await decided() == "DENY"
    await client.post(f"{base}/rollback", headers=operator)
    assert await decided() == "ALLOW"
