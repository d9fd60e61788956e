"""From the staging tables into the mirror, in one transaction.

Each type is one MERGE: a row that is new is inserted, one that differs is updated, one that is the same is not touched
(no new row version, no audit row). Columns that the file says nothing about keep what they hold. What changed is noted
in the temporary table `changed`, from which counts, references and events are made.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from entrepot.kit.progress import Report
from entrepot.pim.bulk import links
from entrepot.pim.bulk.shapes import (
    COLLECTION,
    CUSTOMER,
    LOCATION,
    MENU,
    METAOBJECT,
    ORDER,
    PRODUCT,
    PUBLICATION,
    VARIANT,
    Shape,
)
from entrepot.pim.bulk.staging import MEDIA, plan_for_bulk
from entrepot.pim.bulk.telling import Counts, Names, Telling, listed, tellings, total

MEDIA_COLUMNS = (
    "legacy_resource_id", "media_type", "alt", "status", "mime_type", "file_size", "width", "height", "duration", "url",
    "preview_url", "sources", "created_at_shopify",
)  # fmt: skip


@dataclass(frozen=True)
class Merge:
    """One type's MERGE: its target, the source query, and the columns that it may write."""

    kind: str
    table: str
    source: str
    columns: tuple[str, ...]
    covered: tuple[str, ...]
    key: str = "id"
    match: str = "t.shop_id = :shop AND t.shopify_gid = s.shopify_gid"
    fixed: tuple[str, ...] = ("shopify_gid",)
    defaults: dict[str, str] = field(default_factory=dict)
    synced: bool = True
    #: What gives the product that the row is a part of: a change of the part is one of the product.
    product: str = "NULL::uuid"

    def statement(self, *, fresh: bool = False) -> str:
        """The MERGE, noting what it changed; the plain INSERT where the shop has no rows of the table yet."""
        update = [column for column in self.columns if column in self.covered]
        insert = [
            *self.fixed,
            *(column for column in self.columns if column in self.covered or column in self.defaults),
        ]
        values = ", ".join(
            f"coalesce(s.{column}, {self.defaults[column]})" if column in self.defaults else f"s.{column}"
            for column in insert
        )
        noted = f"t.{self.key} AS id, t.shopify_gid AS gid, {self.product} AS product_id"
        if fresh:
            write = f"""
                INSERT INTO pim.{self.table} AS t (shop_id, {", ".join(insert)}) SELECT CAST(:shop AS uuid), {values} FROM ({self.source}) AS s
                RETURNING 'INSERT' AS action, {noted}"""
        else:
            when_matched = ""
            if update:
                kept = [
                    f"coalesce(s.{column}, t.{column})" if column in self.defaults else f"s.{column}"
                    for column in update
                ]
                assignments = ", ".join(
                    f"{column} = {value}" for column, value in zip(update, kept, strict=True)
                )
                touched = ", synced_at = now()" if self.synced else ""
                when_matched = f"""
                WHEN MATCHED AND ROW({", ".join(f"t.{column}" for column in update)}) IS DISTINCT FROM ROW({", ".join(kept)})
                     THEN UPDATE SET {assignments}{touched}"""
            write = f"""
                MERGE INTO pim.{self.table} AS t USING ({self.source}) AS s ON {self.match}{when_matched}
                WHEN NOT MATCHED THEN INSERT (shop_id, {", ".join(insert)}) VALUES (:shop, {values})
                RETURNING merge_action() AS action, {noted}"""
        return f"""
            WITH merged AS ({write})
            INSERT INTO changed (kind, action, id, gid, product_id) SELECT '{self.kind}', action, id, gid, product_id FROM merged
        """


async def merge(
    session: AsyncSession,
    parameters: dict[str, Any],
    counts: Counts,
    names: Names,
    report: Report,
) -> None:
    """Merge everything that was staged for a run; the caller's transaction makes it visible at once or not at all.

    `parameters` name run, shop and currency. The temporary table `changed` holds what was done until the transaction ends.
    """
    await plan_for_bulk(session)
    await session.execute(
        text(
            "CREATE TEMPORARY TABLE changed (kind text, action text, id uuid, gid text, product_id uuid) ON COMMIT DROP"
        )
    )
    steps = list(plan(counts, names))
    for number, step in enumerate(steps):
        report("merge", done=number, total=len(steps), unit="statements")
        if isinstance(step, Merge):
            statement = step.statement(fresh=not await _held(session, step.table, parameters))
        else:
            statement = step
        await session.execute(text(statement), bound(statement, parameters))
    report("merge", done=len(steps), total=len(steps), unit="statements")


async def _held(session: AsyncSession, table: str, parameters: dict[str, Any]) -> bool:
    """Whether the shop has any row of a table of the mirror."""
    query = text(f"SELECT EXISTS (SELECT FROM pim.{table} WHERE shop_id = :shop)")
    return bool((await session.execute(query, {"shop": parameters["shop"]})).scalar_one())


def bound(statement: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters that a statement names."""
    return {name: value for name, value in parameters.items() if f":{name}" in statement}


def plan(counts: Counts, names: Names) -> Iterator[str | Merge]:
    """The statements of a merge in order: what is referred to before what refers to it.

    A type is one statement, or one for each kind of file where the files speak of different columns. Metafields are
    whole for the types of owner that have any in a file, and single ones where a CSV names them.
    """
    kinds = total(counts)
    metafields = "Metafield" in kinds
    if metafields:
        yield f"CREATE TEMPORARY TABLE owned_metafields ON COMMIT DROP AS {links.OWNED_METAFIELDS}"
        yield "ANALYZE owned_metafields"
        yield links.NOTE_METAFIELDS
    for shape in (LOCATION, PUBLICATION, METAOBJECT):
        for told in tellings({shape.type}, names, counts):
            yield simple(shape, told)
    if "Product" in kinds:
        yield links.ADOPT_PRODUCTS
        for told in tellings({"Product"}, names, counts):
            yield product(told)
    if "ProductVariant" in kinds:
        yield links.ADOPT_VARIANTS
        for told in tellings({"ProductVariant"}, names, counts):
            yield variant(told)
    for told in tellings({"Collection"}, names, counts):
        yield simple(COLLECTION, told, extra=links.COLLECTION_TYPE)
    customers = tellings({"Customer"}, names, counts)
    for told in customers:
        yield customer(told)
    if "MailingAddress" in kinds:
        yield links.addresses_of_others(without(customers, "MailingAddress"))
    if metafields:
        yield from links.metafields_of_others()
    if "CollectionProduct" in kinds:
        yield links.COLLECTION_PRODUCTS
    if links.MEDIA_TYPES & kinds.keys():
        yield links.ADOPT_MEDIA
        for told in tellings(links.MEDIA_TYPES, names, counts):
            yield media(told)
        yield links.PRODUCT_MEDIA
        yield links.VARIANT_MEDIA
    orders = tellings({"Order"}, names, counts)
    for told in orders:
        yield order(told)
    for child in ("LineItem", "ShippingLine"):
        if child in kinds:
            yield links.lines_of_known_orders(child, without(orders, child))
    if "ProductVariant" in kinds:
        yield links.RESOLVE_LINE_ITEMS
    if "Customer" in kinds:
        yield links.RESOLVE_CUSTOMERS
    for told in tellings({"Menu"}, names, counts):
        extra = {"items_count": "jsonb_array_length(r.data -> 'items')"} if "items" in told.children else None
        yield simple(MENU, told, extra=extra)
        if "items" in told.children:
            yield from links.menu_items(told.among("r"))
    if "ResourcePublication" in kinds:
        yield links.RESOURCE_PUBLICATIONS
    if "InventoryLevel" in kinds:
        yield links.INVENTORY_LEVELS


def without(told: Sequence[Telling], child: str) -> str:
    """The condition for the owners `o` that were merged with their children; of the others, the children are theirs still."""
    silent = [file for one in told if child not in one.children for file in one.files or ()]
    if not silent:
        return "" if all(child in one.children for one in told) else " AND false"
    return f" AND o.file_number NOT IN {listed(silent)}"


def product(told: Telling) -> Merge:
    """Products; their metafields stand in lines of their own."""
    covered = [*told.columns, "legacy_resource_id"]
    columns = PRODUCT.columns
    source = f"SELECT p.shopify_gid, {', '.join(f'p.{column}' for column in columns)} FROM staged_products AS p WHERE p.fault IS NULL{told.among('p')}"
    if "Product.Metafield" in told.children:
        covered.append("metafields")
        source = _with_metafields(source, "p")
        columns = (*columns, "metafields")
    defaults = {
        "status": "'ACTIVE'",
        "handle": "left(trim(BOTH '-' FROM regexp_replace(lower(s.title), '[^[:alnum:]]+', '-', 'g')), 255)",
    }
    return Merge("Product", "shopify_products", source, columns, tuple(covered), defaults=defaults)


def variant(told: Telling) -> Merge:
    """Variants, each tied to its product's row."""
    covered = [*told.columns, "legacy_resource_id", "product_id", "currency_code"]
    columns = (*VARIANT.columns, "product_id", "currency_code")
    source = f"""SELECT v.shopify_gid, {", ".join(f"v.{column}" for column in VARIANT.columns)}, p.id AS product_id, CAST(:currency AS varchar(3)) AS currency_code
        FROM staged_variants AS v JOIN pim.shopify_products AS p ON p.shop_id = :shop AND p.shopify_gid = v.product_gid
        WHERE v.fault IS NULL{told.among("v")}"""
    if "ProductVariant.Metafield" in told.children:
        covered.append("metafields")
        source = _with_metafields(source, "v")
        columns = (*columns, "metafields")
    return Merge(
        "ProductVariant",
        "shopify_variants",
        source,
        columns,
        tuple(covered),
        defaults={"title": "'Default Title'"},
        product="t.product_id",
    )


def _with_metafields(source: str, alias: str) -> str:
    head, tail = source.split(" FROM ", 1)
    table, condition = tail.rsplit("WHERE", 1)
    return f"""{head}, coalesce(m.metafields, '{{}}'::jsonb) AS metafields FROM {table}
        LEFT JOIN owned_metafields AS m ON m.owner = {alias}.shopify_gid WHERE {condition}"""


def _record_source(
    kind: str,
    table: str,
    columns: Sequence[str],
    told: Telling,
    extra: dict[str, str] | None = None,
    joins: str = "",
) -> str:
    """Staged records as rows of their table; `extra` gives columns that are computed from the record `r`."""
    computed = "".join(f", {expression} AS {column}" for column, expression in (extra or {}).items())
    return f"""SELECT r.shopify_gid, {", ".join(f"d.{column}" for column in columns)}{computed}
        FROM staged_records AS r CROSS JOIN LATERAL jsonb_populate_record(NULL::pim.{table}, r.data) AS d {joins}
        WHERE r.fault IS NULL AND r.resource_type = '{kind}'{told.among("r")}"""


def simple(shape: Shape, told: Telling, extra: dict[str, str] | None = None) -> Merge:
    """A type whose records are rows of one table, without children folded into them."""
    covered = [*told.columns, *(extra or {})]
    if shape is COLLECTION and "rules" not in covered:
        covered.remove(
            "collection_type"
        )  # without rules nothing is known of it; a new collection has to have one
    if "legacy_resource_id" in shape.columns:
        covered.append("legacy_resource_id")
    columns = (*shape.columns, *(extra or {}))
    source = _record_source(shape.type, shape.table, shape.columns, told, extra)
    defaults = {METAOBJECT: {"fields": "'{}'::jsonb"}, COLLECTION: {"collection_type": "'MANUAL'"}}.get(
        shape, {}
    )
    return Merge(shape.type, shape.table, source, columns, tuple(covered), defaults=defaults)


def customer(told: Telling) -> Merge:
    """Customers, with the addresses and metafields that stand in lines of their own."""
    covered = [*told.columns, "legacy_resource_id"]
    columns = [column for column in CUSTOMER.columns if column != "addresses"]
    extra: dict[str, str] = {}
    joins = ""
    if "MailingAddress" in told.children:
        covered.append("addresses")
        extra["addresses"] = f"coalesce(({links.ADDRESSES}), '[]'::jsonb)"
    else:
        extra["addresses"] = "d.addresses"
    if "Customer.Metafield" in told.children:
        covered.append("metafields")
        extra["metafields"] = "coalesce(m.metafields, '{}'::jsonb)"
        joins = "LEFT JOIN owned_metafields AS m ON m.owner = r.shopify_gid"
    source = _record_source("Customer", "shopify_customers", columns, told, extra, joins)
    return Merge("Customer", "shopify_customers", source, (*columns, *extra), tuple(covered))


def order(told: Telling) -> Merge:
    """Orders, with their line items, the lines' variants and the customer resolved."""
    covered = [*told.columns, "legacy_resource_id", "order_number"]
    if "customer_gid" in covered:
        covered.append("customer_id")
    extra = {"line_items": "coalesce(li.items, '[]'::jsonb)", "customer_id": "c.id"}
    joins = f"""LEFT JOIN ({links.LINE_ITEMS}) AS li ON li.order_gid = r.shopify_gid
        LEFT JOIN pim.shopify_customers AS c ON c.shop_id = :shop AND c.shopify_gid = r.data ->> 'customer_gid'"""
    if "ShippingLine" in told.children:
        covered.append("shipping_lines")
        extra["shipping_lines"] = "coalesce(sl.items, '[]'::jsonb)"
        joins += f" LEFT JOIN ({links.SHIPPING_LINES}) AS sl ON sl.order_gid = r.shopify_gid"
    defaults = {}
    if "LineItem" in told.children:
        covered.append("line_items")
    else:  # a new order has its lines all the same, as far as there are any
        defaults["line_items"] = "'[]'::jsonb"
    source = _record_source("Order", "shopify_orders", ORDER.columns, told, extra, joins)
    return Merge(
        "Order", "shopify_orders", source, (*ORDER.columns, *extra), tuple(covered), defaults=defaults
    )


def media(told: Telling) -> Merge:
    """Media; one that stands below several parents is merged once, from the record that says most."""
    source = f"""SELECT * FROM (
            SELECT DISTINCT ON (r.shopify_gid) r.shopify_gid, r.file_number, {", ".join(f"d.{column}" for column in MEDIA_COLUMNS)}
            FROM staged_records AS r CROSS JOIN LATERAL jsonb_populate_record(NULL::pim.shopify_media, r.data) AS d
            WHERE r.fault IS NULL AND r.resource_type IN {MEDIA} AND NOT (r.data ->> 'bare')::boolean
            ORDER BY r.shopify_gid, r.id) AS r WHERE true{told.among("r")}"""
    defaults = {"media_type": "'IMAGE'", "status": "'READY'"}
    return Merge(
        "Media",
        "shopify_media",
        source,
        MEDIA_COLUMNS,
        (*told.columns, "legacy_resource_id"),
        key="media_id",
        defaults=defaults,
    )
