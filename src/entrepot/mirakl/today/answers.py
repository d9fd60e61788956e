"""What is due, as the API gives it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class DueCount(BaseModel):
    """How much is due, and how much of it is late."""

    total: int = Field(description="All that is due.")
    late: int = Field(description="What should have been done before now.")
    next_deadline: datetime | None = Field(description="The most urgent deadline; null where nothing is due.")


class SummaryBody(BaseModel):
    """What an account has to do now."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "at": "2026-11-21T15:00:00Z",
                    "accept": {"total": 2, "late": 1, "next_deadline": "2026-11-21T14:30:00Z"},
                    "ship": {"total": 5, "late": 0, "next_deadline": "2026-11-22T03:59:59Z"},
                    "answer": {"total": 1, "late": 0, "next_deadline": "2026-11-21T19:00:00Z"},
                    "failures": 1,
                    "shortages": 3,
                }
            ]
        }
    )

    at: datetime = Field(description="When this was so.")
    accept: DueCount = Field(description="Orders to accept.")
    ship: DueCount = Field(description="Orders to ship.")
    answer: DueCount = Field(description="Conversations to answer.")
    failures: int = Field(description="Open failures.")
    shortages: int = Field(description="Components to order.")


class DueOrder(BaseModel):
    """An order with a deadline."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "order_id": "ORD-1001-A",
                    "deadline": "2026-11-21T14:30:00Z",
                    "urgency": "late",
                    "status": "waiting_for_person",
                    "mirakl_state": "WAITING_ACCEPTANCE",
                    "to_do": "Accept or refuse",
                    "needs_person": True,
                }
            ]
        }
    )

    order_id: str = Field(description="The marketplace's identifier.")
    deadline: datetime | None = Field(description="Until when it has to be done; null where it is not told.")
    urgency: Literal["late", "soon", "later", "open"] = Field(
        description="`soon` is within four hours; `open` has no deadline."
    )
    status: str = Field(description="Where the order is with us.")
    mirakl_state: str = Field(description="Its state on the marketplace.")
    to_do: str = Field(description="What is to be done with it.")
    needs_person: bool = Field(description="Whether a person has to do it.")


class DueOrders(BaseModel):
    """The most urgent orders."""

    items: list[DueOrder] = Field(description="The most urgent first.")
    total: int = Field(description="How many there are in all.")
    late: int = Field(description="How many of them are late.")
