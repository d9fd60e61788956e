"""The data dictionary: complete, and true to the live database."""

from typing import Any

import psycopg
import pytest

from entrepot.kit.db import ddl, dictionary
from entrepot.kit.db.check import load_declarations
from entrepot.kit.db.features import Partitions, TenantRows
from entrepot.kit.db.tables import Base
from entrepot.kit.db.urls import libpq_url, role_url
from entrepot.kit.db.views import MATERIALIZED_VIEWS, VIEWS
from entrepot.kit.settings import Settings

load_declarations()

ENTRIES = {entry.fullname: entry for entry in dictionary.tables()}


def test_every_table_and_view_is_there() -> None:
    views = {f"{view.schema}.{view.name}" for view in VIEWS}
    views |= {f"{view.schema}.{view.name}" for view in MATERIALIZED_VIEWS}
    assert set(ENTRIES) == set(Base.metadata.tables) | views


def test_every_table_and_column_says_what_it_is() -> None:
    silent = [name for name, entry in ENTRIES.items() if not entry.comment]
    silent += [
        f"{name}.{column.name}"
        for name, entry in ENTRIES.items()
        for column in entry.columns
        if not column.comment
    ]
    assert silent == []


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("pim.shopify_products", "A tenant sees and writes its own rows (`shop_id`)."),
        ("pim.shops", "A tenant sees and writes its own rows (`id`)."),
        ("pim.inventory_ledger", "A tenant sees its own rows and adds to them (`shop_id`)."),
        ("pim.audit_logs", "A tenant sees its own rows (`shop_id`)."),
        (
            "pim.webhook_events",
            "A tenant sees and writes its own rows (`shop_id`); rows without shop_id are seen by all.",
        ),
        (
            "pim.prod_master",
            "Shared by all tenants: read by all, written by the pipeline and by administrators.",
        ),
        (
            "pim.scraper_configs",
            "Shared by all tenants: read by all, but for `headers`, `cookies`, `proxy_config`, written by the pipeline and by administrators.",
        ),
        ("pim.system_config", "Closed to tenants."),
        ("pim.mv_shop_summary", "A tenant sees its own rows (`shop_id`)."),
    ],
)
def test_who_sees_and_writes(table: str, sentence: str) -> None:
    assert ENTRIES[table].access == sentence


def test_columns_are_as_they_are_live(settings: Settings) -> None:
    """Names, types, nullability and comments, as the catalog has them."""
    names: dict[str, Any] = {}
    with psycopg.connect(libpq_url(role_url(settings, "admin"))) as admin:
        rows = admin.execute(
            """
            SELECT n.nspname || '.' || c.relname, a.attname, NOT a.attnotnull, col_description(c.oid, a.attnum)
            FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = ANY (%s)
              AND c.relname <> 'alembic_version'
            ORDER BY c.oid, a.attnum
            """,
            [ddl.schemas()],
        )
        for table, column, nullable, comment in rows:
            names.setdefault(table, []).append((column, nullable, comment))
    told = {
        name: [(column.name, column.nullable, column.comment) for column in entry.columns]
        for name, entry in ENTRIES.items()
        if entry.kind == "table"
    }
    assert told == names


def test_keys_references_and_notes() -> None:
    variants = ENTRIES["pim.shopify_variants"]
    assert variants.primary_key == ("id",)
    product = next(column for column in variants.columns if column.name == "product_id")
    assert product.references == "pim.shopify_products"
    assert (
        "(shop_id, product_id) → pim.shopify_products (shop_id, id) on delete cascade" in variants.references
    )
    assert "Partitioned by day on `created_at`, kept 7 days." in ENTRIES["pim.api_cost_tracking"].notes
    assert "Unlogged: emptied when the server crashes." in ENTRIES["pim.staging_records"].notes
    assert next(c for c in ENTRIES["pim.shops"].columns if c.name == "access_token_ciphertext").secret


def test_the_page_holds_every_table_and_no_broken_row() -> None:
    page = dictionary.render_markdown()
    for name in ENTRIES:
        assert f"## {name}\n" in page
    header = "| column | type | null | default | meaning |"
    for line in page.splitlines():
        if line.startswith("| ") and line != header:
            assert line.replace("\\|", "").count("|") == 6, line


def test_a_table_without_a_rule_is_refused() -> None:
    """Nobody can forget to say who sees a table."""
    from sqlalchemy import MetaData, Table

    table = Table("bare", MetaData(), schema="pim")
    with pytest.raises(TypeError, match="exactly one of TenantRows, GlobalRows, SystemRows"):
        list(ddl.table_features(table))
    with pytest.raises(TypeError, match="no row security"):
        dictionary.access(table)
    twice = Table(
        "twice", MetaData(), schema="pim", info={"features": (TenantRows(), TenantRows(), Partitions("t"))}
    )
    with pytest.raises(TypeError, match="exactly one"):
        list(ddl.table_features(twice))
