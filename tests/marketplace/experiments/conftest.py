"""Experiments in the test's database, and the engine over them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from entrepot.kit.db import Database
from entrepot.kit.db.live import REVISION
from entrepot.marketplace.engines import Engines
from entrepot.marketplace.experiments.documents import ExperimentDocument
from entrepot.marketplace.experiments.engine import ExperimentEngine
from entrepot.marketplace.experiments.kind import KIND
from entrepot.marketplace.rulebook.authoring import parse_document, publish, save_draft

Publish = Callable[..., Awaitable[ExperimentDocument]]

BUCKETS = [
    {"variant_key": "CONTROL", "allocation_weight": 50, "is_control": True, "payload": {"color": "blue"}},
    {"variant_key": "TREATMENT", "allocation_weight": 50, "payload": {"color": "red"}},
]
METRICS = [{"key": "purchase"}, {"key": "revenue", "type": "REVENUE"}]


def button(**given: Any) -> dict[str, Any]:
    """An experiment, with whatever a test gives instead."""
    return {"key": "button", "buckets": BUCKETS, "metrics": METRICS} | given


def document(**given: Any) -> ExperimentDocument:
    """The same as a document."""
    return ExperimentDocument.model_validate(button(**given))


def weights(*shares: float) -> list[dict[str, Any]]:
    """Buckets a, b, c … with these weights; the first is the control."""
    return [
        {
            "variant_key": "abcdefghij"[index],
            "allocation_weight": share,
            "is_control": index == 0,
            "payload": index,
        }
        for index, share in enumerate(shares)
    ]


@pytest.fixture
def publish_experiment(db: Database, platform: UUID) -> Publish:
    """Save an experiment and start it."""

    async def save(*, platform_id: UUID = platform, **given: Any) -> ExperimentDocument:
        made = parse_document(KIND, button(**given))
        assert isinstance(made, ExperimentDocument)
        async with db.tenant(platform_id=platform_id) as session:
            await save_draft(session, KIND, platform_id, made, user_id=None)
            await publish(session, KIND, platform_id, made.key)
        return made

    return save


@pytest.fixture
def engine(engines: Engines) -> ExperimentEngine:
    """The experiment engine of the process."""
    return engines.experiments


async def heard(engine: ExperimentEngine, platform_id: UUID) -> None:
    """Wait until the engine has heard of the last change of the platform's experiments; at most five seconds."""
    async with engine._db.tenant(platform_id=platform_id) as session:
        values = {"platform_id": platform_id, "engine": "experiment"}
        revision = (await session.execute(REVISION, values)).scalar_one()
    for _ in range(500):
        held = engine._copy._held.get(platform_id)
        if engine._copy._told.get(platform_id, 0) >= revision or held is None or held.revision >= revision:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"revision {revision} was not heard of")
