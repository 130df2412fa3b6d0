"""The worker that makes tables with pvlib and demandlib: a process of its own, since those bring pandas with them.

    python -m efpi_driver_simulated.tables weather --latitude 50.85 --longitude 4.35 --year 2025 --seed 1 DIRECTORY
    python -m efpi_driver_simulated.tables use --zone Europe/Brussels --year 2025 --seed 1 DIRECTORY

Each writes one table and prints its path. The tables that ship with this package were made by these two commands.
"""

import argparse
import importlib.metadata
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from efpi_driver_simulated.climate import Climate
from efpi_driver_simulated.household import SLOT_S, day_powers_w
from efpi_driver_simulated.local_days import days_of
from efpi_driver_simulated.sun import Place
from efpi_driver_simulated.table import Channel, Table, use_name, weather_name

YEAR_S = 365 * 86400
LIGHT_STEP_S = 300
AIR_STEP_S = 900
NO_LIBRARY = 3
"""Exit code when a library is missing."""


def make_weather(latitude: float, longitude: float, year: int, seed: int) -> Table:
    """A year of light and air: pvlib's clear sky (Ineichen and Perez, with its turbidity maps) behind seeded clouds."""
    import numpy as np  # noqa: PLC0415  # only this short-lived worker may carry them
    import pandas as pd  # noqa: PLC0415
    import pvlib  # noqa: PLC0415

    start = datetime(year, 1, 1, tzinfo=UTC)
    starts = pd.date_range(start, periods=YEAR_S // LIGHT_STEP_S, freq=f"{LIGHT_STEP_S}s")
    middles = starts + pd.Timedelta(LIGHT_STEP_S / 2, "s")
    where = pvlib.location.Location(latitude, longitude, tz="UTC")
    sun = where.get_solarposition(middles)
    clear = where.get_clearsky(middles, model="ineichen", solar_position=sun)["ghi"].to_numpy()
    climate = Climate(Place(latitude, longitude), seed)
    first = start.timestamp()
    shares = np.array([climate.clear_share(first + LIGHT_STEP_S * (step + 0.5)) for step in range(len(middles))])
    level = pd.Series(clear * shares, index=middles)
    airs = [climate.air_c(first + AIR_STEP_S * (step + 0.5)) for step in range(YEAR_S // AIR_STEP_S)]
    parts = pvlib.irradiance.erbs(level, sun["apparent_zenith"], middles)
    return Table(
        "weather",
        year,
        f"pvlib {importlib.metadata.version('pvlib')}",
        {"latitude": round(latitude, 2), "longitude": round(longitude, 2), "seed": seed},
        {
            "beam": Channel(LIGHT_STEP_S, 1.0, _whole(parts["dni"].fillna(0.0).to_numpy())),
            "sky": Channel(LIGHT_STEP_S, 1.0, _whole(parts["dhi"].fillna(0.0).to_numpy())),
            "air": Channel(AIR_STEP_S, 0.1, [round(air * 10.0) for air in airs]),
        },
    )


def _whole(numbers: Any) -> list[int]:
    return [min(max(round(float(number)), 0), 1500) for number in numbers]


def make_use(zone: str, year: int, seed: int) -> Table:
    """A year of a household's use, W for 1000 kWh a year: demandlib's shape (BDEW profile H25) with seeded events."""
    import pandas as pd  # noqa: PLC0415  # only this short-lived worker may carry it
    from demandlib.bdew import H25  # noqa: PLC0415

    quarters = pd.date_range(f"{year}-01-01", f"{year + 1}-01-01", freq="15min", inclusive="left")
    profile = H25(quarters).to_numpy(dtype=float)
    relative = [float(value) for value in profile / profile.mean()]
    days = days_of(zone)
    first_day = date(year, 1, 1).toordinal()

    def shape(day: int, quarter: int) -> float:
        return relative[((day - first_day) * 96 + quarter) % len(relative)]

    start = datetime(year, 1, 1, tzinfo=UTC).timestamp()
    powers: list[float] = []
    by_day: dict[int, list[float]] = {}
    for step in range(YEAR_S // SLOT_S):
        middle = start + SLOT_S * (step + 0.5)
        day = days.number(middle)
        if day not in by_day:
            by_day[day] = day_powers_w(day, seed, shape)
        powers.append(by_day[day][int(days.wall_seconds(middle) // SLOT_S)])
    year_kwh = sum(powers) * SLOT_S / 3.6e6
    return Table(
        "use",
        year,
        f"demandlib {importlib.metadata.version('demandlib')}",
        {"zone": zone, "seed": seed},
        {"use": Channel(SLOT_S, 0.1, [round(power / year_kwh * 10_000.0) for power in powers])},
    )


def main(arguments: list[str] | None = None) -> int:
    """Make one table; the answer is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m efpi_driver_simulated.tables", description="Makes one table.")
    kinds = parser.add_subparsers(dest="kind", required=True)
    weather = kinds.add_parser("weather", help="light and air of a place")
    weather.add_argument("--latitude", type=float, required=True, help="degrees north")
    weather.add_argument("--longitude", type=float, required=True, help="degrees east")
    use = kinds.add_parser("use", help="a household's use")
    use.add_argument("--zone", required=True, help="time zone, as Europe/Brussels")
    for kind in (weather, use):
        kind.add_argument("--year", type=int, required=True)
        kind.add_argument("--seed", type=int, required=True)
        kind.add_argument("directory", type=Path)
    asked = parser.parse_args(arguments)
    try:
        if asked.kind == "weather":
            path = asked.directory / weather_name(asked.latitude, asked.longitude, asked.year, asked.seed)
            make_weather(asked.latitude, asked.longitude, asked.year, asked.seed).write(path)
        else:
            path = asked.directory / use_name(asked.zone, asked.year, asked.seed)
            make_use(asked.zone, asked.year, asked.seed).write(path)
    except ImportError as error:
        sys.stderr.write(f"{error}; install the extra: pip install 'efpi-driver-simulated[tables]'\n")
        return NO_LIBRARY
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
