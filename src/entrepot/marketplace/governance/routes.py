"""Centralized policies over HTTP."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Path, Query, Request, Response
from pydantic import AwareDatetime

from entrepot.kit.errors import ConflictError, NotFoundError
from entrepot.kit.web.members import transaction
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.marketplace.governance import keeping, queries, resolving
from entrepot.marketplace.governance.bodies import (
    POLICY_EXAMPLE,
    CartBody,
    CartRequest,
    DiscountBody,
    DiscountRequest,
    GovernedQuestion,
    HoldingBody,
    LockBody,
    LockList,
    LockRequest,
    PayoutBody,
    PayoutRequest,
    PolicyBody,
    PolicyList,
    SavedBody,
    Step,
)
from entrepot.marketplace.governance.carts import ask_experiments, find_standings, quote_governed, settled
from entrepot.marketplace.governance.kinds import kind_of
from entrepot.marketplace.governance.promotions import governed_discount
from entrepot.marketplace.governance.resolving import Subject, attributes_of
from entrepot.marketplace.governance.schemas import PayoutDocument
from entrepot.marketplace.governance.terms import payout_terms
from entrepot.marketplace.governance.words import Kind, SellerType, SubjectType
from entrepot.marketplace.platforms.access import PlatformKnown, PlatformReading, PlatformWriting
from entrepot.marketplace.pricing.messages import QuoteOut

router = APIRouter(prefix="/governance", tags=["Governance"])

KindPath = Annotated[Kind, Path(description="Kind of policy.")]
PolicyPath = Annotated[UUID, Path(description="Identifier of the version.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="How many at most.")]
Country = Annotated[str | None, Query(pattern=r"^([A-Z]{2}|\*)$", description="Country (ISO 3166-1).")]
Type = Annotated[SellerType | None, Query(description="Type of seller.")]


@router.get(
    "/locks",
    operation_id="listPolicyLocks",
    summary="Who keeps which version",
    response_model=LockList,
    responses=responses(*GUARDED),
)
async def list_locks(
    access: PlatformReading,
    kind: Annotated[Kind | None, Query(description="Only of this kind of policy.")] = None,
    subject_type: Annotated[SubjectType | None, Query(description="Only of this type of subject.")] = None,
    subject_id: Annotated[str | None, Query(max_length=100, description="Only of this subject.")] = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """The subjects that keep a version whatever is published later."""
    rows = await queries.select_locks(
        access.session,
        access.platform_id,
        subject_type=subject_type,
        subject_ids=None if subject_id is None else [subject_id],
        policy_kind=kind,
        limit=limit,
    )
    return {"items": [dict(row) for row in rows]}


@router.put(
    "/locks",
    operation_id="lockPolicy",
    summary="Have a subject keep a version",
    response_model=LockBody,
    responses=responses(*GUARDED, NotFoundError, ConflictError),
)
async def put_lock(access: PlatformWriting, body: LockRequest) -> dict[str, Any]:
    """Lock a subject onto a version, or onto the one in force. Moving a lock (`again`) needs an admin."""
    if body.again:
        access.require("admin")
    session, platform_id = access.session, access.platform_id
    if body.policy_id is None:
        policy = await resolving.in_force(session, platform_id, body.kind, body.country, body.seller_type)
    else:
        policy = await keeping.get_policy(session, kind_of(body.kind), platform_id, body.policy_id)
    subject = Subject(body.subject_type, body.subject_id)
    return dict(
        await resolving.lock(
            session,
            platform_id,
            subject,
            policy,
            reason=body.reason,
            user_id=access.person.user_id,
            again=body.again,
        )
    )


@router.delete(
    "/locks/{subject_type}/{subject_id}/{kind}",
    operation_id="unlockPolicy",
    summary="Have a subject follow what is in force again",
    status_code=204,
    responses=responses(*GUARDED, NotFoundError),
)
async def delete_lock(
    access: PlatformWriting,
    subject_type: Annotated[SubjectType, Path(description="Type of the subject.")],
    subject_id: Annotated[str, Path(max_length=100, description="The subject.")],
    kind: KindPath,
) -> Response:
    """Lift a lock; needs an admin."""
    access.require("admin")
    await resolving.unlock(access.session, access.platform_id, Subject(subject_type, subject_id), kind)
    return Response(status_code=204)


@router.post(
    "/carts",
    operation_id="governCart",
    summary="Under which policies the sellers of a cart stand",
    response_model=CartBody,
    responses=responses(*GUARDED, NotFoundError),
)
async def govern_cart(request: Request, caller: PlatformKnown, body: CartRequest) -> dict[str, Any]:
    """The cart with `policies` in each of its sellers; a quote of it applies the rules of just those versions."""
    async with transaction(request, caller) as session:
        standings = await find_standings(session, caller.platform_id, body.cart, at=body.at)
    variants = await ask_experiments(caller.engines.experiments, caller.platform_id, standings)
    return {"cart": standings.stamped(variants)}


@router.post(
    "/quotes",
    operation_id="quoteGovernedCart",
    summary="Quote a cart by the policies of its sellers",
    response_model=QuoteOut,
    responses=responses(*GUARDED, NotFoundError),
)
async def quote_governed_cart(
    request: Request, caller: PlatformKnown, body: GovernedQuestion
) -> dict[str, Any]:
    """What a cart costs by the published rules and the commission, promotion and tax policies of its sellers."""
    async with transaction(request, caller) as session:
        standings = await find_standings(session, caller.platform_id, body.cart)
    answer = await quote_governed(
        caller.engines, caller.platform_id, standings, record=body.record, trace_id=caller.trace_id or None
    )
    return answer.as_dict(with_trace=body.trace)


@router.post(
    "/payouts",
    operation_id="getPayoutTerms",
    summary="On which terms a seller is paid",
    response_model=PayoutBody,
    responses=responses(*GUARDED, NotFoundError),
)
async def get_payout_terms(request: Request, caller: PlatformKnown, body: PayoutRequest) -> dict[str, Any]:
    """The terms of the payout policy that holds for a seller, and what becomes of a balance by them."""
    subject = Subject("SELLER", body.seller.id)
    country, seller_type = body.seller.country, body.seller.type
    async with transaction(request, caller) as session:
        found = await resolving.candidate(
            session, caller.platform_id, "payout", subject, country=country, seller_type=seller_type
        )
    facts = body.seller.model_dump()
    resolved = await settled(
        caller.engines.experiments,
        caller.platform_id,
        found,
        attributes_of(subject, country, seller_type, facts),
    )
    assert isinstance(resolved.policy.document, PayoutDocument)
    terms = payout_terms(resolved.policy.document, facts)
    return {
        "policy": resolved.policy.reference,
        "source": resolved.source,
        "terms": asdict(terms),
        "split": None if body.balance is None else asdict(terms.split(body.balance)),
    }


@router.post(
    "/discounts",
    operation_id="governDiscount",
    summary="Hold a discount to the promotion policy",
    response_model=DiscountBody,
    responses=responses(*GUARDED, NotFoundError),
)
async def govern_one_discount(access: PlatformReading, body: DiscountRequest) -> dict[str, Any]:
    """The discount as it may be published: capped, funded, and for the sellers of the policy in force.

    With `save` it is kept as the draft of the pricing rule of its key, for which one has to be allowed to write.
    """
    if body.save:
        access.require("write")
    reference, discount = await governed_discount(
        access.session,
        access.platform_id,
        body.discount,
        country=body.country,
        seller_type=body.seller_type,
        save=body.save,
        user_id=access.person.user_id,
    )
    return {"policy": reference, "discount": discount, "saved": body.save}


@router.get(
    "/{kind}",
    operation_id="listGovernedPolicies",
    summary="The versions of a kind of policy",
    response_model=PolicyList,
    responses=responses(*GUARDED),
)
async def list_policies(
    access: PlatformReading,
    kind: KindPath,
    country: Country = None,
    seller_type: Type = None,
    state: Annotated[
        str | None, Query(pattern="^(DRAFT|ACTIVE|DEPRECATED)$", description="Only of this state.")
    ] = None,
    limit: Limit = 100,
) -> dict[str, Any]:
    """The versions of a kind by country and seller type, the newest first."""
    found = await keeping.list_policies(
        access.session,
        kind_of(kind),
        access.platform_id,
        country=country,
        seller_type=seller_type,
        state=state,
        limit=limit,
    )
    return {"items": [one.as_dict() for one in found]}


@router.post(
    "/{kind}",
    operation_id="saveGovernedPolicy",
    summary="Write a draft",
    response_model=SavedBody,
    responses=responses(*GUARDED, ConflictError),
)
async def save_policy(
    access: PlatformWriting,
    kind: KindPath,
    body: Annotated[dict[str, Any], Body(description="A policy of the kind.", examples=[POLICY_EXAMPLE])],
) -> dict[str, Any]:
    """Keep a policy as a draft, in place of the draft of that name. A published version stays as it is."""
    governed = kind_of(kind)
    saved, changed = await keeping.save_draft(
        access.session,
        governed,
        access.platform_id,
        governed.document.parse(body),
        user_id=access.person.user_id,
    )
    return {**saved.as_dict(), "changed": changed}


@router.get(
    "/{kind}/in-force",
    operation_id="getPolicyInForce",
    summary="The version that holds",
    response_model=HoldingBody,
    responses=responses(*GUARDED, NotFoundError),
)
async def get_in_force(
    request: Request,
    caller: PlatformKnown,
    kind: KindPath,
    country: Country = None,
    seller_type: Type = None,
    at: Annotated[
        AwareDatetime | None, Query(description="Moment that is asked about; now without it.")
    ] = None,
    subject_type: Annotated[SubjectType, Query(description="Type of the subject.")] = "SELLER",
    subject_id: Annotated[
        str | None,
        Query(
            min_length=1, max_length=100, description="Whose version is asked for, locks and tests included."
        ),
    ] = None,
) -> dict[str, Any]:
    """The version in force for a country and seller type, the most specific one; or the one that holds for a subject."""
    async with transaction(request, caller) as session:
        if subject_id is None:
            found = await resolving.in_force(session, caller.platform_id, kind, country, seller_type, at)
            return resolving.Resolved(found, "in force").as_dict()
        subject = Subject(subject_type, subject_id)
        candidate = await resolving.candidate(
            session, caller.platform_id, kind, subject, country=country, seller_type=seller_type, at=at
        )
    attributes = attributes_of(subject, country, seller_type)
    resolved = await settled(caller.engines.experiments, caller.platform_id, candidate, attributes)
    return resolved.as_dict()


@router.get(
    "/{kind}/{policy_id}",
    operation_id="getGovernedPolicy",
    summary="One version",
    response_model=PolicyBody,
    responses=responses(*GUARDED, NotFoundError),
)
async def get_policy(access: PlatformReading, kind: KindPath, policy_id: PolicyPath) -> dict[str, Any]:
    """A version of a policy, whole."""
    found = await keeping.get_policy(access.session, kind_of(kind), access.platform_id, policy_id)
    return found.as_dict()


@router.delete(
    "/{kind}/{policy_id}",
    operation_id="discardGovernedPolicy",
    summary="Throw a draft away",
    status_code=204,
    responses=responses(*GUARDED, NotFoundError, ConflictError),
)
async def delete_policy(access: PlatformWriting, kind: KindPath, policy_id: PolicyPath) -> Response:
    """Delete a draft; what is published stays."""
    await keeping.discard_draft(access.session, kind_of(kind), access.platform_id, policy_id)
    return Response(status_code=204)


@router.post(
    "/{kind}/{policy_id}/publish",
    operation_id="publishGovernedPolicy",
    summary="Publish a draft",
    response_model=PolicyBody,
    responses=responses(*GUARDED, NotFoundError, ConflictError),
)
async def publish_policy(
    access: PlatformWriting, kind: KindPath, policy_id: PolicyPath, body: Step | None = None
) -> dict[str, Any]:
    """Publish a draft; the version before it ends where it begins. Needs an admin."""
    access.require("admin")
    published = await keeping.publish(
        access.session,
        kind_of(kind),
        access.platform_id,
        policy_id,
        user_id=access.person.user_id,
        reason=body.reason if body else None,
    )
    return published.as_dict()


@router.post(
    "/{kind}/{policy_id}/withdraw",
    operation_id="withdrawGovernedPolicy",
    summary="End a published version",
    response_model=PolicyBody,
    responses=responses(*GUARDED, NotFoundError, ConflictError),
)
async def withdraw_policy(
    access: PlatformWriting, kind: KindPath, policy_id: PolicyPath, body: Step | None = None
) -> dict[str, Any]:
    """End a version now, or before it begins; whoever is locked onto it keeps it. Needs an admin."""
    access.require("admin")
    ended = await keeping.withdraw(
        access.session, kind_of(kind), access.platform_id, policy_id, reason=body.reason if body else None
    )
    return ended.as_dict()
