"""What row security costs: a tenant's reads and a merge under it, beside the same statements with a filter and none.

Both sides run on the same tables and the same data of several shops. With row security, entrepot_app reads without a
filter of its own and the policy does it; without, a superuser, for whom no policy holds, runs the statement with
`shop_id = …` written into it. The two take turns, statement by statement; the median of the reads counts, and the best of the merges.
"""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from benchmarks import Result
from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.kit.db.database import NO_CONTEXT, begin
from entrepot.kit.db.urls import role_url
from entrepot.kit.progress import SILENT
from entrepot.kit.settings import Settings
from entrepot.pim.bulk.context import Context
from entrepot.pim.bulk.importing import Options, import_files
from entrepot.pim.bulk.reading import examine
from entrepot.pim.tenants.shops import add_shop
from entrepot.sandbox.shopify.exporting import write_export

SHOPS = 6
PRODUCTS = 3_000
TURNS = 60
MERGES = 5

#: A tenant's typical reads. `{own}` is the filter that the side without row security needs, `{words}` a search.
READS = {
    "first page of products": "SELECT id, title, handle, status, updated_at_shopify FROM pim.shopify_products AS p WHERE {own} ORDER BY id LIMIT 50",
    "products by status": "SELECT id, title FROM pim.shopify_products AS p WHERE {own} AND p.status = 'DRAFT' ORDER BY id LIMIT 50",
    "full text": "SELECT id, title FROM pim.shopify_products AS p WHERE {own} AND {words} ORDER BY id LIMIT 50",
    "variant by SKU": "SELECT id, product_id, price FROM pim.shopify_variants AS p WHERE {own} AND p.sku = :sku",
    "product with variants": """SELECT p.title, v.title, v.price FROM pim.shopify_products AS p
        JOIN pim.shopify_variants AS v ON v.shop_id = p.shop_id AND v.product_id = p.id WHERE {own} AND p.id = :product""",
    "products by vendor": "SELECT p.vendor, count(*) FROM pim.shopify_products AS p WHERE {own} GROUP BY p.vendor ORDER BY 2 DESC LIMIT 20",
    "orders by day": """SELECT date_trunc('day', p.created_at_shopify), count(*), sum(p.total_price) FROM pim.shopify_orders AS p
        WHERE {own} GROUP BY 1 ORDER BY 1""",
    "low stock": "SELECT id, sku, inventory_quantity FROM pim.shopify_variants AS p WHERE {own} AND p.inventory_quantity <= 3 ORDER BY p.inventory_quantity LIMIT 50",
}


#: Full text: the plain condition, and the form in which the program searches, since `@@` may not use an index under a policy.
WORDS = "to_tsvector('simple', p.title || ' ' || coalesce(p.description, '')) @@ to_tsquery('simple', 'bamboo & charger')"
WORDS_AS_SEARCHED = "p.id IN (SELECT entrepot.find_products(to_tsquery('simple', 'bamboo & charger')))"
#: What the run itself wrote down of its steps; parsing knows no row security, and the views belong to nobody.
MERGE_SECONDS = text(
    """
    SELECT sum(extract(epoch FROM completed_at - started_at)) FROM pim.bulk_steps
    WHERE bulk_run_id = :run AND step_name IN ('validate', 'merge')
    """
)


class Unguarded(Context):
    """A context whose transactions no policy holds for; the statements' own filters do the work."""

    engine: AsyncEngine

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A superuser's transaction with the shop's context."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session, session.begin():
            await begin(session, {**NO_CONTEXT, "shop_id": str(self.shop_id)})
            yield session


async def run(settings: Settings) -> Result:
    """Fill several shops, then read and merge on both sides in turns."""
    engine = create_async_engine(
        role_url(settings, "admin"), connect_args={"options": "-c jit=off -c timezone=UTC"}
    )
    path = settings.home / "export.jsonl"
    async with Database.opened(settings, pool_size=5) as db:
        shops = [await _shop(db, settings, number) for number in range(SHOPS)]
        for number, shop in enumerate(shops):
            write_export(path, seed=number, products=PRODUCTS, now=datetime(2026, 11, 1, tzinfo=UTC))
            await import_files(Context(db, shop), [examine(path)], Options(), SILENT)
        reads = await _reads(db, engine, shops[0])
        merges = await _merges(db, engine, settings, path)
    await engine.dispose()
    guarded, filtered = sum(pair[0] for pair in reads.values()), sum(pair[1] for pair in reads.values())
    return {
        "name": "rls",
        "ratios": {
            "reads with row security / with a filter (at most 1.10)": round(guarded / filtered, 3),
            "merge with row security / without (at most 1.10)": round(merges[0] / merges[1], 3),
        },
        "details": {
            "shops": SHOPS,
            "products_each": PRODUCTS,
            "reads": {
                name: {
                    "row_security_ms": round(pair[0] * 1000, 3),
                    "filter_ms": round(pair[1] * 1000, 3),
                    "ratio": round(pair[0] / pair[1], 3),
                }
                for name, pair in reads.items()
            },
            "merge_seconds": {"row_security": round(merges[0], 3), "none": round(merges[1], 3)},
        },
    }


async def _shop(db: Database, settings: Settings, number: int) -> UUID:
    async with db.system() as session:
        return (await add_shop(session, Keyring.open(settings), f"bench-{number}.myshopify.com")).shop_id


async def _reads(db: Database, engine: AsyncEngine, shop: UUID) -> dict[str, tuple[float, float]]:
    """The median seconds of each read, with row security and with the filter."""
    found = {}
    async with db.tenant(shop_id=shop) as guarded, engine.connect() as plain:
        row = (
            await guarded.execute(
                text(
                    "SELECT id, product_id, sku FROM pim.shopify_variants WHERE sku IS NOT NULL ORDER BY id LIMIT 1"
                )
            )
        ).one()
        values = {"shop": shop, "sku": row.sku, "product": row.product_id}
        connection = await guarded.connection()
        for name, query in READS.items():
            with_policy = query.format(own="true", words=WORDS_AS_SEARCHED)
            with_filter = query.format(own="p.shop_id = :shop", words=WORDS)
            times: tuple[list[float], list[float]] = ([], [])
            for turn in range(TURNS):
                order = ((connection, with_policy, times[0]), (plain, with_filter, times[1]))
                for side, statement, kept in order if turn % 2 else reversed(order):
                    kept.append(await _timed(side, statement, values))
            found[name] = (median(times[0]), median(times[1]))
    return found


async def _timed(connection: AsyncConnection, statement: str, values: dict[str, object]) -> float:
    started = time.perf_counter()
    result = await connection.execute(
        text(statement), {name: value for name, value in values.items() if f":{name}" in statement}
    )
    result.all()
    return time.perf_counter() - started


async def _merges(db: Database, engine: AsyncEngine, settings: Settings, path: Path) -> tuple[float, float]:
    """The least seconds of checking and merging a first import, with row security and without; each in a shop of its own."""
    times: tuple[list[float], list[float]] = ([], [])
    number = SHOPS
    for turn in range(MERGES):
        for side in (0, 1) if turn % 2 else (1, 0):
            number += 1
            context: Context = Context(db, await _shop(db, settings, number))
            if side:
                context = Unguarded(db, context.shop_id)
                # As the program's own: `begin` begins the transaction.
                context.engine = engine.execution_options(isolation_level="AUTOCOMMIT")
            imported = await import_files(context, [examine(path)], Options(), SILENT)
            async with db.system() as session:
                times[side].append(
                    float((await session.execute(MERGE_SECONDS, {"run": imported.run_id})).scalar_one())
                )
    return min(times[0]), min(times[1])
