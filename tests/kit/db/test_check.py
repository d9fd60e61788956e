"""`entrepot db check`: silent on a migrated database, exact on a changed one."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.conftest import clone

from entrepot.kit.db import check
from entrepot.kit.db.catalog import Snapshot
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.settings import Settings


@pytest.fixture(scope="module")
def module_settings(server_home: Path) -> Iterator[Settings]:
    with clone(server_home) as found:
        yield found


@pytest.fixture(scope="module")
def declared(module_settings: Settings) -> Snapshot:
    """What the declarations make; it is the same for every test, and making it takes longest."""
    check.load_declarations()
    return check.declared_snapshot(module_settings)


def test_a_migrated_database_is_as_declared(settings: Settings) -> None:
    assert check.differences(settings) == []


def test_the_scratch_database_is_dropped(module_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entrepot.kit.db.check.random.token_hex", lambda _: "known")
    for failing in (False, True):
        if failing:
            monkeypatch.setattr("entrepot.kit.db.ddl.statements", lambda: ["SELECT 1 / 0"])
            with pytest.raises(psycopg.errors.DivisionByZero):
                check.declared_snapshot(module_settings)
        else:
            assert len(check.declared_snapshot(module_settings)) > 1000
        with psycopg.connect(libpq_url(role_url(module_settings, "admin"))) as admin:
            query = "SELECT count(*) FROM pg_database WHERE datname = 'entrepot_check_known'"
            assert admin.execute(query).fetchone() == (0,)


@pytest.mark.parametrize(
    ("change", "kind", "name"),
    [
        (
            "ALTER TABLE pim.shopify_products DISABLE ROW LEVEL SECURITY",
            "table",
            "pim.shopify_products",
        ),
        ("ALTER TABLE pim.shops NO FORCE ROW LEVEL SECURITY", "table", "pim.shops"),
        ("ALTER TABLE pim.shops OWNER TO postgres", "table", "pim.shops"),
        ("GRANT DELETE ON pim.audit_logs TO entrepot_app", "table", "pim.audit_logs"),
        ("GRANT SELECT ON pim.prod_sources TO PUBLIC", "table", "pim.prod_sources"),
        ("CREATE TABLE pim.stray (id int)", "table", "pim.stray"),
        ("DROP TABLE pim.sync_checkpoints", "table", "pim.sync_checkpoints"),
        ("COMMENT ON TABLE pim.shops IS NULL", "table", "pim.shops"),
        (
            "DROP POLICY shopify_orders_tenant ON pim.shopify_orders",
            "policy",
            "pim.shopify_orders.shopify_orders_tenant",
        ),
        ("ALTER POLICY shops_tenant ON pim.shops USING (true)", "policy", "pim.shops.shops_tenant"),
        ("CREATE POLICY mine ON pim.shops USING (true)", "policy", "pim.shops.mine"),
        (
            "ALTER TABLE pim.shopify_variants ALTER price TYPE numeric(10, 2)",
            "column",
            "pim.shopify_variants.price",
        ),
        ("ALTER TABLE pim.shops ALTER plan_tier DROP NOT NULL", "column", "pim.shops.plan_tier"),
        ("ALTER TABLE pim.shops ALTER plan_tier SET DEFAULT 'pro'", "column", "pim.shops.plan_tier"),
        ("ALTER TABLE pim.shops ADD colour text", "column", "pim.shops.colour"),
        (
            "COMMENT ON COLUMN pim.shops.currency_code IS 'something else'",
            "column",
            "pim.shops.currency_code",
        ),
        (
            "GRANT SELECT (auth_config) ON pim.prod_sources TO entrepot_app",
            "column",
            "pim.prod_sources.auth_config",
        ),
        (
            "ALTER TABLE pim.shops DROP CONSTRAINT ck_shops_plan_tier",
            "constraint",
            "pim.shops.ck_shops_plan_tier",
        ),
        ("DROP INDEX pim.idx_products_fts", "index", "pim.idx_products_fts"),
        ("DROP TRIGGER shops_audit_update ON pim.shops", "trigger", "pim.shops.shops_audit_update"),
        ("ALTER TABLE pim.shops DISABLE TRIGGER shops_touch", "trigger", "pim.shops.shops_touch"),
        (
            "CREATE OR REPLACE FUNCTION entrepot.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
            "function",
            "entrepot.touch()",
        ),
        ("GRANT EXECUTE ON FUNCTION entrepot.audit() TO PUBLIC", "function", "entrepot.audit()"),
        (
            "CREATE OR REPLACE VIEW pim.mv_shop_summary AS SELECT * FROM pim_private.mv_shop_summary",
            "view",
            "pim.mv_shop_summary",
        ),
        ("GRANT USAGE ON SCHEMA pim_private TO entrepot_app", "schema", "pim_private"),
        (
            "ALTER DEFAULT PRIVILEGES FOR ROLE entrepot_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
            "default privileges",
            "entrepot_owner f",
        ),
        ("DROP EXTENSION pgstattuple", "extension", "pgstattuple"),
        ("DROP TABLE pim.audit_logs_default", "partition", "pim.audit_logs_default"),
        ("UPDATE pim.migration_history SET checksum = 'edited'", "migration", "0001_foundation"),
        ("DELETE FROM pim.migration_history", "migration", "0001_foundation"),
    ],
)
def test_every_kind_of_difference_is_found(
    module_settings: Settings, declared: Snapshot, change: str, kind: str, name: str
) -> None:
    with psycopg.connect(libpq_url(role_url(module_settings, "admin"))) as admin:
        before = check.live_differences(admin, declared)
        admin.execute(change.encode())
        found = check.live_differences(admin, declared)
        admin.rollback()
    assert before == []
    assert (kind, name) in [(difference.kind, difference.name) for difference in found]
