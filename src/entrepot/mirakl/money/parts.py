"""What an order brought and what was taken of it: the parts that transaction logs sum up to.

Amounts are as the seller's balance sees them: what is added is positive, what is taken is negative, so the parts of a
settlement sum up to its net.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

ZERO = Decimal(0)

#: Parts of a settlement, in the order in which they are shown.
PARTS = (
    "price",
    "shipping",
    "taxes",
    "commission",
    "commission_tax",
    "refunds",
    "refund_taxes",
    "refunded_commission",
    "refunded_commission_tax",
    "remitted_taxes",
    "other",
)
#: Type of a line of the account (TL02) → the part that it belongs to.
PART_OF = {
    "ORDER_AMOUNT": "price",
    "ORDER_SHIPPING_AMOUNT": "shipping",
    "OPERATOR_PAID_ORDER_SHIPPING_AMOUNT": "shipping",
    "ORDER_AMOUNT_TAX": "taxes",
    "ORDER_SHIPPING_AMOUNT_TAX": "taxes",
    "OPERATOR_PAID_ORDER_SHIPPING_AMOUNT_TAX": "taxes",
    "COMMISSION_FEE": "commission",
    "COMMISSION_VAT": "commission_tax",
    "REFUND_ORDER_AMOUNT": "refunds",
    "REFUND_ORDER_SHIPPING_AMOUNT": "refunds",
    "OPERATOR_PAID_REFUND_ORDER_SHIPPING_AMOUNT": "refunds",
    "REFUND_ORDER_AMOUNT_TAX": "refund_taxes",
    "REFUND_ORDER_SHIPPING_AMOUNT_TAX": "refund_taxes",
    "OPERATOR_PAID_REFUND_ORDER_SHIPPING_AMOUNT_TAX": "refund_taxes",
    "REFUND_COMMISSION_FEE": "refunded_commission",
    "REFUND_COMMISSION_VAT": "refunded_commission_tax",
    "OPERATOR_REMITTED_ORDER_AMOUNT_TAX": "remitted_taxes",
    "OPERATOR_REMITTED_ORDER_SHIPPING_AMOUNT_TAX": "remitted_taxes",
    "OPERATOR_REMITTED_REFUND_ORDER_AMOUNT_TAX": "remitted_taxes",
    "OPERATOR_REMITTED_REFUND_ORDER_SHIPPING_AMOUNT_TAX": "remitted_taxes",
}
#: What was paid out to the seller: it moves the balance, and neither earns nor costs anything.
PAYOUTS = frozenset({"PAYMENT"})


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of the lines of one type: of an order, or of the account where it is of none."""

    order_id: str | None
    currency: str
    type: str
    amount: Decimal
    lines: int = 1
    paid: int = 0


@dataclass(frozen=True, slots=True)
class Settlement:
    """What the logs say of one order in one currency; `other` are types that belong to no part, by their name."""

    order_id: str
    currency: str
    price: Decimal = ZERO
    shipping: Decimal = ZERO
    taxes: Decimal = ZERO
    commission: Decimal = ZERO
    commission_tax: Decimal = ZERO
    refunds: Decimal = ZERO
    refund_taxes: Decimal = ZERO
    refunded_commission: Decimal = ZERO
    refunded_commission_tax: Decimal = ZERO
    remitted_taxes: Decimal = ZERO
    other: Decimal = ZERO
    other_types: Mapping[str, Decimal] = field(default_factory=dict)
    lines: int = 0
    paid: int = 0

    @property
    def net(self) -> Decimal:
        """What is left for the seller."""
        return sum((getattr(self, part) for part in PARTS), ZERO)

    @property
    def is_paid_out(self) -> bool:
        """Whether all of it was paid out."""
        return self.lines > 0 and self.paid == self.lines


@dataclass(frozen=True, slots=True)
class AccountLines:
    """What the logs say of no order in one currency: fees and credits by type, and what was paid out."""

    currency: str
    fees: Mapping[str, Decimal]
    paid_out: Decimal

    @property
    def net(self) -> Decimal:
        """What the fees and credits come to."""
        return sum(self.fees.values(), ZERO)


def settlements(sums: Iterable[Sum]) -> list[Settlement]:
    """The settlement of each order and currency, in the order in which they come first."""
    found: dict[tuple[str, str], dict[str, Decimal]] = {}
    others: dict[tuple[str, str], dict[str, Decimal]] = {}
    counts: dict[tuple[str, str], list[int]] = {}
    for one in sums:
        if one.order_id is None:
            continue
        key = (one.order_id, one.currency)
        part = PART_OF.get(one.type, "other")
        parts = found.setdefault(key, {})
        parts[part] = parts.get(part, ZERO) + one.amount
        if part == "other":
            types = others.setdefault(key, {})
            types[one.type] = types.get(one.type, ZERO) + one.amount
        count = counts.setdefault(key, [0, 0])
        count[0] += one.lines
        count[1] += one.paid
    return [
        Settlement(
            order_id=key[0],
            currency=key[1],
            **parts,
            other_types=others.get(key, {}),
            lines=counts[key][0],
            paid=counts[key][1],
        )
        for key, parts in found.items()
    ]


def account_lines(sums: Iterable[Sum]) -> list[AccountLines]:
    """What is of no order, by currency."""
    fees: dict[str, dict[str, Decimal]] = {}
    paid_out: dict[str, Decimal] = {}
    for one in sums:
        if one.order_id is not None:
            continue
        of_currency = fees.setdefault(one.currency, {})
        if one.type in PAYOUTS:
            paid_out[one.currency] = paid_out.get(one.currency, ZERO) + one.amount
        else:
            of_currency[one.type] = of_currency.get(one.type, ZERO) + one.amount
    return [
        AccountLines(currency, of_currency, paid_out.get(currency, ZERO))
        for currency, of_currency in fees.items()
    ]
