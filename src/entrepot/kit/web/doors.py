"""Who makes a request, for contexts that do not keep people themselves.

People and their tokens belong to one context; the others ask at this door, which the application opens with whoever
keeps them (`app.state.doors`).
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
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


#: Puts into a request of a person what the contexts beside that of people have to say on every page.
Introduction = Callable[[Request, UUID], Awaitable[None]]
#: Counts a request of a person, and raises LimitedError when they have none left.
Charge = Callable[[Request, UUID], Awaitable[None]]


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

    async def name_users(self, users: Collection[UUID]) -> Mapping[UUID, str]:
        """The addresses of people, for pages that say who did what; who is gone is left out."""


def doors(request: Request) -> Doors:
    """The door of the application."""
    return cast(Doors, request.app.state.doors)


async def charge(request: Request, user_id: UUID) -> None:
    """Count a request of a person, where the application counts them (`app.state.charge`).

    Raises LimitedError when they have none left.
    """
    counting: Charge | None = getattr(request.app.state, "charge", None)
    if counting is not None:
        await counting(request, user_id)


async def introduce(request: Request, user_id: UUID) -> None:
    """Have the application put into the request what every page says of a person (`app.state.introduce`)."""
    introduction: Introduction | None = getattr(request.app.state, "introduce", None)
    if introduction is not None:
        await introduction(request, user_id)
