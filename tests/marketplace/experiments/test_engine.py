"""The engine over the database: what is kept, what is recorded, what another process sees."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.marketplace.experiments.conftest import Publish, weights

from entrepot.kit.db import Database
from entrepot.kit.db.live import Changes
from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.marketplace.experiments import queries
from entrepot.marketplace.experiments.engine import ExperimentEngine
from entrepot.marketplace.experiments.kind import KIND
from entrepot.marketplace.rulebook.authoring import take_step


async def rows(db: Database, platform: UUID, table: str, columns: str = "*") -> list[dict[str, object]]:
    """The platform's rows of a table of experiments."""
    async with db.tenant(platform_id=platform) as session:
        found = await session.execute(
            text(f"SELECT {columns} FROM marketplace.hm_experiment_{table} ORDER BY id")
        )
        return [dict(row) for row in found.mappings()]


async def test_an_entity_is_assigned_kept_and_recorded(
    db: Database, platform: UUID, engine: ExperimentEngine, publish_experiment: Publish
) -> None:
    await publish_experiment()
    first = await engine.assign(platform, "button", {"id": "user-1", "device": "mobile"}, trace_id="t-1")
    again = await engine.assign(platform, "button", {"id": "user-1"})
    assert (first.reason, again.reason) == ("hashed", "sticky")
    assert first.variant_key == again.variant_key
    await engine.exposures.flush()
    [kept] = await rows(db, platform, "assignment")
    assert kept["context_json"] == {"id": "user-1", "device": "mobile"}
    assert kept["variant_key"] == first.variant_key
    seen = await rows(db, platform, "exposure", "id, entity_id, variant_key, reason, trace_id")
    assert [(one["entity_id"], one["reason"], one["trace_id"]) for one in seen] == [
        ("user-1", "hashed", "t-1"),
        ("user-1", "sticky", None),
    ]
