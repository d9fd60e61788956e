"""Policies over HTTP: asked, and their decisions read. Writing and publishing them is the rulebook's."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime

from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.kit.web.parameters import After, Before, Limit, answer_page
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.marketplace.platforms.access import PlatformKnown, PlatformReading
from entrepot.marketplace.policies.checking import check
from entrepot.marketplace.policies.decisions import get_decision, list_decisions
from entrepot.marketplace.policies.documents import PolicyDocument
from entrepot.marketplace.policies.effects import Result
from entrepot.marketplace.policies.evaluating import Decision
from entrepot.marketplace.policies.explaining import explain
from entrepot.marketplace.policies.kind import KIND
from entrepot.marketplace.policies.schemas import (
    DecisionAnswer,
    DecisionAnswers,
    DecisionDetail,
    DecisionPage,
    Question,
    Questions,
    WhatIfAnswer,
    WhatIfQuestion,
)
from entrepot.marketplace.policies.what_if import what_if
from entrepot.marketplace.rulebook.authoring import find_version, list_versions

router = APIRouter(tags=["Policies"])

PolicyKey = Annotated[
    str, Path(max_length=100, description="Key of the policy.", examples=["PRODUCT_COMPLIANCE"])
]


@router.post(
    "/policies/evaluate",
    operation_id="evaluatePolicies",
    summary="Decide on several contexts",
    response_model=DecisionAnswers,
    responses=responses(*GUARDED, NotFoundError),
)
async def evaluate_policies(caller: PlatformKnown, body: Questions) -> dict[str, Any]:
    """Decisions on several contexts, by the same rules at the same moment. One that cannot be decided refuses all."""
    decisions = await caller.engines.policies.evaluate_many(
        caller.platform_id,
        [(question.policy, question.context) for question in body.questions],
        trace_id=caller.trace_id or None,
        service=body.service,
        at=body.at,
        record=body.record,
    )
    return {"decisions": [_answer(decision, explained=body.explain) for decision in decisions]}


@router.get(
    "/policies/decisions/{decision_id}",
    operation_id="getPolicyDecision",
    summary="One decision, explained",
    response_model=DecisionDetail,
    responses=responses(*GUARDED, NotFoundError),
)
async def get_policy_decision(
    access: PlatformReading, decision_id: Annotated[UUID, Path(description="Identifier of the decision.")]
) -> dict[str, Any]:
    """A recorded decision, its evaluation log, and each rule with what it had to do with it."""
    found = await get_decision(access.session, access.platform_id, decision_id)
    return {
        **found.row,
        "evaluations": found.evaluations,
        "rules": [rule.as_dict() for rule in found.rules],
        "lines": found.lines,
        "agrees": found.agrees,
    }


@router.post(
    "/policies/{key}/evaluate",
    operation_id="evaluatePolicy",
    summary="Decide on a context",
    response_model=DecisionAnswer,
    responses=responses(*GUARDED, NotFoundError),
)
async def evaluate_policy(caller: PlatformKnown, key: PolicyKey, body: Question) -> dict[str, Any]:
    """The decision of the published policy on a context. It is recorded within a second."""
    decision = await caller.engines.policies.evaluate(
        caller.platform_id,
        key,
        body.context,
        trace_id=caller.trace_id or None,
        service=body.service,
        at=body.at,
        record=body.record,
    )
    return _answer(decision, explained=body.explain)


@router.get(
    "/policies/{key}/decisions",
    operation_id="listPolicyDecisions",
    summary="The decisions of a policy",
    response_model=DecisionPage,
    responses=responses(*GUARDED, NotFoundError),
)
async def list_policy_decisions(
    request: Request,
    response: Response,
    access: PlatformReading,
    key: PolicyKey,
    effect: Annotated[Result | None, Query(description="Only those with this effect.")] = None,
    rule: Annotated[
        str | None, Query(max_length=100, description="Only those that this rule decided.")
    ] = None,
    trace: Annotated[str | None, Query(max_length=64, description="Only those of this trace.")] = None,
    context_hash: Annotated[
        str | None,
        Query(pattern="^[0-9a-f]{64}$", description="Only those on the context with this SHA-256."),
    ] = None,
    since: Annotated[AwareDatetime | None, Query(description="Only from this moment on.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Only before this moment.")] = None,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """A page of the recorded decisions of a policy that match every condition given, the newest first."""
    filters = {
        "key": key,
        "effect": effect,
        "rule": rule,
        "trace": trace,
        "context_hash": context_hash,
        "since": since,
        "until": until,
    }
    page = await list_decisions(
        access.session, access.platform_id, filters, after=after, before=before, limit=limit
    )
    if not page.rows:
        await list_versions(
            access.session, KIND, access.platform_id, key
        )  # NotFoundError, where there is none
    return answer_page(request, response, page)


@router.post(
    "/policies/{key}/what-if",
    operation_id="comparePolicyDraft",
    summary="What a draft would change",
    response_model=WhatIfAnswer,
    responses=responses(*GUARDED, NotFoundError),
)
async def compare_policy_draft(
    access: PlatformReading, key: PolicyKey, body: WhatIfQuestion
) -> dict[str, Any]:
    """A draft asked of recorded decisions: how many would change, how, and by which rules. Nothing is changed."""
    if body.document is not None and body.version is not None:
        raise InvalidInputError(
            "A draft is given as a document or as a version, not both.", where={"path": "version"}
        )
    if body.document is not None:
        document = PolicyDocument.read(body.document, "document")
        if document.key != key:
            raise InvalidInputError(
                f"The document is of the policy {document.key}, not {key}.", where={"path": "document.key"}
            )
    else:
        number = body.version
        if number is None:
            number = (await list_versions(access.session, KIND, access.platform_id, key))[0].version
        _, found = await find_version(access.session, KIND, access.platform_id, key, number)
        document = PolicyDocument.read(found)
    compared = await what_if(
        access.session,
        access.platform_id,
        check(document),
        last=body.last,
        since=body.since,
        until=body.until,
        at=body.at,
        examples=body.examples,
    )
    return {"policy": key, **compared.as_dict()}


def _answer(decision: Decision, *, explained: bool) -> dict[str, Any]:
    rules = [rule.as_dict() for rule in explain(decision)] if explained else None
    return {**decision.as_dict(), "rules": rules}
