"""The direct-current side of an inverter: which inputs are panels, and what flows into and out of its battery."""

import re
from collections.abc import Sequence
from enum import StrEnum

from efpi_driver_sunspec.reading import Reading

CHARGING = re.compile(r"^st(or)?\.?\s*cha", re.IGNORECASE)
DISCHARGING = re.compile(r"^st(or)?\.?\s*dis", re.IGNORECASE)
BATTERY = re.compile(r"^(bat|ess)", re.IGNORECASE)
"""How makers name a battery's inputs in model 160, which has no type for them; in the widespread kind charging and
discharging are two inputs, `StCha 3` and `StDisCha 4`, both positive."""


class Input(StrEnum):
    """What stands behind an input."""

    PANELS = "panels"
    CHARGING = "charging"
    DISCHARGING = "discharging"
    BATTERY = "battery"
    OTHER = "other"


def kind(reading: Reading) -> Input:
    """What stands behind one input of model 160 (by its name) or one port of model 714 (by its type)."""
    port = reading.word("PrtTyp")
    if port is not None:
        return {"pv": Input.PANELS, "ess": Input.BATTERY}.get(port, Input.OTHER)
    name = reading.text("IDStr") or ""
    if DISCHARGING.match(name):
        return Input.DISCHARGING
    if CHARGING.match(name):
        return Input.CHARGING
    return Input.BATTERY if BATTERY.match(name) else Input.PANELS


SIGN = {Input.CHARGING: 1.0, Input.DISCHARGING: -1.0, Input.BATTERY: -1.0}
"""What a positive power at the input means for the battery: charged (+) or discharged (-). A port of model 714 injects
towards the inverter when it is positive, as the model's energy counters say."""


def battery_w(inputs: Sequence[Reading]) -> float | None:
    """The battery's power, positive when it charges; None when no input is the battery's, or none tells its power."""
    powers = [
        SIGN[what] * power
        for reading in inputs
        if (what := kind(reading)) in SIGN and (power := reading.number("DCW")) is not None
    ]
    return sum(powers) if powers else None


def panels_w(inputs: Sequence[Reading]) -> float | None:
    """The power of all panels in direct current, positive when they produce."""
    powers = [
        power for reading in inputs if kind(reading) is Input.PANELS and (power := reading.number("DCW")) is not None
    ]
    return sum(powers) if powers else None


def has_panels(inputs: Sequence[Reading]) -> bool:
    """Whether any input is one of panels."""
    return any(kind(reading) is Input.PANELS for reading in inputs)
