"""Stock, day by day: deliveries, sales that find no more than there is, returns, losses, and new supplies."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from entrepot.playground.values import INVENTORY_CHANGES
from entrepot.playground.world.calendars import DAY, HOUR, NEVER, Calendar
from entrepot.playground.world.randomness import Draws, Flags, Ints
from entrepot.playground.world.scenarios import Modulation
from entrepot.playground.world.shops import Shops

PURCHASE = INVENTORY_CHANGES.index("purchase")
SALE = INVENTORY_CHANGES.index("sale")
RETURN = INVENTORY_CHANGES.index("return")
ADJUSTMENT = INVENTORY_CHANGES.index("adjustment")
LOSS = INVENTORY_CHANGES.index("loss")
TRANSFER_IN = INVENTORY_CHANGES.index("transfer_in")
RECOUNT = INVENTORY_CHANGES.index("recount")

#: Days until a supply comes: two, and up to five more.
_LEAD = 2
_LEAD_SPREAD = 6
#: Share of the products that get nothing in a stock-out.
_BLOCKED = 0.85


@dataclass
class Lines:
    """Lines that orders want, in the order of orders: product, units, time, and when they come back, if ever."""

    product: Ints
    quantity: Ints
    time: Ints
    #: when the units are in stock again: at cancellation or return, NEVER for most
    back_time: Ints


@dataclass
class Movements:
    """What moved: one row a change, in the order of days, within a day by product and time."""

    product: Ints
    time: Ints
    kind: Ints
    before: Ints
    change: Ints
    #: row of `Lines` that sold or came back, -1 for others
    line: Ints


class _Changes(NamedTuple):
    """Changes that are wanted: of which product, when, of what kind, by how much, and for which line (-1: none)."""

    product: Ints
    time: Ints
    kind: Ints
    change: Ints
    line: Ints

    def rows(self, rows: Ints) -> "_Changes":
        return _Changes(*(column[rows] for column in self))


def _together(*changes: _Changes) -> _Changes:
    return _Changes(*(np.concatenate(column) for column in zip(*changes, strict=True)))


def _changes(product: Ints, time: Ints, kind: int | Ints, change: Ints, line: Ints | None = None) -> _Changes:
    kinds = np.broadcast_to(np.asarray(kind, dtype=np.int64), product.shape)
    return _Changes(product, time, kinds, change, np.full(len(product), -1) if line is None else line)


def served(stock: Ints, product: Ints, time: Ints, change: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """What becomes of wanted changes (negative takes) when stock never falls below nothing.

    Returns the order of the rows by (product, time), and in that order the times (apart from each other by a
    microsecond at least within a product), what was there before each change, and what changed. The shortage so far
    is the greatest by which the running sum has fallen below zero (Skorokhod's reflection), so no loop is needed.
    """
    order = np.lexsort((time, product))
    product, time, change = product[order], time[order], change[order]
    first = np.concatenate([[True], product[1:] != product[:-1]]) if len(product) else np.zeros(0, dtype=bool)
    group = np.cumsum(first) - 1
    begin = np.flatnonzero(first)
    running = np.cumsum(change)
    offset = (running - change)[begin][group] if len(begin) else running
    free = stock[product] + running - offset  # without a floor
    apart = 1 << 40
    short = _running_maximum(np.maximum(-free, 0), group, apart)
    after = free + short
    before = np.where(first, stock[product], np.concatenate([[0], after[:-1]])) if len(product) else after
    position = np.arange(len(time))
    later = _running_maximum(time - time.min() - position + len(time), group, 1 << 44) if len(time) else time
    spaced = later + position + time.min() - len(time) if len(time) else time
    return order, spaced, before, after - before


def _running_maximum(values: Ints, group: Ints, apart: int) -> Ints:
    """Greatest value so far within each group; values are in [0, apart)."""
    return np.asarray(np.maximum.accumulate(values + group * apart) - group * apart)


def simulate(
    draws: Draws, shops: Shops, lines: Lines, calendar: Calendar, modulation: Modulation
) -> tuple[Movements, Ints]:
    """All movements of stock, and how many units each line got."""
    got = np.zeros(len(lines.product), dtype=np.int64)
    stock = np.zeros(shops.products, dtype=np.int64)
    supply = _Supply(draws, shops, calendar, modulation)
    # What is known beforehand: the first supplies, counts of shelves, and what orders want.
    every = np.arange(len(lines.product))
    sales = _changes(lines.product, lines.time, SALE, -lines.quantity, every)
    planned = _together(supply.first_supplies(), supply.counts(), sales)
    plan = _Agenda(calendar.day_of(planned.time), calendar.days)
    backs = _Agenda(calendar.day_of(lines.back_time), calendar.days)
    columns: list[tuple[Ints, ...]] = []
    for day in range(calendar.days):
        rows = backs.rows(day)
        rows = rows[got[rows] > 0]
        returns = _changes(lines.product[rows], lines.back_time[rows], RETURN, got[rows], rows)
        product, time, kind, change, line = _together(
            planned.rows(plan.rows(day)), returns, *supply.deliveries(day)
        )
        if len(product):
            order, spaced, before, changed = served(stock, product, time, change)
            product, kind, line = product[order], kind[order], line[order]
            stock[product] = before + changed  # the last row of a product wins
            sold = kind == SALE
            got[line[sold]] = -changed[sold]
            moved = changed != 0
            columns.append(tuple(column[moved] for column in (product, spaced, kind, before, changed, line)))
        supply.reorder(day, stock)
    if not columns:
        empty = np.zeros(0, dtype=np.int64)
        return Movements(empty, empty, empty, empty, empty, empty), got
    return Movements(*(np.concatenate(column) for column in zip(*columns, strict=True))), got


class _Agenda:
    """Rows by the day on which they happen."""

    def __init__(self, days: Ints, count: int) -> None:
        self._order = np.argsort(days, kind="stable")
        self._ends = np.searchsorted(days[self._order], np.arange(count + 1))

    def rows(self, day: int) -> Ints:
        return np.asarray(self._order[self._ends[day] : self._ends[day + 1]])


class _Supply:
    """What shops order from suppliers and when it comes; losses and recounts."""

    def __init__(self, draws: Draws, shops: Shops, calendar: Calendar, modulation: Modulation) -> None:
        self.draws, self.shops, self.calendar = draws, shops, calendar
        units = shops.product_units
        self.threshold: Ints = np.floor(shops.demand * 5).astype(np.int64) + 3
        self.target: Ints = np.floor(shops.demand * 21).astype(np.int64) + 12
        self.first: Ints = (
            np.floor(shops.demand * 16).astype(np.int64) + 8 + draws.below("stock/first", units, 8)
        )
        self.listed_day = calendar.day_of(shops.listed)
        self.closed_day = calendar.day_of(shops.closed[shops.product_shop])
        self.ordered = np.zeros(shops.products, dtype=np.int64)
        self.due = np.full(shops.products, NEVER)
        self.luck = draws.uniform("stock/blocked", units)
        self.spans = modulation.spans("stock-out")

    def first_supplies(self) -> _Changes:
        """What is on the shelf when a product is listed."""
        return _changes(np.arange(self.shops.products), self.shops.listed, PURCHASE, self.first)

    def counts(self) -> _Changes:
        """Once in a while a shelf is counted, and some of it is missing or too much."""
        days = np.arange(self.calendar.days)
        unit = self.shops.product_units[:, None] * 8192 + days[None, :]
        wrong = self.draws.uniform("stock/count", unit.ravel()).reshape(unit.shape)
        open_ = (self.listed_day[:, None] < days[None, :]) & (self.closed_day[:, None] > days[None, :])
        product, day = np.nonzero((wrong < 0.006) & open_)
        unit, wrong = unit[product, day], wrong[product, day]
        kind = np.where(wrong < 0.003, LOSS, np.where(wrong < 0.005, RECOUNT, ADJUSTMENT))
        change = 1 + self.draws.below("stock/difference", unit, 2)
        time = self.calendar.midnight(day) + self.draws.below("stock/counted", unit, DAY)
        return _changes(product, time, kind, np.where(kind == ADJUSTMENT, change, -change))

    def deliveries(self, day: int) -> list[_Changes]:
        """What suppliers bring on a day."""
        rows = np.flatnonzero(self.due == day)
        if not len(rows):
            return []
        unit = self.shops.product_units[rows] * 8192 + day
        time = self._arrival(rows, np.full(len(rows), day))
        kind = np.where(self.draws.chance("stock/transfer", unit, 0.06), TRANSFER_IN, PURCHASE)
        delivered = _changes(rows, time, kind, self.ordered[rows])
        self.ordered[rows] = 0
        self.due[rows] = NEVER
        return [delivered]

    def _arrival(self, products: Ints, days: Ints) -> Ints:
        """The moment at which a delivery of a day comes."""
        unit = self.shops.product_units[products] * 8192 + days
        return self.calendar.midnight(days) + 6 * HOUR + self.draws.below("stock/arrival", unit, 10 * HOUR)

    def reorder(self, day: int, stock: Ints) -> None:
        """At the end of a day, order what runs low; while suppliers are blocked, it comes after that."""
        low: Flags = (stock + self.ordered <= self.threshold) & (self.listed_day <= day) & (self.ordered == 0)
        low &= self.closed_day > day + 1
        rows = np.flatnonzero(low)
        if not len(rows):
            return
        unit = self.shops.product_units[rows] * 8192 + day
        # One supplier in seven is slow: that is how shelves come to be empty in a steady world.
        slow = 9 * self.draws.chance("stock/slow", unit, 0.15)
        due = day + _LEAD + self.draws.below("stock/lead", unit, _LEAD_SPREAD) + slow
        for span in self.spans:
            time = self._arrival(rows, due)
            blocked = self.luck[rows] < _BLOCKED * span.strength
            held = blocked & span.holds(time)
            after = int(self.calendar.day_of(np.array([span.end]))[0]) + 1
            due = np.where(held, np.maximum(due, after), due)
        self.ordered[rows] = np.maximum(self.target[rows] - stock[rows], 1)
        self.due[rows] = due
