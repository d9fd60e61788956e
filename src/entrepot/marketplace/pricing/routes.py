"""Prices over HTTP: carts quoted, recorded quotes shown and reckoned again, rates. Writing rules is the rulebook's."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AwareDatetime

from entrepot.kit.errors import NotFoundError
from entrepot.kit.web.parameters import After, Before, Limit, answer_page
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.marketplace.platforms.access import PlatformKnown, PlatformReading, PlatformWriting
from entrepot.marketplace.pricing import rating
from entrepot.marketplace.pricing.messages import (
    DecisionOut,
    DecisionPage,
    QuoteOut,
    QuoteQuestion,
    QuoteQuestions,
    QuotesOut,
    RatePage,
    RatesIn,
    RatesSet,
    ReplayOut,
)
from entrepot.marketplace.pricing.replaying import get_decision, list_decisions, replay

router = APIRouter(tags=["Prices"])

DecisionId = Annotated[UUID, Path(description="Identifier of the decision.")]
CurrencyCode = Annotated[
    str | None, Query(pattern="^[A-Z]{3}$", description="Only those of this currency (ISO 4217).")
]


@router.post(
    "/pricing/quote",
    operation_id="quoteCart",
    summary="Quote a cart",
    response_model=QuoteOut,
    responses=responses(*GUARDED),
)
async def quote_cart(caller: PlatformKnown, body: QuoteQuestion) -> dict[str, Any]:
    """What a cart costs by the published rules, line by line to the cent, with every step. Recorded within a second."""
    answer = await caller.engines.pricing.quote(
        caller.platform_id, body.cart, record=body.record, trace_id=caller.trace_id or None
    )
    return answer.as_dict(with_trace=body.trace)


@router.post(
    "/pricing/quotes",
    operation_id="quoteCarts",
    summary="Quote several carts",
    response_model=QuotesOut,
    responses=responses(*GUARDED),
)
async def quote_carts(caller: PlatformKnown, body: QuoteQuestions) -> dict[str, Any]:
    """Quotes of several carts, by the same rules at the same moment. One that cannot be quoted refuses all."""
    answers = await caller.engines.pricing.quote_many(
        caller.platform_id, body.carts, record=body.record, trace_id=caller.trace_id or None
    )
    return {"quotes": [answer.as_dict(with_trace=body.trace) for answer in answers]}


@router.get(
    "/pricing/decisions",
    operation_id="listPricingDecisions",
    summary="The recorded quotes",
    response_model=DecisionPage,
    responses=responses(*GUARDED),
)
async def list_pricing_decisions(
    request: Request,
    response: Response,
    access: PlatformReading,
    transaction: Annotated[
        str | None, Query(max_length=100, description="Only those of this transaction.")
    ] = None,
    rule: Annotated[
        str | None, Query(max_length=100, description="Only those in which this rule matched.")
    ] = None,
    trace: Annotated[str | None, Query(max_length=64, description="Only those of this request.")] = None,
    since: Annotated[AwareDatetime | None, Query(description="Only from this moment on.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="Only before this moment.")] = None,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """A page of the recorded quotes that match every condition given, the newest first."""
    filters = {"transaction": transaction, "rule": rule, "trace": trace, "since": since, "until": until}
    page = await list_decisions(
        access.session, access.platform_id, filters, after=after, before=before, limit=limit
    )
    return answer_page(request, response, page)


@router.get(
    "/pricing/decisions/{decision_id}",
    operation_id="getPricingDecision",
    summary="One recorded quote",
    response_model=DecisionOut,
    responses=responses(*GUARDED, NotFoundError),
)
async def get_pricing_decision(access: PlatformReading, decision_id: DecisionId) -> dict[str, Any]:
    """A recorded quote with the cart, the rules that matched with their content, the rates, and every step."""
    return await get_decision(access.session, access.platform_id, decision_id)


@router.post(
    "/pricing/decisions/{decision_id}/replay",
    operation_id="replayPricingDecision",
    summary="Reckon a recorded quote again",
    response_model=ReplayOut,
    responses=responses(*GUARDED, NotFoundError),
)
async def replay_pricing_decision(access: PlatformReading, decision_id: DecisionId) -> dict[str, Any]:
    """A recorded quote reckoned again from what was kept with it, whatever the rules are now. Changes nothing."""
    return replay(await get_decision(access.session, access.platform_id, decision_id)).as_dict()


@router.get(
    "/pricing/rates",
    operation_id="listRates",
    summary="The rates between currencies",
    response_model=RatePage,
    responses=responses(*GUARDED),
)
async def list_rates(
    request: Request,
    response: Response,
    access: PlatformReading,
    from_currency: Annotated[CurrencyCode, Query(alias="from")] = None,
    to_currency: Annotated[CurrencyCode, Query(alias="to")] = None,
    after: After = None,
    before: Before = None,
    limit: Limit = 50,
) -> dict[str, Any]:
    """A page of rates, the newest first."""
    filters = {"from_currency": from_currency, "to_currency": to_currency}
    page = await rating.list_rates(
        access.session, access.platform_id, filters, after=after, before=before, limit=limit
    )
    answer = answer_page(request, response, page)
    return {**answer, "items": [{**row, "date": row["effective_date"]} for row in page.rows]}


@router.put(
    "/pricing/rates",
    operation_id="setRates",
    summary="Set rates between currencies",
    response_model=RatesSet,
    responses=responses(*GUARDED),
)
async def set_rates(access: PlatformWriting, body: RatesIn) -> dict[str, int]:
    """Write dated rates. Quotes from the next second on use them; recorded quotes keep those that they were made with."""
    access.require("admin")
    return {"changed": await rating.set_rates(access.session, access.platform_id, body.rates)}
