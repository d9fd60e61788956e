"""Installing a shop, and looking at shops.

`add_shop` and `list_shops` span tenants and take a session of `db.system()`; `get_shop` takes a tenant's.
"""

import re
import zoneinfo
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

import idna
import orjson
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.crypto import Keyring
from entrepot.kit.currencies import CURRENCIES
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.pim.tenants import queries
from entrepot.pim.tenants.schemas import Shop

PLANS = ("basic", "pro", "enterprise")
ACCESS_TOKEN = "pim.shops.access_token"  # noqa: S105 - names a column

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def normalize_domain(value: str) -> str:
    """The shop's domain in lower case and ASCII, such as "my-shop.myshopify.com" or "shop.example".

    Raises InvalidInputError for what is no hostname, with a hint for the usual slips.
    """
    given = value.strip()
    bare = re.sub(r"^https?://", "", given, flags=re.IGNORECASE).removesuffix("/").removesuffix(".")
    where = {"field": "domain", "value": given}
    if "/" in bare or "@" in bare or ":" in bare:
        raise InvalidInputError(
            f"{given!r} is an address, not a shop's domain.",
            hint="Give the domain alone: my-shop.myshopify.com",
            where=where,
        )
    try:
        domain = bare.lower() if bare.isascii() else idna.encode(bare, uts46=True).decode()
    except idna.IDNAError as error:
        raise InvalidInputError(f"{given!r} is not a domain: {error}.", where=where) from error
    labels = domain.split(".")
    if len(labels) == 1 and _LABEL.fullmatch(domain):
        raise InvalidInputError(
            f"{given!r} is not a whole domain.", hint=f"Did you mean {domain}.myshopify.com?", where=where
        )
    if len(domain) > 253 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdecimal():
        raise InvalidInputError(
            f"{given!r} is not a domain.",
            hint="A domain has letters, digits, hyphens and dots: my-shop.myshopify.com",
            where=where,
        )
    return domain


def validate_currency(value: str) -> str:
    """The ISO 4217 code in capitals; InvalidInputError for any other."""
    code = value.strip().upper()
    if code not in CURRENCIES:
        raise InvalidInputError(
            f"{value!r} is not a currency.",
            hint="Give a code of ISO 4217, such as USD, EUR or CAD.",
            where={"field": "currency", "value": value},
        )
    return code


def validate_timezone(value: str) -> str:
    """The IANA name of the time zone in its own spelling; InvalidInputError for any other."""
    name = _zones().get(value.strip().lower())
    if name is None:
        raise InvalidInputError(
            f"{value!r} is not a time zone.",
            hint="Give an IANA name, such as America/Toronto, Europe/Berlin or UTC.",
            where={"field": "timezone", "value": value},
        )
    return name


@cache
def _zones() -> Mapping[str, str]:
    # Names that depend on the machine or are there for old software only are no shop's time zone.
    return {
        name.lower(): name
        for name in zoneinfo.available_timezones()
        if name not in {"localtime", "Factory", "posixrules"}
        and not name.startswith(("posix/", "right/", "SystemV/"))
    }


def validate_plan(value: str) -> str:
    """One of the plans; InvalidInputError for any other."""
    if value not in PLANS:
        raise InvalidInputError(
            f"{value!r} is not a plan.", hint=f"It is one of {', '.join(PLANS)}.", where={"field": "plan"}
        )
    return value


async def add_shop(
    session: AsyncSession,
    keyring: Keyring,
    domain: str,
    *,
    currency: str = "USD",
    timezone: str = "UTC",
    name: str | None = None,
    plan: str = "basic",
    scopes: Sequence[str] = (),
    access_token: str = "",
) -> Shop:
    """Install a shop and return it; takes a session of `db.system()`.

    Without an access token the shop is filled by importing files; an empty token is sealed in its place. Raises
    ConflictError when the domain is installed already, InvalidInputError for a domain, currency or time zone that
    does not exist.
    """
    shop_id = await queries.new_id(session)
    token = keyring.seal(access_token.encode(), tenant=shop_id, column=ACCESS_TOKEN)
    settings: dict[str, Any] = {"name": name.strip()} if name and name.strip() else {}
    values = {
        "id": shop_id,
        "domain": normalize_domain(domain),
        "plan": validate_plan(plan),
        "currency": validate_currency(currency),
        "timezone": validate_timezone(timezone),
        "scopes": [*scopes],
        "settings": orjson.dumps(settings).decode(),
        "ciphertext": token.ciphertext,
        "iv": token.iv,
        "tag": token.tag,
        "key_version": token.key_version,
    }
    # ON CONFLICT decides, not a look before: the same command may run at the same time as itself.
    if not await queries.insert_shop(session, values):
        raise ConflictError(
            f"The shop {values['domain']} is here already.",
            hint=f"`entrepot shops show {values['domain']}` shows it.",
            where={"domain": values["domain"]},
        )
    return await get_shop(session, shop_id)


async def list_shops(session: AsyncSession) -> list[Shop]:
    """Every shop that the session sees, by domain."""
    return [_shop(row) for row in await queries.select_shops(session)]


async def get_shop(session: AsyncSession, shop_id: UUID) -> Shop:
    """The shop; NotFoundError when the session does not see one with this id."""
    row = await queries.select_shop(session, shop_id)
    if row is None:
        raise NotFoundError(f"There is no shop {shop_id}.")
    return _shop(row)


async def find_shop(session: AsyncSession, domain: str) -> Shop:
    """The shop of a domain or an id, as a person types it; takes a session of `db.system()`.

    Raises NotFoundError when there is none.
    """
    try:
        shop_id = UUID(domain)
    except ValueError:
        row = await queries.select_shop_by_domain(session, normalize_domain(domain))
    else:
        row = await queries.select_shop(session, shop_id)
    if row is None:
        raise NotFoundError(
            f"There is no shop {domain}.",
            hint=f"`entrepot shops list` shows those there are; `entrepot shops add {domain}` adds it.",
            where={"domain": domain},
        )
    return _shop(row)


def _shop(row: RowMapping) -> Shop:
    return Shop(
        shop_id=row["id"],
        domain=str(row["shopify_domain"]),
        shopify_shop_id=row["shopify_shop_id"],
        plan=row["plan_tier"],
        api_version=row["api_version"],
        currency=row["currency_code"],
        timezone=row["timezone"],
        scopes=tuple(row["scopes"]),
        settings=row["settings"] or {},
        connected=row["connected"],
        installed_at=row["installed_at"],
        uninstalled_at=row["uninstalled_at"],
        created_at=row["created_at"],
    )
