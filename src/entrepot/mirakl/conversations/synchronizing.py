"""Taking in threads and their messages: every message once, by the marketplace's identifier.

The mark of how far threads were taken in moves only when all pages are in, and never back. It is the marketplace's own
time, and each look reaches back behind it: a thread that changes while the pages are read moves to their beginning and
comes again with the next look.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import orjson
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.events.publishing import publish
from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.mirakl.conversations import outbox_queries, queries
from entrepot.mirakl.conversations.deciding import asks_for_no_replies
from entrepot.mirakl.conversations.settings import ReplySettings, reply_settings
from entrepot.mirakl.conversations.threads import (
    Said,
    Thread,
    UnreadableThreadError,
    read_thread,
    same_text,
)
from entrepot.mirakl.failures.inbox import fail, resolved_by_itself

#: How far each look reaches back behind the mark.
OVERLAP = timedelta(minutes=10)
#: How far back the first look reaches.
FIRST_LOOK = timedelta(days=30)
#: How far the marketplace's clock may be from ours, when a message is recognized by its time.
SKEW = timedelta(minutes=10)
PROCESS = "MessageTakingIn"


class ThreadService(Protocol):
    """What the marketplace has to offer for this; MiraklApi does."""

    def threads(self, updated_since: datetime | None = None) -> AsyncIterator[Mapping[str, Any]]:
        """Threads that changed, with their messages."""


@dataclass(slots=True)
class Synchronized:
    """What a look found: threads read, messages that are new, replies of ours that were recognized, threads set aside."""

    threads: int = 0
    received: int = 0
    recognized: int = 0
    unreadable: list[str] = field(default_factory=list)
    updated_at: datetime | None = None


async def synchronize(
    db: Database, api: ThreadService, account_id: UUID, *, full: bool = False
) -> Synchronized:
    """Take in the threads that changed since the last look, or those of the last 30 days.

    Raises ServiceError where the marketplace cannot be read to the end; what was taken in until then stays. A thread
    that cannot be read is a failure to look at and stops no other.
    """
    async with db.tenant(account_id=account_id) as session:
        mark = await queries.select_mark(session, account_id)
        settings = await reply_settings(session, account_id)
    since = now() - FIRST_LOOK if full or mark is None else mark - OVERLAP
    found = Synchronized()
    async for given in api.threads(since):
        found.threads += 1
        try:
            thread = read_thread(given)
        except UnreadableThreadError as error:
            found.unreadable.append(str(given.get("id")))
            async with db.tenant(account_id=account_id) as session:
                await _set_aside(session, account_id, given, error)
            continue
        async with db.tenant(account_id=account_id) as session:
            await take_in(session, account_id, thread, settings, found)
        if thread.updated_at is not None:
            found.updated_at = max(thread.updated_at, found.updated_at or thread.updated_at)
    async with db.tenant(account_id=account_id) as session:
        await queries.tie_orders(session, account_id)
        if found.updated_at is not None:
            # A clock that goes ahead must not make us skip what comes until then.
            await queries.move_mark(session, account_id, min(found.updated_at, now()))
    return found


async def take_in(
    session: AsyncSession,
    account_id: UUID,
    thread: Thread,
    settings: ReplySettings,
    found: Synchronized,
) -> None:
    """Store what is new in a thread, recognize replies of ours in it, and say what the conversation is now."""
    customer_id = await _customer(session, account_id, thread)
    conversation_id = await queries.hold_thread(
        session,
        {
            "account_id": account_id,
            "thread_id": thread.thread_id,
            "customer_id": customer_id,
            "order_id": thread.order_id,
            "subject": thread.subject,
            "participants": _json(list(thread.participants)),
            "raw": _json(dict(thread.raw)),
        },
    )
    ids = [one.message_id for one in thread.messages]
    known = await queries.select_known(session, account_id, ids)
    fresh = [one for one in thread.messages if one.message_id not in known]
    foreign = await recognize(session, account_id, conversation_id, fresh)
    found.recognized += len(fresh) - len(foreign)
    new = [one for one in foreign if await _store(session, account_id, conversation_id, one)]
    found.received += len(new)
    await queries.confirm(session, account_id, conversation_id, ids, now())
    off = any(one.sender_type == "technician" for one in new)
    if customer_id is not None and any(
        one.sender_type == "customer" and asks_for_no_replies(one.body, settings.opt_out_words) for one in new
    ):
        off = True
        await queries.set_opt_out(session, account_id, customer_id, wanted=True)
    if off:
        why = "A person has answered, or the customer wants no automatic replies."
        await queries.withdraw_automatic(session, account_id, conversation_id, why)
    await summarize(session, account_id, conversation_id, settings, status=_status(new), off=off)
    await resolved_by_itself(
        session, account_id, thread.thread_id, PROCESS, resolution="The thread could be read."
    )


async def recognize(
    session: AsyncSession, account_id: UUID, conversation_id: UUID, fresh: Sequence[Said]
) -> list[Said]:
    """Settle replies of ours whose answer was lost by the messages of a thread; those that are none of them.

    The caller holds the conversation. A reply is recognized by its text and by not being older than its first attempt.
    """
    waiting = list(await queries.select_on_their_way(session, account_id, conversation_id))
    foreign = []
    for one in fresh:
        match = None
        if one.sender_type == "technician":
            match = next(
                (
                    reply
                    for reply in waiting
                    if same_text(reply["body"], one.body) and one.at >= reply["first_attempt_at"] - SKEW
                ),
                None,
            )
        if match is None:
            foreign.append(one)
            continue
        waiting.remove(match)
        await note_sent(
            session, account_id, match["id"], one.message_id, one.at, automatic=_is_automatic(match)
        )
    return foreign


async def note_sent(
    session: AsyncSession,
    account_id: UUID,
    reply_id: UUID,
    message_id: str,
    at: datetime,
    *,
    automatic: bool,
    seen: bool = True,
) -> None:
    """A reply reached the marketplace; told once as an event. `seen`: it was found in the thread."""
    values = {
        "account_id": account_id,
        "id": reply_id,
        "message_id": message_id,
        "sent_at": at,
        "confirmed_at": now() if seen else None,
    }
    if await outbox_queries.record_sent(session, values):
        await publish(
            session,
            type="mirakl.message.sent",
            subject=str(reply_id),
            source="/entrepot/mirakl",
            time=at,
            data={"message_id": str(reply_id), "is_automatic": automatic},
            dedupe_key=str(reply_id),
            account_id=account_id,
        )
        await resolved_by_itself(
            session, account_id, str(reply_id), "MessageSending", resolution="The reply was sent."
        )


async def summarize(
    session: AsyncSession,
    account_id: UUID,
    conversation_id: UUID,
    settings: ReplySettings,
    *,
    status: str | None = None,
    off: bool = False,
) -> None:
    """Say of a conversation when somebody last wrote, and until when it is to be answered; the caller holds it."""
    row = await queries.select_summary(session, account_id, conversation_id)
    waits = row["unanswered_since"]
    await queries.update_summary(
        session,
        {
            "account_id": account_id,
            "conversation_id": conversation_id,
            "last_message_at": row["last_message_at"],
            "last_customer_message_at": row["last_customer_message_at"],
            "answer_by": waits and waits + timedelta(hours=settings.answer_within_hours),
            "status": status,
            "off": off,
        },
    )


async def _customer(session: AsyncSession, account_id: UUID, thread: Thread) -> UUID | None:
    if thread.customer is None or thread.customer.id is None:
        return None
    first, _, last = thread.customer.name.strip().partition(" ")
    values = {
        "account_id": account_id,
        "customer_id": thread.customer.id,
        "firstname": first[:255].replace("\0", "") or None,
        "lastname": last[:255].replace("\0", "") or None,
    }
    # Asked again it sees the customer that an order, taken in meanwhile, brought.
    return await queries.ensure_customer(session, values) or await queries.ensure_customer(session, values)


async def _store(session: AsyncSession, account_id: UUID, conversation_id: UUID, said: Said) -> bool:
    ours = said.sender_type == "technician"
    stored = await queries.insert_message(
        session,
        {
            "account_id": account_id,
            "conversation_id": conversation_id,
            "message_id": said.message_id,
            "sender_type": said.sender_type,
            "sender_id": said.sender_id,
            "body": said.body,
            # Written by somebody of ours, but not here: in the marketplace's own pages.
            "message_type": "manual" if ours else "received",
            "sending": "sent" if ours else "received",
            "at": said.at,
            "confirmed_at": now() if ours else None,
        },
    )
    if stored is None:
        return False
    await publish(
        session,
        type="mirakl.message.sent" if ours else "mirakl.message.received",
        subject=str(stored),
        source="/entrepot/mirakl",
        time=said.at,
        data={"message_id": str(stored), "sender": said.sender_type, "is_automatic": False},
        dedupe_key=str(stored),
        account_id=account_id,
    )
    return True


async def _set_aside(
    session: AsyncSession, account_id: UUID, given: Mapping[str, Any], error: UnreadableThreadError
) -> None:
    await fail(
        session,
        account_id,
        PROCESS,
        str(given.get("id") or "thread without id")[:255],
        kind="permanent",
        details=f"A thread cannot be read: {error}",
        next_step="It is read again when it changes; look at it on the marketplace.",
    )


def _status(new: Sequence[Said]) -> str | None:
    """What new messages make of a conversation: unread where somebody wrote to us last, read where we did."""
    told = [one for one in new if one.sender_type != "system"]
    if not told:
        return None
    return "read" if told[-1].sender_type == "technician" else "unread"


def _is_automatic(reply: RowMapping) -> bool:
    return bool(reply["message_type"] == "auto_reply")


def _json(value: object) -> str:
    return orjson.dumps(value).decode().replace("\\u0000", "\\u2400")
