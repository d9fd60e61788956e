"""Requests and answers of the limits engine as the API takes and gives them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from entrepot.marketplace.limits.answers import Answer
from entrepot.marketplace.limits.documents import LONGEST_HOLD
from entrepot.marketplace.limits.modeling import MOST, UNENFORCED
from entrepot.marketplace.limits.resolving import LONGEST_ENTITY

#: Most requests that are consumed at once.
MOST_IN_A_BATCH = 1_000

EntityId = Annotated[str, Field(min_length=1, max_length=LONGEST_ENTITY)]
Amount = Annotated[int, Field(ge=1, le=MOST, strict=True)]
Seconds = Annotated[float, Field(gt=0, le=LONGEST_HOLD)]

_ANSWER: dict[str, Any] = {
    "key": "catalog.products",
    "entity_id": "seller-42",
    "amount": 1,
    "allowed": True,
    "limit": 1000000,
    "used": 51,
    "remaining": 999949,
    "warned": False,
    "enforced": True,
    "scope": '{"seller_tier":"GOLD"}',
    "at": "2026-11-21T12:00:00.000412Z",
    "reset_at": None,
    "retry_after": None,
    "id": None,
    "expires_at": None,
    "repeated": False,
}


class Asked(BaseModel):
    """Whose use of a limit, and how much of it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"entity_id": "seller-42", "context": {"seller_tier": "GOLD"}}]},
    )

    entity_id: EntityId = Field(description="Whose use is counted: a seller, a user, a key.")
    amount: Amount = Field(default=1, description="How much.")
    context: dict[str, Any] | None = Field(
        default=None, description="Attributes that decide which scope's limit holds."
    )


class Consuming(Asked):
    """A consumption."""

    request_id: UUID | None = Field(
        default=None,
        description="An id of the caller's: the same request made again within two days counts once.",
    )


class Reserving(Asked):
    """A reservation."""

    id: UUID | None = Field(
        default=None,
        description="An id of the caller's: the same request made again gives the same reservation.",
    )
    seconds: Seconds | None = Field(
        default=None, description="How long it holds; what the limit says without it."
    )


class Acquiring(Asked):
    """A lease."""

    id: UUID | None = Field(
        default=None, description="An id of the caller's: the same request made again gives the same lease."
    )
    seconds: Seconds | None = Field(
        default=None, description="How long it holds unless it is renewed; what the limit says without it."
    )


class Committing(BaseModel):
    """What is committed of a reservation."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"amount": 3}]})

    amount: Annotated[int, Field(ge=0, le=MOST, strict=True)] | None = Field(
        default=None, description="How much of it; all of it without. The rest is given back."
    )


class Renewing(BaseModel):
    """For how much longer a lease is wanted."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"seconds": 60}]})

    seconds: Seconds = Field(default=60, description="Seconds from now until it expires.")


class GivingBack(BaseModel):
    """What does not count any more."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"entity_id": "seller-42"}]})

    entity_id: EntityId = Field(description="Whose use is counted.")
    amount: Amount = Field(default=1, description="How much is gone.")


class GivenBack(BaseModel):
    """How much was given back: never more than was used."""

    given_back: int = Field(description="How much does not count any more.")


class ConsumingOne(Consuming):
    """One of several limits to consume."""

    key: str = Field(max_length=100, description="Key of the limit.")


class ConsumingMany(BaseModel):
    """Several limits to consume in one transaction."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "requests": [
                        {"key": "orders.daily", "entity_id": "seller-42"},
                        {"key": "orders.value", "entity_id": "seller-42", "amount": 12900},
                    ]
                }
            ]
        },
    )

    requests: list[ConsumingOne] = Field(
        min_length=1, max_length=MOST_IN_A_BATCH, description="What is wanted, in any order."
    )
    together: bool = Field(default=True, description="All or nothing; each for itself where it is false.")


class LimitAnswer(BaseModel):
    """Whether something may be used, and how much is left."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ANSWER]})

    key: str = Field(description="Key of the limit.")
    entity_id: str = Field(description="Whose use is counted.")
    amount: int = Field(description="How much was asked for.")
    allowed: bool = Field(description="Whether it may be used.")
    limit: int = Field(description="The limit that held.")
    used: int = Field(description="What is used now; of a token bucket what is missing in it.")
    remaining: int = Field(description="What is left now.")
    warned: bool = Field(description="Whether the soft limit is reached.")
    enforced: bool = Field(
        description="False while the limit is suspended: it is counted, and all is allowed."
    )
    scope: str | None = Field(
        description="The condition of the scope that set the limit; null for the default."
    )
    at: datetime = Field(description="When it was counted, by the database's clock.")
    reset_at: datetime | None = Field(
        description="When nothing of what is used counts any more; null for limits that never reset."
    )
    retry_after: float | None = Field(
        description="Seconds until the same would be let in, if nobody else came; null where waiting does not help."
    )
    id: UUID | None = Field(description="The reservation, the lease, or the request's own id.")
    expires_at: datetime | None = Field(description="When the reservation or lease expires.")
    repeated: bool = Field(description="Whether this id has been answered before; nothing was counted again.")


class LimitAnswers(BaseModel):
    """The answers to several requests, in their order."""

    allowed: bool = Field(description="Whether all of them were allowed.")
    taken: bool = Field(
        description="Whether anything was counted. Where it is all or nothing and one was denied, nothing was."
    )
    answers: list[LimitAnswer] = Field(description="What each was, or would have been, answered.")


class SettledAnswer(BaseModel):
    """What became of a reservation or lease."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(description="The reservation or lease.")
    key: str = Field(description="Key of the limit.")
    entity_id: str = Field(description="Whose use is counted.")
    state: Literal["HELD", "COMMITTED", "RELEASED", "EXPIRED"] = Field(description="Its state now.")
    amount: int = Field(description="How much was held.")
    settled_amount: int | None = Field(description="How much of it stays counted; null while it is held.")
    expires_at: datetime | None = Field(description="When it expires, or would have.")
    settled_at: datetime | None = Field(description="When it was committed, released, or given back.")


class Usage(BaseModel):
    """What an entity has used of a limit."""

    entity_id: str = Field(description="Whose use is counted.")
    used: int = Field(description="What is used now.")
    limit: int | None = Field(
        description="The limit that held when it last took something; null where that was not enforced."
    )
    share: float | None = Field(
        description="What is used, as a share of the limit; null for a limit of nothing, and for none."
    )
    window_start: datetime | None = Field(description="When the window began, where it is a fixed one.")
    reset_at: datetime | None = Field(description="When nothing of it counts any more.")


class UsagePage(BaseModel):
    """Entities and what they have used."""

    items: list[Usage] = Field(description="The entities.")
    next: str | None = Field(description="Cursor of the next page; null on the last one.")
    previous: str | None = Field(description="Cursor of the page before; null on the first one.")


def shown(answer: Answer) -> dict[str, Any]:
    """An answer as JSON values."""
    return {name: getattr(answer, name) for name in LimitAnswer.model_fields}


def named(values: Mapping[Any, Any]) -> dict[str, Any]:
    """The fields of a usage row, with its share of the limit."""
    limit = values["limit_value"] if values["limit_value"] != UNENFORCED else None
    return {
        "entity_id": values["entity_id"],
        "used": values["used"],
        "limit": limit,
        "share": round(values["used"] / limit, 4) if limit else None,
        "window_start": values["window_start"],
        "reset_at": values["reset_time"],
    }
