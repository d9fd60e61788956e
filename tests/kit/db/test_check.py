"""`entrepot db check`: silent on a migrated database, exact on a changed one."""

import psycopg
import pytest

from entrepot.kit.db import check
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.settings import Settings


def test_a_migrated_database_is_as_declared(settings: Settings) -> None:
    assert check.differences(settings) == []


@pytest.mark.parametrize(
    ("change", "kind", "name"),
    [
        ("ALTER TABLE pim.shopify_products DISABLE ROW LEVEL SECURITY", "table", "pim.shopify_products"),
        ("DROP POLICY shopify_orders_tenant ON pim.shopify_orders", "policy", "pim.shopify_orders.shopify_orders_tenant"),
        ("ALTER TABLE pim.shopify_variants ALTER price TYPE numeric(10, 2)", "column", "pim.shopify_variants.price"),
        ("DROP INDEX pim.idx_products_fts", "index", "pim.idx_products_fts"),
        ("DROP TRIGGER shops_audit_update ON pim.shops", "trigger", "pim.shops.shops_audit_update"),
        ("COMMENT ON COLUMN pim.shops.currency_code IS 'something else'", "column", "pim.shops.currency_code"),
        ("GRANT DELETE ON pim.audit_logs TO entrepot_app", "table", "pim.audit_logs"),
        ("CREATE TABLE pim.stray (id int)", "table", "pim.stray"),
        ("DROP TABLE pim.audit_logs_default", "partition", "pim.audit_logs_default"),
        ("UPDATE pim.migration_history SET checksum = 'edited'", "migration", "0001_foundation"),
        ("CREATE OR REPLACE FUNCTION entrepot.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'", "function", "entrepot.touch()"),
    ],
)
def test_every_kind_of_difference_is_found(settings: Settings, change: str, kind: str, name: str) -> None:
    with psycopg.connect(libpq_url(role_url(settings, "admin")), autocommit=True) as admin:
        admin.execute(change.encode())
    found = [(difference.kind, difference.name) for difference in check.differences(settings)]
    assert (kind, name) in found
