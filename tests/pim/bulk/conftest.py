"""Imports of hand-written lines into the test's own database, and the mirror as plain values."""

import json
import os
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text
from tests.conftest import add_shop

from entrepot.kit.db import Database
from entrepot.kit.db.bootstrap import grant_database
from entrepot.kit.db.server import EmbeddedServer
from entrepot.kit.progress import SILENT
from entrepot.kit.settings import Settings
from entrepot.pim.bulk.context import Context
from entrepot.pim.bulk.importing import Imported, Options, import_files
from entrepot.pim.bulk.reading import examine
from entrepot.pim.bulk.summaries import all_errors

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Record = dict[str, Any]


def product(number: int, **fields: Any) -> Record:
    """A product as short as the mirror takes one."""
    return {
        "id": f"gid://shopify/Product/{number}",
        "title": f"Product {number}",
        "handle": f"product-{number}",
    } | fields


def variant(number: int, parent: int, **fields: Any) -> Record:
    """A variant of a product."""
    record = {
        "id": f"gid://shopify/ProductVariant/{number}",
        "price": "10.00",
        "__parentId": f"gid://shopify/Product/{parent}",
    }
    return record | fields


def as_lines(records: Iterable[Record | bytes]) -> bytes:
    """Records as JSONL; bytes are lines as they are."""
    return b"".join(
        (record if isinstance(record, bytes) else json.dumps(record).encode()) + b"\n" for record in records
    )


#: What differs between two shops that hold the same.
OWN = "{id,shop_id,media_id,product_id,variant_id,collection_id,customer_id,menu_id,parent_item_id,publication_id,resource_id,reference_id,created_at,updated_at,synced_at,recorded_at}"
TABLES = (
    "shopify_products", "shopify_variants", "shopify_collections", "shopify_customers", "shopify_media", "shopify_metaobjects", "shopify_menus",
    "shopify_publications", "inventory_locations",
)  # fmt: skip
#: The tables whose rows say what belongs together, with the identifiers of Shopify in place of ours.
TIES = {
    "shopify_orders": f"""
        SELECT to_jsonb(o) - '{OWN}'::text[] - 'line_items', c.shopify_gid, (SELECT jsonb_agg(item - 'variant_id' || jsonb_build_object('variant', v.shopify_gid) ORDER BY place)
               FROM jsonb_array_elements(o.line_items) WITH ORDINALITY AS line (item, place) LEFT JOIN pim.shopify_variants AS v ON v.id::text = item ->> 'variant_id')
        FROM pim.shopify_orders AS o LEFT JOIN pim.shopify_customers AS c ON c.id = o.customer_id""",
    "variants of products": "SELECT p.shopify_gid, v.shopify_gid FROM pim.shopify_variants AS v JOIN pim.shopify_products AS p ON p.id = v.product_id",
    "shopify_collection_products": """SELECT c.shopify_gid, p.shopify_gid, t.position FROM pim.shopify_collection_products AS t
        JOIN pim.shopify_collections AS c ON c.id = t.collection_id JOIN pim.shopify_products AS p ON p.id = t.product_id""",
    "shopify_product_media": """SELECT p.shopify_gid, m.shopify_gid, t.position, t.is_featured FROM pim.shopify_product_media AS t
        JOIN pim.shopify_products AS p ON p.id = t.product_id JOIN pim.shopify_media AS m USING (media_id)""",
    "shopify_variant_media": """SELECT v.shopify_gid, m.shopify_gid, t.position FROM pim.shopify_variant_media AS t
        JOIN pim.shopify_variants AS v ON v.id = t.variant_id JOIN pim.shopify_media AS m USING (media_id)""",
    "shopify_menu_items": f"""SELECT to_jsonb(t) - '{OWN}'::text[], m.shopify_gid, p.shopify_gid FROM pim.shopify_menu_items AS t
        JOIN pim.shopify_menus AS m ON m.id = t.menu_id LEFT JOIN pim.shopify_menu_items AS p ON p.id = t.parent_item_id""",
    "shopify_resource_publications": f"""SELECT to_jsonb(t) - '{OWN}'::text[], u.shopify_gid, coalesce(p.shopify_gid, c.shopify_gid) FROM pim.shopify_resource_publications AS t
        JOIN pim.shopify_publications AS u ON u.id = t.publication_id LEFT JOIN pim.shopify_products AS p ON p.id = t.resource_id
        LEFT JOIN pim.shopify_collections AS c ON c.id = t.resource_id""",
    "inventory_ledger": f"""SELECT to_jsonb(t) - '{OWN}'::text[], v.shopify_gid FROM pim.inventory_ledger AS t JOIN pim.shopify_variants AS v ON v.id = t.variant_id""",
    "inventory_current": "SELECT v.shopify_gid, t.location_id, t.quantity FROM pim.inventory_current AS t JOIN pim.shopify_variants AS v ON v.id = t.variant_id",
    "sync_checkpoints": "SELECT resource_type, records_synced, status FROM pim.sync_checkpoints",
    "events": "SELECT event_type, payload ->> 'gid' FROM marketplace.hm_event_queue",
}


class Mirror:
    """Imports into shops and reads what came of it."""

    def __init__(self, db: Database, directory: Path) -> None:
        self.db = db
        self._directory = directory
        self._files = 0

    def write(self, content: bytes, name: str | None = None) -> Path:
        """A new file."""
        self._files += 1
        path = self._directory / (name or f"export-{self._files}.jsonl")
        path.write_bytes(content)
        return path

    async def take(
        self, shop: UUID, *records: Record | bytes, name: str | None = None, **options: bool
    ) -> Imported:
        """Import records as one file."""
        return await self.take_files(shop, self.write(as_lines(records), name), **options)

    async def take_files(self, shop: UUID, *paths: Path, **options: bool) -> Imported:
        """Import files as one run; what was read has to be accounted for."""
        sources = [examine(path, path.name) for path in paths]
        imported = await import_files(Context(self.db, shop), sources, Options(**options), SILENT)
        for kind, counts in imported.outcome.by_type.items():
            assert counts.read == counts.inserted + counts.updated + counts.unchanged + counts.rejected, (
                kind,
                counts,
            )
            assert min(counts.inserted, counts.updated, counts.unchanged, counts.rejected) >= 0, (
                kind,
                counts,
            )
        if not imported.repeated:
            errors = await self.errors(shop, imported)
            assert len(errors) == imported.outcome.total.rejected
        return imported

    async def rows(self, shop: UUID, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """What a query gives in a shop."""
        async with self.db.tenant(shop_id=shop) as session:
            return [dict(row) for row in (await session.execute(text(query), parameters)).mappings()]

    async def one(self, shop: UUID, query: str, **parameters: Any) -> Any:
        """The one value that a query gives in a shop."""
        async with self.db.tenant(shop_id=shop) as session:
            return (await session.execute(text(query), parameters)).scalar_one()

    async def count(self, shop: UUID, table: str) -> int:
        """How many rows of a table a shop has."""
        found: int = await self.one(shop, f"SELECT count(*) FROM pim.{table}")
        return found

    async def product(self, shop: UUID, number: int) -> dict[str, Any]:
        """A product's row."""
        found = await self.rows(
            shop,
            "SELECT * FROM pim.shopify_products WHERE shopify_gid = :gid",
            gid=f"gid://shopify/Product/{number}",
        )
        assert len(found) == 1
        return found[0]

    async def variant(self, shop: UUID, number: int) -> dict[str, Any]:
        """A variant's row."""
        found = await self.rows(
            shop,
            "SELECT * FROM pim.shopify_variants WHERE shopify_gid = :gid",
            gid=f"gid://shopify/ProductVariant/{number}",
        )
        assert len(found) == 1
        return found[0]

    async def contents(self, shop: UUID) -> dict[str, list[str]]:
        """Everything that imports wrote for a shop, but our identifiers and the times of writing."""
        queries = {
            table: f"SELECT to_jsonb(t) - '{OWN}'::text[] FROM pim.{table} AS t" for table in TABLES
        } | TIES
        found = {}
        async with self.db.tenant(shop_id=shop) as session:
            for name, query in queries.items():
                rows = await session.execute(
                    text(f"SELECT row_to_json(q)::text FROM ({query}) AS q ORDER BY 1")
                )
                found[name] = list(rows.scalars())
        return found

    async def errors(self, shop: UUID, imported: Imported) -> list[dict[str, Any]]:
        """What a run rejected."""
        async with self.db.tenant(shop_id=shop) as session:
            return await all_errors(session, imported.run_id)

    async def reasons(self, shop: UUID, imported: Imported) -> list[tuple[int, str | None, str]]:
        """Line, field and code of what a run rejected."""
        return [
            (error["line_number"], error["field"], error["error_code"])
            for error in await self.errors(shop, imported)
        ]


@pytest.fixture(scope="session")
def ground(server_home: Path) -> Iterator[Settings]:
    """One database for all these tests: each has shops of its own, and sees nothing else."""
    name = f"bulk_{secrets.token_hex(6)}"
    with psycopg.connect(EmbeddedServer(server_home).url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute("SELECT pg_advisory_lock_shared(hashtext('entrepot.tests.template'))")
        admin.execute(f"CREATE DATABASE {name} TEMPLATE entrepot_template")
        grant_database(admin, name)
    yield Settings(home=server_home, database_name=name)
    with psycopg.connect(EmbeddedServer(server_home).url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
async def ground_db(ground: Settings) -> AsyncIterator[Database]:
    """The pools on it."""
    async with Database.opened(ground) as database:
        yield database


@pytest.fixture
def mirror(ground_db: Database, tmp_path: Path) -> Mirror:
    """The test's mirror."""
    return Mirror(ground_db, tmp_path)


@pytest.fixture
async def merchant(ground_db: Database) -> UUID:
    """A shop of the test's own."""
    return await add_shop(ground_db, f"{secrets.token_hex(6)}.myshopify.com")


@pytest.fixture
async def neighbor(ground_db: Database) -> UUID:
    """Another shop of the test's own."""
    return await add_shop(ground_db, f"{secrets.token_hex(6)}.myshopify.com")


@pytest.fixture
def ground_home(ground: Settings) -> dict[str, str]:
    """The environment in which a program finds the database of these tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ENTREPOT_")}
    return kept | {"ENTREPOT_HOME": str(ground.home), "ENTREPOT_DATABASE_NAME": ground.database_name}
