"""Who gets which variant: a document compiled once, asked as often as one likes; nothing here waits for anything.

    experiment = Experiment(ExperimentDocument.model_validate({...}))
    experiment.assign({"id": "user-1", "device_type": "mobile"}).variant_key

The order of questions and the ranges of buckets are those of GrowthBook's SDKs, so that the same settings give the
same assignment there: override, state, attribute, stored assignment, holdout, filters, namespace, audience, range.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import isfinite
from typing import Any

from entrepot.kit.clock import now
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import Condition, Schema, compile_condition
from entrepot.kit.rules.versions import written_number
from entrepot.marketplace.experiments.documents import FEATURE_FLAG, ExperimentDocument, Span
from entrepot.marketplace.experiments.hashing import Hasher

Context = Mapping[str, Any]
Groups = Mapping[str, Collection[Any]] | None

#: Why somebody is, or is not, in an experiment.
REASONS = {
    "override": "the variant is forced for this entity",
    "sticky": "the variant was assigned before",
    "hashed": "the hash falls into the variant's range",
    "not_running": "the experiment is not running",
    "no_entity": "the attribute that is hashed has no value",
    "bucket_version": "the entity was assigned under a bucket version that is excluded",
    "holdout": "the entity is held out of all experiments",
    "filter": "a filter leaves the entity out",
    "namespace": "the entity is in another part of the namespace",
    "audience": "no audience rule holds",
    "coverage": "the hash falls outside of what is covered",
}
#: Those with which a variant was drawn by lot; they alone are exposures, and count in results.
DRAWN = ("hashed", "sticky")
#: The place in `_slots` of those who are in no range.
NOWHERE = 255


@dataclass(frozen=True, slots=True)
class Assignment:
    """What an entity gets. One that is not in the experiment gets the control's payload, or a flag's default."""

    experiment_key: str
    version: int
    variant_key: str | None
    payload: Any
    in_experiment: bool
    hash_used: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Stored:
    """An assignment that was kept. `first_bucket_version` is the lowest under which the entity was ever assigned."""

    variant_key: str
    bucket_version: int = 0
    first_bucket_version: int = 0


@dataclass(frozen=True, slots=True)
class Gate:
    """A hash before the experiment's own, which lets in those whose number is in one of its ranges."""

    reason: str
    attribute: str | None  # None: whatever the experiment itself hashes
    hasher: Hasher
    ranges: tuple[tuple[float, float], ...]
    words: str

    def number(self, context: Context, entity: str) -> float | None:
        """The hash in [0, 1) that this looks at; None where the attribute has no value."""
        value = entity if self.attribute is None else identity(context.get(self.attribute))
        return self.hasher.place(value) / self.hasher.size if value else None

    def lets_in(self, context: Context, entity: str) -> bool:
        """Whether this keeps nobody from the experiment who is in this context."""
        number = self.number(context, entity)
        return number is not None and any(start <= number < end for start, end in self.ranges)


class Experiment:
    """One version of an experiment, ready to assign. Raises InvalidInputError for a condition that cannot be compiled."""

    def __init__(
        self,
        document: ExperimentDocument,
        *,
        version: int = 1,
        running: bool = True,
        overrides: Mapping[str, str] | None = None,
    ) -> None:
        self.document = document
        self.key = document.key
        self.version = version
        self.running = running
        self.hasher = Hasher(document.hash_seed, document.hash_version)
        self.ranges = bucket_ranges(document)
        self.schema = context_schema(document)
        self.audiences = compile_audiences(document, self.schema)
        self._overrides = dict(overrides or {})
        self.gates = _gates(document)
        self._audience = _any_of([condition for _, condition in self.audiences])
        self._attribute = document.hash_attribute
        self._fallback = document.fallback_attribute if document.sticky else None
        self._indexes = {bucket.variant_key: index for index, bucket in enumerate(document.buckets)}
        self._outside = {reason: self._left_out(reason) for reason in REASONS}
        self._outside_audience = self._outside["audience"]
        self._hashed = [*self._given("hashed"), *[self._outside["coverage"]] * (256 - len(self._indexes))]
        self._sticky = self._given("sticky")
        self._forced = self._given("override")
        self._slots = _slots(self.hasher.size, self.ranges)
        self._place = self.hasher.place
        # Nothing but the audience stands before the hash: the way of almost all questions.
        self._plain = running and not (
            self._overrides or self.gates or document.start_time or document.end_time
        )

    def assign(self, context: Context, stored: Stored | None = None, groups: Groups = None) -> Assignment:
        """What the entity in a context gets; `stored` is what it was assigned before, if anything.

        Raises InvalidInputError for a context that is no object, or that a condition cannot be asked of.
        """
        if context.__class__ is not dict:
            context = as_object(context)
        if self._plain and stored is None:
            entity = context.get(self._attribute)
            if entity.__class__ is str and entity:
                if self._audience is not None and not self._audience(context, groups):
                    return self._outside_audience
                return self._hashed[self._slots[self._place(entity)]]
        settled = self._settle(context, stored, groups)
        if isinstance(settled, str):
            return self._hashed[self._slots[self._place(settled)]]
        return settled

    def assign_many(
        self,
        contexts: Sequence[Context],
        stored: Sequence[Stored | None] | None = None,
        groups: Groups = None,
    ) -> list[Assignment]:
        """What the entities in many contexts get, in their order; they are hashed together."""
        kept = stored or [None] * len(contexts)
        settled = [
            self._settle(as_object(context), one, groups) for context, one in zip(contexts, kept, strict=True)
        ]
        places = iter(self.hasher.places([one for one in settled if isinstance(one, str)]))
        hashed, slots = self._hashed, self._slots
        return [hashed[slots[next(places)]] if isinstance(one, str) else one for one in settled]

    def entity(self, context: Context) -> str:
        """The text that is hashed: the value of the attribute, or of the fallback; empty where neither has one."""
        found = identity(context.get(self._attribute))
        if not found and self._fallback is not None:
            found = identity(context.get(self._fallback))
        return found

    def entities(self, context: Context) -> list[str]:
        """The entities under which an assignment may be stored, the one that is hashed first."""
        names = [identity(context.get(self._attribute))]
        if self._fallback is not None:
            names.append(identity(context.get(self._fallback)))
        return [name for name in dict.fromkeys(names) if name]

    def shares(self) -> dict[str, float]:
        """The share of all entities of the audience that the hash puts into each variant."""
        counts = dict.fromkeys(self._indexes, 0)
        for variant_key, index in self._indexes.items():
            counts[variant_key] = self._slots.count(index)
        return {variant_key: count / self.hasher.size for variant_key, count in counts.items()}

    def has_variant(self, variant_key: str) -> bool:
        """Whether there is a bucket of this name."""
        return variant_key in self._indexes

    def _settle(self, context: Context, stored: Stored | None, groups: Groups) -> Assignment | str:
        """The assignment where it is settled without the experiment's own hash; else the entity that is to be hashed."""
        entity = context.get(self._attribute)
        if entity.__class__ is not str or not entity:
            entity = self.entity(context)
        if not self._plain:
            forced = self._override(context)
            if forced is not None:
                return forced
            if not self.running or not self._in_time():
                return self._outside["not_running"]
        if not entity:
            return self._outside["no_entity"]
        if stored is not None and self.document.sticky:
            if stored.first_bucket_version < self.document.min_bucket_version:
                return self._outside["bucket_version"]
            index = self._indexes.get(stored.variant_key)
            if index is not None and stored.bucket_version == self.document.bucket_version:
                return self._sticky[index]
        for gate in self.gates:
            if not gate.lets_in(context, entity):
                return self._outside[gate.reason]
        if self._audience is not None and not self._audience(context, groups):
            return self._outside_audience
        return entity

    def _override(self, context: Context) -> Assignment | None:
        if not self._overrides:
            return None
        forced = (self._indexes.get(self._overrides.get(name, "")) for name in self.entities(context))
        return next((self._forced[index] for index in forced if index is not None), None)

    def _in_time(self) -> bool:
        start, end = self.document.start_time, self.document.end_time
        if start is None and end is None:
            return True
        moment: datetime = now()
        return (start is None or start <= moment) and (end is None or moment < end)

    def _given(self, reason: str) -> list[Assignment]:
        return [
            Assignment(
                self.key,
                self.version,
                bucket.variant_key,
                bucket.payload,
                in_experiment=True,
                hash_used=reason in DRAWN,
                reason=reason,
            )
            for bucket in self.document.buckets
        ]

    def _left_out(self, reason: str) -> Assignment:
        variant_key, payload = None, self.document.default_payload
        if self.document.type != FEATURE_FLAG:
            control = next((bucket for bucket in self.document.buckets if bucket.is_control), None)
            control = control or self.document.buckets[0]
            variant_key, payload = control.variant_key, control.payload
        return Assignment(
            self.key, self.version, variant_key, payload, in_experiment=False, hash_used=False, reason=reason
        )


def identity(value: Any) -> str:
    """The text of a value that can be hashed, as JavaScript writes it; empty for one that cannot.

    As in GrowthBook's SDKs a text that is not empty can, and a finite number other than 0; nothing else.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    try:
        return written_number(value) if value != 0 and isfinite(value) else ""
    except OverflowError:
        return ""


def bucket_ranges(document: ExperimentDocument) -> list[tuple[float, float]]:
    """The part of [0, 1) that each bucket takes: cumulative weights, each cut to the coverage.

    Floats, and added in this order, because GrowthBook's SDKs do so; a bucket's edge may hang on the last bit.
    """
    if any(bucket.range is not None for bucket in document.buckets):
        return [_floats(bucket.range or (Decimal(0), Decimal(0))) for bucket in document.buckets]
    coverage = float(document.coverage)
    found, start = [], 0.0
    for bucket in document.buckets:
        weight = float(bucket.allocation_weight / 100)
        found.append((start, start + coverage * weight))
        start += weight
    return found


def compile_audiences(document: ExperimentDocument, schema: Schema | None) -> list[tuple[str, Condition]]:
    """The audience rules, the first to be asked first. Raises InvalidInputError with the path of what is wrong."""
    compiled = [
        (
            audience.priority,
            audience.rule_name,
            compile_condition(audience.condition, schema, path=f"audiences[{index}].condition"),
        )
        for index, audience in enumerate(document.audiences)
    ]
    compiled.sort(key=lambda one: (-one[0], one[1]))
    return [(name, condition) for _, name, condition in compiled]


def context_schema(document: ExperimentDocument) -> Schema | None:
    """The declared context schema. Raises InvalidInputError with the path of what is wrong in it."""
    return None if document.context_schema is None else Schema(document.context_schema, "context_schema")


def _any_of(conditions: Sequence[Condition]) -> Callable[[Context, Groups], bool] | None:
    if not conditions:
        return None
    asking = [condition.asking for condition in conditions]
    if len(asking) == 1:
        return asking[0]
    return lambda context, groups: any(ask(context, groups) for ask in asking)


def _gates(document: ExperimentDocument) -> tuple[Gate, ...]:
    gates = []
    if document.holdout is not None:
        share = float(document.holdout.share)
        words = f"holdout {document.holdout.key} of {share:.2%}"
        gates.append(Gate("holdout", None, Hasher(document.holdout.key), ((share, 1.0),), words))
    gates += [
        Gate(
            "filter",
            filter_.attribute,
            Hasher(filter_.seed, filter_.hash_version),
            tuple(_floats(span) for span in filter_.ranges),
            f"filter {filter_.seed} of {filter_.attribute}",
        )
        for filter_ in document.filters
    ]
    if document.namespace is not None:
        span = _floats((document.namespace.start, document.namespace.end))
        words = f"namespace {document.namespace.key} from {span[0]:g} to {span[1]:g}"
        # GrowthBook hashes namespaces with version 1, whatever the experiment does.
        gates.append(Gate("namespace", None, Hasher(f"__{document.namespace.key}", 1), (span,), words))
    return tuple(gates)


def _slots(size: int, ranges: Sequence[tuple[float, float]]) -> bytes:
    """Which bucket each place of the hash falls into. A place is looked up once an assignment, in a table of bytes."""
    slots = bytearray([NOWHERE]) * size
    for index in reversed(range(len(ranges))):  # where ranges overlap the first counts, so it is laid last
        start, end = (_first_place(size, edge) for edge in ranges[index])
        if start < end:
            slots[start:end] = bytes([index]) * (end - start)
    return bytes(slots)


def _first_place(size: int, edge: float) -> int:
    """The first place whose number is at the edge or above, compared as the SDKs compare: place / size as a float."""
    place = max(0, min(size, round(edge * size) - 1))
    while place < size and place / size < edge:
        place += 1
    return place


def _floats(span: Span) -> tuple[float, float]:
    return float(span[0]), float(span[1])


def as_object(context: Any) -> Context:
    """The context as it is. Raises InvalidInputError for what is no object."""
    if isinstance(context, Mapping):
        return context
    raise InvalidInputError(
        f"A context is an object, not {'null' if context is None else type(context).__name__}.",
        hint='Give attributes and their values: {"id": "user-1"}.',
        where={"path": "context"},
    )
