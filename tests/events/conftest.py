"""A place for subscribers' effects: a table that every role may write."""

import asyncio
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events import Event, NewEvent, publish_many
from entrepot.events.subscribing import Subscribers
from entrepot.kit.db import Database
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.settings import Settings


@pytest.fixture
def effects(settings: Settings) -> None:
    """The table marketplace.effects (event, who), which takes an event twice and so shows it."""
    with psycopg.connect(libpq_url(role_url(settings, "owner"))) as connection:
        connection.execute(
            "CREATE TABLE marketplace.effects (event_id uuid NOT NULL, who text NOT NULL DEFAULT current_user)"
        )
        connection.execute("GRANT SELECT, INSERT ON marketplace.effects TO entrepot_app, entrepot_system")


async def write_effect(session: AsyncSession, event: Event) -> None:
    """What a well-behaved subscriber does."""
    await session.execute(text("INSERT INTO marketplace.effects (event_id) VALUES (:id)"), {"id": event.id})


async def written(db: Database) -> list[UUID]:
    """The events whose effects were committed, once for each time."""
    async with db.system() as session:
        return list(
            (await session.execute(text("SELECT event_id FROM marketplace.effects ORDER BY 1"))).scalars()
        )


async def deliveries(db: Database) -> list[tuple[str, int]]:
    """State and attempts of every delivery, by event."""
    async with db.system() as session:
        rows = await session.execute(
            text(
                "SELECT state, attempts FROM marketplace.hm_event_delivery ORDER BY event_id, subscription_id"
            )
        )
        return [(row.state, row.attempts) for row in rows]


async def make_due(db: Database) -> None:
    """Let the time pass that pending deliveries wait for."""
    async with db.system() as session:
        await session.execute(
            text("UPDATE marketplace.hm_event_delivery SET next_retry_time = now() WHERE state = 'pending'")
        )


async def until_written(db: Database, count: int) -> list[UUID]:
    """Wait for that many effects; the test's own time limit ends a wait for what never comes."""
    while True:
        found = await written(db)
        if len(found) >= count:
            return found
        await asyncio.sleep(0.02)


async def publish_some(
    db: Database, shop_id: UUID | None, count: int, event_type: str = "pim.tested"
) -> list[UUID]:
    """Publish events of one shop, numbered in their data."""
    async with db.system() as session:
        return await publish_many(
            session, [NewEvent(type=event_type, shop_id=shop_id, data={"n": n}) for n in range(count)]
        )


async def add_dead_letters(db: Database, count: int) -> list[UUID]:
    """Publish global events to a subscriber that nobody runs, and give their deliveries up."""
    subscribers = Subscribers()
    subscribers.subscriber("writer", types=["pim.*"])(write_effect)
    async with db.system() as session:
        await subscribers.store(session)
    ids = await publish_some(db, None, count)
    async with db.system() as session:
        await session.execute(
            text(
                "UPDATE marketplace.hm_event_delivery SET state = 'dead', attempts = 10, error_message = 'broken'"
            )
        )
    return ids
