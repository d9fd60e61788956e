"""The invented carrier over HTTP: Canada Post's web services, and what it is told by under /sandbox."""

import base64
import binascii
import contextlib
from collections.abc import AsyncIterator, Iterator

from defusedxml import ElementTree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from entrepot.sandbox import serving as http
from entrepot.sandbox.canadapost.controls import controls
from entrepot.sandbox.canadapost.documents import answer, messages
from entrepot.sandbox.canadapost.labels import Label, draw
from entrepot.sandbox.canadapost.operations import operations
from entrepot.sandbox.canadapost.shipments import CanadaPostState
from entrepot.sandbox.misbehaving import Behavior
from entrepot.sandbox.operating import Desk, application

_SOMEBODY_ELSE = Label(
    service="Expedited Parcel",
    sender=("Another shop", "1 Kettle Street", "Toronto ON", "M5V0A0"),
    recipient=("Somebody Else", "2 Lantern Close", "Winnipeg MB"),
    postal_code="R3C0A0",
    pin="7023219999999990",
    reference="OTHER",
    weight="1.000",
)


class Carrier:
    """How Canada Post lets callers in, and how it writes errors."""

    def __init__(self, state: CanadaPostState) -> None:
        self.state = state

    @property
    def desk(self) -> Desk:
        """Its clock, misbehavior, limits and calls."""
        return self.state.desk

    def settle(self) -> None:
        """Nothing waits: where a parcel is follows from the clock."""

    def may_enter(self, request: Request) -> bool:
        """Whether name and password are the customer's (HTTP Basic)."""
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return False
        try:
            said = base64.b64decode(given, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return said == f"{self.state.username}:{self.state.password}"

    def refuse(self, status: int, message: str, code: str = "") -> Response:
        """An error, as the carrier writes them."""
        known = {401: ("E002", "AAA Authentication Failure"), 429: ("Server", "Rejected by SLM Monitor")}
        return messages([known.get(status, (code or "Server", message))], status)

    def spoil(self, response: Response, behavior: Behavior) -> Response:
        """Every link, parcel or event twice; an answer that is no XML; a label of somebody else, or none."""
        body = bytes(response.body)
        is_label = response.media_type == "application/pdf"
        if behavior is Behavior.GARBAGE:
            return Response(body[: len(body) // 2], response.status_code, media_type=response.media_type)
        if behavior is Behavior.WRONG_LABEL and is_label:
            if len(body) % 2:
                return Response(draw(_SOMEBODY_ELSE), media_type="application/pdf")
            return Response(
                b"<html><body>Your label is not here.</body></html>", media_type="application/pdf"
            )
        if behavior is Behavior.TWICE and body and not is_label:
            root = ElementTree.fromstring(body)
            for parent in [root, *root.iter()]:
                name = parent.tag.rpartition("}")[2]
                if name in ("shipments", "tracking-summary", "significant-events"):
                    parent[:] = [child for child in parent for _ in range(2)]
                    break
            return answer(root, response.media_type or "application/xml", response.status_code)
        return response


def application_of(state: CanadaPostState) -> Starlette:
    """The carrier as a web application."""
    return application(Carrier(state), operations(state), controls(state))


@contextlib.asynccontextmanager
async def serving(state: CanadaPostState, *, port: int = 0) -> AsyncIterator[str]:
    """Serve in this event loop, on a port that the system picks or a given one; the address."""
    listener = http.listen(port)
    state.url = http.address(listener)
    async with http.serving(application_of(state), listener) as url:
        yield url


@contextlib.contextmanager
def serving_beside(state: CanadaPostState, *, port: int = 0) -> Iterator[str]:
    """Serve in a thread of its own, for callers that block: commands, other processes started by a test."""
    listener = http.listen(port)
    state.url = http.address(listener)
    with http.serving_beside(application_of(state), listener) as url:
        yield url
