"""The ledger against a model: any sequence of receipts, counts, orders, cancellations, shipments and returns."""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.mirakl.stock.conftest import House, new_account

from entrepot.kit.db import Database
from entrepot.kit.errors import ConflictError
from entrepot.mirakl.stock import levels
from entrepot.mirakl.stock.reserving import consume, release, reserve

BILLS = {"S1": {"a": 1, "b": 2}, "S2": {"b": 1}, "S3": {"a": 3}}
ORDERS = {"O1": {"S1": 1}, "O2": {"S1": 1, "S2": 2}, "O3": {"S3": 1}, "O4": {"S2": 1}}
STEPS = st.one_of(
    st.tuples(st.just("receive"), st.sampled_from("ab"), st.integers(1, 6)),
    st.tuples(st.just("count"), st.sampled_from("ab"), st.integers(0, 8)),
    st.tuples(
        st.sampled_from(["reserve", "release", "consume"]), st.sampled_from(sorted(ORDERS)), st.just(0)
    ),
    st.tuples(st.just("take_back"), st.sampled_from(sorted(ORDERS)), st.just(0)),
)


@dataclass
class Model:
    """What the house should have."""

    on_hand: dict[str, int] = field(default_factory=lambda: {"a": 0, "b": 0})
    reserved: dict[str, dict[str, int]] = field(default_factory=dict)
    consumed: set[str] = field(default_factory=set)
    returned: set[str] = field(default_factory=set)

    def held(self, name: str) -> int:
        return sum(order.get(name, 0) for order in self.reserved.values())

    def needs(self, order: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for sku, units in ORDERS[order].items():
            for name, quantity in BILLS[sku].items():
                found[name] = found.get(name, 0) + units * quantity
        return found

    def reserve(self, order: str) -> None:
        needs = self.needs(order)
        if order in self.reserved or order in self.consumed:
            return
        if all(units <= self.on_hand[name] - self.held(name) for name, units in needs.items()):
            self.reserved[order] = needs

    def release(self, order: str) -> None:
        self.reserved.pop(order, None)

    def consume(self, order: str) -> None:
        self.reserve(order)
        for name, units in self.reserved.pop(order, {}).items():
            self.on_hand[name] -= units
            self.consumed.add(order)

    def receive(self, name: str, units: int) -> None:
        self.on_hand[name] += units

    def count(self, name: str, units: int) -> bool:
        """Whether it is allowed: not below what is reserved."""
        if units >= self.held(name):
            self.on_hand[name] = units
            return True
        return False

    def take_back(self, order: str) -> bool:
        """Whether there is anything out."""
        if order not in self.consumed or order in self.returned:
            return False
        self.returned.add(order)
        for name, units in self.needs(order).items():
            self.on_hand[name] += units
        return True


async def apply(house: House, step: tuple[str, str, int]) -> None:
    what, name, units = step
    async with house.db.tenant(account_id=house.account_id) as session:
        match what:
            case "receive":
                await levels.receive(session, house.account_id, name, units, reason="x")
            case "count":
                await levels.count(session, house.account_id, name, units, reason="x")
            case "take_back":
                for sku in ORDERS[name]:
                    await levels.take_back(session, house.account_id, f"{name}-{sku}", reason="x")
            case _:
                act = {"reserve": reserve, "release": release, "consume": consume}[what]
                await act(session, house.account_id, name)


async def furnished(db: Database) -> House:
    """A house with nothing on hand and its orders waiting."""
    house = House(db, await new_account(db))
    for name in "ab":
        await house.component(name)
    for sku, bill in BILLS.items():
        await house.variant(sku, sku, **bill)
    for order, lines in ORDERS.items():
        await house.order(order, **lines)
    return house


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=16))
async def test_whatever_happens_the_house_has_what_the_model_has(
    db: Database, steps: list[tuple[str, str, int]]
) -> None:
    house, model = await furnished(db), Model()
    for step in steps:
        what, name, units = step
        allowed = getattr(model, what)(*((name, units) if what in ("receive", "count") else (name,)))
        if allowed is False:
            with pytest.raises(ConflictError):
                await apply(house, step)
        else:
            await apply(house, step)
        expected = {one: (model.on_hand[one], model.held(one)) for one in "ab"}
        assert await house.levels() == expected, step
    assert await house.ledger() == await house.levels()


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=8, max_size=24))
async def test_whatever_happens_at_once_nothing_is_below_zero_taken_twice_or_locked(
    db: Database, steps: list[tuple[str, str, int]]
) -> None:
    house = await furnished(db)
    for name in "ab":
        await house.move(name, 6)
    found = await asyncio.gather(*(apply(house, step) for step in steps), return_exceptions=True)
    assert [one for one in found if one is not None and not isinstance(one, ConflictError)] == []
    levels_now = await house.levels()
    assert levels_now == await house.ledger()
    assert all(0 <= reserved <= on_hand for on_hand, reserved in levels_now.values())
    taken = await house.sql(
        """
        SELECT order_line_id, component_id, sum(reserved_change) AS reserved,
               -sum(on_hand_change) FILTER (WHERE movement = 'consumption') AS consumed
        FROM mirakl.component_movements WHERE order_line_id IS NOT NULL GROUP BY order_line_id, component_id
        """
    )
    names = {component: name for name, component in house.components.items()}
    for row in taken:
        order, sku = row["order_line_id"].split("-")
        needed = ORDERS[order][sku] * BILLS[sku][names[row["component_id"]]]
        assert row["reserved"] + (row["consumed"] or 0) in (0, needed)
