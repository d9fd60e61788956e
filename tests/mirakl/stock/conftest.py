"""One database for all tests of stock: each has an account of its own with its components, variants and orders."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import CursorResult, text
from tests.conftest import clone

from entrepot.kit.crypto import Keyring
from entrepot.kit.db import Database
from entrepot.kit.settings import Settings
from entrepot.mirakl.accounts.accounts import Account, add_account

NUMBERS = count(1)


@pytest.fixture(scope="session")
def settings(server_home: Any) -> Iterator[Settings]:
    """Settings of the database that the tests of stock share."""
    with clone(server_home) as found:
        yield found


@pytest.fixture(scope="session")
async def db(settings: Settings) -> AsyncIterator[Database]:
    """The two pools on it."""
    async with Database.opened(settings) as database:
        yield database


@dataclass
class House:
    """An account with what is in stock there; names stand for identifiers."""

    db: Database
    account: Account
    components: dict[str, UUID] = field(default_factory=dict)
    variants: dict[str, UUID] = field(default_factory=dict)

    @property
    def account_id(self) -> UUID:
        """The tenant."""
        return self.account.account_id

    async def sql(self, statement: str, **values: Any) -> Sequence[Mapping[str, Any]]:
        """Run a statement in the account; its rows."""
        async with self.db.tenant(account_id=self.account_id) as session:
            found = cast(
                "CursorResult[Any]",
                await session.execute(text(statement), {"account_id": self.account_id, **values}),
            )
            return [dict(row) for row in found.mappings()] if found.returns_rows else []

    async def component(self, name: str, on_hand: int = 0, **columns: Any) -> UUID:
        """A component with some units on hand."""
        columns = {"type": "PART", **columns}
        names = "".join(f", {column}" for column in columns)
        places = "".join(f", :{column}" for column in columns)
        [row] = await self.sql(
            f"INSERT INTO mirakl.components (account_id, name{names}) VALUES (:account_id, :name{places}) RETURNING component_id",
            name=name,
            **columns,
        )
        self.components[name] = row["component_id"]
        if on_hand:
            await self.move(name, on_hand)
        return self.components[name]

    async def move(self, name: str, on_hand: int = 0, reserved: int = 0, movement: str = "receipt") -> None:
        """A movement written by hand."""
        await self.sql(
            """
            INSERT INTO mirakl.component_movements (account_id, component_id, movement, on_hand_change, reserved_change)
            VALUES (:account_id, :component, :movement, :on_hand, :reserved)
            """,
            component=self.components[name],
            movement=movement,
            on_hand=on_hand,
            reserved=reserved,
        )

    async def part(self, kit: str, part: str, quantity: int = 1) -> None:
        """A component that another is built from."""
        await self.sql(
            """
            INSERT INTO mirakl.component_parts (account_id, component_id, part_id, quantity)
            VALUES (:account_id, :kit, :part, :quantity)
            """,
            kit=self.components[kit],
            part=self.components[part],
            quantity=quantity,
        )

    async def variant(self, sku: str, *listings: str, **bill: int) -> UUID:
        """A variant, its bill of materials and the listings that it is sold under."""
        [base] = await self.sql(
            """
            INSERT INTO mirakl.base_products (account_id, model_name) VALUES (:account_id, 'Laptop')
            ON CONFLICT (account_id, model_name) DO UPDATE SET brand = NULL RETURNING product_id
            """
        )
        [row] = await self.sql(
            """
            INSERT INTO mirakl.product_variants (account_id, base_product_id, internal_sku)
            VALUES (:account_id, :base, :sku) RETURNING variant_id
            """,
            base=base["product_id"],
            sku=sku,
        )
        self.variants[sku] = row["variant_id"]
        for name, quantity in bill.items():
            await self.sql(
                """
                INSERT INTO mirakl.variant_components (account_id, variant_id, component_id, quantity)
                VALUES (:account_id, :variant, :component, :quantity)
                """,
                variant=row["variant_id"],
                component=self.components[name],
                quantity=quantity,
            )
        for shop_sku in listings:
            await self.listing(shop_sku, sku)
        return self.variants[sku]

    async def listing(self, shop_sku: str, sku: str) -> None:
        """A listing of a variant."""
        await self.sql(
            "INSERT INTO mirakl.shop_sku_map (account_id, shop_sku, variant_id) VALUES (:account_id, :shop_sku, :variant)",
            shop_sku=shop_sku,
            variant=self.variants[sku],
        )

    async def order(self, order_id: str, **lines: int) -> str:
        """An order of some shop SKUs; each line is called ORDER-SKU."""
        await self.sql(
            """
            INSERT INTO mirakl.orders (account_id, order_id, mirakl_state, currency_code, total_price,
                                       order_created_at, order_updated_at, raw_order_data)
            VALUES (:account_id, :order_id, 'WAITING_ACCEPTANCE', 'CAD', 100, now(), now(), '{}')
            """,
            order_id=order_id,
        )
        for sku, quantity in lines.items():
            await self.sql(
                """
                INSERT INTO mirakl.order_lines (account_id, order_line_id, order_id, sku, quantity, price, raw_line_data)
                VALUES (:account_id, :line, :order_id, :sku, :quantity, 100, '{}')
                """,
                line=f"{order_id}-{sku}",
                order_id=order_id,
                sku=sku,
                quantity=quantity,
            )
        return order_id

    async def status(self, order_id: str, *statuses: str) -> None:
        """Steps in the history of an order."""
        for status in statuses:
            await self.sql(
                """
                INSERT INTO mirakl.order_status_history (account_id, order_id, step, status, previous_status, actor_type)
                SELECT :account_id, CAST(:order_id AS text), coalesce(max(step), 0) + 1, :status,
                       (array_agg(status ORDER BY step DESC))[1], 'worker'
                FROM mirakl.order_status_history WHERE account_id = :account_id AND order_id = CAST(:order_id AS text)
                """,
                order_id=order_id,
                status=status,
            )

    async def levels(self) -> dict[str, tuple[int, int]]:
        """Units on hand and reserved of each component."""
        rows = await self.sql("SELECT name, on_hand, reserved FROM mirakl.components")
        return {row["name"]: (row["on_hand"], row["reserved"]) for row in rows}

    async def ledger(self) -> dict[str, tuple[int, int]]:
        """The same, added up from the movements."""
        rows = await self.sql(
            """
            SELECT c.name, coalesce(sum(m.on_hand_change), 0) AS on_hand, coalesce(sum(m.reserved_change), 0) AS reserved
            FROM mirakl.components AS c LEFT JOIN mirakl.component_movements AS m USING (account_id, component_id)
            GROUP BY c.name
            """
        )
        return {row["name"]: (row["on_hand"], row["reserved"]) for row in rows}

    async def movements(self) -> int:
        """How many movements there are."""
        return int((await self.sql("SELECT count(*) AS n FROM mirakl.component_movements"))[0]["n"])


@pytest.fixture
async def house(db: Database) -> House:
    """A house of the test's own."""
    return House(db, await new_account(db))


async def new_account(db: Database, *, api_url: str = "http://127.0.0.1:9/api") -> Account:
    """An account that no other test has."""
    async with db.system() as session:
        return await add_account(
            session,
            Keyring.open(db.settings),
            f"quayside-{next(NUMBERS)}",
            marketplace="Quayside",
            api_url=api_url,
            api_key="key",
            time_zone="America/Toronto",
        )


@pytest.fixture
async def other_house(db: Database) -> House:
    """Another tenant."""
    return House(db, await new_account(db))
