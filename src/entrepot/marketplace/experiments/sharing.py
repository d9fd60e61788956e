"""An experiment in the form that GrowthBook's SDKs take, for clients that assign by themselves and agree with us."""

from typing import Any

from entrepot.marketplace.experiments.documents import ExperimentDocument


def sdk_settings(document: ExperimentDocument, *, running: bool = True) -> dict[str, Any]:
    """The arguments of the SDKs' inline experiment, as JSON.

    A holdout is a filter there. Beside filters the SDKs ignore a namespace, so then it is one too. A filter hashes its
    own attribute and never the fallback, so entities known by their fallback alone are left out of both.
    """
    settings: dict[str, Any] = {
        "key": document.key,
        "variations": [bucket.payload for bucket in document.buckets],
        "meta": [{"key": bucket.variant_key} for bucket in document.buckets],
        "weights": [float(bucket.allocation_weight / 100) for bucket in document.buckets],
        "coverage": float(document.coverage),
        "hashAttribute": document.hash_attribute,
        "hashVersion": document.hash_version,
        "seed": document.hash_seed,
        "active": running,
        "disableStickyBucketing": not document.sticky,
        "bucketVersion": document.bucket_version,
        "minBucketVersion": document.min_bucket_version,
    }
    if document.fallback_attribute is not None:
        settings["fallbackAttribute"] = document.fallback_attribute
    conditions = [
        audience.condition for audience in sorted(document.audiences, key=lambda one: -one.priority)
    ]
    if conditions:
        settings["condition"] = conditions[0] if len(conditions) == 1 else {"$or": conditions}
    if any(bucket.range is not None for bucket in document.buckets):
        settings["ranges"] = [
            [float(edge) for edge in bucket.range] for bucket in document.buckets if bucket.range is not None
        ]
    filters = _filters(document)
    if filters:
        settings["filters"] = filters
    elif document.namespace is not None:
        space = document.namespace
        settings["namespace"] = [space.key, float(space.start), float(space.end)]
    return settings


def _filters(document: ExperimentDocument) -> list[dict[str, Any]]:
    filters = [
        {
            "seed": filter_.seed,
            "attribute": filter_.attribute,
            "hashVersion": filter_.hash_version,
            "ranges": [[float(start), float(end)] for start, end in filter_.ranges],
        }
        for filter_ in document.filters
    ]
    if document.holdout is not None:
        filters.append(
            {
                "seed": document.holdout.key,
                "attribute": document.hash_attribute,
                "hashVersion": 2,
                "ranges": [[float(document.holdout.share), 1.0]],
            }
        )
    if filters and document.namespace is not None:
        filters.append(
            {
                "seed": f"__{document.namespace.key}",
                "attribute": document.hash_attribute,
                "hashVersion": 1,
                "ranges": [[float(document.namespace.start), float(document.namespace.end)]],
            }
        )
    return filters
