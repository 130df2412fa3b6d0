"""Which weather and which household use an appliance meets: decided by the site alone, so that it repeats itself."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from efpi_driver_simulated.household import BuiltInUse
from efpi_driver_simulated.local_days import LocalDays
from efpi_driver_simulated.sun import Place
from efpi_driver_simulated.table import Table, read_table, use_name, weather_name
from efpi_driver_simulated.weather import BuiltInWeather, TableWeather, Weather
from efpi_driver_simulated.worker import DEADLINE_S, table_at, table_while_time_stands

Tables = Literal["auto", "built_in", "made"]

SHIPPED = Path(__file__).parent / "data"
SHIPPED_PLACE = Place(50.85, 4.35)
SHIPPED_ZONE = "Europe/Brussels"
NEAR_DEG = 0.5
"""Within so many degrees the weather of the shipped tables is the place's own."""
TYPICAL_YEAR = 2025
TYPICAL_SEED = 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the settings of an instance ask for."""

    tables: Tables = "auto"
    seed: int = TYPICAL_SEED
    directory: Path | None = None
    """Where made tables are kept; None for the user's cache directory."""
    deadline_s: float = DEADLINE_S
    time_stands: bool = False
    """Whether this is a simulation, whose time must not go on while a table is made."""

    def kept_in(self) -> Path:
        """The directory of made tables."""
        return self.directory or Path.home() / ".cache" / "efpi" / "tables"


async def weather_of(place: Place, wanted: Wanted) -> Weather:
    """The weather of a place.

    With "auto" the shipped table where it belongs, else the built-in model; with "made" a table that the worker made,
    for which this waits. Raises NoTableError when that cannot be had; the built-in weather is there for that case.
    """
    if wanted.tables == "made":
        latitude, longitude = f"{place.latitude:.2f}", f"{place.longitude:.2f}"
        name = weather_name(float(latitude), float(longitude), TYPICAL_YEAR, wanted.seed)
        arguments = ["weather", f"--latitude={latitude}", f"--longitude={longitude}"]
        return TableWeather(place, await _made(name, arguments, wanted))
    near = max(abs(place.latitude - SHIPPED_PLACE.latitude), abs(place.longitude - SHIPPED_PLACE.longitude)) <= NEAR_DEG
    if wanted.tables == "auto" and near and wanted.seed == TYPICAL_SEED:
        name = weather_name(SHIPPED_PLACE.latitude, SHIPPED_PLACE.longitude, TYPICAL_YEAR, TYPICAL_SEED)
        return TableWeather(place, read_table(SHIPPED / name))
    return built_in_weather(place, wanted.seed)


def built_in_weather(place: Place, seed: int) -> Weather:
    """The weather that needs no table."""
    return BuiltInWeather(place, seed)


async def use_of(days: LocalDays, yearly_kwh: float, wanted: Wanted) -> Callable[[float], float]:
    """What a household uses, W, at any instant; chosen as the weather is, with the same error."""
    if wanted.tables == "made":
        name = use_name(days.zone.key, TYPICAL_YEAR, wanted.seed)
        return table_use(await _made(name, ["use", f"--zone={days.zone.key}"], wanted), yearly_kwh)
    if wanted.tables == "auto" and days.zone.key == SHIPPED_ZONE and wanted.seed == TYPICAL_SEED:
        return table_use(read_table(SHIPPED / use_name(SHIPPED_ZONE, TYPICAL_YEAR, TYPICAL_SEED)), yearly_kwh)
    return BuiltInUse(days, wanted.seed, yearly_kwh)


def table_use(table: Table, yearly_kwh: float) -> Callable[[float], float]:
    """The use of a table, W, for a household of so many kWh a year."""
    channel, scale = table.channels["use"], yearly_kwh / 1000.0

    def use(t: float) -> float:
        return channel.at(table.second(t, same_weekday=True)) * scale

    return use


async def _made(name: str, arguments: list[str], wanted: Wanted) -> Table:
    asked = [*arguments, f"--year={TYPICAL_YEAR}", f"--seed={wanted.seed}"]
    path = wanted.kept_in() / name
    if wanted.time_stands:
        return table_while_time_stands(path, asked, wanted.deadline_s)
    return await table_at(path, asked, wanted.deadline_s)
