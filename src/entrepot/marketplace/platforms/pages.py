"""The platforms of a person as a page, and what every other page says of them."""

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from entrepot.kit.web.doors import doors
from entrepot.kit.web.rendering import render
from entrepot.kit.web.requests import database
from entrepot.marketplace.platforms.platforms import memberships

router = APIRouter(include_in_schema=False)


@router.get("/platforms")
async def platforms_page(request: Request) -> Response:
    """The platforms that somebody works on; whoever works on one goes on to it."""
    person = await doors(request).admit(request)
    async with database(request).system() as session:
        held = await memberships(session, person.user_id)
    if len(held) == 1:
        return RedirectResponse(f"/platforms/{held[0].code}", status_code=303)
    return render(request, "rules/platforms.html", section="rules", held=held, email=person.email)


async def introduce(request: Request, user_id: UUID) -> None:
    """Put a person's platforms into the request: the navigation leads to them."""
    async with database(request).system() as session:
        request.state.platforms = tuple(await memberships(session, user_id))
