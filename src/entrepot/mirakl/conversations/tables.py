"""Threads, their messages, the outbox of replies, templates of automatic ones."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import (
    Audit,
    Base,
    Touch,
    created_at,
    key,
    one_of,
    table_args,
    timestamp,
    updated_at,
)
from entrepot.mirakl.columns import ACCOUNT_ROWS, SCHEMA, account_id, account_reference
from entrepot.mirakl.values import CONVERSATION_STATUSES, MESSAGE_TYPES, RECIPIENTS, SENDERS, SENDING


class Conversation(Base):
    """A thread with a customer or the operator, about an order or none."""

    __tablename__ = "conversations"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        Touch(),
        one_of("status", *CONVERSATION_STATUSES),
        account_reference("customer_id", "customers"),
        account_reference("order_id", "orders", target_columns="order_id", ondelete="SET NULL"),
        UniqueConstraint("account_id", "id", name="uq_conversation_id"),
        UniqueConstraint("account_id", "mirakl_thread_id", name="uq_mirakl_thread"),
        Index("idx_conversation_order", "account_id", "order_id"),
        Index("idx_conversation_status", "account_id", "status", "last_message_at"),
    )

    id: Mapped[UUID] = key("Conversation")
    account_id: Mapped[UUID] = account_id()
    mirakl_thread_id: Mapped[str] = mapped_column(String(255), comment="The marketplace's identifier")
    customer_id: Mapped[UUID | None] = mapped_column(
        Uuid, comment="Customer; null for a thread with the operator alone"
    )
    order_id: Mapped[str | None] = mapped_column(String(255), comment="Order that it is about")
    subject: Mapped[str | None] = mapped_column(Text, comment="Subject")
    status: Mapped[str] = mapped_column(
        String(50), server_default=text("'unread'"), comment="/".join(CONVERSATION_STATUSES)
    )
    participants: Mapped[list[Any]] = mapped_column(
        JSONB, server_default=text("'[]'"), comment="Who can be written to"
    )
    last_message_at: Mapped[datetime | None] = timestamp("When the last message was written, by whomever")
    last_customer_message_at: Mapped[datetime | None] = timestamp("When the customer last wrote")
    answer_by: Mapped[datetime | None] = timestamp("Until when it is to be answered; null: nothing to answer")
    settled_until: Mapped[datetime | None] = timestamp(
        "Up to where it needs no answer: when it was archived; what is written later does"
    )
    automatic_replies_off: Mapped[bool] = mapped_column(
        Boolean,
        server_default=text("false"),
        comment="Whether none is sent here: a person has answered or opted out",
    )
    raw_thread_data: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB, comment="The thread as the API gave it"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class Message(Base):
    """A message received, or a reply on its way: stored, sent, confirmed."""

    __tablename__ = "messages"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        Touch(),
        one_of("sender_type", *SENDERS),
        one_of("message_type", *MESSAGE_TYPES),
        one_of("sending", *SENDING),
        one_of("recipient", *RECIPIENTS),
        CheckConstraint("(sending = 'sent') <= (mirakl_message_id IS NOT NULL)", name="sent"),
        CheckConstraint("(message_type = 'auto_reply') = (template_number IS NOT NULL)", name="auto_reply"),
        account_reference("conversation_id", "conversations", ondelete="CASCADE"),
        UniqueConstraint("account_id", "mirakl_message_id", name="uq_mirakl_message"),
        # However many workers look at a conversation, a template is sent in it once.
        UniqueConstraint("account_id", "conversation_id", "template_number", name="uq_message_template"),
        UniqueConstraint("account_id", "dedupe_key", name="uq_message_dedupe"),
        Index("idx_message_conversation", "account_id", "conversation_id", "sent_at"),
        Index(
            "idx_message_outbox",
            "next_attempt_at",
            postgresql_where=text("sending IN ('pending', 'sending', 'unknown')"),
        ),
    )

    id: Mapped[UUID] = key("Message")
    account_id: Mapped[UUID] = account_id()
    conversation_id: Mapped[UUID] = mapped_column(Uuid, comment="Conversation")
    mirakl_message_id: Mapped[str | None] = mapped_column(
        String(255), comment="The marketplace's identifier, once it has one"
    )
    sender_type: Mapped[str] = mapped_column(String(50), comment="/".join(SENDERS))
    sender_id: Mapped[str | None] = mapped_column(String(255), comment="Which of them")
    body: Mapped[str] = mapped_column(Text, comment="Text")
    message_type: Mapped[str] = mapped_column(
        String(50), server_default=text("'manual'"), comment="/".join(MESSAGE_TYPES)
    )
    template_number: Mapped[int | None] = mapped_column(SmallInteger, comment="Which automatic reply: 1 or 2")
    sending: Mapped[str] = mapped_column(String(20), comment="/".join(SENDING))
    dedupe_key: Mapped[str | None] = mapped_column(
        String(200), comment="Key under which a reply is taken once only"
    )
    recipient: Mapped[str | None] = mapped_column(
        String(20), comment="Whom a reply is for: customer or operator; null for what was received"
    )
    attempts: Mapped[int] = mapped_column(Integer, server_default=text("0"), comment="Attempts to send it")
    first_attempt_at: Mapped[datetime | None] = timestamp("When it was first tried to be sent")
    last_attempt_at: Mapped[datetime | None] = timestamp("When it was last tried to be sent")
    next_attempt_at: Mapped[datetime | None] = timestamp("When it may be tried again")
    error: Mapped[str | None] = mapped_column(Text, comment="Why the last attempt failed")
    written_by: Mapped[UUID | None] = mapped_column(
        Uuid, comment="Person of ours who wrote it (pim.staff_users)"
    )
    sent_at: Mapped[datetime | None] = timestamp("When it was sent")
    confirmed_at: Mapped[datetime | None] = timestamp("When a reply was seen in the marketplace's thread")
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()


class ReplyTemplate(Base):
    """A text for automatic replies, with variables."""

    __tablename__ = "reply_templates"
    __table_args__ = table_args(
        SCHEMA,
        __doc__,
        ACCOUNT_ROWS,
        Touch(),
        Audit(),
        CheckConstraint("template_number BETWEEN 1 AND 2", name="template_number"),
        UniqueConstraint("account_id", "template_number", "locale", name="uq_reply_template"),
    )

    id: Mapped[UUID] = key()
    account_id: Mapped[UUID] = account_id()
    template_number: Mapped[int] = mapped_column(
        SmallInteger, comment="1: acknowledgement, 2: direct contact"
    )
    locale: Mapped[str] = mapped_column(
        String(20), server_default=text("'en'"), comment="Language of the text"
    )
    body: Mapped[str] = mapped_column(
        Text, comment="Text; {{customer.firstname}}, {{order.id}} and the like are filled in"
    )
    is_active: Mapped[bool] = mapped_column(
        Boolean, server_default=text("false"), comment="Whether it is sent"
    )
    created_at: Mapped[datetime] = created_at()
    updated_at: Mapped[datetime] = updated_at()
