"""Stock as the API gives and takes it."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class ComponentBody(BaseModel):
    """A component and what is there of it."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "component_id": "0199f1c2-7a10-7c55-9d31-6a7be2c4c003",
                    "name": "Memory 16 GB",
                    "type": "RAM",
                    "barcode": "RAM-16",
                    "on_hand": 12,
                    "reserved": 3,
                    "free": 9,
                    "reorder_point": 4,
                    "reorder_quantity": 10,
                    "unit_cost": "40.0000",
                    "is_kit": False,
                }
            ]
        },
    )

    component_id: UUID = Field(description="Identifier of the component.")
    name: str = Field(description="Its name.")
    type: str = Field(description="RAM, SSD, BASE …")
    barcode: str | None = Field(description="What the scanner reads.")
    on_hand: int = Field(description="Units in the house.")
    reserved: int = Field(description="Units of these that accepted orders will take.")
    free: int = Field(description="Units that are not reserved.")
    reorder_point: int = Field(description="Free units at or below which it is to be ordered.")
    reorder_quantity: int = Field(description="Units to order then.")
    unit_cost: Decimal | None = Field(description="What a unit costs.")
    is_kit: bool = Field(description="Whether it is built from other components and has no stock of its own.")


class ComponentList(BaseModel):
    """Components."""

    items: list[ComponentBody] = Field(description="By name.")


class MovementBody(BaseModel):
    """A movement of a component, and the level after it."""

    model_config = ConfigDict(from_attributes=True)

    movement_id: int = Field(description="Number of the movement.")
    moved_at: datetime = Field(description="When.")
    movement: str = Field(description="receipt, reservation, release, consumption, adjustment or return.")
    on_hand_change: int = Field(description="Units that came or went.")
    reserved_change: int = Field(description="Units reserved or freed.")
    on_hand: int = Field(description="Units in the house after it.")
    reserved: int = Field(description="Units reserved after it.")
    order_id: str | None = Field(description="Order that it was for.")
    reason: str | None = Field(description="Why, and who.")


class MovementList(BaseModel):
    """The latest movements of a component."""

    items: list[MovementBody] = Field(description="Newest first.")


class VariantBody(BaseModel):
    """A variant and how many of it can be built."""

    model_config = ConfigDict(from_attributes=True)

    variant_id: UUID = Field(description="The variant.")
    internal_sku: str = Field(description="Our SKU of it.")
    description: str | None = Field(description="What it is.")
    buildable: int = Field(description="Units that can be built of what is free now.")
    limiting: str | None = Field(
        description="The component that allows no more; null without a bill of materials."
    )


class VariantList(BaseModel):
    """What can be built."""

    items: list[VariantBody] = Field(description="By SKU.")


class ToOrderBody(BaseModel):
    """A component to order."""

    model_config = ConfigDict(from_attributes=True)

    name: str = Field(description="The component.")
    type: str = Field(description="RAM, SSD, BASE …")
    free: int = Field(description="Units that are free.")
    demand: int = Field(description="Units that open orders need beyond those reserved for them.")
    shortage: int = Field(description="Units that open orders are short of.")
    quantity: int = Field(description="Units to order.")
    reason: str = Field(description="Why.")
    cost: Decimal | None = Field(description="What they cost.")


class ToOrderList(BaseModel):
    """What to order."""

    items: list[ToOrderBody] = Field(description="Those that orders wait for first.")


class ListingBody(BaseModel):
    """A listing and what the marketplace was told of it."""

    shop_sku: str = Field(description="SKU on the marketplace.")
    listing_title: str | None = Field(description="Its title.")
    internal_sku: str = Field(description="The variant that is sold under it.")
    is_active: bool = Field(description="Whether stock is pushed to it.")
    pushed_quantity: int | None = Field(description="Quantity that the marketplace was last told.")
    pushed_at: datetime | None = Field(description="When it was told.")
    push_error: str | None = Field(description="Why the last push failed.")


class ListingList(BaseModel):
    """Listings."""

    items: list[ListingBody] = Field(description="By SKU.")


class Receiving(BaseModel):
    """Units that came in."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"quantity": 10, "reason": "delivery of Tuesday", "request_id": "delivery-4711"}]
        },
    )

    quantity: int = Field(ge=1, le=2_000_000_000, strict=True, description="Units.")
    reason: str = Field(min_length=1, max_length=1000, pattern=r"\S", description="Why; kept in the ledger.")
    request_id: str | None = Field(
        default=None,
        max_length=200,
        description="Under the same one they come in once, however often it is sent.",
    )


class Counting(BaseModel):
    """What was counted."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"counted": 8, "reason": "inventory"}]}
    )

    counted: int = Field(ge=0, le=2_000_000_000, strict=True, description="Units that were there.")
    reason: str = Field(min_length=1, max_length=1000, pattern=r"\S", description="Why; kept in the ledger.")
