"""What the invented marketplace is told by, and shows of itself, under /sandbox."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from entrepot.sandbox.controlling import common_controls, given_object, told_errors
from entrepot.sandbox.mirakl.generating import HARD, Mix
from entrepot.sandbox.mirakl.orders import Placed, Plan
from entrepot.sandbox.mirakl.state import MiraklState
from entrepot.sandbox.operating import Refusal, told_json


def controls(state: MiraklState) -> Sequence[Route]:
    """The routes under /sandbox."""
    own = (
        ("/sandbox/orders", "POST", _add_orders),
        ("/sandbox/orders", "GET", _show_orders),
        ("/sandbox/orders/{order_id}", "GET", _show_order),
        ("/sandbox/orders/{order_id}/cancel", "POST", _cancel),
        ("/sandbox/orders/{order_id}/refund", "POST", _refund),
        ("/sandbox/orders/{order_id}/state", "POST", _put),
        ("/sandbox/messages", "POST", _receive),
        ("/sandbox/messages", "GET", _sent),
        ("/sandbox/offers", "POST", _offer),
        ("/sandbox/pay", "POST", _pay),
    )
    routes = [
        Route(path, told_errors(partial(handler, state)), methods=[method]) for path, method, handler in own
    ]
    return [*common_controls(state.desk, state.orders.settle), *routes]


async def _add_orders(state: MiraklState, request: Request) -> Response:
    """Orders as they are given, or as many as are asked for, invented."""
    given = await given_object(request)
    if "orders" in given:
        placed = [state.place(dict(order), _plan(given.get("plan"))) for order in given["orders"]]
    else:
        count, skus = given.get("count"), given.get("skus")
        if not isinstance(count, int) or count < 0 or not isinstance(skus, list) or not skus:
            raise Refusal(400, "Give orders, or a count and the skus to order.")
        placed = state.add_orders(
            count, skus, seed=int(given.get("seed", 0)), mix=_mix(given.get("mix")), first=given.get("first")
        )
    return told_json({"order_ids": [one.order["order_id"] for one in placed]}, 201)


def _mix(given: Any) -> Mix | None:
    if given is None or given == "hard":
        return HARD if given else None
    known = {one.name for one in fields(Mix)}
    if not isinstance(given, dict) or set(given) - known:
        raise Refusal(400, f"A mix is 'hard', or shares of {', '.join(sorted(known))}.")
    return Mix(**given)


def _plan(given: Any) -> Plan | None:
    if given is None:
        return None
    known = {one.name for one in fields(Plan)}
    if not isinstance(given, dict) or set(given) - known:
        raise Refusal(400, f"A plan says {', '.join(sorted(known))}; times in seconds.")
    spans = ("cancel_after", "refund_after")
    read: dict[str, Any] = {
        name: timedelta(seconds=value) if name in spans else value for name, value in given.items()
    }
    return Plan(**read)


async def _show_orders(state: MiraklState, request: Request) -> Response:
    """Orders by state; with `each=true` what became of every one."""
    state.orders.settle()
    shown: dict[str, Any] = {"orders": len(state.orders), "states": dict(sorted(state.by_state().items()))}
    if request.query_params.get("each") == "true":
        shown["each"] = [
            {"order_id": one.order["order_id"], "state": one.state, **_history(one)}
            for one in state.orders.all()
        ]
    return told_json(shown)


async def _show_order(state: MiraklState, request: Request) -> Response:
    state.orders.settle()
    placed = state.orders.get(request.path_params["order_id"])
    return told_json({"order": placed.order, **_history(placed)})


def _history(placed: Placed) -> dict[str, Any]:
    return {
        "states": [{"at": at.isoformat(), "state": entered} for at, entered in placed.states],
        "accepts": placed.accepts,
        "trackings": placed.trackings,
        "ships": placed.ships,
        "shipping_tracking": placed.order.get("shipping_tracking"),
    }


async def _cancel(state: MiraklState, request: Request) -> Response:
    state.orders.settle()
    state.orders.cancel(request.path_params["order_id"])
    return Response(status_code=204)


async def _refund(state: MiraklState, request: Request) -> Response:
    state.orders.settle()
    given = await given_object(request)
    state.orders.refund(
        request.path_params["order_id"], given.get("order_line_id"), float(given.get("share", 1))
    )
    return Response(status_code=204)


async def _put(state: MiraklState, request: Request) -> Response:
    state.orders.settle()
    given = await given_object(request)
    if not isinstance(given.get("state"), str):
        raise Refusal(400, "Name the state.")
    state.orders.put(request.path_params["order_id"], given["state"])
    return Response(status_code=204)


async def _receive(state: MiraklState, request: Request) -> Response:
    """A message as it is given, or as many questions as are asked for, invented."""
    given = await given_object(request)
    if "count" in given:
        order_ids = given.get("order_ids") or [one.order["order_id"] for one in state.orders.all()]
        asked = state.ask(int(given["count"]), order_ids, seed=int(given.get("seed", 0)))
        return told_json({"thread_ids": [thread.thread_id for thread in asked]}, 201)
    if not isinstance(given.get("order_id"), str) or not isinstance(given.get("body"), str):
        raise Refusal(400, "A message needs order_id and body; topic, sender and thread_id may be given.")
    chosen = {name: given[name] for name in ("topic", "sender", "thread_id") if name in given}
    thread = state.inbox.receive(given["order_id"], given["body"], **chosen)
    return told_json({"thread_id": thread.thread_id, "message_id": thread.messages[-1]["id"]}, 201)


async def _sent(state: MiraklState, request: Request) -> Response:
    return told_json({"messages": state.inbox.sent})


async def _offer(state: MiraklState, request: Request) -> Response:
    given = await given_object(request)
    if not isinstance(given.get("sku"), str):
        raise Refusal(400, "An offer needs its sku; price (in cents) and quantity may be given.")
    offer = state.offers.add(
        given["sku"], price=int(given.get("price", 50_000)), quantity=int(given.get("quantity", 0))
    )
    return told_json(state.offers.shown(offer), 201)


async def _pay(state: MiraklState, request: Request) -> Response:
    state.orders.settle()
    return told_json({"paid_cents": state.ledger.pay()})
