"""A meter's registers as a flow (models 201 to 204 and 211 to 214)."""

from dataclasses import dataclass
from enum import StrEnum

from efpi_driver_sunspec.chain import Found
from efpi_driver_sunspec.device import Values
from efpi_driver_sunspec.flow import Fact, Flow, energy, events_fact, number_facts, phases

MODELS = frozenset({201, 202, 203, 204, 211, 212, 213, 214})
THREE_PHASE = frozenset({203, 204, 213, 214})

FACTS = (
    ("Hz", "frequency", "Hz"),
    ("PhVphA", "voltage.l1", "V"),
    ("PhVphB", "voltage.l2", "V"),
    ("PhVphC", "voltage.l3", "V"),
    ("AphA", "current.l1", "A"),
    ("AphB", "current.l2", "A"),
    ("AphC", "current.l3", "A"),
    ("VAR", "reactive_power", "var"),
)
POINTS = frozenset({"W", "WphA", "WphB", "WphC", "TotWhExp", "TotWhImp"} | {point for point, _, _ in FACTS})


class Direction(StrEnum):
    """Which way a meter counts. The standard leaves the sign of the power to maker and mounting."""

    IMPORT_POSITIVE = "import_positive"
    """Power drawn from the grid is positive, as with most meters."""
    EXPORT_POSITIVE = "export_positive"
    """Power fed into the grid is positive; the energy counters mean what their names say."""
    REVERSED = "reversed"
    """The meter is mounted the wrong way round: power and energy counters are all exchanged."""


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter, and which way it counts."""

    found: Found
    direction: Direction = Direction.IMPORT_POSITIVE

    @property
    def phase_count(self) -> int:
        """How many phases the model measures."""
        return 3 if self.found.id in THREE_PHASE else 1

    def wanted(self) -> dict[Found, frozenset[str]]:
        """What is read at each poll."""
        return {self.found: POINTS}

    def flow(self, values: Values) -> Flow:
        """What flows through the meter now."""
        reading = values.of(self.found)
        if reading is None:
            return Flow(None)
        sign = 1.0 if self.direction is Direction.IMPORT_POSITIVE else -1.0
        total = reading.number("W")
        by_phase: tuple[float, ...] = ()
        if total is not None and self.phase_count == 3:
            by_phase = tuple(sign * power for power in phases(reading, ("WphA", "WphB", "WphC"), total))
        consumed, produced = energy(reading, "TotWhImp"), energy(reading, "TotWhExp")
        if self.direction is Direction.REVERSED:
            consumed, produced = produced, consumed
        facts: list[Fact] = [*number_facts(reading, FACTS), *events_fact(reading, ("Evt",))]
        return Flow(None if total is None else sign * total, by_phase, consumed, produced, tuple(facts))
