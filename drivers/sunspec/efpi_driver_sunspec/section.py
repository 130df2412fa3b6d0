"""What stands behind a part of a chain: an inverter, a battery, meters, and how each can be controlled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from efpi_driver_sunspec import battery as batteries
from efpi_driver_sunspec import inverter as inverters
from efpi_driver_sunspec import meter as meters
from efpi_driver_sunspec.battery import Battery, Ratings, first
from efpi_driver_sunspec.chain import Found
from efpi_driver_sunspec.dc_inputs import has_panels
from efpi_driver_sunspec.device import ALL, Values
from efpi_driver_sunspec.inverter import Inverter
from efpi_driver_sunspec.meter import Direction, Meter
from efpi_driver_sunspec.reading import Reading

RATED = ((702, "WMax"), (121, "WMax"), (702, "WMaxRtg"), (120, "WRtg"))
"""What an inverter can give: the setting that percentages refer to before the nameplate."""

NAMEPLATES = frozenset({1, 120, 121, 123, 702, 704})

Behind = Literal["auto", "panels", "battery", "both"]
"""What is behind an inverter, where the device does not tell."""


@dataclass(frozen=True, slots=True)
class Identity:
    """How a device introduces itself; strings are cleaned, and still the device's word only."""

    maker: str | None = None
    product: str | None = None
    serial: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One device of a chain."""

    identity: Identity
    models: Mapping[int, Found]
    """The first of each identifier."""
    readings: Mapping[int, Reading]
    """Their values when the device was looked at."""
    inverter: Inverter | None
    """An inverter with panels behind it."""
    battery: Battery | None
    ratings: Ratings
    meters: tuple[Meter, ...]


def interest(models: Sequence[Found]) -> dict[Found, frozenset[str]]:
    """The models that tell what a device is, to be read whole when it is looked at."""
    known = {*inverters.MODELS, *inverters.INPUT_MODELS, *batteries.MODELS, *NAMEPLATES}
    return {found: ALL for found in models if found.id in known}


def identify(
    models: Sequence[Found], values: Values, behind: Behind = "auto", direction: Direction = Direction.IMPORT_POSITIVE
) -> Section:
    """What one section of a chain is, from the values of the models that tell it."""
    by_id: dict[int, Found] = {}
    for found in models:
        by_id.setdefault(found.id, found)
    readings = {number: reading for number, found in by_id.items() if (reading := values.of(found)) is not None}
    inverter = _inverter(by_id, readings)
    stores = {number: found for number, found in by_id.items() if number in batteries.MODELS}
    panels = inverter is not None and _panels(by_id, readings, values, behind, bool(stores))
    battery = None
    if stores and behind != "panels":
        battery = Battery(stores, inverter, alone=not panels)
    return Section(
        identity=_identity(readings.get(1)),
        models=by_id,
        readings=readings,
        inverter=inverter if panels else None,
        battery=battery,
        ratings=Ratings.of(readings),
        meters=tuple(Meter(found, direction) for found in models if found.id in meters.MODELS),
    )


def _identity(common: Reading | None) -> Identity:
    if common is None:
        return Identity()
    return Identity(common.text("Mn"), common.text("Md"), common.text("SN"), common.text("Vr"))


def _inverter(by_id: Mapping[int, Found], readings: Mapping[int, Reading]) -> Inverter | None:
    number = next((number for number in inverters.MODELS if number in by_id), None)
    if number is None:
        return None
    inputs = next((by_id[model] for model in inverters.INPUT_MODELS if model in by_id), None)
    phase = readings[121].word("ConnPh") if 121 in readings else None
    return Inverter(by_id[number], inputs, first(readings, RATED), phase)


def _panels(
    by_id: Mapping[int, Found], readings: Mapping[int, Reading], values: Values, behind: Behind, stores: bool
) -> bool:
    """Whether panels are behind the inverter: as configured, else as the device tells, else as is usual."""
    if behind != "auto":
        return behind in ("panels", "both")
    if not stores:
        return True
    inputs = [
        reading for model in inverters.INPUT_MODELS if model in by_id for reading in values.repeated(by_id[model])
    ]
    if inputs:
        return has_panels(inputs)
    if 120 in readings and readings[120].word("DERTyp") in ("pv", "pv_stor"):
        return True
    return 701 not in by_id
