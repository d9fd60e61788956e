"""The figures of a quote, target by target, and the sums that must hold between them whatever the rules were.

All are whole minor units and none is below zero. One entry a target: the lines by their ids, then the shipping.
"""

from collections.abc import Sequence

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

    def close(self, floors: Sequence[int]) -> None:
        """Reckon the sums of each target. Raises InconsistentQuoteError where anything does not add up."""
        self.total = [one + two for one, two in zip(self.taxable(), self.tax, strict=True)]
        self.seller_funded = [one - two for one, two in zip(self.discount, self.platform_funded, strict=True)]
        self.net = [
            one - two - three
            for one, two, three in zip(self.owned(), self.commission, self.seller_fee, strict=True)
        ]
        self.sums = sums = {name: sum(getattr(self, name)) for name in NAMES}
        if (
            sums["total"]
            != sums["original"] - sums["discount"] + sums["surcharge"] + sums["fee"] + sums["tax"]
            or sums["net"]
            != sums["original"]
            - sums["seller_funded"]
            + sums["surcharge"]
            - sums["commission"]
            - sums["seller_fee"]
            or min(map(min, (getattr(self, name) for name in NAMES))) < 0
            or any(
                before - off != left or left < min(before, floor)
                for before, off, left, floor in zip(
                    self.original, self.discount, self.standing, floors, strict=True
                )
            )
            or any(held > whole for held, whole in zip(self.tax_included, self.total, strict=True))
        ):
            raise InconsistentQuoteError(
                "The figures of a quote do not add up; nothing was recorded.",
                hint="Report it with the cart and the rules.",
                where={name: [*getattr(self, name)] for name in NAMES},
            )
