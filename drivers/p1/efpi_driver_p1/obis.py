"""What the OBIS codes of P1 telegrams mean: names for people and how the value is written.

Sources: DSMR P1 2.2, 3.0, 4.2.2 and 5.0.2; Fluvius e-MUCS P1 1.7; Luxembourg Smarty P1 (E22); the Swedish branch
recommendation for customer interfaces; E.ON Hungary; IEC 62056-6-1 (OBIS) for what they share.
"""

import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

_CODE = re.compile(
    r"(?:(\d{1,3})-(\d{1,3}):)?([0-9A-Z]{1,3})\.([0-9A-Z]{1,3})(?:\.(\d{1,3}))?(?:[*&](\d{1,3}))?", re.ASCII
)


class Kind(StrEnum):
    """How a value is written."""

    NUMBER = "number"
    """A number with its unit, sometimes after a time stamp."""
    COUNT = "count"
    """A whole number: a counter or a state."""
    TEXT = "text"
    """Text, often with each character as two hexadecimal digits."""
    PLAIN = "plain"
    """Text as it is written."""
    TIME = "time"
    """A time stamp."""
    LOG = "log"
    """A count, what is logged, then a time stamp and a value for each entry."""
    OTHER = "other"
    """Unknown to us: told by its looks."""


class Obis(NamedTuple):
    """An OBIS code in its parts: medium-channel:quantity.processing.tariff."""

    medium: int
    channel: int
    rest: str
    """The code without medium and channel: `1.8.1`."""

    def __str__(self) -> str:
        """The code as the standards write it."""
        return f"{self.medium}-{self.channel}:{self.rest}"


class Meaning(NamedTuple):
    """What a code stands for."""

    name: str
    kind: Kind


def read_obis(text: str) -> Obis | None:
    """The code, or None when the text is none; short codes without medium (`1.8.0`) are taken as electricity."""
    match = _CODE.fullmatch(text)
    if match is None:
        return None
    medium, channel, quantity, processing, tariff, _ = match.groups()
    rest = f"{quantity}.{processing}" if tariff is None else f"{quantity}.{processing}.{tariff}"
    return Obis(1 if medium is None else int(medium), int(channel or 0), rest)


_QUANTITIES = (
    "power imported",
    "power exported",
    "reactive power imported",
    "reactive power exported",
    "reactive power, quadrant 1",
    "reactive power, quadrant 2",
    "reactive power, quadrant 3",
    "reactive power, quadrant 4",
    "apparent power imported",
    "apparent power exported",
    "current",
    "voltage",
    "power factor",
    "frequency",
    "power, import and export added",
    "power, export subtracted from import",
)
"""Groups C = 1 … 16 of IEC 62056-6-1; 20, 40 and 60 more is the same of L1, L2 and L3."""


_COUNTERS = {
    1: "energy imported",
    2: "energy exported",
    3: "reactive energy imported",
    4: "reactive energy exported",
    5: "reactive energy, quadrant 1",
    6: "reactive energy, quadrant 2",
    7: "reactive energy, quadrant 3",
    8: "reactive energy, quadrant 4",
    9: "apparent energy imported",
    10: "apparent energy exported",
    15: "energy, import and export added",
    16: "energy, export subtracted from import",
}
"""The same groups counted over time."""
_LAST_TARIFF = 8
_ELECTRICITY = {
    "0.2.8": Meaning("P1 version", Kind.PLAIN),
    "0.0.0": Meaning("meter number", Kind.PLAIN),
    "1.4.0": Meaning("average power imported in this quarter hour", Kind.NUMBER),
    "2.4.0": Meaning("average power exported in this quarter hour", Kind.NUMBER),
    "1.6.0": Meaning("highest quarter-hour power imported this month", Kind.NUMBER),
    "2.6.0": Meaning("highest quarter-hour power exported this month", Kind.NUMBER),
    "96.5.5": Meaning("meter status", Kind.PLAIN),
    "99.97.0": Meaning("power failure log", Kind.LOG),
}


_NAMED = {
    (11, 4): Meaning("current limit", Kind.NUMBER),
    (12, 32): Meaning("voltage sags", Kind.COUNT),
    (12, 36): Meaning("voltage swells", Kind.COUNT),
}
"""Quantity and processing of further values that each phase has."""


def _measured(rest: str) -> Meaning | None:
    """What a code of the electricity meter's own measurements stands for, by its parts C.D.E."""
    parts = rest.split(".")
    if len(parts) < 3 or not all(part.isdigit() for part in parts):
        return None
    group, processing, tariff = (int(part) for part in parts)
    line, quantity = divmod(group, 20)
    found = _of_quantity(quantity, processing, tariff) if line <= 3 else None
    return Meaning(f"{found.name} L{line}", found.kind) if found and line else found


def _of_quantity(quantity: int, processing: int, tariff: int) -> Meaning | None:
    if processing == 8 and tariff <= _LAST_TARIFF and quantity in _COUNTERS:
        name = _COUNTERS[quantity]
        return Meaning(f"{name}, tariff {tariff}" if tariff else name, Kind.NUMBER)
    if processing == 7 and tariff == 0 and 0 < quantity <= len(_QUANTITIES):
        return Meaning(_QUANTITIES[quantity - 1], Kind.NUMBER)
    return _NAMED.get((quantity, processing)) if tariff == 0 else None


_GENERAL = {
    "1.0.0": Meaning("meter time", Kind.TIME),
    "17.0.0": Meaning("power limit", Kind.NUMBER),
    "42.0.0": Meaning("logical device name", Kind.TEXT),
    "96.1.0": Meaning("equipment identifier", Kind.TEXT),
    "96.1.1": Meaning("equipment identifier", Kind.TEXT),
    "96.1.2": Meaning("connection point (EAN)", Kind.TEXT),
    "96.1.4": Meaning("P1 version", Kind.PLAIN),
    "96.1.255": Meaning("equipment identifier", Kind.PLAIN),
    "96.3.10": Meaning("breaker state (0 open, 1 closed, 2 ready to close)", Kind.COUNT),
    "96.7.9": Meaning("long power failures", Kind.COUNT),
    "96.7.19": Meaning("duration of the last long power failure", Kind.NUMBER),
    "96.7.21": Meaning("power failures", Kind.COUNT),
    "96.13.0": Meaning("text message", Kind.TEXT),
    "96.13.1": Meaning("text message code", Kind.TEXT),
    "96.14.0": Meaning("tariff in force", Kind.COUNT),
    "98.1.0": Meaning("monthly history", Kind.LOG),
} | {f"96.13.{number}": Meaning(f"text message {number}", Kind.TEXT) for number in range(2, 6)}
_MBUS = {
    "24.1.0": Meaning("device type", Kind.COUNT),
    "24.2.0": Meaning("last reading", Kind.NUMBER),
    "24.2.1": Meaning("last reading", Kind.NUMBER),
    "24.2.2": Meaning("last reading", Kind.NUMBER),
    "24.2.3": Meaning("last reading, not temperature-corrected", Kind.NUMBER),
    "24.3.0": Meaning("last reading", Kind.NUMBER),
    "24.4.0": Meaning("valve state (0 closed, 1 open, 2 ready to open)", Kind.COUNT),
    "96.1.0": Meaning("equipment identifier", Kind.TEXT),
    "96.1.1": Meaning("equipment identifier", Kind.TEXT),
    "96.1.2": Meaning("connection point (EAN)", Kind.TEXT),
    "96.3.10": Meaning("breaker state (0 open, 1 closed, 2 ready to close)", Kind.COUNT),
}
_OTHER_MEDIA = {
    "0.0.0": Meaning("equipment identifier", Kind.TEXT),
    "1.0.0": Meaning("last reading", Kind.NUMBER),
    "23.1.0": Meaning("last reading, temperature-corrected", Kind.NUMBER),
    "23.2.0": Meaning("last reading, not temperature-corrected", Kind.NUMBER),
}
"""DSMR 2.1 and 2.2: gas, heat, cold and water meters under their own media."""
MEDIA = {4: "heat cost", 5: "cold", 6: "heat", 7: "gas", 8: "water", 9: "hot water"}
"""Group A of an OBIS code where it is neither abstract (0) nor electricity (1)."""

_UNKNOWN = Meaning("unknown code", Kind.OTHER)


@lru_cache(maxsize=256)
def meaning(code: Obis) -> Meaning:
    """What a code stands for; a code that no table has is `unknown code`, never a failure."""
    if code.medium == 0 and code.channel > 0 and (found := _MBUS.get(code.rest)):
        return Meaning(f"M-Bus {code.channel}: {found.name}", found.kind)
    if code.medium in MEDIA and (found := _OTHER_MEDIA.get(code.rest)):
        return Meaning(f"{MEDIA[code.medium]}: {found.name}", found.kind)
    if code.medium not in (0, 1):
        return _UNKNOWN
    tables = (_GENERAL, _ELECTRICITY) if code.medium == 0 else (_ELECTRICITY, _GENERAL)
    found = tables[0].get(code.rest) or tables[1].get(code.rest) or _measured(code.rest)
    return found or _UNKNOWN
