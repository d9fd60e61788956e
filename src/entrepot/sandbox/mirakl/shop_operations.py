"""Operations on threads and on the shop's account: M10, M11, M12, TL02, A01."""

import base64
from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from entrepot.sandbox.mirakl.state import MiraklState
from entrepot.sandbox.mirakl.values import moment, number
from entrepot.sandbox.operating import Operation, Refusal, form_of, told_json

_DATES = ("date_created_from", "date_created_to", "last_updated_from")


def shop_operations(state: MiraklState) -> Sequence[Operation]:
    """The operations on threads and on the shop's account."""
    threads = "/api/inbox/threads"
    return (
        Operation("A01", "GET", "/api/account", partial(_account, state)),
        Operation("M11", "GET", threads, partial(_list_threads, state)),
        Operation("M10", "GET", f"{threads}/{{thread_id}}", partial(_thread, state)),
        Operation("M12", "POST", f"{threads}/{{thread_id}}/message", partial(_reply, state)),
        Operation("TL02", "GET", "/api/sellerpayment/transactions_logs", partial(_transactions, state)),
    )


async def _account(state: MiraklState, request: Request) -> Response:
    shop = {"shop_id": state.shop_id, "shop_state": "OPEN", "currency_iso_code": state.ledger.currency}
    return told_json({**shop, "orders_count": len(state.orders), "offers_count": len(state.offers)})


async def _list_threads(state: MiraklState, request: Request) -> Response:
    query = request.query_params
    limit = number(query.get("limit"), "limit", default=50, least=1, most=100)
    ids = [one for value in query.getlist("entity_id") for one in value.split(",") if one]
    if ids and not query.get("entity_type"):
        raise Refusal(400, "The parameter 'entity_type' is required where 'entity_id' is given.")
    since = moment(query["updated_since"], "updated_since") if query.get("updated_since") else None
    found = state.inbox.find(since=since, entity_type=query.get("entity_type"), order_ids=ids)
    page, pages = _seek(found, query.get("page_token"), limit)
    with_messages = query.get("with_messages") == "true"
    return told_json({"data": [state.inbox.shown(one, with_messages=with_messages) for one in page], **pages})


async def _thread(state: MiraklState, request: Request) -> Response:
    thread = state.inbox.get(request.path_params["thread_id"])
    return told_json(state.inbox.shown(thread, with_messages=True))


async def _reply(state: MiraklState, request: Request) -> Response:
    thread_id = request.path_params["thread_id"]
    form = await form_of(request)
    given = form.get("message_input")
    if isinstance(given, UploadFile):
        given = (await given.read()).decode("utf-8", "replace")
    if given is None:
        raise Refusal(400, "The form has no part 'message_input'.")
    try:
        message = orjson.loads(given)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"The part 'message_input' is not JSON: {error}") from error
    if (
        not isinstance(message, dict)
        or not isinstance(message.get("body"), str)
        or not message["body"].strip()
    ):
        raise Refusal(400, "The attribute 'message_input.body' is required.")
    to = message.get("to")
    if not isinstance(to, list) or not to or not all(isinstance(one, dict) for one in to):
        raise Refusal(400, "The attribute 'message_input.to' is required: who the message is for.")
    topic = message.get("topic")
    files = [one for one in form.getlist("files") if isinstance(one, UploadFile)]
    message_id = state.inbox.reply(
        thread_id,
        message["body"],
        to,
        topic=topic if isinstance(topic, dict) and topic.get("value") else None,
        attachments=[(one.filename or "file", one.size or 0) for one in files],
    )
    return told_json({"message_id": message_id, "thread_id": thread_id}, 201)


async def _transactions(state: MiraklState, request: Request) -> Response:
    query = request.query_params
    limit = number(query.get("limit"), "limit", default=100, least=1, most=2_000)
    wanted = {name: moment(query[name], name) for name in _DATES if query.get(name)}
    found = state.ledger.page(
        wanted,
        tuple(query.getlist("transaction_type")),
        tuple(query.getlist("payment_state")),
        query.get("order_id"),
    )
    page, pages = _seek(found, query.get("page_token"), limit)
    return told_json({"data": page, **pages})


def _seek(found: Sequence[Any], token: str | None, limit: int) -> tuple[Sequence[Any], dict[str, str]]:
    """The page that a token names, and the tokens of the pages before and after it, where there are any."""
    start = 0
    if token:
        try:
            start = int(base64.urlsafe_b64decode(token).removeprefix(b"seek "))
        except ValueError as error:
            raise Refusal(400, "The parameter 'page_token' is none that was given.") from error
    pages = {}
    if start + limit < len(found):
        pages["next_page_token"] = _token(start + limit)
    if start > 0:
        pages["previous_page_token"] = _token(max(0, start - limit))
    return found[start : start + limit], pages


def _token(start: int) -> str:
    return base64.urlsafe_b64encode(b"seek %d" % start).decode()
