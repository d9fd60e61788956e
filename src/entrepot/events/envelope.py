"""An event as the program handles it, and its CloudEvents 1.0 form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """Something that happened, not yet published.

    Without `shop_id`, `platform_id` and `account_id` it belongs to the transaction's tenant; a transaction that spans tenants makes
    it a global one. With `dedupe_key` it is published once only, however often it is published.
    """

    type: str
    data: Mapping[str, Any] = field(default_factory=dict)
    subject: str | None = None
    source: str = "/entrepot"
    time: datetime | None = None
    dataschema: str | None = None
    dedupe_key: str | None = None
    shop_id: UUID | None = None
    platform_id: UUID | None = None
    account_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, as a subscriber receives it."""

    id: UUID
    type: str
    source: str
    subject: str | None
    time: datetime
    data: Any
    datacontenttype: str
    dataschema: str | None
    shop_id: UUID | None
    platform_id: UUID | None
    account_id: UUID | None
    trace_id: str | None

    @classmethod
    def from_row(cls, row: RowMapping) -> "Event":
        """The event in a row of the queue."""
        return cls(**{name: row[name] for name in cls.__slots__})

    def cloudevent(self) -> dict[str, Any]:
        """The event in the JSON format of CloudEvents 1.0; attributes without a value are left out."""
        attributes = {
            "specversion": "1.0",
            "id": str(self.id),
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": self.time.isoformat().replace("+00:00", "Z"),
            "datacontenttype": self.datacontenttype,
            "dataschema": self.dataschema,
            # Extension attributes: lower-case letters and digits only, by the specification.
            "shopid": str(self.shop_id) if self.shop_id else None,
            "platformid": str(self.platform_id) if self.platform_id else None,
            "accountid": str(self.account_id) if self.account_id else None,
            "traceid": self.trace_id,
        }
        return {name: value for name, value in attributes.items() if value is not None} | {"data": self.data}
