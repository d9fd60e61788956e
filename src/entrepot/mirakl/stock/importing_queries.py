"""Every SQL statement that takes components, variants, bills of material and listings in from files.

Each upsert returns a row only where something is new or different.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

_COMPONENT = text(
    """
    INSERT INTO mirakl.components AS known (account_id, name, type, barcode, reorder_point, reorder_quantity, unit_cost)
    VALUES (:account_id, :name, :type, :barcode, coalesce(CAST(:reorder_point AS integer), 0),
            coalesce(CAST(:reorder_quantity AS integer), 0), :unit_cost)
    ON CONFLICT ON CONSTRAINT uq_component_name DO UPDATE
    SET type = excluded.type, barcode = coalesce(excluded.barcode, known.barcode),
        reorder_point = coalesce(CAST(:reorder_point AS integer), known.reorder_point),
        reorder_quantity = coalesce(CAST(:reorder_quantity AS integer), known.reorder_quantity),
        unit_cost = coalesce(excluded.unit_cost, known.unit_cost)
    WHERE (known.type, known.barcode, known.reorder_point, known.reorder_quantity, known.unit_cost) IS DISTINCT FROM
          (excluded.type, coalesce(excluded.barcode, known.barcode),
           coalesce(CAST(:reorder_point AS integer), known.reorder_point),
           coalesce(CAST(:reorder_quantity AS integer), known.reorder_quantity),
           coalesce(excluded.unit_cost, known.unit_cost))
    RETURNING component_id
    """
)
_BASE = text(
    """
    INSERT INTO mirakl.base_products AS known (account_id, model_name, brand) VALUES (:account_id, :model, :brand)
    ON CONFLICT ON CONSTRAINT uq_base_product_model DO UPDATE SET brand = excluded.brand
    WHERE excluded.brand IS NOT NULL AND known.brand IS DISTINCT FROM excluded.brand
    RETURNING product_id
    """
)
_VARIANT = text(
    """
    INSERT INTO mirakl.product_variants AS known
        (account_id, base_product_id, internal_sku, description, weight_kg, length_cm, width_cm, height_cm, floor_price)
    SELECT :account_id, b.product_id, :sku, :description, coalesce(CAST(:weight_kg AS numeric), 1.8),
           coalesce(CAST(:length_cm AS numeric), 35), coalesce(CAST(:width_cm AS numeric), 25),
           coalesce(CAST(:height_cm AS numeric), 5), CAST(:floor_price AS numeric)
    FROM mirakl.base_products AS b WHERE b.account_id = :account_id AND b.model_name = :model
    ON CONFLICT ON CONSTRAINT uq_product_variant_sku DO UPDATE
    SET base_product_id = excluded.base_product_id, description = coalesce(excluded.description, known.description),
        weight_kg = coalesce(CAST(:weight_kg AS numeric), known.weight_kg),
        length_cm = coalesce(CAST(:length_cm AS numeric), known.length_cm),
        width_cm = coalesce(CAST(:width_cm AS numeric), known.width_cm),
        height_cm = coalesce(CAST(:height_cm AS numeric), known.height_cm),
        floor_price = coalesce(excluded.floor_price, known.floor_price)
    WHERE (known.base_product_id, known.description, known.weight_kg, known.length_cm, known.width_cm, known.height_cm,
           known.floor_price) IS DISTINCT FROM
          (excluded.base_product_id, coalesce(excluded.description, known.description),
           coalesce(CAST(:weight_kg AS numeric), known.weight_kg), coalesce(CAST(:length_cm AS numeric), known.length_cm),
           coalesce(CAST(:width_cm AS numeric), known.width_cm), coalesce(CAST(:height_cm AS numeric), known.height_cm),
           coalesce(excluded.floor_price, known.floor_price))
    RETURNING variant_id
    """
)
_VARIANT_KNOWN = text(
    "SELECT 1 FROM mirakl.product_variants WHERE account_id = :account_id AND internal_sku = :sku"
)
_COMPONENT_KNOWN = text("SELECT 1 FROM mirakl.components WHERE account_id = :account_id AND name = :name")
_BILL = text(
    """
    INSERT INTO mirakl.variant_components AS known (account_id, variant_id, component_id, quantity)
    SELECT :account_id, v.variant_id, c.component_id, :quantity
    FROM mirakl.product_variants AS v
    JOIN mirakl.components AS c ON c.account_id = v.account_id AND c.name = :component
    WHERE v.account_id = :account_id AND v.internal_sku = :sku
    ON CONFLICT ON CONSTRAINT uq_variant_component DO UPDATE SET quantity = excluded.quantity
    WHERE known.quantity <> excluded.quantity
    RETURNING id
    """
)
_NO_BILL = text(
    """
    DELETE FROM mirakl.variant_components AS b USING mirakl.product_variants AS v, mirakl.components AS c
    WHERE b.account_id = :account_id AND v.account_id = :account_id AND c.account_id = :account_id
      AND v.internal_sku = :sku AND c.name = :component
      AND b.variant_id = v.variant_id AND b.component_id = c.component_id
    RETURNING b.id
    """
)
_PART = text(
    """
    INSERT INTO mirakl.component_parts AS known (account_id, component_id, part_id, quantity)
    SELECT :account_id, c.component_id, p.component_id, :quantity
    FROM mirakl.components AS c JOIN mirakl.components AS p ON p.account_id = c.account_id AND p.name = :part
    WHERE c.account_id = :account_id AND c.name = :component
    ON CONFLICT ON CONSTRAINT uq_component_part DO UPDATE SET quantity = excluded.quantity
    WHERE known.quantity <> excluded.quantity
    RETURNING id
    """
)
_NO_PART = text(
    """
    DELETE FROM mirakl.component_parts AS b USING mirakl.components AS c, mirakl.components AS p
    WHERE b.account_id = :account_id AND c.account_id = :account_id AND p.account_id = :account_id
      AND c.name = :component AND p.name = :part AND b.component_id = c.component_id AND b.part_id = p.component_id
    RETURNING b.id
    """
)
_LISTING = text(
    """
    INSERT INTO mirakl.shop_sku_map AS known (account_id, shop_sku, variant_id, listing_title, is_active, safety_stock)
    SELECT :account_id, :shop_sku, v.variant_id, :title, coalesce(CAST(:active AS boolean), true),
           CAST(:safety_stock AS integer)
    FROM mirakl.product_variants AS v WHERE v.account_id = :account_id AND v.internal_sku = :sku
    ON CONFLICT ON CONSTRAINT uq_shop_sku DO UPDATE
    SET variant_id = excluded.variant_id, listing_title = coalesce(excluded.listing_title, known.listing_title),
        is_active = coalesce(CAST(:active AS boolean), known.is_active),
        safety_stock = coalesce(excluded.safety_stock, known.safety_stock)
    WHERE (known.variant_id, known.listing_title, known.is_active, known.safety_stock) IS DISTINCT FROM
          (excluded.variant_id, coalesce(excluded.listing_title, known.listing_title),
           coalesce(CAST(:active AS boolean), known.is_active), coalesce(excluded.safety_stock, known.safety_stock))
    RETURNING id
    """
)


async def _changed(session: AsyncSession, statement: TextClause, values: Mapping[str, Any]) -> bool:
    return (await session.execute(statement, dict(values))).first() is not None


async def upsert_component(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Add a component or change it; whether anything did."""
    return await _changed(session, _COMPONENT, values)


async def upsert_variant(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Add a variant and its base product or change them; whether anything did."""
    base = await _changed(session, _BASE, values)
    return await _changed(session, _VARIANT, values) or base


async def upsert_bill(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Set how many units of a component a variant takes, none takes it out; whether anything changed."""
    return await _changed(session, _BILL if values["quantity"] else _NO_BILL, values)


async def upsert_part(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Set how many units of a part a component takes, none takes it out; whether anything changed."""
    return await _changed(session, _PART if values["quantity"] else _NO_PART, values)


async def upsert_listing(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Map a shop SKU to a variant or change the listing; whether anything did."""
    return await _changed(session, _LISTING, values)


async def knows_variant(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Whether there is a variant of this SKU."""
    return await _changed(session, _VARIANT_KNOWN, values)


async def knows_component(session: AsyncSession, values: Mapping[str, Any]) -> bool:
    """Whether there is a component of this name."""
    return await _changed(session, _COMPONENT_KNOWN, values)
