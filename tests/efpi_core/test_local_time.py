"""The clock on the wall: its gaps and repetitions, its days, and laws that change."""

# ruff: noqa: DTZ001  # what a clock on the wall shows has no zone

import shutil
import zoneinfo
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efpi_core.local_time import LocalTime

ZONES = sorted(zoneinfo.available_timezones())

HARD = (
    "Europe/Brussels",
    "Atlantic/Azores",  # goes forward at midnight
    "America/Havana",  # likewise, and back to midnight
    "Africa/Cairo",
    "America/Nuuk",  # goes forward to midnight
    "Antarctica/Troll",  # by two hours
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Apia",  # left out a date
)


@pytest.mark.parametrize(
    ("zone", "face", "instant"),
    [
        ("Europe/Brussels", datetime(2026, 3, 29, 1, 59), datetime(2026, 3, 29, 0, 59, tzinfo=UTC)),
        ("Europe/Brussels", datetime(2026, 3, 29, 2, 30), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("Europe/Brussels", datetime(2026, 3, 29, 3, 0), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("Europe/Brussels", datetime(2026, 10, 25, 2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 10, 4, 2, 15), datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
        ("Antarctica/Troll", datetime(2026, 3, 29, 1, 15), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("Atlantic/Azores", datetime(2026, 3, 29, 0, 0), datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("America/Havana", datetime(2026, 11, 1, 0, 30), datetime(2026, 11, 1, 4, 30, tzinfo=UTC)),
    ],
)
def test_a_face_that_never_shows_is_the_first_instant_after_the_gap_and_one_that_shows_twice_the_first(
    zone: str, face: datetime, instant: datetime
) -> None:
    assert LocalTime(zone).instant(face) == instant


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Brussels", date(2026, 3, 29), 23),
        ("Europe/Brussels", date(2026, 10, 25), 25),
        ("Europe/Brussels", date(2028, 2, 29), 24),
        ("Atlantic/Azores", date(2026, 3, 29), 23),
        ("America/Havana", date(2026, 3, 8), 23),
        ("America/Havana", date(2026, 11, 1), 25),
        ("Africa/Cairo", date(2026, 4, 24), 23),
        ("Africa/Cairo", date(2026, 10, 29), 25),
        ("Antarctica/Troll", date(2026, 3, 29), 22),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("America/Nuuk", date(2026, 3, 28), 23),
        ("Pacific/Apia", date(2011, 12, 30), 0),
    ],
)
def test_a_day_has_as_many_hours_as_its_clocks_give_it(zone: str, day: date, hours: float) -> None:
    begin, end = LocalTime(zone).day(day)
    assert end - begin == timedelta(hours=hours)


@pytest.mark.parametrize("zone", HARD)
def test_the_days_of_years_follow_each_other_without_a_gap_and_hold_their_own_instants(zone: str) -> None:
    place = LocalTime(zone)
    day, until = date(2024, 1, 1), place.day(date(2024, 1, 1))[0]
    while day < date(2029, 1, 1):
        begin, end = place.day(day)
        assert begin == until
        if begin < end:
            assert place.day_at(begin) == place.day_at(end - timedelta(seconds=1)) == day
        day, until = day + timedelta(days=1), end


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)).map(lambda at: at.replace(microsecond=0)),
)
def test_an_instant_shows_its_face_or_is_the_end_of_the_gap_in_which_that_lies(zone: str, face: datetime) -> None:
    place = LocalTime(zone)
    instant = place.instant(face)
    shown = place.face(instant)
    if shown != face:
        assert shown > face
        assert place.face(instant - timedelta(seconds=1)) < face
    else:
        assert place.face(instant - timedelta(days=1)) < face, "no earlier instant shows it"


@given(st.sampled_from(ZONES), st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)))
def test_every_instant_lies_in_the_day_that_its_face_names(zone: str, at: datetime) -> None:
    place = LocalTime(zone)
    begin, end = place.day(place.day_at(at))
    assert begin <= at < end or place.offset(begin) != place.offset(at)


def test_a_zone_whose_law_changed_is_read_anew(tmp_path: Path) -> None:
    database = tmp_path / "zones"
    (database / "Here").mkdir(parents=True)
    source = next(Path(path) for path in zoneinfo.TZPATH if (Path(path) / "Etc" / "GMT-3").exists())
    shutil.copy(source / "Etc" / "GMT-3", database / "Here" / "There")
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath((str(database),))
    try:
        place = LocalTime("Here/There")
        noon = datetime(2026, 6, 1, 12)
        assert place.instant(noon) == datetime(2026, 6, 1, 9, tzinfo=UTC)
        shutil.copy(source / "Etc" / "GMT-4", database / "Here" / "There")
        place.reread()
        assert place.instant(noon) == datetime(2026, 6, 1, 8, tzinfo=UTC)
    finally:
        zoneinfo.reset_tzpath(before)


def test_an_instant_is_told_by_the_clock_on_the_wall_with_its_zone() -> None:
    place = LocalTime("Europe/Brussels")
    assert place.told(datetime(2026, 6, 1, 16, 30, tzinfo=UTC)) == "2026-06-01 18:30 CEST"
    assert place.told(datetime(2026, 1, 1, 16, 30, tzinfo=UTC), "%H:%M") == "17:30 CET"
