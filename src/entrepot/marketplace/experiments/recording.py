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

#: Seconds between batches.
SECONDS = 0.5
LONGEST_ENTITY = 255
LONGEST_TRACE = 64


@dataclass(frozen=True, slots=True)
class Exposure:
    """An entity was given a variant by lot."""

    id: UUID
    platform_id: UUID
    definition_id: UUID
    entity: str
    variant_key: str
    reason: str
    exposed_at: datetime
    trace_id: str | None


def exposure_writer(db: Database) -> BatchWriter[Exposure]:
    """Writes exposures in batches, a transaction a platform; one that is written again is there once all the same."""

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
        "ids": [exposure.id for exposure in exposures],
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


def check_trace(trace_id: str | None) -> None:
    """Raise InvalidInputError for a trace that cannot be kept: one would hold up the batch that it is in."""
    if trace_id is not None and (not 1 <= len(trace_id) <= LONGEST_TRACE or not trace_id.isprintable()):
        raise InvalidInputError(
            f"A trace has 1 to {LONGEST_TRACE} printable characters.", where={"path": "trace_id"}
        )


def snapshot(context: Any) -> Any:
    """A context as it can be kept: JSON that PostgreSQL takes. Raises InvalidInputError for what is none."""
    try:
        text = orjson.dumps(context)
    except TypeError as error:
        raise InvalidInputError(f"The context is no JSON: {error}.", where={"path": "context"}) from error
    # An escaped backslash may stand before a u that escapes nothing.
    if b"\\u0000" in text and b"\\u0000" in text.replace(rb"\\", b""):
        raise InvalidInputError("A text in a context cannot hold U+0000.", where={"path": "context"})
    return orjson.Fragment(text)
