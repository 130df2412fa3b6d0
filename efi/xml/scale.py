"""Numbers in one unit and their text in another, without a rounding on the way there and back."""

from decimal import Context, Decimal
from fractions import Fraction

ONE = Fraction(1)
"""The factor between a unit and itself."""

_LONGEST_EXACT = 100
"""A text with more characters is read as the float that it is; nobody measures that finely."""

_LEAST_EXPONENT = -400

_FINE = Context(prec=25)


def scaled(text: str, factor: Fraction) -> float:
    """The float nearest to the number of a text times a factor; infinite or NaN where the text is so."""
    number = float(text)
    if number - number != 0 or (number == 0 and (len(text) > _LONGEST_EXACT or _is_nothing(Decimal(text)))):
        return number * (1 if factor > 0 else -1)
    exact = Fraction(Decimal(text)) if len(text) <= _LONGEST_EXACT else Fraction(number)
    try:
        return float(exact * factor)
    except OverflowError:
        return number * float("inf")


def _is_nothing(number: Decimal) -> bool:
    """Whether a number that is 0 as a float stays so under any factor of a unit."""
    return number.is_zero() or number.adjusted() < _LEAST_EXPONENT


def scaled_text(value: float, factor: Fraction) -> str:
    """A text of which `scaled` makes this very number, as short as it can be found."""
    if value == 0:
        return repr(value * (1 if factor > 0 else -1))
    exact = Fraction(value) / factor
    short = repr(float(exact))
    if scaled(short, factor) == value:
        return short
    return str(_FINE.divide(Decimal(exact.numerator), Decimal(exact.denominator)))
