"""What the world's clients asked and were answered."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Integer, Numeric, SmallInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from entrepot.kit.db.tables import Base, SystemRows, table_args
from entrepot.playground.columns import (
    HOURLY,
    SCHEMA,
    event_time,
    extra_data,
    identifier,
    known_origin,
    origin,
    partition_key,
)


class RequestResponseLog(Base):
    """A request and its answer."""

    __tablename__ = "request_response_logs"
    __table_args__ = table_args(
        SCHEMA,
        "Requests of the world's clients and how they were answered",
        known_origin(),
        CheckConstraint("status_code BETWEEN 100 AND 599", name="status_code"),
        CheckConstraint("duration_ms >= 0", name="duration_ms"),
        Index("idx_request_response_logs_status", "status_code", "event_time"),
        SystemRows(),
        HOURLY,
    )

    id: Mapped[UUID] = identifier("Request")
    event_time: Mapped[datetime] = event_time("When the request came")
    partition_key: Mapped[str] = partition_key()
    method: Mapped[str] = mapped_column(String(10), comment="HTTP method")
    url: Mapped[str] = mapped_column(String(2000), comment="Path and query asked for")
    route: Mapped[str] = mapped_column(
        String(100), comment="Path with names in the place of ids, to count by"
    )
    request_body: Mapped[str | None] = mapped_column(Text, comment="Body of the request, shortened")
    response_body: Mapped[str | None] = mapped_column(Text, comment="Body of the answer, shortened")
    status_code: Mapped[int] = mapped_column(SmallInteger, comment="HTTP status of the answer")
    duration_ms: Mapped[Any] = mapped_column(
        Numeric(12, 3), comment="Milliseconds until the answer was complete"
    )
    response_bytes: Mapped[int | None] = mapped_column(Integer, comment="Size of the answer")
    origin: Mapped[str] = origin()
    extra_data: Mapped[Any | None] = extra_data()
