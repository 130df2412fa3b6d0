"""Numbers that change linearly with a fill level, and their exact course while the level flows linearly itself."""

import math
from typing import NamedTuple, Self

_SMALL = 0.02
"""Below this the closed forms cancel, and their series are exact to the last digits."""


_TINY = 1e-9
"""Below this an exponential and a logarithm are straight lines to the last digit."""

_STILL = 1e-100
"""A slower rate moves nothing, and its square would be no number any more."""


class Affine(NamedTuple):
    """A number that is `at_zero` at fill level zero and grows by `slope` for each unit of the level."""

    at_zero: float = 0.0
    slope: float = 0.0

    @classmethod
    def through(cls, lower: float, upper: float, at_lower: float, at_upper: float) -> Self:
        """The line through its values at two levels; constant where both are one level."""
        if upper <= lower or at_lower == at_upper:
            return cls(at_lower, 0.0)
        slope = (at_upper - at_lower) / (upper - lower)
        return cls(at_lower - slope * lower, slope)

    def at(self, level: float) -> float:
        """The number at a level."""
        return self.at_zero + self.slope * level

    def plus(self, other: "Affine", times: float = 1.0) -> "Affine":
        """The sum with a multiple of another."""
        return Affine(self.at_zero + times * other.at_zero, self.slope + times * other.slope)

    def times(self, factor: float) -> "Affine":
        """A multiple."""
        return Affine(self.at_zero * factor, self.slope * factor)


NOTHING = Affine()


class Course(NamedTuple):
    """A level that starts at `level` and flows at `rate`, which itself grows by `growth` for each unit of level."""

    level: float
    rate: float
    growth: float

    @classmethod
    def along(cls, level: float, flow: Affine) -> Self:
        """The course from a level on under a rate that is linear in it."""
        rate = flow.at(level)
        return cls(level, rate, flow.slope) if abs(rate) > _STILL else cls(level, 0.0, 0.0)

    def at(self, seconds: float) -> float:
        """The level after a time."""
        return self.level + self.rate * seconds * _phi1(self.growth * seconds)

    def time_to(self, level: float) -> float:
        """After how many seconds a level ahead is reached; infinite when it never is."""
        distance = level - self.level
        if self.rate == 0.0 or distance * self.rate < 0.0:
            return math.inf
        ratio = self.growth * distance / self.rate
        if abs(ratio) < _TINY:
            return distance / self.rate * (1 - ratio / 2)
        return math.log1p(ratio) / self.growth if ratio > -1.0 else math.inf

    def rise(self, seconds: float) -> float:
        """The integral over a time of how far the level stands from its start."""
        return self.rate * seconds**2 * _phi2(self.growth * seconds)

    def rise_squared(self, seconds: float) -> float:
        """The integral over a time of the square of how far the level stands from its start."""
        return self.rate**2 * seconds**3 * _phi3(self.growth * seconds)

    def integral(self, of: Affine, seconds: float) -> float:
        """The integral over a time of a number that is linear in the level."""
        return of.at(self.level) * seconds + of.slope * self.rise(seconds)

    def integral_of_product(self, one: Affine, other: Affine, seconds: float) -> float:
        """The integral over a time of the product of two numbers that are linear in the level."""
        here, there = one.at(self.level), other.at(self.level)
        return (
            here * there * seconds
            + (here * other.slope + there * one.slope) * self.rise(seconds)
            + one.slope * other.slope * self.rise_squared(seconds)
        )


def _phi1(z: float) -> float:
    """(e^z - 1) / z, continued to zero."""
    return 1 + z / 2 if abs(z) < _TINY else math.expm1(z) / z


def _phi2(z: float) -> float:
    """(e^z - 1 - z) / z², continued to zero."""
    if abs(z) < _SMALL:
        return 1 / 2 + z / 6 + z**2 / 24 + z**3 / 120 + z**4 / 720 + z**5 / 5040
    return (math.expm1(z) - z) / z**2


def _phi3(z: float) -> float:
    """The integral of (e^(z·t) - 1)² over t from 0 to 1, divided by z² and continued to zero."""
    if abs(z) < _SMALL:
        return 1 / 3 + z / 4 + 7 * z**2 / 60 + z**3 / 24 + 31 * z**4 / 2520 + z**5 / 320
    return (math.expm1(2 * z) / (2 * z) - 2 * math.expm1(z) / z + 1) / z**2
