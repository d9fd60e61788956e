"""What only an administrator can do: the database, the three roles, the extensions."""

import psycopg
from psycopg import sql

from entrepot.kit.crypto import Keyring
from entrepot.kit.db.urls import ROLE_NAMES, libpq_url, role_url
from entrepot.kit.errors import InvalidInputError, UnavailableError
from entrepot.kit.settings import Settings

REQUIRED_VERSION = 18
EXTENSIONS = ("citext", "pg_trgm", "btree_gin", "btree_gist", "vector", "pg_stat_statements", "pgstattuple")
OPTIONAL_EXTENSIONS = ("pgcrypto",)


def prepare(settings: Settings, *, database: str | None = None) -> None:
    """Make the database (embedded only), the roles and the extensions; run again, it changes nothing.

    Raises UnavailableError where no server answers, InvalidInputError where it is not PostgreSQL 18 or the
    administrator may not do what is needed.
    """
    # One at a time: two who make the same database, role or extension at once would fail each other.
    with connect_admin(settings, database="postgres" if settings.embedded else database) as alone:
        alone.execute("SELECT pg_advisory_lock(hashtext('entrepot.prepare'))")
        if settings.embedded:
            _create_database(alone, database or settings.database_name)
        _prepare(settings, database)


def _prepare(settings: Settings, database: str | None) -> None:
    with connect_admin(settings, database=database) as connection:
        require_version(connection)
        _create_roles(connection, settings)
        _create_extensions(connection)
        close_statistics(connection)
        grant_database(connection, connection.info.dbname)


def grant_database(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """What the three roles may do with a database, and that nobody else makes temporary tables or schemas in it.

    CONNECT is left as it is: a database of one's own may serve others too, and to them our schemas are closed.
    """
    database = sql.Identifier(name)
    for statement in (
        "REVOKE CREATE, TEMPORARY ON DATABASE {} FROM PUBLIC",
        "GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {} TO entrepot_owner",
        "GRANT CONNECT, TEMPORARY ON DATABASE {} TO entrepot_app, entrepot_system",
    ):
        connection.execute(sql.SQL(statement).format(database))


def close_statistics(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Keep the texts of all tenants' statements from entrepot_app, which runs them for every tenant."""
    rows = connection.execute(
        """
        SELECT CASE WHEN d.classid = 'pg_class'::regclass THEN 'TABLE ' || d.objid::regclass
                    ELSE 'FUNCTION ' || d.objid::regprocedure END
        FROM pg_depend AS d JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
        LEFT JOIN pg_class AS c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
        LEFT JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
        -- Where the extension is somebody else's, as on some managed servers, its owner decides.
        WHERE e.extname = 'pg_stat_statements' AND d.deptype = 'e' AND pg_has_role(coalesce(c.relowner, p.proowner), 'USAGE')
        """
    ).fetchall()
    for (what,) in rows:
        connection.execute(f"REVOKE ALL ON {what} FROM PUBLIC".encode())


def connect_admin(
    settings: Settings, *, database: str | None = None
) -> psycopg.Connection[tuple[object, ...]]:
    """An autocommit connection as the administrator."""
    url = role_url(settings, "admin", database=database)
    try:
        return psycopg.connect(libpq_url(url), autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise UnavailableError(
            f"PostgreSQL does not answer: {str(error).strip().splitlines()[-1]}",
            hint="Check ENTREPOT_DATABASE_URL, or run `entrepot doctor`.",
        ) from error


def require_version(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Refuse a server older than PostgreSQL 18."""
    version = connection.info.server_version
    if version // 10000 < REQUIRED_VERSION:
        raise InvalidInputError(
            f"The server is PostgreSQL {version // 10000}; entrepot needs {REQUIRED_VERSION}.",
            hint="Unset ENTREPOT_DATABASE_URL to use the embedded server, or point it to a PostgreSQL 18.",
        )


def _create_database(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))


def _create_roles(connection: psycopg.Connection[tuple[object, ...]], settings: Settings) -> None:
    keyring = None if settings.embedded else Keyring.open(settings)
    managed_elsewhere = {
        "owner": settings.database_owner_url,
        "app": settings.database_app_url,
        "system": settings.database_system_url,
    }
    with connection.transaction():
        for role, name in ROLE_NAMES.items():
            identifier = sql.Identifier(name)
            row = connection.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", [name]).fetchone()
            try:
                if row is None:
                    connection.execute(
                        sql.SQL(
                            "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
                        ).format(identifier)
                    )
                if keyring is not None and managed_elsewhere[role] is None:
                    password = sql.Literal(keyring.derive_password(name))
                    connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(identifier, password))
            except psycopg.errors.InsufficientPrivilege as error:
                raise InvalidInputError(
                    f"The administrator in ENTREPOT_DATABASE_URL may not make or change the role {name}.",
                    hint="Use a role with CREATEROLE, or make the three roles yourself and set ENTREPOT_DATABASE_OWNER_URL, _APP_URL and _SYSTEM_URL.",
                ) from error
        # The owner's definer functions and materialized views read through the policies that name entrepot_system.
        connection.execute("GRANT entrepot_system TO entrepot_owner")


def _create_extensions(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    available = {str(row[0]) for row in connection.execute("SELECT name FROM pg_available_extensions")}
    missing = [name for name in EXTENSIONS if name not in available]
    if missing:
        raise InvalidInputError(
            f"The server lacks the extensions {', '.join(missing)}.",
            hint="Install pgvector and the contrib package of PostgreSQL 18 on it.",
        )
    installed = {str(row[0]) for row in connection.execute("SELECT extname FROM pg_extension")}
    for name in (*EXTENSIONS, *(extra for extra in OPTIONAL_EXTENSIONS if extra in available)):
        if name not in installed:
            connection.execute(
                sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA public").format(sql.Identifier(name))
            )
