"""The SQL of products, variants and collections as they are searched and shown. Row security names the shop."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.web.paging import Place

#: What a product has to match, by the name of the filter; each takes the parameter of its name.
FILTERS = {
    "status": "p.status = :status",
    "vendor": "p.vendor = :vendor",
    "type": "p.product_type = :type",
    "tag": "p.tags @> ARRAY[CAST(:tag AS text)]",
    "collection": """
        p.id IN (
            SELECT cp.product_id
            FROM pim.shopify_collection_products AS cp
            JOIN pim.shopify_collections AS c ON c.id = cp.collection_id AND c.shop_id = cp.shop_id
            WHERE c.handle = :collection OR c.id::text = :collection
        )""",
    "q": """
        p.id IN (
            SELECT entrepot.find_products(to_tsquery('simple', :words))
            UNION ALL
            SELECT id FROM pim.shopify_products
            WHERE title ILIKE :like OR handle ILIKE :like OR shopify_gid = :exact OR legacy_resource_id::text = :exact
            UNION ALL
            SELECT product_id FROM pim.shopify_variants WHERE sku ILIKE :prefix OR barcode = :exact
        )""",
    "similar": "word_similarity(:similar, p.title) >= 0.5",
}

#: What a product can lack.
LACKS = {
    "image": """
        p.featured_image_url IS NULL
        AND NOT EXISTS (SELECT FROM pim.shopify_product_media AS pm WHERE pm.product_id = p.id)""",
    "sku": """
        EXISTS (
            SELECT FROM pim.shopify_variants AS v
            WHERE v.product_id = p.id AND coalesce(v.sku, '') = ''
        )""",
    "stock": """
        EXISTS (
            SELECT FROM pim.shopify_variants AS v
            WHERE v.product_id = p.id AND v.inventory_quantity <= 0 AND v.inventory_policy = 'DENY'
        )""",
    "low": "p.id IN (SELECT product_id FROM pim.mv_low_stock_alerts WHERE inventory_quantity > 0)",
    "description": "coalesce(p.description, p.description_html, '') = ''",
}

_MATCHING_VARIANTS = "SELECT {} FROM pim.shopify_variants AS v WHERE v.product_id = p.id"

#: Sort key → the expression it sorts by (never null, so that pages meet exactly) and the type of its cursor value.
SORTS = {
    "title": ("lower(p.title)", "text"),
    "vendor": ("lower(coalesce(p.vendor, ''))", "text"),
    "status": ("p.status", "text"),
    "updated": ("coalesce(p.updated_at_shopify, '-infinity'::timestamptz)", "timestamptz"),
    "created": ("coalesce(p.created_at_shopify, '-infinity'::timestamptz)", "timestamptz"),
    "price": (f"coalesce(({_MATCHING_VARIANTS.format('min(v.price)')}), -1)", "numeric"),
    "stock": (f"coalesce(({_MATCHING_VARIANTS.format('sum(v.inventory_quantity)')}), 0)", "bigint"),
}

_TOTALS = """
    SELECT count(*) AS variants_count, min(v.price) AS min_price, max(v.price) AS max_price,
           coalesce(sum(v.inventory_quantity), 0) AS inventory_quantity,
           coalesce(max(v.currency_code), '') AS currency_code
    FROM pim.shopify_variants AS v
    WHERE v.product_id = p.id
"""


def _matching(filters: Mapping[str, Any], lacks: str | None) -> str:
    conditions = [FILTERS[name] for name in FILTERS if name in filters]
    if lacks is not None:
        conditions.append(LACKS[lacks])
    return " AND ".join(f"({condition})" for condition in conditions) or "true"


async def select_products(
    session: AsyncSession,
    *,
    filters: Mapping[str, Any],
    lacks: str | None,
    sort: str,
    descending: bool,
    at: Place | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Up to `limit` products that match, with their totals, in the order asked for; from a place on, either way."""
    expression, kind = SORTS[sort]
    down = descending != (at is not None and at.backward)
    direction, beyond = ("DESC", "<") if down else ("ASC", ">")
    values = dict(filters) | {"limit": limit}
    where = _matching(filters, lacks)
    if at is not None:
        where += f" AND ({expression}, p.id) {beyond} (CAST(:at_key AS {kind}), CAST(:at_id AS uuid))"
        values |= {"at_key": at.values[0], "at_id": at.values[1]}
    query = f"""
        WITH page AS (
            SELECT p.id, {expression} AS sort_key
            FROM pim.shopify_products AS p
            WHERE {where}
            ORDER BY sort_key {direction}, p.id {direction}
            LIMIT :limit
        )
        SELECT p.id, p.shopify_gid, p.legacy_resource_id, p.title, p.handle, p.vendor, p.product_type, p.status, p.tags,
               p.featured_image_url, p.published_at, p.created_at_shopify, p.updated_at_shopify, p.synced_at,
               totals.*, page.sort_key::text AS sort_key
        FROM page
        JOIN pim.shopify_products AS p ON p.id = page.id
        CROSS JOIN LATERAL ({_TOTALS}) AS totals
        ORDER BY page.sort_key {direction}, page.id {direction}
    """
    return (await session.execute(text(query), values)).mappings().all()


async def count_products(
    session: AsyncSession, *, filters: Mapping[str, Any], lacks: str | None, most: int
) -> int:
    """How many products match; stops counting at `most`."""
    query = f"""
        SELECT count(*) FROM (
            SELECT FROM pim.shopify_products AS p WHERE {_matching(filters, lacks)} LIMIT :most
        ) AS found
    """
    return int((await session.execute(text(query), {**filters, "most": most})).scalar_one())


async def select_facets(session: AsyncSession) -> RowMapping:
    """The vendors, types and collections that there are to choose from, the most frequent 100 of each."""
    query = """
        SELECT
            ARRAY(SELECT vendor FROM pim.shopify_products WHERE vendor <> '' GROUP BY vendor
                  ORDER BY count(*) DESC, vendor LIMIT 100) AS vendors,
            ARRAY(SELECT product_type FROM pim.shopify_products WHERE product_type <> '' GROUP BY product_type
                  ORDER BY count(*) DESC, product_type LIMIT 100) AS types,
            coalesce((SELECT jsonb_agg(jsonb_build_array(c.handle, c.title) ORDER BY c.title) FROM (
                SELECT handle, title FROM pim.shopify_collections ORDER BY title LIMIT 100) AS c), '[]') AS collections
    """
    return (await session.execute(text(query))).mappings().one()


async def select_product(session: AsyncSession, product_id: UUID) -> RowMapping | None:
    """One product with the totals of its variants."""
    query = f"""
        SELECT p.*, totals.*
        FROM pim.shopify_products AS p
        CROSS JOIN LATERAL ({_TOTALS}) AS totals
        WHERE p.id = :id
    """
    return (await session.execute(text(query), {"id": product_id})).mappings().one_or_none()


async def select_product_id(session: AsyncSession, reference: str) -> UUID | None:
    """The product with this Shopify gid or handle."""
    query = (
        "SELECT id FROM pim.shopify_products WHERE shopify_gid = :reference OR handle = :reference LIMIT 1"
    )
    found: UUID | None = (await session.execute(text(query), {"reference": reference})).scalar_one_or_none()
    return found


async def select_variants_of(session: AsyncSession, product_id: UUID) -> Sequence[RowMapping]:
    """The variants of a product in their order."""
    query = "SELECT * FROM pim.shopify_variants WHERE product_id = :id ORDER BY position, id"
    return (await session.execute(text(query), {"id": product_id})).mappings().all()


async def select_media_of(session: AsyncSession, product_id: UUID) -> Sequence[RowMapping]:
    """The media of a product in their order."""
    query = """
        SELECT m.media_id AS id, m.shopify_gid, m.media_type, m.alt, m.status, m.mime_type, m.width, m.height, m.url, m.preview_url,
               pm.position, pm.is_featured
        FROM pim.shopify_product_media AS pm
        JOIN pim.shopify_media AS m ON m.media_id = pm.media_id AND m.shop_id = pm.shop_id
        WHERE pm.product_id = :id
        ORDER BY pm.is_featured DESC, pm.position, m.media_id
    """
    return (await session.execute(text(query), {"id": product_id})).mappings().all()


async def select_collections_of(session: AsyncSession, product_id: UUID) -> Sequence[RowMapping]:
    """The collections that a product is in."""
    query = """
        SELECT c.id, c.shopify_gid, c.title, c.handle, c.collection_type
        FROM pim.shopify_collection_products AS cp
        JOIN pim.shopify_collections AS c ON c.id = cp.collection_id AND c.shop_id = cp.shop_id
        WHERE cp.product_id = :id
        ORDER BY c.title, c.id
    """
    return (await session.execute(text(query), {"id": product_id})).mappings().all()


async def select_variants(
    session: AsyncSession,
    *,
    sku: str | None,
    barcode: str | None,
    product_id: UUID | None,
    at: Place | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Up to `limit` variants by key: those whose SKU begins so, with this barcode, of this product."""
    conditions, values = ["true"], {"limit": limit}
    if sku is not None:
        conditions.append("v.sku ILIKE :sku")
        values["sku"] = starting_with(sku)  # type: ignore[assignment]
    if barcode is not None:
        conditions.append("v.barcode = :barcode")
        values["barcode"] = barcode  # type: ignore[assignment]
    if product_id is not None:
        conditions.append("v.product_id = :product_id")
        values["product_id"] = product_id  # type: ignore[assignment]
    direction, beyond = ("DESC", "<") if at is not None and at.backward else ("ASC", ">")
    if at is not None:
        conditions.append(f"v.id {beyond} :at_id")
        values["at_id"] = at.values[0]
    query = f"""
        SELECT v.*, p.title AS product_title, p.handle AS product_handle
        FROM pim.shopify_variants AS v
        JOIN pim.shopify_products AS p ON p.id = v.product_id AND p.shop_id = v.shop_id
        WHERE {" AND ".join(conditions)}
        ORDER BY v.id {direction}
        LIMIT :limit
    """
    return (await session.execute(text(query), values)).mappings().all()


def containing(value: str) -> str:
    """A LIKE pattern for texts that contain the value as it stands."""
    return "%" + escaped(value) + "%"


def starting_with(value: str) -> str:
    """A LIKE pattern for texts that begin with the value as it stands."""
    return escaped(value) + "%"


def escaped(value: str) -> str:
    """The value with what LIKE treats specially made plain."""
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
