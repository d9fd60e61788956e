"""Experiments over HTTP: asked, told what came of them, and their results read. Writing them is the rulebook's."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.kit.web.paging import page_of, pick, place
from entrepot.kit.web.parameters import After, Before, Limit, answer_page
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.marketplace.experiments import queries
from entrepot.marketplace.experiments.assigning import Context
from entrepot.marketplace.experiments.kind import KIND
from entrepot.marketplace.experiments.metrics import Observation
from entrepot.marketplace.experiments.recording import check_entity
from entrepot.marketplace.experiments.results import as_plain, keep_results, read_results
from entrepot.marketplace.experiments.schemas import (
    AssignAnswer,
    AssignAnswers,
    AssignQuestion,
    AssignQuestions,
    ExposurePage,
    Observations,
    OverrideIn,
    OverrideList,
    OverrideRow,
    Question,
    Recorded,
    ResultsAnswer,
)
from entrepot.marketplace.experiments.sharing import sdk_settings
from entrepot.marketplace.platforms.access import (
    PlatformAsking,
    PlatformCaller,
    PlatformKnown,
    PlatformReading,
    PlatformWriting,
)
from entrepot.marketplace.rulebook.authoring import list_versions

router = APIRouter(tags=["Experiments"])

ExperimentKey = Annotated[
    str, Path(max_length=100, description="Key of the experiment.", examples=["CHECKOUT_BTN_COLOR"])
]
EntityPath = Annotated[str, Path(max_length=255, description="The entity.", examples=["user-1"])]
ORDER = "newest"


@router.post(
    "/experiments/assign",
    operation_id="assignExperiments",
    summary="Assign an entity",
    response_model=AssignAnswer,
    responses=responses(*GUARDED, NotFoundError),
)
async def assign_experiments(caller: PlatformAsking, body: AssignQuestion) -> dict[str, Any]:
    """What an entity gets in one, several or all running experiments. Exposures are recorded within a second."""
    context = _context(body)
    keys = await _keys(caller, body)
    engine = caller.engines.experiments
    # Explained before it is kept: afterwards every reason would be that it was assigned before.
    told = [await engine.explain(caller.platform_id, key, context) for key in keys] if body.explain else []
    found = await engine.assign_all(
        caller.platform_id,
        context,
        keys,
        sticky=body.sticky,
        record=body.record,
        trace_id=caller.trace_id or None,
    )
    answers = [asdict(assignment) for assignment in found.values()]
    for answer, explained in zip(answers, told, strict=False):
        answer |= {"steps": explained.steps, "number": explained.number}
    return {"assignments": answers}


@router.post(
    "/experiments/assign/batch",
    operation_id="assignExperimentsBatch",
    summary="Assign many entities",
    response_model=AssignAnswers,
    responses=responses(*GUARDED, NotFoundError),
)
async def assign_experiments_batch(caller: PlatformAsking, body: AssignQuestions) -> dict[str, Any]:
    """What many entities get, by the same rules. They are hashed together, and kept in one transaction."""
    questions: list[tuple[str, Context]] = []
    counts = []
    for index, question in enumerate(body.questions):
        context = _context(question, f"questions[{index}].")
        keys = await _keys(caller, question)
        counts.append(len(keys))
        questions += [(key, context) for key in keys]
    found = iter(
        await caller.engines.experiments.assign_many(
            caller.platform_id,
            questions,
            sticky=body.sticky,
            record=body.record,
            trace_id=caller.trace_id or None,
        )
    )
    return {"answers": [{"assignments": [asdict(next(found)) for _ in range(count)]} for count in counts]}


@router.post(
    "/experiments/{key}/metrics",
    operation_id="recordExperimentMetrics",
    summary="Record what entities did",
    response_model=Recorded,
    responses=responses(*GUARDED, NotFoundError),
)
async def record_experiment_metrics(
    caller: PlatformAsking, key: ExperimentKey, body: Observations
) -> dict[str, Any]:
    """Conversions and revenue, by which the variants are compared. Under one dedupe key nothing is recorded twice."""
    observations = [Observation(**observation.model_dump()) for observation in body.observations]
    try:
        recorded = await caller.engines.experiments.record_metrics(caller.platform_id, key, observations)
    except InvalidInputError as error:
        if "path" in error.where:
            error.where["path"] = f"observations{error.where['path']}"
        raise
    return {"recorded": recorded, "duplicates": len(observations) - recorded}


@router.get(
    "/experiments/{key}/results",
    operation_id="getExperimentResults",
    summary="The results of an experiment",
    response_model=ResultsAnswer,
    responses=responses(*GUARDED, NotFoundError),
)
async def get_experiment_results(access: PlatformReading, key: ExperimentKey) -> dict[str, Any]:
    """The variants beside the control, from what is recorded now."""
    return as_plain(await read_results(access.session, access.platform_id, key))


@router.post(
    "/experiments/{key}/results",
    operation_id="keepExperimentResults",
    summary="Keep the results of an experiment",
    response_model=ResultsAnswer,
    responses=responses(*GUARDED, NotFoundError),
)
async def keep_experiment_results(access: PlatformWriting, key: ExperimentKey) -> dict[str, Any]:
    """The same, kept as it is now in hm_experiment_result."""
    results = await read_results(access.session, access.platform_id, key)
    await keep_results(access.session, access.platform_id, results)
    return as_plain(results)


@router.get(
    "/experiments/{key}/exposures",
    operation_id="listExperimentExposures",
    summary="The exposures of an experiment",
    response_model=ExposurePage,
    responses=responses(*GUARDED, NotFoundError),
)
async def list_experiment_exposures(
    request: Request,
    response: Response,
    access: PlatformReading,
    key: ExperimentKey,
    entity: Annotated[str | None, Query(max_length=255, description="Only those of this entity.")] = None,
    variant: Annotated[str | None, Query(max_length=50, description="Only those of this variant.")] = None,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """A page of the exposures that match every condition given, the newest first."""
    at = place(ORDER, (datetime.fromisoformat, UUID), after=after, before=before)
    rows = await queries.select_exposures(
        access.session, access.platform_id, key, entity=entity, variant=variant, at=at, limit=limit + 1
    )
    if not rows:
        await _require(access.session, access.platform_id, key)
    page = page_of(rows, at, limit, lambda row: pick(row, "exposed_at", "id"), ORDER)
    return answer_page(request, response, page)


@router.get(
    "/experiments/{key}/overrides",
    operation_id="listExperimentOverrides",
    summary="The forced variants of an experiment",
    response_model=OverrideList,
    responses=responses(*GUARDED, NotFoundError),
)
async def list_experiment_overrides(access: PlatformReading, key: ExperimentKey) -> dict[str, Any]:
    """Entities for which a variant is forced: testers, whom no result counts."""
    await _require(access.session, access.platform_id, key)
    return {"items": await queries.select_overrides_of(access.session, access.platform_id, key)}


@router.put(
    "/experiments/{key}/overrides/{entity}",
    operation_id="setExperimentOverride",
    summary="Force a variant",
    response_model=OverrideRow,
    responses=responses(*GUARDED, NotFoundError, ConflictError),
)
async def set_experiment_override(
    access: PlatformWriting, key: ExperimentKey, entity: EntityPath, body: OverrideIn
) -> Any:
    """Force a variant for an entity, whatever the hash says and whether or not the experiment runs."""
    check_entity(entity)
    versions = await list_versions(access.session, KIND, access.platform_id, key)
    documents = await KIND.read(access.session, [version.definition_id for version in versions])
    known = {bucket.variant_key for document in documents.values() for bucket in document.buckets}
    if body.variant_key not in known:
        raise InvalidInputError(
            f"variant_key: {key} has no variant {body.variant_key!r}.",
            hint=f"It has {', '.join(sorted(known))}.",
            where={"path": "variant_key"},
        )
    return await queries.set_override(
        access.session, access.platform_id, key, entity, body.variant_key, created_by=access.person.user_id
    )


@router.delete(
    "/experiments/{key}/overrides/{entity}",
    operation_id="dropExperimentOverride",
    summary="Force nothing any more",
    status_code=204,
    responses=responses(*GUARDED, NotFoundError),
)
async def drop_experiment_override(access: PlatformWriting, key: ExperimentKey, entity: EntityPath) -> None:
    """Let the hash decide about an entity again."""
    if not await queries.drop_override(access.session, access.platform_id, key, entity):
        raise NotFoundError(f"No variant of {key} is forced for {entity!r}.", where={"key": key})


@router.get(
    "/experiments/{key}/sdk",
    operation_id="getExperimentSdkSettings",
    summary="An experiment for GrowthBook's SDKs",
    responses=responses(*GUARDED, NotFoundError),
)
async def get_experiment_sdk_settings(caller: PlatformKnown, key: ExperimentKey) -> dict[str, Any]:
    """The arguments of an inline experiment of GrowthBook's SDKs, which assign with them as this engine does."""
    current = (await caller.engines.experiments.experiments(caller.platform_id))[key]
    return sdk_settings(current.experiment.document, running=current.experiment.running)


def _context(question: Question, path: str = "") -> dict[str, Any]:
    if question.entity is None:
        return question.context
    if question.context.get("id", question.entity) != question.entity:
        raise InvalidInputError(
            f"{path}entity: the context has another id, {question.context['id']!r}.",
            hint="Give one of the two.",
            where={"path": f"{path}entity"},
        )
    return {"id": question.entity, **question.context}


async def _keys(caller: PlatformCaller, question: Question) -> Sequence[str]:
    if question.experiments is not None:
        return list(dict.fromkeys(question.experiments))
    return (await caller.engines.experiments.experiments(caller.platform_id)).running()


async def _require(session: Any, platform_id: UUID, key: str) -> None:
    await list_versions(session, KIND, platform_id, key)
