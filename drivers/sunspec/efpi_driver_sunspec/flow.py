"""What a part of a device does now, in the gateway's terms: power, energy, and facts for people."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from efpi_core.plugin.observation import ObservedValue
from efpi_driver_sunspec.reading import Reading
from efpi_driver_sunspec.registers import ACCUMULATORS, UNSIGNED

PHASE_MISMATCH_W = 20.0
PHASE_MISMATCH = 0.05
"""How far the sum of the phases may be from the total before the phases are not believed."""


@dataclass(frozen=True, slots=True)
class Energy:
    """A counter's reading in Wh, and where the counter runs over."""

    reading_wh: float
    modulus_wh: float = math.inf


@dataclass(frozen=True, slots=True)
class Fact:
    """A value beyond power and energy, to be observed."""

    quantity: str
    """Its name behind the appliance's: `status`, `voltage.l1`."""
    unit: str
    kind: str
    """As in an observation's declaration: number, state, text."""
    value: ObservedValue


@dataclass(frozen=True, slots=True)
class Flow:
    """Power is positive when consumed; None when the device does not tell it."""

    power_w: float | None
    phases_w: tuple[float, ...] = ()
    """Power on L1, L2 and L3 when the device tells it, or nothing."""
    consumed: Energy | None = None
    produced: Energy | None = None
    facts: tuple[Fact, ...] = field(default=())


def energy(reading: Reading | None, name: str) -> Energy | None:
    """A counter's energy, or None when the device does not have it."""
    value = None if reading is None else reading.number(name)
    if reading is None or value is None or value < 0:
        return None
    kind, exponent = reading.kind(name), reading.exponent(name) or 0
    size = ACCUMULATORS.get(kind) or UNSIGNED.get(kind)
    return Energy(value, math.inf if size is None else 2.0 ** (16 * size) * 10.0**exponent)


def phases(reading: Reading, names: Sequence[str], total_w: float) -> tuple[float, ...]:
    """The power on three phases as the device says, unless it does not know or the sum belies it."""
    values = [reading.number(name) for name in names]
    known = tuple(value for value in values if value is not None)
    if len(known) != len(names) or abs(sum(known) - total_w) > PHASE_MISMATCH_W + PHASE_MISMATCH * abs(total_w):
        return ()
    return known


def number_facts(reading: Reading, wanted: Sequence[tuple[str, str, str]]) -> list[Fact]:
    """The numbers that the device has, of the `wanted`: point, quantity, unit."""
    return [
        Fact(quantity, unit, "number", value)
        for point, quantity, unit in wanted
        if (value := reading.number(point)) is not None
    ]


def word_fact(reading: Reading, points: Sequence[str], quantity: str) -> list[Fact]:
    """An enumeration's word under the first of the points that the device has."""
    words = [word for point in points if (word := reading.word(point)) is not None]
    return [Fact(quantity, "", "state", words[0])] if words else []


def events_fact(reading: Reading, points: Sequence[str]) -> list[Fact]:
    """All events and alarms that the device reports, as one text; empty when all is well."""
    present = [point for point in points if reading.implements(point)]
    if not present:
        return []
    return [Fact("events", "", "text", ", ".join(word for point in present for word in reading.words(point)))]
