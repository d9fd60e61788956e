"""The statistics: against published tables, and by simulation under fixed seeds."""

from decimal import Decimal
from math import exp, sqrt
from random import Random
from statistics import covariance, fmean, variance

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entrepot.marketplace.experiments.analyzing import Moments, compare, sample_ratio
from entrepot.marketplace.experiments.distributions import (
    ALPHA,
    always_valid_p,
    chi_square_survival,
    half_width,
)


@pytest.mark.parametrize(
    ("statistic", "degrees", "probability"),
    # NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4, critical values of the chi-square distribution.
    [
        (2.706, 1, 0.10),
        (3.841, 1, 0.05),
        (6.635, 1, 0.01),
        (10.828, 1, 0.001),
        (4.605, 2, 0.10),
        (13.816, 2, 0.001),
        (7.815, 3, 0.05),
        (11.070, 5, 0.05),
        (18.307, 10, 0.05),
        (29.588, 10, 0.001),
        (43.773, 30, 0.05),
        (124.342, 100, 0.05),
        (149.449, 100, 0.001),
    ],
)
def test_the_chi_square_distribution_is_that_of_the_tables(
    statistic: float, degrees: int, probability: float
) -> None:
    assert chi_square_survival(statistic, degrees) == pytest.approx(probability, rel=1e-3)


@given(statistic=st.floats(0, 1e4))
def test_with_two_degrees_it_is_exponential(statistic: float) -> None:
    assert chi_square_survival(statistic, 2) == pytest.approx(exp(-statistic / 2), rel=1e-12, abs=1e-300)


def test_its_ends() -> None:
    assert chi_square_survival(0, 1) == 1.0
    assert chi_square_survival(float("inf"), 3) == 0.0
    assert 0 < chi_square_survival(1000, 1) < 1e-200
    with pytest.raises(ValueError, match="degree"):
        chi_square_survival(1, 0)


def test_a_split_that_is_off_is_a_mismatch_and_one_by_chance_is_not() -> None:
    assert not sample_ratio({"a": 5_050, "b": 4_950}, {"a": 1, "b": 1}).mismatch
    assert sample_ratio({"a": 5_200, "b": 4_800}, {"a": 1, "b": 1}).mismatch
    assert sample_ratio({"a": 900, "b": 100}, {"a": 90, "b": 10}).p_value == 1.0
    # χ² of 9.0 has p = 0.0027, and of 10.89 p = 0.00097: the line is between them.
    assert sample_ratio({"a": 5_150, "b": 4_850}, {"a": 1, "b": 1}).p_value == pytest.approx(0.0027, rel=1e-3)
    assert not sample_ratio({"a": 5_150, "b": 4_850}, {"a": 1, "b": 1}).mismatch
    assert sample_ratio({"a": 5_165, "b": 4_835}, {"a": 1, "b": 1}).mismatch
    # Three variants have two degrees of freedom, where p = exp(-χ² / 2).
    three = sample_ratio({"a": 1_060, "b": 980, "c": 960}, {"a": 1, "b": 1, "c": 1})
    assert three.statistic == pytest.approx(5.6)
    assert three.p_value == pytest.approx(exp(-2.8))
    assert sample_ratio({}, {"a": 1}).p_value == 1.0
    assert sample_ratio({"a": 10}, {"a": 5, "never": 0}).p_value == 1.0
    assert sample_ratio({"a": 10, "never": 1}, {"a": 5, "never": 0}).mismatch


def test_an_interval_is_as_the_paper_says() -> None:
    # Equation 9 of arXiv 2103.06476 with rho from equation 161, put down once more by hand.
    rho = sqrt((-2 * -2.995732273553991 + 1.9448) / 5_000)
    n, s2 = 12_000, 0.25
    expected = sqrt(s2) * sqrt(2 * (n * rho**2 + 1) / (n * rho) ** 2 * (0.5 * 2.99832 + 2.995732))
    assert half_width(s2 / n, n) == pytest.approx(expected, rel=1e-4)
    # It is tightest, in standard errors, near the tuning parameter.
    widths = [half_width(1 / n, n) * sqrt(n) for n in (100, 5_000, 1_000_000)]
    assert widths[1] == min(widths)
    assert 2.5 < widths[1] < 3.5


@given(estimate=st.floats(-5, 5), entities=st.integers(4, 10**7), variance_=st.floats(1e-6, 10))
@settings(max_examples=200, deadline=None)
def test_p_value_and_interval_agree(estimate: float, entities: int, variance_: float) -> None:
    p = always_valid_p(estimate, variance_, entities)
    width = half_width(variance_, entities)
    if abs(abs(estimate) - width) > 1e-9 * width:
        assert (p < ALPHA) == (abs(estimate) > width)


def peeked(random: Random, looks: int, step: int, effect: bool = False) -> tuple[bool, bool]:
    """An A/A test (or one with an effect) looked at again and again: whether ours, and a fixed test, ever found something."""
    n = a = b = 0
    ours = fixed = False
    for _ in range(looks):
        n += step
        # Conversions of an eighth of the entities: three fair bits of each are set.
        a += (random.getrandbits(step) & random.getrandbits(step) & random.getrandbits(step)).bit_count()
        other = random.getrandbits(step) & random.getrandbits(step)
        b += (other & random.getrandbits(step) if not effect else other).bit_count()
        found = compare({"a": Moments(n, a, a), "b": Moments(n, b, b)}, "a")[1]
        ours = ours or found.significant
        share, other_share = a / n, b / n
        error = sqrt((share * (1 - share) + other_share * (1 - other_share)) / n)
        fixed = fixed or (error > 0 and abs(share - other_share) > 1.96 * error)
    return ours, fixed


def test_looking_all_the_time_finds_nothing_where_nothing_is() -> None:
    random = Random(20261121)
    runs = [peeked(random, looks=60, step=100) for _ in range(250)]
    false, naive = (sum(found) / len(runs) for found in zip(*runs, strict=True))
    assert false <= ALPHA
    assert naive > 4 * ALPHA  # what the same looks would have done to a test of one look
    assert all(peeked(random, looks=20, step=200, effect=True)[0] for _ in range(20))


def moments(values: list[float], before: list[float] | None = None) -> Moments:
    """The sums over entities."""
    earlier = before or [0.0] * len(values)
    return Moments(
        len(values),
        sum(map(Decimal, values), Decimal(0)),
        sum((Decimal(value) ** 2 for value in values), Decimal(0)),
        sum(map(Decimal, earlier), Decimal(0)),
        sum((Decimal(value) ** 2 for value in earlier), Decimal(0)),
        sum((Decimal(x) * Decimal(y) for x, y in zip(values, earlier, strict=True)), Decimal(0)),
    )


def spending(random: Random, entities: int, effect: float) -> tuple[list[float], list[float]]:
    """What entities spent in an experiment and before it: much the same, plus noise, plus the effect."""
    before = [random.expovariate(1 / 50) for _ in range(entities)]
    return [0.8 * value + random.gauss(10 + effect, 15) for value in before], before


def test_cuped_takes_noise_out_and_moves_nothing() -> None:
    random = Random(7)
    plain, adjusted, inside = [], [], 0
    for _ in range(150):
        control, treatment = spending(random, 400, 0.0), spending(random, 400, 3.0)
        with_it = compare({"c": moments(*control), "t": moments(*treatment)}, "c")[1]
        without = compare({"c": moments(control[0]), "t": moments(treatment[0])}, "c")[1]
        assert with_it.difference is not None
        assert without.difference is not None
        assert with_it.lower is not None
        assert with_it.upper is not None
        assert with_it.mean == without.mean == pytest.approx(fmean(treatment[0]))
        plain.append(without.difference)
        adjusted.append(with_it.difference)
        inside += with_it.lower < 3.0 < with_it.upper
        assert with_it.variance_reduction is not None
        assert 0.75 < with_it.variance_reduction < 0.95
        assert without.variance_reduction is None
    assert fmean(adjusted) == pytest.approx(3.0, abs=0.35)  # unbiased
    assert variance(adjusted) < 0.3 * variance(plain)  # and less noisy, not only by its own account
    assert inside >= 0.95 * 150


def test_cuped_adjusts_by_the_slope_within_variants() -> None:
    random = Random(3)
    control, treatment = spending(random, 50, 0), spending(random, 70, 5)
    slope = (
        covariance(*control) * (len(control[0]) - 1) + covariance(*treatment) * (len(treatment[0]) - 1)
    ) / (variance(control[1]) * (len(control[1]) - 1) + variance(treatment[1]) * (len(treatment[1]) - 1))
    expected = (fmean(treatment[0]) - slope * fmean(treatment[1])) - (
        fmean(control[0]) - slope * fmean(control[1])
    )
    found = compare({"c": moments(*control), "t": moments(*treatment)}, "c")[1]
    assert found.difference == pytest.approx(expected, rel=1e-9)


def test_which_way_is_better_decides_what_is_worse() -> None:
    sides = {"c": Moments(20_000, 1_000, 1_000), "t": Moments(20_000, 1_400, 1_400)}
    higher, lower = (compare(sides, "c", lower_is_better=flag)[1] for flag in (False, True))
    assert (higher.better, higher.worse, higher.significant) == (True, False, True)
    assert (lower.better, lower.worse) == (False, True)
    assert higher.difference == pytest.approx(0.02)
    assert higher.relative == pytest.approx(0.4)
    assert higher.relative_lower is not None
    assert higher.relative_upper is not None
    assert 0 < higher.relative_lower < 0.4 < higher.relative_upper


def test_too_little_gives_no_interval() -> None:
    for sides in (
        {"c": Moments(0), "t": Moments(0)},
        {"c": Moments(1, 1, 1), "t": Moments(1, 0, 0)},
        {"c": Moments(10), "t": Moments(10)},
    ):
        found = compare(sides, "c")
        assert found[1].difference is None
        assert not found[1].significant
    assert compare({"a": Moments(10, 5, 5), "b": Moments(10, 6, 6)}, None)[1].difference is None


def test_large_sums_that_nearly_cancel_keep_their_variance() -> None:
    values = [Decimal("1000000000.0000") + Decimal(number % 2) / 1000 for number in range(100)]
    sides = Moments(100, sum(values), sum(value * value for value in values))
    found = compare({"c": sides, "t": sides}, "c")[1]
    assert found.difference == 0
    assert found.upper == pytest.approx(half_width(2 * float(variance(values)) / 100, 200), rel=1e-9)
