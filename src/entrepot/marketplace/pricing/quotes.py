"""A quote: what a cart costs, line by line in whole minor units, and how that came about."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from entrepot.marketplace.pricing.carts import Cart
from entrepot.marketplace.pricing.compiling import Rule
from entrepot.marketplace.pricing.figures import NAMES, Figures
from entrepot.marketplace.pricing.money import endings
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
        #: How many minor units make a unit, and how an amount ends by what is less than one.
        self.scale = 10**cart.digits
        self.ends = endings(cart.digits, cart.currency)
        self.figures = figures
        #: The rules that applied, in the order in which they did, and those that matched and were shut out somewhere.
        self.applied = applied
        self.lost = lost
        self._rules = rules
        self._rates = rates
        self._lines: list[dict[str, Any]] | None = None
        self._trace: list[dict[str, Any]] | None = None

    @property
    def currency(self) -> str:
        """The currency of every amount."""
        return self.cart.currency

    @property
    def totals(self) -> dict[str, int]:
        """The sums of all lines and the shipping, by the names of `figures.NAMES`."""
        return self.figures.sums

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Each line with its figures."""
        if self._lines is None:
            self._lines = self._make_lines()
        return self._lines

    def _make_lines(self) -> list[dict[str, Any]]:
        cart, figures = self.cart, self.figures
        # The last entry of each column of figures is the shipping's, and there is no id for it.
        rows = zip(cart.ids, cart.skus, cart.quantities, cart.prices, *figures.columns(), strict=False)
        # Written out, which takes half the time of a loop over the names.
        return [
            {
                "id": line_id,
                "sku": sku,
                "quantity": quantity,
                "unit_price": price,
                "original": original,
                "discount": discount,
                "surcharge": surcharge,
                "fee": fee,
                "tax": tax,
                "tax_included": included,
                "total": total,
                "platform_funded": platform,
                "seller_funded": seller,
                "commission": commission,
                "seller_fee": seller_fee,
                "net": net,
            }
            for (
                line_id,
                sku,
                quantity,
                price,
                original,
                discount,
                surcharge,
                fee,
                tax,
                included,
                total,
                platform,
                seller,
                commission,
                seller_fee,
                net,
            ) in rows
        ]

    @property
    def shipping(self) -> dict[str, int] | None:
        """The figures of the shipping; None for a cart without any."""
        if self.cart.shipping is None:
            return None
        return {name: column[-1] for name, column in zip(NAMES, self.figures.columns(), strict=True)}

    @property
    def rates(self) -> list[dict[str, Any]]:
        """The rates that were used, each with its date and source."""
        return [rate.as_dict() for _, rate in sorted(self._rates.items())]

    @property
    def trace(self) -> list[dict[str, Any]]:
        """Every step in its order: the rule, why it applied or did not, bases, exact and rounded amounts, in words too."""
        if self._trace is None:
            self._trace = trace(self)
        return self._trace

    @property
    def matched(self) -> list[Rule]:
        """Every rule that matched, whether it applied or not, by key: all that had any influence."""
        found = {step.rule for step in self.applied} | {one.rule for one in self.lost}
        return sorted(found, key=lambda rule: rule.key)

    def rate_of(self, rule: Rule) -> Rate | None:
        """The rate with which the amounts of a rule were converted."""
        return None if rule.currency is None else self._rates.get((rule.currency, self.currency))

    def money(self, minor: int) -> str:
        """An amount of at least zero as a person reads it: "19.90 EUR"."""
        return f"{minor // self.scale}{self.ends[minor % self.scale]}"

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
