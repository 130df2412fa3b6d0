"""Schedules by the clock on the wall: once on each day, in every zone, on every kind of day; kept over restarts."""

# ruff: noqa: DTZ001  # what a clock on the wall shows has no zone

import zoneinfo
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from efpi_core.boot import EARLIEST_NOW
from efpi_core.errors import SettingsError
from efpi_core.local_time import LocalTime
from efpi_core.plugin.memory import InstanceStorage
from efpi_core.plugin.recurrence import Appointment, Recurrence
from efpi_core.plugin.schedule import cron, daily, monthly, weekly
from tests.support.settable_clock import SettableClock

ZONES = sorted(zoneinfo.available_timezones())
BRUSSELS = LocalTime("Europe/Brussels")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def happens(rule: Recurrence, place: LocalTime, begin: datetime, end: datetime) -> Iterator[datetime]:
    at = rule.after(begin - timedelta(seconds=1), place)
    while at is not None and at < end:
        yield at
        at = rule.after(at, place)


def changes(place: LocalTime, begin: datetime, end: datetime) -> Iterator[datetime]:
    """The instants at which the clock on the wall changes."""
    at, week = begin, timedelta(days=5)
    while at < end:
        change = place.next_change(at, at + week)
        if change is not None:
            yield change
        at += week


# Rules ----------------------------------------------------------------------------------------------------------------


def test_a_daily_half_past_two_happens_once_on_each_day_of_the_year() -> None:
    begin, end = BRUSSELS.day(date(2026, 1, 1))[0], BRUSSELS.day(date(2027, 1, 1))[0]
    faces = [BRUSSELS.face(at) for at in happens(daily("02:30"), BRUSSELS, begin, end)]
    assert Counter(face.date() for face in faces) == Counter(date(2026, 1, 1) + timedelta(days=n) for n in range(365))
    odd = [face for face in faces if (face.hour, face.minute) != (2, 30)]
    assert odd == [datetime(2026, 3, 29, 3, 0)], "that day has no half past two"


def test_in_every_zone_a_daily_face_happens_once_on_each_day_around_each_change() -> None:
    looked_at = 0
    for zone in ZONES:
        place = LocalTime(zone)
        for change in changes(place, datetime(2024, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)):
            moved = place.offset(change) - place.offset(change - timedelta(seconds=1))
            middle = place.face(change) - abs(moved) / 2  # within the gap, or within what shows twice
            for face in (middle, place.face(change), place.face(change) - timedelta(minutes=1)):
                rule = daily(f"{face:%H:%M}")
                days = [place.day_at(change) + timedelta(days=n) for n in range(-2, 3)]
                begin, end = place.day(days[0])[0], place.day(days[-1])[1]
                found = [place.day_at(at) for at in happens(rule, place, begin, end)]
                assert found == days, f"{zone}, {face:%H:%M} around {change}"
                looked_at += 1
    assert looked_at > 1000


def test_a_date_that_a_zone_left_out_has_no_half_past_two() -> None:
    apia = LocalTime("Pacific/Apia")
    begin, end = apia.day(date(2011, 12, 28))[0], apia.day(date(2012, 1, 2))[0]
    days = [apia.day_at(at) for at in happens(daily("02:30"), apia, begin, end)]
    assert days == [date(2011, 12, 28), date(2011, 12, 29), date(2011, 12, 31), date(2012, 1, 1)]


def test_a_rule_for_every_quarter_goes_by_the_time_that_passes() -> None:
    for zone in ("Europe/Brussels", "Antarctica/Troll", "Australia/Lord_Howe", "America/Havana"):
        place = LocalTime(zone)
        for change in changes(place, NEW_YEAR, NEW_YEAR + timedelta(days=365)):
            found = list(happens(cron("*/15 * * * *"), place, change - 3 * HOUR, change + 3 * HOUR))
            assert found == [change + n * timedelta(minutes=15) for n in range(-12, 12)], zone


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (weekly("sun", "02:30"), ["2026-03-29T03:00", "2026-04-05T02:30", "2026-04-12T02:30"]),
        (monthly("last", "23:45"), ["2026-03-31T23:45", "2026-04-30T23:45", "2026-05-31T23:45"]),
        (monthly(31, "08:00"), ["2026-03-31T08:00", "2026-05-31T08:00", "2026-07-31T08:00"]),
        (cron("30 2 29 feb *"), ["2028-02-29T02:30", "2032-02-29T02:30", "2036-02-29T02:30"]),
        (cron("0 6,18 * * mon-fri"), ["2026-03-30T06:00", "2026-03-30T18:00", "2026-03-31T06:00"]),
    ],
)
def test_weeks_months_and_leap_days(rule: Recurrence, expected: list[str]) -> None:
    found = happens(rule, BRUSSELS, BRUSSELS.instant(datetime(2026, 3, 29)), datetime(2050, 1, 1, tzinfo=UTC))
    assert [f"{BRUSSELS.face(next(found)):%Y-%m-%dT%H:%M}" for _ in expected] == expected


def test_a_rule_that_names_no_date_never_happens() -> None:
    assert cron("30 2 30 feb *").after(NEW_YEAR, BRUSSELS) is None


@pytest.mark.parametrize("wrong", ["", "30 2 * *", "60 2 * * *", "30 2 * * funday", "30 2 * * 0", "a b c d e"])
def test_a_rule_that_is_none_is_refused_with_the_cure(wrong: str) -> None:
    with pytest.raises(SettingsError) as caught:
        cron(wrong)
    assert caught.value.cure


@pytest.mark.parametrize("wrong", ["24:00", "2:5", "noon", "02:30:00"])
def test_a_time_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match="no time of day"):
        daily(wrong)


# Appointments ---------------------------------------------------------------------------------------------------------


class Kept:
    """Where a plugin's values are kept beyond its life."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}

    def store(self, key: str, value: object, *, durable: bool) -> None:
        self.values[key] = value


class Life:
    """One life of a plugin that has a schedule."""

    def __init__(self, kept: Kept, start: datetime, rule: Recurrence, late_by: timedelta = 12 * HOUR) -> None:
        self.clock = SettableClock(start)
        self.done: list[datetime] = []
        storage = InstanceStorage(dict(kept.values), kept)  # type: ignore[arg-type]  # the one method that it uses
        self.appointment = Appointment(
            "job", rule, LocalTime("Europe/Brussels"), late_by, self.clock, storage, lambda: self.done.append(self.now)
        )
        self.clock.follow(lambda event: self.appointment.arm())

    @property
    def now(self) -> datetime:
        return self.clock.now()


@pytest.fixture
def kept() -> Kept:
    return Kept()


def at(text: str) -> datetime:
    return BRUSSELS.instant(datetime.fromisoformat(text))


def test_it_is_done_each_day_and_a_restart_in_between_does_it_neither_twice_nor_never(kept: Kept) -> None:
    done: list[datetime] = []
    now = at("2026-03-27T12:00")
    for _ in range(40):  # lives of four hours over the day on which clocks change
        life = Life(kept, now, daily("02:30"))
        life.clock.pass_time(4 * 3600)
        done += life.done
        now = life.now
    assert [f"{BRUSSELS.face(each):%dT%H:%M}" for each in done] == [
        "28T02:30", "29T03:00", "30T02:30", "31T02:30", "01T02:30", "02T02:30", "03T02:30"
    ]  # fmt: skip


def test_a_restart_at_the_very_instant_does_it_once(kept: Kept) -> None:
    first = Life(kept, at("2026-05-01T02:00"), daily("02:30"))
    first.clock.pass_time(1800)
    second = Life(kept, at("2026-05-01T02:30"), daily("02:30"))
    second.clock.pass_time(3600)
    assert (len(first.done), len(second.done)) == (1, 0)


def test_after_a_week_off_what_was_missed_is_done_at_most_once(kept: Kept) -> None:
    Life(kept, at("2026-05-01T00:00"), cron("*/5 * * * *")).clock.pass_time(60)
    life = Life(kept, at("2026-05-08T00:01"), cron("*/5 * * * *"))
    life.clock.pass_time(10)
    assert len(life.done) == 1
    life.clock.pass_time(600)
    assert len(life.done) == 3


@pytest.mark.parametrize(("begins", "times"), [("2026-05-08T08:00", 1), ("2026-05-08T20:00", 0)])
def test_what_was_missed_today_is_done_late_and_what_is_long_gone_is_left_out(
    kept: Kept, begins: str, times: int
) -> None:
    Life(kept, at("2026-05-01T00:00"), daily("02:30")).clock.pass_time(60)
    life = Life(kept, at(begins), daily("02:30"))
    life.clock.pass_time(60)
    assert len(life.done) == times


def test_a_new_or_changed_schedule_begins_now_and_makes_up_for_nothing(kept: Kept) -> None:
    Life(kept, at("2026-05-01T00:00"), daily("02:30")).clock.pass_time(60)
    life = Life(kept, at("2026-05-01T09:00"), daily("05:00"))
    life.clock.pass_time(3600)
    assert life.done == []


def test_a_suspended_machine_does_it_once_when_it_wakes(kept: Kept) -> None:
    life = Life(kept, at("2026-05-01T00:00"), cron("*/5 * * * *"))
    life.clock.suspend(8 * 3600 + 30)
    life.clock.pass_time(1)
    assert len(life.done) == 1


def test_a_clock_set_back_does_nothing_again(kept: Kept) -> None:
    life = Life(kept, at("2026-05-01T02:00"), daily("02:30"))
    life.clock.pass_time(3600)
    life.clock.set(life.now - HOUR)
    life.clock.pass_time(12 * 3600)
    assert len(life.done) == 1


def test_a_clock_that_was_never_set_keeps_no_appointment_until_it_is(kept: Kept) -> None:
    life = Life(kept, datetime(1970, 1, 1, tzinfo=UTC), daily("02:30"))
    life.clock.pass_time(3 * 86400)
    assert life.done == []
    assert kept.values == {}
    life.clock.set(at("2026-05-01T02:29"))
    life.clock.pass_time(3600)
    assert [BRUSSELS.face(each) for each in life.done] == [datetime(2026, 5, 1, 2, 30)]
    assert life.done[0] > EARLIEST_NOW


def test_a_clock_that_was_a_year_ahead_for_a_while_does_not_silence_a_schedule_for_a_year(kept: Kept) -> None:
    life = Life(kept, at("2026-05-01T12:00"), daily("02:30"))
    life.clock.set(at("2027-05-01T12:00"), by_server=False)
    life.clock.pass_time(86400)
    life.clock.set(at("2026-05-02T12:00"))
    life.done.clear()
    life.clock.pass_time(2 * 86400)
    assert len(life.done) == 2


@pytest.mark.parametrize("nonsense", [1, {"rule": 1}, {"rule": "30 2 * * * Europe/Brussels", "done": "noon"}])
def test_what_was_kept_and_makes_no_sense_counts_for_nothing(kept: Kept, nonsense: object) -> None:
    kept.values["schedule.job"] = nonsense
    life = Life(kept, at("2026-05-01T02:00"), daily("02:30"))
    life.clock.pass_time(3600)
    assert len(life.done) == 1
