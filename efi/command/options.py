"""The options of `convert`: what no document tells, and a conversion may need."""

import argparse
from fractions import Fraction

from efi.command.forms import Settings


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--calorific-value",
        metavar="J/M3",
        type=_calorific_value,
        help="the energy in a m³ of gas, in J, as 35170000; XML of 2016 tells gas in W",
    )


def settings_of(parsed: argparse.Namespace) -> Settings:
    """What the options say."""
    return Settings(calorific_value=parsed.calorific_value)


def _calorific_value(text: str) -> Fraction:
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if len(text) > 30 or not 10**5 <= value <= 10**9:
        raise argparse.ArgumentTypeError(f"{text!r} is no calorific value; write J in a m³, as 35170000")
    return value
