"""An inverter's registers as a flow: models 101 to 103, 111 to 113, and 701."""

from dataclasses import dataclass

from efpi_driver_sunspec.chain import Found
from efpi_driver_sunspec.dc_inputs import panels_w
from efpi_driver_sunspec.device import ALL, Values
from efpi_driver_sunspec.flow import Fact, Flow, energy, events_fact, number_facts, phases, word_fact

MODELS = (701, 113, 112, 111, 103, 102, 101)
"""By preference, where a device has several: the newest first, floating point before integers."""

INPUT_MODELS = (714, 160)
"""Measurements on the direct-current side."""

THREE_PHASE = frozenset({103, 113})
ONE_PHASE = frozenset({101, 111})

FACTS = (
    ("Hz", "frequency", "Hz"),
    ("PhVphA", "voltage.l1", "V"),
    ("PhVphB", "voltage.l2", "V"),
    ("PhVphC", "voltage.l3", "V"),
    ("VL1", "voltage.l1", "V"),
    ("VL2", "voltage.l2", "V"),
    ("VL3", "voltage.l3", "V"),
    ("VAr", "reactive_power", "var"),
    ("Var", "reactive_power", "var"),
    ("TmpCab", "temperature", "°C"),
    ("ThrotPct", "throttled", "%"),
)
STATES = ("InvSt", "St")
EVENTS = ("Evt1", "EvtVnd1", "Alrm")
POINTS = frozenset(
    {"W", "WL1", "WL2", "WL3", "WH", "TotWhInj", "TotWhAbs", "ACType"}
    | {point for point, _, _ in FACTS}
    | {*STATES, *EVENTS}
)


@dataclass(frozen=True, slots=True)
class Inverter:
    """An inverter on the alternating-current side; what is behind it, panels or a battery, is not its business."""

    found: Found
    inputs: Found | None = None
    """The model that tells what flows on the direct-current side."""
    rated_w: float | None = None
    """What it can give at most: the limits of its controls are in percent of this."""
    connected_phase: str | None = None
    """The phase that a single-phase inverter says it is on: "a", "b" or "c"."""

    def wanted(self) -> dict[Found, frozenset[str]]:
        """What is read at each poll."""
        wanted = {self.found: POINTS}
        if self.inputs is not None:
            wanted[self.inputs] = ALL
        return wanted

    def flow(self, values: Values) -> Flow:
        """What the inverter takes from the grid (+) or gives to it (-), the battery behind it included."""
        reading = values.of(self.found)
        if reading is None:
            return Flow(None)
        produced_w = reading.number("W")
        power_w = None if produced_w is None else 0.0 - produced_w
        by_phase: tuple[float, ...] = ()
        if produced_w is not None and reading.word("ACType") == "three_phase":
            by_phase = tuple(0.0 - power for power in phases(reading, ("WL1", "WL2", "WL3"), produced_w))
        produced = energy(reading, "WH") or energy(reading, "TotWhInj")
        facts = (*number_facts(reading, FACTS), *word_fact(reading, STATES, "status"), *events_fact(reading, EVENTS))
        return Flow(power_w, by_phase, energy(reading, "TotWhAbs"), produced, (*facts, *self._direct_current(values)))

    def _direct_current(self, values: Values) -> tuple[Fact, ...]:
        panels = None if self.inputs is None else panels_w(values.repeated(self.inputs))
        return () if panels is None else (Fact("panels", "W", "number", panels),)
