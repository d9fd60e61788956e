"""Orders as they were placed, after the stock had its say: lines, prices, discounts, tax, shipping; and their tables."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from entrepot.playground.values import ORDER_STATUSES, SHIPPING_METHODS
from entrepot.playground.world import arrow, words
from entrepot.playground.world.calendars import NEVER
from entrepot.playground.world.catalog import address, promo_codes, tax_rates
from entrepot.playground.world.fates import CANCEL_REASONS, FRAUD, INTERNATIONAL, Wanted
from entrepot.playground.world.identifiers import Ids, identify
from entrepot.playground.world.promotions import (
    FREE_SHIPPING,
    Basket,
    Promotions,
    in_force,
    shared,
    taken_off,
)
from entrepot.playground.world.randomness import Draws, Flags, Ints
from entrepot.playground.world.scene import Caller, Scene, references
from entrepot.playground.world.visits import DAY_BITS, PLACE_BITS

#: Cents for shipping by values.SHIPPING_METHODS, and the subtotal from which standard shipping is free.
_SHIPPING = np.array([499, 1299, 2499, 0, 1999])
_FREE_FROM = 7500
#: Who enters a promotion's code.
_KNOWS_CODE = 0.55


@dataclass
class Orders:
    """Orders that were placed before `until`, in the order of visits, and their lines; money in cents."""

    #: row of `Wanted`
    row: Ints
    units: Ints
    ids: Ids
    time: Ints
    user: Ints
    shop: Ints
    subtotal: Ints
    discount: Ints
    tax: Ints
    shipping: Ints
    total: Ints
    promotion: Ints
    #: lines: row of `Wanted`'s lines, order, and money
    line_row: Ints
    line_order: Ints
    line_units: Ints
    line_ids: Ids
    product: Ints
    quantity: Ints
    price: Ints
    line_subtotal: Ints
    line_discount: Ints
    line_total: Ints
    line_tax: Ints
    line_shipping: Ints
    line_refund: Ints

    @property
    def count(self) -> int:
        """Number of orders."""
        return len(self.row)


def settle(scene: Scene, wanted: Wanted, got: Ints, line_units: Ints, promotions: Promotions) -> Orders:
    """What was ordered: lines that found stock, at the prices of the moment, less what promotions take off."""
    draws, shops, people = scene.draws, scene.shops, scene.people
    count = len(wanted.units)
    filled = np.bincount(wanted.line_order, got > 0, minlength=count) > 0
    row = np.flatnonzero(filled & (wanted.time < scene.until))
    place = np.full(count, -1)
    place[row] = np.arange(len(row))
    line_row = np.flatnonzero((got > 0) & (place[wanted.line_order] >= 0))
    line_order = place[wanted.line_order[line_row]]
    units, time, user, shop = wanted.units[row], wanted.time[row], wanted.user[row], wanted.shop[row]
    product, quantity = wanted.line_product[line_row], got[line_row]
    price = shops.prices(product, time[line_order])
    basket = Basket(line_order, product, quantity, price)
    chosen = in_force(promotions, shop, time)
    if len(promotions.units):
        coded = promotions.code[np.maximum(chosen, 0)]
        chosen = np.where(coded & ~draws.chance("order/code", units, _KNOWS_CODE), -1, chosen)
        _, applies = taken_off(promotions, chosen, basket, shops)
        chosen = _within_limits(promotions, np.where(applies, chosen, -1), user, time)
        line_discount, _ = taken_off(promotions, chosen, basket, shops)
        free = (chosen >= 0) & (promotions.kind[np.maximum(chosen, 0)] == FREE_SHIPPING)
    else:
        line_discount = np.zeros(len(line_row), dtype=np.int64)
        free = np.zeros(len(row), dtype=np.bool_)
    line_subtotal = quantity * price
    line_total = line_subtotal - line_discount
    subtotal, discount, goods = (
        np.bincount(line_order, column, minlength=len(row)).astype(np.int64)
        for column in (line_subtotal, line_discount, line_total)
    )
    tax = (goods * tax_rates(people.zone[user], people.town[user]) + 5000) // 10000
    way = wanted.shipping[row]
    shipping = np.where(free | ((way == 0) & (goods >= _FREE_FROM)), 0, _SHIPPING[way])
    return Orders(
        row, units, identify(draws, "order", units, time), time, user, shop, subtotal, discount, tax, shipping,
        goods + tax + shipping, chosen, line_row, line_order, line_units[line_row],
        identify(draws, "item", line_units[line_row], time[line_order]), product, quantity, price, line_subtotal,
        line_discount, line_total, shared(tax, line_order, line_total, len(row)),
        shared(shipping, line_order, line_total, len(row)), wanted.line_refund[line_row],
    )  # fmt: skip


def _within_limits(promotions: Promotions, chosen: Ints, user: Ints, time: Ints) -> Ints:
    """The chosen promotions, but -1 where the promotion, or the user of it, has been served often enough."""
    rows = np.flatnonzero(chosen >= 0)
    out = chosen.copy()
    for limits, keys in (
        (promotions.limit_per_user, chosen[rows] << 40 | user[rows]),
        (promotions.limit, chosen[rows]),
    ):
        kept = out[rows] >= 0
        rows, keys = rows[kept], keys[kept]
        order = np.lexsort((time[rows], keys))
        ordered = keys[order]
        rank = np.arange(len(ordered)) - np.searchsorted(ordered, ordered, side="left")
        limit = limits[chosen[rows[order]]]
        out[rows[order[(limit > 0) & (rank >= limit)]]] = -1
    return out


def order_numbers(units: Ints) -> pa.Array:
    """The number that a customer sees: the shop, the day of the world, the place in the day."""
    return arrow.fixed(_number(units))


def _number(units: Ints, prefix: str = "O") -> arrow.Characters:
    shop = units >> (DAY_BITS + PLACE_BITS)
    day = (units >> PLACE_BITS) & ((1 << DAY_BITS) - 1)
    place = units & ((1 << PLACE_BITS) - 1)
    return arrow.spelling(
        prefix, arrow.digits(shop, 6), "-", arrow.digits(day, 4), "-", arrow.digits(place, 7), rows=len(units)
    )


def invoice_numbers(units: Ints) -> pa.Array:
    """The number of an order's invoice."""
    return arrow.fixed(_number(units, "INV"))


def statuses(wanted: Wanted, orders: Orders, until: int) -> Ints:
    """What stands of each order before `until`, as places in values.ORDER_STATUSES."""
    row = orders.row
    status = np.zeros(len(row), dtype=np.int64)
    for name, moment in (
        ("processing", wanted.processed[row]),
        ("on_hold", wanted.held[row]),
        ("shipped", wanted.shipped[row]),
        ("delivered", wanted.delivered[row]),
        ("cancelled", wanted.cancelled[row]),
        ("returned", wanted.returned[row]),
        ("refunded", whole_refund(wanted, orders)),
    ):
        status = np.where(moment < until, ORDER_STATUSES.index(name), status)
    return status


def whole_refund(wanted: Wanted, orders: Orders) -> Ints:
    """When the last line of an order that was sent back as a whole is paid back."""
    row = orders.row
    every = np.full(orders.count, True)
    every[orders.line_order[orders.line_refund == NEVER]] = False
    return np.where(every & (wanted.returned[row] < NEVER), wanted.refunded[row], NEVER)


def return_reasons(draws: Draws, units: Ints) -> Ints:
    """Why orders are sent back, as places in words.RETURN_REASONS."""
    return draws.below("order/return/reason", units, len(words.RETURN_REASONS))


def write_orders(scene: Scene, wanted: Wanted, orders: Orders) -> None:
    """shop_orders, and the events of their life."""
    draws, until, row, units = scene.draws, scene.until, orders.row, orders.units
    zone, town = scene.people.zone[orders.user], scene.people.town[orders.user]
    count = orders.count
    untidy = scene.untidiness.rows("shop_orders", units, orders.time)
    place = address(draws, "user", orders.user, zone, town, untidy)
    place["city"] = scene.untidiness.odd(place["city"], untidy)
    pickup = wanted.shipping[row] == 3
    shipped = (wanted.shipped[row] < until) & ~pickup
    parcel = arrow.spelling("EN", arrow.digits(draws.below("order/parcel", units, 10**12), 12), rows=count)
    columns = {
        "id": arrow.uuids(orders.ids),
        "event_time": arrow.times(orders.time),
        "order_number": order_numbers(units),
        **scene.user(orders.user),
        **scene.shop(orders.shop),
        "status": arrow.chosen(ORDER_STATUSES, statuses(wanted, orders, until)),
        "subtotal": arrow.money(orders.subtotal),
        "tax_amount": arrow.money(orders.tax),
        "shipping_amount": arrow.money(orders.shipping),
        "discount_amount": arrow.money(orders.discount),
        "total_amount": arrow.money(orders.total),
        "shipping_method": arrow.chosen(SHIPPING_METHODS, wanted.shipping[row]),
        **{f"shipping_{name}": column for name, column in place.items()},
        "tracking_number": arrow.fixed(parcel, shipped),
        "tracking_url": arrow.fixed(arrow.spelling("https://parcels.example.com/", parcel, rows=count), shipped),
        "ordered_time": arrow.times(orders.time),
        "processed_time": arrow.known(wanted.processed[row], until),
        "shipped_time": arrow.known(wanted.shipped[row], until),
        "delivered_time": arrow.known(wanted.delivered[row], until),
        "cancelled_time": arrow.known(wanted.cancelled[row], until),
        "returned_time": arrow.known(wanted.returned[row], until),
        "notes": arrow.chosen(
            CANCEL_REASONS, wanted.cancel_reason[row], (wanted.cancelled[row] < until) & (wanted.cancel_reason[row] > 0)
        ),
        "extra_data": arrow.chosen(
            ['{"scenario": "fraud-wave"}'], np.zeros(count, dtype=np.int64), wanted.fraud[row]
        ),
    }  # fmt: skip
    scene.write("shop_orders", columns, orders.time, orders.ids)
    scene.registry.add("shop_order", orders.ids, orders.time)
    caller = Caller(orders.ids, orders.time)
    cancelled = arrow.chosen(
        [f'{{"reason": "{reason}"}}' for reason in CANCEL_REASONS], wanted.cancel_reason[row]
    )
    returned = arrow.chosen(
        [f'{{"reason": "{reason}"}}' for reason in words.RETURN_REASONS], return_reasons(scene.draws, units)
    )
    for kind, moment, metadata in (
        ("order_placed", orders.time, None),
        ("order_on_hold", wanted.held[row], None),
        ("order_processing", wanted.processed[row], None),
        ("order_shipped", wanted.shipped[row], None),
        ("order_delivered", wanted.delivered[row], None),
        ("order_cancelled", wanted.cancelled[row], cancelled),
        ("order_returned", wanted.returned[row], returned),
        ("order_refunded", whole_refund(wanted, orders), None),
    ):
        scene.events.add(
            kind, units, moment,
            user=orders.user, shop=orders.shop, caller=caller, amount=orders.total, metadata=metadata,
            session=wanted.session[row] if kind == "order_placed" else None,
        )  # fmt: skip
    found = wanted.cancel_reason[row] == FRAUD
    scene.events.add(
        "fraud_suspected", units[found], wanted.held[row][found], user=orders.user[found], shop=orders.shop[found],
        caller=Caller(orders.ids[found], orders.time[found]), amount=orders.total[found],
    )  # fmt: skip


def write_items(scene: Scene, wanted: Wanted, orders: Orders) -> None:
    """shop_order_items."""
    until, order, count = scene.until, orders.line_order, len(orders.line_row)
    time = orders.time[order]
    short = orders.quantity < wanted.line_quantity[orders.line_row]
    columns = {
        "id": arrow.uuids(orders.line_ids),
        "event_time": arrow.times(time),
        **references("order", orders.ids, orders.time, order),
        **scene.product(orders.product),
        **scene.shop(orders.shop[order]),
        **scene.user(orders.user[order]),
        "quantity": arrow.integers(orders.quantity),
        "unit_price": arrow.money(orders.price),
        "subtotal": arrow.money(orders.line_subtotal),
        "discount_amount": arrow.money(orders.line_discount),
        "total_amount": arrow.money(orders.line_total),
        "is_cancelled": arrow.flags(wanted.cancelled[orders.row][order] < until),
        "is_refunded": arrow.flags(orders.line_refund < until),
        "notes": arrow.chosen(
            ["fewer than wanted: no more in stock"], np.zeros(count, dtype=np.int64), short
        ),
    }
    scene.write("shop_order_items", columns, time, orders.line_ids)


def write_usages(scene: Scene, orders: Orders, promotions: Promotions) -> Ints:
    """shop_promotion_usages; returns how often each promotion was used."""
    rows = np.flatnonzero(orders.promotion >= 0)
    promotion, time = orders.promotion[rows], orders.time[rows]
    ids = identify(scene.draws, "usage", orders.units[rows], time)
    coded: Flags = promotions.code[promotion]
    columns = {
        "id": arrow.uuids(ids),
        "event_time": arrow.times(time),
        **references("promotion", promotions.ids, promotions.time, promotion),
        **scene.user(orders.user[rows]),
        **references("order", orders.ids, orders.time, rows),
        **scene.shop(orders.shop[rows]),
        "discount_amount": arrow.money(orders.discount[rows]),
        "promo_code_used": arrow.masked(promo_codes(promotions.units[promotion]), coded),
    }
    scene.write("shop_promotion_usages", columns, time, ids)
    return np.bincount(promotion, minlength=len(promotions.units)).astype(np.int64)


assert SHIPPING_METHODS[INTERNATIONAL] == "international"
