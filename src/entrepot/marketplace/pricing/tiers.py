"""Scales: what a TIERED action comes to. Exact, like the other actions.

The measure is the quantity or the amount that stands: of the line on the level line, of all lines covered on the
level cart, and of all lines of the cart on the level shipping. With the mode volume the step reached holds for
everything. With the mode graduated each step holds for its own part: the units from its start on (a step from 10 begins
with the tenth unit) or the amount above its start.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from entrepot.marketplace.pricing.actions import Amounts, Exact, divide
from entrepot.marketplace.pricing.money import HUNDRED_PERCENT

if TYPE_CHECKING:
    from entrepot.marketplace.pricing.compiling import Rule


def tiered(
    rule: "Rule", amounts: Amounts, standing: Sequence[int], quantities: Sequence[int], targets: Sequence[int]
) -> Exact:
    """The step that is reached, or the steps; nothing where none is."""
    if rule.level == "line":
        parts = [_together(rule, amounts, standing, quantities, [target]) for target in targets]
        common = math.lcm(*(denominator for _, denominator in parts))
        return [numerators[0] * (common // denominator) for numerators, denominator in parts], common
    return _together(rule, amounts, standing, quantities, targets)


def measure(rule: "Rule", standing: Sequence[int], quantities: Sequence[int], targets: Sequence[int]) -> int:
    """What is measured: units, or minor units that stand. The shipping is measured by all lines of the cart."""
    source = quantities if rule.by_quantity else standing
    if rule.on_shipping:
        # The shipping is the last target; its quantity is that of the cart already.
        return source[-1] if rule.by_quantity else sum(source[:-1])
    return sum(source[target] for target in targets)


def reached(
    rule: "Rule", amounts: Amounts, standing: Sequence[int], quantities: Sequence[int], targets: Sequence[int]
) -> bool:
    """Whether any step is reached: a scale below its first step does not apply at all."""
    return measure(rule, standing, quantities, targets) >= amounts.starts[0]


def _together(
    rule: "Rule", amounts: Amounts, standing: Sequence[int], quantities: Sequence[int], targets: Sequence[int]
) -> Exact:
    measured = measure(rule, standing, quantities, targets)
    steps = bisect_right(amounts.starts, measured)
    if not steps or not measured:
        return [0] * len(targets), 1
    before = 0
    if rule.graduated:
        # The whole of it as a sum of each part times its step's value; over the measure that is the mean value.
        parts = _parts(rule, amounts.starts[:steps], measured)
        total = sum(part * value for part, value in zip(parts, amounts.values, strict=False))
        over, before = measured, measured - sum(parts)
    else:
        total, over = amounts.values[steps - 1], 1
    unit = rule.tier_unit
    if unit == "PERCENTAGE":
        return [standing[target] * total for target in targets], over * HUNDRED_PERCENT
    if unit == "FIXED_AMOUNT":
        whole = sum(amounts.values[:steps]) if rule.graduated else amounts.values[steps - 1]
        return divide(rule, whole, standing, targets)
    if unit == "PER_UNIT":
        return [quantities[target] * total for target in targets], over
    # OVERRIDE, which is on the level line only: one target, measured by its own quantity. Units before the first step
    # keep their price.
    (target,) = targets
    wanted, stands = quantities[target] * total + standing[target] * before, standing[target] * over
    return [max(0, stands - wanted if rule.lowers else wanted - stands)], over


def _parts(rule: "Rule", starts: Sequence[int], measured: int) -> list[int]:
    """How much of the measure falls to each step."""
    # Units are counted from 1: a step from 10 holds for the tenth.
    before = [max(start, 1) - 1 if rule.by_quantity else start for start in starts]
    return [upper - lower for lower, upper in pairwise([*before, measured])]
