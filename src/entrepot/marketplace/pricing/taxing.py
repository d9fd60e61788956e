"""Taxes on one another and taxes that prices contain, as one exact formula a target.

With N the price without the taxes that it contains, the k-th tax of a target is c + f·N: a percentage r has f = r, one
that is compound has r times all that came before (f = r·(1 + Σf), c = r·Σc), a fixed amount v has c = v. What is paid
is the price P = N + Σ(c + f·N) over the taxes contained, so that N = (P - Σc) / (1 + Σf). Put together, every tax is
a sum of multiples of P and of the fixed amounts, whose factors depend on nothing but the rules; they are kept.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from entrepot.marketplace.pricing.compiling import Rule
from entrepot.marketplace.pricing.money import HUNDRED_PERCENT


@dataclass(frozen=True, slots=True)
class Formula:
    """For each tax its factor of the price, and its factors of the fixed amounts (by place); all over one denominator."""

    of_price: tuple[int, ...]
    of_fixed: tuple[tuple[tuple[int, int], ...], ...]
    denominator: int


def formula(rules: Sequence[Rule]) -> Formula:
    """The formula of taxes in the order in which they are reckoned."""
    # Each tax as its factor of N and its factors of the fixed amounts.
    shares: list[tuple[Fraction, dict[int, Fraction]]] = []
    for place, rule in enumerate(rules):
        if is_fixed(rule):
            shares.append((Fraction(0), {place: Fraction(1)}))
            continue
        rate = Fraction(rule.rate, HUNDRED_PERCENT)
        if rule.compound:
            below, fixed = _sum(shares)
            shares.append((rate * (1 + below), {key: rate * value for key, value in fixed.items()}))
        else:
            shares.append((rate, {}))
    contained, held = _sum([share for share, rule in zip(shares, rules, strict=True) if rule.inclusive])
    found = []
    for factor, fixed in shares:
        of_price = factor / (1 + contained)
        places = fixed.keys() | held.keys()
        found.append(
            (
                of_price,
                {key: fixed.get(key, Fraction(0)) - of_price * held.get(key, Fraction(0)) for key in places},
            )
        )
    denominator = math.lcm(
        *(value.denominator for of_price, fixed in found for value in (of_price, *fixed.values()))
    )
    return Formula(
        of_price=tuple(int(of_price * denominator) for of_price, _ in found),
        of_fixed=tuple(
            tuple((key, int(value * denominator)) for key, value in sorted(fixed.items()) if value)
            for _, fixed in found
        ),
        denominator=denominator,
    )


def is_fixed(rule: Rule) -> bool:
    """Whether a tax is an amount and no percentage."""
    return rule.amounts.value is not None


def _sum(shares: Sequence[tuple[Fraction, dict[int, Fraction]]]) -> tuple[Fraction, dict[int, Fraction]]:
    fixed: dict[int, Fraction] = {}
    for _, values in shares:
        for key, value in values.items():
            fixed[key] = fixed.get(key, Fraction(0)) + value
    return sum((factor for factor, _ in shares), Fraction(0)), fixed
