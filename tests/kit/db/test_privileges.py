"""What entrepot_app may do besides reading and writing rows: nothing that reaches above row security."""

import re

import psycopg
import pytest
from psycopg import sql
from tests.kit.db.tenancy import attempting
from tests.kit.db.walked import OURS, TENANT_TABLES, Walked, address, catalog

from entrepot.kit.db.tables import Base

#: Functions that run above row security and that entrepot_app may call → what keeps a tenant to itself.
OPEN_DEFINERS = {
    "entrepot.enqueue": "stamps the job with the transaction's tenant",
    "entrepot.find_products": "asks for the transaction's shop",
    "entrepot.finish_deliveries": "asks for the lease, which only its worker knows",
    "entrepot.first_effect": "compares with the transaction's tenant",
}


def test_private_schemas_are_closed(walked: Walked) -> None:
    schemas = catalog(
        walked,
        f"""
        SELECT n.nspname, has_schema_privilege('entrepot_app', n.oid, 'USAGE'),
               has_schema_privilege('entrepot_app', n.oid, 'CREATE'),
               EXISTS (SELECT FROM pg_class AS c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
                       AND c.relkind <> 'S' AND has_any_column_privilege('entrepot_app', c.oid, 'SELECT, INSERT, UPDATE'))
        FROM pg_namespace AS n WHERE {OURS}
        """,
    )
    assert {"pim", "pim_private", "marketplace", "entrepot", "procrastinate"} <= {row[0] for row in schemas}
    assert [name for name, _, creates, _ in schemas if creates] == []
    for name, usage, _, readable in schemas:
        if name.endswith("_private") or name == "procrastinate":
            assert (usage, readable) == (False, False), name


def test_entrepot_app_has_no_power(walked: Walked) -> None:
    role = catalog(
        walked,
        """
        SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
               (SELECT count(*) FROM pg_auth_members WHERE member = r.oid),
               (SELECT count(*) FROM pg_shdepend WHERE refobjid = r.oid AND refclassid = 'pg_authid'::regclass
                AND deptype = 'o')
        FROM pg_roles AS r WHERE rolname = 'entrepot_app'
        """,
    )
    assert role == [(False, False, False, False, False, 0, 0)]


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE entrepot_system",
        "SET ROLE entrepot_owner",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION entrepot_system",
        "SET session_replication_role = replica",
        "ALTER TABLE pim.shops DISABLE ROW LEVEL SECURITY",
        "DROP POLICY shops_tenant ON pim.shops",
        "CREATE POLICY mine ON pim.shops USING (true)",
        "CREATE TABLE pim.mine (id uuid)",
        "CREATE TABLE public.mine (id uuid)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION entrepot.mine() RETURNS integer LANGUAGE sql RETURN 1",
        "ALTER ROLE entrepot_app BYPASSRLS",
        "GRANT SELECT ON pim.login_attempts TO entrepot_app",
        "TRUNCATE pim.audit_logs",
        "SELECT * FROM entrepot.maintain_partitions('pim.audit_logs', 'created_at', 'month', 3, interval '0')",
        "SELECT entrepot.partition_name('pim.audit_logs', 'month', now())",
        "SELECT entrepot.redact('{}', '{}')",
        "SELECT * FROM public.pg_stat_statements",
        "SELECT * FROM public.pg_stat_statements(true)",
        "SELECT public.pg_stat_statements_reset()",
        "SELECT * FROM public.pgstattuple('pim.shops')",
        "SELECT * FROM procrastinate.procrastinate_jobs",
        "SELECT * FROM pim_private.mv_shop_summary",
        "SELECT * FROM pim.system_config",
        "SELECT lo_import('/etc/hostname')",
        "COPY pim.shops TO PROGRAM 'cat'",
    ],
)
def test_entrepot_app_is_refused(walked: Walked, statement: str) -> None:
    with attempting(walked.app) as attempt:
        assert attempt(sql.SQL(statement)).error == "42501"


def test_statistics_of_other_tenants_are_not_shown(walked: Walked) -> None:
    """What the planner knows of a column is made of everybody's values."""
    walked.walk.factory.make("pim.shopify_products", walked.walk.own)
    walked.system.commit()
    with psycopg.connect(address(walked.settings, "admin"), autocommit=True) as admin:
        admin.execute("ANALYZE pim.shopify_products")
        known = admin.execute(
            "SELECT count(*) FROM pg_stats WHERE schemaname = 'pim' AND tablename = 'shopify_products'"
        ).fetchone()
    assert known is not None
    assert known[0] > 0
    names = sql.SQL(", ").join(name.split(".")[1] for name in TENANT_TABLES)
    with attempting(walked.app) as attempt:
        query = sql.SQL("SELECT tablename FROM pg_stats WHERE tablename IN ({})").format(names)
        assert attempt(query).rows == []


def test_functions_are_closed_and_pinned(walked: Walked) -> None:
    functions = catalog(
        walked,
        """
        SELECT p.pronamespace::regnamespace || '.' || p.proname, p.prosecdef, pg_get_userbyid(p.proowner),
               coalesce(array_to_string(p.proconfig, ';'), ''),
               p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) AS a WHERE a.grantee = 0),
               has_function_privilege('entrepot_app', p.oid, 'EXECUTE')
        FROM pg_proc AS p
        WHERE p.pronamespace::regnamespace::text IN ('entrepot', 'pim', 'pim_private', 'marketplace', 'procrastinate')
        """,
    )
    assert {"entrepot.audit", "entrepot.touch", "entrepot.maintain_partitions"} <= {
        row[0] for row in functions
    }
    assert [name for name, *_, public, _ in functions if public] == []
    assert {name for name, definer, *_, callable_ in functions if definer and callable_} == set(OPEN_DEFINERS)
    for name, definer, owner, configured, *_ in functions:
        if name.startswith("entrepot."):
            assert owner == "entrepot_owner", name
        if definer:
            assert re.search(r"search_path=pg_catalog, (\w+, )*pg_temp(;|$)", configured), name


def test_products_are_found_in_the_own_shop_only(walked: Walked) -> None:
    made = [
        walked.walk.factory.make("pim.shopify_products", tenant, {"title": "lantern"})["id"]
        for tenant in (walked.walk.own, walked.walk.other)
    ]
    walked.system.commit()
    query = sql.SQL("SELECT entrepot.find_products('lantern')")
    with attempting(walked.app) as attempt:
        assert attempt(query).rows == []
        attempt(sql.SQL("SELECT set_config('app.current_shop_id', {}, true)").format(str(walked.walk.own)))
        assert attempt(query).rows == [(made[0],)]


def test_nobody_else_makes_temporary_tables(walked: Walked) -> None:
    rows = catalog(
        walked,
        """
        SELECT a.grantee::regrole::text, array_agg(a.privilege_type ORDER BY a.privilege_type)
        FROM pg_database AS d, aclexplode(d.datacl) AS a
        WHERE d.datname = current_database() GROUP BY 1
        """,
    )
    granted = dict(rows)
    assert granted.get("-", []) in ([], ["CONNECT"])
    assert granted["entrepot_app"] == granted["entrepot_system"] == ["CONNECT", "TEMPORARY"]
    assert granted["entrepot_owner"] == ["CONNECT", "CREATE", "TEMPORARY"]


def test_secrets_of_global_tables_are_closed_to_tenants(walked: Walked) -> None:
    for table in Base.metadata.tables.values():
        for column in table.columns:
            readable = catalog(
                walked,
                "SELECT has_column_privilege('entrepot_app', %s, %s, 'SELECT')",
                table.fullname,
                column.name,
            )[0][0]
            if column.info.get("secret") and table.fullname not in TENANT_TABLES:
                assert not readable, column
            elif table.fullname in ("pim.prod_sources", "pim.scraper_configs"):
                assert readable, column
