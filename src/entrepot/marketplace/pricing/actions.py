"""What the actions of rules come to, exactly: fractions of minor units that are rounded afterwards, once and together.

An action gets the rule, its amounts in the cart's currency, what stands on each target so far, the quantity of each,
and the targets: lines by their number, or the shipping. It gives one numerator a target, all over one denominator.
What it gives is never below zero.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from entrepot.marketplace.pricing.money import HUNDRED_PERCENT

if TYPE_CHECKING:
    from entrepot.marketplace.pricing.compiling import Rule


@dataclass(frozen=True, slots=True)
class Amounts:
    """The amounts of a rule in minor units of one currency; None where the rule names none."""

    value: int | None = None
    floor: int | None = None
    rule_cap: int | None = None
    line_cap: int | None = None
    cart_cap: int | None = None
    starts: tuple[int, ...] = ()
    values: tuple[int, ...] = ()


Exact: TypeAlias = tuple[list[int], int]
Act: TypeAlias = Callable[["Rule", Amounts, Sequence[int], Sequence[int], Sequence[int]], Exact]


def percentage(
    rule: "Rule", amounts: Amounts, standing: Sequence[int], quantities: Sequence[int], targets: Sequence[int]
) -> Exact:
    """A percentage of what stands."""
    rate = rule.rate
    return [standing[target] * rate for target in targets], HUNDRED_PERCENT


def fixed_each(
    rule: "Rule", amounts: Amounts, standing: Sequence[int], quantities: Sequence[int], targets: Sequence[int]
) -> Exact:
    """An amount on each target."""
    assert amounts.value is not None
    return [amounts.value] * len(targets), 1


def fixed_together(
    rule: "Rule", amounts: Amounts, standing: Sequence[int], quantities: Sequence[int], targets: Sequence[int]
) -> Exact:
    """One amount for all targets, in proportion to what stands on each; a discount at most all of it."""
    assert amounts.value is not None
    return divide(rule, amounts.value, standing, targets)


def divide(rule: "Rule", amount: int, standing: Sequence[int], targets: Sequence[int]) -> Exact:
    """An amount divided over targets in proportion to what stands on each; of a discount at most all of it.

    Equally where nothing stands on any.
    """
    weights = [standing[target] for target in targets]
    total = sum(weights)
    if rule.lowers:
        amount = min(amount, total)
    if not total:
        return [amount] * len(targets), len(targets)
    return [amount * weight for weight in weights], total


def per_unit(
    rule: "Rule", amounts: Amounts, standing: Sequence[int], quantities: Sequence[int], targets: Sequence[int]
) -> Exact:
    """An amount on each unit."""
    value = amounts.value
    assert value is not None
    return [value * quantities[target] for target in targets], 1


def override(
    rule: "Rule", amounts: Amounts, standing: Sequence[int], quantities: Sequence[int], targets: Sequence[int]
) -> Exact:
    """What leads from what stands to a new price of each unit; nothing where that is the other way."""
    value = amounts.value
    assert value is not None
    if rule.on_shipping:
        return [_toward(rule, standing[target], value) for target in targets], 1
    return [_toward(rule, standing[target], value * quantities[target]) for target in targets], 1


def free_shipping(
    rule: "Rule", amounts: Amounts, standing: Sequence[int], quantities: Sequence[int], targets: Sequence[int]
) -> Exact:
    """All that stands on the shipping."""
    return [standing[target] for target in targets], 1


def buy_x_get_y(
    rule: "Rule", amounts: Amounts, standing: Sequence[int], quantities: Sequence[int], targets: Sequence[int]
) -> Exact:
    """A percentage of some units: of every `buy` + `get` units the `get` cheapest of all, at most `times` times.

    On the level line each line is reckoned by itself; on the level cart all lines covered are one heap.
    """
    free = dict.fromkeys(targets, 0)
    if rule.level == "line":
        for target in targets:
            free[target] = _units_got(rule, quantities[target])
    else:
        left = _units_got(rule, sum(quantities[target] for target in targets))
        # A stable sort by the price of a unit: of lines equally cheap the first by its id gives its units first.
        for target in sorted(targets, key=lambda target: Fraction(standing[target], quantities[target])):
            free[target] = min(left, quantities[target])
            left -= free[target]
    common = math.lcm(*(quantities[target] for target in targets))
    return [
        standing[target] * free[target] * rule.rate * (common // quantities[target]) for target in targets
    ], common * HUNDRED_PERCENT


def _units_got(rule: "Rule", units: int) -> int:
    rounds = units // (rule.buy + rule.get)
    return (rounds if rule.times is None else min(rounds, rule.times)) * rule.get


def _toward(rule: "Rule", standing: int, wanted: int) -> int:
    return max(0, standing - wanted if rule.lowers else wanted - standing)


ACTS: dict[str, Act] = {
    "PERCENTAGE": percentage,
    "PERCENTAGE_OFF": percentage,
    "PER_UNIT": per_unit,
    "OVERRIDE": override,
    "FREE_SHIPPING": free_shipping,
    "BUY_X_GET_Y": buy_x_get_y,
}
