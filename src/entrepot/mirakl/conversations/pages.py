"""Conversations as pages: those that wait, one with its messages, the reply."""

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from entrepot.kit.clock import now
from entrepot.kit.errors import ConflictError, EntrepotError, InvalidInputError, NotFoundError
from entrepot.kit.web.doors import doors
from entrepot.mirakl.accounts.access import AccountAccess, AccountVisiting
from entrepot.mirakl.conversations.outbox import LONGEST, write_reply
from entrepot.mirakl.conversations.showing import (
    NARROWED,
    list_conversations,
    mark,
    opt_out,
    show_conversation,
)
from entrepot.mirakl.today.due import left_until, urgency_of
from entrepot.mirakl.visiting import go_to, message_about, message_of, render_account

router = APIRouter(include_in_schema=False, prefix="/mirakl/{account_code}/conversations")

Text = Annotated[str, Query(max_length=50)]
ConversationId = Annotated[UUID, Path()]

#: Most conversations on the page: those to be answered first.
MOST = 200
NOTICES = {
    "reply": "The reply is stored. A worker sends it, and confirms it from the thread.",
    "read": "The conversation is read.",
    "unread": "The conversation is unread.",
    "archived": "The conversation is archived.",
    "opt-out": "The customer gets no automatic replies.",
    "opt-in": "The customer may get automatic replies again.",
}


@router.get("")
async def conversations_page(request: Request, access: AccountVisiting, only: Text = "") -> Response:
    """The conversations, those to be answered first."""
    chosen = only if only in NARROWED else ""
    found = await list_conversations(access.session, access.account_id, only=chosen or None, limit=MOST)
    at = now()
    return await render_account(
        request,
        access,
        "conversations.html",
        place="conversations",
        conversations=[
            {"one": one, "urgency": urgency_of(one.answer_by, at), "left": left_until(one.answer_by, at)}
            for one in found
        ],
        only=chosen,
        narrowed=NARROWED,
        most=MOST,
    )


@router.get("/{conversation_id}")
async def conversation_page(
    request: Request, access: AccountVisiting, conversation_id: ConversationId, done: Text = ""
) -> Response:
    """One conversation, and the field for the answer."""
    return await _conversation(request, access, conversation_id, done=done)


@router.post("/{conversation_id}/reply")
async def reply_form(request: Request, access: AccountVisiting, conversation_id: ConversationId) -> Response:
    """Store a reply; a form that is sent twice stores it once."""
    fields = await doors(request).read_form(request)
    access.require("write")
    body = fields.get("body", "").replace("\r\n", "\n").strip()
    try:
        async with access.session.begin_nested():
            await write_reply(
                access.session,
                access.account_id,
                conversation_id,
                body,
                written_by=access.person.user_id,
                dedupe_key=f"form/{fields.get('once', '')[:100] or uuid4()}",
                recipient=fields.get("to") or None,
            )
    except (ConflictError, InvalidInputError) as error:
        return await _conversation(request, access, conversation_id, error=error, draft=body)
    return go_to(access, "conversations", conversation_id, done="reply")


@router.post("/{conversation_id}/mark")
async def mark_form(request: Request, access: AccountVisiting, conversation_id: ConversationId) -> Response:
    """Set a conversation read, unread or archived."""
    fields = await doors(request).read_form(request)
    access.require("write")
    status = fields.get("status", "")
    await mark(access.session, access.account_id, str(conversation_id), status)
    if status == "archived":
        return go_to(access, "conversations")
    return go_to(access, "conversations", conversation_id, done=status)


@router.post("/{conversation_id}/opt-out")
async def opt_out_form(
    request: Request, access: AccountVisiting, conversation_id: ConversationId
) -> Response:
    """Note that the customer wants no automatic replies, or wants them again."""
    fields = await doors(request).read_form(request)
    access.require("write")
    wanted = fields.get("wanted") != "no"
    try:
        async with access.session.begin_nested():
            await opt_out(access.session, access.account_id, str(conversation_id), wanted=wanted)
    except NotFoundError as error:
        return await _conversation(request, access, conversation_id, error=error)
    return go_to(access, "conversations", conversation_id, done="opt-out" if wanted else "opt-in")


async def _conversation(
    request: Request,
    access: AccountAccess,
    conversation_id: UUID,
    *,
    done: str = "",
    error: EntrepotError | None = None,
    draft: str = "",
) -> Response:
    row, messages = await show_conversation(access.session, access.account_id, str(conversation_id))
    at = now()
    return await render_account(
        request,
        access,
        "conversation.html",
        place="conversations",
        status=error.status if error else 200,
        messages=message_about(error) if error else message_of(done, NOTICES),
        row=row,
        thread=messages,
        urgency=urgency_of(row["answer_by"], at),
        left=left_until(row["answer_by"], at),
        draft=draft,
        longest=LONGEST,
        once=uuid4(),
    )
