"""Experiments in the test's database, and the engine over them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from entrepot.kit.db import Database
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
        {"variant_key": "abcdefghij"[index], "allocation_weight": share, "is_control": index == 0, "payload": index}
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
async def engine(db: Database, engines: Engines) -> AsyncIterator[ExperimentEngine]:
    """The engine of a process."""
    made = ExperimentEngine(db, engines.changes)
    await made.start()
    yield made
    await made.stop()
