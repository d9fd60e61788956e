"""Adding platforms, finding them, and their members."""

import re
import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError, InvalidInputError, NotFoundError
from entrepot.kit.people import Scope
from entrepot.marketplace.platforms import queries
from entrepot.marketplace.platforms.tables import HOUSE, ROLES

CODE = re.compile(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?")
#: Role → what it reaches to.
REACH: dict[str, tuple[Scope, ...]] = {"viewer": ("read",), "editor": ("write",), "admin": ("admin",)}


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform; `role` is that of the person who asked, where one did."""

    platform_id: UUID
    code: str
    name: str
    country: str
    currency: str
    time_zone: str
    kind: str
    is_active: bool
    role: str | None = None


async def add_platform(
    session: AsyncSession,
    code: str,
    name: str,
    *,
    country: str = "US",
    currency: str = "USD",
    time_zone: str = "UTC",
    kind: str = "B2C",
) -> Platform:
    """Add a platform; takes a session of `db.system()`.

    Raises InvalidInputError for a code, country, currency or time zone that cannot be, ConflictError for a code that
    is taken.
    """
    if not CODE.fullmatch(code):
        raise InvalidInputError(
            f"{code!r} cannot be a platform's code.",
            hint="It has lower-case letters, digits and hyphens, up to 50.",
            where={"path": "code"},
        )
    if not re.fullmatch(r"[A-Z]{2}", country):
        raise InvalidInputError(f"{country!r} is no country (ISO 3166-1).", where={"path": "country"})
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise InvalidInputError(f"{currency!r} is no currency (ISO 4217).", where={"path": "currency"})
    if time_zone not in zoneinfo.available_timezones():
        raise InvalidInputError(
            f"{time_zone!r} is not a time zone.",
            hint="Give an IANA name, such as America/Toronto, Europe/Berlin or UTC.",
            where={"path": "time_zone"},
        )
    if kind not in ("B2C", "B2B"):
        raise InvalidInputError(f"A platform is B2C or B2B, not {kind!r}.", where={"path": "kind"})
    values = {
        "code": code,
        "name": name.strip() or code,
        "country": country,
        "currency": currency,
        "time_zone": time_zone,
        "kind": kind,
    }
    if await queries.insert_platform(session, values) is None:
        raise ConflictError(f"There is a platform {code} already.", where={"path": "code"})
    return await find_platform(session, code)


async def list_platforms(session: AsyncSession) -> list[Platform]:
    """The platforms that the transaction may see."""
    return [_platform(row) for row in await queries.select_platforms(session)]


async def find_platform(session: AsyncSession, code: str) -> Platform:
    """The platform of a code; raises NotFoundError."""
    row = await queries.select_platform(session, code)
    if row is None:
        raise NotFoundError(
            f"There is no platform {code!r}.",
            hint="`entrepot platform list` shows them.",
            where={"code": code},
        )
    return _platform(row)


async def get_platform(session: AsyncSession, platform_id: UUID) -> Platform:
    """The platform of an id; raises NotFoundError."""
    row = await queries.select_platform_by_id(session, platform_id)
    if row is None:
        raise NotFoundError(f"There is no platform {platform_id}.")
    return _platform(row)


async def choose_platform(db: Database, code: str | None) -> Platform:
    """The platform that a command means: the one named, or the only one that there is beside the house."""
    async with db.system() as session:
        if code:
            return await find_platform(session, code)
        found = [platform for platform in await list_platforms(session) if platform.code != HOUSE]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError(
            "There is no platform yet.", hint="Add one: `entrepot platform add my-market --currency EUR`."
        )
    raise InvalidInputError(
        f"There are {len(found)} platforms: {', '.join(platform.code for platform in found)}.",
        hint="Name one with --platform.",
    )


async def memberships(session: AsyncSession, user_id: UUID) -> list[Platform]:
    """The platforms of a person, with their roles; takes a session of `db.system()`."""
    return [_platform(row) for row in await queries.select_memberships(session, user_id)]


async def set_member(session: AsyncSession, platform_id: UUID, user_id: UUID, role: str) -> None:
    """Give a person a role on a platform; raises InvalidInputError for a role that there is not."""
    if role not in ROLES:
        raise InvalidInputError(
            f"There is no role {role!r}.", hint=f"The roles are {', '.join(ROLES)}.", where={"path": "role"}
        )
    await queries.upsert_member(session, platform_id, user_id, role)


async def remove_member(session: AsyncSession, platform_id: UUID, user_id: UUID) -> None:
    """Take a person off a platform; raises NotFoundError when they are not on it."""
    if not await queries.delete_member(session, platform_id, user_id):
        raise NotFoundError("This person is no member of the platform.")


def of_code(platforms: Sequence[Platform], code: str) -> Platform | None:
    """The platform with a code among several."""
    return next((platform for platform in platforms if platform.code == code.lower()), None)


def _platform(row: RowMapping) -> Platform:
    return Platform(
        platform_id=row["id"],
        code=row["platform_code"],
        name=row["name"],
        country=row["country_code"],
        currency=row["currency_code"],
        time_zone=row["time_zone"],
        kind=row["marketplace_type"],
        is_active=row["is_active"],
        role=row.get("role"),
    )
