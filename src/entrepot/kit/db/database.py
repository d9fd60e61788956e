"""The two ways to a transaction: a tenant's, and the one that spans tenants."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from entrepot.kit.db import revisions
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.db.urls import Role, libpq_url, role_url
from entrepot.kit.errors import EntrepotError, ForbiddenError, UnavailableError
from entrepot.kit.settings import Settings, get_settings

#: A transaction begins with its context, in one message to the server: with a statement for each, and each of them
#: through SQLAlchemy, a small transaction costs the program a third more. The values are those of psycopg.
BEGIN = """
    BEGIN;
    SELECT set_config('app.current_shop_id', %(shop_id)s, true),
           set_config('app.current_platform_id', %(platform_id)s, true),
           set_config('app.current_account_id', %(account_id)s, true),
           set_config('app.current_user_id', %(user_id)s, true),
           set_config('app.trace_id', %(trace_id)s, true),
           set_config('app.ip', %(ip)s, true),
           set_config('app.user_agent', %(user_agent)s, true)
"""
NO_CONTEXT = dict.fromkeys(
    ("shop_id", "platform_id", "account_id", "user_id", "trace_id", "ip", "user_agent"), ""
)


class Database:
    """The pools of one process: one that serves tenants, one for the work that spans them."""

    def __init__(self, settings: Settings, *, pool_size: int | None = None) -> None:
        self.settings = settings
        size = pool_size or settings.pool_size
        self._app = _engine(settings, "app", size)
        self._system = _engine(settings, "system", size)
        self._lease: Any = None

    @classmethod
    async def open(cls, settings: Settings | None = None, *, pool_size: int | None = None) -> Self:
        """Connect; the embedded server is started and brought up to date first.

        Raises UnavailableError where no server answers or the schema is not this program's, ForbiddenError where
        row security would not hold for the roles that it would run as.
        """
        settings = settings or get_settings()
        lease = None
        if settings.embedded:
            lease = EmbeddedServer(settings.home).lease()
            lease.acquire()
            try:
                revisions.migrate_if_needed(settings)
            except BaseException:
                lease.release()
                raise
        database = cls(settings, pool_size=pool_size)
        database._lease = lease
        try:
            await database._refuse_privilege()
            await database._require_schema()
        except BaseException:
            await database.close()
            raise
        return database

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, settings: Settings | None = None, *, pool_size: int | None = None
    ) -> AsyncIterator[Self]:
        """`open` and `close` around a block."""
        database = await cls.open(settings, pool_size=pool_size)
        try:
            yield database
        finally:
            await database.close()

    async def close(self) -> None:
        """Give back every connection, and the share in the embedded server."""
        await self._app.dispose()
        await self._system.dispose()
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    @asynccontextmanager
    async def tenant(
        self,
        *,
        shop_id: UUID | str | None = None,
        platform_id: UUID | str | None = None,
        account_id: UUID | str | None = None,
        user_id: UUID | str | None = None,
        trace_id: str | None = None,
        ip: str | None = None,
        user_agent: str | None = None,
    ) -> AsyncIterator[AsyncSession]:
        """A transaction as entrepot_app that sees one tenant; commits at the end, rolls back on an exception.

        The context ends with the transaction, so a pooled connection carries nothing to its next user.
        """
        if shop_id is None and platform_id is None and account_id is None:
            raise EntrepotError("A tenant transaction needs a shop, a platform or an account.")
        context = {
            "shop_id": shop_id,
            "platform_id": platform_id,
            "account_id": account_id,
            "user_id": user_id,
            "trace_id": trace_id,
            "ip": ip,
            "user_agent": user_agent,
        }
        async with self._transaction(self._app, context) as session:
            yield session

    @asynccontextmanager
    async def system(
        self,
        *,
        user_id: UUID | str | None = None,
        trace_id: str | None = None,
        ip: str | None = None,
        user_agent: str | None = None,
    ) -> AsyncIterator[AsyncSession]:
        """A transaction as entrepot_system, which sees every tenant; commits at the end, rolls back on an exception."""
        context = {"user_id": user_id, "trace_id": trace_id, "ip": ip, "user_agent": user_agent}
        async with self._transaction(self._system, context) as session:
            yield session

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine, context: dict[str, Any]) -> AsyncIterator[AsyncSession]:
        values = NO_CONTEXT | {name: str(value) for name, value in context.items() if value is not None}
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            try:
                await begin(session, values)
            except psycopg.OperationalError as error:
                # The others lead to the same server: none of them is handed out again, as after a statement that
                # finds its connection lost.
                await session.invalidate()
                await engine.dispose()
                raise _unavailable(error) from error
            except OperationalError as error:
                raise _unavailable(error.orig or error) from error
            yield session

    async def listen(self, *channels: str) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        """A connection of its own, as entrepot_system, that hears `NOTIFY` on the channels; the caller closes it."""
        connection = await psycopg.AsyncConnection.connect(
            self.url("system"), autocommit=True, connect_timeout=10, application_name="entrepot listener"
        )
        for channel in channels:
            await connection.execute(psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel)))
        return connection

    def url(self, role: Role) -> str:
        """The libpq URL of a role."""
        return libpq_url(role_url(self.settings, role))

    async def _refuse_privilege(self) -> None:
        query = text(
            """
            SELECT r.rolname, r.rolsuper, r.rolbypassrls,
                   EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                           WHERE pg_has_role(r.oid, c.relowner, 'MEMBER')
                             AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'public')) AS owns,
                   coalesce(pg_has_role(r.oid, (SELECT s.oid FROM pg_roles AS s WHERE s.rolname = 'entrepot_system'), 'MEMBER'),
                            false) AS spans_tenants
            FROM pg_roles AS r WHERE r.rolname = session_user
            """
        )
        for engine, role in ((self._app, "entrepot_app"), (self._system, "entrepot_system")):
            try:
                async with engine.connect() as connection:
                    row = (await connection.execute(query)).one()
            except OperationalError as error:
                raise _unavailable(error.orig or error) from error
            power = (
                "a superuser"
                if row.rolsuper
                else "above row security"
                if row.rolbypassrls
                else "an owner of tables"
                if row.owns
                else "one that sees every tenant"
                if row.spans_tenants and role == "entrepot_app"
                else None
            )
            if power:
                raise ForbiddenError(
                    f"The program would run as {row.rolname}, which is {power}; row security would not hold.",
                    hint=f"Sign in as {role}: unset ENTREPOT_DATABASE_APP_URL and _SYSTEM_URL, or name a role without these powers.",
                )

    async def _require_schema(self) -> None:
        hint = "Run `entrepot db migrate`."
        async with self._app.connect() as connection:
            made = (
                await connection.execute(text("SELECT to_regclass('entrepot.alembic_version') IS NOT NULL"))
            ).scalar_one()
            if not made:
                raise UnavailableError("The database has no schema of entrepot yet.", hint=hint)
            revision = (
                await connection.execute(text("SELECT max(version_num) FROM entrepot.alembic_version"))
            ).scalar_one()
        if revision != revisions.head():
            raise UnavailableError(
                f"The schema is at revision {revision or 'none'}; this version of entrepot works with {revisions.head()}.",
                hint=hint,
            )


async def begin(session: AsyncSession, context: Mapping[str, str]) -> None:
    """Begin the transaction of a session on an engine in autocommit, with all of a context (NO_CONTEXT for none)."""
    connection = (await (await session.connection()).get_raw_connection()).driver_connection
    assert isinstance(connection, psycopg.AsyncConnection)
    # A client's cursor writes the values into the text, since no message with values apart holds two statements.
    await psycopg.AsyncClientCursor(connection).execute(BEGIN, context)


def _engine(settings: Settings, role: Role, size: int) -> AsyncEngine:
    return create_async_engine(
        role_url(settings, role),
        # psycopg begins nothing by itself: `begin` does, and SQLAlchemy ends what it began.
        isolation_level="AUTOCOMMIT",
        pool_size=size,
        max_overflow=0,
        pool_timeout=30,
        pool_recycle=1800,
        connect_args={
            "connect_timeout": 10,
            "application_name": f"entrepot {role}",
            "options": "-c timezone=UTC -c jit=off",
        },
    )


def _unavailable(error: BaseException) -> UnavailableError:
    reason = str(error).strip().splitlines()[-1]
    return UnavailableError(
        f"PostgreSQL does not answer: {reason}",
        hint="Run `entrepot doctor`; for a server of your own, `entrepot db migrate` makes the roles.",
    )
