"""Entries of the audit log as the API gives them."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class FieldChange(BaseModel):
    """One field that is not what it was."""

    field: str
    old: Any = Field(description="The value before; null for an insert.")
    new: Any = Field(description="The value after; null for a delete.")


class AuditEntry(BaseModel):
    """One change of one row."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0199f1c2-7a10-7c55-9d31-6a7be2c4c0f1",
                    "action": "UPDATE",
                    "entity_type": "shopify_products",
                    "entity_id": "0199f1c2-7a10-7c55-9d31-6a7be2c4c001",
                    "user_id": None,
                    "user_email": None,
                    "request_id": "0199f1c27a107c559d316a7be2c4c0aa",
                    "ip_address": None,
                    "user_agent": None,
                    "created_at": "2026-11-21T08:51:00Z",
                    "changes": [{"field": "title", "old": "Enamel Mug", "new": "Enamel Mug 350 ml"}],
                }
            ]
        }
    )

    id: UUID
    action: Literal["INSERT", "UPDATE", "DELETE"]
    entity_type: str = Field(description="The table.")
    entity_id: UUID = Field(description="The row.")
    user_id: UUID | None = Field(description="Who did it; null for an import or a job.")
    user_email: str | None
    request_id: str | None = Field(description="The trace of the request or job that did it.")
    ip_address: str | None
    user_agent: str | None
    created_at: datetime
    changes: list[FieldChange] = Field(description="Secrets appear as the beginning of a digest.")


class AuditPage(BaseModel):
    """A page of the audit log, the newest entry first."""

    items: list[AuditEntry]
    next: str | None
    previous: str | None
