"""The options of `convert`: what no document tells, and a conversion may need."""

import argparse
from fractions import Fraction
from pathlib import Path

from efi.command.forms import Settings
from efi.s2.profile import Profile
from efi.xml.name_file import read_names
from efi.xml.names import NameTable


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--calorific-value",
        metavar="J/M3",
        type=_calorific_value,
        help="the energy in a m³ of gas, in J, as 35170000; XML of 2016 tells gas in W",
    )
    parser.add_argument(
        "--profile",
        choices=[profile.value for profile in Profile],
        help="the profile of S2; without it both are read, and the newer is written",
    )
    parser.add_argument(
        "--fill-level-unit", metavar="UNIT", help="the unit of fill levels that S2 tells without one, as %% or J"
    )
    parser.add_argument(
        "--names",
        metavar="FILE",
        type=Path,
        help="which numbers stand for which names in XML; read where it exists, and kept",
    )


def settings_of(parsed: argparse.Namespace) -> Settings:
    """What the options say. Raises NameFileError for a file of names that is none."""
    names = read_names(parsed.names) if parsed.names is not None and parsed.names.exists() else NameTable()
    profile = None if parsed.profile is None else Profile(parsed.profile)
    return Settings(parsed.calorific_value, names, profile, parsed.fill_level_unit)


def _calorific_value(text: str) -> Fraction:
    try:
        value = Fraction(text) if len(text) <= _LONGEST else Fraction(0)
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if not _LEAST <= value <= _MOST:
        raise argparse.ArgumentTypeError(f"{text[:_LONGEST]!r} is no calorific value; write J in a m³, as 35170000")
    return value


_LONGEST = 30
_LEAST, _MOST = 10**5, 10**9
"""J in a m³: hydrogen at the thinnest, and any gas under pressure."""
