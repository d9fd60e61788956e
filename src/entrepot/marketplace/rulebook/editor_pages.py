"""The editor of definitions: checked while somebody types, tried before it is kept, saved as a draft."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from entrepot.kit.errors import ConflictError, EntrepotError, InvalidInputError
from entrepot.kit.web.doors import doors
from entrepot.kit.web.rendering import Message
from entrepot.marketplace.platforms.access import PlatformAccess, PlatformVisiting
from entrepot.marketplace.rulebook.editing import (
    Beside,
    Look,
    Opened,
    Tried,
    example_text,
    findings_of,
    look_over,
    open_draft,
    open_new,
    save_text,
    try_text,
    written_meanwhile,
)
from entrepot.marketplace.rulebook.pages import changes_shown
from entrepot.marketplace.rulebook.queries import AnyKind
from entrepot.marketplace.rulebook.visiting import KeyOf, KindOf, address, names_of, render_rules

router = APIRouter(include_in_schema=False)


@router.get("/platforms/{platform_code}/new/{plural}")
async def new_page(request: Request, access: PlatformVisiting, kind: KindOf) -> Response:
    """An editor with a definition to begin with."""
    access.require("write")
    opened = await open_new(access.session, kind, access.platform_id)
    return await _editor(request, access, kind, None, opened)


@router.post("/platforms/{platform_code}/new/{plural}")
async def new_form(request: Request, access: PlatformVisiting, kind: KindOf) -> Response:
    """Check, try or save a definition that is not there yet."""
    return await _answer(request, access, kind, None)


@router.get("/platforms/{platform_code}/{plural}/{key}/edit")
async def edit_page(request: Request, access: PlatformVisiting, kind: KindOf, key: KeyOf) -> Response:
    """An editor with the draft of a definition, or with what its next draft begins with."""
    access.require("write")
    opened = await open_draft(access.session, kind, access.platform_id, key)
    return await _editor(request, access, kind, key, opened)


@router.post("/platforms/{platform_code}/{plural}/{key}/edit")
async def edit_form(request: Request, access: PlatformVisiting, kind: KindOf, key: KeyOf) -> Response:
    """Check, try or save the draft of a definition."""
    return await _answer(request, access, kind, key)


async def _answer(request: Request, access: PlatformAccess, kind: AnyKind, key: str | None) -> Response:
    fields = await doors(request).read_form(request)
    access.require("write")
    # Browsers send the lines of a text with CRLF.
    text = fields.get("document", "").replace("\r\n", "\n")
    example = fields.get("example", "").replace("\r\n", "\n")
    wish = fields.get("do", "check")
    look = look_over(kind, text, key)
    if wish == "example" and look.document is not None:
        example = example_text(kind, look.document)
    opened = Opened(text, example, _identifier(fields.get("seen", "")), _number(fields))
    if wish in ("save", "save-over"):
        return await _save(request, access, kind, key, opened, look, fields)
    tried = None
    if wish == "try" and look.document is not None:
        tried = await try_text(access.session, kind, access.platform_id, look.document, example)
    if fields.get("part"):
        return render_rules(
            request, access, "_answer.html", kind=kind, look=look, tried=tried, wish=wish, example=example
        )
    return await _editor(request, access, kind, key, opened, look=look, tried=tried, wish=wish)


async def _save(
    request: Request,
    access: PlatformAccess,
    kind: AnyKind,
    key: str | None,
    opened: Opened,
    look: Look,
    fields: Mapping[str, str],
) -> Response:
    if look.document is None:
        return await _editor(request, access, kind, key, opened, look=look, wish="save", status=422)
    over = fields.get("do") == "save-over"
    seen = _identifier(fields.get("there", "")) if over else opened.seen
    try:
        # What fails half-way is undone before the page that says so is shown.
        async with access.session.begin_nested():
            version = await save_text(
                access.session,
                kind,
                access.platform_id,
                look.document,
                user_id=access.person.user_id,
                seen=seen,
            )
    except (ConflictError, InvalidInputError) as error:
        beside = await written_meanwhile(access.session, kind, access.platform_id, look.document, seen)
        problems = findings_of(error, look)
        if problems:
            look = Look(look.text, look.document, look.words, problems)
        return await _editor(
            request, access, kind, key, opened, look=look, wish="save", error=error, beside=beside
        )
    place = address(access, kind, version.key)
    return RedirectResponse(f"{place}?version={version.version}&done=saved", status_code=303)


async def _editor(
    request: Request,
    access: PlatformAccess,
    kind: AnyKind,
    key: str | None,
    opened: Opened,
    *,
    look: Look | None = None,
    tried: Tried | None = None,
    wish: str = "",
    error: EntrepotError | None = None,
    beside: Beside | None = None,
    status: int = 200,
) -> Response:
    look = look or look_over(kind, opened.text, key)
    names = await names_of(request, [beside.version.created_by] if beside else [])
    return render_rules(
        request,
        access,
        "editor.html",
        kind=kind,
        key=key,
        place=address(access, kind, key) if key else address(access, kind),
        action=address(access, kind, key, "edit") if key else f"{address(access)}/new/{kind.plural}",
        opened=opened,
        example=opened.example,
        look=look,
        tried=tried,
        wish=wish,
        beside=beside,
        changes=changes_shown(beside.changes) if beside else [],
        names=names,
        status=error.status if error else status,
        messages=_told(error, beside),
    )


def _told(error: EntrepotError | None, beside: Beside | None) -> tuple[Message, ...]:
    if error is None:
        return ()
    below = "Nothing of what you wrote is lost. Below is how it differs from what is there now."
    return (Message("bad", error.detail, below if beside else error.hint or ""),)


def _identifier(value: str) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        raise InvalidInputError("The form is not one of this page.", hint="Open the page again.") from None


def _number(fields: Mapping[str, Any]) -> int:
    value = str(fields.get("number", ""))
    return int(value) if value.isascii() and value.isdigit() and len(value) < 9 else 1
