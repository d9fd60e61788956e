"""Promotions of shops: when they hold and what they take off."""

from dataclasses import dataclass

import numpy as np

from entrepot.playground.values import APPLICABILITIES, PROMOTION_TYPES
from entrepot.playground.world.calendars import DAY, HOUR, Calendar
from entrepot.playground.world.identifiers import Ids, identify
from entrepot.playground.world.randomness import Choice, Draws, Flags, Ints
from entrepot.playground.world.scenarios import Modulation
from entrepot.playground.world.shops import Shops

PERCENTAGE, FIXED, BUY_X, BUNDLE, FREE_SHIPPING, MINIMUM = range(6)
_TYPE = Choice([0.46, 0.16, 0.08, 0.08, 0.12, 0.1])
_APPLIES = Choice([0.7, 0.12, 0.18])
ALL, PRODUCTS, CATEGORIES, MINIMUM_ORDER = range(4)
#: Places of the promotions that scenarios add; the number of a promotion is 1024 times the shop plus its place.
_BLACK, _FLASH = 1000, 1010
#: Days from one promotion of a shop to its next.
_EVERY = 21
#: Top sellers that a promotion of specific products holds for.
SPECIFIC = 5


@dataclass
class Promotions:
    """Promotions by shop and time."""

    units: Ints
    shop: Ints
    time: Ints
    begins: Ints
    ends: Ints
    kind: Ints
    #: percent, or cents
    value: Ints
    applies: Ints
    #: category that it holds for, -1 for all
    category: Ints
    minimum: Ints
    most: Ints
    limit: Ints
    limit_per_user: Ints
    code: Flags
    name: Ints
    ids: Ids
    rank: Ints


def promote(draws: Draws, shops: Shops, calendar: Calendar, modulation: Modulation) -> Promotions:
    """All promotions that begin in the days of the world, or are announced in them."""
    slots = calendar.days // _EVERY + 2
    shop = np.repeat(np.arange(shops.count), slots)
    place = np.tile(np.arange(slots), shops.count)
    units = shops.numbers[shop] * 1024 + place
    opened = calendar.day_of(shops.time)
    day = opened[shop] + 4 + place * _EVERY + draws.below("promotion/day", units, 10)
    begins = calendar.midnight(day) + 6 * HOUR + draws.below("promotion/hour", units, 8) * HOUR
    ends = begins + (3 + draws.below("promotion/days", units, 5)) * DAY
    rank = np.zeros(len(units), dtype=np.int64)
    columns = [(units, shop, begins, ends, rank)]
    for name, base in (("black-friday", _BLACK), ("flash-promotion", _FLASH)):
        for nth, span in enumerate(modulation.spans(name)[:8]):
            takes_part = (
                shops.flash if name == "flash-promotion" else draws.chance("shop/black", shops.numbers, 0.8)
            )
            rows = np.flatnonzero(takes_part & (shops.time + 3 * DAY < span.start))
            columns.append((
                shops.numbers[rows] * 1024 + base + nth, rows, np.full(len(rows), span.start),
                np.full(len(rows), span.end), np.full(len(rows), 1 + (base == _FLASH)),
            ))  # fmt: skip
    units, shop, begins, ends, rank = (np.concatenate(column) for column in zip(*columns, strict=True))
    notice = DAY + draws.below("promotion/notice", units, 36 * HOUR)
    # What a scenario brings is announced when it begins: a scenario changes nothing from before its window.
    time = np.where(rank > 0, begins, begins - notice)
    kept = (time < calendar.midnight(np.array([calendar.days]))[0]) & (ends < shops.closed[shop])
    kept &= time > shops.time[shop]
    units, shop, begins, ends, rank, time = (c[kept] for c in (units, shop, begins, ends, rank, time))
    special = rank > 0
    kind = np.where(special, PERCENTAGE, _TYPE(draws.uniform("promotion/type", units)))
    percent = np.where(
        rank == 2, 33, np.where(rank == 1, 25, 5 + 5 * draws.below("promotion/percent", units, 5))
    )
    amount = (3 + draws.below("promotion/amount", units, 10)) * 100
    value = np.select(
        [(kind == PERCENTAGE) | (kind == BUNDLE), (kind == FIXED) | (kind == MINIMUM)], [percent, amount], 0
    )
    value = np.where(kind == BUY_X, 3, value)
    applies = np.where(special | (kind >= BUY_X), ALL, _APPLIES(draws.uniform("promotion/applies", units)))
    applies = np.where(kind == MINIMUM, MINIMUM_ORDER, applies)
    first = shops.first_product[shop]
    category = np.where(
        applies == CATEGORIES, shops.category[np.minimum(first, max(shops.products - 1, 0))], -1
    )
    minimum = np.where(kind == MINIMUM, (25 + 5 * draws.below("promotion/minimum", units, 8)) * 100, 0)
    most = np.where((kind == PERCENTAGE) & ~special & draws.chance("promotion/most", units, 0.3), 3000, 0)
    limited = draws.chance("promotion/limited", units, 0.25) & ~special
    limit = np.where(limited, 20 + 10 * draws.below("promotion/limit", units, 10), 0)
    once = np.where(draws.chance("promotion/once", units, 0.3) & ~special, 1, 0)
    code = draws.chance("promotion/code", units, 0.4) & ~special
    assert PROMOTION_TYPES[MINIMUM] == "minimum_purchase"
    assert APPLICABILITIES[MINIMUM_ORDER] == "minimum_order"
    return Promotions(
        units, shop, time, begins, ends, kind, value, applies, category, minimum, most, limit, once, code,
        draws.below("promotion/name", units, 8), identify(draws, "promotion", units, time), rank,
    )  # fmt: skip


def in_force(promotions: Promotions, shops: Ints, times: Ints) -> Ints:
    """The promotion that holds in each shop at each moment, -1 for none; those of scenarios come first."""
    found = np.full(len(shops), -1)
    for rank in range(3):
        rows = np.flatnonzero(promotions.rank == rank)
        if not len(rows):
            continue
        rows = rows[np.lexsort((promotions.begins[rows], promotions.shop[rows]))]
        base = int(promotions.begins.min())
        keys = (promotions.shop[rows] << 51) + promotions.begins[rows] - base
        wanted = (shops << 51) + np.maximum(times - base, -1)
        at = np.searchsorted(keys, wanted, side="right") - 1
        row = rows[np.maximum(at, 0)]
        holds = (
            (at >= 0)
            & (promotions.shop[row] == shops)
            & (promotions.begins[row] <= times)
            & (times < promotions.ends[row])
        )
        found = np.where(holds, row, found)
    return found


@dataclass
class Basket:
    """Lines of orders, in the order of orders, as promotions see them; money in cents."""

    order: Ints
    product: Ints
    quantity: Ints
    price: Ints


def taken_off(promotions: Promotions, chosen: Ints, basket: Basket, shops: Shops) -> tuple[Ints, Flags]:
    """Cents that the chosen promotion (-1: none) takes off each line, and which orders it applies to."""
    count = len(chosen)
    promo = np.maximum(chosen, 0)
    line_promo = promo[basket.order]
    subtotal = basket.quantity * basket.price
    applies = promotions.applies[line_promo]
    eligible = (applies != PRODUCTS) | (shops.product_place[basket.product] < SPECIFIC)
    eligible &= (applies != CATEGORIES) | (shops.category[basket.product] == promotions.category[line_promo])
    worth = np.where(eligible, subtotal, 0)
    total = summed(basket.order, worth, count)
    lines = np.bincount(basket.order, minlength=count)
    kind, value = promotions.kind[promo], promotions.value[promo]
    off: Ints = np.zeros(count, dtype=np.int64)
    off = np.where((kind == PERCENTAGE) | ((kind == BUNDLE) & (lines >= 3)), total * value // 100, off)
    off = np.where((kind == FIXED) | ((kind == MINIMUM) & (total >= promotions.minimum[promo])), value, off)
    off = np.minimum(off, total * 9 // 10)
    off = np.where(promotions.most[promo] > 0, np.minimum(off, promotions.most[promo]), off)
    off = np.where(chosen >= 0, off, 0)
    shares = shared(off, basket.order, worth, count)
    free = np.where((kind[basket.order] == BUY_X) & (chosen[basket.order] >= 0), basket.quantity // 3, 0)
    shares += np.asarray(free * basket.price, dtype=np.int64)
    by_order = summed(basket.order, shares, count)
    return shares, (chosen >= 0) & ((by_order > 0) | (kind == FREE_SHIPPING))


def summed(owner: Ints, amount: Ints | Flags, count: int) -> Ints:
    """The sum of the rows of each owner; exact, since no sum comes near 2**53."""
    return np.bincount(owner, amount, minlength=count).astype(np.int64)


def shared(amount: Ints, owner: Ints, weight: Ints, count: int) -> Ints:
    """Each owner's amount shared among its rows by weight, to the unit; rows of an owner lie together."""
    if not len(owner):
        return np.zeros(0, dtype=np.int64)
    running = np.cumsum(weight)
    first = np.searchsorted(owner, np.arange(count))
    before = (running - weight)[np.minimum(first, len(owner) - 1)]
    within = running - before[owner]
    total = np.maximum(summed(owner, weight, count), 1)[owner]
    upto = amount[owner] * within // total
    previous = amount[owner] * (within - weight) // total
    return np.asarray(upto - previous)
