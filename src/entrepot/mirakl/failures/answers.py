"""Failures and calls as the API gives and takes them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

_FAILURE: dict[str, Any] = {
    "failure_id": "0199f1c2-7a10-7c55-9d31-6a7be2c4c001",
    "process_name": "ShippingLabelCreation",
    "related_id": "ORD-1004-A",
    "order_id": "ORD-1004-A",
    "kind": "permanent",
    "details": "Canada Post refused the shipment: the postal code is not in the province.",
    "next_step": "Correct the address, then try again.",
    "state": "open",
    "times": 1,
    "can_retry": True,
    "next_attempt_at": None,
    "resolved_at": None,
    "resolution": None,
    "timestamp": "2026-11-21T14:00:00Z",
}


class FailureBody(BaseModel):
    """Something that went wrong: what, why, and what happens next."""

    model_config = ConfigDict(json_schema_extra={"examples": [_FAILURE]})

    failure_id: UUID = Field(description="Identifier of the failure.")
    process_name: str = Field(description="The step that failed.")
    related_id: str = Field(description="What it is about: an order, a parcel, a message, a listing.")
    order_id: str | None = Field(description="The order, where there is one.")
    kind: str = Field(description="transient, permanent, unknown or decision.")
    details: str = Field(description="What went wrong and why.")
    next_step: str = Field(description="What happens next, or what a person should do.")
    state: str = Field(description="open, retrying or resolved.")
    times: int = Field(description="How often it has failed.")
    can_retry: bool = Field(description="Whether it can be tried again now.")
    next_attempt_at: datetime | None = Field(
        description="When it is tried again by itself; null: a person decides."
    )
    resolved_at: datetime | None = Field(description="When it was resolved.")
    resolution: str | None = Field(description="How it was resolved.")
    timestamp: datetime = Field(description="When it first failed.")


class FailurePage(BaseModel):
    """A page of failures."""

    items: list[FailureBody] = Field(description="Newest first.")
    next: str | None = Field(description="Cursor of the next page.")
    previous: str | None = Field(description="Cursor of the page before.")


class Resolving(BaseModel):
    """How a failure was resolved."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"resolution": "Bought the label at the counter."}]}
    )

    resolution: str = Field(
        min_length=1, max_length=4000, pattern=r"\S", description="How, in a sentence; kept with the failure."
    )


class CallBody(BaseModel):
    """A call to an outside service; secrets and personal data are left out."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "call_id": "0199f1c2-7a10-7c55-9d31-6a7be2c4c002",
                    "timestamp": "2026-11-21T14:00:00Z",
                    "service": "Mirakl",
                    "operation": "OR21",
                    "method": "PUT",
                    "endpoint": "https://marketplace.example/api/orders/ORD-1001-A/accept",
                    "related_id": "ORD-1001-A",
                    "status_code": 204,
                    "is_success": True,
                    "outcome": "done",
                    "duration_ms": 184,
                    "request_payload": {"order_lines": [{"accepted": True, "id": "ORD-1001-A-1"}]},
                    "response_body": "",
                }
            ]
        }
    )

    call_id: UUID = Field(description="Identifier of the call.")
    timestamp: datetime = Field(description="When it was made.")
    service: str = Field(description="Which service was called.")
    operation: str = Field(description="The service's name for the call.")
    method: str = Field(description="HTTP method.")
    endpoint: str = Field(description="Address, without secrets.")
    related_id: str | None = Field(description="What it was for.")
    status_code: int | None = Field(description="HTTP status; null: no answer.")
    is_success: bool = Field(description="Whether it did what was asked.")
    outcome: str = Field(description="done, transient, permanent or unknown.")
    duration_ms: int | None = Field(description="Milliseconds until the answer.")
    request_payload: Any = Field(description="What was sent.")
    response_body: str | None = Field(description="What came back, at most 16 KiB.")


class CallPage(BaseModel):
    """A page of calls."""

    items: list[CallBody] = Field(description="Newest first.")
    next: str | None = Field(description="Cursor of the next page.")
    previous: str | None = Field(description="Cursor of the page before.")
