"""What every page about rules stands on: the kind that its address names, who did what, and the values of its template."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Path, Request
from starlette.responses import HTMLResponse

from entrepot.kit.web.doors import doors
from entrepot.kit.web.rendering import Message, render
from entrepot.marketplace.platforms.access import PlatformAccess
from entrepot.marketplace.rulebook.authoring import Version, live_of
from entrepot.marketplace.rulebook.queries import AnyKind
from entrepot.marketplace.rulebook.registry import kind_of, kinds

#: What the last things that a kind decided are called.
DECIDED = {"policy": "Decisions", "experiment": "Exposures", "price": "Quotes", "limit": "Holds"}
#: The pages that only one kind has: end of the address, and title.
OWN = {"policy": ("what-if", "What if"), "experiment": ("results", "Results"), "limit": ("usage", "Usage")}

#: What a redirect may have the next page say.
NOTICES = {
    "saved": "The draft is saved. It decides nothing until it is published.",
    "discarded": "The draft is discarded.",
    "submit": "Handed in for review.",
    "reject": "Taken back to draft.",
    "approve": "Approved. It decides nothing until it is published.",
    "publish": "Published. Every process that asks it knows within a second.",
    "activate": "Activated. Every process that asks it knows within a second.",
    "start": "Started. Every process that asks it knows within a second.",
    "suspend": "Suspended.",
    "deactivate": "Deactivated.",
    "pause": "Paused.",
    "resume": "Resumed.",
    "reactivate": "Reactivated.",
    "deprecate": "Ended.",
    "complete": "Completed.",
    "roll-back": "Rolled back: the earlier content is published as a new version.",
}


def _kind(plural: Annotated[str, Path(max_length=50)]) -> AnyKind:
    return kind_of(plural)


#: The kind that the address names; NotFoundError for one that there is not.
KindOf = Annotated[AnyKind, Depends(_kind)]
KeyOf = Annotated[str, Path(max_length=100)]


def address(access: PlatformAccess, kind: AnyKind | None = None, key: str | None = None, *more: str) -> str:
    """The address of a platform's page: of the platform itself, of a kind, of a definition, of a part of it."""
    parts = ["platforms", access.platform.code]
    parts += [kind.plural] if kind else []
    parts += [key] if key is not None else []
    return "/" + "/".join(quote(part, safe="") for part in (*parts, *more))


def messages_of(done: str) -> tuple[Message, ...]:
    """What a redirect has the page say."""
    return (Message("ok", NOTICES[done]),) if done in NOTICES else ()


async def names_of(request: Request, users: Iterable[UUID | None]) -> dict[UUID, str]:
    """The addresses of people, by their ids."""
    return dict(await doors(request).name_users({user for user in users if user is not None}))


def render_rules(
    request: Request,
    access: PlatformAccess,
    template: str,
    *,
    kind: AnyKind | None = None,
    status: int = 200,
    messages: tuple[Message, ...] = (),
    **values: Any,
) -> HTMLResponse:
    """A page about rules, with what each of them needs to know."""
    return render(
        request,
        f"rules/{template}",
        status=status,
        messages=messages,
        **{
            "section": "rules",
            "base": address(access),
            "kinds": kinds(),
            "kind": kind,
            "may_write": access.caller.may("write"),
            "may_publish": access.caller.may("admin"),
            "names": {},
            **values,
        },
    )


def head_of(access: PlatformAccess, kind: AnyKind, versions: Sequence[Version], tab: str) -> dict[str, Any]:
    """What the head of each page of one definition shows: its state, what waits, and the pages beside this one."""
    key = versions[0].key
    live = live_of(kind, list(versions))
    newest = versions[0]
    tabs = [("", "Definition"), ("versions", "Versions"), ("decided", DECIDED[kind.name])]
    if kind.name in OWN:
        tabs.append(OWN[kind.name])
    return {
        "key": key,
        "place": address(access, kind, key),
        "live": live,
        "newest": newest,
        "waits": newest.state in kind.machine.waiting,
        "editable": newest.state not in kind.machine.waiting or newest.state == "DRAFT",
        "tabs": [
            (address(access, kind, key, *([end] if end else [])), title, end == tab) for end, title in tabs
        ],
    }
