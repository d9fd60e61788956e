"""Pricing rules as one set, compiled and indexed: what a quote is asked of. Needs no database."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from entrepot.kit.rules import RuleIndex
from entrepot.marketplace.pricing.calculating import calculate
from entrepot.marketplace.pricing.carts import Cart, read_cart, read_moment
from entrepot.marketplace.pricing.compiling import Rule, read_documents
from entrepot.marketplace.pricing.quotes import Quote
from entrepot.marketplace.pricing.rates import Rates, read_rates
from entrepot.marketplace.pricing.refusing import refuse
from entrepot.marketplace.pricing.schemas import PricingRuleDocument
from entrepot.marketplace.pricing.stacking import check_stack
from entrepot.marketplace.pricing.taxing import Formula


class RuleSet:
    """Rules that quotes are made with.

    ruleset = RuleSet([{"key": "spring", "type": "DISCOUNT", "action": {"type": "PERCENTAGE_OFF", "value": "10"}}])
    quote = ruleset.quote({"currency": "EUR", "lines": [{"id": "1", "quantity": 2, "unit_price": "19.90"}]})
    quote.totals["total"]  # 3582: in minor units
    """

    def __init__(
        self,
        documents: Iterable[PricingRuleDocument | Mapping[str, Any]],
        *,
        time_zone: str = "UTC",
        versions: Mapping[str, int] | None = None,
        path: str = "rules",
        strict: bool = True,
    ) -> None:
        """Compile rules, in any order; `time_zone` (an IANA name) is that of `time.*` in their conditions.

        `versions` are the numbers that quotes give for the keys. Raises InvalidInputError with the path of what is
        wrong in a rule, or in how rules refer to one another; a set that is a part of another one (those of a recorded
        decision, those that are published now) is not asked about references: `strict=False`.
        """
        read = read_documents(list(documents), path)
        if strict:
            check_stack(read, [f"{path}[{index}]" for index in range(len(read))])
        known = versions or {}
        self._assemble((Rule(document, known.get(document.key)) for document in read), time_zone)

    @classmethod
    def of(cls, rules: Iterable[Rule], *, time_zone: str = "UTC") -> "RuleSet":
        """Rules that are compiled already, and were checked when they were saved."""
        made = cls.__new__(cls)
        made._assemble(rules, time_zone)
        return made

    def _assemble(self, rules: Iterable[Rule], time_zone: str) -> None:
        self.zone = _zone(time_zone)
        self.rules = sorted(rules, key=lambda rule: rule.order)
        #: Those asked of each line, and those asked of the cart once.
        self.of_lines: RuleIndex[Rule] = RuleIndex(
            (rule, rule.condition) for rule in self.rules if rule.level == "line"
        )
        self.of_cart: RuleIndex[Rule] = RuleIndex(
            (rule, rule.condition) for rule in self.rules if rule.level != "line"
        )
        #: The formulas of the taxes that were met together so far.
        self.formulas: dict[tuple[Rule, ...], Formula] = {}

    def __len__(self) -> int:
        return len(self.rules)

    @property
    def time_zone(self) -> str:
        """The IANA name of the zone of `time.*`."""
        return self.zone.key

    def read(self, cart: Any, at: datetime | str | None = None) -> Cart:
        """A cart as the rules see it; InvalidInputError with the path of what is wrong in it."""
        return read_cart(cart, self.zone, read_moment(at, "at"))

    def quote(self, cart: Any, *, at: datetime | str | None = None, rates: Any = None) -> Quote:
        """What a cart costs, and how that came about.

        `at` is the moment that it is reckoned for, before the cart's own `at` and before now. `rates` are the dated
        rates between currencies: a list of {"from", "to", "rate", "date", "source"}, or `Rates`. Raises
        InvalidInputError with the path of what is wrong, and where a rate that a rule needs is missing.
        """
        return calculate(self, self.read(cart, at), rates if isinstance(rates, Rates) else read_rates(rates))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        refuse("time_zone", f"{name!r} is not a time zone.", "Give an IANA name, such as Europe/Berlin.")
