"""What is made of what was found: plain values in, one check out. Nothing here looks at the machine or the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from entrepot.kit.db.bootstrap import EXTENSIONS, OPTIONAL_EXTENSIONS, REQUIRED_VERSION
from entrepot.kit.db.urls import ROLE_NAMES
from entrepot.kit.output import format_bytes

State = Literal["ok", "warn", "fail"]

LEAST_PYTHON = (3, 11)
#: Older pgvector has known defects in its HNSW indexes.
RECOMMENDED_VECTOR = (0, 8, 4)
GIBIBYTE = 1024**3
CLOCK_WARNS = timedelta(seconds=2)
CLOCK_FAILS = timedelta(seconds=60)
PACKAGES = {"vector": "pgvector (Debian: postgresql-18-pgvector)"}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; `mend` says what to do and is empty when all is well."""

    name: str
    state: State
    found: str
    mend: str = ""


@dataclass(frozen=True)
class Extension:
    """An extension as the server offers it and as the database has it; None where it does not."""

    available: str | None
    installed: str | None


@dataclass(frozen=True)
class Role:
    """A role as the server knows it; `owns` counts the tables of our schemas that are its own."""

    superuser: bool
    bypasses_rls: bool
    can_login: bool
    owns: int
    is_owner: bool


def check_python(version: tuple[int, int, int]) -> Check:
    """The interpreter that runs this."""
    found = ".".join(map(str, version))
    if version[:2] < LEAST_PYTHON:
        return Check(
            "Python", "fail", found, "Install Python 3.11 or newer, and make the environment anew with it."
        )
    return Check("Python", "ok", found)


def check_disk(free: int, where: str) -> Check:
    """The room that is left where the home is."""
    found = f"{format_bytes(free)} free in {where}"
    mend = "Free some space, or set ENTREPOT_HOME to a directory on another disk."
    if free < GIBIBYTE:
        return Check("disk", "fail", found, mend)
    if free < 5 * GIBIBYTE:
        return Check("disk", "warn", found, mend)
    return Check("disk", "ok", found)


def check_version(version: int) -> Check:
    """The server's version, as `server_version_num` gives it."""
    found = f"PostgreSQL {version // 10000}.{version % 10000}"
    if version // 10000 < REQUIRED_VERSION:
        mend = f"Upgrade the server to PostgreSQL {REQUIRED_VERSION}, or unset ENTREPOT_DATABASE_URL to use the embedded one."
        return Check("server version", "fail", found, mend)
    return Check("server version", "ok", found)


def check_extension(name: str, extension: Extension, *, prepared: bool) -> Check:
    """An extension that entrepot needs (pgcrypto: would use). `prepared`: migrations have run, so it should be there."""
    label = f"extension {name}"
    if extension.installed is None and extension.available is None:
        if name in OPTIONAL_EXTENSIONS:
            return Check(label, "ok", "not offered by this server; nothing needs it")
        package = PACKAGES.get(name, "the contrib package of PostgreSQL 18 (Debian: postgresql-18)")
        return Check(label, "fail", "not offered by this server", f"Install {package} on the server.")
    if extension.installed is None:
        found = f"{extension.available} offered, not made in the database"
        if name in OPTIONAL_EXTENSIONS:
            return Check(label, "ok", found)
        return Check(label, "fail" if prepared else "warn", found, "Run `entrepot db migrate`.")
    if name == "vector" and numbers(extension.installed) < RECOMMENDED_VECTOR:
        wanted = ".".join(map(str, RECOMMENDED_VECTOR))
        offered = extension.available is not None and numbers(extension.available) >= RECOMMENDED_VECTOR
        first = "" if offered else f"Install pgvector {wanted} or newer on the server, then "
        mend = f"{first}run `ALTER EXTENSION vector UPDATE` as the administrator."
        return Check(label, "warn", f"{extension.installed}, older than {wanted}", mend[0].upper() + mend[1:])
    return Check(label, "ok", extension.installed)


def check_extensions(extensions: Mapping[str, Extension], *, prepared: bool) -> list[Check]:
    """Every extension, the optional ones last."""
    nothing = Extension(None, None)
    names = (*EXTENSIONS, *OPTIONAL_EXTENSIONS)
    return [check_extension(name, extensions.get(name, nothing), prepared=prepared) for name in names]


def check_role(name: str, role: Role | None, *, serves: bool, prepared: bool) -> Check:
    """One of the three roles. `serves`: row security has to hold for it, so it may be above nothing."""
    label = f"role {name}"
    if role is None:
        return Check(
            label, "fail" if prepared else "warn", "missing", "Run `entrepot db migrate`, which makes it."
        )
    powers = [
        power for power, held in (("superuser", role.superuser), ("BYPASSRLS", role.bypasses_rls)) if held
    ]
    mends = [f"ALTER ROLE {name} NOSUPERUSER NOBYPASSRLS;"] if powers else []
    if serves and role.owns:
        powers.append(f"owner of {role.owns} tables")
        mends.append(f"REASSIGN OWNED BY {name} TO {ROLE_NAMES['owner']};")
    if serves and role.is_owner:
        powers.append(f"member of {ROLE_NAMES['owner']}")
        mends.append(f"REVOKE {ROLE_NAMES['owner']} FROM {name};")
    if powers:
        found = f"{', '.join(powers)}: row security would not hold" if serves else ", ".join(powers)
        return Check(label, "fail" if serves else "warn", found, f"As the administrator: {' '.join(mends)}")
    if not role.can_login:
        return Check(label, "fail", "may not sign in", f"As the administrator: ALTER ROLE {name} LOGIN;")
    return Check(label, "ok", "signs in, and row security holds for it" if serves else "signs in")


def check_session(role: str, user: str, *, superuser: bool, bypasses_rls: bool) -> Check:
    """Who the program is when it serves, whatever the URL says."""
    label = f"serving as {role}"
    if superuser or bypasses_rls:
        power = "a superuser" if superuser else "above row security"
        mend = f"Take {user} out of ENTREPOT_DATABASE_{role.upper()}_URL; {ROLE_NAMES['app' if role == 'app' else 'system']} belongs there."
        return Check(label, "fail", f"{user}, which is {power}", mend)
    return Check(label, "ok", user)


def check_time_zone(zone: str) -> Check:
    """The server's time zone."""
    if zone.upper() in ("UTC", "ETC/UTC", "GMT", "ETC/GMT"):
        return Check("time zone", "ok", zone)
    mend = (
        "As the administrator: ALTER DATABASE … SET timezone = 'UTC'; our own connections use UTC regardless."
    )
    return Check("time zone", "warn", zone, mend)


def check_clock(ahead: timedelta) -> Check:
    """How far the server's clock is ahead of this machine's."""
    seconds = abs(ahead.total_seconds())
    found = f"server and host differ by {seconds:.1f} s"
    mend = "Let both machines take the time from the network (NTP): schedules and leases count on it."
    if abs(ahead) > CLOCK_FAILS:
        return Check("clock", "fail", found, mend)
    if abs(ahead) > CLOCK_WARNS:
        return Check("clock", "warn", found, mend)
    return Check("clock", "ok", found)


def check_encoding(encoding: str) -> Check:
    """What the database stores text as."""
    if encoding == "UTF8":
        return Check("encoding", "ok", encoding)
    return Check(
        "encoding", "fail", encoding, "Make the database anew with ENCODING 'UTF8' TEMPLATE template0."
    )


def check_migrations(applied: Sequence[str], head: str, *, embedded: bool) -> Check:
    """The schema's revision, beside the newest one of this program."""
    if head in applied:
        return Check("migrations", "ok", f"at {head}")
    mend = "Run `entrepot db migrate`."
    if not applied:
        if embedded:
            return Check("migrations", "warn", "none yet", f"Made on first use. {mend}")
        return Check("migrations", "fail", "none yet", mend)
    found = f"at {', '.join(applied)}; this program has {head}"
    return Check(
        "migrations", "fail", found, f"{mend} If the database is the newer one, update entrepot instead."
    )


def numbers(version: str) -> tuple[int, ...]:
    """A version for comparison: "0.8.4" as (0, 8, 4)."""
    return tuple(int(part) for part in version.split(".") if part.isdecimal())
