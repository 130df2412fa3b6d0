"""What S2's one label of a fill level says: what it is, and in which unit."""

import re
from typing import NamedTuple

UNITS = frozenset(
    ("%", "J", "kJ", "MJ", "Wh", "kWh", "MWh", "°C", "K", "l", "L", "m³", "m3", "kg", "m", "cm", "km", "Pa", "bar")
)
"""A fill-level label that is one of these is the unit itself."""

_WITH_UNIT = re.compile(r"(?P<label>.*?) ?\[(?P<unit>[^\[\]]+)\]", re.DOTALL)


class LevelWords(NamedTuple):
    """What a fill level is, and in which unit, for people."""

    label: str
    unit: str


def level_words(text: str) -> LevelWords:
    """What S2's one label says of the fill level: its unit alone, or `state of charge [%]`."""
    if text in UNITS:
        return LevelWords("", text)
    found = _WITH_UNIT.fullmatch(text)
    return LevelWords(found["label"], found["unit"]) if found is not None else LevelWords(text, "")
