"""Numbers as whole millionths, in which sums are exact: sums over quarter hours equal sums over days to the last digit.

A number counts as the decimal that it is written as: 0.1 is a hundred thousand millionths, whatever its bits say.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal

DIGITS = 6

MILLION = 1_000_000

_EXACT = Context(prec=400, rounding=ROUND_HALF_EVEN, Emax=999_999, Emin=-999_999)
"""Wide enough for every float: 309 digits before the point."""

_SURE = 1e6
"""Below, a product with a million is off by less than 0.001."""

_NEAR_TIE = 0.49


def micro(value: float) -> int:
    """A number in millionths, to the nearest, ties to even. It must be finite."""
    if isinstance(value, int):
        return int(value) * MILLION
    return int(Decimal(repr(value)).scaleb(DIGITS, _EXACT).to_integral_value(ROUND_HALF_EVEN, _EXACT))


def micros(values: Sequence[float]) -> list[int]:
    """Many at once: by floating point where that is sure to give the same."""
    return [_quick(value) for value in values]


def _quick(value: float) -> int:
    if type(value) is float and -_SURE < value < _SURE:
        product = value * MILLION
        nearest = round(product)
        if -_NEAR_TIE < product - nearest < _NEAR_TIE:
            return nearest
    return micro(value)


def from_micro(amount: int) -> float:
    """Millionths as a number; the nearest float, infinite when there is none so large."""
    try:
        return amount / MILLION
    except OverflowError:
        return float("inf") if amount > 0 else float("-inf")


def kept(amount: int) -> int | str:
    """As SQLite keeps it: whole numbers of more than 63 bits are texts there."""
    return amount if -(1 << 63) <= amount < 1 << 63 else str(amount)
