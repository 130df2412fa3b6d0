"""`efpi history` as a person types it, on a home that no gateway uses."""

import csv
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from efpi_core.clock import RealClock
from efpi_core.history.facts import HistoryFacts
from efpi_core.plugin.site_facts import PriceBand
from tests.efpi_core.history.history_world import counter, incoming, ms, opened
from tests.support.real_gateway import Told, efpi

FACTS = HistoryFacts(
    "Europe/Amsterdam",
    prices=(PriceBand(Decimal("0.25"), Decimal("0.05")),),
    flows=(("meter.electricity_consumed", "import"),),
)
MINUTES = 300


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Five hours up to now: two hours' worth of 1 kW, a power, and a text that a terminal must not obey."""
    place = tmp_path / "home"
    store = opened(place, FACTS)
    now = RealClock().now().replace(microsecond=0)
    at = [now - timedelta(minutes=number) for number in range(MINUTES, 0, -1)]
    store.append(
        {
            "meter.electricity_consumed": counter((one, number * 60_000.0) for number, one in enumerate(at)),
            "boiler.power": incoming((one, 0.1 * (number % 9)) for number, one in enumerate(at)),
            "boiler.mode": incoming((one, "\x1b[31m=1+1") for one in at[:2]),
        },
        ms(now),
    )
    store.close()
    return place


def told_ok(*words: object) -> Told:
    told = efpi(*words)
    assert told.code == 0, told
    return told


def test_the_channels_are_listed_and_their_values_shown(home: Path) -> None:
    channels = told_ok("history", "--home", home, "--json").json
    assert [each["channel"] for each in channels] == ["boiler.mode", "boiler.power", "meter.electricity_consumed"]
    assert "boiler.power" in told_ok("history", "--home", home).out
    shown = told_ok("history", "show", "boiler.power", "--from", "6h", "--resolution", "raw", "--json", "--home", home)
    assert shown.json["columns"]["value"] == [0.1 * (number % 9) for number in range(MINUTES)]
    assert "\x1b" not in told_ok("history", "show", "boiler.mode", "--from", "6h", "--home", home).out
    unknown = efpi("history", "show", "boiler.powr", "--home", home)
    assert unknown.code != 0 and "boiler.power" in unknown.err and "Traceback" not in unknown.err
    assert efpi("history", "--home", home / "none").code != 0


def test_energy_is_shown_of_what_has_a_counter_and_of_what_has_none(home: Path) -> None:
    question = ("--from", "2d", "--resolution", "day", "--home", home)
    power = told_ok("history", "show", "boiler.power", *question)
    assert "estimated kWh" in power.out and "mean W" in power.out
    meter = told_ok("history", "show", "meter.electricity_consumed", "--json", *question).json["columns"]
    assert sum(map(float, meter["energy_kwh"])) == pytest.approx((MINUTES - 1) / 60)
    held = told_ok("history", "show", "boiler.power", "--json", *question).json["columns"]
    joules = sum(Decimal("0.1") * (number % 9) * 60 for number in range(MINUTES - 1))
    assert sum(map(Decimal, held["energy"])) == joules == sum(map(Decimal, held["estimated"]))


def test_what_energy_cost_is_the_same_by_quarter_hours_and_days(home: Path) -> None:
    sums = []
    for resolution in ("quarter", "day"):
        told = told_ok("history", "costs", "--from", "3d", "--resolution", resolution, "--json", "--home", home)
        sums.append((told.json["currency"], sum(map(Decimal, told.json["columns"]["imported"]))))
    assert sums == [("EUR", Decimal((MINUTES - 1) * 60_000))] * 2
    assert "cost EUR" in told_ok("history", "costs", "--from", "3d", "--home", home).out


def test_an_export_comes_in_again_elsewhere_and_once(home: Path, tmp_path: Path) -> None:
    file, other = tmp_path / "all.csv", tmp_path / "other"
    told = told_ok("history", "export", file, "--home", home, "--json")
    assert told.json["rows"] == 2 * MINUTES + 2
    with file.open(encoding="utf-8", newline="") as opened_file:
        rows = list(csv.DictReader(opened_file))
    assert len(rows) == 2 * MINUTES + 2
    refused = efpi("history", "export", file, "--home", home)
    assert refused.code != 0 and "there already" in refused.err
    opened(other).close()
    assert told_ok("history", "import", file, "--home", other, "--json").json["taken"] == 2 * MINUTES + 2
    again = told_ok("history", "import", file, "--home", other, "--json").json
    assert (again["taken"], again["known"]) == (0, 2 * MINUTES + 2)
    for name in ("boiler.power", "boiler.mode", "meter.electricity_consumed"):
        question = ("history", "show", name, "--from", "6h", "--resolution", "raw", "--json", "--home")
        assert told_ok(*question, other).json["columns"] == told_ok(*question, home).json["columns"]
    one = told_ok("history", "export", "-", "--channel", "boiler.m*", "--home", other).out.splitlines()
    assert len(one) == 3 and all("boiler.mode" in line for line in one[1:])


def test_sums_are_made_anew(home: Path) -> None:
    told_ok("history", "export", home / "all.csv", "--home", home)
    told_ok("history", "import", home / "all.csv", "--home", home)
    assert told_ok("history", "rebuild", "--home", home, "--json").json["channels"] == 3
