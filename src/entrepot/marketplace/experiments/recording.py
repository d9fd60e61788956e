"""What is kept of assignments: who was given what (exposures), and under which bucket version (stickiness)."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from entrepot.kit.batching import BatchWriter
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.experiments import queries

#: A crash loses exposures of at most this long, and of the write under way.
SECONDS = 0.5
LONGEST_ENTITY = 255


@dataclass(frozen=True, slots=True)
class Exposure:
    """An entity was given a variant by lot."""

    platform_id: UUID
    definition_id: UUID
    entity: str
    variant_key: str
    reason: str
    exposed_at: datetime
    trace_id: str | None


def exposure_writer(db: Database) -> BatchWriter[Exposure]:
    """Writes exposures in batches, a transaction a platform.

    A batch whose outcome is unknown is written again: an exposure may then stand there twice, which no result notices.
    """

    async def write(exposures: Sequence[Exposure]) -> None:
        platforms: defaultdict[UUID, list[Exposure]] = defaultdict(list)
        for exposure in exposures:
            platforms[exposure.platform_id].append(exposure)
        for platform_id, some in platforms.items():
            async with db.tenant(platform_id=platform_id) as session:
                await queries.insert_exposures(session, _columns(platform_id, some))

    return BatchWriter("exposures", write, every=SECONDS)


def _columns(platform_id: UUID, exposures: Sequence[Exposure]) -> dict[str, Any]:
    return {
        "platform_id": platform_id,
        "times": [exposure.exposed_at for exposure in exposures],
        "definitions": [exposure.definition_id for exposure in exposures],
        "entities": [exposure.entity for exposure in exposures],
        "variants": [exposure.variant_key for exposure in exposures],
        "reasons": [exposure.reason for exposure in exposures],
        "traces": [exposure.trace_id for exposure in exposures],
    }


def check_entity(entity: str, path: str = "entity") -> str:
    """An entity that can be kept. Raises InvalidInputError for one that is empty, too long or no text of UTF-8."""
    if not entity or len(entity) > LONGEST_ENTITY:
        raise InvalidInputError(
            f"An entity has 1 to {LONGEST_ENTITY} characters; this has {len(entity)}.", where={"path": path}
        )
    if "\0" in entity or any("\ud800" <= character <= "\udfff" for character in entity):
        raise InvalidInputError(
            "An entity cannot hold U+0000 or half a surrogate pair.", where={"path": path}
        )
    return entity


def snapshot(context: Any) -> Any:
    """A context as it can be kept: JSON that PostgreSQL takes. Raises InvalidInputError for what is none."""
    try:
        text = orjson.dumps(context)
    except TypeError as error:
        raise InvalidInputError(f"The context is no JSON: {error}.", where={"path": "context"}) from error
    if b"\\u0000" in text:
        raise InvalidInputError("A text in a context cannot hold U+0000.", where={"path": "context"})
    return orjson.Fragment(text)
