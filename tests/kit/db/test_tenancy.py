"""The catalog walk: no tenant reaches another's rows, in any table, by any way.

The tables are found in pg_catalog and the rows are made from it (`rows.py`), so a new table is covered by being there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql
from tests.conftest import clone
from tests.kit.db.rows import TENANT_SETTINGS, Connection, RowFactory, is_root, qualified, read_tables
from tests.kit.db.tenancy import Walk, attempting

from entrepot.kit.db import check
from entrepot.kit.db.tables import Base
from entrepot.kit.db.urls import Role, libpq_url, role_url
from entrepot.kit.settings import Settings

check.load_declarations()

#: Found anew in the catalog by `test_no_table_is_missed`.
TENANT_TABLES = sorted(
    table.fullname
    for table in Base.metadata.tables.values()
    if any(column in table.columns for column in TENANT_SETTINGS) or table.fullname == "pim.shops"
)

#: Unique keys over values that people choose or guess, of all tenants together → why that tells nobody anything.
KEYS_ACROSS_TENANTS = {
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
    "pim.audit_logs.entity_id": "a row of any table, perhaps gone",
    "pim.audit_logs.user_id": "whoever did it, perhaps gone",
    "pim.ai_batch_items.entity_id": "a row of one of several tables; read under the tenant's rules",
    "pim.shopify_resource_publications.resource_id": "a product or a collection; read under the tenant's rules",
    "pim.staging_products.target_product_id": "what the merge found under the tenant's rules",
    "pim.staging_variants.staging_product_id": "a staged row of the same run",
    "pim.staging_variants.target_variant_id": "what the merge found under the tenant's rules",
    "pim.webhook_event_keys.event_id": "a row of a partitioned table, which its key alone cannot refer to",
}

#: Functions that run above row security and that entrepot_app may call → what keeps a tenant to itself.
OPEN_DEFINERS = {
    "entrepot.enqueue": "stamps the job with the transaction's tenant",
    "entrepot.find_products": "asks for the transaction's shop",
    "entrepot.finish_deliveries": "asks for the lease, which only its worker knows",
    "entrepot.first_effect": "compares with the transaction's tenant",
}

GLOBAL_VIEWS_OF_TENANT_ROWS: dict[str, str] = {}


@dataclass(frozen=True)
class Walked:
    """One database for the module, and who walks in it."""

    settings: Settings
    walk: Walk
    system: Connection
    app: Connection


@pytest.fixture(scope="module")
def database(server_home: Any) -> Iterator[Walked]:
    with clone(server_home) as settings:
        connections = [psycopg.connect(address(settings, role)) for role in ("system", "app", "app")]
        system, app, bare = connections
        factory = RowFactory(system, read_tables(system))
        yield Walked(settings, Walk(app, bare, factory), system, app)
        for connection in connections:
            connection.close()


@pytest.fixture
def walked(database: Walked) -> Iterator[Walked]:
    yield database
    database.system.rollback()  # what a failed test left must not fail the next


def address(settings: Settings, role: Role) -> str:
    return libpq_url(role_url(settings, role))


def catalog(walked: Walked, query: str, *values: object) -> list[tuple[Any, ...]]:
    found = walked.system.execute(query.encode(), values).fetchall()
    walked.system.rollback()
    return found


OURS = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"


def test_no_table_is_missed(walked: Walked) -> None:
    live = {table.name for table in walked.walk.factory.tables.values() if table.tenant_column}
    assert live == set(TENANT_TABLES)


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_a_tenant_reaches_only_its_own_rows(walked: Walked, table: str) -> None:
    assert walked.walk.breaches(table) == []


def test_a_malformed_context_shows_nothing(walked: Walked) -> None:
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


VIEWS = """
    SELECT c.oid::regclass::text, c.relkind::text, coalesce(c.reloptions, '{}')::text[], pg_get_viewdef(c.oid),
           ARRAY(SELECT a.attname::text FROM pg_attribute AS a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND a.attname = ANY (%s)),
           ARRAY(SELECT DISTINCT d.refobjid::regclass::text FROM pg_rewrite AS r
                 JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                  AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
                 WHERE r.ev_class = c.oid)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'public')
      AND has_schema_privilege('entrepot_app', n.oid, 'USAGE')
      AND has_any_column_privilege('entrepot_app', c.oid, 'SELECT')
"""


def view_breaches(walked: Walked) -> list[str]:
    """Views by which a tenant could see more than its own rows."""
    found = []
    tables = walked.walk.factory.tables
    for name, kind, options, definition, tenant_columns, sources in catalog(
        walked, VIEWS, list(TENANT_SETTINGS)
    ):
        if "security_invoker=true" in options:
            continue  # as safe as the tables that it reads
        if kind == "v" and tenant_columns:
            column = tenant_columns[0]
            rule = rf"WHERE \(*{column} = \( ?SELECT \(?NULLIF\(current_setting\('{TENANT_SETTINGS[column]}'"
            if "security_barrier=true" not in options or not re.search(rule, definition):
                found.append(f"{name} runs with its owner's rights and is not held to the tenant")
        elif any(source in tables and tables[source].tenant_column for source in sources):
            found.append(f"{name} holds what tenants' rows give and has no row security")
    return found


def test_views_show_only_the_own_rows(walked: Walked) -> None:
    admin = psycopg.connect(address(walked.settings, "admin"), autocommit=True)
    for tenant in (walked.walk.own, walked.walk.other):
        walked.walk.factory.make("pim.shopify_products", tenant, {"status": "ACTIVE"})
    walked.system.commit()
    with admin:
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
    assert set(view_breaches(walked)) == set(GLOBAL_VIEWS_OF_TENANT_ROWS)


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
    admin = psycopg.connect(address(walked.settings, "admin"), autocommit=True)
    with admin:
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


# The walk itself: what it is there to find, made by hand.

FENCE = "shop_id = (SELECT nullif(current_setting('app.current_shop_id', true), '')::uuid)"
NOBODY = "coalesce(current_setting('app.current_shop_id', true), '') = ''"
OWN = f"TO entrepot_app USING ({FENCE})"
COLUMNS = "id uuid PRIMARY KEY DEFAULT uuidv7(), shop_id uuid NOT NULL REFERENCES pim.shops"
PRODUCT = "product_id uuid REFERENCES pim.shopify_products (id)"


def fenced(*policies: str, columns: str = COLUMNS, forced: bool = True) -> str:
    """A table with row security and these policies beside the one of entrepot_system."""
    statements = [f"CREATE TABLE leaky.t ({columns})", "ALTER TABLE leaky.t ENABLE ROW LEVEL SECURITY"]
    statements += ["ALTER TABLE leaky.t FORCE ROW LEVEL SECURITY"] if forced else []
    for number, policy in enumerate(("TO entrepot_system USING (true)", *policies)):
        statements.append(f"CREATE POLICY p{number} ON leaky.t {policy}")
    return "; ".join(statements)


#: What is wrong with a table → its definition, and what the walk has to say of it.
LEAKS = {
    "no row security": (f"CREATE TABLE leaky.t ({COLUMNS})", "a tenant sees another's rows"),
    "not forced": (fenced(OWN, forced=False), "row security is not enabled and forced"),
    "reads all": (fenced(OWN, "FOR SELECT TO entrepot_app USING (true)"), "a tenant sees another's rows"),
    "inserts for all": (
        fenced(OWN, "FOR INSERT TO entrepot_app WITH CHECK (true)"),
        "a tenant inserts a row for another",
    ),
    "moves rows": (fenced(f"{OWN} WITH CHECK (true)"), "a tenant gives its row to another"),
    "updates all": (
        fenced(OWN, "FOR UPDATE TO entrepot_app USING (true)"),
        "a tenant without rows updates rows",
    ),
    "deletes all": (
        fenced(OWN, "FOR DELETE TO entrepot_app USING (true)"),
        "a tenant without rows deletes rows",
    ),
    "no context sees all": (
        fenced(f"TO entrepot_app USING ({FENCE} OR {NOBODY}) WITH CHECK ({FENCE})"),
        "rows are seen without a context",
    ),
    "no context writes": (
        fenced(OWN, f"FOR INSERT TO entrepot_app WITH CHECK ({NOBODY})"),
        "a row is inserted without a context",
    ),
    "writes shared rows": (
        fenced(
            f"TO entrepot_app USING ({FENCE} OR shop_id IS NULL)",
            "FOR SELECT TO entrepot_app USING (shop_id IS NULL)",
            columns=COLUMNS.replace(" NOT NULL", ""),
        ),
        "a tenant updates a shared row",
    ),
    "shows rows without a tenant": (
        fenced(
            f"TO entrepot_app USING ({FENCE} OR (shop_id IS NULL AND true)) WITH CHECK ({FENCE})",
            columns=COLUMNS.replace(" NOT NULL", ""),
        ),
        "a tenant sees rows without a tenant",
    ),
    "everybody's policy": (fenced(f"USING ({FENCE})"), "policies name other roles"),
    "plain reference": (fenced(OWN, columns=f"{COLUMNS}, {PRODUCT}"), "a new row refers to another tenant's"),
    "plain reference, turned": (
        fenced(OWN, columns=f"{COLUMNS}, {PRODUCT}"),
        "a row is turned to another tenant's",
    ),
    "truncates": (f"{fenced(OWN)}; GRANT TRUNCATE ON leaky.t TO entrepot_app", "entrepot_app holds"),
}


@pytest.fixture
def leaky(walked: Walked) -> Iterator[Connection]:
    """A schema to make leaks in, gone after the test."""
    with psycopg.connect(address(walked.settings, "owner"), autocommit=True) as owner:
        owner.execute("CREATE SCHEMA leaky")
        owner.execute("GRANT USAGE ON SCHEMA leaky TO entrepot_app, entrepot_system")
        yield owner
        owner.execute("DROP SCHEMA leaky CASCADE")
        walked.walk.factory.tables.pop("leaky.t", None)


@pytest.mark.parametrize("name", LEAKS)
def test_the_walk_finds(walked: Walked, leaky: Connection, name: str) -> None:
    definition, expected = LEAKS[name]
    leaky.execute(definition.encode())
    leaky.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON leaky.t TO entrepot_app, entrepot_system")
    walked.walk.factory.tables["leaky.t"] = read_tables(walked.system)["leaky.t"]
    found = walked.walk.breaches("leaky.t")
    assert any(breach.startswith(expected) for breach in found), found


def test_the_walk_finds_nothing_in_a_sound_table(walked: Walked, leaky: Connection) -> None:
    leaky.execute(fenced(OWN).encode())
    leaky.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON leaky.t TO entrepot_app, entrepot_system")
    walked.walk.factory.tables["leaky.t"] = read_tables(walked.system)["leaky.t"]
    assert walked.walk.breaches("leaky.t") == []


@pytest.mark.parametrize(
    "view",
    [
        "CREATE VIEW leaky.v AS SELECT shop_id, title FROM pim.shopify_products",
        "CREATE VIEW leaky.v WITH (security_barrier = true) AS SELECT shop_id, title FROM pim.shopify_products",
        "CREATE VIEW leaky.v AS SELECT count(*) AS n FROM pim.shopify_products",
        "CREATE MATERIALIZED VIEW leaky.v AS SELECT shop_id, title FROM pim.shopify_products",
    ],
)
def test_the_walk_finds_leaking_views(walked: Walked, leaky: Connection, view: str) -> None:
    leaky.execute(view.encode())
    leaky.execute("GRANT SELECT ON leaky.v TO entrepot_app")
    assert [breach for breach in view_breaches(walked) if breach.startswith("leaky.v ")]


def test_roots_are_found(walked: Walked) -> None:
    assert [table.name for table in walked.walk.factory.tables.values() if is_root(table)] == ["pim.shops"]
