"""The catalog walk: no tenant reaches another's rows, in any table, by any way.

The tables are found in pg_catalog and the rows are made from it (`rows.py`), so a new table is covered by being there.
"""

from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from tests.kit.db.rows import TENANT_SETTINGS, is_root, qualified
from tests.kit.db.tenancy import attempting
from tests.kit.db.walked import OURS, ROOTS, TENANT_TABLES, VIEWS, Walked, address, catalog, view_breaches

from entrepot.marketplace.governance.words import KINDS

#: Unique keys over values that people choose or guess, of all tenants together → why that tells nobody anything.
KEYS_ACROSS_TENANTS = {
    "marketplace.hm_platform uq_platform_code": "a name in addresses; only entrepot_system adds platforms",
    "mirakl.accounts uq_account_code": "a name in addresses; only entrepot_system adds accounts",
    "pim.app_sessions pk_app_sessions": "the digest of a random cookie",
    "pim.api_tokens idx_api_tokens_hash": "the digest of a random token",
    "pim.bulk_runs idx_bulk_runs_idempotency": "as documented; every key begins with the shop",
    "pim.oauth_nonces idx_oauth_nonces_nonce": "a random number",
    "pim.staging_records pk_staging_records": "numbers that the server gives, for as long as a run is staged",
    "pim.shops idx_shops_domain": "a shop is installed once; only entrepot_system adds shops",
    "pim.shops idx_shops_shopify_id": "a shop is installed once; only entrepot_system adds shops",
}

#: Columns of type uuid that are no key, no tenant and no reference → what they hold.
LOOSE_IDENTIFIERS = {
    **{
        f"marketplace.{table}.created_by": "whoever wrote it, perhaps gone"
        for table in (
            "hm_experiment_definition",
            "hm_limit_definition",
            "hm_policy_definition",
            "hm_pricing_rule_definition",
            *KINDS.values(),
        )
    },
    "marketplace.hm_experiment_override.created_by": "whoever set it, perhaps gone",
    "marketplace.hm_platform_member.user_id": "a person of a shop; which platforms are theirs, an operator says",
    "marketplace.hm_policy_rule_evaluation.rule_id": "a rule of the version that decided, written with the decision",
    "marketplace.hm_policy_lock.locked_by": "whoever locked it, perhaps gone",
    "marketplace.hm_state_transition.entity_id": "a version of one of several tables; written by their triggers",
    "marketplace.hm_state_transition.user_id": "whoever did it, perhaps gone",
    "mirakl.account_members.user_id": "a person of a shop; which accounts are theirs, an operator says",
    "mirakl.messages.written_by": "whoever wrote it, perhaps gone",
    "mirakl.packing_scans.scanned_by": "whoever scanned, perhaps gone",
    "mirakl.process_failures.resolved_by": "whoever resolved it, perhaps gone",
    "pim.audit_logs.entity_id": "a row of any table, perhaps gone",
    "pim.audit_logs.user_id": "whoever did it, perhaps gone",
    "pim.ai_batch_items.entity_id": "a row of one of several tables; read under the tenant's rules",
    "pim.shopify_resource_publications.resource_id": "a product or a collection; read under the tenant's rules",
    "pim.staging_products.target_product_id": "what the merge found under the tenant's rules",
    "pim.staging_variants.staging_product_id": "a staged row of the same run",
    "pim.staging_variants.target_variant_id": "what the merge found under the tenant's rules",
    "pim.webhook_event_keys.event_id": "a row of a partitioned table, which its key alone cannot refer to",
}


def test_no_table_is_missed(walked: Walked) -> None:
    live = {table.name for table in walked.walk.factory.tables.values() if table.tenant_column}
    assert live == set(TENANT_TABLES)


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_a_tenant_reaches_only_its_own_rows(walked: Walked, table: str) -> None:
    assert walked.walk.breaches(table) == []


def test_a_malformed_context_shows_nothing(walked: Walked) -> None:
    tenant = walked.walk.admit(uuid4())
    for table in TENANT_TABLES:
        if not is_root(walked.walk.factory.tables[table]):
            walked.walk.factory.make(table, tenant)
    walked.system.commit()
    for table in TENANT_TABLES:
        with attempting(walked.app) as attempt:
            for setting in TENANT_SETTINGS.values():
                attempt(sql.SQL("SELECT set_config({}, 'any', true)").format(setting))
            outcome = attempt(sql.SQL("SELECT 1 FROM {}").format(qualified(table)))
        assert outcome.rows == [], table
        assert outcome.error == "22P02", table


def test_partitions_are_reached_through_their_table_only(walked: Walked) -> None:
    partitions = catalog(
        walked,
        f"""
        SELECT c.oid::regclass::text, c.relrowsecurity, pg_get_userbyid(c.relowner),
               has_table_privilege('entrepot_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
               OR has_any_column_privilege('entrepot_app', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relispartition AND c.relkind IN ('r', 'p') AND {OURS}
        """,
    )
    assert len(partitions) > 20
    assert [name for name, secured, _, _ in partitions if not secured] == []
    assert {owner for _, _, owner, _ in partitions} == {"entrepot_owner"}
    assert [name for name, _, _, open_to_app in partitions if open_to_app] == []
    for name, *_ in partitions:
        with attempting(walked.app) as attempt:
            assert attempt(sql.SQL("SELECT 1 FROM {}").format(qualified(name))).error == "42501", name


def test_the_warehouse_is_closed_to_tenants(walked: Walked) -> None:
    """Facts of many tenants meet in it, so entrepot_app may do nothing there at all."""
    tables = catalog(
        walked,
        """
        SELECT c.oid::regclass::text,
               has_table_privilege('entrepot_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
               OR has_any_column_privilege('entrepot_app', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'data_playground' AND c.relkind IN ('r', 'p', 'v', 'm')
        """,
    )
    assert len(tables) > 20
    assert [name for name, open_to_app in tables if open_to_app] == []


def test_unique_keys_tell_nothing_of_other_tenants(walked: Walked) -> None:
    """A key that spans tenants says "taken" of a value that the tenant cannot see; identifiers cannot be guessed."""
    tables = walked.walk.factory.tables
    spanning = set()
    for table, index, columns, types in catalog(
        walked,
        f"""
        SELECT c.oid::regclass::text, ic.relname, array_agg(coalesce(a.attname, '')::text),
               array_agg(coalesce(a.atttypid::regtype::text, 'expression'))
        FROM pg_index AS i
        JOIN pg_class AS c ON c.oid = i.indrelid AND NOT c.relispartition AND c.relkind IN ('r', 'p')
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_class AS ic ON ic.oid = i.indexrelid
        CROSS JOIN unnest(i.indkey::smallint[]) AS k
        LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k AND k > 0
        WHERE (i.indisunique OR i.indisexclusion) AND {OURS}
        GROUP BY c.oid, ic.relname
        """,
    ):
        tenant = tables[table].tenant_column
        if tenant and tenant not in columns and "uuid" not in types:
            spanning.add(f"{table} {index}")
    assert spanning == set(KEYS_ACROSS_TENANTS)


def test_identifiers_of_other_rows_are_references(walked: Walked) -> None:
    """A uuid without a reference could hold another tenant's key, and nothing would notice."""
    loose = set()
    for table in walked.walk.factory.tables.values():
        if table.tenant_column is None:
            continue
        referring = {column for reference in table.references for column in reference.columns}
        for column in table.columns.values():
            known = {*table.key, table.tenant_column, *TENANT_SETTINGS, *referring}
            if column.type == "uuid" and (column.name not in known):
                loose.add(f"{table.name}.{column.name}")
    assert loose == set(LOOSE_IDENTIFIERS)


def test_views_show_only_the_own_rows(walked: Walked) -> None:
    for tenant in (walked.walk.own, walked.walk.other):
        walked.walk.factory.make("pim.shopify_products", tenant, {"status": "ACTIVE"})
    walked.system.commit()
    with psycopg.connect(address(walked.settings, "admin"), autocommit=True) as admin:
        for (name,) in admin.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'm'"
        ).fetchall():
            admin.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}").format(qualified(name)))
    held = set()
    for name, _, _, _, tenant_columns, _ in catalog(walked, VIEWS, list(TENANT_SETTINGS)):
        if not tenant_columns:
            continue
        query = sql.SQL("SELECT {} FROM {}").format(sql.Identifier(tenant_columns[0]), qualified(name))
        with attempting(walked.app) as attempt:
            assert attempt(query).rows == [], name
            setting = TENANT_SETTINGS[tenant_columns[0]]
            attempt(sql.SQL("SELECT set_config({}, {}, true)").format(setting, str(walked.walk.own)))
            seen = {row[0] for row in attempt(query).rows}
        assert seen <= {walked.walk.own}, name
        if seen:
            held.add(name)
    assert "pim.mv_shop_summary" in held
    assert view_breaches(walked) == []


def test_roots_are_found(walked: Walked) -> None:
    found = {table.name for table in walked.walk.factory.tables.values() if is_root(table)}
    assert found == set(ROOTS)
