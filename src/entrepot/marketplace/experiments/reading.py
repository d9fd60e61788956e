"""Experiments between the database's rows and documents; what is written comes back equal."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import NotFoundError
from entrepot.marketplace.experiments import queries
from entrepot.marketplace.experiments.assigning import Experiment
from entrepot.marketplace.experiments.documents import ExperimentDocument
from entrepot.marketplace.lifecycle.machine import EXPERIMENT


@dataclass(frozen=True, slots=True)
class Current:
    """An experiment as it assigns now, and the version that it is compiled from."""

    definition_id: UUID
    state: str
    experiment: Experiment


class Experiments:
    """The experiments of a platform that are live, or were."""

    def __init__(self, found: Mapping[str, Current]) -> None:
        self.by_key = dict(found)

    def __getitem__(self, key: str) -> Current:
        """An experiment; raises NotFoundError for one that never was live."""
        try:
            return self.by_key[key]
        except KeyError:
            raise NotFoundError(
                f"No experiment {key!r} is live here.",
                hint="Start it, or correct the key.",
                where={"key": key},
            ) from None

    def running(self) -> list[str]:
        """The keys of those that assign, in order."""
        return [key for key, current in self.by_key.items() if current.experiment.running]


async def read_current(session: AsyncSession, platform_id: UUID) -> Experiments:
    """The experiments of a platform, compiled."""
    rows = await queries.select_current(session, platform_id)
    documents = await read_documents(session, [row["id"] for row in rows])
    overrides: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for row in await queries.select_overrides(session, platform_id):
        overrides[row["experiment_key"]][row["entity_id"]] = row["variant_key"]
    return Experiments(
        {
            row["experiment_key"]: Current(
                row["id"],
                row["state"],
                Experiment(
                    documents[row["id"]],
                    version=row["version"],
                    running=row["state"] == EXPERIMENT.serving,
                    overrides=overrides.get(row["experiment_key"]),
                ),
            )
            for row in rows
        }
    )


async def read_documents(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, ExperimentDocument]:
    """The documents of versions."""
    if not ids:
        return {}
    buckets: defaultdict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in await queries.select_buckets(session, ids):
        span = None if row["range_start"] is None else (row["range_start"], row["range_end"])
        buckets[row["experiment_id"]].append(
            {
                "variant_key": row["variant_key"],
                "allocation_weight": row["allocation_weight"],
                "payload": row["payload_json"],
                "is_control": row["is_control"],
                "range": span,
            }
        )
    audiences: defaultdict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in await queries.select_audiences(session, ids):
        audiences[row["experiment_id"]].append(
            {"rule_name": row["rule_name"], "condition": row["rule_json"], "priority": row["priority"]}
        )
    return {
        row["id"]: _document(row, buckets[row["id"]], audiences[row["id"]])
        for row in await queries.select_definitions(session, ids)
    }


#: Field of the document → column of the definition, where the value is the same in both.
_SAME = {
    "name": "experiment_name",
    "description": "description",
    "type": "type",
    "owner_service": "owner_service",
    "start_time": "start_time",
    "end_time": "end_time",
    "context_schema": "context_schema",
    "hash_attribute": "hash_attribute",
    "fallback_attribute": "fallback_attribute",
    "seed": "seed",
    "hash_version": "hash_version",
    "coverage": "coverage",
    "default_payload": "default_payload_json",
    "sticky": "is_sticky",
    "bucket_version": "bucket_version",
    "min_bucket_version": "min_bucket_version",
    "pre_period_days": "pre_period_days",
}
#: The same for what is kept as JSON.
_AS_JSON = {"filters": "filters_json", "metrics": "metrics_json", "guardrails": "guardrail_metrics"}


def definition_columns(document: ExperimentDocument) -> dict[str, Any]:
    """The definition row's own columns."""
    namespace, holdout = document.namespace, document.holdout
    return {
        **{column: getattr(document, field) for field, column in _SAME.items()},
        **{
            column: [one.model_dump(mode="json") for one in getattr(document, field)]
            for field, column in _AS_JSON.items()
        },
        "namespace_key": namespace and namespace.key,
        "namespace_start": namespace and namespace.start,
        "namespace_end": namespace and namespace.end,
        "holdout_key": holdout and holdout.key,
        "holdout_share": holdout and holdout.share,
    }


def bucket_rows(platform_id: UUID, definition_id: UUID, document: ExperimentDocument) -> list[dict[str, Any]]:
    """The rows of the buckets."""
    return [
        {
            "platform_id": platform_id,
            "experiment_id": definition_id,
            "variant_key": bucket.variant_key,
            "payload_json": bucket.payload,
            "allocation_weight": bucket.allocation_weight,
            "is_control": bucket.is_control,
            "range_start": bucket.range and bucket.range[0],
            "range_end": bucket.range and bucket.range[1],
            "position": position,
        }
        for position, bucket in enumerate(document.buckets)
    ]


def audience_rows(
    platform_id: UUID, definition_id: UUID, document: ExperimentDocument
) -> list[dict[str, Any]]:
    """The rows of the audience rules."""
    return [
        {
            "platform_id": platform_id,
            "experiment_id": definition_id,
            "rule_name": audience.rule_name,
            "rule_json": audience.condition,
            "priority": audience.priority,
            "position": position,
        }
        for position, audience in enumerate(document.audiences)
    ]


def _document(
    row: Mapping[Any, Any], buckets: Sequence[Mapping[str, Any]], audiences: Sequence[Mapping[str, Any]]
) -> ExperimentDocument:
    given = {field: row[column] for field, column in (_SAME | _AS_JSON).items()}
    if row["namespace_key"] is not None:
        given["namespace"] = {
            "key": row["namespace_key"],
            "start": row["namespace_start"],
            "end": row["namespace_end"],
        }
    if row["holdout_key"] is not None:
        given["holdout"] = {"key": row["holdout_key"], "share": row["holdout_share"]}
    return ExperimentDocument.model_validate(
        {**given, "key": row["experiment_key"], "buckets": buckets, "audiences": audiences}
    )
