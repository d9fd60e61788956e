"""The experiment engine of one process: experiments in memory, assignments kept where they must stay, exposures recorded."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.db.live import Changes, LiveCopy
from entrepot.kit.identifiers import identifier
from entrepot.marketplace.experiments import queries
from entrepot.marketplace.experiments.assigning import Assignment, Context, Stored, as_object
from entrepot.marketplace.experiments.explaining import Explained, explain
from entrepot.marketplace.experiments.metrics import Observation, metric_rows
from entrepot.marketplace.experiments.reading import Current, Experiments, read_current
from entrepot.marketplace.experiments.recording import (
    Exposure,
    check_entity,
    check_trace,
    exposure_writer,
    snapshot,
)

#: An experiment and an entity: the key of what is kept.
Place = tuple[str, str]


@dataclass(slots=True)
class _Question:
    """One experiment asked of one context, on its way to an assignment."""

    current: Current
    context: Context
    entities: list[str]
    stored: Stored | None = None
    found_under: str | None = None  # the entity under which `stored` was found
    answer: Assignment | None = None

    @property
    def key(self) -> str:
        return self.current.experiment.key

    @property
    def answered(self) -> Assignment:
        assert self.answer is not None
        return self.answer


class ExperimentEngine:
    """Assigns entities to the variants of every platform's experiments."""

    def __init__(self, db: Database, changes: Changes) -> None:
        self._db = db
        self.exposures = exposure_writer(db)
        self._copy = LiveCopy(db, changes, "experiment", read_current)

    async def start(self) -> None:
        """Begin to record exposures."""
        await self.exposures.__aenter__()

    async def stop(self) -> None:
        """Write every exposure that has not been written."""
        await self.exposures.__aexit__(None, None, None)

    async def experiments(self, platform_id: UUID) -> Experiments:
        """The experiments of a platform. Raises UnavailableError when they have to be read and cannot."""
        return self._copy.peek(platform_id) or await self._copy.get(platform_id)

    async def assign(
        self,
        platform_id: UUID,
        key: str,
        context: Context,
        *,
        sticky: bool = True,
        record: bool = True,
        trace_id: str | None = None,
    ) -> Assignment:
        """What the entity in a context gets in one experiment.

        With `sticky` an earlier assignment holds and a new one is kept, where the experiment wants that; with `record`
        an exposure is recorded where a variant was drawn by lot. Raises NotFoundError for an experiment that never was
        live, InvalidInputError for a context that is no object or does not fit the experiment's schema, UnavailableError
        where an exposure could not be recorded or the database does not answer.
        """
        found = await self.assign_many(
            platform_id, [(key, context)], sticky=sticky, record=record, trace_id=trace_id
        )
        return found[0]

    async def assign_all(
        self,
        platform_id: UUID,
        context: Context,
        keys: Sequence[str] | None = None,
        *,
        sticky: bool = True,
        record: bool = True,
        trace_id: str | None = None,
    ) -> dict[str, Assignment]:
        """What the entity in a context gets in several experiments, by their keys; in all that run without `keys`."""
        if keys is None:
            keys = (await self.experiments(platform_id)).running()
        found = await self.assign_many(
            platform_id, [(key, context) for key in keys], sticky=sticky, record=record, trace_id=trace_id
        )
        return dict(zip(keys, found, strict=True))

    async def assign_many(
        self,
        platform_id: UUID,
        questions: Sequence[tuple[str, Context]],
        *,
        sticky: bool = True,
        record: bool = True,
        trace_id: str | None = None,
    ) -> list[Assignment]:
        """The answers to many questions, an experiment's key and a context each, in their order; see `assign`."""
        check_trace(trace_id)
        experiments = await self.experiments(platform_id)
        asked = [_question(experiments[key], context) for key, context in questions]
        if sticky and any(_is_kept(question) for question in asked):
            await self._assign_kept(platform_id, asked)
        else:
            _answer(asked)
        if record:
            await self._record(platform_id, asked, trace_id)
        return [question.answered for question in asked]

    async def explain(self, platform_id: UUID, key: str, context: Context) -> Explained:
        """What `assign` would give now, with every question that is asked for it; nothing is kept or recorded."""
        asked = _question((await self.experiments(platform_id))[key], context)
        if _is_kept(asked):
            async with self._db.tenant(platform_id=platform_id) as session:
                wanted = [(asked.key, entity) for entity in asked.entities]
                rows = await queries.select_assignments(session, platform_id, wanted)
            _recall([asked], rows)
        return explain(asked.current.experiment, asked.context, asked.stored)

    async def record_metric(
        self,
        platform_id: UUID,
        key: str,
        entity: str,
        metric: str,
        value: Any = 1,
        *,
        dedupe_key: str | None = None,
        **more: Any,
    ) -> bool:
        """Record what an entity did or brought; False where the dedupe key has been recorded before.

        `more` are `occurred_at` and `currency`. Raises NotFoundError for an experiment that never was live,
        InvalidInputError for a metric that it does not have, or a value that is no number.
        """
        observation = Observation(entity=entity, metric=metric, value=value, dedupe_key=dedupe_key, **more)
        return await self.record_metrics(platform_id, key, [observation]) == 1

    async def record_metrics(self, platform_id: UUID, key: str, observations: Sequence[Observation]) -> int:
        """Record what entities did or brought, all or nothing; gives how many had not been recorded before.

        Raises what `record_metric` raises; `where["path"]` begins with the number of the observation.
        """
        document = (await self.experiments(platform_id))[key].experiment.document
        rows = metric_rows(document, observations)
        if not rows:
            return 0
        async with self._db.tenant(platform_id=platform_id) as session:
            return await queries.insert_metrics(session, platform_id, key, rows)

    async def _assign_kept(self, platform_id: UUID, asked: Sequence[_Question]) -> None:
        kept = [question for question in asked if _is_kept(question)]
        wanted = list(
            dict.fromkeys((question.key, entity) for question in kept for entity in question.entities)
        )
        async with self._db.tenant(platform_id=platform_id) as session:
            _recall(kept, await queries.select_assignments(session, platform_id, wanted))
            _answer(asked)
            fresh = {
                (question.key, question.entities[0]): question for question in kept if _is_fresh(question)
            }
            if not fresh:
                return
            rows = [_row(question) for question in fresh.values()]
            made = await queries.keep_assignments(session, platform_id, rows)
            lost = fresh.keys() - {(row["experiment_key"], row["entity_id"]) for row in made}
            if lost:
                # Another was quicker with these entities; what it kept is what they get.
                late = [question for question in kept if (question.key, question.entities[0]) in lost]
                _recall(late, await queries.select_assignments(session, platform_id, sorted(lost)))
                _answer(late)

    async def _record(self, platform_id: UUID, asked: Sequence[_Question], trace_id: str | None) -> None:
        moment = now()
        exposures = [
            Exposure(
                identifier(moment),
                platform_id,
                question.current.definition_id,
                question.entities[0],
                question.answered.variant_key,
                question.answered.reason,
                moment,
                trace_id,
            )
            for question in asked
            if question.answered.hash_used and question.answered.variant_key is not None
        ]
        if exposures:
            await self.exposures.put_all(exposures)


def _question(current: Current, context: Context) -> _Question:
    experiment = current.experiment
    context = as_object(context)
    if experiment.schema is not None:
        experiment.schema.check_context(context)
    entities = experiment.entities(context)
    for entity in entities:
        check_entity(entity, f"context.{experiment.document.hash_attribute}")
    return _Question(current, context, entities)


def _is_kept(question: _Question) -> bool:
    experiment = question.current.experiment
    return experiment.document.sticky and experiment.running and bool(question.entities)


def _recall(questions: Sequence[_Question], rows: Sequence[Mapping[Any, Any]]) -> None:
    """Set what is stored for each question: of its entities' assignments the one of the present bucket version."""
    known = {(row["experiment_key"], row["entity_id"]): row for row in rows}
    for question in questions:
        held = [known[place] for name in question.entities if (place := (question.key, name)) in known]
        if not held:
            continue
        present = question.current.experiment.document.bucket_version
        used = next((row for row in held if row["bucket_version"] == present), held[0])
        first = min(row["first_bucket_version"] for row in held)
        question.stored = Stored(used["variant_key"], used["bucket_version"], first)
        question.found_under = used["entity_id"]


def _answer(questions: Sequence[_Question]) -> None:
    """Ask each experiment all that is asked of it at once: entities are hashed together."""
    by_experiment: defaultdict[str, list[_Question]] = defaultdict(list)
    for question in questions:
        by_experiment[question.key].append(question)
    for same in by_experiment.values():
        experiment = same[0].current.experiment
        contexts = [question.context for question in same]
        answers = experiment.assign_many(contexts, [question.stored for question in same])
        for question, answer in zip(same, answers, strict=True):
            question.answer = answer


def _is_fresh(question: _Question) -> bool:
    """Whether the assignment has to be kept: drawn now, or known under the fallback only."""
    if question.answered.reason == "sticky":
        return question.found_under != question.entities[0]
    return question.answered.reason == "hashed"


def _row(question: _Question) -> dict[str, Any]:
    stored, present = question.stored, question.current.experiment.document.bucket_version
    own = stored is not None and question.found_under == question.entities[0]
    # Drawn anew although this bucket version's assignment is there: its variant is not in the experiment any more.
    gone = stored.variant_key if stored and own and stored.bucket_version == present else None
    return {
        "experiment_key": question.key,
        "entity_id": question.entities[0],
        "variant_key": question.answered.variant_key,
        "context": snapshot(question.context),
        "bucket_version": present,
        "first_bucket_version": min(present, stored.first_bucket_version) if stored else present,
        "gone": gone,
    }
