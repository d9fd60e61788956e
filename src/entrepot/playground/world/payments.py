"""Payments of orders, money paid back, invoices and their payments."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from entrepot.playground.values import PAYMENT_METHOD_TYPES, PAYMENT_STATUSES, PAYMENT_TERMS
from entrepot.playground.world import arrow, words
from entrepot.playground.world.calendars import DAY, HOUR, MINUTE, NEVER
from entrepot.playground.world.fates import ATTEMPTS, Wanted
from entrepot.playground.world.identifiers import Ids, identify, spelled
from entrepot.playground.world.orders import Orders, invoice_numbers
from entrepot.playground.world.randomness import Choice, Flags, Ints, exponential
from entrepot.playground.world.scene import Caller, Scene, references

_PENDING, _COMPLETED, _FAILED, _REFUNDED, _PARTLY = (
    PAYMENT_STATUSES.index(name)
    for name in ("pending", "completed", "failed", "refunded", "partially_refunded")
)
#: Share of the first of two payments for one order, in percent.
_FIRST_PART = 60
#: Hundredths of a percent that the payment service keeps, and cents a payment.
_FEE, _FEE_EACH = 290, 30

_TERMS = Choice([0.35, 0.5, 0.1, 0.05])
_TERM_DAYS = np.array([15, 30, 45, 60])
_LATE = Choice([0.7, 0.2, 0.1])
_DELAY = exponential(12.0)


@dataclass
class _Payments:
    """Attempts to pay, of orders or of invoices."""

    units: Ints
    #: row of the order or invoice
    owner: Ints
    user: Ints
    shop: Ints
    method: Ints
    method_type: Ints
    amount: Ints
    partial: Flags
    time: Ints
    outcome: Ints
    fails: Flags
    refunded: Ints
    ids: Ids


def _columns(scene: Scene, payments: _Payments) -> dict[str, pa.Array]:
    draws, until, people, count = scene.draws, scene.until, scene.people, len(payments.units)
    done = (payments.outcome < until) & ~payments.fails
    failed = (payments.outcome < until) & payments.fails
    status = np.where(done, _COMPLETED, np.where(failed, _FAILED, _PENDING))
    status = np.where(payments.refunded > 0, _PARTLY, status)
    status = np.where((payments.refunded > 0) & (payments.refunded == payments.amount), _REFUNDED, status)
    fee = np.where(done, payments.amount * _FEE // 10000 + _FEE_EACH, 0)
    reference = arrow.hexadecimal(draws.bits("payment/reference", payments.units), 16)
    return {
        "id": arrow.uuids(payments.ids),
        "event_time": arrow.times(payments.time),
        **scene.user(payments.user),
        **scene.shop(payments.shop),
        **references("payment_method", people.method_ids, people.method_time, payments.method),
        "amount": arrow.money(payments.amount),
        "refunded_amount": arrow.money(payments.refunded),
        "status": arrow.chosen(PAYMENT_STATUSES, status),
        "method": arrow.chosen(PAYMENT_METHOD_TYPES, payments.method_type),
        "is_partial_payment": arrow.flags(payments.partial),
        "authorization_code": arrow.fixed(
            arrow.digits(draws.below("payment/code", payments.units, 10**6), 6), done
        ),
        "transaction_reference": arrow.fixed(arrow.spelling("tx_", reference, rows=count)),
        "transaction_fee": arrow.money(fee),
        "initiated_time": arrow.times(payments.time),
        "completed_time": arrow.known(payments.outcome, until),
        "notes": arrow.chosen(words.FAILURES, _why(scene, payments), failed),
    }


def _why(scene: Scene, payments: _Payments) -> Ints:
    """Why payments fail, as places in words.FAILURES: in an outage the service does not answer, its last entry."""
    last = len(words.FAILURES) - 1
    outage = scene.modulation.strength("payment-outage", payments.time) > 0
    return np.where(outage, last, scene.draws.below("payment/why", payments.units, last))


def _tell(scene: Scene, payments: _Payments) -> None:
    caller = Caller(payments.ids, payments.time)
    reasons = arrow.chosen([f'{{"reason": "{reason}"}}' for reason in words.FAILURES], _why(scene, payments))
    for kind, moment, metadata in (
        ("payment_initiated", payments.time, None),
        ("payment_completed", np.where(payments.fails, NEVER, payments.outcome), None),
        ("payment_failed", np.where(payments.fails, payments.outcome, NEVER), reasons),
    ):
        scene.events.add(
            kind, payments.units, moment,
            user=payments.user, shop=payments.shop, caller=caller, amount=payments.amount, metadata=metadata,
        )  # fmt: skip
    scene.registry.add("user_payment", payments.ids, payments.time)


def write_payments(scene: Scene, wanted: Wanted, orders: Orders) -> None:
    """shop_order_payments, their events, and money paid back."""
    until, row = scene.until, orders.row
    initiated = wanted.initiated[row]
    order, attempt = np.nonzero(initiated < until)
    units = orders.units[order] * ATTEMPTS + attempt
    time = initiated[order, attempt]
    split = wanted.split[row][order]
    part = orders.total[order] * _FIRST_PART // 100
    amount = np.where(split, np.where(attempt == 0, part, orders.total[order] - part), orders.total[order])
    method = wanted.method[row][order]
    ids = identify(scene.draws, "payment", units, time)
    fails = wanted.fails[row][order, attempt]
    refunded = np.zeros(len(order), dtype=np.int64)
    payments = _Payments(
        units, order, orders.user[order], orders.shop[order], method, wanted.method_type[row][order], amount, split,
        time, wanted.outcome[row][order, attempt], fails, refunded, ids,
    )  # fmt: skip
    _pay_back(scene, wanted, orders, payments)
    columns = _columns(scene, payments)
    columns |= references("order", orders.ids, orders.time, order)
    scene.write("shop_order_payments", columns, time, ids)
    _tell(scene, payments)
    used = (method >= 0) & (time < until)
    scene.truth["methods_used"] = (method[used], time[used])


def _pay_back(scene: Scene, wanted: Wanted, orders: Orders, payments: _Payments) -> None:
    """An event for each line paid back; `refunded` of the payment grows by it."""
    good = np.flatnonzero(~payments.fails)
    paid_by = np.full(orders.count, -1)
    paid_by[payments.owner[good]] = good
    line = np.flatnonzero(orders.line_refund < scene.until)
    order = orders.line_order[line]
    payment = paid_by[order]
    cancelled = wanted.cancelled[orders.row][order] < NEVER
    amount = (
        orders.line_total[line] + orders.line_tax[line] + np.where(cancelled, orders.line_shipping[line], 0)
    )
    np.add.at(payments.refunded, payment, amount)
    metadata = arrow.fixed(
        arrow.spelling(
            '{"order_id": "', spelled(orders.ids[order]), '", "order_item_id": "', spelled(orders.line_ids[line]), '"}',
            rows=len(line),
        )
    )  # fmt: skip
    scene.events.add(
        "payment_refunded", orders.line_units[line], orders.line_refund[line],
        user=orders.user[order], shop=orders.shop[order], product=orders.product[line],
        caller=Caller(payments.ids[payment], payments.time[payment]), quantity=orders.quantity[line],
        amount=amount, net=orders.line_total[line], metadata=metadata,
    )  # fmt: skip


def write_invoices(scene: Scene, wanted: Wanted, orders: Orders) -> None:
    """invoices and invoice_payments of the orders on terms."""
    draws, until = scene.draws, scene.until
    order = np.flatnonzero(wanted.on_terms[orders.row] & (wanted.processed[orders.row] < until))
    units, time = orders.units[order], wanted.processed[orders.row][order]
    user, shop, total = orders.user[order], orders.shop[order], orders.total[order]
    term = _TERMS(draws.uniform("invoice/term", units))
    days = _TERM_DAYS[term]
    due = (time // DAY + days) * DAY
    overdue = due + DAY  # the first moment after the day on which it is due
    manner = _LATE(draws.uniform("invoice/manner", units))
    early = time + (draws.uniform("invoice/early", units) * (due - time)).astype(np.int64)
    late = overdue + HOUR + (_DELAY(draws.uniform("invoice/late", units)) * DAY).astype(np.int64)
    begin = np.where(manner == 0, early, np.where(manner == 1, late, NEVER))
    halves = draws.chance("invoice/halves", units, 0.15)
    ids = identify(draws, "invoice", units, time)
    count = len(order)
    took = MINUTE + draws.below("invoice/took", units, 3 * HOUR)
    second = begin + took + DAY + draws.below("invoice/second", units, 3 * DAY)
    paid = np.where(begin < NEVER, np.where(halves, second + took, begin + took), NEVER)
    half = total // 2
    status = np.where(overdue <= until, PAYMENT_STATUSES.index("overdue"), _PENDING)
    part = halves & (begin + took < until)
    status = np.where(part & (overdue > until), PAYMENT_STATUSES.index("partially_paid"), status)
    status = np.where(paid < until, PAYMENT_STATUSES.index("paid"), status)
    columns = {
        "id": arrow.uuids(ids),
        "event_time": arrow.times(time),
        "invoice_number": invoice_numbers(units),
        **scene.user(user),
        **scene.shop(shop),
        **references("order", orders.ids, orders.time, order),
        "invoice_amount": arrow.money(orders.subtotal[order] + orders.shipping[order]),
        "tax_amount": arrow.money(orders.tax[order]),
        "discount_amount": arrow.money(orders.discount[order]),
        "total_amount": arrow.money(total),
        "status": arrow.chosen(PAYMENT_STATUSES, status),
        "payment_terms": arrow.chosen(PAYMENT_TERMS[1:5], term),
        "payment_term_days": arrow.integers(days, kind=pa.int16()),
        "issue_date": arrow.dates(time),
        "due_date": arrow.dates(due),
        "notes": arrow.nothing(count),
    }
    scene.write("invoices", columns, time, ids)
    scene.registry.add("user_invoice", ids, time)
    caller = Caller(ids, time)
    never_paid_in_time = np.where(paid < overdue, NEVER, overdue)
    for kind, moment in (
        ("invoice_issued", time),
        ("invoice_paid", paid),
        ("invoice_overdue", never_paid_in_time),
    ):
        scene.events.add(kind, units, moment, user=user, shop=shop, caller=caller, amount=total)
    _write_invoice_payments(scene, units, ids, time, user, shop, total, half, begin, second, took, halves)


def _write_invoice_payments(
    scene: Scene, units: Ints, invoice_ids: Ids, issued: Ints, user: Ints, shop: Ints, total: Ints, half: Ints,
    begin: Ints, second: Ints, took: Ints, halves: Flags,
) -> None:  # fmt: skip
    count = len(units)
    owner = np.tile(np.arange(count), 2)
    time = np.concatenate([begin, np.where(halves & (begin < NEVER), second, NEVER)])
    amount = np.concatenate([np.where(halves, half, total), total - half])
    kept = np.flatnonzero(time < scene.until)
    number = np.concatenate([units * 2, units * 2 + 1])[kept]
    owner, time, amount = owner[kept], time[kept], amount[kept]
    people = scene.people
    method = people.way_to_pay("invoice/method", units[owner], user[owner], time)
    bank = PAYMENT_METHOD_TYPES.index("bank_account")
    kind = np.where(method >= 0, people.method_type[np.maximum(method, 0)], bank)
    payments = _Payments(
        draws_apart(number), owner, user[owner], shop[owner], method, kind, amount, halves[owner], time,
        time + took[owner], np.zeros(len(kept), dtype=np.bool_), np.zeros(len(kept), dtype=np.int64),
        identify(scene.draws, "invoice/payment", number, time),
    )  # fmt: skip
    columns = _columns(scene, payments) | references("invoice", invoice_ids, issued, owner)
    scene.write("invoice_payments", columns, time, payments.ids)
    _tell(scene, payments)
    used = method >= 0
    places, times = scene.truth["methods_used"]
    scene.truth["methods_used"] = (
        np.concatenate([places, method[used]]),
        np.concatenate([times, time[used]]),
    )


def draws_apart(number: Ints) -> Ints:
    """Numbers of invoice payments, apart from those of order payments."""
    return number + (1 << 62)
