"""Every SQL statement about replies on their way, automatic ones and their templates included."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_WRITE = text(
    """
    INSERT INTO mirakl.messages
        (account_id, conversation_id, sender_type, body, message_type, template_number, sending, dedupe_key,
         next_attempt_at, written_by, recipient)
    VALUES (:account_id, :conversation_id, 'technician', :body, :message_type, :template_number, 'pending', :dedupe_key,
            :at, :written_by, :recipient)
    ON CONFLICT DO NOTHING
    RETURNING id
    """
)
_OF_KEY = text(
    "SELECT id, body FROM mirakl.messages WHERE account_id = :account_id AND dedupe_key = :dedupe_key"
)
# One reply of a conversation at a time, in the order of writing; a conversation that somebody holds is left to them.
_NEXT = text(
    """
    SELECT c.id AS conversation_id, c.mirakl_thread_id, c.status, c.participants, c.automatic_replies_off,
           u.mirakl_customer_id, u.no_automatic_replies, m.id, m.body, m.message_type, m.sending, m.recipient,
           m.attempts, m.first_attempt_at, m.last_attempt_at, a.time_zone
    FROM mirakl.messages AS m
    JOIN mirakl.accounts AS a ON a.id = m.account_id
    JOIN mirakl.conversations AS c ON c.account_id = m.account_id AND c.id = m.conversation_id
    LEFT JOIN mirakl.customers AS u ON u.account_id = c.account_id AND u.id = c.customer_id
    WHERE m.account_id = :account_id AND m.sending = ANY (:sending) AND m.next_attempt_at <= :at
      AND NOT EXISTS (SELECT FROM mirakl.messages AS earlier
                      WHERE earlier.account_id = m.account_id AND earlier.conversation_id = m.conversation_id
                        AND (earlier.sending IN ('sending', 'unknown') AND (m.sending = 'pending' OR earlier.id < m.id)
                             OR earlier.sending = 'pending' AND m.sending = 'pending' AND earlier.id < m.id))
    ORDER BY m.next_attempt_at, m.id
    LIMIT 1
    FOR NO KEY UPDATE OF c SKIP LOCKED
    """
)
_TAKE = text(
    """
    UPDATE mirakl.messages
    SET sending = 'sending', attempts = attempts + 1, next_attempt_at = :until, last_attempt_at = :at,
        first_attempt_at = coalesce(first_attempt_at, :at)
    WHERE account_id = :account_id AND id = :id AND sending = 'pending'
    RETURNING id
    """
)
_TAKE_UNKNOWN = text(
    """
    UPDATE mirakl.messages SET sending = 'unknown', next_attempt_at = :until
    WHERE account_id = :account_id AND id = :id AND sending IN ('sending', 'unknown') AND next_attempt_at <= :at
    RETURNING id
    """
)
# The thread may have been read before the answer came, and the reply stored from there as somebody else's.
_FORGET_DOUBLE = text(
    """
    DELETE FROM mirakl.messages
    WHERE account_id = :account_id AND mirakl_message_id = :message_id AND id <> :id
    """
)
_SENT = text(
    """
    UPDATE mirakl.messages
    SET sending = 'sent', mirakl_message_id = :message_id, sent_at = :sent_at, next_attempt_at = NULL, error = NULL,
        confirmed_at = coalesce(confirmed_at, :confirmed_at)
    WHERE account_id = :account_id AND id = :id AND sending <> 'sent'
    RETURNING id
    """
)
_NOT_SENT = text(
    """
    UPDATE mirakl.messages SET sending = :sending, next_attempt_at = :next_attempt_at, error = :error
    WHERE account_id = :account_id AND id = :id AND sending IN ('pending', 'sending', 'unknown')
    """
)
_AGAIN = text(
    """
    UPDATE mirakl.messages
    SET sending = CASE WHEN sending <> 'failed' THEN sending WHEN first_attempt_at IS NULL THEN 'pending' ELSE 'unknown' END,
        next_attempt_at = :at
    WHERE account_id = :account_id AND id = :id AND sending IN ('failed', 'pending', 'unknown')
    RETURNING id
    """
)
_CANDIDATES = text(
    """
    SELECT id FROM mirakl.conversations
    WHERE account_id = :account_id AND status = 'unread' AND NOT automatic_replies_off
      AND last_customer_message_at BETWEEN :since AND :until
    ORDER BY id
    """
)
_LATEST = text(
    """
    SELECT id FROM mirakl.conversations
    WHERE account_id = :account_id AND status <> 'archived' AND last_customer_message_at >= :since
    ORDER BY last_customer_message_at DESC, id LIMIT :limit
    """
)
_FACTS = text(
    """
    SELECT c.id, c.mirakl_thread_id, c.subject, c.order_id, c.status, c.automatic_replies_off,
           u.id AS customer_id, u.firstname, u.lastname, u.locale, u.is_blocked, u.no_automatic_replies,
           o.mirakl_state, o.total_price, s.status AS order_status, a.marketplace,
           (SELECT l.product_title FROM mirakl.order_lines AS l
            WHERE l.account_id = c.account_id AND l.order_id = c.order_id ORDER BY l.order_line_id LIMIT 1) AS product,
           (SELECT m.body FROM mirakl.messages AS m
            WHERE m.account_id = c.account_id AND m.conversation_id = c.id AND m.sender_type = 'customer'
            ORDER BY m.sent_at DESC, m.id DESC LIMIT 1) AS last_body
    FROM mirakl.conversations AS c
    JOIN mirakl.accounts AS a ON a.id = c.account_id
    LEFT JOIN mirakl.customers AS u ON u.account_id = c.account_id AND u.id = c.customer_id
    LEFT JOIN mirakl.orders AS o ON o.account_id = c.account_id AND o.order_id = c.order_id
    LEFT JOIN mirakl.order_status AS s ON s.account_id = c.account_id AND s.order_id = c.order_id
    WHERE c.account_id = :account_id AND c.id = :conversation_id
    """
)
_TEMPLATES = text(
    """
    SELECT template_number, locale, body, is_active FROM mirakl.reply_templates WHERE account_id = :account_id
    ORDER BY template_number, locale
    """
)
_SET_TEMPLATE = text(
    """
    INSERT INTO mirakl.reply_templates AS known (account_id, template_number, locale, body, is_active)
    VALUES (:account_id, :number, :locale, :body, :is_active)
    ON CONFLICT ON CONSTRAINT uq_reply_template DO UPDATE SET body = excluded.body, is_active = excluded.is_active
    """
)


async def insert_reply(session: AsyncSession, values: Mapping[str, Any]) -> UUID | None:
    """Store a reply to be sent; None where one is stored under its key, or an automatic one of its number is."""
    found: UUID | None = (await session.execute(_WRITE, dict(values))).scalar_one_or_none()
    return found


async def select_of_key(session: AsyncSession, account_id: UUID, dedupe_key: str) -> RowMapping | None:
    """The reply that was stored under a key."""
    values = {"account_id": account_id, "dedupe_key": dedupe_key}
    return (await session.execute(_OF_KEY, values)).mappings().first()


async def select_next(
    session: AsyncSession, account_id: UUID, sending: Sequence[str], at: datetime
) -> RowMapping | None:
    """The next reply in one of some states that is due, with its conversation, which is held."""
    values = {"account_id": account_id, "sending": list(sending), "at": at}
    return (await session.execute(_NEXT, values)).mappings().first()


async def take(
    session: AsyncSession, account_id: UUID, message_id: UUID, *, at: datetime, until: datetime
) -> bool:
    """Note that a reply is being sent; False where somebody else was first."""
    values = {"account_id": account_id, "id": message_id, "at": at, "until": until}
    return (await session.execute(_TAKE, values)).first() is not None


async def take_unknown(
    session: AsyncSession, account_id: UUID, message_id: UUID, *, at: datetime, until: datetime
) -> bool:
    """Note that it is being looked up what became of a reply; False where somebody else was first."""
    values = {"account_id": account_id, "id": message_id, "at": at, "until": until}
    return (await session.execute(_TAKE_UNKNOWN, values)).first() is not None


async def record_sent(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Note that a reply reached the marketplace; False where that was noted before."""
    forgotten = {name: values[name] for name in ("account_id", "message_id", "id")}
    await session.execute(_FORGET_DOUBLE, forgotten)
    return (await session.execute(_SENT, dict(values))).first() is not None


async def record_not_sent(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Note what becomes of a reply that did not, or perhaps did not, reach the marketplace."""
    await session.execute(_NOT_SENT, dict(values))


async def send_again(session: AsyncSession, account_id: UUID, message_id: UUID, at: datetime) -> bool:
    """Have a reply that waits or has failed tried now; one that may have arrived is looked up first."""
    values = {"account_id": account_id, "id": message_id, "at": at}
    return (await session.execute(_AGAIN, values)).first() is not None


async def select_candidates(
    session: AsyncSession, account_id: UUID, *, since: datetime, until: datetime
) -> Sequence[UUID]:
    """Conversations that may get an automatic reply."""
    values = {"account_id": account_id, "since": since, "until": until}
    return (await session.execute(_CANDIDATES, values)).scalars().all()


async def select_latest(
    session: AsyncSession, account_id: UUID, *, since: datetime, limit: int
) -> Sequence[UUID]:
    """Conversations in which a customer wrote lately."""
    values = {"account_id": account_id, "since": since, "limit": limit}
    return (await session.execute(_LATEST, values)).scalars().all()


async def select_facts(session: AsyncSession, account_id: UUID, conversation_id: UUID) -> RowMapping:
    """What a conversation is decided by, but for its messages."""
    values = {"account_id": account_id, "conversation_id": conversation_id}
    return (await session.execute(_FACTS, values)).mappings().one()


async def select_templates(session: AsyncSession, account_id: UUID) -> Sequence[RowMapping]:
    """The texts of automatic replies."""
    return (await session.execute(_TEMPLATES, {"account_id": account_id})).mappings().all()


async def upsert_template(session: AsyncSession, values: Mapping[str, Any]) -> None:
    """Save a text of automatic replies."""
    await session.execute(_SET_TEMPLATE, dict(values))
