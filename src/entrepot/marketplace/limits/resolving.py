"""Which limit holds for an entity: live definitions compiled once, their scopes looked up by the context."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson

from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.kit.rules import RuleIndex, Schema
from entrepot.marketplace.limits.documents import LimitDocument, check, schema_of, window_seconds
from entrepot.marketplace.limits.modeling import MOST, SECOND, Rule
from entrepot.marketplace.limits.periods import CALENDAR

LONGEST_ENTITY = 200
RESERVATION_SECONDS = 900
LEASE_SECONDS = 60

Context = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Limit:
    """A definition ready to be asked.

    `index` has the rules of the scopes, in the order in which they win. A suspended limit is counted, and
    lets everything pass.
    """

    document: LimitDocument
    default: Rule
    index: RuleIndex[Rule] | None
    schema: Schema | None
    definition_id: UUID | None = None
    version: int = 0
    suspended: bool = False

    @classmethod
    def compile(
        cls,
        document: LimitDocument,
        *,
        time_zone: str = "UTC",
        definition_id: UUID | None = None,
        version: int = 0,
        suspended: bool = False,
    ) -> "Limit":
        """A definition compiled; `time_zone` is the platform's. Raises InvalidInputError for one that cannot be used."""
        conditions = check(document)
        default = _rule(document, document.time_zone or time_zone)
        scopes = sorted(
            zip(conditions, document.scopes, strict=True),
            # Ties: the most specific, which fixes more attributes; then, the sort being stable, the first.
            key=lambda pair: (-pair[1].priority, -len({path for path, _ in pair[0].fixed})),
        )
        rules = [
            (
                replace(
                    default,
                    limit=scope.limit,
                    capacity=_capacity(document, scope.limit, scope.burst),
                    scope=orjson.dumps(scope.condition).decode(),
                ),
                condition,
            )
            for condition, scope in scopes
        ]
        index = RuleIndex(rules) if rules else None
        return cls(document, default, index, schema_of(document), definition_id, version, suspended)

    def resolve(self, entity_id: str, amount: int, context: Context | None) -> Rule:
        """The rule that holds for an entity in a context, for a request that can be counted.

        Raises InvalidInputError for an entity, amount or context that cannot be.
        """
        if (
            not isinstance(entity_id, str)
            or not 0 < len(entity_id) <= LONGEST_ENTITY
            or not _storable(entity_id)
        ):
            raise InvalidInputError(
                f"An entity is a text of 1 to {LONGEST_ENTITY} characters.",
                hint="Give whose use is counted, such as a seller's or a user's id.",
                where={"path": "entity_id"},
            )
        if isinstance(amount, bool) or not isinstance(amount, int) or not 1 <= amount <= MOST:
            raise InvalidInputError(
                f"An amount is a whole number from 1 to {MOST:,}, not {amount!r}.", where={"path": "amount"}
            )
        return self.rule_for(entity_id, context)

    def rule_for(self, entity_id: str, context: Context | None) -> Rule:
        """The rule that holds for an entity in a context; `entity_id` is the one given, whatever the context says.

        Raises InvalidInputError for a context that is no object or does not fit the schema.
        """
        if context is not None and not isinstance(context, Mapping):
            raise InvalidInputError(
                f"A context is an object, not {type(context).__name__}.",
                hint='Give attributes and their values: {"seller_tier": "GOLD"}.',
                where={"path": "context"},
            )
        if self.schema is not None and context:
            self.schema.check_context(context)
        if self.index is None:
            return self.default
        found = self.index.matching({**(context or {}), "entity_id": entity_id})
        return found[0] if found else self.default


class Limits:
    """The live limits of a platform, by key."""

    def __init__(self, limits: Iterable[Limit]) -> None:
        self._limits = {limit.document.key: limit for limit in limits}

    def __getitem__(self, key: str) -> Limit:
        found = self._limits.get(key)
        if found is None:
            raise NotFoundError(
                f"There is no limit {key!r} in force.",
                hint="A draft has to be published first.",
                where={"path": "key", "key": key},
            )
        return found

    def __iter__(self) -> Iterator[Limit]:
        return iter(self._limits.values())

    def get(self, key: str) -> Limit | None:
        """The limit of a key, or None where none is live."""
        return self._limits.get(key)


def _storable(entity_id: str) -> bool:
    """Whether PostgreSQL can hold it: JSON can name characters that are none."""
    if "\0" in entity_id:
        return False
    return entity_id.isascii() or not any("\ud800" <= character <= "\udfff" for character in entity_id)


def _rule(document: LimitDocument, time_zone: str) -> Rule:
    period = CALENDAR[document.reset_period] if document.reset_period else None
    lease = document.algorithm == "CONCURRENT"
    hold = document.hold_seconds or (LEASE_SECONDS if lease else RESERVATION_SECONDS)
    return Rule(
        key=document.key,
        algorithm=document.algorithm,
        limit=document.limit,
        span=window_seconds(document) * SECOND,
        unit=period.unit if period and document.algorithm == "FIXED_WINDOW" else None,
        zone=time_zone,
        capacity=_capacity(document, document.limit, document.burst),
        warn_percent=document.warn_percent,
        hold=hold * SECOND,
    )


def _capacity(document: LimitDocument, limit: int, burst: int | None) -> int:
    if burst is not None:
        return burst
    return limit if document.burst is None else document.burst
