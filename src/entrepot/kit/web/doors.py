"""Who makes a request, for contexts that do not keep people themselves.

People and their tokens belong to one context; the others ask at this door, which the application opens with whoever
keeps them (`app.state.doors`).
"""

from collections.abc import Mapping
from typing import Protocol, cast
from uuid import UUID

from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.requests import Request

from entrepot.kit.people import Person

COOKIE = "entrepot_session"
BEARER = HTTPBearer(
    scheme_name="token",
    description="An API token: `Authorization: Bearer ent_…`.",
    bearerFormat="ent_…",
    auto_error=False,
)
SESSION_COOKIE = APIKeyCookie(
    name=COOKIE, scheme_name="session", description="The cookie that signing in sets.", auto_error=False
)


class Doors(Protocol):
    """What the keeper of people offers to the other contexts."""

    async def identify(self, request: Request) -> Person:
        """Who calls the API; raises UnauthenticatedError for an unknown caller, ForbiddenError for a forged one."""

    async def admit(self, request: Request) -> Person:
        """Who asks for a page; what every page shows about them is put into the request."""

    async def read_form(self, request: Request) -> Mapping[str, str]:
        """The text fields of a form that was sent from a page of the person's own session; else ForbiddenError."""

    async def find_user(self, email: str) -> UUID:
        """The person with an address; raises NotFoundError where there is none."""


def doors(request: Request) -> Doors:
    """The door of the application."""
    return cast(Doors, request.app.state.doors)
