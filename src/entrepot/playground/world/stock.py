"""Stock, day by day: deliveries, sales that find no more than there is, returns, losses, and new supplies."""

from dataclasses import dataclass, field

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


@dataclass
class _Day:
    """What is to happen to stock on one day."""

    product: list[Ints] = field(default_factory=list)
    time: list[Ints] = field(default_factory=list)
    kind: list[Ints] = field(default_factory=list)
    change: list[Ints] = field(default_factory=list)
    line: list[Ints] = field(default_factory=list)

    def add(
        self, product: Ints, time: Ints, kind: int | Ints, change: Ints, line: Ints | None = None
    ) -> None:
        if len(product):
            self.product.append(product)
            self.time.append(time)
            self.kind.append(np.broadcast_to(np.asarray(kind), product.shape))
            self.change.append(change)
            self.line.append(np.full(len(product), -1) if line is None else line)


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
    by_day = _Agenda(calendar.day_of(lines.time), calendar.days)
    backs = _Agenda(
        np.minimum(calendar.day_of(np.minimum(lines.back_time, NEVER)), calendar.days), calendar.days
    )
    columns: list[tuple[Ints, ...]] = []
    for day in range(calendar.days):
        today = _Day()
        supply.open_shelves(day, today)
        supply.arrive(day, today)
        supply.count(day, today)
        rows = by_day.rows(day)
        today.add(lines.product[rows], lines.time[rows], SALE, -lines.quantity[rows], rows)
        rows = backs.rows(day)
        rows = rows[got[rows] > 0]
        today.add(lines.product[rows], lines.back_time[rows], RETURN, got[rows], rows)
        if today.product:
            product, time, kind, change, line = (
                np.concatenate(column)
                for column in (today.product, today.time, today.kind, today.change, today.line)
            )
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
        self.due = np.full(shops.products, calendar.days + 10_000)
        self.blocked = draws.chance("stock/blocked", units, 0.85)
        self.spans = modulation.spans("stock-out")

    def open_shelves(self, day: int, today: _Day) -> None:
        rows = np.flatnonzero(self.listed_day == day)
        today.add(rows, self.shops.listed[rows], PURCHASE, self.first[rows])

    def arrive(self, day: int, today: _Day) -> None:
        rows = np.flatnonzero(self.due == day)
        if not len(rows):
            return
        unit = self.shops.product_units[rows] * 8192 + day
        midnight = int(self.calendar.midnight(np.array([day]))[0])
        time = midnight + 6 * HOUR + self.draws.below("stock/arrival", unit, 10 * HOUR)
        kind = np.where(self.draws.chance("stock/transfer", unit, 0.06), TRANSFER_IN, PURCHASE)
        today.add(rows, time, kind, self.ordered[rows])
        self.ordered[rows] = 0
        self.due[rows] = self.calendar.days + 10_000

    def count(self, day: int, today: _Day) -> None:
        """Once in a while a shelf is counted, and some of it is missing or too much."""
        unit = self.shops.product_units * 8192 + day
        wrong = self.draws.uniform("stock/count", unit)
        rows = np.flatnonzero((wrong < 0.006) & (self.listed_day < day) & (self.closed_day > day))
        if not len(rows):
            return
        unit, wrong = unit[rows], wrong[rows]
        kind = np.where(wrong < 0.003, LOSS, np.where(wrong < 0.005, RECOUNT, ADJUSTMENT))
        change = 1 + self.draws.below("stock/difference", unit, 2)
        midnight = int(self.calendar.midnight(np.array([day]))[0])
        time = midnight + self.draws.below("stock/counted", unit, DAY)
        today.add(rows, time, kind, np.where(kind == ADJUSTMENT, change, -change))

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
            begins = self.calendar.midnight(due)
            held = self.blocked[rows] & (begins + DAY > span.start) & (begins < span.end)
            after = int(self.calendar.day_of(np.array([span.end]))[0]) + 1
            due = np.where(held, np.maximum(due, after), due)
        self.ordered[rows] = np.maximum(self.target[rows] - stock[rows], 1)
        self.due[rows] = due
