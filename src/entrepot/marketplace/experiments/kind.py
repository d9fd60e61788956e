"""Experiments as one of the kinds of definitions that are written, tried, published and kept in files alike."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import ConflictError
from entrepot.marketplace.experiments import queries
from entrepot.marketplace.experiments.assigning import Experiment, compile_audiences, context_schema
from entrepot.marketplace.experiments.checking import check
from entrepot.marketplace.experiments.documents import AB_TEST, ExperimentDocument
from entrepot.marketplace.experiments.explaining import explain
from entrepot.marketplace.experiments.reading import (
    audience_rows,
    bucket_rows,
    definition_columns,
    read_documents,
)
from entrepot.marketplace.experiments.tables import ExperimentDefinition
from entrepot.marketplace.lifecycle.machine import EXPERIMENT
from entrepot.marketplace.rulebook.kinds import Decided, Kind, Trial


class ExperimentKind(Kind[ExperimentDocument]):
    """A/B tests and feature flags."""

    name = "experiment"
    plural = "experiments"
    title = "Experiments"
    table = ExperimentDefinition
    key_column = "experiment_key"
    machine = EXPERIMENT
    document = ExperimentDocument

    def check(self, document: ExperimentDocument) -> None:
        """Raise InvalidInputError, with the path, for weights, ranges and conditions that cannot be used."""
        check(document)

    def columns(self, document: ExperimentDocument) -> dict[str, Any]:
        """The definition row's own columns."""
        return definition_columns(document)

    async def write_parts(
        self, session: AsyncSession, platform_id: UUID, definition_id: UUID, document: ExperimentDocument
    ) -> None:
        """Insert buckets and audience rules.

        Raises ConflictError where a live experiment has an overlapping part of the namespace.
        """
        if document.namespace is not None:
            taken = document.namespace
            other = await queries.select_neighbor(
                session, platform_id, document.key, taken.key, taken.start, taken.end
            )
            if other is not None:
                raise ConflictError(
                    f"namespace: {other['experiment_key']} has the part from {other['namespace_start']:f} to "
                    f"{other['namespace_end']:f} of {taken.key!r}.",
                    hint="Experiments exclude each other only where their parts do not overlap.",
                    where={"path": "namespace", "key": other["experiment_key"]},
                )
        await queries.insert_parts(
            session,
            bucket_rows(platform_id, definition_id, document),
            audience_rows(platform_id, definition_id, document),
        )

    async def read(
        self, session: AsyncSession, definition_ids: Sequence[UUID]
    ) -> dict[UUID, ExperimentDocument]:
        """The documents of versions."""
        return await read_documents(session, definition_ids)

    def words(self, document: ExperimentDocument) -> list[str]:
        """The experiment in sentences."""
        return list(_sentences(document))

    def example(self, document: ExperimentDocument) -> dict[str, Any]:
        """A context that the first audience rule may let in."""
        context: dict[str, Any] = {document.hash_attribute: "user-1"}
        for _, condition in compile_audiences(document, context_schema(document))[:1]:
            for path, keys in condition.fixed:
                plain = sorted(key for key in keys if isinstance(key, str))
                if plain:
                    _set(context, path.split("."), plain[0])
        return context

    async def attempt(
        self,
        session: AsyncSession,
        platform_id: UUID,
        document: ExperimentDocument,
        example: Mapping[str, Any],
    ) -> Trial:
        """What an entity would get, were this document live, and had it been assigned nothing before."""
        experiment = Experiment(document)
        if experiment.schema is not None:
            experiment.schema.check_context(example)
        found = explain(experiment, example)
        answer = found.assignment
        return Trial(
            answer={
                "variant_key": answer.variant_key,
                "payload": answer.payload,
                "in_experiment": answer.in_experiment,
                "reason": answer.reason,
                "number": found.number,
            },
            lines=found.steps,
        )

    async def recent(self, session: AsyncSession, platform_id: UUID, key: str, limit: int) -> list[Decided]:
        """The last exposures."""
        rows = await queries.select_exposures(session, platform_id, key, limit=limit)
        return [
            Decided(
                at=row["exposed_at"],
                summary=row["variant_key"],
                subject=row["entity_id"],
                detail={"version": row["version"], "reason": row["reason"], "trace_id": row["trace_id"]},
            )
            for row in rows
        ]


def _sentences(document: ExperimentDocument) -> Any:
    what = "compares variants" if document.type == AB_TEST else "is a feature flag"
    yield f"{document.key} {what}, by the hash of {document.hash_attribute}."
    if document.start_time:
        yield f"It begins on {document.start_time:%Y-%m-%d %H:%M} UTC."
    if document.end_time:
        yield f"It ends on {document.end_time:%Y-%m-%d %H:%M} UTC."
    rules = compile_audiences(document, context_schema(document))
    if rules:
        yield "It takes in whoever meets any of these rules:"
        for name, condition in rules:
            yield f"{name}: {condition.words()}."
    if document.holdout is not None:
        yield f"The holdout {document.holdout.key} keeps {document.holdout.share:%} of all entities out."
    if document.namespace is not None:
        space = document.namespace
        yield f"It has the part from {space.start:%} to {space.end:%} of the namespace {space.key}."
    for filter_ in document.filters:
        yield f"A filter of {filter_.attribute} with the seed {filter_.seed} must let in."
    if document.coverage != 1:
        yield f"Of these {document.coverage:%} take part."
    for bucket in document.buckets:
        control = ", the control" if bucket.is_control else ""
        yield f"{bucket.allocation_weight:f}% get {bucket.variant_key}{control}."
    yield (
        "Who was assigned a variant keeps it when the weights change."
        if document.sticky
        else "Nothing is kept: when the weights change, some get another variant."
    )
    for metric in document.metrics:
        yield f"Compared by {metric.key}, where {metric.better.lower()} is better."
    for metric in document.guardrails:
        yield f"{metric.key} must not get {'lower' if metric.better == 'HIGHER' else 'higher'}."


def _set(context: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for segment in path[:-1]:
        held = context.setdefault(segment, {})
        if not isinstance(held, dict):
            return
        context = held
    context.setdefault(path[-1], value)


KIND = ExperimentKind()
