"""Imports as the API takes and gives them."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["pending", "running", "completed", "failed", "cancelled"]
StepStatus = Literal["pending", "running", "completed", "failed", "cancelled", "skipped"]

_RUN: dict[str, Any] = {
    "id": "0199f1c2-7a10-7c55-9d31-6a7be2c4c0e1",
    "status": "completed",
    "file_name": "products.jsonl.gz",
    "format": "jsonl",
    "bytes_size": 48210332,
    "checksum": "9f2c0b6d1e5a4c7f8b3d2a1908f7e6d5c4b3a291807f6e5d4c3b2a1908f7e6d5",
    "created_at": "2026-11-21T08:51:00Z",
    "started_at": "2026-11-21T08:51:00Z",
    "completed_at": "2026-11-21T08:51:04Z",
    "seconds": 3.8,
    "message": "Done",
    "share": 1.0,
    "read": 12044,
    "applied": 4014,
    "inserted": 3100,
    "updated": 914,
    "unchanged": 8027,
    "rejected": 3,
    "deleted": 0,
    "by_type": [
        {
            "type": "Product",
            "read": 2004,
            "inserted": 1002,
            "updated": 222,
            "unchanged": 780,
            "rejected": 0,
            "deleted": 0,
        }
    ],
    "steps": [{"name": "parse", "status": "completed", "records": 12044, "seconds": 3.2}],
    "error_message": None,
}


class Step(BaseModel):
    """One step of an import."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    status: StepStatus
    records: int = Field(description="Records so far.")
    seconds: float | None


class TypeFigures(BaseModel):
    """What became of the records of one type."""

    model_config = ConfigDict(from_attributes=True)

    type: str
    read: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    deleted: int


class Import(BaseModel):
    """An import and its figures: read = applied + unchanged + rejected."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_RUN]})

    id: UUID
    status: Status
    file_name: str | None
    format: str | None = Field(description="jsonl or csv; null until the file was looked at.")
    bytes_size: int | None
    checksum: str | None = Field(description="SHA-256 of the file.")
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    seconds: float | None
    message: str = Field(description="How far it is, in words.")
    share: float | None = Field(description="How much is done, from 0 to 1; null while nobody can tell.")
    read: int
    applied: int = Field(description="Inserted and updated.")
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    deleted: int
    by_type: list[TypeFigures]
    steps: list[Step]
    error_message: str | None


class ImportPage(BaseModel):
    """A page of imports, the newest first."""

    items: list[Import]
    next: str | None
    previous: str | None


class RejectedLine(BaseModel):
    """A line that was set aside."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "0199f1c2-7a10-7c55-9d31-6a7be2c4c0e2",
                    "line_number": 311,
                    "file": "products.jsonl.gz",
                    "type": "ProductVariant",
                    "error_type": "VALIDATION",
                    "error_code": "WRONG_TYPE",
                    "field": "price",
                    "value": "12,5",
                    "message": "price is not a decimal number.",
                    "record": None,
                    "created_at": "2026-11-21T08:51:02Z",
                }
            ]
        }
    )

    id: UUID
    line_number: int | None = Field(description="Line of the file, from 1.")
    file: str | None
    type: str | None = Field(description="Type of the record, as far as it was known.")
    error_type: Literal["PARSE", "VALIDATION", "DB"]
    error_code: str | None
    field: str | None
    value: str | None
    message: str
    record: str | None = Field(description="The line, or its beginning.")
    created_at: datetime


class RejectedPage(BaseModel):
    """A page of rejected lines in the order of the file."""

    items: list[RejectedLine]
    next: str | None
    previous: str | None


class ServerFile(BaseModel):
    """A file that is on the server already, below ENTREPOT_IMPORT_DIR."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"path": "nightly/products.jsonl.gz"}]}
    )

    path: str = Field(max_length=1024, description="Path below the directory of imports.")
    snapshot: bool = Field(
        default=False,
        description="The file is the whole shop: what is not in it is deleted if no line is rejected.",
    )
    force: bool = Field(default=False, description="Import even if this very file was imported before.")
