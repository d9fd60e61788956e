"""Money as the API gives it."""

from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class TotalBody(BaseModel):
    """What orders brought in a currency; what is taken from the seller is negative."""

    model_config = ConfigDict(from_attributes=True)

    currency: str = Field(description="Currency, ISO 4217.")
    price: Decimal = Field(description="Prices.")
    shipping: Decimal = Field(description="Shipping that customers paid.")
    taxes: Decimal = Field(description="Taxes.")
    commission: Decimal = Field(description="What the marketplace kept.")
    commission_tax: Decimal = Field(description="Tax on that.")
    refunds: Decimal = Field(description="What was paid back.")
    refund_taxes: Decimal = Field(description="Taxes of what was paid back.")
    other: Decimal = Field(description="Lines of types that are not known.")
    net: Decimal = Field(description="What is left.")
    lines: int = Field(description="Lines of the logs.")


class DifferenceBody(BaseModel):
    """One thing that does not fit."""

    model_config = ConfigDict(from_attributes=True)

    order_id: str = Field(description="The order.")
    currency: str = Field(description="Currency, ISO 4217.")
    code: str = Field(description="What it is, for programs.")
    reason: str = Field(description="What it is, for people.")
    expected: Decimal | None = Field(description="What the order says.")
    found: Decimal | None = Field(description="What the logs say.")
    amount: Decimal | None = Field(description="What is there too much (positive) or too little.")


class MoneyBody(BaseModel):
    """What came of orders since a day."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "since": "2026-08-23T00:00:00Z",
                    "orders": 1,
                    "settled": 1,
                    "waiting": 0,
                    "differing": 0,
                    "totals": [],
                    "differences": [],
                }
            ]
        },
    )

    since: datetime = Field(description="Orders made or booked since then.")
    orders: int = Field(description="How many.")
    settled: int = Field(description="Orders of which the logs say what the order says.")
    waiting: int = Field(description="Orders of which the logs say nothing yet.")
    differing: int = Field(description="Orders of which they say something else.")
    totals: list[TotalBody] = Field(description="One a currency.")
    differences: list[DifferenceBody] = Field(description="What does not fit.")
