"""The walk itself: what it is there to find, made by hand."""

from collections.abc import Iterator

import psycopg
import pytest
from tests.kit.db.rows import Connection, read_tables
from tests.kit.db.walked import Walked, address, view_breaches

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
