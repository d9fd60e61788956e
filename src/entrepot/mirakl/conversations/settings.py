"""How an account's messages are answered by rule: when, how often, whom not, and until when a person has to answer."""

from collections.abc import Mapping
from datetime import date, time
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.errors import InvalidInputError
from entrepot.kit.rules import Schema, compile_condition
from entrepot.mirakl.accounts.queries import update_settings
from entrepot.mirakl.conversations import queries
from entrepot.mirakl.conversations.hours import Hours

#: What a condition may ask of a conversation.
ATTRIBUTES: dict[str, Any] = {
    "conversation.subject": {"type": "string", "description": "Subject of the thread"},
    "conversation.has_order": {"type": "boolean", "description": "Whether it is about an order"},
    "message.body": {"type": "string", "description": "Text of the customer's last message"},
    "message.count": {"type": "integer", "description": "Messages of the customer in the thread"},
    "customer.locale": {"type": "string", "description": "Language of the customer"},
    "customer.is_blocked": {"type": "boolean", "description": "Whether the customer is blocked"},
    "order.status": {"type": "string", "description": "What we have done with the order"},
    "order.state": {"type": "string", "description": "State of the order on the marketplace"},
    "order.total_price": {"type": "number", "description": "What the customer pays"},
    "replies.sent": {"type": "integer", "description": "Automatic replies in the thread so far"},
}
SCHEMA = Schema(ATTRIBUTES)

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class ReplySettings(BaseModel):
    """Automatic replies of an account (`replies` of its settings)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = Field(False, description="Whether automatic replies are sent")
    after_hours: float = Field(4, ge=0, le=168, description="Hours after the customer's last message")
    not_after_hours: float = Field(
        72, ge=1, le=8760, description="Hours after which a message is too old to be answered by rule"
    )
    at_most: int = Field(2, ge=0, le=2, description="Automatic replies in a thread")
    days: tuple[Day, ...] = Field(("mon", "tue", "wed", "thu", "fri"), description="Days of business")
    opens: time = Field(time(9), description="When business begins, in the account's time zone")
    closes: time = Field(time(17), description="When it ends; 00:00 is midnight")
    closed_on: tuple[date, ...] = Field((), description="Dates on which there is none")
    condition: dict[str, Any] = Field(
        default_factory=dict, description="What has to hold of a conversation, in the rules language"
    )
    opt_out_words: tuple[str, ...] = Field(
        ("STOP", "UNSUBSCRIBE", "ARRET", "ARRÊT"),
        description="A line of a customer's message that is one of these ends automatic replies to them",
    )
    answer_within_hours: float = Field(
        24, gt=0, le=8760, description="Hours within which a person has to answer a customer"
    )

    @model_validator(mode="after")
    def _checked(self) -> "ReplySettings":
        if time(0) < self.closes <= self.opens:
            raise ValueError(f"Business ends at {self.closes:%H:%M}, before it begins at {self.opens:%H:%M}")
        if self.opens.tzinfo or self.closes.tzinfo:
            raise ValueError("Hours are local: give them without a time zone")
        if any(not word.strip() for word in self.opt_out_words):
            raise ValueError("A word that ends automatic replies is empty")
        return self

    def hours(self, zone: str) -> Hours:
        """The hours of business in a time zone (IANA)."""
        return Hours(ZoneInfo(zone), self.opens, self.closes, self.days, self.closed_on)


def parse_settings(given: Mapping[str, Any]) -> ReplySettings:
    """The settings, checked; raises InvalidInputError, also for a condition that asks for what there is not."""
    try:
        found = ReplySettings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise InvalidInputError(
            f"{place}: {said}." if place else f"{said}.", where={"path": place or "replies"}
        ) from error
    compile_condition(found.condition, SCHEMA, "condition")
    return found


async def reply_settings(session: AsyncSession, account_id: UUID) -> ReplySettings:
    """How messages are answered in an account."""
    return ReplySettings.model_validate(await queries.select_settings(session, account_id) or {})


async def set_reply_settings(
    session: AsyncSession, account_id: UUID, changes: Mapping[str, Any]
) -> ReplySettings:
    """Change some settings; the others stay. Raises InvalidInputError."""
    known = (await reply_settings(session, account_id)).model_dump(mode="json")
    found = parse_settings(known | dict(changes))
    settings = orjson.dumps(found.model_dump(mode="json")).decode()
    await update_settings(session, account_id, "replies", settings)
    return found
