"""Transactions: what is committed, what is undone, and that no context outlives its transaction."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from tests.conftest import FAST, add_shop

from entrepot.kit.crypto import Keyring, new_secret_key
from entrepot.kit.db import Database, bootstrap, check, cluster, migrating, revisions
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.errors import EntrepotError, ForbiddenError, InvalidInputError, UnavailableError
from entrepot.kit.settings import Settings

CONTEXT = (
    "current_shop_id",
    "current_platform_id",
    "current_account_id",
    "current_user_id",
    "trace_id",
    "ip",
    "user_agent",
)
RENAME = text("UPDATE pim.shops SET settings = jsonb_build_object('name', CAST(:name AS text))")


@pytest.fixture
async def narrow(settings: Settings) -> AsyncIterator[Database]:
    """A database whose pools hold one connection: whoever comes next gets the one that was used before."""
    async with Database.opened(settings, pool_size=1) as database:
        yield database


async def context_of(session: AsyncSession) -> dict[str, str]:
    """The settings of a session that hold something."""
    query = text("SELECT " + ", ".join(f"current_setting('app.{name}', true) AS {name}" for name in CONTEXT))
    return {name: value for name, value in (await session.execute(query)).mappings().one().items() if value}


async def raw_context(db: Database) -> dict[str, str]:
    """What the pooled connections of both roles hold between transactions."""
    found: dict[str, str] = {}
    for engine in (db._app, db._system):
        async with AsyncSession(engine) as session:
            found |= await context_of(session)
    return found


async def name_of(db: Database, shop: UUID) -> Any:
    async with db.tenant(shop_id=shop) as session:
        return (await session.execute(text("SELECT settings ->> 'name' FROM pim.shops"))).scalar_one()


async def test_leaving_the_block_commits(db: Database, shop: UUID) -> None:
    async with db.tenant(shop_id=shop) as session:
        await session.execute(RENAME, {"name": "Harbor"})
    assert await name_of(db, shop) == "Harbor"
    async with db.system() as session:
        await session.execute(RENAME, {"name": "Lagoon"})
    assert await name_of(db, shop) == "Lagoon"


async def test_an_exception_undoes(db: Database, shop: UUID) -> None:
    async def fail(opened: AbstractAsyncContextManager[AsyncSession]) -> None:
        async with opened as session:
            await session.execute(RENAME, {"name": "Harbor"})
            raise RuntimeError("no")

    for opened in (db.tenant(shop_id=shop), db.system()):
        with pytest.raises(RuntimeError, match="no"):
            await fail(opened)
    assert await name_of(db, shop) is None


async def test_a_failed_statement_undoes_what_went_before(db: Database, shop: UUID) -> None:
    async def fail() -> None:
        async with db.tenant(shop_id=shop) as session:
            await session.execute(RENAME, {"name": "Harbor"})
            await session.execute(text("SELECT 1 / 0"))

    with pytest.raises(DBAPIError, match="division by zero"):
        await fail()
    assert await name_of(db, shop) is None


async def test_the_context_is_the_transactions(narrow: Database) -> None:
    shop, user, platform, account = (
        await add_shop(narrow, "harbor.myshopify.com"),
        uuid4(),
        uuid4(),
        uuid4(),
    )
    values = {"trace_id": "t-1", "ip": "192.0.2.1", "user_agent": "curl"}
    async with narrow.tenant(shop_id=shop, user_id=user, **values) as session:
        wanted = {"current_shop_id": str(shop), "current_user_id": str(user), **values}
        assert await context_of(session) == wanted
        who = (await session.execute(text("SELECT session_user, current_user"))).one()
        assert who == ("entrepot_app", "entrepot_app")
    assert await raw_context(narrow) == {}
    async with narrow.tenant(platform_id=platform) as session:
        assert await context_of(session) == {"current_platform_id": str(platform)}
    async with narrow.tenant(account_id=account) as session:
        assert await context_of(session) == {"current_account_id": str(account)}
    async with narrow.system(user_id=user, trace_id="t-2") as session:
        assert await context_of(session) == {"current_user_id": str(user), "trace_id": "t-2"}
        assert (await session.execute(text("SELECT current_user"))).scalar_one() == "entrepot_system"
    assert await raw_context(narrow) == {}


@pytest.mark.parametrize(
    "said", ["O'Reilly", "back\\slash '", "100 % %s %(ip)s", "x', true); ROLLBACK; --", "ø→"]
)
async def test_a_context_is_taken_as_it_is(narrow: Database, said: str) -> None:
    async with narrow.tenant(account_id=uuid4(), user_agent=said) as session:
        assert (await context_of(session))["user_agent"] == said
    assert await raw_context(narrow) == {}


async def test_a_context_that_postgresql_cannot_hold_begins_nothing(narrow: Database, shop: UUID) -> None:
    with pytest.raises(psycopg.DataError, match="NUL"):
        async with narrow.tenant(shop_id=shop, user_agent="a\0b"):
            raise AssertionError("it began")
    assert await name_of(narrow, shop) is None


async def test_no_context_is_left_by_a_failure(narrow: Database) -> None:
    shop = await add_shop(narrow, "harbor.myshopify.com")

    async def fail(statement: str) -> None:
        async with narrow.tenant(shop_id=shop, user_id=uuid4()) as session:
            await session.execute(text(statement))
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        await fail("SELECT 1")
    assert await raw_context(narrow) == {}
    with pytest.raises(DBAPIError, match="no_such_column"):
        await fail("SELECT no_such_column")
    assert await raw_context(narrow) == {}


async def test_no_context_is_left_by_a_cancelled_task(narrow: Database, settings: Settings) -> None:
    shop = await add_shop(narrow, "harbor.myshopify.com")
    entered = asyncio.Event()

    async def sleep_in_the_database() -> None:
        async with narrow.tenant(shop_id=shop) as session:
            await session.execute(RENAME, {"name": "Harbor"})
            entered.set()
            await session.execute(text("SELECT pg_sleep(600)"))

    task = asyncio.create_task(sleep_in_the_database())
    await entered.wait()
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await raw_context(narrow) == {}
    assert await name_of(narrow, shop) is None
    async with narrow.system() as session:
        query = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg\\_sleep(600)%' AND state = 'active' AND pid <> pg_backend_pid()"
        )
        assert (await session.execute(query)).scalar_one() == 0


async def test_a_setting_of_the_session_does_not_reach_the_next(narrow: Database) -> None:
    """Even code that sets a tenant for the whole session, which nothing here does, gives nobody that tenant."""
    shop, other = (
        await add_shop(narrow, "harbor.myshopify.com"),
        await add_shop(narrow, "lagoon.myshopify.com"),
    )
    async with narrow.tenant(shop_id=shop) as session:
        await session.execute(text(f"SET SESSION app.current_shop_id = '{shop}'"))
        await session.execute(text(f"SET SESSION app.current_user_id = '{shop}'"))
    async with narrow.tenant(shop_id=other) as session:
        assert (await session.execute(text("SELECT id FROM pim.shops"))).scalars().all() == [other]
    async with narrow.tenant(platform_id=other) as session:
        assert await context_of(session) == {"current_platform_id": str(other)}
        assert (await session.execute(text("SELECT id FROM pim.shops"))).scalars().all() == []


async def test_many_tenants_share_few_connections(settings: Settings) -> None:
    async with Database.opened(settings, pool_size=2) as db:
        shops = [await add_shop(db, f"shop-{number}.myshopify.com") for number in range(10)]

        async def read(shop: UUID) -> None:
            async with db.tenant(shop_id=shop) as session:
                for _ in range(3):
                    assert (await session.execute(text("SELECT id FROM pim.shops"))).scalars().all() == [shop]
                    await asyncio.sleep(0)

        await asyncio.gather(*(read(shop) for shop in shops * 5))


async def test_a_tenant_has_to_be_named(db: Database) -> None:
    with pytest.raises(EntrepotError, match="needs a shop, a platform or an account"):
        async with db.tenant():
            pass


async def test_a_notification_is_heard(db: Database) -> None:
    listening = await db.listen("entrepot_test")
    try:
        async with db.system() as session:
            await session.execute(text("SELECT pg_notify('entrepot_test', 'hello')"))
        async for notification in listening.notifies(timeout=30, stop_after=1):
            assert notification.payload == "hello"
            break
        else:
            pytest.fail("nothing was heard")
    finally:
        await listening.close()


# Who is let in.


def url_of(settings: Settings, role: str) -> SecretStr:
    return SecretStr(EmbeddedServer(settings.home).url(role, settings.database_name))


@contextmanager
def extra_role(settings: Settings, name: str, options: str) -> Iterator[None]:
    """A role of the server's for the length of a block."""
    with psycopg.connect(libpq_url(role_url(settings, "admin")), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN {options}".encode())
        try:
            yield
        finally:
            admin.execute(f"DROP ROLE {name}".encode())


@pytest.mark.parametrize(
    ("role", "options", "reason"),
    [
        ("postgres", None, "a superuser"),
        ("entrepot_owner", None, "an owner of tables"),
        ("entrepot_system", None, "one that sees every tenant"),
        ("climber", "BYPASSRLS IN ROLE entrepot_app", "above row security"),
        ("heir", "IN ROLE entrepot_owner", "an owner of tables"),
        ("overseer", "IN ROLE entrepot_app, entrepot_system", "one that sees every tenant"),
    ],
)
async def test_a_role_above_row_security_is_refused(
    settings: Settings, role: str, options: str | None, reason: str
) -> None:
    name = role if options is None else f"{role}_{uuid4().hex[:8]}"
    powerful = settings.model_copy(
        update={
            "database_app_url": url_of(settings, name),
            "database_system_url": url_of(settings, "entrepot_system"),
        }
    )
    made = extra_role(settings, name, options) if options else None
    if made:
        made.__enter__()
    try:
        with pytest.raises(ForbiddenError, match=reason) as refused:
            await Database.open(powerful)
    finally:
        if made:
            made.__exit__(None, None, None)
    assert refused.value.hint
    assert "entrepot_app" in refused.value.hint


@pytest.mark.parametrize("role", ["postgres", "entrepot_owner"])
async def test_the_system_role_is_held_to_it_too(settings: Settings, role: str) -> None:
    powerful = settings.model_copy(
        update={
            "database_app_url": url_of(settings, "entrepot_app"),
            "database_system_url": url_of(settings, role),
        }
    )
    with pytest.raises(ForbiddenError, match="row security would not hold"):
        await Database.open(powerful)


async def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path, database_url=SecretStr(f"postgresql://postgres:x@/nowhere?host={tmp_path}&port=5432")
    )
    with pytest.raises(UnavailableError, match="does not answer") as refused:
        await Database.open(settings)
    assert refused.value.hint
    with pytest.raises(UnavailableError, match="does not answer"):
        migrating.migrate(settings)


async def test_a_url_that_is_none(tmp_path: Path) -> None:
    for url in ("mysql://root@localhost/shop", "not a url"):
        with pytest.raises(InvalidInputError, match="URL"):
            await Database.open(Settings(home=tmp_path, database_url=SecretStr(url)))


async def test_a_server_lost_between_two_transactions_is_found_again(
    narrow: Database, settings: Settings
) -> None:
    shop = await add_shop(narrow, "harbor.myshopify.com")
    assert await name_of(narrow, shop) is None
    with psycopg.connect(libpq_url(role_url(settings, "admin")), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename LIKE 'entrepot%'"
        )
    with pytest.raises(UnavailableError, match="does not answer"):
        await name_of(narrow, shop)
    assert await name_of(narrow, shop) is None


async def test_all_connections_to_a_lost_server_are_given_up_at_once(settings: Settings) -> None:
    async def ask(database: Database, together: asyncio.Barrier) -> None:
        async with database.tenant(account_id=uuid4()) as session:
            await together.wait()
            await session.execute(text("SELECT 1"))

    async with Database.opened(settings, pool_size=3) as database:
        together = asyncio.Barrier(3)
        await asyncio.gather(*(ask(database, together) for _ in range(3)))
        with psycopg.connect(libpq_url(role_url(settings, "admin")), autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename LIKE 'entrepot%'"
            )
        with pytest.raises(UnavailableError, match="does not answer"):
            await ask(database, asyncio.Barrier(1))
        await asyncio.gather(*(ask(database, together) for _ in range(3)))


# A server of one's own, with passwords.

PASSWORD = "o'clock @ 5/5"


@pytest.fixture(scope="module")
def external(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A second PostgreSQL 18 that lets nobody in without a password."""
    server = EmbeddedServer(
        tmp_path_factory.mktemp("external") / "home", settings={**FAST, "shared_buffers": "32MB"}
    )
    server.start()
    try:
        with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
            admin.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(PASSWORD))
            cluster.replace(server.data / "pg_hba.conf", "local all all scram-sha-256\n")
            admin.execute("SELECT pg_reload_conf()")
        yield server
    finally:
        server.stop("immediate")


@pytest.fixture
def own_server(external: EmbeddedServer, tmp_path: Path) -> Iterator[Settings]:
    """Settings that name an empty database on that server, as a user would write them."""
    address = f"postgresql://postgres:{PASSWORD.replace('@', '%40').replace('/', '%2F').replace(' ', '%20')}@"
    host = f"?host={external.socket_dir}&port=5432"
    with psycopg.connect(f"{address}/postgres{host}", autocommit=True) as admin:
        admin.execute("CREATE DATABASE own_shop TEMPLATE template0")
        yield Settings(home=tmp_path / "home", database_url=SecretStr(f"{address}/own_shop{host}"))
        admin.execute("DROP DATABASE own_shop WITH (FORCE)")
        for role in ("entrepot_app", "entrepot_owner", "entrepot_system"):
            admin.execute(f"DROP ROLE IF EXISTS {role}".encode())


async def test_a_server_of_ones_own_from_nothing_to_work(own_server: Settings) -> None:
    assert not own_server.embedded
    with pytest.raises(UnavailableError) as refused:
        await Database.open(own_server)
    assert "entrepot db migrate" in (refused.value.hint or "")

    bootstrap.prepare(own_server)
    with pytest.raises(UnavailableError, match="no schema of entrepot yet"):
        await Database.open(own_server)

    assert [applied.name for applied in migrating.migrate(own_server)] == [
        migrating.name(script) for script in migrating.all_scripts()
    ]
    assert migrating.migrate(own_server) == []
    assert check.differences(own_server) == []
    async with Database.opened(own_server) as db:
        shop, other = await add_shop(db, "harbor.myshopify.com"), await add_shop(db, "lagoon.myshopify.com")
        async with db.tenant(shop_id=shop) as session:
            assert (await session.execute(text("SELECT id FROM pim.shops"))).scalars().all() == [shop]
        async with db.system() as session:
            assert set((await session.execute(text("SELECT id FROM pim.shops"))).scalars()) == {shop, other}
        listening = await db.listen("entrepot_test")
        await listening.close()


async def test_passwords_come_from_the_keyring(own_server: Settings, tmp_path: Path) -> None:
    migrating.migrate(own_server)
    password = Keyring.open(own_server).derive_password("entrepot_app")
    app = role_url(own_server, "app")
    assert app.password == password
    for wrong in (None, "", password[:-1], PASSWORD):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(libpq_url(app._replace(password=wrong)), passfile="/nonexistent")
    stranger = own_server.model_copy(update={"home": tmp_path / "another-home"})
    with pytest.raises(UnavailableError, match="password authentication failed"):
        await Database.open(stranger)


async def test_hosts_that_share_the_key_share_the_database(own_server: Settings, tmp_path: Path) -> None:
    key = SecretStr(new_secret_key())
    first = own_server.model_copy(update={"secret_key": key})
    second = own_server.model_copy(update={"secret_key": key, "home": tmp_path / "second"})
    migrating.migrate(first)
    async with Database.opened(first) as one, Database.opened(second) as two:
        shop = await add_shop(one, "harbor.myshopify.com")
        assert await name_of(two, shop) is None


async def test_an_outdated_schema_is_refused(own_server: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    migrating.migrate(own_server)
    monkeypatch.setattr(revisions, "head", lambda: "9999")
    with pytest.raises(UnavailableError, match="works with 9999") as refused:
        await Database.open(own_server)
    assert "entrepot db migrate" in (refused.value.hint or "")
