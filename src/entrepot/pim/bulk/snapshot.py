"""Deleting what a snapshot no longer holds.

`--snapshot` says that the file is the whole shop. It speaks only for the types of record that the file holds: an
export of products says nothing about orders. The caller makes sure that nothing was rejected, since a record that could
not be read must not count as deleted.
"""

from collections.abc import Mapping

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_STAGED_RECORD = (
    "SELECT FROM staged_records AS s WHERE s.resource_type {types} AND s.shopify_gid = t.shopify_gid"
)
_MEDIA = "IN ('MediaImage', 'ProductImage', 'Video', 'Model3d', 'ExternalVideo')"
_LINKED_MEDIA = """SELECT FROM staged_records AS s
    JOIN pim.shopify_media AS m ON m.shop_id = :shop AND m.shopify_gid = s.shopify_gid
    JOIN pim.{owners} AS o ON o.shop_id = :shop AND o.shopify_gid = s.parent_gid
    WHERE s.data ->> 'link' = '{link}' AND m.media_id = t.media_id AND o.id = t.{owner}_id"""

#: Type → (table, key to note, what keeps a row). Links before what they tie, children before parents.
KEPT: dict[str, tuple[str, str, str]] = {
    "CollectionProduct": (
        "shopify_collection_products",
        "t.product_id",
        """SELECT FROM staged_records AS s
           JOIN pim.shopify_collections AS c ON c.shop_id = :shop AND c.shopify_gid = s.parent_gid
           JOIN pim.shopify_products AS p ON p.shop_id = :shop AND p.shopify_gid = s.shopify_gid
           WHERE s.resource_type = 'CollectionProduct' AND c.id = t.collection_id AND p.id = t.product_id""",
    ),
    "ProductMedia": (
        "shopify_product_media",
        "t.media_id",
        _LINKED_MEDIA.format(owners="shopify_products", link="product", owner="product"),
    ),
    "VariantMedia": (
        "shopify_variant_media",
        "t.media_id",
        _LINKED_MEDIA.format(owners="shopify_variants", link="variant", owner="variant"),
    ),
    "Media": ("shopify_media", "t.media_id", _STAGED_RECORD.format(types=_MEDIA)),
    "ResourcePublication": (
        "shopify_resource_publications",
        "t.id",
        """SELECT FROM staged_records AS s
           JOIN pim.shopify_publications AS p ON p.shop_id = :shop AND p.shopify_gid = s.data ->> 'publication_gid'
           LEFT JOIN pim.shopify_products AS product ON product.shop_id = :shop AND product.shopify_gid = s.parent_gid
           LEFT JOIN pim.shopify_collections AS c ON c.shop_id = :shop AND c.shopify_gid = s.parent_gid
           WHERE s.resource_type = 'ResourcePublication' AND p.id = t.publication_id AND coalesce(product.id, c.id) = t.resource_id""",
    ),
    "ProductVariant": (
        "shopify_variants",
        "t.id",
        "SELECT FROM staged_variants AS s WHERE s.shopify_gid = t.shopify_gid",
    ),
    "Product": (
        "shopify_products",
        "t.id",
        "SELECT FROM staged_products AS s WHERE s.shopify_gid = t.shopify_gid",
    ),
    "Collection": ("shopify_collections", "t.id", _STAGED_RECORD.format(types="= 'Collection'")),
    "Order": ("shopify_orders", "t.id", _STAGED_RECORD.format(types="= 'Order'")),
    "Customer": ("shopify_customers", "t.id", _STAGED_RECORD.format(types="= 'Customer'")),
    "Metaobject": ("shopify_metaobjects", "t.id", _STAGED_RECORD.format(types="= 'Metaobject'")),
    "Menu": ("shopify_menus", "t.id", _STAGED_RECORD.format(types="= 'Menu'")),
    "Publication": ("shopify_publications", "t.id", _STAGED_RECORD.format(types="= 'Publication'")),
    "Location": ("inventory_locations", "t.id", _STAGED_RECORD.format(types="= 'Location'")),
}
_GONE = "(SELECT o.id FROM pim.{owners} AS o WHERE o.shop_id = :shop AND NOT EXISTS ({kept}))"
_GONE_PRODUCTS = _GONE.format(
    owners="shopify_products", kept=KEPT["Product"][2].replace("t.shopify_gid", "o.shopify_gid")
)
_GONE_COLLECTIONS = _GONE.format(
    owners="shopify_collections", kept=KEPT["Collection"][2].replace("t.shopify_gid", "o.shopify_gid")
)
#: What goes with its parent although the file holds none of its type: type, parent's type, table, key to note, which rows.
BELOW: tuple[tuple[str, str, str, str, str], ...] = (
    (
        "CollectionProduct",
        "Product",
        "shopify_collection_products",
        "t.product_id",
        f"t.product_id IN {_GONE_PRODUCTS}",
    ),
    (
        "CollectionProduct",
        "Collection",
        "shopify_collection_products",
        "t.product_id",
        f"t.collection_id IN {_GONE_COLLECTIONS}",
    ),
    (
        "ResourcePublication",
        "Product",
        "shopify_resource_publications",
        "t.id",
        f"t.resource_type = 'Product' AND t.resource_id IN {_GONE_PRODUCTS}",
    ),
    (
        "ResourcePublication",
        "Collection",
        "shopify_resource_publications",
        "t.id",
        f"t.resource_type = 'Collection' AND t.resource_id IN {_GONE_COLLECTIONS}",
    ),
    ("ProductVariant", "Product", "shopify_variants", "t.id", f"t.product_id IN {_GONE_PRODUCTS}"),
)
#: The product that a row was a part of.
PRODUCT_OF = {
    "ProductVariant": "t.product_id",
    "ProductMedia": "t.product_id",
    "VariantMedia": "(SELECT v.product_id FROM pim.shopify_variants AS v WHERE v.shop_id = :shop AND v.id = t.variant_id)",
}
_MEDIA_TYPES = frozenset({"MediaImage", "ProductImage", "Video", "Model3d", "ExternalVideo"})


async def delete_missing(session: AsyncSession, parameters: Mapping[str, object], kinds: set[str]) -> None:
    """Delete the rows of the types in `kinds` that were not staged; each is noted in `changed`.

    Rows that go with their parent (a product's variants) are deleted first, so that they are counted too.
    """
    covered = set(kinds)
    if kinds & _MEDIA_TYPES:
        covered |= {"Media", "ProductMedia", "VariantMedia"}
    wanted = [
        (kind, table, noted, f"NOT EXISTS ({kept})")
        for kind, (table, noted, kept) in KEPT.items()
        if kind in covered
    ]
    below = [
        (kind, table, noted, gone)
        for kind, parent, table, noted, gone in BELOW
        if parent in covered and kind not in covered
    ]
    for kind, table, noted, gone in below + wanted:
        gid = (
            "t.shopify_gid"
            if kind not in ("CollectionProduct", "ProductMedia", "VariantMedia", "ResourcePublication")
            else "NULL"
        )
        product = PRODUCT_OF.get(kind, "NULL::uuid")
        statement = f"""
            WITH gone AS (DELETE FROM pim.{table} AS t WHERE t.shop_id = :shop AND {gone} RETURNING {noted} AS id, {gid} AS gid, {product} AS product_id)
            INSERT INTO changed (kind, action, id, gid, product_id) SELECT '{kind}', 'DELETE', id, gid, product_id FROM gone
        """
        await session.execute(
            text(statement), {name: value for name, value in parameters.items() if f":{name}" in statement}
        )
