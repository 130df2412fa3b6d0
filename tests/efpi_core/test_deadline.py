"""Ends that somebody named: spans and instants, through settings of the clock and through restarts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efpi_core.boot import Moment
from efpi_core.clock_event import ClockSet
from efpi_core.deadline import Deadline

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNSET = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)
HOURS = timedelta(hours=1)
NOW = Moment(NOON, "boot-1", 5000.0, synchronised=True)


def moment(passed: timedelta, wall: datetime, boot: str = "boot-1", synchronised: bool = True) -> Moment:
    return Moment(wall, boot, 5000.0 + passed.total_seconds() if boot == "boot-1" else 30.0, synchronised)


def in_two_hours(span: bool) -> Deadline:
    return Deadline.new(NOON + 2 * HOURS, NOW, span=span)


@pytest.mark.parametrize("span", [True, False])
@pytest.mark.parametrize("by_server", [True, False])
def test_a_span_keeps_its_distance_and_an_instant_stays_on_a_wall_that_is_believed(span: bool, by_server: bool) -> None:
    event = ClockSet(3 * HOURS, NOON + 3 * HOURS, by_server)
    after = in_two_hours(span).after(event, moment(timedelta(0), event.at))
    assert after.at == (NOON + 2 * HOURS if by_server and not span else NOON + 5 * HOURS)


def test_what_an_unset_clock_said_keeps_its_distance_when_it_is_set() -> None:
    named = Deadline.new(UNSET + 2 * HOURS, Moment(UNSET, "boot-1", 300.0, synchronised=False))
    event = ClockSet(NOON - UNSET, NOON, synchronised=True)
    assert named.after(event, NOW).at == NOON + 2 * HOURS


def test_an_instant_of_today_that_was_named_to_an_unset_clock_is_right_when_it_is_set() -> None:
    named = Deadline.new(NOON + 2 * HOURS, Moment(UNSET, "boot-1", 300.0, synchronised=False))
    event = ClockSet(NOON - UNSET, NOON, synchronised=True)
    assert named.after(event, NOW).at == NOON + 2 * HOURS


def test_a_clock_that_is_wrong_for_a_while_leaves_an_instant_as_it_was_named() -> None:
    wrong = ClockSet(timedelta(days=366), NOON + timedelta(days=366), synchronised=False)
    right = ClockSet(timedelta(days=-366), NOON, synchronised=True)
    doubted = in_two_hours(span=False).after(wrong, moment(timedelta(0), wrong.at))
    assert doubted.at == wrong.at + 2 * HOURS
    assert doubted.after(right, NOW).at == NOON + 2 * HOURS


@pytest.mark.parametrize("span", [True, False])
def test_a_restart_of_the_gateway_alone_changes_nothing(span: bool) -> None:
    later = moment(HOURS, NOON + HOURS)
    assert in_two_hours(span).resumed(later).at == NOON + 2 * HOURS


@pytest.mark.parametrize("by_server", [True, False])
def test_a_clock_that_was_set_while_the_gateway_was_off_counts_as_if_it_had_been_on(by_server: bool) -> None:
    later = moment(HOURS, NOON + 4 * HOURS, synchronised=by_server)
    assert in_two_hours(span=True).resumed(later).at == NOON + 5 * HOURS
    named = in_two_hours(span=False).resumed(later).at
    assert named == (NOON + 2 * HOURS if by_server else NOON + 5 * HOURS)


@pytest.mark.parametrize("span", [True, False])
def test_after_a_reboot_a_synchronised_clock_counts(span: bool) -> None:
    assert in_two_hours(span).resumed(moment(HOURS, NOON + HOURS, "boot-2")).at == NOON + 2 * HOURS


@pytest.mark.parametrize("wall", [UNSET, NOON - HOURS, NOON + timedelta(days=366)])
@pytest.mark.parametrize("span", [True, False])
def test_after_a_reboot_without_a_time_all_that_was_left_is_left(span: bool, wall: datetime) -> None:
    later = moment(HOURS, wall, "boot-2", synchronised=False)
    assert in_two_hours(span).resumed(later).at == wall + 2 * HOURS


def test_and_an_instant_is_right_again_once_a_server_sets_the_clock() -> None:
    lost = in_two_hours(span=False).resumed(moment(HOURS, UNSET, "boot-2", synchronised=False))
    event = ClockSet(NOON + HOURS - UNSET, NOON + HOURS, synchronised=True)
    assert lost.after(event, moment(HOURS, event.at, "boot-2")).at == NOON + 2 * HOURS


@given(st.lists(st.tuples(st.timedeltas(timedelta(days=-30_000), timedelta(days=30_000)), st.booleans()), max_size=8))
def test_however_often_somebody_sets_the_clock_a_span_takes_its_time(steps: list[tuple[timedelta, bool]]) -> None:
    deadline, wall = in_two_hours(span=True), NOON
    for step, by_server in steps:
        if not datetime(1900, 1, 1, tzinfo=UTC) < wall + step < datetime(2200, 1, 1, tzinfo=UTC):
            continue
        wall += step
        deadline = deadline.after(ClockSet(step, wall, by_server), moment(timedelta(0), wall, synchronised=by_server))
    assert deadline.at - wall == 2 * HOURS


@pytest.mark.parametrize("span", [True, False])
def test_a_deadline_is_kept_as_json_and_comes_back(span: bool) -> None:
    deadline = replace(in_two_hours(span), at=NOON + 3 * HOURS)
    assert Deadline.of(deadline.kept()) == deadline


@pytest.mark.parametrize("wrong", [None, {}, {"named": "x"}, in_two_hours(True).kept() | {"at": "2026-03-01T12:00"}])
def test_what_is_no_deadline_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match=r"no deadline|names no time zone"):
        Deadline.of(wrong)


@pytest.mark.parametrize("span", [True, False])
def test_two_readings_of_the_clock_that_differ_by_a_breath_move_no_end(span: bool) -> None:
    later = moment(HOURS, NOON + HOURS - timedelta(microseconds=179))
    assert in_two_hours(span).resumed(later).at == NOON + 2 * HOURS
