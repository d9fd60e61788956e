"""What every page of an account stands on: the places to go, who did what, and the values of its template."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from fastapi import Request
from starlette.responses import HTMLResponse, RedirectResponse

from entrepot.kit.errors import EntrepotError
from entrepot.kit.web.doors import doors
from entrepot.kit.web.rendering import Message, render
from entrepot.mirakl import visiting_queries as queries
from entrepot.mirakl.accounts.access import AccountAccess

SEE_OTHER = 303

#: Where the navigation leads: name, title, end of the address, and what of it is counted.
PLACES = (
    ("today", "Today", "", ""),
    ("orders", "Orders", "orders", ""),
    ("packing", "Packing", "packing", ""),
    ("stock", "Stock", "stock", ""),
    ("conversations", "Conversations", "conversations", "conversations"),
    ("failures", "Failures", "failures", "failures"),
    ("money", "Money", "money", ""),
    ("account", "Account", "account", ""),
)


@dataclass(frozen=True, slots=True)
class Place:
    """An entry below "Mirakl" in the navigation."""

    title: str
    href: str
    here: bool
    waiting: int


def address(access: AccountAccess, *parts: str | UUID, **query: str) -> str:
    """The address of a page of the account."""
    path = "/" + "/".join(quote(str(part), safe="") for part in ("mirakl", access.account.code, *parts))
    return f"{path}?{urlencode(query)}" if query else path


def go_to(access: AccountAccess, *parts: str | UUID, **query: str) -> RedirectResponse:
    """The answer to a form: the page that shows what has become of it."""
    return RedirectResponse(address(access, *parts, **query), status_code=SEE_OTHER)


def message_of(done: str, notices: Mapping[str, str]) -> tuple[Message, ...]:
    """What a redirect has the page say."""
    return (Message("ok", notices[done]),) if done in notices else ()


def message_about(error: EntrepotError) -> tuple[Message, ...]:
    """An error as a sentence at the head of the page on which it can be mended."""
    return (Message("bad", error.detail, error.hint or ""),)


async def names_of(request: Request, users: Iterable[Any]) -> dict[str, str]:
    """The addresses of people, by their ids as text; history names programs and rules in the same place."""
    known: set[UUID] = set()
    for user in users:
        try:
            known.add(user if isinstance(user, UUID) else UUID(str(user)))
        except ValueError:
            continue
    found = await doors(request).name_users(known)
    return {str(user): name for user, name in found.items()}


async def render_account(
    request: Request,
    access: AccountAccess,
    template: str,
    *,
    place: str,
    status: int = 200,
    messages: tuple[Message, ...] = (),
    **values: Any,
) -> HTMLResponse:
    """A page of the account, with what each of them needs to know."""
    waiting = await queries.select_waiting(access.session, access.account_id)
    return render(
        request,
        f"mirakl/{template}",
        status=status,
        messages=messages,
        **{
            "section": "mirakl",
            "base": address(access),
            "places": [
                Place(
                    title,
                    address(access, *([end] if end else [])),
                    name == place,
                    waiting[counted] if counted else 0,
                )
                for name, title, end, counted in PLACES
            ],
            "may_write": access.caller.may("write"),
            "may_administer": access.caller.may("admin"),
            "names": {},
            **values,
        },
    )
