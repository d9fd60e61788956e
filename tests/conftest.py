"""One embedded PostgreSQL 18 a run, one migrated template, and a clone of it for every test that asks for a database."""

import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import hypothesis
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text

from entrepot.kit.db import Database
from entrepot.kit.db.bootstrap import grant_database
from entrepot.kit.db.migrating import migrate
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.settings import Settings

TEMPLATE = "entrepot_template"
SHARED = Path(__file__).resolve().parents[2] / "shared"
#: Durability is not what tests are about; the server's own tests run with the real settings.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "300"}


#: A clone is 1,800 small files, which memory makes ten times as fast as a disk; where it has room for a run.
IN_MEMORY = Path("/dev/shm")
ROOM = 6 * 1024**3


# How long an example takes says something of the machine, and nothing of the program.
hypothesis.settings.register_profile(
    "shared machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("shared machine")


def pytest_configure(config: pytest.Config) -> None:
    """The controller (or the only process) owns the server; workers find its home in the environment."""
    if not hasattr(config, "workerinput"):
        roomy = IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free >= ROOM
        os.environ["ENTREPOT_TEST_HOME"] = tempfile.mkdtemp(
            prefix="entrepot-test-", dir=IN_MEMORY if roomy else None
        )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server and remove its home."""
    if not hasattr(config, "workerinput"):
        home = Path(os.environ.pop("ENTREPOT_TEST_HOME"))
        if (home / "server").exists():
            EmbeddedServer(home).stop("immediate")
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def server_home() -> Path:
    """The home of the run's server, started and with its migrated template; the first process to come makes them."""
    home = Path(os.environ["ENTREPOT_TEST_HOME"])
    server = EmbeddedServer(home, settings=FAST)
    server.start()
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock(hashtext('entrepot.tests.template'))")
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone() is None:
            making = f"{TEMPLATE}_new"
            migrate(Settings(home=home, database_name=making))
            admin.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    sql.Identifier(making), sql.Identifier(TEMPLATE)
                )
            )
    return home


@contextmanager
def clone(server_home: Path) -> Iterator[Settings]:
    """Settings of a database cloned from the template, dropped after the block."""
    name = f"test_{secrets.token_hex(6)}"
    url = EmbeddedServer(server_home).url("postgres", "postgres")
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock_shared(hashtext('entrepot.tests.template'))")
        # Files are copied: the other way writes every page to the log as well and takes twice as long.
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name), sql.Identifier(TEMPLATE)
            )
        )
        grant_database(admin, name)
    yield Settings(home=server_home, database_name=name)
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def settings(server_home: Path) -> Iterator[Settings]:
    """Settings of a database of the test's own."""
    with clone(server_home) as found:
        yield found


@pytest.fixture
async def db(settings: Settings) -> AsyncIterator[Database]:
    """The two pools on the test's own database."""
    async with Database.opened(settings) as database:
        yield database


async def add_shop(db: Database, domain: str) -> UUID:
    """A shop as short as the table allows."""
    async with db.system() as session:
        row = await session.execute(
            text(
                """
                INSERT INTO pim.shops (shopify_domain, access_token_ciphertext, access_token_iv, access_token_tag, scopes)
                VALUES (:domain, '', '', '', '{}') RETURNING id
                """
            ),
            {"domain": domain},
        )
        found: UUID = row.scalar_one()
        return found


@pytest.fixture
async def shop(db: Database) -> UUID:
    """A shop in the test's database."""
    return await add_shop(db, "harbor.myshopify.com")


@pytest.fixture
async def other_shop(db: Database) -> UUID:
    """Another tenant."""
    return await add_shop(db, "lagoon.myshopify.com")


async def add_platform(db: Database, code: str) -> UUID:
    """A platform as short as the table allows."""
    async with db.system() as session:
        row = await session.execute(
            text(
                "INSERT INTO marketplace.hm_platform (platform_code, name) SELECT code, code FROM (SELECT CAST(:code AS text) AS code) AS given RETURNING id"
            ),
            {"code": code},
        )
        found: UUID = row.scalar_one()
        return found


@pytest.fixture
async def platform(db: Database) -> UUID:
    """A platform in the test's database."""
    return await add_platform(db, "quayside")


@pytest.fixture
async def other_platform(db: Database) -> UUID:
    """Another tenant of the marketplace."""
    return await add_platform(db, "breakwater")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The data sets beside the repository; a test that needs them says so when they are missing."""
    if not SHARED.is_dir():
        pytest.skip("the data sets (../shared) are not beside this checkout")
    return SHARED
