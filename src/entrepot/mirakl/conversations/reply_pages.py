"""Automatic replies as a page: their rules and texts, what they would send now, and the switch."""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from entrepot.kit.errors import EntrepotError, InvalidInputError
from entrepot.kit.web.doors import doors
from entrepot.mirakl.accounts.access import AccountAccess, AccountVisiting
from entrepot.mirakl.conversations.automatic import list_templates, preview, save_template
from entrepot.mirakl.conversations.settings import ATTRIBUTES, reply_settings, set_reply_settings
from entrepot.mirakl.conversations.templates import VARIABLES
from entrepot.mirakl.visiting import go_to, message_about, message_of, render_account

router = APIRouter(include_in_schema=False, prefix="/mirakl/{account_code}/replies")

Text = Annotated[str, Query(max_length=50)]
MOST = 50
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NOTICES = {
    "rules": "The rules are saved.",
    "template": "The text is saved.",
    "on": "Automatic replies are switched on. The next worker sends what is due.",
    "off": "Automatic replies are switched off.",
}


@router.get("")
async def replies_page(request: Request, access: AccountVisiting, done: Text = "") -> Response:
    """What would be sent now, to whom and why; the rules and the texts."""
    return await _replies(request, access, done=done)


@router.post("/switch")
async def switch_form(request: Request, access: AccountVisiting) -> Response:
    """Switch automatic replies on or off."""
    fields = await doors(request).read_form(request)
    access.require("admin")
    wanted = fields.get("enabled") == "yes"
    await set_reply_settings(access.session, access.account_id, {"enabled": wanted})
    return go_to(access, "replies", done="on" if wanted else "off")


@router.post("/rules")
async def rules_form(request: Request, access: AccountVisiting) -> Response:
    """Save when, how often and to whom automatic replies go."""
    fields = await doors(request).read_form(request)
    access.require("admin")
    try:
        async with access.session.begin_nested():
            await set_reply_settings(access.session, access.account_id, _changes(fields))
    except InvalidInputError as error:
        return await _replies(request, access, error=error, given=fields)
    return go_to(access, "replies", done="rules")


@router.post("/templates")
async def template_form(request: Request, access: AccountVisiting) -> Response:
    """Save a text."""
    fields = await doors(request).read_form(request)
    access.require("admin")
    number = fields.get("number", "")
    try:
        async with access.session.begin_nested():
            await save_template(
                access.session,
                access.account_id,
                int(number) if number in ("1", "2") else 0,
                fields.get("body", "").replace("\r\n", "\n").strip(),
                locale=fields.get("locale", "").strip() or "en",
                is_active=fields.get("active") == "yes",
            )
    except InvalidInputError as error:
        return await _replies(request, access, error=error, given=fields)
    return go_to(access, "replies", done="template")


def _changes(fields: Mapping[str, str]) -> dict[str, Any]:
    changes: dict[str, Any] = {
        name: fields.get(name, "").strip()
        for name in ("after_hours", "not_after_hours", "at_most", "answer_within_hours", "opens", "closes")
    }
    changes["days"] = [day for day in DAYS if fields.get(f"day-{day}") == "yes"]
    for name in ("closed_on", "opt_out_words"):
        changes[name] = [part.strip() for part in fields.get(name, "").split(",") if part.strip()]
    changes["condition"] = _condition(fields.get("condition", "").strip())
    return changes


def _condition(given: str) -> dict[str, Any]:
    if not given:
        return {}
    try:
        found = orjson.loads(given)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(
            f"The condition is not JSON: {error}.", hint='It looks like {"conversation.has_order": true}.'
        ) from error
    if not isinstance(found, dict):
        raise InvalidInputError("A condition is a JSON object.")
    return found


async def _replies(
    request: Request,
    access: AccountAccess,
    *,
    done: str = "",
    error: EntrepotError | None = None,
    given: Mapping[str, str] | None = None,
) -> Response:
    session, account_id = access.session, access.account_id
    settings = await reply_settings(session, account_id)
    texts = {(one.number, one.locale): one for one in await list_templates(session, account_id)}
    return await render_account(
        request,
        access,
        "replies.html",
        place="conversations",
        status=error.status if error else 200,
        messages=message_about(error) if error else message_of(done, NOTICES),
        settings=settings,
        condition=orjson.dumps(settings.condition).decode() if settings.condition else "",
        decisions=await preview(session, account_id, access.account.time_zone, limit=MOST),
        texts=texts,
        missing=[number for number in (1, 2) if not any(key[0] == number for key in texts)],
        variables=VARIABLES,
        attributes=ATTRIBUTES,
        days=DAYS,
        given=given or {},
    )
