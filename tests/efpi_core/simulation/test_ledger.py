"""The ledger adds up what was published, whatever the order and the strings; prices follow the wall clock."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from efpi_core.gateway.appliances import ApplianceRegistry
from efpi_core.gateway.limit_book import LimitBook
from efpi_core.gateway.observations import Slot
from efpi_core.plugin.prices import PriceClock
from efpi_core.plugin.site_facts import PriceBand
from efpi_core.simulation.ledger import Ledger, Summary
from efpi_core.simulation.recorder import Recorder

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def slot(name: str, value: object, seconds: float = 0.0) -> Slot:
    made = Slot(name, "W", "x")
    made.value, made.at = value, BEGIN + timedelta(seconds=seconds)  # type: ignore[assignment]
    return made


def test_a_value_that_changes_between_two_looks_counts_for_its_time() -> None:
    ledger = Ledger(ApplianceRegistry(), LimitBook(), PriceClock((), "UTC"))
    for value, seconds in ((3600.0, 0), (0.0, 10), (-7200.0, 20), (0.0, 30)):
        ledger.observe(slot("a.power", value, seconds))
    summary = ledger.close(BEGIN + timedelta(hours=1), Summary("", "", 1))
    assert summary.energy_kwh["a"] == {"consumed": 0.01, "produced": 0.02}


def test_a_value_that_is_told_late_makes_no_energy_of_the_other_sign() -> None:
    ledger = Ledger(ApplianceRegistry(), LimitBook(), PriceClock((), "UTC"))
    for value, seconds in ((3600.0, 0), (3600.0, 20), (3600.0, 10), (3600.0, 30)):
        ledger.observe(slot("a.power", value, seconds))
    summary = ledger.close(BEGIN + timedelta(seconds=40), Summary("", "", 1))
    assert summary.energy_kwh["a"] == {"consumed": 0.04, "produced": 0.0}


def test_hostile_strings_stay_in_their_field(tmp_path: Path) -> None:
    with Recorder(tmp_path) as recorder:
        for value in ('a,"b"\nc', "\ud800", "=1+1"):
            recorder.observe(slot("x.word", value))
    rows = (tmp_path / "other.csv").read_text(encoding="utf-8").splitlines()
    assert rows[1:] == [
        '2026-03-01T12:00:00Z,x,word,W,"a,""b""',
        'c"',
        "2026-03-01T12:00:00Z,x,word,W,\\ud800",
        "2026-03-01T12:00:00Z,x,word,W,'=1+1",
    ]


def band(price: str, start: str, end: str, days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)) -> PriceBand:
    def minutes(at: str) -> int:
        return int(at[:2]) * 60 + int(at[3:])

    return PriceBand(Decimal(price), Decimal(0), minutes(start), minutes(end), days)


def test_a_band_over_midnight_follows_the_wall_clock_through_both_changes_of_summer_time() -> None:
    clock = PriceClock((band("0.10", "22:00", "03:00"), band("0.30", "00:00", "24:00")), "Europe/Amsterdam")

    def cheap_hours(begin: datetime) -> Decimal:
        total = clock.cost(begin, begin + timedelta(hours=24), 1000.0)
        return (Decimal("0.30") * 24 - total) / Decimal("0.20")

    assert cheap_hours(datetime(2026, 1, 10, 12, tzinfo=UTC)) == 5
    assert cheap_hours(datetime(2026, 3, 28, 12, tzinfo=UTC)) == 4, "the hour from 2 to 3 did not happen"
    assert cheap_hours(datetime(2026, 10, 24, 12, tzinfo=UTC)) == 6, "the hour from 2 to 3 happened twice"


def test_a_band_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    clock = PriceClock((band("0.10", "22:00", "03:00", (4,)),), "UTC")
    friday = datetime(2026, 3, 6, tzinfo=UTC)
    assert clock.band_at(friday + timedelta(hours=2)) is None
    assert clock.band_at(friday + timedelta(hours=23)) is not None
    assert clock.band_at(friday + timedelta(hours=26)) is not None
    assert clock.band_at(friday + timedelta(hours=27)) is None
