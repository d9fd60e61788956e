"""The results of an experiment: read, checked for a broken split, compared, and kept."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from math import isfinite
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.errors import NotFoundError
from entrepot.marketplace.experiments import queries, result_queries
from entrepot.marketplace.experiments.analyzing import Compared, Moments, SampleRatio, compare, sample_ratio
from entrepot.marketplace.experiments.assigning import Experiment
from entrepot.marketplace.experiments.documents import ExperimentDocument, Metric
from entrepot.marketplace.experiments.reading import read_documents


@dataclass(frozen=True, slots=True)
class MetricResult:
    """The variants by one metric; `problem` says why there is no comparison."""

    metric: Metric
    is_guardrail: bool
    variants: Sequence[Compared]
    currency: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """What an experiment shows. Where `withheld` says why, nothing is compared.

    `entities` counts by variant those that saw it and no other; `mixed` those that saw several, which count nowhere.
    `violations` are guardrails and the variants that are significantly worse by them.
    """

    definition_id: UUID
    experiment_key: str
    version: int
    computed_at: datetime
    first_exposed_at: datetime | None
    last_exposed_at: datetime | None
    entities: Mapping[str, int]
    mixed: int
    sample_ratio: SampleRatio
    withheld: str | None
    metrics: Sequence[MetricResult]

    @property
    def violations(self) -> list[tuple[str, str]]:
        """Each guardrail that a variant breaks, with that variant."""
        return [
            (result.metric.key, variant.variant_key)
            for result in self.metrics
            if result.is_guardrail
            for variant in result.variants
            if variant.worse
        ]


async def read_results(session: AsyncSession, platform_id: UUID, key: str) -> Results:
    """The results of the version that counts, over all versions with the same bucket version.

    Raises NotFoundError for an experiment that never was live.
    """
    row = next(
        (one for one in await queries.select_current(session, platform_id) if one["experiment_key"] == key),
        None,
    )
    if row is None:
        raise NotFoundError(
            f"No experiment {key!r} is live here, or was.",
            hint="Its first version has no results until it is started.",
            where={"key": key},
        )
    document = (await read_documents(session, [row["id"]]))[row["id"]]
    seen = await result_queries.select_entities(session, platform_id, key, document.bucket_version)
    versions = await read_documents(session, sorted({one["experiment_id"] for one in seen}))
    wanted = [{"metric_key": one.key, "type": one.type} for one in (*document.metrics, *document.guardrails)]
    unique = list({one["metric_key"]: one for one in wanted}.values())
    sums = await result_queries.select_sums(
        session, platform_id, key, document.bucket_version, unique, document.pre_period_days
    )
    return analyze(row["id"], row["version"], document, seen, versions, sums)


async def keep_results(session: AsyncSession, platform_id: UUID, results: Results) -> None:
    """Keep results as they are, a row a metric and variant."""
    await result_queries.insert_results(
        session,
        platform_id,
        results.definition_id,
        results.experiment_key,
        results.computed_at,
        list(_kept(results)),
    )


def as_plain(results: Results) -> dict[str, Any]:
    """Results as JSON values."""
    ratio = results.sample_ratio
    return {
        "experiment_key": results.experiment_key,
        "version": results.version,
        "computed_at": results.computed_at,
        "first_exposed_at": results.first_exposed_at,
        "last_exposed_at": results.last_exposed_at,
        "entities": dict(results.entities),
        "mixed": results.mixed,
        "sample_ratio": {
            "expected": dict(ratio.expected),
            "statistic": ratio.statistic if isfinite(ratio.statistic) else None,
            "p_value": ratio.p_value,
            "mismatch": ratio.mismatch,
        },
        "withheld": results.withheld,
        "violations": [{"metric": metric, "variant_key": variant} for metric, variant in results.violations],
        "metrics": [
            {
                **result.metric.model_dump(mode="json"),
                "is_guardrail": result.is_guardrail,
                "currency": result.currency,
                "problem": result.problem,
                "variants": [asdict(variant) for variant in result.variants],
            }
            for result in results.metrics
        ],
    }


def analyze(
    definition_id: UUID,
    version: int,
    document: ExperimentDocument,
    seen: Sequence[RowMapping],
    versions: Mapping[UUID, ExperimentDocument],
    sums: Sequence[RowMapping],
) -> Results:
    """The results, from what the database added up. The split is held to what each version meant at the time."""
    variants = [bucket.variant_key for bucket in document.buckets]
    entities = dict.fromkeys(variants, 0)
    by_version: defaultdict[UUID, int] = defaultdict(int)
    for row in seen:
        if row["variant_key"] is not None:
            entities[row["variant_key"]] = entities.get(row["variant_key"], 0) + row["entities"]
            by_version[row["experiment_id"]] += row["entities"]
    ratio = sample_ratio(entities, _meant(by_version, versions))
    withheld = _withheld(ratio, entities)
    control = next((bucket.variant_key for bucket in document.buckets if bucket.is_control), None)
    found = {(row["variant_key"], row["metric_key"]): row for row in sums}
    metrics = [
        _by_metric(metric, guardrail, document, entities, control, found, withheld)
        for guardrail, group in ((False, document.metrics), (True, document.guardrails))
        for metric in group
    ]
    return Results(
        definition_id=definition_id,
        experiment_key=document.key,
        version=version,
        computed_at=now(),
        first_exposed_at=min((row["first_exposed_at"] for row in seen), default=None),
        last_exposed_at=max((row["last_exposed_at"] for row in seen), default=None),
        entities=entities,
        mixed=sum(row["entities"] for row in seen if row["variant_key"] is None),
        sample_ratio=ratio,
        withheld=withheld,
        metrics=metrics,
    )


def _meant(by_version: Mapping[UUID, int], versions: Mapping[UUID, ExperimentDocument]) -> dict[str, float]:
    """How many entities each variant should have: those whom a version brought in, by that version's shares."""
    meant: defaultdict[str, float] = defaultdict(float)
    for definition_id, count in by_version.items():
        shares = Experiment(versions[definition_id]).shares()
        covered = sum(shares.values())
        for variant, share in shares.items():
            meant[variant] += count * share / covered if covered else 0.0
    return dict(meant)


def _withheld(ratio: SampleRatio, entities: Mapping[str, int]) -> str | None:
    if not ratio.mismatch:
        return None
    split = ", ".join(
        f"{variant} {count:,} instead of {ratio.expected.get(variant, 0):,.0f}"
        for variant, count in entities.items()
    )
    return (
        f"The entities are not split as was meant ({split}; p = {ratio.p_value:.2g}), so something is broken in how they "
        "are assigned or recorded, and a comparison would mislead."
    )


def _by_metric(
    metric: Metric,
    guardrail: bool,
    document: ExperimentDocument,
    entities: Mapping[str, int],
    control: str | None,
    sums: Mapping[tuple[str, str], RowMapping],
    withheld: str | None,
) -> MetricResult:
    rows = {variant: sums.get((variant, metric.key)) for variant in entities}
    currencies = sorted(
        {code for row in rows.values() if row is not None for code in row["currencies"] or ()}
    )
    currency = currencies[0] if len(currencies) == 1 else None
    if withheld is not None:
        return MetricResult(metric, guardrail, (), currency, "withheld")
    if len(currencies) > 1:
        return MetricResult(
            metric, guardrail, (), None, f"Values in {', '.join(currencies)} cannot be added up."
        )
    moments = {
        variant: Moments(count)
        if (row := rows[variant]) is None
        else Moments(
            count,
            row["total"],
            row["squares"],
            row["before"],
            row["before_squares"],
            row["products"],
        )
        for variant, count in entities.items()
    }
    compared = compare(moments, control, lower_is_better=metric.better == "LOWER")
    problem = None if control is not None else "No bucket is the control, so nothing is compared."
    return MetricResult(metric, guardrail, compared, currency, problem)


def _kept(results: Results) -> Iterator[dict[str, Any]]:
    for result in results.metrics:
        compared = {variant.variant_key: variant for variant in result.variants}
        for variant_key, count in results.entities.items():
            found = compared.get(variant_key)
            yield {
                "metric_key": result.metric.key,
                "metric_type": result.metric.type,
                "is_guardrail": result.is_guardrail,
                "variant_key": variant_key,
                "is_control": found is not None and found.is_control,
                "entities": count,
                "mean": found and found.mean,
                "difference": found and found.difference,
                "lower": found and found.lower,
                "upper": found and found.upper,
                "p_value": found and found.p_value,
                "is_significant": found and found.significant,
                "is_worse": found and found.worse,
                "variance_reduction": found and found.variance_reduction,
                "sample_ratio_p_value": results.sample_ratio.p_value,
                "withheld": results.withheld or result.problem,
            }
