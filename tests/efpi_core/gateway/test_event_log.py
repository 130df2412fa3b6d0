"""The list of events: repetitions are counted, floods left out, texts bounded; what was told outlives a restart."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from efpi_core.clock import RealClock
from efpi_core.event_kinds import CONNECTED, EVENTS_LEFT_OUT, LIMIT_BROKEN, OFFLINE, RECOVERED
from efpi_core.gateway.event_log import FOLD_WITHIN, LONGEST_FOLD, MOST_A_MINUTE, MOST_FOLDS, EventLog
from efpi_core.state.state import State
from efpi_core.views import EventView

BEGIN = datetime(2025, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class World:
    """A log with a clock to turn, and what followers were told."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.log = EventLog(lambda: self.now)
        self.told: list[EventView] = []
        self.log.sinks.append(self.told.append)

    def kept(self) -> tuple[EventView, ...]:
        return self.log.recent(0, 10_000)


def test_a_repetition_is_counted_and_told_with_its_count_after_a_minute() -> None:
    world = World()
    for _ in range(5):
        world.log.tell(OFFLINE, "meter", "does not answer")
    assert [event.count for event in world.told] == [1]
    world.log.flush()
    assert len(world.told) == 1
    world.now += MINUTE
    world.log.flush()
    world.log.flush()
    assert [(event.number, event.count, event.last_at) for event in world.told] == [(1, 1, None), (1, 5, BEGIN)]
    (event,) = world.kept()
    assert (event.at, event.count) == (BEGIN, 5)


def test_at_the_end_every_count_is_told() -> None:
    world = World()
    world.log.tell(OFFLINE, "meter", "does not answer")
    world.log.tell(OFFLINE, "meter", "does not answer")
    world.log.flush(all_of_them=True)
    assert world.kept()[0].count == 2


def test_what_comes_again_after_a_while_is_an_event_of_its_own() -> None:
    world = World()
    world.log.tell(OFFLINE, "meter", "does not answer")
    world.now += FOLD_WITHIN
    world.log.tell(OFFLINE, "meter", "does not answer")
    assert [event.count for event in world.kept()] == [1, 1]


def test_what_goes_on_for_long_is_told_anew_once_a_day() -> None:
    world = World()
    while world.now < BEGIN + LONGEST_FOLD + MINUTE:
        world.log.tell(OFFLINE, "meter", "does not answer")
        world.now += MINUTE
    assert [event.count for event in world.kept()] == [24 * 60, 1]


def test_a_clock_set_back_far_begins_a_new_event() -> None:
    world = World()
    world.log.tell(OFFLINE, "meter", "does not answer")
    world.now -= timedelta(days=300)
    world.log.tell(OFFLINE, "meter", "does not answer")
    assert len(world.kept()) == 2


def test_other_texts_subjects_and_details_are_other_events() -> None:
    world = World()
    world.log.tell(OFFLINE, "meter", "does not answer", detail="no_answer")
    world.log.tell(OFFLINE, "meter", "does not answer", detail="no_route")
    world.log.tell(OFFLINE, "battery", "does not answer", detail="no_answer")
    world.log.tell(RECOVERED, "meter", "does not answer", detail="no_answer")
    assert [event.count for event in world.kept()] == [1, 1, 1, 1]


def test_an_event_whose_figures_vary_is_one_event_with_the_newest_figures() -> None:
    world = World()
    for watts in range(100, 140):
        world.log.tell(LIMIT_BROKEN, "grid", f"exceeded by {watts} W")
    world.log.flush(all_of_them=True)
    (event,) = world.kept()
    assert (event.text, event.count) == ("exceeded by 139 W", 40)


def test_one_subject_cannot_fill_the_list_and_what_was_left_out_is_counted() -> None:
    world = World()
    for number in range(10 * MOST_A_MINUTE):
        world.log.tell(CONNECTED, "bus", f"number {number}")
    world.log.flush(all_of_them=True)
    *events, left_out = world.kept()
    assert len(events) == MOST_A_MINUTE
    assert (left_out.kind, left_out.subject, left_out.count) == (EVENTS_LEFT_OUT.name, "bus", 9 * MOST_A_MINUTE)
    world.log.tell(CONNECTED, "other", "heard all the same")
    assert world.kept()[-1].subject == "other"
    world.now += 2 * MINUTE
    world.log.tell(CONNECTED, "bus", "later")
    assert world.kept()[-1].text == "later"


def test_counting_is_bounded_and_forgets_no_count() -> None:
    world = World()
    for number in range(3 * MOST_FOLDS):
        world.log.tell(CONNECTED, f"bus{number}", "again")
        world.log.tell(CONNECTED, f"bus{number}", "again")
    world.log.flush(all_of_them=True)
    assert {event.count for event in world.kept()} == {2}


def test_an_event_is_bounded_and_can_be_written_down() -> None:
    world = World()
    world.log.tell(CONNECTED, "s" * 9999, "\ud800\x1b\x00two\nlines" + "x" * 10**6, detail="d" * 999)
    (event,) = world.kept()
    assert len(event.text) <= 4000
    assert event.text.startswith("   two lines")
    assert (len(event.subject), len(event.detail)) == (80, 80)
    event.text.encode()


def test_a_kind_brings_its_cure_where_the_event_has_none() -> None:
    world = World()
    world.log.tell(LIMIT_BROKEN, "grid", "exceeded")
    world.log.tell(LIMIT_BROKEN, "car", "exceeded", "unplug it")
    assert [event.cure for event in world.kept()] == [LIMIT_BROKEN.cure, "unplug it"]


def test_what_is_redacted_reaches_neither_list_nor_follower() -> None:
    world = World()
    world.log.redact = lambda text: text.replace("hunter2", "•••")
    world.log.tell(OFFLINE, "meter", "login hunter2 failed", "change hunter2")
    assert "hunter2" not in repr(world.kept()) + repr(world.told)


async def test_counts_and_details_outlive_a_restart(tmp_path: Path) -> None:
    clock = RealClock()
    state = State.open(tmp_path, clock)
    log = EventLog(clock.now, state)
    for _ in range(3):
        log.tell(OFFLINE, "meter", "does not answer", "look at the cable", "no_answer")
    log.flush(all_of_them=True)
    told = state.events()
    await state.committed()
    state.close()
    again = State.open(tmp_path, clock)
    assert again.events() == told
    assert (told[0].count, told[0].detail) == (3, "no_answer")
    again.close()


async def test_a_count_never_overwrites_the_event_that_took_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("efpi_core.state.keeper.EVENT_RING", 10)
    monkeypatch.setattr("efpi_core.state.records.EVENT_RING", 10)
    state = State.open(tmp_path, RealClock())
    log = EventLog(RealClock().now, state)
    log.tell(OFFLINE, "meter", "does not answer")
    for number in range(10):
        log.tell(CONNECTED, f"battery{number}", "'app' is in control")
    log.tell(OFFLINE, "meter", "does not answer")
    log.flush(all_of_them=True)
    assert [event.kind for event in state.events()] == ["connected"] * 10
    await asyncio.wait_for(state.committed(), 30)
    state.close()


@pytest.mark.parametrize("in_order", [True, False])
async def test_a_life_that_did_not_end_in_order_is_known_to_the_next(tmp_path: Path, in_order: bool) -> None:
    state = State.open(tmp_path / "home", RealClock())
    assert state.ended_in_order
    await state.committed()
    if in_order:
        state.close()
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("state.db", "state.db-wal"):
        if (source := tmp_path / "home" / name).exists():
            (copy / name).write_bytes(source.read_bytes())
    state.close()
    again = State.open(copy, RealClock())
    assert again.ended_in_order is in_order
    again.close()
