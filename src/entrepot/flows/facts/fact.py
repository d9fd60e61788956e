"""A fact on its way into the warehouse: a row that refers to other rows by their ids alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid5

#: The name space of the ids that are made here: the same source and key give the same id, wherever and whenever.
NAMESPACE = UUID("6e1d4a52-3b0f-5a7e-9f54-0b1c7c9a2d18")

Kind = Literal["user", "shop", "product", "order", "item", "payment", "review", "event", "stock"]

TABLES: dict[Kind, str] = {
    "user": "users",
    "shop": "shops",
    "product": "shop_products",
    "order": "shop_orders",
    "item": "shop_order_items",
    "payment": "shop_order_payments",
    "review": "shop_reviews",
    "event": "global_events",
}
#: What a kind is called in the registry of entities.
ENTITY_TYPES: dict[Kind, str] = {
    "user": "user",
    "shop": "user_shop",
    "product": "shop_product",
    "order": "shop_order",
    "payment": "user_payment",
    "review": "shop_review",
}
#: Kinds in the order in which rows can be written: what is referred to comes first.
ORDER: tuple[Kind, ...] = ("user", "shop", "product", "order", "item", "payment", "review", "event")


@dataclass(frozen=True, slots=True)
class Fact:
    """A row to be made, or a change of one.

    `time` is its event_time; None takes that of the reference `timed_by`. `references` fill `<name>_id` and
    `<name>_event_time`, and have to be known; with `parties` it takes user, shop and product of the one of that name
    as well. A row that is there stays as it is; only a `change`, which makes no row, brings columns up to date.
    """

    kind: Kind
    id: UUID
    time: datetime | None
    values: Mapping[str, Any] = field(default_factory=dict)
    references: Mapping[str, UUID] = field(default_factory=dict)
    parties: str | None = None
    timed_by: str | None = None
    change: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """Who tells, and when: what every fact of one event shares."""

    tenant: str
    origin: str
    time: datetime

    def id(self, kind: str, key: str) -> UUID:
        """The id of a thing that the tenant calls `key`. Nothing that one tenant tells is a thing of another."""
        return uuid5(NAMESPACE, f"{self.tenant}/{kind}/{key}")

    def shop(self, key: str | None) -> UUID:
        """The shop of a key, or the tenant's own."""
        return self.id("shop", key or self.tenant)

    def event(
        self,
        type_: str,
        about: UUID,
        *,
        time: datetime | None = None,
        part: str = "",
        timed_by: str | None = None,
        references: Mapping[str, UUID],
        parties: str | None = None,
        **values: Any,
    ) -> Fact:
        """A row of global_events; one of a type, a thing and a part of it."""
        return Fact(
            "event",
            uuid5(NAMESPACE, f"{about}/{type_}/{part}"),
            None if timed_by else time or self.time,
            {"event_type": type_, "origin": self.origin, **values},
            references,
            parties,
            timed_by,
        )
