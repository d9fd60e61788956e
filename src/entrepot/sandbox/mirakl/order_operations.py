"""Operations on orders and their documents: OR11, OR21, OR23, OR24, OR28, OR29, OR72, OR73, OR74."""

import mimetypes
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import orjson
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from entrepot.sandbox.mirakl.orders import Placed
from entrepot.sandbox.mirakl.state import Document, MiraklState
from entrepot.sandbox.mirakl.values import figure, lines_of, moment, number
from entrepot.sandbox.moving import told
from entrepot.sandbox.operating import Operation, Refusal, form_of, told_json

#: States in which the shop may see where an order goes, where the marketplace hides it before.
_HIDDEN = ("STAGING", "WAITING_ACCEPTANCE", "WAITING_DEBIT", "WAITING_DEBIT_PAYMENT", "REFUSED")
_MOST_IDS = 100


def order_operations(state: MiraklState) -> Sequence[Operation]:
    """The operations on orders."""
    at = "/api/orders"
    return (
        Operation("OR72", "GET", f"{at}/documents", partial(_list_documents, state)),
        Operation("OR73", "GET", f"{at}/documents/download", partial(_download, state)),
        Operation("OR11", "GET", at, partial(_list_orders, state)),
        Operation("OR21", "PUT", f"{at}/{{order_id}}/accept", partial(_accept, state)),
        Operation("OR23", "PUT", f"{at}/{{order_id}}/tracking", partial(_track, state)),
        Operation("OR24", "PUT", f"{at}/{{order_id}}/ship", partial(_ship, state)),
        Operation("OR29", "PUT", f"{at}/{{order_id}}/cancel", partial(_cancel, state)),
        Operation("OR28", "PUT", f"{at}/refund", partial(_refund, state)),
        Operation("OR74", "POST", f"{at}/{{order_id}}/documents", partial(_upload, state)),
    )


async def _list_orders(state: MiraklState, request: Request) -> Response:
    query = request.query_params
    limit = number(query.get("max"), "max", default=10, least=1, most=100)
    offset = number(query.get("offset"), "offset", default=0, least=0, most=10**9)
    sort, direction = query.get("sort", "dateCreated"), query.get("order", "asc")
    if sort != "dateCreated" or direction not in ("asc", "desc"):
        raise Refusal(400, f"Orders are sorted by dateCreated, asc or desc, not by {sort} {direction}.")
    wanted = _listed(query.get("order_ids"))
    if len(wanted) > _MOST_IDS:
        raise Refusal(400, f"At most {_MOST_IDS} order_ids can be asked for at once.")
    found = list(state.orders.find(dict.fromkeys(wanted)) if wanted else state.orders.all())
    states = frozenset(_listed(query.get("order_state_codes")))
    if states:
        found = [one for one in found if one.state in states]
    if debited := query.get("customer_debited"):
        paid = debited == "true"
        found = [one for one in found if (one.order.get("customer_debited_date") is not None) is paid]
    for name in ("order_reference_for_customer", "order_reference_for_seller"):
        if references := _listed(query.get(name.replace("reference", "references"))):
            found = [one for one in found if (one.order.get("references") or {}).get(name) in references]
    for name, chosen in (
        ("created", ("start_date", "end_date")),
        ("updated", ("start_update_date", "end_update_date")),
    ):
        since, until = (_moment(query.get(one), one) for one in chosen)
        if since is not None:
            found = [one for one in found if getattr(one, name) >= since]
        if until is not None:
            found = [one for one in found if getattr(one, name) <= until]
    found.sort(key=lambda one: (one.created, one.order["order_id"]), reverse=direction == "desc")
    page = [_shown(state, one) for one in found[offset : offset + limit]]
    response = told_json({"orders": page, "total_count": len(found)})
    if links := _links(request, offset, limit, len(found)):
        response.headers["link"] = links
    return response


def _shown(state: MiraklState, placed: Placed) -> dict[str, Any]:
    if state.addresses_before_acceptance or placed.state not in _HIDDEN:
        return placed.order
    customer = placed.order.get("customer")
    if not isinstance(customer, dict):
        return placed.order
    return {**placed.order, "customer": {**customer, "shipping_address": None, "billing_address": None}}


def _links(request: Request, offset: int, limit: int, total: int) -> str:
    """The pages before and after, as a Link header (RFC 8288)."""
    found = []
    if offset > 0:
        found.append((max(0, offset - limit), "previous"))
    if offset + limit < total:
        found.append((offset + limit, "next"))
    url = request.url
    return ", ".join(f'<{url.include_query_params(offset=at, max=limit)}>; rel="{rel}"' for at, rel in found)


async def _accept(state: MiraklState, request: Request) -> Response:
    body = await _object(request)
    lines = body.get("order_lines")
    if not isinstance(lines, list) or not lines:
        raise Refusal(400, "The attribute 'order_lines' is required.")
    answers: dict[str, bool] = {}
    for line in lines:
        if not isinstance(line, dict) or not isinstance(line.get("id"), str):
            raise Refusal(400, "The attribute 'order_lines.id' is required.")
        if not isinstance(line.get("accepted"), bool):
            raise Refusal(400, "The attribute 'order_lines.accepted' is required, true or false.")
        answers[line["id"]] = line["accepted"]
    state.orders.accept(request.path_params["order_id"], answers)
    return Response(status_code=204)


async def _track(state: MiraklState, request: Request) -> Response:
    body = await _object(request)
    for name in ("carrier_code", "carrier_name", "carrier_url", "tracking_number"):
        if body.get(name) is not None and not isinstance(body[name], str):
            raise Refusal(400, f"The attribute '{name}' has to be a text.")
    if not body.get("carrier_code") and not body.get("carrier_name"):
        raise Refusal(
            400,
            "The attribute 'carrier_code' is required; for a carrier that is not registered, 'carrier_name'.",
        )
    state.orders.track(request.path_params["order_id"], body)
    return Response(status_code=204)


async def _ship(state: MiraklState, request: Request) -> Response:
    state.orders.ship(request.path_params["order_id"])
    return Response(status_code=204)


async def _cancel(state: MiraklState, request: Request) -> Response:
    state.orders.cancel(request.path_params["order_id"])
    return Response(status_code=204)


async def _refund(state: MiraklState, request: Request) -> Response:
    body = await _object(request)
    refunds = body.get("refunds")
    if not isinstance(refunds, list) or not refunds:
        raise Refusal(400, "The attribute 'refunds' is required.")
    made = []
    for one in refunds:
        line_id = one.get("order_line_id") if isinstance(one, dict) else None
        value = one.get("amount") if isinstance(one, dict) else None
        found = next(
            (
                (placed, line)
                for placed in state.orders.all()
                for line in lines_of(placed.order)
                if line.get("order_line_id") == line_id
            ),
            None,
        )
        if found is None or not isinstance(line_id, str):
            raise Refusal(404, f"Order line [{line_id}] not found.")
        placed, line = found
        price = figure(line, "price")
        if not isinstance(value, int | float) or not 0 < value <= price:
            raise Refusal(400, f"The amount of a refund is above 0 and at most {price}.")
        state.orders.refund(placed.order["order_id"], line_id, value / price)
        made.append({**one, "refund_id": line["refunds"][-1]["id"]})
    return told_json({"refunds": made, "order_tax_mode": "TAX_EXCLUDED"})


async def _list_documents(state: MiraklState, request: Request) -> Response:
    wanted = set(_listed(request.query_params.get("order_ids")))
    if not wanted:
        raise Refusal(400, "The parameter 'order_ids' is required.")
    found = [_document(one) for one in state.documents.values() if one.order_id in wanted]
    return told_json({"order_documents": found, "total_count": len(found)})


async def _download(state: MiraklState, request: Request) -> Response:
    wanted = {int(one) for one in _listed(request.query_params.get("document_ids")) if one.isdigit()}
    orders = set(_listed(request.query_params.get("order_ids")))
    found = [one for one in state.documents.values() if one.document_id in wanted or one.order_id in orders]
    if not found:
        raise Refusal(404, "None of these documents exists.")
    # Of several documents the marketplace makes an archive; nobody here asks for more than one.
    kind = mimetypes.guess_type(found[0].file_name)[0] or "application/octet-stream"
    named = {"content-disposition": f'attachment; filename="{found[0].file_name}"'}
    return Response(found[0].content, media_type=kind, headers=named)


async def _upload(state: MiraklState, request: Request) -> Response:
    order_id = request.path_params["order_id"]
    state.orders.get(order_id)
    form = await form_of(request)
    files = [one for one in form.getlist("files") if isinstance(one, UploadFile)]
    if not files:
        raise Refusal(400, "The form has no part 'files'.")
    types = _document_types(form.get("order_documents"))
    for file in files:
        content = await file.read()
        name = file.filename or "document"
        document_id = len(state.documents) + 1
        kind = types.get(name, "CUSTOMER_INVOICE")
        state.documents[document_id] = Document(document_id, order_id, kind, name, content, state.clock())
    return told_json({"errors_count": 0, "order_documents": []})


def _document_types(given: object) -> dict[str, str]:
    if not isinstance(given, str):
        return {}
    try:
        found = orjson.loads(given)["order_documents"]
        return {one["file_name"]: one["type_code"] for one in found}
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise Refusal(400, "The part 'order_documents' is not the JSON of documents.") from error


def _document(document: Document) -> dict[str, Any]:
    return {
        "id": document.document_id,
        "order_id": document.order_id,
        "type": document.type_code,
        "file_name": document.file_name,
        "file_size": len(document.content),
        "date_uploaded": told(document.uploaded),
    }


async def _object(request: Request) -> dict[str, Any]:
    try:
        found = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"The body is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise Refusal(400, "The body has to be an object.")
    return found


def _listed(text: str | None) -> list[str]:
    return [one.strip() for one in (text or "").split(",") if one.strip()]


def _moment(text: str | None, name: str) -> datetime | None:
    return moment(text, name) if text else None
