"""Visits to shops: who comes when, what is looked at, what goes into the cart, and how far the visit gets."""

from dataclasses import dataclass

import numpy as np

from entrepot.playground.world.calendars import HOUR, MINUTE, SECOND, Calendar
from entrepot.playground.world.identifiers import Ids, identify
from entrepot.playground.world.people import People, chosen_hours
from entrepot.playground.world.randomness import (
    Choice,
    Draws,
    Flags,
    Floats,
    Ints,
    exponential,
    log_normal,
    normal,
)
from entrepot.playground.world.scenarios import Modulation
from entrepot.playground.world.shops import VISITS_A_DAY, Shops

#: The number of a visit: the shop, 13 bits of the day, 20 bits of its place in the day. The places of the day are
#: kept apart by why somebody comes: as ever, since a scenario draws, or to commit fraud.
DAY_BITS, PLACE_BITS = 13, 20
_LAYER = 1 << (PLACE_BITS - 2)
_EXTRA, _FRAUD = 1, 2
#: A visit looks at no more products than this.
MOST_VIEWS = 16

#: The funnel, each of the step before: visits that use a cart, carts that reach the checkout, checkouts that order.
CART, CHECKOUT, ORDER = 0.47, 0.66, 0.84
#: Fraudulent orders a day and shop of average popularity, at strength 1.
FRAUD_A_DAY = 1.6

_SPREAD = normal()
_VIEWS = Choice([0.42, 0.2, 0.13, 0.09, 0.06, 0.04, 0.025, 0.015, 0.01, 0.01])
_PAUSE = log_normal(28.0, 0.8)
_QUANTITY = Choice([0.74, 0.16, 0.05, 0.03, 0.02])
_DECISION = exponential(90.0)


@dataclass
class Visits:
    """Visits in the order of shop and day."""

    units: Ints
    shop: Ints
    user: Ints
    time: Ints
    fraud: Flags
    ids: Ids
    login: Flags


@dataclass
class Views:
    """Products looked at, in the order of visits."""

    units: Ints
    visit: Ints
    product: Ints
    time: Ints
    #: put into the cart: how many, when, and whether it was taken out again and when
    added: Flags
    quantity: Ints
    added_time: Ints
    removed: Flags
    removed_time: Ints


@dataclass
class Carts:
    """How visits ended, by visit; times are of the last activity."""

    value: Ints
    checkout: Flags
    checkout_time: Ints
    wants_order: Flags
    order_time: Ints
    last_time: Ints


def visit(draws: Draws, people: People, shops: Shops, calendar: Calendar, modulation: Modulation) -> Visits:
    """Everybody who comes, in all days of the world.

    Scenarios add visits and never move any: the ordinary ones are the same with them and without.
    """
    days = np.arange(calendar.days)
    cell = (shops.numbers[:, None] << DAY_BITS) + days[None, :]
    alive = (calendar.midnight(days)[None, :] < shops.closed[:, None]) & (
        calendar.midnight(days + 1)[None, :] > shops.time[:, None]
    )
    usual = alive * VISITS_A_DAY * shops.popularity[:, None]
    typical = calendar.rhythm.mean(axis=1)  # by day and hour
    more = _more(shops, modulation)  # by shop, day and hour
    fraud = modulation.strength("fraud-wave", modulation.hours())
    layers = (
        usual * typical.mean(axis=1)[None, :],
        usual * (more * typical[None]).mean(axis=2),
        alive * FRAUD_A_DAY * shops.popularity[:, None] * fraud.mean(axis=1)[None, :],
    )
    units = np.concatenate([
        _numbers(cell, _counts(draws, f"visit/{layer}", cell, expected), layer * _LAYER)
        for layer, expected in enumerate(layers)
    ])  # fmt: skip
    units.sort()
    day = (units >> PLACE_BITS) & ((1 << DAY_BITS) - 1)
    shop = np.searchsorted(shops.numbers, units >> (PLACE_BITS + DAY_BITS)).astype(np.int64)
    layer = (units & ((1 << PLACE_BITS) - 1)) // _LAYER
    is_fraud = layer == _FRAUD
    user = _who(draws, people, shops, units, shop, day, is_fraud)
    rhythm = calendar.rhythm[day, people.zone[user]]
    rows = np.flatnonzero(layer == _EXTRA)
    rhythm[rows] *= more[shop[rows], day[rows]]
    rhythm[is_fraud] = fraud[day[is_fraud]]
    hour = chosen_hours(rhythm, draws.uniform("visit/hour", units))
    time = calendar.midnight(day) + hour * HOUR + draws.below("visit/moment", units, HOUR)
    kept = (
        people.here(user, time)
        & (time > shops.time[shop] + 90 * MINUTE)
        & (time + 2 * HOUR < shops.closed[shop])
        & (user != shops.owner[shop])
    )
    units, shop, user, time, is_fraud = (column[kept] for column in (units, shop, user, time, is_fraud))
    return Visits(
        units, shop, user, time, is_fraud,
        identify(draws, "session", units, time),
        draws.chance("visit/login", units, 0.34),
    )  # fmt: skip


def _more(shops: Shops, modulation: Modulation) -> Floats:
    """How many times the usual visits scenarios add, by shop, day and hour."""
    factor = modulation.visits()[None]
    flash = np.where(shops.flash[:, None, None], modulation.flash()[None], 1.0)
    return np.asarray(factor * flash - 1)


def _counts(draws: Draws, purpose: str, cell: Ints, expected: Floats) -> Ints:
    """How many come to each cell of shop and day: about Poisson, whole numbers with the expected mean."""
    spread = _SPREAD(draws.uniform(f"{purpose}/spread", cell.ravel())).reshape(cell.shape)
    rest = draws.uniform(f"{purpose}/rest", cell.ravel()).reshape(cell.shape)
    counts = np.floor(expected + np.sqrt(expected) * np.where(expected > 4, spread, 0.0) + rest)
    return np.where(expected > 0, np.clip(counts, 0, _LAYER - 1), 0).astype(np.int64)


def _numbers(cell: Ints, counts: Ints, first: int) -> Ints:
    flat = counts.ravel()
    starts = np.cumsum(flat) - flat
    place = np.arange(int(flat.sum())) - np.repeat(starts, flat)
    return np.asarray(np.repeat(cell.ravel() << PLACE_BITS, flat) + first + place)


def _who(
    draws: Draws, people: People, shops: Shops, units: Ints, shop: Ints, day: Ints, fraud: Flags
) -> Ints:
    """Of three candidates by eagerness the one who likes the shop best: so people come back to their shops."""
    candidates = np.stack([people.visitors(f"visit/user/{nth}", units, day) for nth in range(3)])
    pair = (candidates << 24) ^ shops.numbers[shop][None, :]
    liking = draws.uniform("visit/liking", pair.ravel()).reshape(pair.shape)
    liking = np.where(people.left[candidates] > shops.calendar.midnight(day)[None, :], liking + 1, liking)
    best = np.argmax(liking, axis=0)
    user = candidates[best, np.arange(len(units))]
    # Fraud is committed from accounts that were opened lately.
    known = people.by_day[day]
    recent = known - 1 - draws.below("visit/recent", units, np.maximum(known // 8, 1))
    return np.where(fraud, recent, user)


def look(draws: Draws, visits: Visits, shops: Shops, modulation: Modulation) -> Views:
    """What is looked at and put into carts in each visit."""
    counts = 1 + _VIEWS(draws.uniform("view/count", visits.units))
    counts = np.where(visits.fraud, 2, counts)
    visit_of = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    place = np.arange(len(visit_of)) - starts[visit_of]
    units = visits.units[visit_of] * MOST_VIEWS + place
    shop = visits.shop[visit_of]
    pause = (_PAUSE(draws.uniform("view/pause", units)) * SECOND).astype(np.int64) + 2 * SECOND
    waited = np.cumsum(pause)
    time = visits.time[visit_of] + waited - waited[starts][visit_of] + 1
    listed = np.maximum(shops.listed_by(shop, visits.time[visit_of]), 1)
    first = shops.first_product[shop]
    low, high = shops.weight_ends[first], shops.weight_ends[first + listed]
    fraud = visits.fraud[visit_of]
    target = low + (draws.uniform("view/product", units) * (high - low)).astype(np.int64)
    product = np.searchsorted(shops.weight_ends, target, side="right") - 1
    buys = draws.chance("visit/cart", visits.units, CART) | visits.fraud
    eager = 1 + 0.25 * np.minimum(modulation.strength("black-friday", visits.time), 1.0)
    buys |= draws.chance("visit/tempted", visits.units, np.maximum(eager - 1, 0))
    added = (buys[visit_of] & draws.chance("view/add", units, np.where(place == 0, 0.82, 0.62))) | fraud
    # The same product twice in one cart is one line: the first counts.
    added &= ~_repeated(visit_of * (shops.products + 1) + product, added)
    quantity = 1 + _QUANTITY(draws.uniform("view/quantity", units))
    quantity = np.where(fraud, 3 + draws.below("view/fraud", units, 4), quantity)
    added_time = time + SECOND + draws.below("view/decision", units, 2 * SECOND)
    removed = added & draws.chance("view/remove", units, 0.12) & ~fraud
    last = np.maximum.reduceat(added_time, starts) if len(starts) else added_time
    removed_time = (
        last[visit_of] + SECOND + place * 3 * SECOND + draws.below("view/removal", units, 2 * SECOND)
    )
    return Views(units, visit_of, product, time, added, quantity, added_time, removed, removed_time)


def _repeated(keys: Ints, marked: Flags) -> Flags:
    """Marked rows whose key an earlier marked row has."""
    rows = np.flatnonzero(marked)
    order = rows[np.argsort(keys[rows], kind="stable")]
    out = np.zeros(len(keys), dtype=np.bool_)
    out[order[1:]] = keys[order[1:]] == keys[order[:-1]]
    return out


def fill(draws: Draws, visits: Visits, views: Views, shops: Shops, modulation: Modulation) -> Carts:
    """How far each visit gets: nothing in the cart, abandoned, or an order wanted."""
    count = len(visits.units)
    kept = views.added & ~views.removed
    worth = np.where(kept, views.quantity * shops.prices(views.product, views.added_time), 0)
    value = np.bincount(views.visit, worth.astype(np.float64), minlength=count).astype(np.int64)
    last = np.zeros(count, dtype=np.int64)
    acted = np.where(views.added, views.added_time, views.time)
    np.maximum.at(last, views.visit, np.where(views.removed, views.removed_time, acted))
    rush = np.minimum(modulation.strength("black-friday", visits.time), 1.0)
    checkout = (value > 0) & (
        draws.chance("cart/checkout", visits.units, CHECKOUT + 0.14 * rush) | visits.fraud
    )
    checkout_time = last + 5 * SECOND + draws.below("cart/moment", visits.units, 60 * SECOND)
    wants = checkout & (draws.chance("cart/order", visits.units, ORDER + 0.06 * rush) | visits.fraud)
    decision = (_DECISION(draws.uniform("cart/decision", visits.units)) * SECOND).astype(np.int64)
    order_time = checkout_time + 20 * SECOND + decision
    last_time = np.where(checkout, checkout_time, last)
    return Carts(value, checkout, checkout_time, wants, order_time, last_time)
