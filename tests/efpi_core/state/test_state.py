import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from efi.allocation import AllocationStatus
from efi.commodity import Phase
from efpi_core.clock import SteppedClock
from efpi_core.plugin.limits import Limit, LimitSource
from efpi_core.site.revisions import ImportRecord, Origin, Verdict
from efpi_core.state.records import EVENT_RING
from efpi_core.state.state import State
from efpi_core.views import OverrideView
from tests.efpi_core.state.state_world import NOON, allocation

OpenState = Callable[[], State]


async def test_an_open_allocation_survives_a_restart_with_its_last_status(open_state: OpenState) -> None:
    state = open_state()
    assert await state.journal_allocation(allocation(1)) is True
    await state.journal_allocation(allocation(2))
    later = NOON + timedelta(minutes=1)
    state.journal_status("generator", "app_1_2", AllocationStatus.STARTED, "warming up", later)

    first, second = open_state().open_allocations()

    assert first == allocation(1)
    assert second.message == allocation(2).message
    assert (second.status, second.text, second.changed_at) == (AllocationStatus.STARTED, "warming up", later)
    assert (second.app, second.appliance_id, second.allocation_id) == ("steering", "generator", "app_1_2")


@pytest.mark.parametrize("final", [status for status in AllocationStatus if status.final])
async def test_a_final_status_ends_an_allocation_for_good(open_state: OpenState, final: AllocationStatus) -> None:
    state = open_state()
    await state.journal_allocation(allocation(1))
    state.journal_status("generator", "app_1_1", final, "", NOON)
    state.journal_status("generator", "app_1_1", AllocationStatus.STARTED, "", NOON)

    assert state.open_allocations() == ()
    assert open_state().open_allocations() == ()


async def test_two_appliances_may_have_allocations_of_one_name(open_state: OpenState) -> None:
    state = open_state()
    await state.journal_allocation(allocation(1, "generator"))
    await state.journal_allocation(allocation(1, "generator-2"))
    state.journal_status("generator", "app_1_1", AllocationStatus.FINISHED, "", NOON)

    assert [found.appliance_id for found in open_state().open_allocations()] == ["generator-2"]


async def test_connections_made_by_hand_or_by_itself_survive_a_restart(open_state: OpenState) -> None:
    state = open_state()
    state.set_connection("battery", "steering", by_hand=False)
    state.set_connection("generator", None, by_hand=True)
    state.set_connection("car", "steering", by_hand=True)
    state.remove_connection("car")

    kept = {found.appliance_id: (found.app, found.by_hand) for found in open_state().connections()}

    assert kept == {"battery": ("steering", False), "generator": (None, True)}


async def test_overrides_survive_a_restart_and_can_be_ended(open_state: OpenState) -> None:
    override = OverrideView("car", "limit", NOON, "Ann", {"upper_w": 3700.0, "mode": "eco", "none": None})
    state = open_state()
    state.set_override(override)
    state.set_override(OverrideView("boiler", "off", NOON, "Ann"))
    state.remove_override("boiler")

    assert open_state().overrides() == (override,)


async def test_limits_survive_a_restart_with_every_field(open_state: OpenState) -> None:
    full = Limit("cut", LimitSource.GRID_OPERATOR, -1.5, 4200.0, Phase.L2, "car", NOON, NOON + timedelta(1), "§14a")
    bare = Limit("bare", LimitSource.CONTRACT)
    state = open_state()
    state.set_limit(full, "operator")
    state.set_limit(bare, "Ann")
    state.set_limit(Limit("gone", LimitSource.FUSE), "Ann")
    state.remove_limit("gone")

    assert {kept.limit.limit_id: (kept.limit, kept.by) for kept in open_state().limits()} == {
        "cut": (full, "operator"),
        "bare": (bare, "Ann"),
    }


async def test_an_instance_finds_its_own_values_again_and_nobody_elses(open_state: OpenState) -> None:
    state = open_state()
    state.put_instance_value("meter", "counter", {"kWh": [1, 2.5, None], "text": "é\u2028\x00"})
    state.put_instance_value("meter", "empty", "")
    state.put_instance_value("meter", "zero", 0)
    state.put_instance_value("meter", "gone", 1)
    state.put_instance_value("meter", "gone", None)
    state.put_instance_value("meter-2", "counter", 7)

    state = open_state()
    assert state.instance_values("meter") == {
        "counter": {"kWh": [1, 2.5, None], "text": "é\u2028\x00"},
        "empty": "",
        "zero": 0,
    }

    state.forget_instance("meter")
    state = open_state()
    assert state.instance_values("meter") == {}
    assert state.instance_values("meter-2") == {"counter": 7}


async def test_events_are_numbered_on_after_a_restart_and_read_from_any_number(open_state: OpenState) -> None:
    state = open_state()
    for number in range(1, 6):
        assert state.add_event("info", "gateway", "counted", f"event {number}", "none").number == number
    state = open_state()
    state.add_event("warning", "meter", "silent", "event 6")

    assert [event.text for event in state.events()] == [f"event {number}" for number in range(1, 7)]
    assert [event.number for event in state.events(count=2)] == [5, 6]
    assert [event.number for event in state.events(after=2, count=2)] == [3, 4]
    assert state.events(after=6) == ()
    assert (state.events(after=5)[0].kind, state.events(count=6)[0].cure) == ("silent", "none")


async def test_events_are_bounded_and_the_oldest_go_first(open_state: OpenState) -> None:
    state = open_state()
    for number in range(EVENT_RING + 10):
        state.add_event("info", "gateway", "flood", str(number))

    for kept in (state, open_state()):
        events = kept.events(count=10 * EVENT_RING)
        assert len(events) == EVENT_RING
        assert (events[0].number, events[-1].number) == (11, EVENT_RING + 10)
        assert kept.events(after=3, count=2)[0].number == 11


async def test_revisions_are_kept_with_text_data_who_and_why(open_state: OpenState) -> None:
    state = open_state()
    text = "efpi: 1  # ünïcode\n"
    kept = state.add_revision(
        text, {"efpi": 1}, by="Ann", why="first", origin=Origin.IMPORT, verdict=Verdict.CONFIRMED, source="house.yaml"
    )
    assert kept.number == 1
    state.set_last_import(ImportRecord("house.yaml", kept.digest, 1))

    state = open_state()
    assert state.revisions() == (kept,)
    assert state.revision_in_force() == kept
    assert state.revision_document(1) == (text, {"efpi": 1})
    assert state.revision_document(2) is None
    assert state.last_import() == ImportRecord("house.yaml", kept.digest, 1)


async def test_a_candidate_is_not_in_force_until_it_is_confirmed(open_state: OpenState) -> None:
    state = open_state()

    def revise(text: str, verdict: Verdict) -> int:
        return state.add_revision(text, {}, by="Ann", why="", origin=Origin.APPLY, verdict=verdict).number

    first = revise("one", Verdict.CONFIRMED)
    second = revise("two", Verdict.CANDIDATE)
    assert state.revision_in_force() is not None
    assert state.revision_in_force().number == first  # type: ignore[union-attr]  # the line above
    state.judge_revision(second, Verdict.CONFIRMED)
    third = revise("three", Verdict.CANDIDATE)
    state.judge_revision(third, Verdict.REJECTED, "the meter was gone")

    state = open_state()
    assert [(kept.number, kept.verdict, kept.note) for kept in state.revisions()] == [
        (1, Verdict.CONFIRMED, ""),
        (2, Verdict.CONFIRMED, ""),
        (3, Verdict.REJECTED, "the meter was gone"),
    ]
    assert state.revision_in_force().number == second  # type: ignore[union-attr]  # it was confirmed


async def test_a_candidate_left_by_an_ended_gateway_is_rejected_and_said_so(open_state: OpenState) -> None:
    state = open_state()
    for verdict in (Verdict.CONFIRMED, Verdict.CANDIDATE):
        state.add_revision("x", {}, by="Ann", why="", origin=Origin.APPLY, verdict=verdict)

    state = open_state()
    assert [kept.verdict for kept in state.revisions()] == [Verdict.CONFIRMED, Verdict.REJECTED]
    assert [event.kind for event in state.events()] == ["site_not_confirmed"]
    assert len(open_state().events()) == 1


async def test_each_life_of_a_gateway_has_a_number_of_its_own(open_state: OpenState) -> None:
    assert [open_state().life for _ in range(3)] == [1, 2, 3]


async def test_a_row_that_this_efpi_cannot_read_is_forgotten_with_an_event(open_state: OpenState, home: Path) -> None:
    state = open_state()
    await state.journal_allocation(allocation(1))
    await state.journal_allocation(allocation(2))
    state.close()
    with sqlite3.connect(home / "state.db") as connection:
        connection.execute("UPDATE allocation SET message = '{}' WHERE allocation = 'app_1_1'")
    connection.close()

    state = open_state()
    assert [kept.allocation_id for kept in state.open_allocations()] == ["app_1_2"]
    state.open_allocations()
    assert [event.kind for event in state.events()] == ["row_unreadable"]
    assert [kept.allocation_id for kept in open_state().open_allocations()] == ["app_1_2"]


async def test_a_state_in_memory_does_the_same_and_says_that_nothing_is_kept() -> None:
    state = State.in_memory(SteppedClock(NOON))
    assert await state.journal_allocation(allocation(1)) is False
    assert state.note_allocation(allocation(2)) is None
    assert len(state.open_allocations()) == 2
    state.add_revision("x", {}, by="", why="", origin=Origin.IMPORT, verdict=Verdict.CONFIRMED)
    assert state.revision_document(1) == ("x", {})
    assert state.add_event("info", "gateway", "began", "").at == NOON
    assert (state.kept, state.problem, state.life) == (False, None, 1)
    state.close()
