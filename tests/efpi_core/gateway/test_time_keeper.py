"""Somebody sets the clock of a house: overrides and limits keep what was meant by their ends, values stay as old."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from efpi_core.deadline import Deadline
from efpi_core.gateway.overrides import LONGEST, Override
from efpi_core.gateway.time_keeper import TimeKeeper
from efpi_core.plugin.limits import Limit, LimitSource
from efpi_core.state.state import State
from tests.support.bare_house import BEGIN, BareHouse
from tests.support.settable_clock import SettableClock

HOUR = timedelta(hours=1)
YEAR = timedelta(days=366)


class Timed:
    """A bare house on a clock that can be set, with what is kept of its deadlines."""

    def __init__(self, begin: datetime = BEGIN, boot: str = "boot-1", kept: dict[str, Deadline] | None = None) -> None:
        self.clock = SettableClock(begin, boot)
        self.house = BareHouse("app", clock=self.clock)
        self.state = State.in_memory(self.clock)
        for name, deadline in (kept or {}).items():
            self.state.set_deadline(name, deadline)
        self.time = TimeKeeper(self.clock, self.house.house, self.house.events, self.state)
        self.house.battery("battery")

    @property
    def kept(self) -> dict[str, Deadline]:
        return self.state.deadlines()

    def override(self, lasts: timedelta, *, span: bool) -> None:
        until = self.clock.now() + lasts
        self.time.name_override("battery", until, span=span)
        self.house.house.desk.begin(self.house.record("battery"), Override("battery", "off", until, "anna", {}))

    def limit(self, start: timedelta | None, end: timedelta | None) -> None:
        now = self.clock.now()
        at = [None if span is None else now + span for span in (start, end)]
        limit = Limit("order", LimitSource.GRID_OPERATOR, upper_w=1000.0, start=at[0], end=at[1])
        self.house.house.limits.put(limit)
        self.time.name_limit(limit)
        self.house.house.limits_changed()

    @property
    def overridden(self) -> bool:
        return self.house.house.overrides.get("battery") is not None

    @property
    def limited(self) -> bool:
        return bool(self.house.house.limits.for_connection(self.clock.now()))

    def set(self, step: timedelta, *, by_server: bool = True) -> None:
        self.clock.set(self.clock.now() + step, by_server=by_server)

    def let_pass(self, span: timedelta) -> None:
        self.house.let_pass(span.total_seconds())


@pytest.mark.parametrize("by_server", [True, False])
@pytest.mark.parametrize("step", [YEAR, -HOUR, -YEAR, timedelta(seconds=90)])
def test_an_override_for_two_hours_lasts_two_hours(step: timedelta, by_server: bool) -> None:
    timed = Timed()
    timed.override(2 * HOUR, span=True)
    timed.set(step, by_server=by_server)
    timed.let_pass(2 * HOUR - timedelta(seconds=1))
    assert timed.overridden
    timed.let_pass(timedelta(seconds=2))
    assert not timed.overridden


@pytest.mark.parametrize(("by_server", "lasts"), [(True, 1), (False, 2)])
def test_an_override_until_an_hour_of_the_day_follows_a_clock_that_is_believed(by_server: bool, lasts: int) -> None:
    timed = Timed()
    timed.override(2 * HOUR, span=False)
    timed.set(HOUR, by_server=by_server)
    timed.let_pass(lasts * HOUR - timedelta(seconds=1))
    assert timed.overridden
    timed.let_pass(timedelta(seconds=2))
    assert not timed.overridden


def test_no_override_outlasts_seven_days_because_the_clock_was_a_year_ahead_when_it_was_named() -> None:
    timed = Timed(BEGIN + YEAR)
    timed.override(HOUR, span=False)
    timed.set(-YEAR)
    timed.let_pass(LONGEST)
    assert not timed.overridden


@pytest.mark.parametrize("step", [YEAR, -HOUR])
def test_a_limit_neither_ends_nor_begins_because_of_a_clock_that_nobody_keeps(step: timedelta) -> None:
    timed = Timed()
    timed.limit(HOUR, 2 * HOUR)
    timed.set(step, by_server=False)
    assert not timed.limited
    timed.let_pass(HOUR)
    assert timed.limited
    timed.let_pass(HOUR)
    assert not timed.limited
    assert "clock_doubted" in timed.house.kinds()


def test_a_limit_begins_and_ends_by_a_clock_that_a_server_keeps() -> None:
    timed = Timed()
    timed.limit(HOUR, 2 * HOUR)
    timed.set(HOUR + timedelta(minutes=1))
    assert timed.limited
    timed.set(HOUR)
    assert not timed.limited
    assert timed.house.kinds().count("clock_set") == 2


def test_what_was_measured_is_as_old_as_it_was() -> None:
    timed = Timed()
    timed.house.meter()
    timed.house.measure("meter", 500.0)
    timed.let_pass(timedelta(seconds=30))
    for step in (YEAR, -YEAR - HOUR):
        timed.set(step)
        (view,) = timed.house.house.board.views("meter.power", timed.clock.now())
        assert view.age_s == 30.0
        assert timed.house.house.balance().grid == 500.0


@pytest.mark.parametrize("span", [True, False])
def test_a_restart_after_an_hour_leaves_the_rest(span: bool) -> None:
    before = Timed()
    before.override(2 * HOUR, span=span)
    before.let_pass(HOUR)
    after = Timed(before.clock.now(), "boot-2", before.kept)
    after.time.restore()
    assert after.time.override_until("battery", BEGIN) == BEGIN + 2 * HOUR


def test_a_reboot_without_a_time_takes_no_more_than_an_hour_of_what_was_left_for_nothing() -> None:
    before = Timed()
    before.override(10 * HOUR, span=True)
    before.let_pass(5 * HOUR + timedelta(minutes=30))
    after = Timed(datetime(1970, 1, 1, tzinfo=BEGIN.tzinfo), "boot-2", before.kept)
    after.clock.kept_by_server = False
    after.time.restore()
    left = after.time.override_until("battery", BEGIN) - after.clock.now()
    assert left == 5 * HOUR


def test_what_has_ended_is_forgotten() -> None:
    timed = Timed()
    timed.override(HOUR, span=True)
    timed.limit(None, HOUR)
    assert sorted(timed.kept) == ["limit:order:end", "override:battery"]
    timed.time.forget_override("battery")
    timed.time.forget_limit("order")
    assert timed.kept == {}


def test_a_refused_wish_leaves_the_end_of_the_one_before() -> None:
    timed = Timed()
    timed.override(HOUR, span=True)
    former = timed.time.name_override("battery", BEGIN + 5 * HOUR)
    timed.time.put_back("battery", former)
    assert timed.kept["override:battery"] == replace(timed.kept["override:battery"], at=BEGIN + HOUR, span=True)


def test_a_machine_that_slept_is_told_and_what_ended_meanwhile_has_ended() -> None:
    timed = Timed()
    timed.override(HOUR, span=True)
    timed.clock.suspend(8 * 3600)
    assert not timed.overridden
    assert "machine_suspended" in timed.house.kinds()
