"""Accounts as the API gives them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class AccountBody(BaseModel):
    """An account on a marketplace, without its key."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "code": "best-buy",
                    "marketplace": "Best Buy Canada",
                    "role": "operator",
                    "currency": "CAD",
                    "time_zone": "America/Toronto",
                    "is_active": True,
                    "poll_seconds": 300,
                    "orders_updated_since": "2026-11-21T14:55:00Z",
                    "threads_updated_since": "2026-11-21T14:55:00Z",
                    "transactions_since": None,
                }
            ]
        },
    )

    code: str = Field(description="Its code, as addresses have it.")
    marketplace: str = Field(description="Name of the marketplace.")
    role: str | None = Field(description="What the caller is there: viewer, operator or admin.")
    currency: str = Field(description="Currency, ISO 4217.")
    time_zone: str = Field(description="Time zone (IANA) of its deadlines and hours.")
    is_active: bool = Field(description="Whether the marketplace is polled.")
    poll_seconds: int = Field(description="Seconds between two looks at it.")
    orders_updated_since: datetime | None = Field(description="Up to where orders were taken in.")
    threads_updated_since: datetime | None = Field(description="Up to where messages were taken in.")
    transactions_since: datetime | None = Field(description="Up to where transaction logs were taken in.")


class AccountList(BaseModel):
    """The accounts of the caller."""

    items: list[AccountBody] = Field(description="By code.")
