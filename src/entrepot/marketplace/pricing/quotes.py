"""A quote: what a cart costs, line by line in whole minor units, and how that came about."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from entrepot.marketplace.pricing.carts import Cart
from entrepot.marketplace.pricing.compiling import Rule
from entrepot.marketplace.pricing.figures import NAMES, Figures
from entrepot.marketplace.pricing.money import format_amount
from entrepot.marketplace.pricing.rates import Rate
from entrepot.marketplace.pricing.selecting import Lost
from entrepot.marketplace.pricing.tracing import trace

if TYPE_CHECKING:
    from entrepot.marketplace.pricing.reckoning import Applied
    from entrepot.marketplace.pricing.rulesets import RuleSet

#: The way of reckoning. It is kept with each decision, and grows when the same rules would give another price.
ENGINE_VERSION = 1


class Quote:
    """The figures of a cart, of its lines in the order of their ids, and the steps that led to them.

    What is for people (the trace and its words) is made when it is asked for.
    """

    def __init__(
        self,
        rules: "RuleSet",
        cart: Cart,
        figures: Figures,
        applied: "Sequence[Applied]",
        lost: Sequence[Lost],
        rates: Mapping[tuple[str, str], Rate],
    ) -> None:
        self.cart = cart
        self.figures = figures
        #: The rules that applied, in the order in which they did, and those that matched and were shut out somewhere.
        self.applied = applied
        self.lost = lost
        self._rules = rules
        self._rates = rates

    @property
    def currency(self) -> str:
        """The currency of every amount."""
        return self.cart.currency

    @property
    def totals(self) -> dict[str, int]:
        """The sums of all lines and the shipping, by the names of `figures.NAMES`."""
        return self.figures.sums

    @cached_property
    def lines(self) -> list[dict[str, Any]]:
        """Each line with its figures."""
        cart = self.cart
        columns = [getattr(self.figures, name) for name in NAMES]
        # The last entry of each column is the shipping's, and there is no id for it.
        rows = zip(cart.ids, cart.skus, cart.quantities, cart.prices, *columns, strict=False)
        names = ("id", "sku", "quantity", "unit_price", *NAMES)
        return [dict(zip(names, row, strict=True)) for row in rows]

    @cached_property
    def shipping(self) -> dict[str, int] | None:
        """The figures of the shipping; None for a cart without any."""
        if self.cart.shipping is None:
            return None
        return {name: getattr(self.figures, name)[-1] for name in NAMES}

    @cached_property
    def names(self) -> list[str]:
        """What steps call their targets: the lines' ids, then the shipping."""
        return [*self.cart.ids, "shipping"]

    @property
    def rates(self) -> list[dict[str, Any]]:
        """The rates that were used, each with its date and source."""
        return [rate.as_dict() for _, rate in sorted(self._rates.items())]

    @cached_property
    def trace(self) -> list[dict[str, Any]]:
        """Every step in its order: the rule, why it applied or did not, bases, exact and rounded amounts, in words too."""
        return trace(self)

    @property
    def matched(self) -> list[Rule]:
        """Every rule that matched, whether it applied or not, by key: all that had any influence."""
        found = {step.rule for step in self.applied} | {one.rule for one in self.lost}
        return sorted(found, key=lambda rule: rule.key)

    def rate_of(self, rule: Rule) -> Rate | None:
        """The rate with which the amounts of a rule were converted."""
        return None if rule.currency is None else self._rates.get((rule.currency, self.currency))

    def money(self, minor: int) -> str:
        """An amount as a person reads it: "19.90 EUR"."""
        cart = self.cart
        return f"{format_amount(minor, cart.digits)} {cart.currency}"

    def as_dict(self, *, with_trace: bool = True) -> dict[str, Any]:
        """The quote as JSON values; every amount a whole number of minor units, of which `minor_digits` make a unit."""
        found = {
            "currency": self.currency,
            "minor_digits": self.cart.digits,
            "at": self.cart.at.isoformat().replace("+00:00", "Z"),
            "time_zone": self._rules.time_zone,
            "engine_version": ENGINE_VERSION,
            "lines": self.lines,
            "shipping": self.shipping,
            "totals": self.totals,
            "rates": self.rates,
        }
        if with_trace:
            found["trace"] = self.trace
        return found
