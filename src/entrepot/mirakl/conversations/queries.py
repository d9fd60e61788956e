"""Every SQL statement about conversations and their messages as they are taken in and shown."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_CUSTOMER = text(
    """
    WITH made AS (
        INSERT INTO mirakl.customers (account_id, mirakl_customer_id, firstname, lastname)
        VALUES (:account_id, :customer_id, :firstname, :lastname)
        ON CONFLICT ON CONSTRAINT uq_mirakl_customer DO NOTHING RETURNING id
    )
    SELECT id FROM made
    UNION ALL
    SELECT id FROM mirakl.customers WHERE account_id = :account_id AND mirakl_customer_id = :customer_id
    LIMIT 1
    """
)
# The row is held from here to the end of the transaction: whatever is done to a conversation begins with that.
_CONVERSATION = text(
    """
    INSERT INTO mirakl.conversations AS known
        (account_id, mirakl_thread_id, customer_id, order_id, subject, participants, raw_thread_data, status)
    SELECT :account_id, :thread_id, :customer_id,
           (SELECT o.order_id FROM mirakl.orders AS o WHERE o.account_id = :account_id AND o.order_id = :order_id),
           :subject, CAST(:participants AS jsonb), CAST(:raw AS jsonb), 'read'
    ON CONFLICT ON CONSTRAINT uq_mirakl_thread DO UPDATE
    SET customer_id = coalesce(excluded.customer_id, known.customer_id),
        order_id = coalesce(excluded.order_id, known.order_id), subject = coalesce(excluded.subject, known.subject),
        participants = excluded.participants, raw_thread_data = excluded.raw_thread_data
    RETURNING id
    """
)
# Conversations about orders that were taken in after them.
_TIE_ORDERS = text(
    """
    UPDATE mirakl.conversations AS c SET order_id = o.order_id
    FROM mirakl.orders AS o
    WHERE c.account_id = :account_id AND c.order_id IS NULL AND o.account_id = c.account_id
      AND o.order_id = c.raw_thread_data #>> '{entities,0,id}'
    """
)
_KNOWN = text(
    """
    SELECT mirakl_message_id FROM mirakl.messages
    WHERE account_id = :account_id AND mirakl_message_id = ANY (:ids)
    """
)
_ON_THEIR_WAY = text(
    """
    SELECT id, body, first_attempt_at, message_type FROM mirakl.messages
    WHERE account_id = :account_id AND conversation_id = :conversation_id
      AND sending NOT IN ('sent', 'received') AND first_attempt_at IS NOT NULL
    ORDER BY first_attempt_at, id
    """
)
_MESSAGE = text(
    """
    INSERT INTO mirakl.messages
        (account_id, conversation_id, mirakl_message_id, sender_type, sender_id, body, message_type, sending, sent_at,
         confirmed_at)
    VALUES (:account_id, :conversation_id, :message_id, :sender_type, :sender_id, :body, :message_type, :sending, :at,
            :confirmed_at)
    ON CONFLICT ON CONSTRAINT uq_mirakl_message DO NOTHING
    RETURNING id
    """
)
_CONFIRM = text(
    """
    UPDATE mirakl.messages SET confirmed_at = :at
    WHERE account_id = :account_id AND conversation_id = :conversation_id AND confirmed_at IS NULL
      AND sending = 'sent' AND mirakl_message_id = ANY (:ids)
    """
)
_SUMMARY = text(
    """
    SELECT max(sent_at) AS last_message_at, max(sent_at) FILTER (WHERE sender_type = 'customer') AS last_customer_message_at,
           min(sent_at) FILTER (WHERE sender_type = 'customer' AND sent_at > greatest(
               (SELECT max(a.sent_at) FROM mirakl.messages AS a
                WHERE a.account_id = :account_id AND a.conversation_id = :conversation_id
                  AND a.sender_type = 'technician' AND a.message_type = 'manual' AND a.sending = 'sent'),
               (SELECT c.settled_until FROM mirakl.conversations AS c
                WHERE c.account_id = :account_id AND c.id = :conversation_id),
               '-infinity')) AS unanswered_since
    FROM mirakl.messages
    WHERE account_id = :account_id AND conversation_id = :conversation_id AND sending IN ('received', 'sent')
    """
)
_SET_SUMMARY = text(
    """
    UPDATE mirakl.conversations
    SET last_message_at = :last_message_at, last_customer_message_at = :last_customer_message_at,
        answer_by = :answer_by, status = coalesce(CAST(:status AS text), status),
        automatic_replies_off = automatic_replies_off OR :off
    WHERE account_id = :account_id AND id = :conversation_id
    """
)
_OPT_OUT = text(
    """
    UPDATE mirakl.customers SET no_automatic_replies = :wanted
    WHERE account_id = :account_id AND id = :customer_id AND no_automatic_replies <> :wanted
    """
)
_WITHDRAW = text(
    """
    UPDATE mirakl.messages SET sending = 'withdrawn', next_attempt_at = NULL, error = :why
    WHERE account_id = :account_id AND conversation_id = :conversation_id AND message_type = 'auto_reply'
      AND sending = 'pending' AND first_attempt_at IS NULL
    """
)
_MARK = text("SELECT threads_updated_since FROM mirakl.accounts WHERE id = :account_id")
_SET_MARK = text(
    """
    UPDATE mirakl.accounts SET threads_updated_since = greatest(threads_updated_since, CAST(:at AS timestamptz))
    WHERE id = :account_id
    """
)
_SETTINGS = text("SELECT settings -> 'replies' FROM mirakl.accounts WHERE id = :account_id")
_LIST = text(
    """
    SELECT c.id, c.mirakl_thread_id, c.subject, c.order_id, c.status, c.last_message_at, c.last_customer_message_at,
           c.answer_by, c.automatic_replies_off, u.firstname, u.lastname, u.no_automatic_replies,
           c.answer_by IS NOT NULL AND c.answer_by < :at AS is_overdue,
           (SELECT count(*) FROM mirakl.messages AS m
            WHERE m.account_id = c.account_id AND m.conversation_id = c.id AND m.sending NOT IN ('withdrawn')) AS messages,
           (SELECT count(*) FROM mirakl.messages AS m
            WHERE m.account_id = c.account_id AND m.conversation_id = c.id
              AND m.sending IN ('pending', 'sending', 'unknown')) AS on_their_way
    FROM mirakl.conversations AS c
    LEFT JOIN mirakl.customers AS u ON u.account_id = c.account_id AND u.id = c.customer_id
    WHERE c.account_id = :account_id
      AND (CAST(:only AS text) IS NULL AND c.status <> 'archived' OR CAST(:only AS text) = 'all'
           OR CAST(:only AS text) = c.status
           OR CAST(:only AS text) = 'overdue' AND c.status <> 'archived' AND c.answer_by < :at)
    ORDER BY c.answer_by NULLS LAST, c.last_message_at DESC NULLS LAST, c.id
    LIMIT :limit
    """
)
_FIND = text(
    """
    SELECT c.*, u.mirakl_customer_id, u.firstname, u.lastname, u.no_automatic_replies
    FROM mirakl.conversations AS c
    LEFT JOIN mirakl.customers AS u ON u.account_id = c.account_id AND u.id = c.customer_id
    WHERE c.account_id = :account_id AND (CAST(c.id AS text) = :key OR c.mirakl_thread_id = :key)
    """
)
_HOLD = text(
    "SELECT 1 FROM mirakl.conversations WHERE account_id = :account_id AND id = :conversation_id FOR NO KEY UPDATE"
)
_MESSAGES = text(
    """
    SELECT id, mirakl_message_id, sender_type, sender_id, body, message_type, template_number, sending, recipient,
           attempts, next_attempt_at, error, written_by, sent_at, confirmed_at, created_at
    FROM mirakl.messages
    WHERE account_id = :account_id AND conversation_id = :conversation_id
    ORDER BY coalesce(sent_at, created_at), id
    """
)
_STATUS = text(
    """
    UPDATE mirakl.conversations
    SET status = CAST(:status AS text),
        answer_by = CASE WHEN CAST(:status AS text) = 'archived' THEN NULL ELSE answer_by END,
        settled_until = CASE WHEN CAST(:status AS text) = 'archived' THEN last_message_at ELSE settled_until END
    WHERE account_id = :account_id AND id = :conversation_id
    """
)


async def _rows(session: AsyncSession, statement: Any, values: Mapping[str, Any]) -> Sequence[RowMapping]:
    return (await session.execute(statement, dict(values))).mappings().all()


async def ensure_customer(session: AsyncSession, values: Mapping[str, Any]) -> UUID | None:
    """The customer of a marketplace's identifier, added where unknown; None while another transaction adds it."""
    found: UUID | None = (await session.execute(_CUSTOMER, dict(values))).scalar_one_or_none()
    return found


async def hold_thread(session: AsyncSession, values: Mapping[str, Any]) -> UUID:
    """Add or change the conversation of a thread, and hold it until the end of the transaction."""
    found: UUID = (await session.execute(_CONVERSATION, dict(values))).scalar_one()
    return found


async def tie_orders(session: AsyncSession, account_id: UUID) -> None:
    """Tie conversations to orders that were taken in after them."""
    await session.execute(_TIE_ORDERS, {"account_id": account_id})


async def select_known(session: AsyncSession, account_id: UUID, ids: Sequence[str]) -> set[str]:
    """Those of the marketplace's message identifiers that are stored."""
    return set((await session.execute(_KNOWN, {"account_id": account_id, "ids": list(ids)})).scalars())


async def select_on_their_way(
    session: AsyncSession, account_id: UUID, conversation_id: UUID
) -> Sequence[RowMapping]:
    """Replies that may have reached the marketplace without our knowing."""
    return await _rows(session, _ON_THEIR_WAY, {"account_id": account_id, "conversation_id": conversation_id})


async def insert_message(session: AsyncSession, values: Mapping[str, Any]) -> UUID | None:
    """Store a message of the marketplace; None where it is stored already."""
    found: UUID | None = (await session.execute(_MESSAGE, dict(values))).scalar_one_or_none()
    return found


async def confirm(
    session: AsyncSession, account_id: UUID, conversation_id: UUID, ids: Sequence[str], at: datetime
) -> None:
    """Note that replies were seen in the thread."""
    values = {"account_id": account_id, "conversation_id": conversation_id, "ids": list(ids), "at": at}
    await session.execute(_CONFIRM, values)


async def select_summary(session: AsyncSession, account_id: UUID, conversation_id: UUID) -> RowMapping:
    """When somebody last wrote, when the customer did, and since when the customer waits for a person."""
    values = {"account_id": account_id, "conversation_id": conversation_id}
    return (await session.execute(_SUMMARY, values)).mappings().one()


async def update_summary(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Set what a conversation says of its messages."""
    await session.execute(_SET_SUMMARY, dict(values))


async def set_opt_out(session: AsyncSession, account_id: UUID, customer_id: UUID, *, wanted: bool) -> None:
    """Note whether a customer wants no automatic replies."""
    values = {"account_id": account_id, "customer_id": customer_id, "wanted": wanted}
    await session.execute(_OPT_OUT, values)


async def withdraw_automatic(
    session: AsyncSession, account_id: UUID, conversation_id: UUID, why: str
) -> None:
    """Withdraw automatic replies that were not tried yet."""
    values = {"account_id": account_id, "conversation_id": conversation_id, "why": why}
    await session.execute(_WITHDRAW, values)


async def select_mark(session: AsyncSession, account_id: UUID) -> datetime | None:
    """Up to where threads were taken in."""
    found: datetime | None = (await session.execute(_MARK, {"account_id": account_id})).scalar_one_or_none()
    return found


async def move_mark(session: AsyncSession, account_id: UUID, at: datetime) -> None:
    """Threads were taken in up to a moment; never back."""
    await session.execute(_SET_MARK, {"account_id": account_id, "at": at})


async def select_settings(session: AsyncSession, account_id: UUID) -> Mapping[str, Any] | None:
    """How messages are answered, as the account says."""
    found: Mapping[str, Any] | None = (
        await session.execute(_SETTINGS, {"account_id": account_id})
    ).scalar_one_or_none()
    return found


async def select_conversations(session: AsyncSession, values: Mapping[str, Any]) -> Sequence[RowMapping]:
    """Conversations, those to be answered first."""
    return await _rows(session, _LIST, values)


async def select_conversation(session: AsyncSession, account_id: UUID, key: str) -> RowMapping | None:
    """The conversation of our identifier or of the marketplace's."""
    values = {"account_id": account_id, "key": key}
    return (await session.execute(_FIND, values)).mappings().first()


async def hold_conversation(session: AsyncSession, account_id: UUID, conversation_id: UUID) -> bool:
    """Hold a conversation until the end of the transaction; False where there is none."""
    values = {"account_id": account_id, "conversation_id": conversation_id}
    return (await session.execute(_HOLD, values)).first() is not None


async def select_messages(
    session: AsyncSession, account_id: UUID, conversation_id: UUID
) -> Sequence[RowMapping]:
    """The messages of a conversation, oldest first."""
    return await _rows(session, _MESSAGES, {"account_id": account_id, "conversation_id": conversation_id})


async def update_status(session: AsyncSession, account_id: UUID, conversation_id: UUID, status: str) -> None:
    """Set a conversation unread, read or archived; an archived one is not to be answered any more."""
    values = {"account_id": account_id, "conversation_id": conversation_id, "status": status}
    await session.execute(_STATUS, values)
