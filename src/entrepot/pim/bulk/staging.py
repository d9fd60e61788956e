"""From parsed rows to the staging tables.

COPY does not work under row security, so rows are copied into temporary tables of the transaction, which only this
session can see, and go on from there into the staging tables under the tenant's policies. On the way they are checked
against each other and against the mirror: duplicates, missing parents, missing required values.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.pim.bulk.rows import COLUMNS, COPY_OPTIONS, Target
from entrepot.pim.bulk.shapes import PRODUCT, VARIANT

STAGING: dict[Target, str] = {
    "products": "pim.staging_products",
    "variants": "pim.staging_variants",
    "records": "pim.staging_records",
}


async def prepare(session: AsyncSession, run_id: UUID) -> None:
    """Make the temporary tables, and let go of what an earlier attempt of the run had staged."""
    for target, table in STAGING.items():
        await session.execute(text(f"DELETE FROM {table} WHERE bulk_run_id = :run"), {"run": run_id})
        columns = ", ".join(COLUMNS[target])
        await session.execute(text(f"CREATE TEMPORARY TABLE intake_{target} ON COMMIT DROP AS SELECT {columns} FROM {table} WITH NO DATA"))


async def driver_connection(session: AsyncSession) -> psycopg.AsyncConnection[Any]:
    """The psycopg connection below a session, for COPY."""
    raw = await (await session.connection()).get_raw_connection()
    connection = raw.driver_connection
    assert isinstance(connection, psycopg.AsyncConnection)
    return connection


async def copy(session: AsyncSession, batches: AsyncIterator[tuple[Target, bytes]]) -> None:
    """Send batches of rows to the temporary tables, in the order in which they come."""
    connection = await driver_connection(session)
    async with connection.cursor() as cursor:
        async for target, rows in batches:
            statement = f"COPY intake_{target} ({', '.join(COLUMNS[target])}) FROM STDIN {COPY_OPTIONS}"
            async with cursor.copy(statement.encode()) as stream:
                await stream.write(rows)


async def stage(session: AsyncSession, run_id: UUID, shop_id: UUID, names: dict[str, set[str]]) -> None:
    """Move the temporary rows into the staging tables, each marked valid or invalid with the reason."""
    parameters = {"run": run_id, "shop": shop_id}
    for target in STAGING:
        await session.execute(text(f"ANALYZE intake_{target}"))
    await session.execute(text(_stage_products(names.get("Product", set()))), parameters)
    await session.execute(text("ANALYZE pim.staging_products"))
    await session.execute(text(_stage_variants(names.get("ProductVariant", set()))), parameters)
    await session.execute(text("ANALYZE pim.staging_variants"))
    await session.execute(text(STAGE_RECORDS), parameters)
    await session.execute(text("ANALYZE pim.staging_records"))
    for statement in record_checks(names):
        await session.execute(text(statement), parameters)


def _required(columns: Sequence[tuple[str, str]], covered: Sequence[str]) -> str:
    """A CASE branch for each column that must not be null: always where the file covers it, else for new rows only."""
    branches = []
    for column, name in columns:
        known = "" if column in covered else " AND known.id IS NULL"
        hint = f"{name} is missing."
        branches.append(f"WHEN i.{column} IS NULL{known} THEN '{column}|{hint}'")
    return " ".join(branches)


def _stage_products(names: set[str]) -> str:
    columns = PRODUCT.columns
    covered = PRODUCT.covered(names)
    required = _required([("legacy_resource_id", "legacyResourceId"), ("title", "title")], [*covered, "legacy_resource_id"])
    if "handle" in covered:
        required += " " + _required([("handle", "handle")], covered)
    if "status" in covered:
        required += " " + _required([("status", "status")], covered)
    return f"""
        INSERT INTO pim.staging_products
               (bulk_run_id, shop_id, file_number, line_number, shopify_gid, {", ".join(columns)}, validation_status, validation_errors, target_product_id)
        SELECT :run, :shop, file_number, line_number, shopify_gid, {", ".join(columns)},
               CASE WHEN reason IS NULL THEN 'valid' ELSE 'invalid' END,
               CASE WHEN reason IS NULL THEN '[]'::jsonb
                    ELSE jsonb_build_array(jsonb_build_object('field', split_part(reason, '|', 1), 'error', split_part(reason, '|', 2))) END,
               known_id
        FROM (SELECT i.*, known.id AS known_id,
                     CASE WHEN i.later > 0 THEN 'id|A later line holds the same product; that one is taken.'
                          {required} END AS reason
              FROM (SELECT *, count(*) OVER (PARTITION BY shopify_gid) - row_number() OVER (PARTITION BY shopify_gid ORDER BY file_number, line_number) AS later
                    FROM intake_products) AS i
              LEFT JOIN pim.shopify_products AS known ON known.shop_id = :shop AND known.shopify_gid = i.shopify_gid) AS checked
    """


def _stage_variants(names: set[str]) -> str:
    columns = VARIANT.columns
    covered = VARIANT.covered(names)
    required = _required([("legacy_resource_id", "legacyResourceId"), ("price", "price")], [*covered, "legacy_resource_id"])
    return f"""
        INSERT INTO pim.staging_variants
               (bulk_run_id, shop_id, file_number, line_number, staging_product_id, product_gid, shopify_gid, {", ".join(columns)},
                validation_status, validation_errors, target_variant_id)
        SELECT :run, :shop, file_number, line_number, staged_id, product_gid, shopify_gid, {", ".join(columns)},
               CASE WHEN reason IS NULL THEN 'valid' ELSE 'invalid' END,
               CASE WHEN reason IS NULL THEN '[]'::jsonb
                    ELSE jsonb_build_array(jsonb_build_object('field', split_part(reason, '|', 1), 'error', split_part(reason, '|', 2))) END,
               known_id
        FROM (SELECT i.*, staged.id AS staged_id, known.id AS known_id,
                     CASE WHEN i.later > 0 THEN 'id|A later line holds the same variant; that one is taken.'
                          WHEN staged.id IS NULL AND mirrored.id IS NULL
                               THEN '__parentId|Its product is neither in the file, as a row that can be used, nor in the mirror.'
                          {required} END AS reason
              FROM (SELECT *, count(*) OVER (PARTITION BY shopify_gid) - row_number() OVER (PARTITION BY shopify_gid ORDER BY file_number, line_number) AS later
                    FROM intake_variants) AS i
              LEFT JOIN pim.staging_products AS staged
                ON staged.bulk_run_id = :run AND staged.shopify_gid = i.product_gid AND staged.validation_status = 'valid'
              LEFT JOIN pim.shopify_products AS mirrored ON mirrored.shop_id = :shop AND mirrored.shopify_gid = i.product_gid
              LEFT JOIN pim.shopify_variants AS known ON known.shop_id = :shop AND known.shopify_gid = i.shopify_gid) AS checked
    """


STAGE_RECORDS = """
    INSERT INTO pim.staging_records (bulk_run_id, shop_id, file_number, line_number, resource_type, shopify_gid, parent_gid, data)
    SELECT :run, :shop, file_number, line_number, resource_type, shopify_gid, parent_gid, data
    FROM intake_records ORDER BY file_number, line_number
"""

#: Table of the mirror and required columns, for the types of record that are rows of their own.
RECORD_TABLES: dict[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {
    "Collection": ("shopify_collections", "id", (("legacy_resource_id", "legacyResourceId"), ("title", "title"), ("handle", "handle"))),
    "Customer": ("shopify_customers", "id", (("legacy_resource_id", "legacyResourceId"),)),
    "Order": (
        "shopify_orders",
        "id",
        (("legacy_resource_id", "legacyResourceId"), ("name", "name"), ("order_number", "name"), ("total_price", "totalPriceSet"), ("currency_code", "currencyCode")),
    ),
    "Metaobject": ("shopify_metaobjects", "id", (("type", "type"), ("handle", "handle"))),
    "Publication": ("shopify_publications", "id", (("name", "name"),)),
    "Location": ("inventory_locations", "id", (("name", "name"),)),
    "Menu": ("shopify_menus", "id", (("title", "title"), ("handle", "handle"))),
}
#: Types of record below a parent, and the tables that the parent may be in.
PARENT_TABLES: dict[str, tuple[str, ...]] = {
    "Metafield": ("shopify_products", "shopify_variants", "shopify_customers"),
    "LineItem": ("shopify_orders",),
    "ShippingLine": ("shopify_orders",),
    "MailingAddress": ("shopify_customers",),
    "ResourcePublication": ("shopify_products", "shopify_collections"),
    "CollectionProduct": ("shopify_collections",),
}
MEDIA = "('MediaImage', 'ProductImage', 'Video', 'Model3d', 'ExternalVideo')"


def record_checks(names: dict[str, set[str]]) -> list[str]:
    """The statements that mark staged records invalid, parents before children."""
    statements = []
    for kind, (table, _, required) in RECORD_TABLES.items():
        statements.append(_mark(f"r.resource_type = '{kind}' AND EXISTS (SELECT FROM pim.staging_records AS l WHERE l.bulk_run_id = :run AND l.resource_type = '{kind}' AND l.shopify_gid = r.shopify_gid AND l.id > r.id)", "id is held by a later line too; that one is taken."))  # fmt: skip
        for column, name in required:
            known = f"NOT EXISTS (SELECT FROM pim.{table} AS t WHERE t.shop_id = :shop AND t.shopify_gid = r.shopify_gid)"
            always = f" OR (r.data ? '{column}')"
            statements.append(_mark(f"r.resource_type = '{kind}' AND r.data ->> '{column}' IS NULL AND ({known}{always})", f"{name} is missing."))
    for kind, tables in PARENT_TABLES.items():
        statements.append(_mark(f"r.resource_type = '{kind}' AND NOT ({_present('r.parent_gid', tables)})", "__parentId names a record that is neither in the file, as one that can be used, nor in the mirror."))  # fmt: skip
    products = _present("r.shopify_gid", ("shopify_products",))
    statements.append(_mark(f"r.resource_type = 'CollectionProduct' AND NOT ({products})", "id names a product that is neither in the file, as one that can be used, nor in the mirror."))
    owner = _present("r.parent_gid", ("shopify_products", "shopify_variants"))
    statements.append(_mark(f"r.resource_type IN {MEDIA} AND r.parent_gid IS NOT NULL AND NOT ({owner})", "__parentId names a record that is neither in the file, as one that can be used, nor in the mirror."))
    statements.append(_mark(
        f"""r.resource_type IN {MEDIA} AND r.data ->> 'url' IS NULL AND r.data ->> 'media_type' IS NULL
            AND NOT EXISTS (SELECT FROM pim.staging_records AS l WHERE l.bulk_run_id = :run AND l.resource_type IN {MEDIA}
                            AND l.shopify_gid = r.shopify_gid AND l.data ->> 'media_type' IS NOT NULL)
            AND NOT EXISTS (SELECT FROM pim.shopify_media AS t WHERE t.shop_id = :shop AND t.shopify_gid = r.shopify_gid)""",
        "mediaContentType is missing.",
    ))  # fmt: skip
    statements.append(_mark(
        """r.resource_type = 'ResourcePublication'
           AND NOT EXISTS (SELECT FROM pim.staging_records AS l WHERE l.bulk_run_id = :run AND l.resource_type = 'Publication'
                           AND l.shopify_gid = r.data ->> 'publication_gid' AND l.validation_status = 'valid')
           AND NOT EXISTS (SELECT FROM pim.shopify_publications AS t WHERE t.shop_id = :shop AND t.shopify_gid = r.data ->> 'publication_gid')""",
        "publication.id names a publication that is neither in the file nor in the mirror.",
    ))  # fmt: skip
    statements.append(_mark(
        f"""r.resource_type = 'InventoryLevel' AND NOT ({_present("r.parent_gid", ("shopify_variants",))})
           AND NOT EXISTS (SELECT FROM pim.staging_variants AS v WHERE v.bulk_run_id = :run AND v.validation_status = 'valid' AND v.inventory_item_id = r.parent_gid)
           AND NOT EXISTS (SELECT FROM pim.shopify_variants AS t WHERE t.shop_id = :shop AND t.inventory_item_id = r.parent_gid)""",
        "__parentId names a variant that is neither in the file, as one that can be used, nor in the mirror.",
    ))  # fmt: skip
    return statements


def _present(gid: str, tables: Sequence[str]) -> str:
    """Whether a gid is in the file, as a row that can be used, or in the mirror."""
    conditions = []
    for table in tables:
        conditions.append(f"EXISTS (SELECT FROM pim.{table} AS t WHERE t.shop_id = :shop AND t.shopify_gid = {gid})")
        if table == "shopify_products":
            conditions.append(f"EXISTS (SELECT FROM pim.staging_products AS s WHERE s.bulk_run_id = :run AND s.shopify_gid = {gid} AND s.validation_status = 'valid')")
        elif table == "shopify_variants":
            conditions.append(f"EXISTS (SELECT FROM pim.staging_variants AS s WHERE s.bulk_run_id = :run AND s.shopify_gid = {gid} AND s.validation_status = 'valid')")
        else:
            kind = {"shopify_collections": "Collection", "shopify_customers": "Customer", "shopify_orders": "Order"}[table]
            conditions.append(f"EXISTS (SELECT FROM pim.staging_records AS s WHERE s.bulk_run_id = :run AND s.resource_type = '{kind}' AND s.shopify_gid = {gid} AND s.validation_status = 'valid')")
    return " OR ".join(conditions)


def _mark(condition: str, reason: str) -> str:
    return f"""
        UPDATE pim.staging_records AS r SET validation_status = 'invalid', reason = '{reason}'
        WHERE r.bulk_run_id = :run AND r.validation_status = 'valid' AND ({condition})
    """
