"""Numbers in one unit and their text in another, without a rounding on the way there and back."""

from decimal import Context, Decimal
from fractions import Fraction

_LONGEST_EXACT = 100
"""A text with more characters is read as the float that it is; nobody measures that finely."""

_FINE = Context(prec=25)


def scaled(text: str, factor: Fraction) -> float:
    """The float nearest to the number of a text times a factor; infinite or NaN where the text is so."""
    number = float(text)
    if number == 0 or number - number != 0:
        return number * (1 if factor > 0 else -1)
    exact = Fraction(Decimal(text)) if len(text) <= _LONGEST_EXACT else Fraction(number)
    try:
        return float(exact * factor)
    except OverflowError:
        return number * float("inf")


def scaled_text(value: float, factor: Fraction) -> str:
    """A text of which `scaled` makes this very number, as short as it can be found."""
    if value == 0:
        return repr(value * (1 if factor > 0 else -1))
    exact = Fraction(value) / factor
    short = repr(float(exact))
    if scaled(short, factor) == value:
        return short
    return str(_FINE.divide(Decimal(exact.numerator), Decimal(exact.denominator)))
