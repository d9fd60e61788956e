"""The round: the machine first, then the server, then what is in it. Nothing is changed on the way."""

import asyncio
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg.rows import dict_row

from entrepot.kit.crypto import keyring_path
from entrepot.kit.db import revisions
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.db.urls import ROLE_NAMES, Role, libpq_url, role_url
from entrepot.kit.doctor import checks, queries
from entrepot.kit.doctor.checks import Check
from entrepot.kit.doctor.home import examine_home
from entrepot.kit.errors import EntrepotError
from entrepot.kit.settings import Settings, get_settings

SERVES: tuple[Role, ...] = ("app", "system")


@dataclass(frozen=True)
class Facts:
    """What one connection tells about the server and the database."""

    version: int
    encoding: str
    zone: str
    ahead: timedelta
    extensions: dict[str, checks.Extension]
    roles: dict[str, checks.Role]
    revisions: list[str]


async def examine(settings: Settings | None = None) -> list[Check]:
    """Every check, in the order in which one would mend them.

    The embedded server is started for the length of the round where it does not run.
    """
    settings = settings or get_settings()
    found = [checks.check_python(sys.version_info[:3]), *await asyncio.to_thread(examine_home, settings)]
    if not settings.embedded:
        return found + await asyncio.to_thread(examine_database, settings)
    lease = EmbeddedServer(settings.home).lease()
    try:
        await asyncio.to_thread(lease.acquire)
    except EntrepotError as error:
        return [
            *found,
            Check(
                "server", "fail", error.detail, error.hint or "Run `entrepot db start` and read what it says."
            ),
        ]
    try:
        return found + await asyncio.to_thread(examine_database, settings)
    finally:
        await asyncio.to_thread(lease.release)


def examine_database(settings: Settings) -> list[Check]:
    """The checks of a server that should be reachable."""
    reached = _reach(settings)
    if isinstance(reached, Check):
        return [reached]
    where, facts = reached
    found = [Check("server", "ok", where), checks.check_version(facts.version)]
    # Half of what follows would only say again that the server is too old.
    if found[-1].state == "fail":
        return found
    prepared = bool(facts.revisions) or not settings.embedded
    found += [
        checks.check_encoding(facts.encoding),
        checks.check_time_zone(facts.zone),
        checks.check_clock(facts.ahead),
    ]
    found += checks.check_extensions(facts.extensions, prepared=prepared)
    for role, name in ROLE_NAMES.items():
        found.append(checks.check_role(name, facts.roles.get(name), serves=role in SERVES, prepared=prepared))
    if prepared:
        found += [_session(settings, role) for role in SERVES]
    found.append(checks.check_migrations(facts.revisions, revisions.head(), embedded=settings.embedded))
    return found


def _reach(settings: Settings) -> tuple[str, Facts] | Check:
    """What the first connection that works tells; the administrator's is not always there, nor the database yet."""
    refusals: list[str] = []
    tries: list[tuple[Role, str | None]] = [("admin", None), ("system", None), ("app", None), ("owner", None)]
    if settings.embedded:
        tries.append(("admin", "postgres"))
    for role, database in tries:
        if not _has_url(settings, role):
            continue
        try:
            url = role_url(settings, role, database=database)
            with psycopg.connect(libpq_url(url), autocommit=True, connect_timeout=5) as connection:
                where = (
                    "the embedded server"
                    if settings.embedded
                    else f"{url.host or 'socket'}, database {url.database}"
                )
                return where, _facts(connection)
        except EntrepotError as error:
            refusals.append(str(error))
        except psycopg.Error as error:
            refusals.append(str(error).strip().splitlines()[-1])
    mend = "Check host, port, user, password and database name in ENTREPOT_DATABASE_URL, and that the server runs."
    if settings.embedded:
        mend = f"See the server's log in {settings.home / 'log'}; `entrepot db stop` and `entrepot db start` start it anew."
    return Check("server", "fail", refusals[0] if refusals else "no URL to sign in with", mend)


def _facts(connection: psycopg.Connection[tuple[object, ...]]) -> Facts:
    cursor = connection.cursor(row_factory=dict_row)
    before = datetime.now(UTC)
    server = cursor.execute(queries.SERVER).fetchone()
    halfway = before + (datetime.now(UTC) - before) / 2
    if server is None:
        raise psycopg.OperationalError("the server answers nothing")
    offered = cursor.execute(queries.EXTENSIONS).fetchall()
    known = cursor.execute(queries.ROLES, [list(ROLE_NAMES.values())]).fetchall()
    applied = cursor.execute(queries.REVISIONS).fetchall() if server["migrated"] else []
    return Facts(
        version=server["version"],
        encoding=server["encoding"],
        zone=server["zone"],
        ahead=server["now"] - halfway,
        extensions={row.pop("name"): checks.Extension(**row) for row in offered},
        roles={row.pop("name"): checks.Role(**row) for row in known},
        revisions=[row["version_num"] for row in applied],
    )


def _has_url(settings: Settings, role: Role) -> bool:
    """Whether a URL can be made for the role as things are; making a keyring for it would be no examination."""
    explicit = {
        "admin": settings.database_url,
        "owner": settings.database_owner_url,
        "app": settings.database_app_url,
        "system": settings.database_system_url,
    }[role]
    if settings.embedded or explicit is not None:
        return True
    has_key = settings.secret_key is not None or keyring_path(settings).exists()
    return role != "admin" and settings.database_url is not None and has_key


def _session(settings: Settings, role: Role) -> Check:
    """Sign in as the program does, and see who one is."""
    if not _has_url(settings, role):
        mend = f"Run `entrepot db migrate`, or set ENTREPOT_DATABASE_{role.upper()}_URL."
        return Check(
            f"serving as {role}", "fail", "its password comes from the keyring, which is not there", mend
        )
    try:
        with psycopg.connect(libpq_url(role_url(settings, role)), connect_timeout=5) as connection:
            row = connection.execute(queries.SESSION).fetchone()
    except (psycopg.Error, EntrepotError) as error:
        said = str(error).strip().splitlines()[-1]
        mend = "Run `entrepot db migrate`, which sets the role's password, or set "
        return Check(f"serving as {role}", "fail", said, f"{mend}ENTREPOT_DATABASE_{role.upper()}_URL.")
    user, superuser, bypasses = row or ("nobody", False, False)
    return checks.check_session(role, str(user), superuser=bool(superuser), bypasses_rls=bool(bypasses))
