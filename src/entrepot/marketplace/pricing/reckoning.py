"""One quote on its way: what each rule comes to on what stands, within its floor and caps, and where it goes.

A charge or discount is first reckoned exactly on all its targets, then rounded, all targets together, by largest
remainder; then cut where a floor, a cap of a line, the cap of the rule or the cap of the cart is passed, in this order.
What is cut off one line is not moved to another. A cap on several lines is divided in proportion to what it caps.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from entrepot.marketplace.pricing import tiers
from entrepot.marketplace.pricing.actions import Amounts
from entrepot.marketplace.pricing.carts import Cart
from entrepot.marketplace.pricing.compiling import Rule, converted
from entrepot.marketplace.pricing.figures import Figures
from entrepot.marketplace.pricing.money import HUNDRED_PERCENT, apportion, round_together
from entrepot.marketplace.pricing.rates import Rate, Rates
from entrepot.marketplace.pricing.selecting import Matched
from entrepot.marketplace.pricing.taxing import Formula, formula

#: What an amount was cut by.
ZERO, MINIMUM, FLOOR = "zero", "minimum price", "floor"
LINE_CAP, RULE_CAP, CART_CAP = "line cap", "rule cap", "cart cap"
NOTHING_LEFT = "nothing left"
#: Formulas of taxes that are kept; a shop has a handful.
MOST_FORMULAS = 10_000


class Cut(NamedTuple):
    """What an amount was before and after something cut it: on one target, or (None) on all of the rule's together."""

    kind: str
    target: int | None
    before: int
    after: int


class Applied(NamedTuple):
    """What a rule came to on its targets: on which bases, exactly, and in whole minor units."""

    rule: Rule
    targets: Sequence[int]
    bases: Sequence[int]
    exact: Sequence[int]
    denominator: int
    amounts: list[int]
    cuts: list[Cut]
    platform: Sequence[int] | None = None


class Reckoning:
    """The state of a quote. Every list has an entry a target: the lines by their ids, then the shipping."""

    def __init__(self, cart: Cart, rates: Rates) -> None:
        self.cart = cart
        self.rates = rates
        self.quantities = [*cart.quantities, sum(cart.quantities)]
        self.floors = [*cart.floors, 0]
        self.figures = Figures([*cart.amounts, cart.shipping or 0])
        self.used: dict[tuple[str, str], Rate] = {}
        self.applied: list[Applied] = []
        self._converted: dict[Rule, Amounts] = {}

    def amounts_of(self, rule: Rule) -> Amounts:
        """The amounts of a rule in the cart's currency. Raises InvalidInputError where the rate for it is missing."""
        currency = self.cart.currency
        if rule.currency is None or rule.currency == currency:
            return rule.amounts
        found = self._converted.get(rule)
        if found is None:
            rate = self.rates.needed(rule.currency, currency, self.cart.at, rule=rule.key)
            self.used[rule.currency, currency] = rate
            found = self._converted[rule] = converted(rule, rate.convert)
        return found

    def alone(self, rule: Rule, targets: list[int]) -> Sequence[int | None]:
        """What a rule by itself comes to on the prices as given; None where its scale is not reached."""
        original = self.figures.original
        amounts = self.amounts_of(rule)
        found: Sequence[int | None] = self.reckon(rule, original, targets, 0).amounts
        if not amounts.starts:
            return found
        if rule.level != "line":
            if tiers.reached(rule, amounts, original, self.quantities, targets):
                return found
            return [None] * len(targets)
        return [
            amount if tiers.reached(rule, amounts, original, self.quantities, [target]) else None
            for target, amount in zip(targets, found, strict=True)
        ]

    def reckon(self, rule: Rule, standing: Sequence[int], targets: Sequence[int], so_far: int) -> Applied:
        """What a rule comes to on what stands; `so_far` is what all rules of its type came to before it."""
        amounts = rule.amounts if rule.currency is None else self.amounts_of(rule)
        exact, denominator = rule.act(rule, amounts, standing, self.quantities, targets)
        parts = exact[:] if denominator == 1 else round_together(exact, denominator)
        cuts: list[Cut] = []
        # Most rules are for one line.
        bases = [standing[targets[0]]] if len(targets) == 1 else [standing[target] for target in targets]
        if rule.lowers and (
            len(targets) > 1 or amounts.floor is not None or parts[0] > bases[0] - self.floors[targets[0]]
        ):
            self._keep_floors(rule, amounts.floor, standing, targets, parts, cuts)
        if rule.capped:
            parts = _keep_caps(amounts, targets, parts, so_far, cuts)
        return Applied(rule, targets, bases, exact, denominator, parts, cuts)

    def discount(self, rule: Rule, targets: Sequence[int]) -> None:
        """Take a discount from what stands, and divide it between those who pay for it."""
        figures = self.figures
        standing, given = figures.standing, figures.discount
        step = self.reckon(rule, standing, targets, sum(given) if rule.capped else 0)
        if len(targets) == 1:
            standing[targets[0]] -= step.amounts[0]
            given[targets[0]] += step.amounts[0]
        else:
            for target, part in zip(targets, step.amounts, strict=True):
                standing[target] -= part
                given[target] += part
        rate = rule.platform_rate
        if rate:
            funded = round_together([part * rate for part in step.amounts], HUNDRED_PERCENT)
            for target, part in zip(targets, funded, strict=True):
                figures.platform_funded[target] += part
            step = step._replace(platform=funded)
        self.applied.append(step)

    def charge(
        self,
        rule: Rule,
        targets: Sequence[int],
        standing: Sequence[int],
        column: list[int],
        left: list[int] | None,
    ) -> None:
        """Add a charge to a column of the figures; where `left` is given, no more than what is left."""
        step = self.reckon(rule, standing, targets, sum(column) if rule.capped else 0)
        parts = step.amounts
        for place, target in enumerate(targets):
            part = parts[place]
            if left is not None:
                if part > left[target]:
                    step.cuts.append(Cut(NOTHING_LEFT, target, part, left[target]))
                    part = parts[place] = left[target]
                left[target] -= part
            column[target] += part
        self.applied.append(step)

    def tax(self, taxes: Matched, formulas: dict[tuple[Rule, ...], Formula]) -> None:
        """Reckon the taxes, in their order, on what is taxable. `formulas` are kept from one quote to the next."""
        standing = self.figures.taxable()
        of_target: list[list[Rule]] = [[] for _ in standing]
        fixed: dict[tuple[Rule, int], int] = {}
        for rule, targets in taxes:
            for target in targets:
                of_target[target].append(rule)
            if rule.amounts.value is not None:
                exact, over = rule.act(rule, self.amounts_of(rule), standing, self.quantities, targets)
                parts = round_together(exact, over)
                fixed.update(((rule, target), part) for target, part in zip(targets, parts, strict=True))
        numerators: dict[Rule, list[int]] = {rule: [] for rule, _ in taxes}
        denominators: dict[Rule, list[int]] = {rule: [] for rule, _ in taxes}
        for target, among in enumerate(of_target):
            if not among:
                continue
            rules = tuple(among)
            found = formulas.get(rules)
            if found is None:
                if len(formulas) >= MOST_FORMULAS:
                    formulas.clear()
                found = formulas[rules] = formula(rules)
            for rule, of_price, of_fixed in zip(rules, found.of_price, found.of_fixed, strict=True):
                numerator = of_price * standing[target]
                for other, factor in of_fixed:
                    numerator += factor * fixed[rules[other], target]
                numerators[rule].append(max(numerator, 0))
                denominators[rule].append(found.denominator)
        for rule, targets in taxes:
            self._collect(rule, targets, standing, numerators[rule], denominators[rule])

    def _collect(
        self,
        rule: Rule,
        targets: Sequence[int],
        standing: Sequence[int],
        exact: list[int],
        denominators: list[int],
    ) -> None:
        figures = self.figures
        common = denominators[0]
        if denominators.count(common) != len(denominators):
            # Targets with other taxes beside this one have other formulas.
            common = math.lcm(*denominators)
            exact = [part * (common // own) for part, own in zip(exact, denominators, strict=True)]
        parts = round_together(exact, common)
        cuts: list[Cut] = []
        column = figures.tax_included if rule.inclusive else figures.tax
        for place, target in enumerate(targets):
            if rule.inclusive and parts[place] > standing[target] - column[target]:
                # Several taxes contained in the price of a cent can each be rounded up to the whole of it.
                room = standing[target] - column[target]
                cuts.append(Cut(NOTHING_LEFT, target, parts[place], room))
                parts[place] = room
            column[target] += parts[place]
        bases = [standing[target] for target in targets]
        self.applied.append(Applied(rule, targets, bases, exact, common, parts, cuts))

    def _keep_floors(
        self,
        rule: Rule,
        own: int | None,
        standing: Sequence[int],
        targets: Sequence[int],
        parts: list[int],
        cuts: list[Cut],
    ) -> None:
        for place, target in enumerate(targets):
            floor = self.floors[target]
            kind = MINIMUM if floor else ZERO
            if own is not None:
                wanted = own if rule.on_shipping else own * self.quantities[target]
                if wanted > floor:
                    floor, kind = wanted, FLOOR
            if parts[place] > standing[target] - floor:
                room = max(0, standing[target] - floor)
                if parts[place] > room:
                    cuts.append(Cut(kind, target, parts[place], room))
                    parts[place] = room


def _keep_caps(
    amounts: Amounts, targets: Sequence[int], parts: list[int], so_far: int, cuts: list[Cut]
) -> list[int]:
    cap = amounts.line_cap
    if cap is not None:
        for place, target in enumerate(targets):
            if parts[place] > cap:
                cuts.append(Cut(LINE_CAP, target, parts[place], cap))
                parts[place] = cap
    limits = [(RULE_CAP, amounts.rule_cap)]
    if amounts.cart_cap is not None:
        limits.append((CART_CAP, max(0, amounts.cart_cap - so_far)))
    for kind, limit in limits:
        total = sum(parts)
        if limit is not None and total > limit:
            cuts.append(Cut(kind, None, total, limit))
            parts = apportion(limit, parts)
    return parts
