"""Entities as the API gives them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class EventAnswer(BaseModel):
    """Something that happened to an entity."""

    event_id: UUID
    event_time: datetime
    event_type: str
    user_id: UUID | None = Field(description="User who did it or whom it concerns.")
    shop_id: UUID | None
    product_id: UUID | None
    caller_entity_id: UUID | None = Field(description="What it happened to: an order, a payment, a review …")
    session_id: UUID | None = Field(description="Visit that it belongs to.")
    quantity: int | None
    amount: Decimal | None
    event_metadata: Any = None
    origin: str


class EntityAnswer(BaseModel):
    """What an id is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0199b7c5-8e80-7a10-8c2f-51d4b2f0a9c3",
                    "type": "user_shop",
                    "created": "2025-10-06T12:00:00Z",
                    "closed": None,
                    "reopened": None,
                    "origin": "simulated",
                    "table": "shops",
                    "row": {"name": "Quiet Lamps", "status": True},
                    "events": [],
                }
            ]
        }
    )

    id: UUID
    type: str = Field(description="What the registry calls it.")
    created: datetime
    closed: datetime | None
    reopened: datetime | None
    origin: str = Field(description="simulated, or the part of the program whose event it was.")
    table: str | None = Field(description="The table that has its row; null where none has.")
    row: dict[str, Any] | None = Field(description="The row, by column.")
    events: list[EventAnswer] = Field(description="What happened to it last, the newest first.")


class HistoryEntry(BaseModel):
    """Something that happened to an entity, or was done by a user."""

    event_time: datetime
    id: UUID = Field(description="The row that tells of it.")
    table_name: str = Field(description="The table of that row.")
    what: str = Field(description="What happened.")
    entity_id: UUID | None = Field(description="What it was about.")
    user_id: UUID | None
    shop_id: UUID | None
    product_id: UUID | None
    quantity: int | None
    amount: Decimal | None
    details: Any = None


class HistoryPage(BaseModel):
    """A page of an entity's history."""

    items: list[HistoryEntry]
    next: str | None
    previous: str | None


class CreatedOnDay(BaseModel):
    """How many entities of a type came to be on a day."""

    day: date
    entity_type: str
    created: int
    simulated: int = Field(description="Of them in the simulated world.")


class CreatedAnswer(BaseModel):
    """Entities that came to be, by day and type."""

    days: list[CreatedOnDay]


class PopulationOfType(BaseModel):
    """How many entities of a type there were."""

    entity_type: str
    created: int
    closed: int
    alive: int


class PopulationAnswer(BaseModel):
    """Entities by type, at a moment."""

    at: datetime
    types: list[PopulationOfType]


class StageAnswer(BaseModel):
    """A stage of the funnel."""

    model_config = ConfigDict(from_attributes=True)

    stage: str
    users: int = Field(description="Leads that reached it.")
    in_order: int = Field(description="Leads that reached it through every stage before it.")
    share: float = Field(description="Of the leads, from 0 to 1.")
    median_seconds: float | None = Field(
        description="From signing up, in the median; null where nobody reached it."
    )


class FlowAnswer(BaseModel):
    """How many went from one to the other."""

    source: str
    target: str
    entities: int


class FunnelAnswer(BaseModel):
    """The way of those who signed up in a span."""

    stages: list[StageAnswer]
    flows: list[FlowAnswer]
