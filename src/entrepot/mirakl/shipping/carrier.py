"""The port to carriers: what buying, looking up, voiding and following a parcel take, whoever carries it.

A carrier is opened for an account with `open_carrier` and closed by its block. Every call is recorded. One that fails
raises ServiceError, which says whether it may be made again. `buy` is never repeated after an unknown outcome:
`find` looks the parcel up under our reference.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

import httpx

from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.kit.errors import NotFoundError
from entrepot.mirakl.accounts.accounts import Carrier as CarrierAccount
from entrepot.mirakl.accounts.accounts import carrier_credentials, list_carriers


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A name and an address as a label shows them; `province` is a code, `country` ISO 3166 alpha-2."""

    name: str
    company: str | None = None
    street_1: str
    street_2: str | None = None
    city: str
    province: str
    postal_code: str
    country: str = "CA"
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What is to be sent. `reference` is ours, the same however often the parcel is looked up."""

    reference: str
    destination: Address
    service_code: str
    weight_kg: Decimal
    length_cm: Decimal
    width_cm: Decimal
    height_cm: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """A parcel that the carrier knows: what it is called there, and where its label is.

    `status` is the carrier's own word for it; `called_off` tells that it was voided, or that its money was asked back.
    """

    external_id: str
    tracking_pin: str | None
    links: Mapping[str, str] = field(default_factory=dict)
    price: Decimal | None = None
    currency: str = "CAD"
    status: str | None = None
    called_off: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingEvent:
    """Something that happened to a parcel."""

    identifier: str
    description: str
    happened_at: datetime
    place: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """What the carrier says of a parcel; `state`: announced, moving, delayed, returning or delivered."""

    state: str
    events: tuple[TrackingEvent, ...] = ()
    expected_delivery: datetime | None = None
    delivered_at: datetime | None = None


class AlreadyTransmittedError(Exception):
    """A label cannot be voided any more: the carrier counts it as sent, and its money has to be asked back."""


class PersonNeededError(Exception):
    """This carrier cannot be asked by the program; what a person has to do instead."""


class Carrier(Protocol):
    """What the program asks of a carrier."""

    #: Name under which shipments keep it.
    name: str
    #: Whether it gives labels as PDF files; one that does not has its tracking number typed in.
    gives_labels: bool
    #: Heaviest parcel that it takes, in kilograms.
    heaviest_kg: Decimal
    #: Longest parcel that it takes, in centimeters.
    longest_cm: Decimal

    async def buy(self, parcel: Parcel) -> Bought:
        """Buy a label. Raises ServiceError; after an unknown outcome ask `find`, never this again."""
        ...

    async def find(self, reference: str) -> Bought | None:
        """The parcel that was bought under our reference; None where there is none."""
        ...

    async def destination(self, bought: Bought) -> Mapping[str, str] | None:
        """The `name` and `postal_code` that the carrier keeps for a parcel; None where it does not say."""
        ...

    async def label(self, bought: Bought) -> bytes:
        """The label's PDF; may be asked as often as needed."""
        ...

    async def void(self, bought: Bought) -> None:
        """Take a label back before it is sent; raises AlreadyTransmittedError when only a refund is left."""
        ...

    async def refund(self, bought: Bought) -> str:
        """Ask the money of a label back; the carrier's ticket, that of an earlier request where there was one."""
        ...

    async def track(self, tracking_pin: str) -> Tracking | None:
        """What happened to a parcel; None where the carrier has not seen it yet."""
        ...


@dataclass(frozen=True, slots=True)
class Opening:
    """What a carrier is opened with."""

    db: Database
    account: CarrierAccount
    user: str
    password: str
    transport: httpx.AsyncBaseTransport | None = None


Open = Callable[[Opening], AbstractAsyncContextManager[Carrier]]

#: Name → how the carrier is opened.
CARRIERS: dict[str, Open] = {}


def carrier(name: str) -> Callable[[Open], Open]:
    """Register how a carrier is opened."""

    def register(function: Open) -> Open:
        CARRIERS[name] = function
        return function

    return register


@asynccontextmanager
async def open_carrier(
    db: Database, account_id: UUID, name: str, *, transport: httpx.AsyncBaseTransport | None = None
) -> AsyncIterator[Carrier]:
    """A carrier of an account, with its credentials.

    Raises NotFoundError where the account has no such carrier, UnavailableError where the credentials do not open.
    """
    # Whoever opens a carrier has every one that comes with the program.
    from entrepot.mirakl.shipping import canada_post, own  # noqa: F401

    if name not in CARRIERS:
        raise NotFoundError(
            f"There is no carrier {name!r}.", hint=f"There are {', '.join(sorted(CARRIERS))}."
        )
    async with db.tenant(account_id=account_id) as session:
        found = next((one for one in await list_carriers(session, account_id) if one.carrier == name), None)
        if found is None:
            raise NotFoundError(
                f"The account has no carrier {name!r}.",
                hint="Set one: `entrepot mirakl carriers` with its address and credentials.",
            )
        user, password = await carrier_credentials(session, Keyring.open(db.settings), account_id, name)
    async with CARRIERS[name](Opening(db, found, user, password, transport)) as opened:
        yield opened


def as_record(address: Address) -> dict[str, Any]:
    """An address as a shipment keeps it."""
    return {name: value for name in Address.__slots__ if (value := getattr(address, name)) is not None}
