"""Conversations over HTTP: found, read, answered, marked."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query

from entrepot.kit.errors import ConflictError, NotFoundError
from entrepot.kit.web.problems import GUARDED, responses
from entrepot.mirakl.accounts.access import AccountAccess, AccountReading, AccountWriting
from entrepot.mirakl.conversations.answers import ConversationList, Marking, Replying, ThreadBody
from entrepot.mirakl.conversations.outbox import write_reply
from entrepot.mirakl.conversations.showing import list_conversations, mark, show_conversation

router = APIRouter(prefix="/mirakl/{account_code}/conversations", tags=["Mirakl"])

READING = responses(*GUARDED, NotFoundError)
WRITING = responses(*GUARDED, NotFoundError, ConflictError)
ConversationId = Annotated[UUID, Path(description="Identifier of the conversation.")]


@router.get(
    "",
    operation_id="listMiraklConversations",
    summary="Conversations",
    response_model=ConversationList,
    responses=READING,
)
async def list_account_conversations(
    access: AccountReading,
    only: Annotated[
        Literal["unread", "read", "archived", "overdue", "all"] | None,
        Query(description="Only these; without it all that are not archived."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Most conversations.")] = 100,
) -> dict[str, Any]:
    """The conversations of the account, those to be answered first."""
    return {"items": await list_conversations(access.session, access.account_id, only=only, limit=limit)}


@router.get(
    "/{conversation_id}",
    operation_id="getMiraklConversation",
    summary="One conversation",
    response_model=ThreadBody,
    responses=READING,
)
async def get_conversation(access: AccountReading, conversation_id: ConversationId) -> dict[str, Any]:
    """The conversation with its messages, oldest first."""
    return await _shown(access, conversation_id)


@router.post(
    "/{conversation_id}/replies",
    operation_id="replyMiraklConversation",
    summary="Answer in a conversation",
    status_code=201,
    response_model=ThreadBody,
    responses=WRITING,
)
async def reply(access: AccountWriting, conversation_id: ConversationId, body: Replying) -> dict[str, Any]:
    """Store a reply; a worker sends it once and confirms it. No automatic reply follows it."""
    await write_reply(
        access.session,
        access.account_id,
        conversation_id,
        body.body,
        written_by=access.person.user_id,
        dedupe_key=f"api/{body.request_id}" if body.request_id else None,
        recipient=body.to,
    )
    return await _shown(access, conversation_id)


@router.post(
    "/{conversation_id}/mark",
    operation_id="markMiraklConversation",
    summary="Set a conversation read, unread or archived",
    response_model=ThreadBody,
    responses=WRITING,
)
async def mark_conversation(
    access: AccountWriting, conversation_id: ConversationId, body: Marking
) -> dict[str, Any]:
    """Set it read, unread or archived; one that the customer writes in again is unread by itself."""
    await mark(access.session, access.account_id, str(conversation_id), body.status)
    return await _shown(access, conversation_id)


async def _shown(access: AccountAccess, conversation_id: UUID) -> dict[str, Any]:
    row, messages = await show_conversation(access.session, access.account_id, str(conversation_id))
    return {**row, "thread_id": row["mirakl_thread_id"], "messages": messages}
