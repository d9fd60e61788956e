"""The chi-square distribution, and confidence sequences: intervals that hold however often one looks at them."""

from math import exp, inf, lgamma, log, sqrt

#: Significance level of results, and where their intervals are tightest: at about this many entities.
ALPHA = 0.05
TUNING = 5_000


def chi_square_survival(statistic: float, degrees: int) -> float:
    """The probability that a chi-square variable of `degrees` degrees of freedom is above `statistic`."""
    if degrees < 1:
        raise ValueError("the chi-square distribution has one degree of freedom or more")
    return upper_gamma(degrees / 2, statistic / 2) if statistic > 0 else 1.0


def upper_gamma(a: float, x: float) -> float:
    """The regularized upper incomplete gamma function Q(a, x) for a > 0, x ≥ 0.

    Below a + 1 by the power series of P = 1 - Q (DLMF 8.11.4), above by the continued fraction (DLMF 8.9.2) after
    Lentz, where each converges fast.
    """
    if x <= 0:
        return 1.0
    if x == inf:
        return 0.0
    scale = exp(a * log(x) - x - lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        n = a
        while abs(term) > abs(total) * 1e-17:
            n += 1
            term *= x / n
            total += term
        return max(0.0, 1 - total * scale)
    return _fraction(a, x) * scale


def _fraction(a: float, x: float) -> float:
    tiny = 1e-300
    b = x + 1 - a
    c, d = 1 / tiny, 1 / b
    found = d
    for step in range(1, 10_000):
        an = -step * (step - a)
        b += 2
        d = an * d + b
        d = 1 / (d if abs(d) > tiny else tiny)
        c = b + an / c
        c = c if abs(c) > tiny else tiny
        change = c * d
        found *= change
        if abs(change - 1) < 1e-16:
            break
    return found


def half_width(variance: float, entities: int, *, alpha: float = ALPHA, tuning: float = TUNING) -> float:
    """Half the width of the confidence sequence around an estimate of this variance from so many entities.

    The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit
    theory and asymptotic confidence sequences" (arXiv 2103.06476), as GrowthBook's sequential tests use it: the true
    value is inside at all times at once with probability 1 - alpha. `variance` is the squared standard error.
    """
    mixed = entities * _mixing(alpha, tuning)
    return sqrt(variance * 2 * (mixed + 1) / mixed * log(sqrt(mixed + 1) / alpha))


def always_valid_p(
    estimate: float, variance: float, entities: int, *, alpha: float = ALPHA, tuning: float = TUNING
) -> float:
    """The p-value of "the true value is 0" that goes with `half_width`: at most alpha where the interval leaves 0 out.

    It is 1 / e of the e-process behind the sequence, at most 1; alpha only says where it is tightest.
    """
    mixed = entities * _mixing(alpha, tuning)
    evidence = estimate * estimate / variance * mixed / (2 * (mixed + 1))
    return min(1.0, exp(log(mixed + 1) / 2 - evidence))


def _mixing(alpha: float, tuning: float) -> float:
    """ρ², with which the sequence is tightest at `tuning` entities (equation 161 there)."""
    return (-2 * log(alpha) + log(1 - 2 * log(alpha))) / tuning
