"""A number with its unit as a meter writes it, and the same in SI units without prefixes, exactly."""

import re
from decimal import Decimal
from typing import NamedTuple

Number = int | Decimal
"""An exact number: an int where it is whole."""

_NUMBER = re.compile(r"[+-]?(?:\d{1,20}(?:[.,]\d{0,12})?|[.,]\d{1,12})", re.ASCII)
_UNIT = re.compile(r"[^\s*()]{1,12}")

_KILO, _MEGA, _GIGA, _HOUR = 1_000, 1_000_000, 1_000_000_000, 3_600

_UNITS: dict[str, tuple[str, Decimal]] = {
    unit: (si, Decimal(factor))
    for unit, si, factor in (
        ("W", "W", 1),
        ("kW", "W", _KILO),
        ("MW", "W", _MEGA),
        ("Wh", "J", _HOUR),
        ("kWh", "J", _KILO * _HOUR),
        ("MWh", "J", _MEGA * _HOUR),
        ("J", "J", 1),
        ("kJ", "J", _KILO),
        ("MJ", "J", _MEGA),
        ("GJ", "J", _GIGA),
        ("V", "V", 1),
        ("kV", "V", _KILO),
        ("A", "A", 1),
        ("mA", "A", "0.001"),
        ("var", "var", 1),
        ("kvar", "var", _KILO),
        ("Mvar", "var", _MEGA),
        ("varh", "var.s", _HOUR),
        ("kvarh", "var.s", _KILO * _HOUR),
        ("Mvarh", "var.s", _MEGA * _HOUR),
        ("VA", "VA", 1),
        ("kVA", "VA", _KILO),
        ("MVA", "VA", _MEGA),
        ("VAh", "VA.s", _HOUR),
        ("kVAh", "VA.s", _KILO * _HOUR),
        ("m3", "m3", 1),
        ("m³", "m3", 1),
        ("dm3", "m3", "0.001"),
        ("l", "m3", "0.001"),
        ("Hz", "Hz", 1),
        ("s", "s", 1),
        ("min", "s", 60),
        ("h", "s", _HOUR),
        ("C", "degC", 1),
        ("degC", "degC", 1),
        ("°C", "degC", 1),
        ("%", "%", 1),
    )
}
_LOOSE = {unit.casefold(): found for unit, found in reversed(_UNITS.items()) if unit not in {"MW", "MWh", "MJ", "Mvar"}}
"""Units in letters of the wrong case; mega is left out, since `mw` could be a thousandth as well."""


class Quantity(NamedTuple):
    """A number and its unit."""

    value: Number
    """In `unit`, exact."""
    unit: str | None
    """W, J, V, A, m3, s, Hz, var, VA, var.s, VA.s, degC; an unknown unit as the meter wrote it; None without one."""


def exact(number: Decimal) -> Number:
    """The same number, as an int where it is whole."""
    return int(number) if number == number.to_integral_value() else number.normalize()


def read_number(text: str) -> Decimal | None:
    """A number in a meter's writing: leading zeros, a sign, missing decimals or a decimal comma."""
    text = text.strip()
    if _NUMBER.fullmatch(text) is None:
        return None
    return Decimal(text.replace(",", "."))


def si(number: Decimal, unit: str | None) -> Quantity:
    """A number normalised to the SI unit without prefix; an unknown unit is kept."""
    if unit is None:
        return Quantity(exact(number), None)
    known = _UNITS.get(unit) or _LOOSE.get(unit.casefold())
    if known is None:
        return Quantity(exact(number), unit)
    name, factor = known
    return Quantity(exact(number * factor), name)


def read_quantity(text: str) -> Quantity | None:
    """What `003432.827*kWh` says, in SI units; None when it is no number with a unit."""
    digits, star, unit = text.partition("*")
    number = read_number(digits)
    unit = unit.strip()
    if number is None or (star and _UNIT.fullmatch(unit) is None):
        return None
    return si(number, unit or None)
