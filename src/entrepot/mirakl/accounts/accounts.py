"""Adding accounts and carriers, finding them, their keys and their members."""

import re
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.clock import now
from entrepot.kit.crypto import Keyring, Sealed
from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.kit.identifiers import identifier
from entrepot.kit.people import Scope
from entrepot.mirakl.accounts import queries
from entrepot.mirakl.accounts.tables import ROLES

CODE = re.compile(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?")
#: Role → what it reaches to.
REACH: dict[str, tuple[Scope, ...]] = {"viewer": ("read",), "operator": ("write",), "admin": ("admin",)}
API_KEY = "mirakl.accounts.api_key"
CREDENTIALS = "mirakl.carrier_accounts.credentials"


@dataclass(frozen=True, slots=True)
class Account:
    """An account, without its key; `role` is that of the person who asked, where one did."""

    account_id: UUID
    code: str
    marketplace: str
    api_url: str
    mirakl_shop_id: int | None
    currency: str
    time_zone: str
    is_active: bool
    poll_seconds: int
    orders_updated_since: datetime | None
    threads_updated_since: datetime | None
    transactions_since: datetime | None
    settings: Mapping[str, Any]
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Carrier:
    """What is needed to buy labels of a carrier, without the credentials."""

    account_id: UUID
    carrier: str
    api_url: str
    customer_number: str
    contract_id: str | None
    service_code: str
    marketplace_carrier_code: str
    sender: Mapping[str, Any] = field(default_factory=dict)


async def add_account(
    session: AsyncSession,
    keyring: Keyring,
    code: str,
    *,
    marketplace: str,
    api_url: str,
    api_key: str,
    mirakl_shop_id: int | None = None,
    currency: str = "CAD",
    time_zone: str = "UTC",
    poll_seconds: int = 300,
) -> Account:
    """Add an account; takes a session of `db.system()`.

    Raises InvalidInputError for a code, address, key, currency or time zone that cannot be, ConflictError for a code
    that is taken.
    """
    if not CODE.fullmatch(code):
        raise InvalidInputError(
            f"{code!r} cannot be an account's code.",
            hint="It has lower-case letters, digits and hyphens, up to 50.",
            where={"path": "code"},
        )
    checked_url(api_url)
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise InvalidInputError(f"{currency!r} is no currency (ISO 4217).", where={"path": "currency"})
    checked_time_zone(time_zone)
    checked_pace(poll_seconds)
    checked_key(api_key)
    account_id = identifier(now())
    values = {
        "id": account_id,
        "code": code,
        "marketplace": marketplace.strip() or code,
        "api_url": api_url.rstrip("/"),
        "api_key": keyring.seal(api_key.encode(), tenant=account_id, column=API_KEY).packed(),
        "mirakl_shop_id": mirakl_shop_id,
        "currency": currency,
        "time_zone": time_zone,
        "poll_seconds": poll_seconds,
    }
    if await queries.insert_account(session, values) is None:
        raise ConflictError(f"There is an account {code} already.", where={"path": "code"})
    return await find_account(session, code)


def checked_url(value: str) -> str:
    """The root of an API without a slash at its end; raises InvalidInputError."""
    if not re.fullmatch(r"https?://[^/\s]+\S*", value):
        raise InvalidInputError(
            f"{value!r} is no address of an API.",
            hint="Give the root of the marketplace's API, such as https://marketplace.example/api.",
            where={"path": "api_url"},
        )
    return value.rstrip("/")


def checked_time_zone(value: str) -> str:
    """A time zone by its IANA name; raises InvalidInputError."""
    if value not in zoneinfo.available_timezones():
        raise InvalidInputError(
            f"{value!r} is not a time zone.",
            hint="Give an IANA name, such as America/Toronto or UTC.",
            where={"path": "time_zone"},
        )
    return value


def checked_pace(seconds: int) -> int:
    """Seconds between two looks at a marketplace; raises InvalidInputError."""
    if not 10 <= seconds <= 86400:
        raise InvalidInputError(
            "A marketplace is looked at every 10 to 86,400 seconds.", where={"path": "poll_seconds"}
        )
    return seconds


def checked_key(value: str) -> str:
    """The key of an API as a header can carry it; raises InvalidInputError."""
    if not re.fullmatch(r"[!-~]+", value):
        raise InvalidInputError(
            "This is no API key: it is empty, or holds blanks or letters that a header cannot carry.",
            where={"path": "api_key"},
        )
    return value


async def list_accounts(session: AsyncSession) -> list[Account]:
    """The accounts that the transaction may see."""
    return [_account(row) for row in await queries.select_accounts(session)]


async def find_account(session: AsyncSession, code: str) -> Account:
    """The account of a code; raises NotFoundError."""
    row = await queries.select_account(session, code)
    if row is None:
        raise NotFoundError(
            f"There is no account {code!r}.",
            hint="`entrepot mirakl accounts list` shows them.",
            where={"code": code},
        )
    return _account(row)


async def get_account(session: AsyncSession, account_id: UUID) -> Account:
    """The account of an id; raises NotFoundError."""
    row = await queries.select_account_by_id(session, account_id)
    if row is None:
        raise NotFoundError(f"There is no account {account_id}.")
    return _account(row)


async def choose_account(db: Database, code: str | None) -> Account:
    """The account that a command means: the one named, or the only one that there is."""
    async with db.system() as session:
        if code:
            return await find_account(session, code)
        found = await list_accounts(session)
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError(
            "There is no account on a Mirakl marketplace yet.",
            hint="Add one: `entrepot mirakl accounts add best-buy --url https://marketplace.example/api --key-stdin`.",
        )
    raise InvalidInputError(
        f"There are {len(found)} accounts: {', '.join(account.code for account in found)}.",
        hint="Name one with --account.",
    )


async def api_key(session: AsyncSession, keyring: Keyring, account_id: UUID) -> str:
    """The API key of an account, in clear; raises NotFoundError, UnavailableError where it does not open."""
    packed = await queries.select_key(session, account_id)
    if packed is None:
        raise NotFoundError(f"There is no account {account_id}.")
    return keyring.unseal(Sealed.unpacked(packed), tenant=account_id, column=API_KEY).decode()


async def set_api_key(session: AsyncSession, keyring: Keyring, account_id: UUID, value: str) -> None:
    """Replace the API key of an account; raises InvalidInputError, NotFoundError."""
    sealed = keyring.seal(checked_key(value).encode(), tenant=account_id, column=API_KEY).packed()
    if not await queries.update_key(session, account_id, sealed):
        raise NotFoundError(f"There is no account {account_id}.")


async def set_active(session: AsyncSession, account_id: UUID, *, is_active: bool) -> None:
    """Begin or stop looking at a marketplace; raises NotFoundError."""
    if not await queries.update_active(session, account_id, is_active=is_active):
        raise NotFoundError(f"There is no account {account_id}.")


async def set_carrier(
    session: AsyncSession, keyring: Keyring, carrier: Carrier, *, user: str, password: str
) -> None:
    """Set what is needed to buy labels of a carrier, in place of what was set before."""
    secret = orjson.dumps({"user": user, "password": password})
    await queries.upsert_carrier(
        session,
        {
            "account_id": carrier.account_id,
            "carrier": carrier.carrier,
            "api_url": carrier.api_url.rstrip("/"),
            "credentials": keyring.seal(secret, tenant=carrier.account_id, column=CREDENTIALS).packed(),
            "customer_number": carrier.customer_number,
            "contract_id": carrier.contract_id,
            "service_code": carrier.service_code,
            "marketplace_carrier_code": carrier.marketplace_carrier_code,
            "sender": orjson.dumps(dict(carrier.sender)).decode(),
        },
    )


async def list_carriers(session: AsyncSession, account_id: UUID) -> list[Carrier]:
    """The carriers of an account."""
    found = await queries.select_carriers(session, account_id)
    return [Carrier(**{name: row[name] for name in Carrier.__slots__}) for row in found]


async def carrier_credentials(
    session: AsyncSession, keyring: Keyring, account_id: UUID, carrier: str
) -> tuple[str, str]:
    """User and password at a carrier, in clear; raises NotFoundError, UnavailableError where they do not open."""
    packed = await queries.select_credentials(session, account_id, carrier)
    if packed is None:
        raise NotFoundError(
            f"The account has no carrier {carrier!r}.",
            hint="Set it: `entrepot mirakl carriers set CARRIER …`.",
        )
    opened = orjson.loads(keyring.unseal(Sealed.unpacked(packed), tenant=account_id, column=CREDENTIALS))
    return opened["user"], opened["password"]


async def memberships(session: AsyncSession, user_id: UUID) -> list[Account]:
    """The accounts of a person, with their roles; takes a session of `db.system()`."""
    return [_account(row) for row in await queries.select_memberships(session, user_id)]


async def set_member(session: AsyncSession, account_id: UUID, user_id: UUID, role: str) -> None:
    """Give a person a role in an account; raises InvalidInputError for a role that there is not."""
    if role not in ROLES:
        raise InvalidInputError(
            f"There is no role {role!r}.", hint=f"The roles are {', '.join(ROLES)}.", where={"path": "role"}
        )
    await queries.upsert_member(session, account_id, user_id, role)


async def remove_member(session: AsyncSession, account_id: UUID, user_id: UUID) -> None:
    """Take a person out of an account; raises NotFoundError when they are not in it."""
    if not await queries.delete_member(session, account_id, user_id):
        raise NotFoundError("This person is no member of the account.")


async def list_members(session: AsyncSession, account_id: UUID) -> list[tuple[UUID, str]]:
    """The people of an account, each with their role."""
    return [(row["user_id"], row["role"]) for row in await queries.select_members(session, account_id)]


def of_code(accounts: Sequence[Account], code: str) -> Account | None:
    """The account with a code among several."""
    return next((account for account in accounts if account.code == code.lower()), None)


def _account(row: RowMapping) -> Account:
    return Account(
        account_id=row["id"],
        code=row["account_code"],
        marketplace=row["marketplace"],
        api_url=row["api_url"],
        mirakl_shop_id=row["mirakl_shop_id"],
        currency=row["currency_code"],
        time_zone=row["time_zone"],
        is_active=row["is_active"],
        poll_seconds=row["poll_seconds"],
        orders_updated_since=row["orders_updated_since"],
        threads_updated_since=row["threads_updated_since"],
        transactions_since=row["transactions_since"],
        settings=row["settings"],
        role=row.get("role"),
    )
