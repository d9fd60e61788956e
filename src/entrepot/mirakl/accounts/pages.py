"""The accounts of a person as a page, what every other page says of them, and the settings of one."""

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from entrepot.kit.clock import now
from entrepot.kit.web.doors import doors
from entrepot.kit.web.rendering import render
from entrepot.kit.web.requests import database
from entrepot.mirakl.accounts import page_queries
from entrepot.mirakl.accounts.access import AccountVisiting
from entrepot.mirakl.accounts.accounts import list_carriers, memberships
from entrepot.mirakl.scheduling.queries import select_work
from entrepot.mirakl.visiting import names_of, render_account

router = APIRouter(include_in_schema=False)

#: Over how long the calls to outside services are counted.
SPAN = timedelta(days=7)


@router.get("/mirakl")
async def accounts_page(request: Request) -> Response:
    """The accounts that somebody works in; whoever works in one goes on to it."""
    person = await doors(request).admit(request)
    async with database(request).system() as session:
        held = await memberships(session, person.user_id)
    if len(held) == 1:
        return RedirectResponse(f"/mirakl/{held[0].code}", status_code=303)
    return render(request, "mirakl/accounts.html", section="mirakl", held=held, email=person.email)


async def introduce(request: Request, user_id: UUID) -> None:
    """Put a person's accounts into the request: the navigation leads to them."""
    async with database(request).system() as session:
        request.state.accounts = tuple(await memberships(session, user_id))


@router.get("/mirakl/{account_code}/account")
async def account_page(request: Request, access: AccountVisiting) -> Response:
    """What is known of the marketplace, up to where it was read, its carriers and who works here."""
    session, account_id = access.session, access.account_id
    members = await page_queries.select_members(session, account_id)
    return await render_account(
        request,
        access,
        "account.html",
        place="account",
        carriers=await list_carriers(session, account_id),
        members=members,
        services=await page_queries.select_services(session, account_id, now() - SPAN),
        days=SPAN.days,
        works=await select_work(session, account_id),
        names=await names_of(request, (row["user_id"] for row in members)),
    )
