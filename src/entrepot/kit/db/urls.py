"""Where each role finds the database.

Embedded: the server's Unix socket, whose directory only its owner can enter. Elsewhere: ENTREPOT_DATABASE_URL names
the server and an administrator, and the three roles sign in with passwords derived from the keyring, so that every
host that holds the key can connect and none has a password in a file.
"""

from typing import Literal

from sqlalchemy import URL, make_url

from entrepot.kit.crypto import Keyring
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.errors import InvalidInputError
from entrepot.kit.settings import Settings

Role = Literal["admin", "owner", "app", "system"]
ROLE_NAMES: dict[Role, str] = {"owner": "entrepot_owner", "app": "entrepot_app", "system": "entrepot_system"}


def role_url(settings: Settings, role: Role, *, database: str | None = None) -> URL:
    """The SQLAlchemy URL (driver psycopg) that signs in as `role`."""
    if settings.embedded:
        name = "postgres" if role == "admin" else ROLE_NAMES[role]
        raw = EmbeddedServer(settings.home).url(name, database or settings.database_name)
        return _parse(raw).set(drivername="postgresql+psycopg")
    explicit = {
        "admin": settings.database_url,
        "owner": settings.database_owner_url,
        "app": settings.database_app_url,
        "system": settings.database_system_url,
    }[role]
    if explicit is not None:
        found = _parse(explicit.get_secret_value())
    elif settings.database_url is None:
        raise InvalidInputError(
            f"No URL tells how to sign in as {ROLE_NAMES.get(role, 'the administrator')}.",
            hint="Set ENTREPOT_DATABASE_URL"
            + ("." if role == "admin" else f", or ENTREPOT_DATABASE_{role.upper()}_URL for this role alone."),
        )
    else:
        password = Keyring.open(settings).derive_password(ROLE_NAMES[role])
        found = _parse(settings.database_url.get_secret_value()).set(
            username=ROLE_NAMES[role], password=password
        )
    if database is not None:
        found = found.set(database=database)
    return found.set(drivername="postgresql+psycopg")


def libpq_url(url: URL) -> str:
    """The same URL as libpq and psql read it, with the password in it."""
    head, mark, query = url.set(drivername="postgresql").render_as_string(hide_password=False).partition("?")
    # SQLAlchemy writes a blank as a form does; to libpq a plus is a plus.
    return head.replace(" ", "%20") + mark + query.replace("+", "%20")


def _parse(raw: str) -> URL:
    try:
        url = make_url(raw)
    except Exception as error:
        raise InvalidInputError(
            "The database URL cannot be read.",
            hint="It looks like postgresql://user:password@host:5432/database.",
        ) from error
    if not url.drivername.startswith("postgres"):
        raise InvalidInputError(
            f"The database URL is for {url.drivername!r}.",
            hint="Entrepot needs PostgreSQL 18: postgresql://user:password@host:5432/database.",
        )
    return url
