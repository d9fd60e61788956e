"""The figures of a quote, target by target, and the sums that must hold between them whatever the rules were.

All are whole minor units and none is below zero. One entry a target: the lines by their ids, then the shipping.
"""

from collections.abc import Sequence
from itertools import chain
from operator import attrgetter

from entrepot.kit.errors import EntrepotError

#: Their names in a quote, in the order in which they are shown. `original` and `discount` make what a thing is sold for,
#: with `surcharge`, `fee` and `tax` what the buyer pays (`total`); `tax_included` is contained in it. `net` is the seller's.
NAMES = (
    "original",
    "discount",
    "surcharge",
    "fee",
    "tax",
    "tax_included",
    "total",
    "platform_funded",
    "seller_funded",
    "commission",
    "seller_fee",
    "net",
)

_COLUMNS = attrgetter(*NAMES)


class InconsistentQuoteError(EntrepotError):
    """The figures of a quote do not add up: a defect of the program, met before anybody was charged."""


class Figures:
    """The columns of a quote while it is reckoned. `standing` is what is left of the price after discounts."""

    __slots__ = (*NAMES, "standing", "sums")

    original: list[int]
    standing: list[int]
    discount: list[int]
    surcharge: list[int]
    fee: list[int]
    tax: list[int]
    tax_included: list[int]
    total: list[int]
    platform_funded: list[int]
    seller_funded: list[int]
    commission: list[int]
    seller_fee: list[int]
    net: list[int]
    #: The sum of each column, by its name, once the figures are closed.
    sums: dict[str, int]

    def __init__(self, original: Sequence[int]) -> None:
        nothing = [0] * len(original)
        self.original = [*original]
        self.standing = [*original]
        self.discount = nothing[:]
        self.surcharge = nothing[:]
        self.fee = nothing[:]
        self.tax = nothing[:]
        self.tax_included = nothing[:]
        self.platform_funded = nothing[:]
        self.commission = nothing[:]
        self.seller_fee = nothing[:]

    def selling(self) -> list[int]:
        """What each thing is sold for: the base of charges to the seller."""
        return [one + two for one, two in zip(self.standing, self.surcharge, strict=True)]

    def taxable(self) -> list[int]:
        """What taxes are reckoned on: what each thing is sold for, and the buyer's fees."""
        return [
            one + two + three for one, two, three in zip(self.standing, self.surcharge, self.fee, strict=True)
        ]

    def owned(self) -> list[int]:
        """What the seller gets before charges: what each thing is sold for, and the platform's part of discounts."""
        return [
            one + two + three
            for one, two, three in zip(self.standing, self.surcharge, self.platform_funded, strict=True)
        ]

    def columns(self) -> list[list[int]]:
        """The columns in the order of their names."""
        return list(_COLUMNS(self))

    def close(self, floors: Sequence[int]) -> None:
        """Reckon the sums of each target. Raises InconsistentQuoteError where anything does not add up."""
        self.total = totals = []
        self.seller_funded = by_seller = []
        self.net = nets = []
        sound = True
        for original, left, off, surcharge, fee, tax, included, funded, commission, charged, floor in zip(
            self.original,
            self.standing,
            self.discount,
            self.surcharge,
            self.fee,
            self.tax,
            self.tax_included,
            self.platform_funded,
            self.commission,
            self.seller_fee,
            floors,
            strict=True,
        ):
            total = left + surcharge + fee + tax
            totals.append(total)
            by_seller.append(off - funded)
            nets.append(left + surcharge + funded - commission - charged)
            if original - off != left or (left < floor and left < original) or included > total:
                sound = False
        columns = self.columns()
        self.sums = sums = dict(zip(NAMES, map(sum, columns), strict=True))
        if (
            not sound
            or sums["total"]
            != sums["original"] - sums["discount"] + sums["surcharge"] + sums["fee"] + sums["tax"]
            or sums["net"]
            != sums["original"]
            - sums["seller_funded"]
            + sums["surcharge"]
            - sums["commission"]
            - sums["seller_fee"]
            or min(chain.from_iterable(columns)) < 0
        ):
            raise InconsistentQuoteError(
                "The figures of a quote do not add up; nothing was recorded.",
                hint="Report it with the cart and the rules.",
                where={name: [*column] for name, column in zip(NAMES, columns, strict=True)},
            )
