"""What an experiment shows: variants against the control, from counts and sums alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from entrepot.marketplace.experiments.distributions import (
    ALPHA,
    always_valid_p,
    chi_square_survival,
    half_width,
)

#: A split this improbable under the one that was meant says that something is broken, and results are withheld.
MISMATCH = 0.001

Number = int | float | Decimal


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over the entities of a variant: of a metric, of the same before the first exposure, and of both together."""

    entities: int
    total: Number = 0
    squares: Number = 0
    before: Number = 0
    before_squares: Number = 0
    products: Number = 0


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """How the entities are split beside how they were meant to be; `p_value` is that of a chi-square test."""

    expected: Mapping[str, float]
    statistic: float
    p_value: float

    @property
    def mismatch(self) -> bool:
        """Whether the split cannot be chance."""
        return self.p_value < MISMATCH


@dataclass(frozen=True, slots=True)
class Compared:
    """A variant by one metric. All but `mean` is beside the control, and None for the control itself.

    `difference` is of means, with the interval (`lower`, `upper`); `relative` the same as a share of the control's
    mean. The interval and the p-value are sequentially valid. `worse` and `better` are significant. With CUPED
    `difference` is adjusted for the pre-period, and `variance_reduction` is the share of the variance that it took out.
    """

    variant_key: str
    is_control: bool
    entities: int
    mean: float | None
    difference: float | None = None
    lower: float | None = None
    upper: float | None = None
    relative: float | None = None
    relative_lower: float | None = None
    relative_upper: float | None = None
    p_value: float | None = None
    significant: bool = False
    better: bool = False
    worse: bool = False
    variance_reduction: float | None = None


def sample_ratio(observed: Mapping[str, int], expected: Mapping[str, float]) -> SampleRatio:
    """Whether entities are split as was meant; `expected` are counts or shares of any scale.

    Variants that nobody was meant to see and nobody saw are left out; one that somebody saw all the same is a mismatch.
    """
    total, meant = sum(observed.values()), sum(expected.values())
    if not total or not meant:
        return SampleRatio(dict(expected), 0.0, 1.0)
    scaled = {variant: share * total / meant for variant, share in expected.items() if share > 0}
    if any(count and variant not in scaled for variant, count in observed.items()):
        return SampleRatio(scaled, float("inf"), 0.0)
    statistic = sum((observed.get(variant, 0) - count) ** 2 / count for variant, count in scaled.items())
    degrees = len(scaled) - 1
    return SampleRatio(scaled, statistic, chi_square_survival(statistic, degrees) if degrees else 1.0)


def compare(
    moments: Mapping[str, Moments],
    control: str | None,
    *,
    lower_is_better: bool = False,
    alpha: float = ALPHA,
) -> list[Compared]:
    """Each variant beside the control, in the order given; without a control their means alone.

    The mean of a conversion is the share of entities with one: its sums count each entity with any as 1.
    """
    slope = _slope(list(moments.values()))
    center = _mean_before(list(moments.values()))
    sides = {variant: _Side.of(one, slope, center) for variant, one in moments.items()}
    base = sides.get(control) if control is not None else None
    return [
        _beside(variant, side, base, lower_is_better, alpha)
        if base is not None and variant != control
        else Compared(variant, variant == control, side.entities, side.mean)
        for variant, side in sides.items()
    ]


@dataclass(frozen=True, slots=True)
class _Side:
    """The mean of a variant and the variance of that mean, as they are and adjusted for the pre-period."""

    entities: int
    mean: float | None
    adjusted: float
    variance: float
    plain_variance: float

    @classmethod
    def of(cls, one: Moments, slope: float, center: float) -> "_Side":
        n = one.entities
        if n < 2:
            mean = float(Fraction(one.total)) if n else None
            return cls(n, mean, mean or 0.0, 0.0, 0.0)
        mean, before = float(Fraction(one.total) / n), float(Fraction(one.before) / n)
        plain = _centered(one.squares, one.total, one.total, n) / (n - 1)
        shared = _centered(one.products, one.total, one.before, n) / (n - 1)
        spread = _centered(one.before_squares, one.before, one.before, n) / (n - 1)
        adjusted = plain + slope * slope * spread - 2 * slope * shared
        return cls(n, mean, mean - slope * (before - center), max(adjusted, 0.0) / n, plain / n)


def _beside(variant: str, side: _Side, base: _Side, lower_is_better: bool, alpha: float) -> Compared:
    variance = side.variance + base.variance
    if side.entities < 2 or base.entities < 2 or variance <= 0:
        return Compared(variant, False, side.entities, side.mean)
    n = side.entities + base.entities
    difference = side.adjusted - base.adjusted
    width = half_width(variance, n, alpha=alpha)
    significant = abs(difference) > width
    worse = significant and (difference > 0) == lower_is_better
    plain = side.plain_variance + base.plain_variance
    relative = relative_width = None
    if base.mean:
        relative = difference / base.mean
        # The delta method, for the ratio of two means that are independent.
        ratio = side.variance / base.mean**2 + base.variance * side.adjusted**2 / base.mean**4
        relative_width = half_width(ratio, n, alpha=alpha)
    return Compared(
        variant,
        is_control=False,
        entities=side.entities,
        mean=side.mean,
        difference=difference,
        lower=difference - width,
        upper=difference + width,
        relative=relative,
        relative_lower=None if relative is None or relative_width is None else relative - relative_width,
        relative_upper=None if relative is None or relative_width is None else relative + relative_width,
        p_value=always_valid_p(difference, variance, n, alpha=alpha),
        significant=significant,
        better=significant and not worse,
        worse=worse,
        variance_reduction=1 - variance / plain if plain > 0 and variance != plain else None,
    )


def _slope(moments: Sequence[Moments]) -> float:
    """θ of CUPED (Deng, Xu, Kohavi and Walker 2013): covariance with the pre-period over its variance, within variants.

    Within them, because a difference between the variants is what is looked for; 0 where there is no pre-period.
    """
    spread = sum(_centered(m.before_squares, m.before, m.before, m.entities) for m in moments if m.entities)
    if spread <= 0:
        return 0.0
    shared = sum(_centered(m.products, m.total, m.before, m.entities) for m in moments if m.entities)
    return shared / spread


def _mean_before(moments: Sequence[Moments]) -> float:
    entities = sum(one.entities for one in moments)
    return float(sum((Fraction(one.before) for one in moments), Fraction(0)) / entities) if entities else 0.0


def _centered(products: Number, first: Number, second: Number, entities: int) -> float:
    """Σxy - Σx·Σy / n, exactly: of large sums that nearly cancel floats would leave noise."""
    return float(Fraction(products) - Fraction(first) * Fraction(second) / entities)
