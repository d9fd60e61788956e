"""Orders as the API gives them, and what it takes to answer one."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

_SUMMARY: dict[str, Any] = {
    "order_id": "ORD-1001-A",
    "commercial_id": "ORD-1001",
    "status": "waiting_for_person",
    "mirakl_state": "WAITING_ACCEPTANCE",
    "total_price": "649.9900",
    "currency_code": "CAD",
    "units": 1,
    "tracking_pin": None,
    "order_created_at": "2026-11-21T12:00:00Z",
    "acceptance_deadline": "2026-11-22T12:00:00Z",
    "shipping_deadline": None,
}


class OrderSummary(BaseModel):
    """An order in a list."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SUMMARY]})

    order_id: str = Field(description="The marketplace's identifier.")
    commercial_id: str | None = Field(description="What the customer bought at once.")
    status: str | None = Field(description="Where it is with us; null where nothing was done with it.")
    mirakl_state: str = Field(description="Its state on the marketplace when last read.")
    total_price: Decimal = Field(description="What the customer pays, tax excluded.")
    currency_code: str = Field(description="Currency, ISO 4217.")
    units: int = Field(description="Units of all lines.")
    tracking_pin: str | None = Field(description="Tracking number of its first parcel.")
    order_created_at: datetime = Field(description="When it was ordered.")
    acceptance_deadline: datetime | None = Field(description="Until when it has to be accepted.")
    shipping_deadline: datetime | None = Field(description="Until when it has to be shipped.")


class OrderPage(BaseModel):
    """A page of orders."""

    items: list[OrderSummary] = Field(description="Newest first.")
    next: str | None = Field(description="Cursor of the next page.")
    previous: str | None = Field(description="Cursor of the page before.")


class ComponentOfLine(BaseModel):
    """A component that a line is built from."""

    component_id: UUID = Field(description="The component.")
    name: str = Field(description="Its name.")
    type: str = Field(description="RAM, SSD, BASE …")
    needed: int = Field(description="Units that the line takes.")
    reserved: int = Field(description="Units reserved for it.")
    used: int = Field(description="Units taken out of the house for it.")
    free: int = Field(description="Units that are free now.")


class LineBody(BaseModel):
    """A line of an order."""

    order_line_id: str = Field(description="The marketplace's identifier.")
    sku: str | None = Field(description="Shop SKU that was ordered.")
    product_title: str | None = Field(description="What the customer saw.")
    internal_sku: str | None = Field(
        description="What is built for it; null while the listing maps to nothing."
    )
    quantity: int = Field(description="Units.")
    price: Decimal = Field(description="Price of the units.")
    commission: Decimal | None = Field(description="What the marketplace keeps of it.")
    line_state: str | None = Field(description="Its state on the marketplace.")
    decision: str | None = Field(description="accept or refuse, once it is decided.")
    components: list[ComponentOfLine] = Field(description="What it is built from.")


class StepBody(BaseModel):
    """A step of an order's history."""

    step: int = Field(description="1 for the first.")
    status: str = Field(description="Status from then on.")
    actor_type: str = Field(description="rule, person, marketplace, carrier or worker.")
    actor: str | None = Field(description="Which of them.")
    notes: str | None = Field(description="Why.")
    timestamp: datetime = Field(description="When.")


class ParcelOfOrder(BaseModel):
    """A parcel of an order."""

    shipment_id: UUID = Field(description="The parcel.")
    parcel_number: int = Field(description="1 for the first.")
    state: str = Field(description="planned, buying, bought, labelled, void …")
    carrier: str = Field(description="Who carries it.")
    tracking_pin: str | None = Field(description="Tracking number.")
    price: Decimal | None = Field(description="What the label cost.")
    prints: int = Field(description="How often the label was printed.")
    packed_at: datetime | None = Field(description="When everything was in it.")
    delivery_state: str | None = Field(description="What the carrier last said.")
    delivered_at: datetime | None = Field(description="When it was delivered.")


class OrderBody(BaseModel):
    """An order with its lines, its history and its parcels."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **{
                        name: value
                        for name, value in _SUMMARY.items()
                        if name not in ("units", "tracking_pin")
                    },
                    "total_commission": "52.0000",
                    "shipping_address": None,
                    "next_attempt_at": None,
                    "can_be_answered": True,
                    "lines": [],
                    "history": [
                        {
                            "step": 1,
                            "status": "pending_acceptance",
                            "actor_type": "marketplace",
                            "actor": "WAITING_ACCEPTANCE",
                            "notes": "Taken in.",
                            "timestamp": "2026-11-21T12:05:00Z",
                        }
                    ],
                    "parcels": [],
                }
            ]
        }
    )

    order_id: str = Field(description="The marketplace's identifier.")
    commercial_id: str | None = Field(description="What the customer bought at once.")
    status: str | None = Field(description="Where it is with us.")
    mirakl_state: str = Field(description="Its state on the marketplace when last read.")
    total_price: Decimal = Field(description="What the customer pays, tax excluded.")
    total_commission: Decimal | None = Field(description="What the marketplace keeps.")
    currency_code: str = Field(description="Currency, ISO 4217.")
    shipping_address: dict[str, Any] | None = Field(description="Where it goes; null until it is told.")
    order_created_at: datetime = Field(description="When it was ordered.")
    acceptance_deadline: datetime | None = Field(description="Until when it has to be accepted.")
    shipping_deadline: datetime | None = Field(description="Until when it has to be shipped.")
    next_attempt_at: datetime | None = Field(description="When the next step is due; null: nothing to do.")
    can_be_answered: bool = Field(description="Whether it can be accepted or refused now.")
    lines: list[LineBody] = Field(description="Its lines.")
    history: list[StepBody] = Field(description="What was done with it, oldest first.")
    parcels: list[ParcelOfOrder] = Field(description="Its parcels.")


class Accepting(BaseModel):
    """An order accepted by a person."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "Stock arrives tomorrow."}]}
    )

    reason: str | None = Field(default=None, max_length=1000, description="Why; kept in the history.")
    except_lines: list[str] = Field(
        default_factory=list, max_length=1000, description="Lines that are refused; the others are accepted."
    )


class Refusing(BaseModel):
    """An order refused by a person."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "The address cannot be shipped to."}]}
    )

    reason: str = Field(min_length=1, max_length=1000, pattern=r"\S", description="Why; kept in the history.")
