"""Conversations as the API gives them, and what it takes to answer one."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class ConversationBody(BaseModel):
    """A conversation in a list."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "id": "0199f1c2-7a10-7c55-9d31-6a7be2c4c005",
                    "thread_id": "thread-1",
                    "subject": "About my order",
                    "order_id": "ORD-1005-A",
                    "customer": "Amber Millstone",
                    "status": "unread",
                    "last_message_at": "2026-11-21T10:00:00Z",
                    "answer_by": "2026-11-22T10:00:00Z",
                    "is_overdue": False,
                    "messages": 1,
                    "on_their_way": 0,
                    "wants_no_automatic_replies": False,
                }
            ]
        },
    )

    id: UUID = Field(description="Identifier of the conversation.")
    thread_id: str = Field(description="The marketplace's identifier of the thread.")
    subject: str | None = Field(description="Subject.")
    order_id: str | None = Field(description="Order that it is about.")
    customer: str | None = Field(description="Who wrote.")
    status: str = Field(description="unread, read or archived.")
    last_message_at: datetime | None = Field(description="When the last message was written.")
    answer_by: datetime | None = Field(
        description="Until when it is to be answered; null: nothing to answer."
    )
    is_overdue: bool = Field(description="Whether that has passed.")
    messages: int = Field(description="Messages in it.")
    on_their_way: int = Field(description="Replies that are not known to have been sent yet.")
    wants_no_automatic_replies: bool = Field(description="Whether none is sent here.")


class ConversationList(BaseModel):
    """Conversations."""

    items: list[ConversationBody] = Field(description="Those to be answered first.")


class MessageBody(BaseModel):
    """A message of a conversation."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="Identifier of the message.")
    mirakl_message_id: str | None = Field(description="The marketplace's identifier, once it has one.")
    sender_type: str = Field(description="customer, technician, operator or system.")
    body: str = Field(description="Text.")
    message_type: str = Field(description="manual, auto_reply or received.")
    sending: str = Field(description="received, pending, sending, sent, failed, unknown or withdrawn.")
    at: datetime = Field(description="When it was sent, or written where it was not sent yet.")
    error: str | None = Field(description="Why the last attempt to send it failed.")


class ThreadBody(BaseModel):
    """A conversation with its messages."""

    id: UUID = Field(description="Identifier of the conversation.")
    thread_id: str = Field(description="The marketplace's identifier of the thread.")
    subject: str | None = Field(description="Subject.")
    order_id: str | None = Field(description="Order that it is about.")
    status: str = Field(description="unread, read or archived.")
    answer_by: datetime | None = Field(description="Until when it is to be answered.")
    messages: list[MessageBody] = Field(description="Oldest first.")


class Replying(BaseModel):
    """A reply."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"body": "It is on its way.", "request_id": "ticket-4711"}]},
    )

    body: str = Field(min_length=1, max_length=20_000, pattern=r"\S", description="Text.")
    request_id: str | None = Field(
        default=None,
        max_length=190,
        description="Under the same one it is stored once, however often it is sent.",
    )
    to: str | None = Field(
        default=None,
        pattern="^(customer|operator)$",
        description="Who gets it; the customer, where there is one.",
    )


class Marking(BaseModel):
    """What becomes of a conversation."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"status": "read"}]})

    status: str = Field(pattern="^(unread|read|archived)$", description="unread, read or archived.")
