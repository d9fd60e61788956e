"""Conversations as a person works through them: what is unread, what is overdue, one with its messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.errors import InvalidInputError, NotFoundError
from entrepot.mirakl.conversations import queries
from entrepot.mirakl.conversations.settings import reply_settings
from entrepot.mirakl.conversations.synchronizing import summarize
from entrepot.mirakl.values import CONVERSATION_STATUSES

#: What a list can be narrowed to; without one: all that is not archived.
NARROWED = (*CONVERSATION_STATUSES, "overdue", "all")


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation in a list; `on_their_way`: replies that are not known to have been sent yet."""

    id: UUID
    thread_id: str
    subject: str | None
    order_id: str | None
    customer: str | None
    status: str
    last_message_at: datetime | None
    answer_by: datetime | None
    is_overdue: bool
    messages: int
    on_their_way: int
    wants_no_automatic_replies: bool


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a conversation."""

    id: UUID
    mirakl_message_id: str | None
    sender_type: str
    body: str
    message_type: str
    sending: str
    recipient: str | None
    at: datetime
    confirmed_at: datetime | None
    next_attempt_at: datetime | None
    error: str | None


async def list_conversations(
    session: AsyncSession, account_id: UUID, *, only: str | None = None, limit: int = 100
) -> list[Conversation]:
    """Conversations, those to be answered first; raises InvalidInputError for what they cannot be narrowed to."""
    if only is not None and only not in NARROWED:
        raise InvalidInputError(
            f"Conversations cannot be narrowed to {only!r}.",
            hint=f"They can to {', '.join(NARROWED)}.",
            where={"path": "only"},
        )
    values = {"account_id": account_id, "only": only, "at": now(), "limit": limit}
    rows = await queries.select_conversations(session, values)
    return [
        Conversation(
            row["id"],
            row["mirakl_thread_id"],
            row["subject"],
            row["order_id"],
            _name(row),
            row["status"],
            row["last_message_at"],
            row["answer_by"],
            row["is_overdue"],
            row["messages"],
            row["on_their_way"],
            bool(row["no_automatic_replies"]) or row["automatic_replies_off"],
        )
        for row in rows
    ]


async def show_conversation(
    session: AsyncSession, account_id: UUID, key: str
) -> tuple[RowMapping, Sequence[Message]]:
    """A conversation, by our identifier or the marketplace's, and its messages; raises NotFoundError."""
    found = await _find(session, account_id, key)
    rows = await queries.select_messages(session, account_id, found["id"])
    return found, [
        Message(
            row["id"],
            row["mirakl_message_id"],
            row["sender_type"],
            row["body"],
            row["message_type"],
            row["sending"],
            row["recipient"],
            row["sent_at"] or row["created_at"],
            row["confirmed_at"],
            row["next_attempt_at"],
            row["error"],
        )
        for row in rows
    ]


async def mark(session: AsyncSession, account_id: UUID, key: str, status: str) -> None:
    """Set a conversation unread, read or archived; one that the customer writes in again is unread by itself.

    Raises NotFoundError, InvalidInputError.
    """
    if status not in CONVERSATION_STATUSES:
        raise InvalidInputError(
            f"A conversation is {', '.join(CONVERSATION_STATUSES)}, not {status!r}.", where={"path": "status"}
        )
    found = await _find(session, account_id, key)
    await queries.hold_conversation(session, account_id, found["id"])
    if status != "archived":
        await summarize(session, account_id, found["id"], await reply_settings(session, account_id))
    await queries.update_status(session, account_id, found["id"], status)


async def opt_out(session: AsyncSession, account_id: UUID, key: str, *, wanted: bool = True) -> None:
    """Note that the customer of a conversation wants no automatic replies, or wants them again; raises NotFoundError."""
    found = await _find(session, account_id, key)
    if found["customer_id"] is None:
        raise NotFoundError("There is no customer in this thread.")
    await queries.set_opt_out(session, account_id, found["customer_id"], wanted=wanted)


async def _find(session: AsyncSession, account_id: UUID, key: str) -> RowMapping:
    found = await queries.select_conversation(session, account_id, key)
    if found is None:
        raise NotFoundError(
            f"There is no conversation {key!r}.",
            hint="`entrepot mirakl messages list` shows them; `messages sync` takes them in.",
        )
    return found


def _name(row: RowMapping) -> str | None:
    return " ".join(part for part in (row["firstname"], row["lastname"]) if part) or None
