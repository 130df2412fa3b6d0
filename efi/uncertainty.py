"""Numbers that are only known within bands: the five points of EFI and the limits of S2."""

import math
from collections.abc import Iterable
from typing import Self

from pydantic import model_validator

from efi.commodity import CommodityQuantity
from efi.types import Model, Number, NumberRange, violated

SIGMAS_95 = 2.0
"""How many standard deviations EFI's 95 % band extends to either side of the mean."""


class UncertainValue(Model):
    """An expected number with, as far as known, the bands that hold it with 68 %, with 95 % and with certainty."""

    expected: Number
    """The mean."""
    lower_68: Number | None = None
    """Lower end of the 68 % band."""
    upper_68: Number | None = None
    """Upper end of the 68 % band."""
    lower_95: Number | None = None
    """Lower end of the 95 % band."""
    upper_95: Number | None = None
    """Upper end of the 95 % band."""
    lower_limit: Number | None = None
    """The number is never below this."""
    upper_limit: Number | None = None
    """The number is never above this."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        rising = (
            self.lower_limit,
            self.lower_95,
            self.lower_68,
            self.expected,
            self.upper_68,
            self.upper_95,
            self.upper_limit,
        )
        last = -math.inf
        for bound in rising:
            if bound is None:
                continue
            if bound < last:
                raise violated(
                    "bands_not_ordered",
                    "{bound} lies below {last}; order the bounds as limit, 95 %, 68 %, expected, 68 %, 95 %, limit",
                    bound=bound,
                    last=last,
                )
            last = bound
        return self

    @classmethod
    def certain(cls, value: float) -> Self:
        """A number without any doubt about it."""
        return cls(expected=value)

    @classmethod
    def normal(cls, mean: float, sigma: float) -> Self:
        """A normally distributed number, whose 68 % band is one sigma and 95 % band two sigmas wide to either side."""
        spread = SIGMAS_95 * sigma
        return cls(
            expected=mean,
            lower_68=mean - sigma,
            upper_68=mean + sigma,
            lower_95=mean - spread,
            upper_95=mean + spread,
        )

    @property
    def sigma(self) -> float:
        """The standard deviation: half the 68 % band, else a quarter of the 95 % band, else 0."""
        if self.lower_68 is not None and self.upper_68 is not None:
            return (self.upper_68 - self.lower_68) / 2
        if self.lower_95 is not None and self.upper_95 is not None:
            return (self.upper_95 - self.lower_95) / (2 * SIGMAS_95)
        return 0.0

    def band(self, probability: int) -> NumberRange:
        """The band that holds the number with 68, 95 or 100 %; the nearest one known when that one is not told."""
        pairs = {
            68: ((self.lower_68, self.upper_68),),
            95: ((self.lower_95, self.upper_95), (self.lower_68, self.upper_68)),
            100: ((self.lower_limit, self.upper_limit), (self.lower_95, self.upper_95), (self.lower_68, self.upper_68)),
        }
        if probability not in pairs:
            raise ValueError(f"a band is told for 68, 95 or 100 %, not for {probability}")
        lower = next((low for low, _ in pairs[probability] if low is not None), self.expected)
        upper = next((high for _, high in pairs[probability] if high is not None), self.expected)
        return NumberRange(lower=lower, upper=upper)

    @property
    def known(self) -> dict[str, float]:
        """The mean and the bounds that are told, by name."""
        bounds = ((name, getattr(self, name)) for name in _MIRROR)
        return {name: bound for name, bound in bounds if bound is not None}

    def scaled(self, by: float) -> "UncertainValue":
        """The same number in another unit or of another size; a negative scale turns the bands round."""
        if by < 0:
            return _uncertain({_MIRROR[name]: bound * by for name, bound in self.known.items()})
        return _uncertain({name: bound * by for name, bound in self.known.items()})

    @staticmethod
    def mean(weighted: Iterable[tuple["UncertainValue", float]]) -> "UncertainValue":
        """The mean of numbers that err together, each with its weight, as of one forecast's neighbouring intervals.

        A bound that is not told counts as the next one inwards.
        """
        weighted = tuple(weighted)
        whole = math.fsum(weight for _, weight in weighted)
        told = [(value.known, value._filled(), weight / whole) for value, weight in weighted]
        names = {name for known, _, _ in told for name in known}
        return _uncertain({name: math.fsum(filled[name] * share for _, filled, share in told) for name in names})

    def _filled(self) -> dict[str, float]:
        filled = self.known
        for side in (("lower_68", "lower_95", "lower_limit"), ("upper_68", "upper_95", "upper_limit")):
            inner = self.expected
            for name in side:
                inner = filled.setdefault(name, inner)
        return filled

    @staticmethod
    def sum(values: "Iterable[UncertainValue]") -> "UncertainValue":
        """The sum of independent numbers: means and limits add, and so do variances (normal bands)."""
        values = tuple(values)
        if len(values) == 1:
            return _uncertain(values[0].known)
        mean = math.fsum(value.expected for value in values)
        sigma = math.sqrt(math.fsum(value.sigma**2 for value in values))
        limits = {
            name: math.fsum(getattr(value, name) for value in values)
            for name in ("lower_limit", "upper_limit")
            if values and all(getattr(value, name) is not None for value in values)
        }
        bands = {
            "lower_95": mean - SIGMAS_95 * sigma,
            "lower_68": mean - sigma,
            "upper_68": mean + sigma,
            "upper_95": mean + SIGMAS_95 * sigma,
        }
        least, most = limits.get("lower_limit", -math.inf), limits.get("upper_limit", math.inf)
        held = {name: min(max(bound, least), most) for name, bound in bands.items()} if sigma else {}
        return _uncertain({"expected": mean, **held, **limits})


def _uncertain(bounds: dict[str, float]) -> UncertainValue:
    """A number that was reckoned from checked ones and needs no check."""
    return UncertainValue.model_construct(None, **bounds)


_MIRROR = {
    "expected": "expected",
    "lower_68": "upper_68",
    "upper_68": "lower_68",
    "lower_95": "upper_95",
    "upper_95": "lower_95",
    "lower_limit": "upper_limit",
    "upper_limit": "lower_limit",
}


class UncertainPower(UncertainValue):
    """An expected amount of one quantity, with its bands."""

    quantity: CommodityQuantity
    """What is told, and with it the unit."""
