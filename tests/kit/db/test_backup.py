"""Backups that are restored: everything comes back, or nothing changes."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from entrepot.kit.db.backup import backup, restore, sha256_of
from entrepot.kit.db.check import differences
from entrepot.kit.db.cluster import program
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.errors import ConflictError, ForbiddenError, InvalidInputError, UnavailableError
from entrepot.kit.settings import Settings

SHOP = """
    CREATE EXTENSION citext;
    CREATE SCHEMA pim AUTHORIZATION keeper;
    GRANT USAGE ON SCHEMA pim TO clerk;
    SET ROLE keeper;
    CREATE TABLE pim.shops (id uuid PRIMARY KEY DEFAULT uuidv7(), name public.citext UNIQUE);
    CREATE TABLE pim.orders (
        shop_id uuid NOT NULL REFERENCES pim.shops, ordered_at timestamptz NOT NULL, total numeric(19, 4),
        gross numeric(19, 4) GENERATED ALWAYS AS (total * 1.2) STORED,
        PRIMARY KEY (shop_id, ordered_at)
    ) PARTITION BY RANGE (ordered_at);
    COMMENT ON TABLE pim.orders IS 'What was ordered; "quoted", l''été';
    COMMENT ON COLUMN pim.orders.total IS 'In the shop''s currency';
    CREATE TABLE pim.orders_2026 PARTITION OF pim.orders FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    CREATE TABLE pim.orders_default PARTITION OF pim.orders DEFAULT;
    CREATE INDEX orders_total ON pim.orders (shop_id, total DESC) WHERE total > 0;
    ALTER TABLE pim.orders ENABLE ROW LEVEL SECURITY;
    ALTER TABLE pim.orders FORCE ROW LEVEL SECURITY;
    CREATE POLICY tenant ON pim.orders TO clerk
        USING (shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid));
    CREATE POLICY keeping ON pim.orders TO keeper USING (true);
    GRANT SELECT, INSERT ON pim.orders TO clerk;
    CREATE FUNCTION pim.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER touched BEFORE UPDATE ON pim.orders FOR EACH ROW EXECUTE FUNCTION pim.touch();
    RESET ROLE;
    INSERT INTO pim.shops (name) SELECT 'shop ' || n FROM generate_series(1, 3) AS n;
    INSERT INTO pim.orders (shop_id, ordered_at, total)
        SELECT id, '2026-12-30'::timestamptz + d * interval '1 hour', d FROM pim.shops, generate_series(1, 100) AS d;
    CREATE MATERIALIZED VIEW pim.totals AS SELECT shop_id, sum(total) AS total FROM pim.orders GROUP BY shop_id;
    ALTER MATERIALIZED VIEW pim.totals OWNER TO keeper;
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    embedded = EmbeddedServer(
        tmp_path_factory.mktemp("backup") / "home", settings={"fsync": "off", "shared_buffers": "32MB"}
    )
    with embedded.lease():
        execute(embedded.url("postgres", "postgres"), "CREATE ROLE keeper LOGIN; CREATE ROLE clerk LOGIN")
        yield embedded
    embedded.stop("immediate")


@pytest.fixture
def shop(server: EmbeddedServer) -> Iterator[str]:
    yield from database(server, "shop", SHOP)


@pytest.fixture
def empty(server: EmbeddedServer) -> Iterator[str]:
    yield from database(server, "empty", "SELECT 1")


def database(server: EmbeddedServer, name: str, content: str) -> Iterator[str]:
    execute(server.url("postgres", "postgres"), f"CREATE DATABASE {name} TEMPLATE template0")
    url = server.url("postgres", name)
    execute(url, content)
    yield url
    execute(server.url("postgres", "postgres"), f"DROP DATABASE {name} WITH (FORCE)")


def execute(url: str, statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements.split(";\n"):
            connection.execute(statement.encode())


def definition(url: str) -> str:
    """The whole schema as pg_dump prints it: types, keys, policies, grants, owners, comments, partitions."""
    done = subprocess.run(
        [str(program("pg_dump")), "--schema-only", "--restrict-key=same", f"--dbname={url}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def rows(url: str) -> dict[str, object]:
    found: dict[str, object] = {}
    with psycopg.connect(url) as connection:
        for name in ("shops", "orders", "orders_2026", "orders_default", "totals"):
            query = sql.SQL("SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM pim.{} AS t")
            found[name] = connection.execute(query.format(sql.Identifier(name))).fetchone()
    return found


def test_everything_comes_back(shop: str, empty: str, tmp_path: Path) -> None:
    target = tmp_path / "shop.dump"
    written = backup(shop, target)
    assert written.path == target
    assert written.sha256 == sha256_of(target)
    assert written.size_bytes == target.stat().st_size > 0
    assert target.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["shop.dump"]

    restored = restore(empty, target)
    assert restored.sha256 == written.sha256
    assert definition(empty) == definition(shop)
    assert "CREATE POLICY tenant" in definition(empty)
    assert rows(empty) == rows(shop)
    assert rows(empty)["orders"] != (0, None)


def test_a_file_is_not_overwritten_unasked(shop: str, tmp_path: Path) -> None:
    target = tmp_path / "shop.dump"
    target.write_text("precious")
    with pytest.raises(ConflictError, match="exists"):
        backup(shop, target)
    assert target.read_text() == "precious"
    backup(shop, target, overwrite=True)
    assert target.read_bytes().startswith(b"PGDMP")


def test_a_failed_backup_leaves_no_file(server: EmbeddedServer, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="does not exist"):
        backup(server.url("postgres", "nowhere"), tmp_path / "nowhere.dump")
    assert list(tmp_path.iterdir()) == []


def test_a_role_that_does_not_see_every_row_is_told_so(
    server: EmbeddedServer, shop: str, tmp_path: Path
) -> None:
    execute(shop, "ALTER TABLE pim.shops ENABLE ROW LEVEL SECURITY; GRANT SELECT ON pim.shops TO clerk")
    with pytest.raises(ForbiddenError, match="administrator"):
        backup(server.url("clerk", "shop"), tmp_path / "shop.dump")
    assert list(tmp_path.iterdir()) == []


def test_a_database_with_content_is_replaced_only_when_asked(shop: str, tmp_path: Path) -> None:
    target = tmp_path / "shop.dump"
    backup(shop, target)
    before, defined = rows(shop), definition(shop)
    execute(shop, "DELETE FROM pim.orders;\nCREATE TABLE pim.later (n integer);\nCREATE SCHEMA mirakl")
    with pytest.raises(ConflictError, match="mirakl, pim"):
        restore(shop, target)
    restore(shop, target, clean=True)
    assert rows(shop) == before
    assert definition(shop) == defined


@pytest.mark.parametrize("kept", [0.5, 0.95])
def test_a_truncated_backup_changes_nothing(shop: str, tmp_path: Path, kept: float) -> None:
    target = tmp_path / "shop.dump"
    whole = backup(shop, target)
    with target.open("r+b") as file:
        file.truncate(int(whole.size_bytes * kept))
    before, defined = rows(shop), definition(shop)
    with pytest.raises((InvalidInputError, UnavailableError)):
        restore(shop, target, clean=True)
    assert rows(shop) == before
    assert definition(shop) == defined


def test_a_damaged_backup_changes_nothing(shop: str, empty: str, tmp_path: Path) -> None:
    """Cut at every tenth: wherever pg_restore gives up, what it had said by then is not committed."""
    target = tmp_path / "shop.dump"
    whole = backup(shop, target).path.read_bytes()
    for tenth in range(1, 10):
        target.write_bytes(whole[: len(whole) * tenth // 10])
        with pytest.raises((InvalidInputError, UnavailableError)):
            restore(empty, target)
    assert "pim" not in definition(empty)


def test_a_database_in_use_is_told(shop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrepot.kit.db.backup.LOCK_TIMEOUT", "50ms")
    target = tmp_path / "shop.dump"
    backup(shop, target)
    with psycopg.connect(shop) as session:
        session.execute("SELECT count(*) FROM pim.orders")
        with pytest.raises(ConflictError, match="uses the database"):
            restore(shop, target, clean=True)


def test_what_is_no_backup(empty: str, tmp_path: Path) -> None:
    for name, content in {"text": b"SELECT 1;", "empty": b"", "almost": b"PGDMP and more"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InvalidInputError, match="not a backup"):
            restore(empty, tmp_path / name)
    with pytest.raises(InvalidInputError, match="cannot be read"):
        restore(empty, tmp_path / "missing")


def test_a_role_that_is_missing_is_named(server: EmbeddedServer, empty: str, tmp_path: Path) -> None:
    execute(server.url("postgres", "postgres"), "CREATE ROLE passing")
    for url in database(server, "other", "CREATE SCHEMA pim AUTHORIZATION passing"):
        backup(url, tmp_path / "other.dump")
    execute(server.url("postgres", "postgres"), "DROP ROLE passing")
    with pytest.raises(ConflictError, match="db migrate"):
        restore(empty, tmp_path / "other.dump")


def test_a_password_is_not_among_the_arguments() -> None:
    from entrepot.kit.db.backup import _separated

    connection, environment = _separated("postgresql://me:s3cr%2Ft@host/db?sslmode=require")
    assert "s3cr" not in connection
    assert "sslmode=require" in connection
    assert environment["PGPASSWORD"] == "s3cr/t"


def test_a_restored_database_is_as_it_is_declared(settings: Settings, tmp_path: Path) -> None:
    """The program's own schema, to which `entrepot db check` holds the copy as it does the original."""
    target = tmp_path / "whole.dump"
    url = EmbeddedServer(settings.home).url("postgres", settings.database_name)
    backup(url, target)
    with pytest.raises(ConflictError, match="not empty"):
        restore(url, target)
    restore(url, target, clean=True)
    assert differences(settings) == []
