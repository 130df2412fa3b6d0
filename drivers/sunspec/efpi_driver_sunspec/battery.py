"""A battery's registers as level, power and abilities: models 124, 713 and 802, with ratings of 120 and 702."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from efpi_driver_sunspec.chain import Found
from efpi_driver_sunspec.dc_inputs import battery_w
from efpi_driver_sunspec.device import ALL, Values
from efpi_driver_sunspec.flow import Fact, events_fact, number_facts, word_fact
from efpi_driver_sunspec.inverter import Inverter
from efpi_driver_sunspec.reading import Reading

MODELS = frozenset({124, 713, 802})

LEVELS = ((713, "SoC"), (802, "SoC"), (124, "ChaState"))
"""Where the level stands, in %, the best source first."""

CAPACITIES = ((713, "WHRtg"), (802, "WHRtg"), (120, "WHRtg"))
CHARGE_RATES = ((124, "WChaMax"), (120, "MaxChaRte"), (802, "WChaRteMax"), (702, "WChaRteMax"), (702, "WChaRteMaxRtg"))
DISCHARGE_RATES = (
    (120, "MaxDisChaRte"), (802, "WDisChaRteMax"), (702, "WDisChaRteMax"), (702, "WDisChaRteMaxRtg"), (124, "WChaMax"),
)  # fmt: skip
LOWEST = ((124, "MinRsvPct"), (802, "SoCRsvMin"), (802, "SoCMin"))
HIGHEST = ((802, "SocRsvMax"), (802, "SoCMax"))

LEAST_CAPACITY_WH = 1.0
"""What holds less is no battery of a building, and its level would move without bound."""

FACTS = (
    ("SoH", "health", "%"),
    ("InBatV", "voltage", "V"),
    ("V", "voltage", "V"),
    ("ModTmpAvg", "temperature", "°C"),
)


def first(readings: Mapping[int, Reading], places: Sequence[tuple[int, str]]) -> float | None:
    """The first value above zero among (model, point) places, or None."""
    for model, point in places:
        value = readings[model].number(point) if model in readings else None
        if value is not None and value > 0:
            return value
    return None


@dataclass(frozen=True, slots=True)
class Ratings:
    """What a battery can hold and do; None where the device does not say."""

    capacity_wh: float | None = None
    charge_w: float | None = None
    discharge_w: float | None = None
    lowest: float = 0.0
    """The level in % below which it is not discharged."""
    highest: float = 100.0

    @classmethod
    def of(cls, readings: Mapping[int, Reading]) -> "Ratings":
        """The ratings that the device's models tell, the first good one of each."""
        capacity = first(readings, CAPACITIES)
        if capacity is None and 120 in readings and 124 in readings:
            charge, voltage = readings[120].number("AhrRtg"), readings[124].number("InBatV")
            capacity = charge * voltage if charge and voltage else None
        if capacity is not None and capacity < LEAST_CAPACITY_WH:
            capacity = None
        lowest, highest = first(readings, LOWEST) or 0.0, first(readings, HIGHEST) or 100.0
        sensible = 0 <= lowest < highest <= 100
        return cls(
            capacity,
            first(readings, CHARGE_RATES),
            first(readings, DISCHARGE_RATES),
            lowest if sensible else 0.0,
            highest if sensible else 100.0,
        )


@dataclass(frozen=True, slots=True)
class BatteryState:
    """What a battery does now."""

    level: float | None
    """In %."""
    power_w: float | None
    """Positive when it charges; None when the device does not tell it."""
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery behind an inverter, alone or beside panels."""

    models: Mapping[int, Found]
    """Its storage models, by identifier."""
    inverter: Inverter | None
    alone: bool
    """Nothing but the battery is behind the inverter, so that the inverter's power is the battery's."""
    charging_positive: bool = False
    """Whether model 802 tells charging as positive power; most makers do the opposite."""

    def wanted(self) -> dict[Found, frozenset[str]]:
        """What is read at each poll."""
        wanted = dict.fromkeys(self.models.values(), ALL)
        return (self.inverter.wanted() if self.inverter else {}) | wanted

    def state(self, values: Values) -> BatteryState:
        """What it does now."""
        readings = {model: reading for model, found in self.models.items() if (reading := values.of(found)) is not None}
        level = first(readings, LEVELS)
        if level is None and any(readings[model].number(point) == 0 for model, point in LEVELS if model in readings):
            level = 0.0
        facts: list[Fact] = []
        for reading in readings.values():
            facts += number_facts(reading, FACTS)
            facts += word_fact(reading, ("ChaSt", "Sta"), "status")
            facts += events_fact(reading, ("Evt1",))
        return BatteryState(level, self._power_w(values, readings), _once(facts))

    def _power_w(self, values: Values, readings: Mapping[int, Reading]) -> float | None:
        if self.alone and self.inverter is not None:
            return self.inverter.flow(values).power_w
        if self.inverter is not None and self.inverter.inputs is not None:
            power = battery_w(values.repeated(self.inverter.inputs))
            if power is not None:
                return power
        bank = readings[802].number("W") if 802 in readings else None
        if bank is None:
            return None
        return bank if self.charging_positive else 0.0 - bank


def _once(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """The facts with each quantity told once, by the first model that tells it."""
    kept: dict[str, Fact] = {}
    for fact in facts:
        kept.setdefault(fact.quantity, fact)
    return tuple(kept.values())
