"""The application over the test's database, people who may use it, and a shop with something in it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import orjson
import pytest
from fastapi import FastAPI

from entrepot.api.app import create_app
from entrepot.kit.db import Database
from entrepot.kit.jobs import discover, run_worker
from entrepot.kit.settings import Settings
from entrepot.marketplace.engines import Engines
from entrepot.pim.tenants.schemas import StaffMember
from entrepot.pim.tenants.shops import get_shop
from entrepot.pim.tenants.staff import add_staff
from entrepot.pim.tenants.tokens import create_token

PASSWORD = "quay side lantern 42"
BASE = "http://entrepot.test"


@dataclass(frozen=True)
class Person:
    """Someone who works for a shop, and a token that acts for them."""

    member: StaffMember
    token: str

    @property
    def bearer(self) -> dict[str, str]:
        """The header that the token goes into."""
        return {"authorization": f"Bearer {self.token}"}


AddPerson = Callable[..., Awaitable[Person]]


@pytest.fixture
async def app(db: Database, settings: Settings, tmp_path: Path) -> AsyncIterator[FastAPI]:
    """The application; what it keeps on disk goes to a directory of the test."""
    async with application(db, settings, tmp_path) as found:
        yield found


@asynccontextmanager
async def application(db: Database, settings: Settings, directory: Path) -> AsyncIterator[FastAPI]:
    """The application over a database; what it keeps on disk goes to a directory."""
    # The home holds the server, so the copy only moves uploads and imports; the database is the same.
    moved = settings.model_copy(update={"home": directory, "import_dir": directory / "incoming"})
    async with Engines.opened(db) as engines:
        yield create_app(db, moved, engines)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Someone who has not said who they are."""
    async with connect(app) as found:
        yield found


def connect(app: FastAPI) -> httpx.AsyncClient:
    """A client of its own, with its own cookies."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, client=("198.51.100.7", 4711)), base_url=BASE)


@pytest.fixture
def add_person(db: Database) -> AddPerson:
    """Add someone to a shop."""

    async def add(
        shop_id: UUID, email: str = "mara@harbor.example", *, admin: bool = False, scope: str | None = None
    ) -> Person:
        return await join(db, shop_id, email, admin=admin, scope=scope)

    return add


async def join(
    db: Database, shop_id: UUID, email: str, *, admin: bool = False, scope: str | None = None
) -> Person:
    """Somebody who works for a shop from now on."""
    async with db.system() as session:
        shop = await get_shop(session, shop_id)
        member = await add_staff(session, shop, email, PASSWORD, first_name="Mara", admin=admin)
        issued = await create_token(
            session, shop_id, member.user_id, "tests", scopes=(scope or ("admin" if admin else "write"),)
        )
    return Person(member, issued.token)


@pytest.fixture
async def person(add_person: AddPerson, shop: UUID) -> Person:
    """Someone of the shop without special rights."""
    return await add_person(shop)


@pytest.fixture
async def admin(add_person: AddPerson, shop: UUID) -> Person:
    """An administrator of the shop."""
    return await add_person(shop, "ada@harbor.example", admin=True)


@pytest.fixture
async def stranger(add_person: AddPerson, other_shop: UUID) -> Person:
    """Someone of another shop."""
    return await add_person(other_shop, "sten@lagoon.example", admin=True)


async def work(db: Database) -> None:
    """Run every job that is due."""
    discover()
    await run_worker(db, wait=False)


def product_lines(
    count: int = 3, *, title: str = "Enamel Mug", price: str = "19.50"
) -> list[dict[str, object]]:
    """Products with one variant each, as a bulk operation writes them."""
    lines: list[dict[str, object]] = []
    for number in range(1, count + 1):
        gid = f"gid://shopify/Product/{number}"
        lines.append(
            {
                "id": gid,
                "title": f"{title} {number}",
                "handle": f"{title.lower().replace(' ', '-')}-{number}",
                "description": "Two coats of enamel on steel.",
                "descriptionHtml": "<p>Two coats of enamel on steel.</p>",
                "vendor": ("Harbor Goods", "Nordby")[number % 2],
                "productType": "Kitchen",
                "status": ("ACTIVE", "DRAFT")[number % 2],
                "tags": ["mug"] if number % 2 else ["mug", "gift"],
                "createdAt": "2026-01-01T00:00:00Z",
                "updatedAt": f"2026-02-{number % 28 + 1:02d}T00:00:00Z",
            }
        )
        lines.append(
            {
                "id": f"gid://shopify/ProductVariant/{number}",
                "__parentId": gid,
                "title": "Default Title",
                "sku": f"MUG-{number:03d}",
                "barcode": f"40612345{number:05d}",
                "price": price,
                "inventoryQuantity": number - 1,
            }
        )
    return lines


def jsonl(lines: list[dict[str, object]]) -> bytes:
    """Lines of a bulk operation's file."""
    return b"".join(orjson.dumps(line) + b"\n" for line in lines)


async def upload(
    client: httpx.AsyncClient, person: Person, content: bytes, name: str = "products.jsonl", **headers: str
) -> httpx.Response:
    """Send a file to be imported."""
    return await client.post(
        "/api/v1/imports", files={"file": (name, content)}, headers={**person.bearer, **headers}
    )


@pytest.fixture
async def stocked(client: httpx.AsyncClient, person: Person, db: Database) -> str:
    """The shop after an import of five products; gives the run's id."""
    response = await upload(client, person, jsonl(product_lines(5)))
    assert response.status_code == 202, response.text
    await work(db)
    return str(response.json()["id"])
