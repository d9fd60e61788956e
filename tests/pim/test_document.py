"""The declared tables against the document that they are built from, difference by difference.

Every difference must be listed here with its reason, and every reason listed must still be a difference: neither the
declarations nor this list can drift.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

import entrepot.pim.schema  # noqa: F401 - registers every table and view
from entrepot.kit.db.ddl import feature
from entrepot.kit.db.tables import Audit, Base, Partitions, TenantRows, Touch
from entrepot.kit.db.views import MATERIALIZED_VIEWS, VIEWS

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
DOCUMENTS = Path(__file__).parents[3] / "shared" / "documents"

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(
        not (DOCUMENTS / "pim-schema.json").exists(),
        reason=f"the document is not here: {DOCUMENTS / 'pim-schema.json'}",
    ),
]

COST = "P17: a single query's cost would round to 0"
PARTITIONED = "P1: a unique key of a partitioned table holds the partition column"
STAGING = "a key check a row costs more than the load; the row policy checks the run once a statement"
ACCOUNTS = "one audit trail: changes of an account's rows too; decision 0011"
PLATFORMS = "one audit trail: changes of a platform's rows too; decision 0009"

#: Where a documented table is built otherwise → why. docs/decisions/0002-pim-schema.md says it at length.
DEVIATIONS = {
    "ai_batches.estimated_cost: DECIMAL(10,4) → DECIMAL(14,8)": COST,
    "api_usage_log.estimated_cost: DECIMAL(10,4) → DECIMAL(14,8)": COST,
    "embedding_batches.estimated_cost: DECIMAL(10,4) → DECIMAL(14,8)": COST,
    "api_usage_log.created_at: NULL → NOT NULL": PARTITIONED,
    "api_usage_log: key (id) → (id, created_at)": PARTITIONED,
    "audit_logs.created_at: NULL → NOT NULL": PARTITIONED,
    "audit_logs: key (id) → (id, created_at)": PARTITIONED,
    "audit_logs.user_id: reference staff_users(id) → None": "the log keeps who did it after that person is gone",
    "inventory_ledger: key (id) → (id, recorded_at)": PARTITIONED,
    "prod_raw_harvest.fetched_at: NULL → NOT NULL": PARTITIONED,
    "prod_raw_harvest: key (id) → (id, fetched_at)": PARTITIONED,
    "webhook_events: index idx_webhook_events_idempotency differs": "P3: not unique; webhook_event_keys decides",
    "shopify_product_media.media_id: reference shopify_media(id) → shopify_media(media_id)": "the key is media_id",
    "shopify_variant_media.media_id: reference shopify_media(id) → shopify_media(media_id)": "the key is media_id",
    "shopify_variants.compare_at_price: NOT NULL → NULL": "P12: Shopify sends null for most variants",
    "shops: index idx_shops_shopify_id differs": "unique, so that one index does for the column's UNIQUE as well",
    "prod_channel_mappings: index idx_channel_external differs": "NULLS NOT DISTINCT: channels without a shop too",
    "staging_products.bulk_run_id: reference bulk_runs(id) → None": STAGING,
    "staging_products.shop_id: reference shops(id) → None": STAGING,
    "staging_variants.bulk_run_id: reference bulk_runs(id) → None": STAGING,
    "staging_variants.shop_id: reference shops(id) → None": STAGING,
    "staging_variants.staging_product_id: reference staging_products(id) → None": STAGING,
}

GUIDELINE = "printed in the document's index guidelines"
TENANT_KEY = "what references that carry the tenant point to"
REFERENCE_INDEX = "deleting what it refers to would read the whole table"
MIRRORED = "the document says that the table mirrors the one it is merged into"
SIGN_IN = "signing in needs it; issue 2, section 5"
RANGE = "the description gives the range"

#: What the document does not have → why.
ADDITIONS = {
    "audit_logs.platform_id": PLATFORMS,
    "audit_logs.account_id": ACCOUNTS,
    "audit_logs: check one_tenant": PLATFORMS,
    "audit_logs: idx_audit_account": ACCOUNTS,
    "audit_logs: idx_audit_platform": PLATFORMS,
    "api_tokens": SIGN_IN,
    "login_attempts": SIGN_IN,
    "staff_credentials": SIGN_IN,
    "staging_records": "every other resource is staged too; issue 2, section 4",
    "staging_products.file_number": "a run may read several files",
    "staging_variants.file_number": "a run may read several files",
    "shopify_orders.customer_gid": "the customer may arrive after the order",
    "webhook_event_keys": "P3: decides which delivery of a webhook was first",
    "prod_extraction_sessions.harvest_fetched_at": "P2: the other half of the harvest's key",
    "shopify_variants: check weight_unit": "the document's value mappings",
    "bulk_steps: check status": "the same values as bulk_runs, and skipped",
    "prod_extraction_sessions: check confidence_score": RANGE,
    "prod_master: check quality_score": RANGE,
    "prod_proposals: check confidence_score": RANGE,
    "prod_sources: check trust_score": RANGE,
    "inventory_ledger: idx_ledger_shop_variant_date": GUIDELINE,
    "prod_embeddings: idx_embeddings_product_current": GUIDELINE,
    "shopify_orders: idx_orders_processed": GUIDELINE,
    "shopify_products: idx_products_active": GUIDELINE,
    "bulk_artifacts: idx_bulk_artifacts_run": REFERENCE_INDEX,
    "prod_proposals: idx_proposals_extraction": REFERENCE_INDEX,
    "prod_similarity_matches: idx_similarity_extraction": REFERENCE_INDEX,
    "shopify_product_media: idx_product_media_media": REFERENCE_INDEX,
    "shopify_variant_media: idx_variant_media_media": REFERENCE_INDEX,
    "ai_batches: uq_ai_batches_tenant": TENANT_KEY,
    "bulk_runs: uq_bulk_runs_tenant": TENANT_KEY,
    "shopify_collections: uq_shopify_collections_tenant": TENANT_KEY,
    "shopify_customers: uq_shopify_customers_tenant": TENANT_KEY,
    "shopify_media: uq_shopify_media_tenant": TENANT_KEY,
    "shopify_menu_items: uq_shopify_menu_items_tenant": TENANT_KEY,
    "shopify_menus: uq_shopify_menus_tenant": TENANT_KEY,
    "shopify_products: uq_shopify_products_tenant": TENANT_KEY,
    "shopify_publications: uq_shopify_publications_tenant": TENANT_KEY,
    "shopify_variants: uq_shopify_variants_tenant": TENANT_KEY,
    "staff_users: uq_staff_users_tenant": TENANT_KEY,
    "staging_products.category_id": MIRRORED,
    "staging_products.compare_at_price_range": MIRRORED,
    "staging_products.created_at_shopify": MIRRORED,
    "staging_products.featured_image_url": MIRRORED,
    "staging_products.has_only_default_variant": MIRRORED,
    "staging_products.has_out_of_stock_variants": MIRRORED,
    "staging_products.is_gift_card": MIRRORED,
    "staging_products.line_number": "a rejected row is reported with its line",
    "staging_products.price_range": MIRRORED,
    "staging_products.published_at": MIRRORED,
    "staging_products.requires_selling_plan": MIRRORED,
    "staging_products.template_suffix": MIRRORED,
    "staging_products.updated_at_shopify": MIRRORED,
    "staging_variants.available_for_sale": MIRRORED,
    "staging_variants.created_at_shopify": MIRRORED,
    "staging_variants.currency_code": MIRRORED,
    "staging_variants.image_url": MIRRORED,
    "staging_variants.inventory_policy": MIRRORED,
    "staging_variants.line_number": "a rejected row is reported with its line",
    "staging_variants.position": MIRRORED,
    "staging_variants.product_gid": "the product may come after its variant, or in another file",
    "staging_variants.requires_components": MIRRORED,
    "staging_variants.requires_shipping": MIRRORED,
    "staging_variants.tax_code": MIRRORED,
    "staging_variants.taxable": MIRRORED,
    "staging_variants.updated_at_shopify": MIRRORED,
}

#: Descriptions that look like a list of values and are not one, or whose column is not checked → why.
EXAMPLES = {
    "shopify_products.vendor": "two words for one thing",
    "rate_limit_buckets.refill_rate": "a unit",
    "shopify_orders.source_name": "any app can be a source",
    "prod_extraction_sessions.model_name": "models come and go",
    "prod_channel_mappings.channel": "channels are added, mirakl among them",
    "api_usage_log.api_provider": "services are added, openai among them",
    "staging_products.status": "a wrong value has to reach validation, which reports it",
}

SHOPIFY = "Shopify's Admin API has them"
ISSUE = "issue 2, section 4"

#: Columns that take more values than their description lists → those values, and why.
WIDENED = {
    "shopify_products.status": ({"UNLISTED"}, SHOPIFY),
    "shopify_orders.financial_status": (
        {"AUTHORIZED", "EXPIRED", "PARTIALLY_PAID", "PARTIALLY_REFUNDED", "VOIDED"},
        f"the document's value mappings; {SHOPIFY}",
    ),
    "shopify_orders.fulfillment_status": (
        {"PARTIALLY_FULFILLED", "SCHEDULED", "ON_HOLD", "OPEN", "IN_PROGRESS", "PENDING_FULFILLMENT"}
        | {"REQUEST_DECLINED", "RESTOCKED", "FULFILLMENT_NOT_REQUIRED"},
        f"the document's value mappings; {SHOPIFY}",
    ),
    "shopify_orders.risk_level": ({"NONE", "PENDING"}, SHOPIFY),
    "shopify_customers.state": ({"DECLINED"}, SHOPIFY),
    "shopify_publications.catalog_type": ({"NONE"}, SHOPIFY),
    "shopify_menu_items.item_type": (
        {"CATALOG", "COLLECTIONS", "CUSTOMER_ACCOUNT_PAGE", "METAOBJECT", "SEARCH", "SHOP_POLICY"},
        SHOPIFY,
    ),
    "bulk_runs.operation_type": ({"FILE_IMPORT"}, ISSUE),
    "bulk_runs.status": ({"cancelled"}, "a run can be given up"),
    "bulk_steps.step_name": ({"validate", "merge"}, ISSUE),
    "sync_checkpoints.resource_type": (
        {
            "variants",
            "media",
            "collections",
            "metaobjects",
            "publications",
            "locations",
            "inventory",
            "menus",
        },
        ISSUE,
    ),
    "prod_quality_events.previous_level": ({"review_needed"}, "a record leaves that level again"),
}


def documented() -> dict[str, Any]:
    """The document, parsed: table → columns, keys, indexes."""
    return json.loads((DOCUMENTS / "pim-schema.json").read_text())  # type: ignore[no-any-return]


def documented_tables() -> dict[str, Any]:
    """The tables of the document."""
    return {name: entry for name, entry in documented().items() if entry["kind"] == "table"}


def declared_tables() -> dict[str, Table]:
    """The declared tables of the schema, by name."""
    return {table.name: table for table in Base.metadata.tables.values() if table.schema == "pim"}


def type_name(column: Column[Any]) -> str:
    """A column's type as the document writes it."""
    name = column.type.compile(dialect=DIALECT)
    name = name.replace("NUMERIC", "DECIMAL").replace(", ", ",")
    return name.replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ")


def default_of(column: Column[Any]) -> str | None:
    """A column's default as the document writes it."""
    if column.server_default is None:
        return None
    return str(column.server_default.arg.text).replace('": ', '":')  # type: ignore[attr-defined]


def references(column: Column[Any]) -> list[str]:
    """What a column refers to, the tenant's half of a composite reference left out."""
    found = set()
    for constraint in column.table.constraints:
        if isinstance(constraint, ForeignKeyConstraint):
            for element in constraint.elements:
                tenant_half = column.name == "shop_id" and element.column.table.name != "shops"
                if element.parent is column and not tenant_half:
                    found.add(f"{element.column.table.name}({element.column.name})")
    return sorted(found)


def unique_columns(table: Table) -> set[tuple[str, ...]]:
    """Each set of columns that is unique without condition."""
    found = {tuple(c.name for c in k.columns) for k in table.constraints if isinstance(k, UniqueConstraint)}
    return found | {tuple(c.name for c in index.columns) for index in table.indexes if index.unique}


def declared_index(index: Index) -> str:
    """An index as the document writes it: [UNIQUE] [GIN] ON (…) [WITH …] [WHERE …]."""
    sql = " ".join(str(CreateIndex(index).compile(dialect=DIALECT)).split())
    match = re.fullmatch(r"CREATE (UNIQUE )?INDEX \S+ ON \S+ (?:USING (\w+) )?(.*)", sql)
    assert match, sql
    return canonical(f"{match[1] or ''}USING {match[2] or 'btree'} ON {match[3]}")


def documented_index(definition: str) -> str:
    """A documented index in the same form."""
    text = definition.split(" -- ")[0]
    unique = "UNIQUE " if text.startswith("UNIQUE ") else ""
    text = text.removeprefix("UNIQUE ")
    method = re.match(r"(?:USING )?(GIN|gin|hnsw) ", text)
    text = text[method.end() :] if method else text
    return canonical(f"{unique}USING {method[1] if method else 'btree'} ON {text.removeprefix('ON ')}")


def canonical(definition: str) -> str:
    """A definition without what does not matter: case and spaces."""
    return re.sub(r"\s+", "", definition).lower()


def differences() -> Iterator[str]:
    """Every point in which a documented table is not built as documented."""
    tables = declared_tables()
    for name, entry in documented_tables().items():
        table = tables.get(name)
        if table is None:
            yield f"{name}: missing"
            continue
        for column_name, wanted in entry["columns"].items():
            yield from column_differences(table, column_name, wanted)
        key = entry["primary_key"] or [c for c, wanted in entry["columns"].items() if wanted["pk"]]
        built_key = [column.name for column in table.primary_key.columns]
        if sorted(key) != sorted(built_key):
            yield f"{name}: key ({', '.join(key)}) → ({', '.join(built_key)})"
        indexes = {str(index.name): index for index in table.indexes}
        for index_name, definition in entry["indexes"].items():
            if index_name not in indexes:
                yield f"{name}: index {index_name} missing"
            elif documented_index(definition) != declared_index(indexes[index_name]):
                yield f"{name}: index {index_name} differs"


def column_differences(table: Table, name: str, wanted: dict[str, Any]) -> Iterator[str]:
    """Every point in which one column is not built as documented."""
    place = f"{table.name}.{name}"
    column = table.columns.get(name)
    if column is None:
        yield f"{place}: missing"
        return
    if type_name(column) != wanted["type"]:
        yield f"{place}: {wanted['type']} → {type_name(column)}"
    not_null = wanted["not_null"] or wanted["pk"] or name in (documented()[table.name]["primary_key"] or [])
    if column.nullable == not_null:
        yield f"{place}: {'NOT NULL → NULL' if not_null else 'NULL → NOT NULL'}"
    if default_of(column) != wanted["default"]:
        yield f"{place}: default {wanted['default']} → {default_of(column)}"
    target = "{}({})".format(*wanted["fk"]) if wanted["fk"] else None
    if ([target] if target else []) != references(column):
        yield f"{place}: reference {target} → {', '.join(references(column)) or None}"
    if wanted["unique"] and (name,) not in unique_columns(table):
        yield f"{place}: not unique"
    if wanted["check"] and not any(
        name in str(constraint.sqltext)
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    ):
        yield f"{place}: not checked"


def additions() -> Iterator[str]:
    """Every table, column, index and unique key that the document does not have."""
    document = documented_tables()
    for name, table in declared_tables().items():
        if name not in document:
            yield name
            continue
        yield from (
            f"{name}.{column.name}"
            for column in table.columns
            if column.name not in document[name]["columns"]
        )
        yield from (
            f"{name}: {index.name}" for index in table.indexes if index.name not in document[name]["indexes"]
        )
        for constraint in table.constraints:
            if isinstance(constraint, UniqueConstraint):
                columns = [column.name for column in constraint.columns]
                if len(columns) > 1 or not document[name]["columns"][columns[0]]["unique"]:
                    yield f"{name}: {constraint.name}"
            if isinstance(constraint, CheckConstraint):
                column = str(constraint.name).removeprefix(f"ck_{name}_")
                listed = f"{name}.{column}" in value_lists()
                if not listed and not document[name]["columns"].get(column, {}).get("check"):
                    yield f"{name}: check {column}"


def value_lists() -> dict[str, list[str]]:
    """Columns whose description lists their values, as `a/b/c`: the values of each."""
    found: dict[str, list[str]] = {}
    table = ""
    for line in (DOCUMENTS / "pim-schema.md").read_text().splitlines():
        heading = re.match(r"### Table: `(\w+)`", line)
        table = heading[1] if heading else "" if line.startswith("#") else table
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if table and len(cells) == 4 and re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)+", cells[3]):
            found[f"{table}.{cells[0]}"] = cells[3].split("/")
    return found


def checked_values(place: str) -> list[str]:
    """The values that a column's CHECK allows."""
    name, column = place.split(".")
    for constraint in declared_tables()[name].constraints:
        if isinstance(constraint, CheckConstraint):
            text = str(constraint.sqltext)
            if text.startswith(f"{column} IN ("):
                return re.findall(r"'([^']*)'", text)
    return []


def test_every_difference_has_a_reason() -> None:
    assert sorted(differences()) == sorted(DEVIATIONS)


def test_every_addition_has_a_reason() -> None:
    assert sorted(additions()) == sorted(ADDITIONS)


def test_listed_values_are_checked() -> None:
    unchecked = {
        place for place, values in value_lists().items() if not set(values) <= set(checked_values(place))
    }
    assert unchecked == set(EXAMPLES)


def test_no_other_values_than_those_with_a_reason() -> None:
    widened = {place: set(checked_values(place)) - set(values) for place, values in value_lists().items()}
    assert {place: more for place, more in widened.items() if more} == {
        place: more for place, (more, _) in WIDENED.items()
    }


def test_views_of_the_document_are_declared() -> None:
    wanted = {name: entry["kind"] for name, entry in documented().items() if entry["kind"] != "table"}
    declared = {view.name: "view" for view in VIEWS if view.schema == "pim"}
    declared |= {view.name: "materialized view" for view in MATERIALIZED_VIEWS if view.schema == "pim"}
    assert declared == wanted


def test_every_table_and_column_says_what_it_is() -> None:
    tables = declared_tables().values()
    silent = [table.name for table in tables if not table.comment]
    silent += [
        f"{table.name}.{column.name}" for table in tables for column in table.columns if not column.comment
    ]
    assert silent == []


def test_audited_tables_are_those_of_the_document() -> None:
    text = (DOCUMENTS / "pim-schema.md").read_text()
    triggers = re.findall(r"CREATE TRIGGER \w+_audit_trigger\s+AFTER ([A-Z ]+) ON (\w+)", text)
    wanted = {table: set(operations.lower().split(" or ")) for operations, table in triggers}
    declared = {
        table.name: set(audit.on) for table in declared_tables().values() if (audit := feature(table, Audit))
    }
    added = {"staff_credentials", "api_tokens"}
    assert {name: on for name, on in declared.items() if name not in added} == wanted


def test_partitioned_tables_are_those_of_the_document() -> None:
    wanted = {name for name, entry in documented_tables().items() if entry["partitioned"]}
    declared = {
        table.name: partitions
        for table in declared_tables().values()
        if (partitions := feature(table, Partitions))
    }
    assert set(declared) == wanted
    assert {name: (found.column, found.span) for name, found in declared.items()} == {
        "api_cost_tracking": ("created_at", "day"),
        "api_usage_log": ("created_at", "month"),
        "audit_logs": ("created_at", "month"),
        "inventory_ledger": ("recorded_at", "month"),
        "prod_raw_harvest": ("fetched_at", "month"),
        "webhook_events": ("created_at", "month"),
    }


def test_every_table_with_a_shop_belongs_to_it() -> None:
    holes = [
        table.name
        for table in declared_tables().values()
        if ("shop_id" in table.columns or table.name == "shops") and feature(table, TenantRows) is None
    ]
    assert holes == []


def test_null_shops_are_shared_where_they_are_possible() -> None:
    for table in declared_tables().values():
        rows = feature(table, TenantRows)
        if rows is not None and "shop_id" in table.columns:
            hidden = table.name == "audit_logs"  # what is done to global data is no shop's to read
            assert rows.shared_nulls == (bool(table.columns["shop_id"].nullable) and not hidden), table.name


def test_updated_at_is_kept_by_a_trigger() -> None:
    forgotten = [
        table.name
        for table in declared_tables().values()
        if ("updated_at" in table.columns) != (feature(table, Touch) is not None)
    ]
    assert forgotten == []
