"""Where what an order says and what the transaction logs say differ, and why.

What is compared are four sums: goods and shipping, taxes, commission, tax of the commission, each less what was given
back. A refund that is booked in another way, but comes to the same, is no difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

from entrepot.mirakl.marketplace_models import Order, OrderLine, Refund, Tax
from entrepot.mirakl.money.parts import ZERO, Settlement

#: States of an order before the customer has paid: there is nothing in the logs yet.
BEFORE_PAYMENT = frozenset({"STAGING", "WAITING_ACCEPTANCE", "WAITING_DEBIT", "WAITING_DEBIT_PAYMENT"})
#: States of an order or line of which nothing is left for the seller.
CALLED_OFF = frozenset({"REFUSED", "CANCELED"})


@dataclass(frozen=True, slots=True)
class Expected:
    """What an order says that it brings, in the signs of the balance; None: the order does not say."""

    currency: str
    goods: Decimal = ZERO
    refunded_goods: Decimal = ZERO
    taxes: Decimal = ZERO
    refunded_taxes: Decimal = ZERO
    commission: Decimal | None = ZERO
    refunded_commission: Decimal | None = ZERO
    commission_tax: Decimal | None = ZERO
    refunded_commission_tax: Decimal | None = ZERO


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not fit. `code` is for programs, `reason` for people."""

    order_id: str
    currency: str
    code: str
    reason: str
    expected: Decimal | None = None
    found: Decimal | None = None

    @property
    def amount(self) -> Decimal | None:
        """What is there too much (positive) or too little for the seller."""
        if self.expected is None or self.found is None:
            return None
        return self.found - self.expected


def expected_of(order: Order) -> Expected:
    """What an order says of its money. In TAX_INCLUDED mode the prices hold the taxes already."""
    taxed_apart = order.order_tax_mode != "TAX_INCLUDED"
    found = Expected(order.currency_iso_code)
    if order.order_state in CALLED_OFF:
        return found
    for line in order.order_lines:
        if line.order_line_state not in CALLED_OFF:
            found = _plus(found, _of_line(order.currency_iso_code, line, taxed_apart))
    return found


def _of_line(currency: str, line: OrderLine, taxed_apart: bool) -> Expected:
    refunds = [one for one in line.refunds if (one.model_extra or {}).get("state") in (None, "REFUNDED")]
    commission, commission_tax = _commission(line)
    return Expected(
        currency,
        goods=line.price + (line.shipping_price or ZERO),
        refunded_goods=-sum(((one.amount or ZERO) + (one.shipping_amount or ZERO) for one in refunds), ZERO),
        taxes=_taxes(line.taxes, line.shipping_taxes) if taxed_apart else ZERO,
        refunded_taxes=-sum((_taxes(one.taxes, one.shipping_taxes) for one in refunds), ZERO)
        if taxed_apart
        else ZERO,
        commission=None if commission is None else -commission,
        refunded_commission=_summed([one.commission_amount for one in refunds]),
        commission_tax=None if commission_tax is None else -commission_tax,
        refunded_commission_tax=_summed([_refunded_commission_tax(one) for one in refunds]),
    )


def _commission(line: OrderLine) -> tuple[Decimal | None, Decimal | None]:
    """The commission of a line and the tax on it; None where the line does not say."""
    tax = _taxes(line.commission_taxes) if line.commission_taxes else None
    fee, total = line.commission_fee, line.total_commission
    if fee is None and total is not None:
        fee = total - (tax or ZERO)
    if tax is None and fee is not None and total is not None:
        tax = total - fee
    return fee, tax


def _refunded_commission_tax(refund: Refund) -> Decimal | None:
    if refund.commission_total_amount is None or refund.commission_amount is None:
        return None
    return refund.commission_total_amount - refund.commission_amount


def _taxes(*taxes: Sequence[Tax]) -> Decimal:
    return sum((tax.amount for some in taxes for tax in some), ZERO)


def _summed(amounts: Sequence[Decimal | None]) -> Decimal | None:
    found = ZERO
    for amount in amounts:
        if amount is None:
            return None
        found += amount
    return found


def _plus(one: Expected, other: Expected) -> Expected:
    values = {
        field.name: _summed([getattr(one, field.name), getattr(other, field.name)])
        for field in fields(Expected)
        if field.name != "currency"
    }
    return Expected(one.currency, **values)  # type: ignore[arg-type]  # what is never None stays so


def differences_of(
    order_id: str, expected: Expected | None, settled: Sequence[Settlement], *, overdue: bool = False
) -> list[Difference]:
    """What does not fit between an order and the logs about it.

    `expected` is None for an order that was never taken in; `overdue` says that its lines should have come by now.
    """
    found: list[Difference] = []
    if expected is None:
        return [
            Difference(
                order_id,
                one.currency,
                "unknown_order",
                "The logs have lines of an order that was never taken in.",
                found=one.net,
            )
            for one in settled
        ]
    for one in settled:
        if one.currency != expected.currency:
            found.append(
                Difference(
                    order_id,
                    one.currency,
                    "other_currency",
                    f"The order is in {expected.currency}, {one.lines} of its lines are in {one.currency}.",
                    found=one.net,
                )
            )
        found += [
            Difference(
                order_id,
                one.currency,
                "unknown_type",
                f"Lines of the type {kind} belong to no part that is known; they count as other.",
                found=amount,
            )
            for kind, amount in one.other_types.items()
        ]
    own = next((one for one in settled if one.currency == expected.currency), None)
    if own is None:
        total = expected.goods + expected.refunded_goods
        if overdue and total:
            reason = "The order was shipped, and the logs have no line of it."
            found.append(Difference(order_id, expected.currency, "not_in_logs", reason, total, ZERO))
        return found
    for name, wanted, given, back_wanted, back_given in _groups(expected, own):
        found += _compared(order_id, own.currency, name, wanted, given, back_wanted, back_given)
    return found


_Group = tuple[str, Decimal | None, Decimal, Decimal | None, Decimal]


def _groups(expected: Expected, own: Settlement) -> list[_Group]:
    """Name, what the order says and the logs say, and the same for what was given back."""
    return [
        ("goods", expected.goods, own.price + own.shipping, expected.refunded_goods, own.refunds),
        ("taxes", expected.taxes, own.taxes, expected.refunded_taxes, own.refund_taxes),
        (
            "commission",
            expected.commission,
            own.commission,
            expected.refunded_commission,
            own.refunded_commission,
        ),
        (
            "commission_tax",
            expected.commission_tax,
            own.commission_tax,
            expected.refunded_commission_tax,
            own.refunded_commission_tax,
        ),
    ]


def _compared(
    order_id: str,
    currency: str,
    name: str,
    wanted: Decimal | None,
    given: Decimal,
    back_wanted: Decimal | None,
    back_given: Decimal,
) -> list[Difference]:
    if wanted is None:
        return []
    if back_wanted is None:
        # The order does not say what of it was given back: only what was booked at first can be compared.
        back_wanted = back_given
    if wanted + back_wanted == given + back_given:
        return []
    words = name.replace("_", " ")
    if wanted == given:
        code, reason = _of_refund(words, back_wanted, back_given)
        return [Difference(order_id, currency, f"{name}_{code}", reason, back_wanted, back_given)]
    if not given:
        code, reason = "missing", f"The order says {wanted} of {words}, the logs have none."
    elif not wanted:
        code, reason = "unexpected", f"The logs have {given} of {words}, the order says none."
    elif given == 2 * wanted:
        code, reason = "twice", f"The logs have the {words} of {wanted} twice."
    else:
        side = "more" if given > wanted else "less"
        code = f"{side}_than_ordered"
        reason = f"The order says {wanted} of {words}, the logs {given}: {abs(given - wanted)} {side} for the seller."
    found = Difference(order_id, currency, f"{name}_{code}", reason, wanted, given)
    if back_wanted == back_given:
        return [found]
    code, reason = _of_refund(words, back_wanted, back_given)
    return [found, Difference(order_id, currency, f"{name}_{code}", reason, back_wanted, back_given)]


def _of_refund(words: str, wanted: Decimal, given: Decimal) -> tuple[str, str]:
    if not given:
        return "refund_missing", f"The order says {wanted} of {words} given back, the logs have none of it."
    if not wanted:
        return "refund_unexpected", f"The logs have {given} of {words} given back, the order says none."
    return "refund_differs", f"The order says {wanted} of {words} given back, the logs {given}."
