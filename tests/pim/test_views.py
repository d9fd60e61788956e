"""The materialized views, on rows that the documented queries would have counted wrongly or failed on."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import entrepot.pim.schema  # noqa: F401 - declares the views
from entrepot.kit.db import Database
from entrepot.kit.db.refresh import refresh
from entrepot.kit.db.views import MATERIALIZED_VIEWS, VIEWS, MaterializedView, View

PRODUCT = """
    INSERT INTO pim.shopify_products (shop_id, shopify_gid, legacy_resource_id, title, handle, status, metafields)
    VALUES (:shop, :gid, 1, CAST(:title AS text), CAST(:title AS text), 'ACTIVE', CAST(:metafields AS jsonb)) RETURNING id
"""
VARIANT = """
    INSERT INTO pim.shopify_variants (shop_id, product_id, shopify_gid, legacy_resource_id, title, price, inventory_quantity)
    VALUES (:shop, :product, :gid, 1, 'Default Title', 10, :stock) RETURNING id
"""
ORDER = """
    INSERT INTO pim.shopify_orders (
        shop_id, shopify_gid, legacy_resource_id, name, order_number, total_price, currency_code, line_items,
        financial_status, created_at_shopify
    )
    VALUES (:shop, :gid, 1, :gid, 1, :total, 'EUR', CAST(:lines AS jsonb), 'PAID', now())
"""
MASTER = "INSERT INTO pim.prod_master (internal_sku, canonical_title) VALUES (:sku, 'Lamp') RETURNING id"
MATCH = """
    INSERT INTO pim.prod_similarity_matches (product_id, source_id, source_url, similarity_score, match_method, match_confidence)
    VALUES (:product, :source, 'https://example.com', :score, 'gtin_exact', :confidence)
"""


async def add_product(session: AsyncSession, shop: UUID, title: str, metafields: str = "{}") -> UUID:
    """A product; returns its identifier."""
    values = {"shop": shop, "gid": f"gid://shopify/Product/{title}", "title": title, "metafields": metafields}
    found: UUID = (await session.execute(text(PRODUCT), values)).scalar_one()
    return found


async def add_variant(
    session: AsyncSession, shop: UUID, product: UUID, number: int, stock: int = 100
) -> UUID:
    """A variant; returns its identifier."""
    values = {
        "shop": shop,
        "product": product,
        "gid": f"gid://shopify/ProductVariant/{number}",
        "stock": stock,
    }
    found: UUID = (await session.execute(text(VARIANT), values)).scalar_one()
    return found


async def rows(db: Database, shop: UUID, query: str) -> list[dict[str, Any]]:
    """What a query shows to a shop."""
    async with db.tenant(shop_id=shop) as session:
        return [dict(row) for row in (await session.execute(text(query))).mappings()]


async def test_the_summary_counts_each_order_once(db: Database, shop: UUID, other_shop: UUID) -> None:
    async with db.system() as session:
        for number in range(2):
            product = await add_product(session, shop, f"lamp-{number}")
            for variant in range(3):
                await add_variant(session, shop, product, 10 * number + variant)
        for number, total in enumerate((100, 20)):
            await session.execute(
                text(ORDER), {"shop": shop, "gid": f"o{number}", "total": total, "lines": "[]"}
            )
    await refresh(db, "mv_shop_summary")

    [summary] = await rows(db, shop, "SELECT * FROM pim.mv_shop_summary")
    assert summary["total_revenue"] == Decimal(120)
    assert (summary["total_products"], summary["total_variants"], summary["total_orders"]) == (2, 6, 2)
    [other] = await rows(db, other_shop, "SELECT * FROM pim.mv_shop_summary")
    assert (other["total_revenue"], other["total_products"]) == (0, 0)


async def test_low_stock_follows_the_products_threshold(db: Database, shop: UUID) -> None:
    thresholds = {
        "mirrored": '{"custom.low_stock_threshold": {"value": "20", "type": "number_integer"}}',
        "plain": '{"low_stock_threshold": "20"}',
        "words": '{"low_stock_threshold": "a few"}',
        "huge": '{"low_stock_threshold": "99999999999"}',
        "none": "{}",
    }
    async with db.system() as session:
        for number, (title, metafields) in enumerate(thresholds.items()):
            product = await add_product(session, shop, title, metafields)
            await add_variant(session, shop, product, number, stock=10)
    await refresh(db, "mv_low_stock_alerts")

    found = await rows(db, shop, "SELECT product_title, threshold FROM pim.mv_low_stock_alerts ORDER BY 1")
    assert found == [
        {"product_title": "mirrored", "threshold": 20},
        {"product_title": "plain", "threshold": 20},
    ]


async def test_top_sellers_survive_lines_that_name_no_variant_of_the_shop(
    db: Database, shop: UUID, other_shop: UUID
) -> None:
    async with db.system() as session:
        lamp = await add_product(session, shop, "lamp")
        variant = await add_variant(session, shop, lamp, 1)
        foreign = await add_variant(session, other_shop, await add_product(session, other_shop, "secret"), 2)
        lines = (
            f'[{{"variant_id": "{variant}", "quantity": 3, "price": "9.50"}},'
            ' {"variant_id": null, "variant_gid": "gid://shopify/ProductVariant/7", "quantity": 1, "price": "5"},'
            ' {"variant_id": "gid://shopify/ProductVariant/1", "quantity": 1, "price": "5"},'
            f' {{"variant_id": "{foreign}", "quantity": 1, "price": "5"}},'
            f' {{"variant_id": "{variant}", "quantity": "many", "price": "12,5"}}]'
        )
        await session.execute(text(ORDER), {"shop": shop, "gid": "o1", "total": 50, "lines": lines})
        await session.execute(
            text(ORDER), {"shop": shop, "gid": "o2", "total": 50, "lines": '{"not": "a list"}'}
        )
    await refresh(db, "mv_top_sellers")

    [best] = await rows(db, shop, "SELECT * FROM pim.mv_top_sellers")
    assert (best["product_title"], best["units_sold"], best["revenue"]) == ("lamp", 3, Decimal("28.50"))
    assert best["revenue_rank"] == 1


async def test_stock_is_the_sum_of_the_ledger(db: Database, shop: UUID, other_shop: UUID) -> None:
    async with db.system() as session:
        variant = await add_variant(session, shop, await add_product(session, shop, "lamp"), 1)
        for delta in (10, -3):
            await session.execute(
                text(
                    "INSERT INTO pim.inventory_ledger (shop_id, variant_id, location_id, delta, reason)"
                    " VALUES (:shop, :variant, 'gid://shopify/Location/1', :delta, 'SYNC')"
                ),
                {"shop": shop, "variant": variant, "delta": delta},
            )
    await refresh(db, "inventory_current")

    query = "SELECT variant_id, quantity FROM pim.inventory_current"
    assert await rows(db, shop, query) == [{"variant_id": variant, "quantity": 7}]
    assert await rows(db, other_shop, query) == []


async def test_matches_are_not_multiplied_by_specifications(db: Database, shop: UUID) -> None:
    async with db.system() as session:
        source = (
            await session.execute(
                text(
                    "INSERT INTO pim.prod_sources (name, source_type) VALUES ('maker', 'MANUFACTURER') RETURNING id"
                )
            )
        ).scalar_one()
        product = (await session.execute(text(MASTER), {"sku": "A"})).scalar_one()
        for score, confidence in ((Decimal("0.99"), "confirmed"), (Decimal("0.95"), "rejected")):
            values = {"product": product, "source": source, "score": score, "confidence": confidence}
            await session.execute(text(MATCH), values)
        for _ in range(2):
            await session.execute(
                text(
                    "INSERT INTO pim.prod_specs_normalized (product_id, specs, provenance) VALUES (:product, '{}', '{}')"
                ),
                {"product": product},
            )
    await refresh(db, "mv_pim_enrichment_status", "mv_pim_source_performance", "mv_pim_quality_progress")

    [status] = await rows(db, shop, "SELECT * FROM pim.mv_pim_enrichment_status")
    assert (status["data_quality_level"], status["total_products"]) == ("bronze", 1)
    assert (status["total_matches"], status["confirmed_matches"], status["products_with_specs"]) == (2, 1, 1)
    [performance] = await rows(db, shop, "SELECT * FROM pim.mv_pim_source_performance")
    assert (performance["confirmation_rate"], performance["products_enriched"]) == (Decimal(50), 1)
    [progress] = await rows(db, shop, "SELECT * FROM pim.mv_pim_quality_progress")
    assert (progress["product_count"], progress["percentage"]) == (1, Decimal(100))


async def test_daily_costs_show_the_shops_own_and_the_shared(
    db: Database, shop: UUID, other_shop: UUID
) -> None:
    async with db.system() as session:
        for owner, cost in ((shop, "0.00000125"), (other_shop, "7"), (None, "0.5")):
            await session.execute(
                text(
                    "INSERT INTO pim.api_usage_log (api_provider, endpoint, estimated_cost, http_status, shop_id)"
                    " VALUES ('openai', '/v1/embeddings', :cost, 200, :shop)"
                ),
                {"cost": Decimal(cost), "shop": owner},
            )
    [day] = await rows(db, shop, "SELECT total_cost, total_requests FROM pim.v_api_daily_costs")
    assert day == {"total_cost": Decimal("0.50000125"), "total_requests": 2}


async def test_every_view_has_the_columns_that_it_declares(db: Database) -> None:
    async with db.system() as session:
        found: dict[str, list[str]] = {}
        result = await session.execute(
            text(
                "SELECT c.relname, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid"
                " WHERE c.relnamespace = 'pim'::regnamespace AND c.relkind IN ('v', 'm') AND a.attnum > 0"
                " ORDER BY c.relname, a.attnum"
            )
        )
        for name, column in result:
            found.setdefault(name, []).append(column)
    views: list[View | MaterializedView] = [*VIEWS, *MATERIALIZED_VIEWS]
    declared = {view.name: list(view.columns) for view in views if view.schema == "pim"}
    assert found == declared
