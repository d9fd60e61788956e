"""Parcels, labels and packing as the API gives and takes them."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

_PARCEL: dict[str, Any] = {
    "shipment_id": "0199f1c2-7a10-7c55-9d31-6a7be2c4c004",
    "order_id": "ORD-1003-A",
    "parcel_number": 1,
    "state": "labelled",
    "carrier": "canada-post",
    "service_code": "DOM.EP",
    "carrier_reference": "ORD-1003-A",
    "tracking_pin": "1234567890123456",
    "weight_kg": "1.800",
    "price": "14.2000",
    "bought_at": "2026-11-21T13:00:00Z",
    "label_checked_at": "2026-11-21T13:00:02Z",
    "printed_at": None,
    "prints": 0,
    "packed_at": None,
    "delivery_state": None,
    "delivered_at": None,
}


class ParcelBody(BaseModel):
    """A parcel, from the intent to buy its label to delivery."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PARCEL]})

    shipment_id: UUID = Field(description="Identifier of the parcel.")
    order_id: str = Field(description="Order that it belongs to.")
    parcel_number: int = Field(description="1 for the first of the order.")
    state: str = Field(
        description="planned, buying, bought, labelled, void, refund_requested, refunded or failed."
    )
    carrier: str = Field(description="Who carries it.")
    service_code: str = Field(description="Service that was bought.")
    carrier_reference: str = Field(description="Our reference on the label.")
    tracking_pin: str | None = Field(description="Tracking number.")
    weight_kg: Decimal = Field(description="Weight in kilograms.")
    price: Decimal | None = Field(description="What the label cost.")
    bought_at: datetime | None = Field(description="When it was bought.")
    label_checked_at: datetime | None = Field(
        description="When name, postal code and number on it were found right."
    )
    printed_at: datetime | None = Field(description="When it was first printed.")
    prints: int = Field(description="How often it was printed.")
    packed_at: datetime | None = Field(description="When everything was in it.")
    delivery_state: str | None = Field(description="What the carrier last said.")
    delivered_at: datetime | None = Field(description="When it was delivered.")


class ParcelList(BaseModel):
    """Parcels."""

    items: list[ParcelBody] = Field(description="Newest first.")


class PackedComponent(BaseModel):
    """A component of a parcel."""

    model_config = ConfigDict(from_attributes=True)

    component_id: UUID = Field(description="The component.")
    name: str = Field(description="Its name.")
    type: str = Field(description="RAM, SSD, BASE …")
    barcode: str | None = Field(description="What the scanner reads.")
    needed: int = Field(description="Units that belong in the parcel.")
    scanned: int = Field(description="Units that were scanned.")


class PackingBody(BaseModel):
    """Where the packing of a parcel is."""

    model_config = ConfigDict(from_attributes=True)

    shipment_id: UUID = Field(description="The parcel.")
    order_id: str = Field(description="Its order.")
    parcel_number: int = Field(description="1 for the first of the order.")
    tracking_pin: str | None = Field(description="What the label's barcode says.")
    components: list[PackedComponent] = Field(description="What belongs in it.")
    complete: bool = Field(description="Whether every component is in.")
    finished: bool = Field(description="Whether it is packed: everything is in, and its label was scanned.")
    next_step: str = Field(description="What is to be done now, in words.")


class ScanBody(BaseModel):
    """What a scanned barcode was."""

    model_config = ConfigDict(from_attributes=True)

    outcome: str = Field(
        description="component, label, already, not_needed, unknown, wrong_label or too_early."
    )
    good: bool = Field(description="Whether it brought the parcel on.")
    words: str = Field(description="The same in words.")
    packing: PackingBody = Field(description="Where the packing is then.")


class Scanning(BaseModel):
    """A barcode that was read."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"barcode": "RAM-16"}]})

    barcode: str = Field(min_length=1, max_length=200, description="What the scanner read.")


class PrintingMany(BaseModel):
    """Labels to print together."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"shipment_ids": ["0199f1c2-7a10-7c55-9d31-6a7be2c4c004"]}]},
    )

    shipment_ids: list[UUID] = Field(
        min_length=1, max_length=100, description="The parcels, in the order of the pages."
    )


class TakingBack(BaseModel):
    """A label taken back."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"again": True}]})

    again: bool = Field(default=False, description="Whether another one is bought in its place.")
