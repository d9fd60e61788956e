"""Automatic replies by rule: previewed, then stored for sending; templates saved and checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.db import Database
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import compile_condition
from entrepot.mirakl.conversations import outbox_queries, queries, templates
from entrepot.mirakl.conversations.deciding import Decision, Facts, Spoken, decide
from entrepot.mirakl.conversations.settings import SCHEMA, ReplySettings, reply_settings

#: Language of texts for customers whose own is not known.
LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Template:
    """A text of automatic replies."""

    number: int
    locale: str
    body: str
    is_active: bool


async def preview(session: AsyncSession, account_id: UUID, zone: str, *, limit: int = 100) -> list[Decision]:
    """What would be sent now if automatic replies were on, to whom and why, and why not; the latest first.

    Nothing is stored. `zone`: the account's time zone. Conversations in which a customer wrote within the time that
    is answered by rule at all.
    """
    settings = await reply_settings(session, account_id)
    since = now() - timedelta(hours=settings.not_after_hours)
    ids = await outbox_queries.select_latest(session, account_id, since=since, limit=limit)
    texts = await outbox_queries.select_templates(session, account_id)
    return [await _decide(session, account_id, one, settings, texts, zone, now()) for one in ids]


async def store_replies(db: Database, account_id: UUID, zone: str) -> list[Decision]:
    """Store the automatic replies that are due, for the outbox to send; those that were stored.

    Nothing where the account has not switched them on. Each conversation is held while it is decided upon, and the
    database takes a template once a conversation, so that it does not matter how many run this at once.
    """
    async with db.tenant(account_id=account_id) as session:
        settings = await reply_settings(session, account_id)
        if not settings.enabled:
            return []
        texts = await outbox_queries.select_templates(session, account_id)
        at = now()
        ids = await outbox_queries.select_candidates(
            session,
            account_id,
            since=at - timedelta(hours=settings.not_after_hours),
            until=at - timedelta(hours=settings.after_hours),
        )
    stored = []
    for conversation_id in ids:
        async with db.tenant(account_id=account_id) as session:
            if not await queries.hold_conversation(session, account_id, conversation_id):
                continue
            decision = await _decide(session, account_id, conversation_id, settings, texts, zone, at)
            if decision.is_due and await _store(session, account_id, decision, at):
                stored.append(decision)
    return stored


async def list_templates(session: AsyncSession, account_id: UUID) -> list[Template]:
    """The texts of automatic replies."""
    return [
        Template(row["template_number"], row["locale"], row["body"], row["is_active"])
        for row in await outbox_queries.select_templates(session, account_id)
    ]


async def save_template(
    session: AsyncSession,
    account_id: UUID,
    number: int,
    body: str,
    *,
    locale: str = LANGUAGE,
    is_active: bool = True,
) -> Template:
    """Save a text; raises InvalidInputError for a variable that there is not, a number that is none, a bad locale."""
    if number not in (1, 2):
        raise InvalidInputError(
            f"There is no template {number}.",
            hint="1 is the first automatic reply in a conversation, 2 the second.",
            where={"path": "number"},
        )
    if not (1 < len(locale) <= 20 and locale.replace("_", "").replace("-", "").isalnum()):
        raise InvalidInputError(
            f"{locale!r} is no locale.", hint="Give one such as en, fr or fr_CA.", where={"path": "locale"}
        )
    templates.check(body)
    values = {
        "account_id": account_id,
        "number": number,
        "locale": locale,
        "body": body,
        "is_active": is_active,
    }
    await outbox_queries.upsert_template(session, values)
    return Template(number, locale, body, is_active)


async def _store(session: AsyncSession, account_id: UUID, decision: Decision, at: datetime) -> bool:
    values = {
        "account_id": account_id,
        "conversation_id": decision.conversation_id,
        "body": decision.body,
        "message_type": "auto_reply",
        "template_number": decision.template_number,
        "dedupe_key": None,
        "at": at,
        "written_by": None,
        "recipient": "customer",
    }
    return await outbox_queries.insert_reply(session, values) is not None


async def _decide(
    session: AsyncSession,
    account_id: UUID,
    conversation_id: UUID,
    settings: ReplySettings,
    texts: Sequence[RowMapping],
    zone: str,
    at: datetime,
) -> Decision:
    row = await outbox_queries.select_facts(session, account_id, conversation_id)
    messages = await queries.select_messages(session, account_id, conversation_id)
    condition = compile_condition(settings.condition, SCHEMA)
    return decide(_facts(row, messages, texts), settings, settings.hours(zone), condition, at)


def _facts(row: RowMapping, messages: Sequence[RowMapping], texts: Sequence[RowMapping]) -> Facts:
    spoken = [
        Spoken(
            one["sender_type"],
            one["message_type"],
            one["sending"],
            one["sent_at"] or one["created_at"],
            one["template_number"],
        )
        for one in messages
    ]
    name = " ".join(part for part in (row["firstname"], row["lastname"]) if part) or "Customer"
    return Facts(
        conversation_id=row["id"],
        thread_id=row["mirakl_thread_id"],
        subject=row["subject"],
        customer=name if row["customer_id"] else None,
        order_id=row["order_id"],
        status=row["status"],
        is_off=row["automatic_replies_off"],
        opted_out=bool(row["no_automatic_replies"]),
        messages=spoken,
        texts=_in_language(texts, row["locale"]),
        values={
            "customer.firstname": row["firstname"],
            "customer.lastname": row["lastname"],
            "order.id": row["order_id"],
            "order.product": row["product"],
            "conversation.subject": row["subject"],
            "marketplace.name": row["marketplace"],
        },
        context=_context(row, spoken),
    )


def _context(row: RowMapping, spoken: Sequence[Spoken]) -> dict[str, object]:
    """What the account's condition is asked of; what is not known is not there."""
    found: dict[str, dict[str, object]] = {
        "conversation": {"subject": row["subject"], "has_order": row["order_id"] is not None},
        "message": {
            "body": row["last_body"],
            "count": sum(1 for one in spoken if one.sender_type == "customer"),
        },
        "customer": {"locale": row["locale"], "is_blocked": row["is_blocked"]},
        "order": {
            "status": row["order_status"],
            "state": row["mirakl_state"],
            "total_price": None if row["total_price"] is None else float(row["total_price"]),
        },
        "replies": {"sent": sum(1 for one in spoken if one.message_type == "auto_reply")},
    }
    return {
        name: {one: value for one, value in values.items() if value is not None}
        for name, values in found.items()
    }


def _in_language(texts: Sequence[RowMapping], locale: str | None) -> Mapping[int, str]:
    """The active text of each number that is nearest to a locale: fr_CA, then fr, then English."""
    wanted = [LANGUAGE]
    if locale:
        wanted = [locale.replace("-", "_"), locale.replace("-", "_").partition("_")[0], LANGUAGE]
    found: dict[int, str] = {}
    for language in wanted:
        for row in texts:
            if row["is_active"] and row["locale"].replace("-", "_").lower() == language.lower():
                found.setdefault(row["template_number"], row["body"])
    return found
