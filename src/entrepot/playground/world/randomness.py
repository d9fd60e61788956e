"""Draws that are functions of what they are for, and distributions that are tables.

A draw is a keyed hash (the SplitMix64 finalizer, Steele et al. 2014) of the number of the thing that it decides on.
There is no stream that could be read in another order: the same seed decides the same thing in the same way, however
the work is cut into parts, days or batches. Distributions are tables of quantiles, rounded and interpolated with
additions and multiplications only, since `exp` and `log` differ in their last bit between processors.
"""

import hashlib
import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Units = NDArray[np.uint64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def number(values: Ints | Units) -> Units:
    """Numbers of things as the unsigned words that draws are made of."""
    return values.astype(np.uint64)


class Draws:
    """The draws of one world."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._keys: dict[str, np.uint64] = {}

    def _key(self, purpose: str) -> np.uint64:
        found = self._keys.get(purpose)
        if found is None:
            digest = hashlib.blake2b(f"{self.seed}/{purpose}".encode(), digest_size=8).digest()
            found = self._keys[purpose] = np.uint64(int.from_bytes(digest, "big"))
        return found

    def bits(self, purpose: str, units: Ints | Units) -> Units:
        """64 bits for each unit."""
        word = units.astype(np.uint64)  # a copy, worked on in place
        word *= _GOLDEN
        word ^= self._key(purpose)
        word ^= word >> np.uint64(30)
        word *= _FIRST
        word ^= word >> np.uint64(27)
        word *= _SECOND
        word ^= word >> np.uint64(31)
        return word

    def uniform(self, purpose: str, units: Ints | Units) -> Floats:
        """A number in [0, 1) for each unit."""
        return (self.bits(purpose, units) >> np.uint64(11)).astype(np.float64) * (2.0**-53)

    def chance(self, purpose: str, units: Ints | Units, probability: float | Floats) -> Flags:
        """True with the given probability, for each unit."""
        return np.asarray(self.uniform(purpose, units) < probability)

    def below(self, purpose: str, units: Ints | Units, bound: int | Ints) -> Ints:
        """An integer in [0, bound) for each unit."""
        return np.asarray(self.uniform(purpose, units) * bound).astype(np.int64)


class Quantiles:
    """A distribution as its values at equally spaced probabilities."""

    def __init__(self, values: Sequence[float]) -> None:
        self._values = np.array([float(f"{value:.9g}") for value in values])
        self._steps = np.diff(self._values, append=self._values[-1])
        self._last = len(values) - 1

    def __call__(self, uniform: Floats) -> Floats:
        position = uniform * self._last
        index = position.astype(np.int64)
        return np.asarray(self._values[index] + (position - index) * self._steps[index])


_KNOTS = 2048


def _probabilities() -> list[float]:
    return [min(max(knot / _KNOTS, 0.25 / _KNOTS), 1 - 0.25 / _KNOTS) for knot in range(_KNOTS + 1)]


def normal(mean: float = 0.0, deviation: float = 1.0) -> Quantiles:
    """The normal distribution, cut off at about 3.7 deviations."""
    return Quantiles([mean + deviation * NormalDist().inv_cdf(p) for p in _probabilities()])


def log_normal(median: float, sigma: float) -> Quantiles:
    """The log-normal distribution: `sigma` is the deviation of the logarithm."""
    return Quantiles([median * math.exp(sigma * NormalDist().inv_cdf(p)) for p in _probabilities()])


def exponential(mean: float) -> Quantiles:
    """The exponential distribution."""
    return Quantiles([-mean * math.log1p(-p) for p in _probabilities()])


def pareto(shape: float, most: float) -> Quantiles:
    """A Pareto distribution cut off at `most` times its least value, scaled to a mean of 1: Zipf's law for ranks."""
    values = [min((1 - p) ** (-1 / shape), most) for p in _probabilities()]
    mean = sum(values) / len(values)
    return Quantiles([value / mean for value in values])


class Choice:
    """One of several things by weight."""

    def __init__(self, weights: Sequence[float]) -> None:
        total = sum(weights)
        self._bounds = np.cumsum([weight / total for weight in weights])[:-1]

    def __call__(self, uniform: Floats) -> Ints:
        return np.searchsorted(self._bounds, uniform, side="right").astype(np.int64)
