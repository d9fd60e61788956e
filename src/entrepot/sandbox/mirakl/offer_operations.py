"""Operations on offers and their stock: OF02, OF21, OF22, OF24, STO01, STO02, STO03."""

from collections.abc import Sequence
from functools import partial

import orjson
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from entrepot.sandbox.mirakl.state import MiraklState
from entrepot.sandbox.mirakl.values import number
from entrepot.sandbox.operating import Operation, Refusal, form_of, told_json


def offer_operations(state: MiraklState) -> Sequence[Operation]:
    """The operations on offers."""
    stock = "/api/offers/stock/imports"
    return (
        Operation("STO01", "POST", stock, partial(_import_stock, state)),
        Operation("STO02", "GET", f"{stock}/{{import_id}}/status", partial(_status, state)),
        Operation("STO03", "GET", f"{stock}/{{import_id}}/error_report", partial(_errors, state)),
        Operation("OF02", "GET", "/api/offers/imports/{import_id}", partial(_status, state)),
        Operation("OF21", "GET", "/api/offers", partial(_list_offers, state)),
        Operation("OF24", "POST", "/api/offers", partial(_change_offers, state)),
        Operation("OF22", "GET", "/api/offers/{offer_id:int}", partial(_offer, state)),
    )


async def _list_offers(state: MiraklState, request: Request) -> Response:
    query = request.query_params
    limit = number(query.get("max"), "max", default=10, least=1, most=100)
    offset = number(query.get("offset"), "offset", default=0, least=0, most=10**9)
    found = [one for one in state.offers.all() if query.get("sku") in (None, one.sku)]
    page = [state.offers.shown(one) for one in found[offset : offset + limit]]
    return told_json({"offers": page, "total_count": len(found)})


async def _offer(state: MiraklState, request: Request) -> Response:
    wanted = request.path_params["offer_id"]
    found = next((one for one in state.offers.all() if one.offer_id == wanted), None)
    if found is None:
        raise Refusal(404, f"Offer with identifier [{wanted}] not found.")
    return told_json(state.offers.shown(found))


async def _change_offers(state: MiraklState, request: Request) -> Response:
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"The body is not JSON: {error}") from error
    offers = body.get("offers") if isinstance(body, dict) else None
    if not isinstance(offers, list) or not all(isinstance(one, dict) for one in offers):
        raise Refusal(400, "The attribute 'offers' is required.")
    return told_json({"import_id": int(state.offers.change(offers))}, 201)


async def _import_stock(state: MiraklState, request: Request) -> Response:
    form = await form_of(request)
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise Refusal(400, "The form has no part 'file'.")
    return told_json({"import_id": state.offers.read_stock(await file.read())}, 201)


async def _status(state: MiraklState, request: Request) -> Response:
    found = dict(state.offers.status(request.path_params["import_id"]))
    found.pop("errors")
    return told_json(found)


async def _errors(state: MiraklState, request: Request) -> Response:
    found = state.offers.status(request.path_params["import_id"])
    if not found["has_error_report"]:
        raise Refusal(404, "The import has no error report.")
    lines = ['"offer-sku";"error-line";"error-message"']
    lines += [f'"{one["sku"]}";"{one["line"]}";"{one["message"]}"' for one in found["errors"]]
    return Response("\n".join(lines) + "\n", media_type="text/csv")
