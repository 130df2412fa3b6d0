"""Observations: named, unit-carrying values that any plugin reports and any component may follow."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

ObservedValue = float | int | bool | str | None
"""A value as observed; None when it is not known."""


class Quality(StrEnum):
    """How far a value can be trusted."""

    GOOD = "good"
    """As measured, recently."""
    STALE = "stale"
    """It was good, and no newer one came in the time that was promised."""
    UNKNOWN = "unknown"
    """Never known, or known to be wrong."""


@dataclass(frozen=True, slots=True)
class ObservationSpec:
    """What an observation is, told before its first value.

    `name` is its full name, `<appliance or instance>.<quantity>`, as `battery.fill_level`.
    """

    name: str
    unit: str = ""
    kind: str = "number"
    """One of number, counter, state, text, switch."""
    title: str = ""
    expected_every_s: float | None = None
    """How often a new value is promised; after three times that span the value is stale."""
    modulus: float | None = None
    """Of a counter: the value at which it begins at 0 again, if it is known."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One value with its circumstances."""

    name: str
    value: ObservedValue
    unit: str
    quality: Quality
    at: datetime


def matches(pattern: tuple[str, ...], parts: list[str]) -> bool:
    """Whether a dotted name fits a pattern in which `*` stands for any one part."""
    return len(pattern) == len(parts) and all(
        wanted in ("*", part) for wanted, part in zip(pattern, parts, strict=True)
    )
