"""Limits over HTTP: consumed, checked, held and given back, and who has used how much. Writing them is the rulebook's.

A denial is 429 with `Retry-After`, where waiting helps; the answers of several at once are 200 and say it in their bodies.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from entrepot.kit.errors import ConflictError, LimitedError, NotFoundError
from entrepot.kit.web.parameters import After, Before, Limit, answer_page
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.marketplace.limits.answers import Answer, Settled
from entrepot.marketplace.limits.engine import Wanted
from entrepot.marketplace.limits.headers import rate_limit_headers
from entrepot.marketplace.limits.refusing import refusal
from entrepot.marketplace.limits.schemas import (
    Acquiring,
    Asked,
    Committing,
    Consuming,
    ConsumingMany,
    GivenBack,
    GivingBack,
    LimitAnswer,
    LimitAnswers,
    Renewing,
    Reserving,
    SettledAnswer,
    UsagePage,
    named,
    shown,
)
from entrepot.marketplace.limits.usage import Order, list_usage
from entrepot.marketplace.platforms.access import PlatformAsking, PlatformKnown, PlatformReading

router = APIRouter(tags=["Limits"])

LimitKey = Annotated[
    str, Path(max_length=100, description="Key of the limit.", examples=["catalog.products"])
]
ReservationId = Annotated[UUID, Path(description="Identifier of the reservation.")]
LeaseId = Annotated[UUID, Path(description="Identifier of the lease.")]
DENYING = responses(*GUARDED, NotFoundError, ConflictError, LimitedError)
SETTLING = responses(*GUARDED, NotFoundError, ConflictError)


@router.post(
    "/limits/consume",
    operation_id="consumeLimits",
    summary="Consume several limits at once",
    response_model=LimitAnswers,
    responses=SETTLING,
)
async def consume_limits(response: Response, caller: PlatformAsking, body: ConsumingMany) -> dict[str, Any]:
    """Consume several limits in one transaction: all of them or none, unless `together` is false."""
    wanted = [
        Wanted(one.key, one.entity_id, one.amount, one.context, one.request_id) for one in body.requests
    ]
    found = await caller.engines.limits.consume_many(caller.platform_id, wanted, together=body.together)
    response.headers.update(rate_limit_headers(found.answers))
    return {
        "allowed": found.allowed,
        "taken": found.taken,
        "answers": [shown(answer) for answer in found.answers],
    }


@router.post(
    "/limits/reservations/{reservation_id}/commit",
    operation_id="commitReservation",
    summary="Have a reservation count",
    response_model=SettledAnswer,
    responses=SETTLING,
)
async def commit_reservation(
    caller: PlatformAsking, reservation_id: ReservationId, body: Committing | None = None
) -> Settled:
    """Have a reservation count for good, or a part of it; the rest is given back. Doing it again changes nothing."""
    amount = body.amount if body is not None else None
    return await caller.engines.limits.commit(caller.platform_id, reservation_id, amount)


@router.post(
    "/limits/reservations/{reservation_id}/release",
    operation_id="releaseReservation",
    summary="Give a reservation back",
    response_model=SettledAnswer,
    responses=SETTLING,
)
async def release_reservation(caller: PlatformAsking, reservation_id: ReservationId) -> Settled:
    """Give a reservation back. Doing it again changes nothing."""
    return await caller.engines.limits.release(caller.platform_id, reservation_id)


@router.post(
    "/limits/leases/{lease_id}/renew",
    operation_id="renewLease",
    summary="Keep a lease",
    response_model=SettledAnswer,
    responses=SETTLING,
)
async def renew_lease(caller: PlatformAsking, lease_id: LeaseId, body: Renewing | None = None) -> Settled:
    """Have a lease expire later. A lease that has expired is over: somebody else may have its place."""
    seconds = (body or Renewing()).seconds
    return await caller.engines.limits.renew(caller.platform_id, lease_id, seconds=seconds)


@router.post(
    "/limits/leases/{lease_id}/release",
    operation_id="releaseLease",
    summary="Give a lease back",
    response_model=SettledAnswer,
    responses=SETTLING,
)
async def release_lease(caller: PlatformAsking, lease_id: LeaseId) -> Settled:
    """Give the place to somebody else. Doing it again changes nothing."""
    return await caller.engines.limits.release_lease(caller.platform_id, lease_id)


@router.post(
    "/limits/{key}/consume",
    operation_id="consumeLimit",
    summary="Consume a limit",
    response_model=LimitAnswer,
    responses=DENYING,
)
async def consume_limit(
    response: Response, caller: PlatformAsking, key: LimitKey, body: Consuming
) -> dict[str, Any]:
    """Use an amount of a limit. With a `request_id` it counts once, however often it is sent."""
    return _allowed(
        response,
        await caller.engines.limits.consume(
            caller.platform_id, key, body.entity_id, body.amount, body.context, request_id=body.request_id
        ),
    )


@router.post(
    "/limits/{key}/check",
    operation_id="checkLimit",
    summary="Could a limit be consumed?",
    response_model=LimitAnswer,
    responses=responses(*GUARDED, NotFoundError),
)
async def check_limit(
    response: Response, caller: PlatformKnown, key: LimitKey, body: Asked
) -> dict[str, Any]:
    """Whether an amount could be used now, and how much is; nothing is counted. A denial is no error here."""
    answer = await caller.engines.limits.check(
        caller.platform_id, key, body.entity_id, body.amount, body.context
    )
    response.headers.update(rate_limit_headers([answer]))
    return shown(answer)


@router.post(
    "/limits/{key}/reserve",
    operation_id="reserveLimit",
    summary="Hold a part of a limit",
    response_model=LimitAnswer,
    responses=DENYING,
)
async def reserve_limit(
    response: Response, caller: PlatformAsking, key: LimitKey, body: Reserving
) -> dict[str, Any]:
    """Hold an amount until it is committed or released; what is neither comes back when it expires."""
    return _allowed(
        response,
        await caller.engines.limits.reserve(
            caller.platform_id,
            key,
            body.entity_id,
            body.amount,
            body.context,
            seconds=body.seconds,
            reservation_id=body.id,
        ),
    )


@router.post(
    "/limits/{key}/acquire",
    operation_id="acquireLimit",
    summary="Take a place of a concurrent limit",
    response_model=LimitAnswer,
    responses=DENYING,
)
async def acquire_limit(
    response: Response, caller: PlatformAsking, key: LimitKey, body: Acquiring
) -> dict[str, Any]:
    """A place among those that may run at the same time, as a lease that is renewed, released, or expires."""
    return _allowed(
        response,
        await caller.engines.limits.acquire(
            caller.platform_id,
            key,
            body.entity_id,
            body.amount,
            body.context,
            seconds=body.seconds,
            lease_id=body.id,
        ),
    )


@router.post(
    "/limits/{key}/give-back",
    operation_id="giveBackLimit",
    summary="Give back to a total limit",
    response_model=GivenBack,
    responses=responses(*GUARDED, NotFoundError),
)
async def give_back_limit(caller: PlatformAsking, key: LimitKey, body: GivingBack) -> GivenBack:
    """Say that what counted is gone. Never more is given back than was used."""
    given = await caller.engines.limits.give_back(caller.platform_id, key, body.entity_id, body.amount)
    return GivenBack(given_back=given)


@router.get(
    "/limits/{key}/usage",
    operation_id="listLimitUsage",
    summary="Who has used how much",
    response_model=UsagePage,
    responses=responses(*GUARDED, NotFoundError),
)
async def list_limit_usage(
    request: Request,
    response: Response,
    access: PlatformReading,
    key: LimitKey,
    entity: Annotated[str | None, Query(max_length=200, description="Only this entity.")] = None,
    sort: Annotated[
        Order, Query(description="Those first who have used most, or in the order of their names.")
    ] = "-used",
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """A page of the entities that have used a limit in the window that runs now."""
    limits = await access.engines.limits.limits(access.platform_id)
    page = await list_usage(
        access.session,
        access.platform_id,
        limits[key].default,
        order=sort,
        entity_id=entity,
        after=after,
        before=before,
        limit=limit,
    )
    return {**answer_page(request, response, page), "items": [named(row) for row in page.rows]}


def _allowed(response: Response, answer: Answer) -> dict[str, Any]:
    if not answer.allowed:
        raise refusal(answer)
    response.headers.update(rate_limit_headers([answer]))
    return shown(answer)
