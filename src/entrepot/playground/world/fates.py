"""What will become of an order, drawn when it is placed: attempts to pay, cancelling, shipping, delivery, return."""

from dataclasses import dataclass

import numpy as np

from entrepot.playground.values import PAYMENT_METHOD_TYPES
from entrepot.playground.world.calendars import DAY, HOUR, MINUTE, NEVER, SECOND
from entrepot.playground.world.identifiers import Ids
from entrepot.playground.world.people import People
from entrepot.playground.world.randomness import Choice, Draws, Flags, Ints, exponential, log_normal
from entrepot.playground.world.scenarios import Modulation
from entrepot.playground.world.shops import Shops
from entrepot.playground.world.visits import Carts, Views, Visits

#: Most attempts to pay one order.
ATTEMPTS = 4
#: Shares: orders on invoice terms, payments that fail, failed ones tried again, orders paid in two, cancelled by
#: the customer, held back for a while, sent back, and delivered damaged (money back without return).
ON_TERMS, FAILURE, RETRY, SPLIT, CANCELLED, HELD, SENT_BACK, DAMAGED = (
    0.012,
    0.045,
    0.72,
    0.015,
    0.022,
    0.01,
    0.07,
    0.01,
)

#: Days on the way by values.SHIPPING_METHODS, as median; share of each at home and abroad.
_TRANSIT = tuple(log_normal(days, 0.35) for days in (3.2, 1.6, 0.8, 0.4, 8.0))
_METHOD = Choice([0.62, 0.2, 0.06, 0.12, 0.0])
_ABROAD = Choice([0.0, 0.12, 0.0, 0.0, 0.88])
INTERNATIONAL = 4

_RETRY_LAG = log_normal(20 * 60, 1.3)
_PACKING = log_normal(20.0, 0.5)
_RETURN_LAG = log_normal(8.0, 0.5)
_BANK_LAG = exponential(2.5)
_BANK = PAYMENT_METHOD_TYPES.index("bank_account")

NOT_CANCELLED, UNPAID, CHANGED_MIND, FRAUD = range(4)
CANCEL_REASONS = ("", "not paid", "cancelled by the customer", "fraud")


@dataclass
class Wanted:
    """Orders that visits want to place, in the order of visits, and what will become of them; NEVER is never."""

    units: Ints
    visit: Ints
    shop: Ints
    user: Ints
    time: Ints
    session: Ids
    fraud: Flags
    on_terms: Flags
    split: Flags
    #: by order and attempt
    initiated: Ints
    outcome: Ints
    fails: Flags
    #: place of the stored way to pay, -1 for none, and its type
    method: Ints
    method_type: Ints
    processed: Ints
    held: Ints
    cancelled: Ints
    cancel_reason: Ints
    shipping: Ints
    shipped: Ints
    delivered: Ints
    returned: Ints
    refunded: Ints
    whole_return: Flags
    #: lines, in the order of orders
    line_order: Ints
    line_view: Ints
    line_product: Ints
    line_quantity: Ints
    #: when the units are back in stock, and when they are paid back
    line_back: Ints
    line_refund: Ints


def want(
    draws: Draws,
    people: People,
    shops: Shops,
    visits: Visits,
    views: Views,
    carts: Carts,
    modulation: Modulation,
) -> Wanted:
    """The orders that are wanted, whatever the stock will say."""
    rows = np.flatnonzero(carts.wants_order)
    units, shop, user, fraud = visits.units[rows], visits.shop[rows], visits.user[rows], visits.fraud[rows]
    time = _apart(carts.order_time[rows], shop)
    on_terms = draws.chance("order/terms", units, ON_TERMS) & ~fraud
    method = people.way_to_pay("order/method", units, user, time)
    method_type = np.where(method >= 0, people.method_type[np.maximum(method, 0)], 0)
    initiated, outcome, fails, split = _attempts(draws, units, time, fraud, on_terms, method_type, modulation)
    tried = initiated < NEVER
    last = np.where(tried, outcome, 0).max(axis=1)
    succeeds = (tried & ~fails).any(axis=1)
    issued = time + MINUTE + draws.below("order/issue", units, 9 * MINUTE)
    processed = np.where(on_terms, issued, np.where(succeeds, last, NEVER))
    cancelled, reason, held = _troubles(draws, units, time, last, processed, fraud, on_terms | split)
    shipping, shipped, delivered = _journey(
        draws, people, shops, units, shop, user, processed, held, cancelled
    )
    back = draws.chance("order/return", units, modulation.sent_back(delivered, SENT_BACK))
    back &= (delivered < NEVER) & ~on_terms & ~split
    lag = (DAY + _RETURN_LAG(draws.uniform("order/return/lag", units)) * DAY).astype(np.int64)
    returned = np.where(back, delivered + lag, NEVER)
    refund_lag = HOUR + draws.below("order/refund", units, 60 * HOUR)
    refunded = np.where(back, returned + refund_lag, NEVER)
    paid_back = cancelled + MINUTE + draws.below("order/payback", units, 20 * MINUTE)
    refunded = np.where((cancelled < NEVER) & (processed < NEVER), paid_back, refunded)
    whole = back & draws.chance("order/return/whole", units, 0.6)

    order_of = np.full(len(visits.units), -1)
    order_of[rows] = np.arange(len(rows))
    kept = np.flatnonzero(views.added & ~views.removed & carts.wants_order[views.visit])
    order = order_of[views.visit[kept]]
    line = views.units[kept]
    first = np.concatenate([[True], order[1:] != order[:-1]]) if len(order) else np.zeros(0, dtype=np.bool_)
    goes_back = back[order] & (whole[order] | first | draws.chance("line/return", line, 0.3))
    line_back = np.where(goes_back, returned[order], cancelled[order])
    damaged = draws.chance("order/damaged", units, DAMAGED) & (delivered < NEVER) & ~back & ~on_terms & ~split
    complaint = delivered + DAY + draws.below("order/complaint", units, 3 * DAY)
    line_refund = np.where(goes_back | (cancelled[order] < NEVER), refunded[order], NEVER)
    line_refund = np.where(damaged[order] & first, complaint[order], line_refund)
    return Wanted(
        units, rows, shop, user, time, visits.ids[rows], fraud, on_terms, split, initiated, outcome, fails, method, method_type,
        processed, held, cancelled, reason, shipping, shipped, delivered, returned, refunded, whole,
        order, kept, views.product[kept], views.quantity[kept], line_back, line_refund,
    )  # fmt: skip


def _apart(time: Ints, shop: Ints) -> Ints:
    """Times of orders, no two of one shop at the same microsecond; earlier ones are never moved by later ones."""
    if not len(time):
        return time
    order = np.lexsort((time, shop))
    sorted_time, sorted_shop = time[order], shop[order]
    position = np.arange(len(time))
    lift = sorted_shop << 51
    base = sorted_time - sorted_time.min() + len(time)
    spaced = np.maximum.accumulate(base - position + lift) - lift + position
    out = np.empty_like(time)
    out[order] = spaced + sorted_time.min() - len(time)
    return out


def _attempts(
    draws: Draws,
    units: Ints,
    time: Ints,
    fraud: Flags,
    on_terms: Flags,
    method_type: Ints,
    modulation: Modulation,
) -> tuple[Ints, Ints, Flags, Flags]:
    """Attempts to pay: when each begins and ends, and whether it fails; and which orders are paid in two."""
    count = len(units)
    initiated = np.full((count, ATTEMPTS), NEVER)
    outcome = np.full((count, ATTEMPTS), NEVER)
    fails = np.zeros((count, ATTEMPTS), dtype=np.bool_)
    begin = time + SECOND + draws.below("payment/first", units, 25 * SECOND)
    going = ~on_terms
    split = np.zeros(count, dtype=np.bool_)
    for attempt in range(ATTEMPTS):
        unit = units * ATTEMPTS + attempt
        took = SECOND + draws.below("payment/latency", unit, 8 * SECOND)
        bank = 10 * MINUTE + (_BANK_LAG(draws.uniform("payment/bank", unit)) * HOUR).astype(np.int64)
        took = np.where(method_type == _BANK, bank, took)
        probability = modulation.failure(begin, FAILURE)
        fail = draws.chance(
            "payment/fails", unit, np.where(fraud, np.maximum(probability, 0.55), probability)
        )
        if attempt == 0:
            split = going & ~fail & ~fraud & draws.chance("payment/split", units, SPLIT)
        if attempt == 1:
            fail &= ~split
        initiated[:, attempt] = np.where(going, begin, NEVER)
        outcome[:, attempt] = np.where(going, begin + took, NEVER)
        fails[:, attempt] = going & fail
        again = (going & fail & draws.chance("payment/retry", unit, RETRY)) | (split & (attempt == 0))
        pause = (_RETRY_LAG(draws.uniform("payment/pause", unit)) * SECOND).astype(np.int64) + 10 * SECOND
        begin = begin + took + np.where(split, 15 * SECOND, pause)
        going = again
    return initiated, outcome, fails, split


def _troubles(
    draws: Draws, units: Ints, time: Ints, last: Ints, processed: Ints, fraud: Flags, calm: Flags
) -> tuple[Ints, Ints, Ints]:
    """When orders are cancelled and why, and when they are put on hold.

    A cancellation comes a day after the order at the earliest: what it puts back is on sale from a later day on.
    """
    unpaid = processed == NEVER
    mind = draws.chance("order/cancel", units, CANCELLED) & ~unpaid & ~calm & ~fraud
    found_out = fraud & ~unpaid
    wait = DAY + draws.below("order/cancel/lag", units, DAY)
    cancelled = np.where(unpaid | mind | found_out, np.maximum(time, last) + wait, NEVER)
    reason = np.where(unpaid, UNPAID, np.where(found_out, FRAUD, np.where(mind, CHANGED_MIND, NOT_CANCELLED)))
    held = draws.chance("order/hold", units, HELD) & ~unpaid & ~calm & ~mind
    hold = np.where(unpaid, 0, processed) + HOUR + draws.below("order/hold/lag", units, 5 * HOUR)
    return cancelled, reason, np.where(held | found_out, hold, NEVER)


def _journey(
    draws: Draws, people: People, shops: Shops, units: Ints, shop: Ints, user: Ints,
    processed: Ints, held: Ints, cancelled: Ints,
) -> tuple[Ints, Ints, Ints]:  # fmt: skip
    """How orders travel, when they leave and when they arrive."""
    countries = zone_countries()
    abroad = countries[shops.zone[shop]] != countries[people.zone[user]]
    way = draws.uniform("order/shipping", units)
    shipping = np.where(abroad, _ABROAD(way), _METHOD(way))
    goes = (processed < NEVER) & (cancelled == NEVER)
    packing = (_PACKING(draws.uniform("order/packing", units)) * HOUR).astype(np.int64)
    review = np.where(held < NEVER, 12 * HOUR + draws.below("order/review", units, 24 * HOUR), 0)
    shipped = np.where(goes, processed + packing + review, NEVER)
    transit = draws.uniform("order/transit", units)
    days = np.choose(shipping, [table(transit) for table in _TRANSIT])
    delivered = np.where(goes, shipped + (days * DAY).astype(np.int64), NEVER)
    return shipping, shipped, delivered


def zone_countries() -> Ints:
    """A number for the country of each zone."""
    from entrepot.playground.world.calendars import ZONES

    names = [zone.country for zone in ZONES]
    return np.array([names.index(name) for name in names])
