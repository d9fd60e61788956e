"""The invented marketplace over HTTP: the seller API under /api, what it is told by under /sandbox."""

import contextlib
from collections.abc import AsyncIterator, Iterator

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from entrepot.sandbox import serving as http
from entrepot.sandbox.mirakl.controls import controls
from entrepot.sandbox.mirakl.offer_operations import offer_operations
from entrepot.sandbox.mirakl.order_operations import order_operations
from entrepot.sandbox.mirakl.shop_operations import shop_operations
from entrepot.sandbox.mirakl.state import MiraklState
from entrepot.sandbox.misbehaving import Behavior
from entrepot.sandbox.operating import Desk, application, told_json


class Marketplace:
    """How Mirakl lets callers in, and how it writes errors."""

    def __init__(self, state: MiraklState) -> None:
        self.state = state

    @property
    def desk(self) -> Desk:
        """Its clock, misbehavior, limits and calls."""
        return self.state.desk

    def settle(self) -> None:
        """Let everything happen to orders that was due by now."""
        self.state.orders.settle()

    def may_enter(self, request: Request) -> bool:
        """Whether the API key is the shop's."""
        return request.headers.get("authorization", "") == self.state.api_key

    def refuse(self, status: int, message: str, code: str = "") -> Response:
        """An error, as Mirakl writes them."""
        return told_json({"status": status, "message": message}, status)

    def spoil(self, response: Response, behavior: Behavior) -> Response:
        """Every entry of the answer's list twice, or an answer that is no JSON."""
        body = bytes(response.body)
        if behavior is Behavior.GARBAGE:
            return Response(
                body[: len(body) // 2] + b"<html>", response.status_code, media_type="application/json"
            )
        if behavior is Behavior.TWICE and body:
            found = orjson.loads(body)
            for name in ("orders", "data", "offers", "order_documents"):
                if isinstance(found.get(name), list):
                    found[name] = [entry for entry in found[name] for _ in range(2)]
            return told_json(found, response.status_code)
        return response


def application_of(state: MiraklState) -> Starlette:
    """The marketplace as a web application."""
    operations = [*order_operations(state), *shop_operations(state), *offer_operations(state)]
    return application(Marketplace(state), operations, controls(state))


@contextlib.asynccontextmanager
async def serving(state: MiraklState, *, port: int = 0) -> AsyncIterator[str]:
    """Serve in this event loop, on a port that the system picks or a given one; the address: its API is at /api."""
    async with http.serving(application_of(state), http.listen(port)) as url:
        yield url


@contextlib.contextmanager
def serving_beside(state: MiraklState, *, port: int = 0) -> Iterator[str]:
    """Serve in a thread of its own, for callers that block: commands, other processes started by a test."""
    with http.serving_beside(application_of(state), http.listen(port)) as url:
        yield url
