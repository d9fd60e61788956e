"""From parsed rows to the staging tables of the session, and the checks of what is there.

COPY does not work under row security. So the rows go into temporary tables, which only this session can see and which
end with its transaction; what leaves them goes through the tenant's policies. PostgreSQL takes a batch while the next one
is parsed. When all are there, they are checked against each other and against the mirror: duplicates, missing parents,
missing required values.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.pim.bulk.rows import COLUMNS, COPY_OPTIONS, Target
from entrepot.pim.bulk.shapes import SHAPES
from entrepot.pim.bulk.telling import Names, listed, telling_files


async def prepare(session: AsyncSession) -> None:
    """Make the session's staging tables: the declared ones' columns, the order of arrival, and what is wrong with a row."""
    await session.execute(text("SET LOCAL client_connection_check_interval = '1s'"))
    for target, columns in COLUMNS.items():
        await session.execute(
            text(
                f"CREATE TEMPORARY TABLE staged_{target} ON COMMIT DROP AS "
                f"SELECT {', '.join(columns)} FROM pim.staging_{target} WITH NO DATA"
            )
        )
        await session.execute(
            text(
                f"ALTER TABLE staged_{target} ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY, "
                "ADD COLUMN fault text, ADD COLUMN fault_field text"
            )
        )


async def driver_connection(session: AsyncSession) -> psycopg.AsyncConnection[Any]:
    """The psycopg connection below a session, for COPY."""
    raw = await (await session.connection()).get_raw_connection()
    connection = raw.driver_connection
    assert isinstance(connection, psycopg.AsyncConnection)
    return connection


async def load(session: AsyncSession, batches: AsyncIterator[tuple[Target, bytes]]) -> None:
    """Send batches of rows to the staging tables, in the order in which they come."""
    connection = await driver_connection(session)
    async with connection.cursor() as cursor:
        async for target, rows in batches:
            columns = ", ".join(COLUMNS[target])
            statement = f"COPY staged_{target} ({columns}) FROM STDIN {COPY_OPTIONS}"
            async with cursor.copy(statement.encode()) as stream:
                await stream.write(rows)


async def check(session: AsyncSession, shop_id: UUID, names: Names) -> None:
    """Mark the staged rows that cannot be merged, each with the reason."""
    parameters = {"shop": shop_id}
    await plan_for_bulk(session)
    for statement in [
        *product_checks(names),
        *variant_checks(names),
        *record_checks(),
    ]:
        await session.execute(
            text(statement), {name: value for name, value in parameters.items() if f":{name}" in statement}
        )


async def plan_for_bulk(session: AsyncSession) -> None:
    """Have the rest of the transaction join by hashing.

    The statistics cannot know a shop that is new to the mirror: the planner takes it for a row or two, and would walk
    all of the shop's rows again for each staged one.
    """
    await session.execute(text("SET LOCAL enable_nestloop = off"))


def product_checks(names: Names) -> list[str]:
    """The statements that mark staged products invalid."""
    held = "(SELECT t.description FROM pim.shopify_products AS t WHERE t.shop_id = :shop AND t.shopify_gid = s.shopify_gid)"
    described, silent = telling_files("Product", "description", names)
    if not silent:
        description = "s.description"
    else:
        description = (
            f"(CASE WHEN s.file_number IN {listed(described)} THEN s.description ELSE {held} END)"
            if described
            else held
        )
    required = [("legacy_resource_id", "legacyResourceId"), ("title", "title")]
    if telling_files("Product", "handle", names)[0]:
        required.append(("handle", "handle"))
    return [
        _duplicates("staged_products", "product"),
        _missing("Product", required, names),
        _unindexable(description),
    ]


def variant_checks(names: Names) -> list[str]:
    """The statements that mark staged variants invalid."""
    orphans = """
        s.fault IS NULL
        AND NOT EXISTS (SELECT FROM staged_products AS p WHERE p.shopify_gid = s.product_gid AND p.fault IS NULL)
        AND NOT EXISTS (SELECT FROM pim.shopify_products AS t WHERE t.shop_id = :shop AND t.shopify_gid = s.product_gid)
    """
    return [
        _duplicates("staged_variants", "variant"),
        _invalid(
            "staged_variants",
            orphans,
            "__parentId",
            "Its product is neither in the file, as a row that can be used, nor in the mirror.",
        ),
        _missing("ProductVariant", [("legacy_resource_id", "legacyResourceId"), ("price", "price")], names),
    ]


def _unindexable(description: str) -> str:
    """Products whose words the full-text index cannot hold: to_tsvector takes 2^20 - 1 bytes of words and places.

    The sum is that of make_tsvector in PostgreSQL's to_tsany.c. A text of fewer bytes than the first condition asks
    cannot reach it, whatever it holds.
    """
    words = f"coalesce(s.title, '') || ' ' || coalesce({description}, '')"
    size = f"""
        SELECT sum(octet_length(word) + octet_length(word) % 2 + 2 + 2 * least(255, early + late)) FROM (
            SELECT lower(token) AS word, count(*) FILTER (WHERE place < 16383) AS early, (max(place) >= 16383)::integer AS late
            FROM (SELECT token, row_number() OVER () AS place FROM ts_parse('default', {words}) WHERE tokid NOT IN (12, 13, 14, 21)) AS parsed
            WHERE octet_length(token) < 2048 GROUP BY 1) AS distinct_words
    """
    condition = f"s.fault IS NULL AND octet_length(s.title) + coalesce(octet_length({description}), 0) > 200000 AND ({size}) > 1048575"
    return _invalid(
        "staged_products",
        condition,
        "description",
        "It and the title have more words than the full-text index can hold.",
    )


def _duplicates(table: str, noun: str) -> str:
    return f"""
        WITH twice AS MATERIALIZED (SELECT shopify_gid FROM {table} GROUP BY shopify_gid HAVING count(*) > 1)
        UPDATE {table} AS s SET fault = 'A later line holds the same {noun}; that one is taken.', fault_field = 'id'
        FROM (SELECT d.id, row_number() OVER (PARTITION BY d.shopify_gid ORDER BY d.file_number DESC, d.line_number DESC, d.id DESC) AS place
              FROM {table} AS d JOIN twice ON twice.shopify_gid = d.shopify_gid) AS ranked
        WHERE ranked.id = s.id AND ranked.place > 1
    """


def _missing(kind: str, required: Sequence[tuple[str, str]], names: Names) -> str:
    """Required columns that are null: wrong wherever their file speaks of them, and for new rows in any case.

    A handle is not needed where a file is silent of it: a new product gets one of its title. The first that is missing is
    named; all are one statement, since each looks at every row.
    """
    table = {"Product": "staged_products", "ProductVariant": "staged_variants"}[kind]
    known = f"EXISTS (SELECT FROM pim.{SHAPES[kind].table} AS t WHERE t.shop_id = :shop AND t.shopify_gid = s.shopify_gid)"
    conditions = {}
    for column, name in required:
        told, silent = telling_files(kind, column, names)
        conditions[name] = f"s.{column} IS NULL"
        if silent and column != "legacy_resource_id":
            spoken = [f"s.file_number IN {listed(told)}"] if told else []
            unknown = [] if column == "handle" else [f"NOT {known}"]
            conditions[name] += f" AND ({' OR '.join(spoken + unknown)})"
    missing = " ".join(f"WHEN {condition} THEN '{name}'" for name, condition in conditions.items())
    return f"""
        UPDATE {table} AS s SET fault = found.name || ' is missing.', fault_field = found.name
        FROM (SELECT s.id, CASE {missing} END AS name FROM {table} AS s
              WHERE s.fault IS NULL AND (s.{" IS NULL OR s.".join(column for column, _ in required)} IS NULL)) AS found
        WHERE found.id = s.id AND found.name IS NOT NULL
    """


def _invalid(table: str, condition: str, field: str, reason: str) -> str:
    return f"UPDATE {table} AS s SET fault = '{reason}', fault_field = '{field}' WHERE {condition}"


#: Table of the mirror and required columns, for the types of record that are rows of their own.
RECORD_TABLES: dict[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {
    "Collection": (
        "shopify_collections",
        "id",
        (("legacy_resource_id", "legacyResourceId"), ("title", "title"), ("handle", "handle")),
    ),
    "Customer": ("shopify_customers", "id", (("legacy_resource_id", "legacyResourceId"),)),
    "Order": (
        "shopify_orders",
        "id",
        (
            ("legacy_resource_id", "legacyResourceId"),
            ("name", "name"),
            ("order_number", "name"),
            ("total_price", "totalPriceSet"),
            ("currency_code", "currencyCode"),
        ),
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


def record_checks() -> list[str]:
    """The statements that mark staged records invalid, parents before children."""
    statements = []
    for kind, (table, _, required) in RECORD_TABLES.items():
        statements.append(_mark(f"r.resource_type = '{kind}' AND EXISTS (SELECT FROM staged_records AS l WHERE l.resource_type = '{kind}' AND l.shopify_gid = r.shopify_gid AND l.id > r.id)", "id is held by a later line too; that one is taken."))  # fmt: skip
        for column, name in required:
            known = f"NOT EXISTS (SELECT FROM pim.{table} AS t WHERE t.shop_id = :shop AND t.shopify_gid = r.shopify_gid)"
            always = f" OR (r.data ? '{column}')"
            statements.append(
                _mark(
                    f"r.resource_type = '{kind}' AND r.data ->> '{column}' IS NULL AND ({known}{always})",
                    f"{name} is missing.",
                )
            )
    for kind, tables in PARENT_TABLES.items():
        statements.append(_mark(f"r.resource_type = '{kind}' AND NOT ({_present('r.parent_gid', tables)})", "__parentId names a record that is neither in the file, as one that can be used, nor in the mirror."))  # fmt: skip
    products = _present("r.shopify_gid", ("shopify_products",))
    statements.append(
        _mark(
            f"r.resource_type = 'CollectionProduct' AND NOT ({products})",
            "id names a product that is neither in the file, as one that can be used, nor in the mirror.",
        )
    )
    owner = _present("r.parent_gid", ("shopify_products", "shopify_variants"))
    statements.append(
        _mark(
            f"r.resource_type IN {MEDIA} AND r.parent_gid IS NOT NULL AND NOT ({owner})",
            "__parentId names a record that is neither in the file, as one that can be used, nor in the mirror.",
        )
    )
    statements.append(_mark(
        f"""r.resource_type IN {MEDIA} AND r.data ->> 'url' IS NULL AND r.data ->> 'media_type' IS NULL
            AND NOT EXISTS (SELECT FROM staged_records AS l WHERE l.resource_type IN {MEDIA}
                            AND l.shopify_gid = r.shopify_gid AND l.data ->> 'media_type' IS NOT NULL AND l.fault IS NULL)
            AND NOT EXISTS (SELECT FROM pim.shopify_media AS t WHERE t.shop_id = :shop AND t.shopify_gid = r.shopify_gid)""",
        "mediaContentType is missing.",
    ))  # fmt: skip
    statements.append(_mark(
        """r.resource_type = 'ResourcePublication'
           AND NOT EXISTS (SELECT FROM staged_records AS l WHERE l.resource_type = 'Publication'
                           AND l.shopify_gid = r.data ->> 'publication_gid' AND l.fault IS NULL)
           AND NOT EXISTS (SELECT FROM pim.shopify_publications AS t WHERE t.shop_id = :shop AND t.shopify_gid = r.data ->> 'publication_gid')""",
        "publication.id names a publication that is neither in the file nor in the mirror.",
    ))  # fmt: skip
    statements.append(_mark(
        f"""r.resource_type = 'InventoryLevel' AND NOT ({_present("r.parent_gid", ("shopify_variants",))})
           AND NOT EXISTS (SELECT FROM staged_variants AS v WHERE v.fault IS NULL AND v.inventory_item_id = r.parent_gid)
           AND NOT EXISTS (SELECT FROM pim.shopify_variants AS t WHERE t.shop_id = :shop AND t.inventory_item_id = r.parent_gid)""",
        "__parentId names a variant that is neither in the file, as one that can be used, nor in the mirror.",
    ))  # fmt: skip
    return statements


def _present(gid: str, tables: Sequence[str]) -> str:
    """Whether a gid is in the file, as a row that can be used, or in the mirror."""
    conditions = []
    for table in tables:
        conditions.append(
            f"EXISTS (SELECT FROM pim.{table} AS t WHERE t.shop_id = :shop AND t.shopify_gid = {gid})"
        )
        if table == "shopify_products":
            conditions.append(
                f"EXISTS (SELECT FROM staged_products AS s WHERE s.shopify_gid = {gid} AND s.fault IS NULL)"
            )
        elif table == "shopify_variants":
            conditions.append(
                f"EXISTS (SELECT FROM staged_variants AS s WHERE s.shopify_gid = {gid} AND s.fault IS NULL)"
            )
        else:
            kind = {
                "shopify_collections": "Collection",
                "shopify_customers": "Customer",
                "shopify_orders": "Order",
            }[table]
            conditions.append(
                f"EXISTS (SELECT FROM staged_records AS s WHERE s.resource_type = '{kind}' AND s.shopify_gid = {gid} AND s.fault IS NULL)"
            )
    return " OR ".join(conditions)


def _mark(condition: str, reason: str) -> str:
    return f"""
        UPDATE staged_records AS r SET fault = '{reason}', fault_field = '{reason.split()[0]}'
        WHERE r.fault IS NULL AND ({condition})
    """
