"""Why an entity got what it got: every question on the way to an assignment, in words."""

from collections.abc import Iterator
from dataclasses import dataclass

from entrepot.marketplace.experiments.assigning import (
    REASONS,
    Assignment,
    Context,
    Experiment,
    Groups,
    Stored,
    as_object,
)


@dataclass(frozen=True, slots=True)
class Explained:
    """An assignment with the way to it; `number` is the entity's hash in [0, 1), None where there is no entity."""

    assignment: Assignment
    entity: str
    number: float | None
    steps: tuple[str, ...]


def explain(
    experiment: Experiment, context: Context, stored: Stored | None = None, groups: Groups = None
) -> Explained:
    """What `experiment.assign` gives, and every question that was asked for it. Raises what `assign` raises."""
    context = as_object(context)
    assignment = experiment.assign(context, stored, groups)
    entity = experiment.entity(context)
    number = experiment.hasher.place(entity) / experiment.hasher.size if entity else None
    steps = [
        *_before_the_hash(experiment, context, stored, assignment, entity, groups),
        *_hashed(experiment, assignment, number),
        _outcome(assignment),
    ]
    return Explained(assignment, entity, number, tuple(steps))


def _before_the_hash(
    experiment: Experiment,
    context: Context,
    stored: Stored | None,
    assignment: Assignment,
    entity: str,
    groups: Groups,
) -> Iterator[str]:
    document = experiment.document
    if assignment.reason == "override":
        yield f"The variant {assignment.variant_key} is forced for {entity or 'the entity'}."
        return
    if assignment.reason == "not_running":
        yield "The experiment is not running now."
        return
    if not entity:
        yield f"The context has no value of {document.hash_attribute} that could be hashed."
        return
    used = document.hash_attribute if context.get(document.hash_attribute) else document.fallback_attribute
    yield f"The entity is {entity}, the value of {used}."
    if stored is not None and document.sticky:
        yield (
            f"It was assigned {stored.variant_key} before, under bucket version {stored.bucket_version}; "
            f"the present one is {document.bucket_version}, and the lowest that is let in {document.min_bucket_version}."
        )
    if assignment.reason in ("sticky", "bucket_version"):
        return
    for gate in experiment.gates:
        number = gate.number(context, entity)
        verdict = "lets it in" if gate.lets_in(context, entity) else "leaves it out"
        yield f"The {gate.words} {verdict}: its number there is {'missing' if number is None else f'{number:.4f}'}."
        if not gate.lets_in(context, entity):
            return
    for name, condition in experiment.audiences:
        held = condition.matches(context, groups)
        yield f"The audience {name} {'holds' if held else 'does not hold'}: {condition.words()}."
        if held:
            return


def _hashed(experiment: Experiment, assignment: Assignment, number: float | None) -> Iterator[str]:
    if assignment.reason not in ("hashed", "coverage") or number is None:
        return
    document = experiment.document
    yield f"Hash version {document.hash_version} with the seed {document.hash_seed} gives {number:.4f}."
    for bucket, (start, end) in zip(document.buckets, experiment.ranges, strict=True):
        yield f"{bucket.variant_key} takes from {start:.4f} to {end:.4f}."


def _outcome(assignment: Assignment) -> str:
    why = REASONS[assignment.reason]
    if assignment.in_experiment:
        return f"So it gets {assignment.variant_key}: {why}."
    given = assignment.variant_key or "the default"
    return f"So it is not in the experiment and gets {given}: {why}."
