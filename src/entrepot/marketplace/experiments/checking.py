"""What the types of a document cannot say: sums, doubles, ranges that overlap, conditions that cannot be asked."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise
from math import isfinite
from typing import Any, NoReturn

from entrepot.kit.errors import InvalidInputError
from entrepot.marketplace.experiments.assigning import compile_audiences, context_schema
from entrepot.marketplace.experiments.documents import AB_TEST, ExperimentDocument, Span


def check(document: ExperimentDocument) -> None:
    """Raise InvalidInputError with the path of the first thing that is wrong."""
    _check_buckets(document)
    _check_ranges(document)
    _check_gates(document)
    _check_times(document)
    _check_stickiness(document)
    _check_payloads(document)
    _check_metrics(document)
    _once([audience.rule_name for audience in document.audiences], "audiences", "rule_name")
    compile_audiences(document, context_schema(document))


def refuse(message: str, path: str, hint: str | None = None) -> NoReturn:
    """Raise the error of a document; the message begins with the path."""
    raise InvalidInputError(f"{path}: {message}", hint=hint, where={"path": path})


def _check_buckets(document: ExperimentDocument) -> None:
    buckets = document.buckets
    if document.type == AB_TEST and len(buckets) < 2:
        refuse(
            f"an A/B test needs two buckets or more, and there {'is one' if buckets else 'is none'}.",
            "buckets",
        )
    if not buckets:
        refuse(
            "a flag needs at least one bucket.", "buckets", "Leave buckets out for a flag that is on or off."
        )
    _once([bucket.variant_key for bucket in buckets], "buckets", "variant_key")
    total = sum((bucket.allocation_weight for bucket in buckets), Decimal(0))
    if total != 100:
        refuse(
            f"the weights add up to {total:f}, not to 100.",
            "buckets",
            f"They are {', '.join(f'{bucket.allocation_weight:f}' for bucket in buckets)}, in percent.",
        )
    controls = [index for index, bucket in enumerate(buckets) if bucket.is_control]
    if len(controls) > 1:
        refuse(f"{len(controls)} buckets are the control; one can be.", f"buckets[{controls[1]}].is_control")
    if document.type == AB_TEST and not controls:
        refuse(
            "no bucket is the control.",
            "buckets",
            "Set is_control on the one that the others are compared with.",
        )


def _check_ranges(document: ExperimentDocument) -> None:
    given = [bucket.range for bucket in document.buckets]
    if all(span is None for span in given):
        return
    if any(span is None for span in given):
        refuse(
            "ranges are given for all buckets or for none.",
            f"buckets[{given.index(None)}].range",
        )
    if document.coverage != 1:
        refuse("the coverage has no effect where buckets have ranges.", "coverage", "Leave it out.")
    spans = [span for span in given if span is not None]
    for index, span in enumerate(spans):
        _check_span(span, f"buckets[{index}].range")
    _check_apart(spans, lambda index: f"buckets[{index}].range")


def _check_gates(document: ExperimentDocument) -> None:
    if document.namespace is not None:
        _check_span((document.namespace.start, document.namespace.end), "namespace")
    for number, filter_ in enumerate(document.filters):
        for index, span in enumerate(filter_.ranges):
            _check_span(span, f"filters[{number}].ranges[{index}]")


def _check_span(span: Span, path: str) -> None:
    if span[0] >= span[1]:
        refuse(f"a range begins before it ends; this is from {span[0]:f} to {span[1]:f}.", path)


def _check_apart(spans: Sequence[Span], path: Any) -> None:
    order = sorted(range(len(spans)), key=lambda index: spans[index])
    for first, second in pairwise(order):
        if spans[second][0] < spans[first][1]:
            refuse("this range overlaps another.", path(second))


def _check_times(document: ExperimentDocument) -> None:
    if document.start_time and document.end_time and document.start_time >= document.end_time:
        refuse("an experiment begins before it ends.", "end_time")


def _check_stickiness(document: ExperimentDocument) -> None:
    if document.fallback_attribute is not None:
        if not document.sticky:
            refuse(
                "a fallback attribute is of use only where assignments are kept.",
                "fallback_attribute",
                "GrowthBook's SDKs ignore it without sticky buckets; set sticky, or leave it out.",
            )
        if document.fallback_attribute == document.hash_attribute:
            refuse("this is the attribute that is hashed already.", "fallback_attribute")
    if document.min_bucket_version > document.bucket_version:
        refuse(
            f"the lowest bucket version let in, {document.min_bucket_version}, is above the present one, "
            f"{document.bucket_version}: nobody would stay.",
            "min_bucket_version",
        )


def _check_payloads(document: ExperimentDocument) -> None:
    for index, bucket in enumerate(document.buckets):
        _check_json(bucket.payload, f"buckets[{index}].payload")
    _check_json(document.default_payload, "default_payload")
    if document.type == AB_TEST and document.default_payload is not None:
        refuse(
            "who is not in an A/B test gets the control's payload.",
            "default_payload",
            "Leave it out, or make the experiment a FEATURE_FLAG.",
        )


def _check_json(value: Any, path: str) -> None:
    """What pydantic takes for JSON and PostgreSQL does not keep: numbers that are none, and the character 0."""
    if isinstance(value, float) and not isfinite(value):
        refuse(f"{value} is no JSON value.", path)
    if isinstance(value, str) and "\0" in value:
        refuse("a text cannot hold the character U+0000.", path)
    if isinstance(value, dict):
        for key, item in value.items():
            _check_json(key, path)
            _check_json(item, f"{path}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_json(item, f"{path}[{index}]")


def _check_metrics(document: ExperimentDocument) -> None:
    _once([metric.key for metric in document.metrics], "metrics", "key")
    _once([metric.key for metric in document.guardrails], "guardrails", "key")
    types = {metric.key: metric.type for metric in document.metrics}
    for index, metric in enumerate(document.guardrails):
        if types.get(metric.key, metric.type) != metric.type:
            refuse(f"{metric.key} is a {types[metric.key]} among the metrics.", f"guardrails[{index}].type")


def _once(names: Iterable[str], path: str, field: str) -> None:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            refuse(f"there is another {name}.", f"{path}[{index}].{field}")
        seen.add(name)
