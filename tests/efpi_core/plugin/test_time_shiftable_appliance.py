from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from efi.time_shiftable import SequenceAction, SequenceAllocation, SequenceStatus, TimeShiftableAllocation
from tests.efpi_core.plugin.bench import BEGIN, Bench, on_bench
from tests.efpi_core.plugin.cell import Cell, ask
from tests.efpi_core.plugin.devices import Washer

MINUTE = 60.0
START, HALT, RESUME = SequenceAction.START, SequenceAction.INTERRUPT, SequenceAction.RESUME
Wish = tuple[str, SequenceAction, float, str | None]


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with on_bench(Washer) as bench:
        bench.driver.fill(hours=6)
        await bench.settle()
        yield bench


def wish(bench: Bench, *wishes: Wish) -> TimeShiftableAllocation:
    """Steps, what to do with them, after how many minutes, and in which way."""
    return TimeShiftableAllocation(
        **bench.stamp(),
        control_space_update_id=bench.last("time_shiftable_update").message_id,
        sequences=tuple(
            SequenceAllocation(
                sequence_id=step,
                action=action,
                start_time=bench.clock.now() + timedelta(minutes=after),
                alternative_id=way,
            )
            for step, action, after, way in wishes
        ),
    )


async def want(bench: Bench, *wishes: Wish, guarded: bool = True) -> str:
    allocation = wish(bench, *wishes)
    if guarded:
        rule = await bench.allocate(allocation)
        assert rule is None, bench.last_text()
    else:
        await bench.slip_in(allocation)
    return allocation.message_id


async def end(bench: Bench, step: str, status: SequenceStatus = SequenceStatus.FINISHED) -> None:
    bench.driver.sequence_ended(step, status)
    await bench.settle()


def progress(bench: Bench) -> dict[str, str]:
    return {state.sequence_id: state.status.value for state in bench.last("time_shiftable_state_update").sequences}


# --- as asked


async def test_steps_are_started_at_their_times_in_the_way_that_was_chosen(bench: Bench) -> None:
    asked = await want(bench, ("wash", START, 10, "eco"), ("spin", START, 80, "quick"))
    assert progress(bench) == {"wash": "scheduled", "spin": "scheduled"}
    await bench.let_pass(11 * MINUTE)
    assert bench.driver.done == [("wash", "eco")]
    assert progress(bench) == {"wash": "executing", "spin": "scheduled"}
    await end(bench, "wash")
    assert bench.statuses(asked) == ["accepted", "started"]
    await bench.let_pass(70 * MINUTE)
    assert bench.driver.done == [("wash", "eco"), ("spin", "quick")]
    await end(bench, "spin")
    assert bench.statuses(asked) == ["accepted", "started", "finished"]
    assert bench.driver.work is None


async def test_a_step_that_is_broken_off_aborts_its_allocation(bench: Bench) -> None:
    asked = await want(bench, ("wash", START, 0, "eco"))
    await end(bench, "wash", SequenceStatus.ABORTED)
    assert bench.statuses(asked) == ["accepted", "started", "aborted"]


async def test_a_running_step_is_halted_and_resumed(bench: Bench) -> None:
    asked = await want(bench, ("wash", START, 0, "eco"))
    halt = await want(bench, ("wash", HALT, 0, None))
    assert (bench.statuses(halt), progress(bench)["wash"]) == (["accepted", "started", "finished"], "interrupted")
    await want(bench, ("wash", RESUME, 10, None))
    await bench.let_pass(11 * MINUTE)
    assert bench.driver.done == [("wash", "eco"), ("wash", "halt"), ("wash", "resume")]
    assert bench.statuses(asked) == ["accepted", "started"], "halting does not replace what started it"
    assert progress(bench)["wash"] == "executing"


async def test_a_halt_that_is_due_when_the_step_is_over_aborts(bench: Bench) -> None:
    await want(bench, ("wash", START, 0, "eco"))
    halt = await want(bench, ("wash", HALT, 5, None))
    await end(bench, "wash")
    await bench.let_pass(6 * MINUTE)
    assert bench.statuses(halt) == ["accepted", "aborted"]
    assert "finished and cannot interrupt" in bench.last_text()


async def test_a_newer_allocation_moves_what_waits(bench: Bench) -> None:
    older = await want(bench, ("wash", START, 10, "eco"))
    newer = await want(bench, ("wash", START, 60, "quick"))
    await bench.let_pass(61 * MINUTE)
    assert bench.driver.done == [("wash", "quick")]
    assert bench.statuses(older) == ["accepted", "revoked"]
    assert bench.statuses(newer) == ["accepted", "started"]


async def test_a_step_that_runs_cannot_be_started_again(bench: Bench) -> None:
    await want(bench, ("wash", START, 0, "eco"))
    again = await want(bench, ("wash", START, 0, "eco"), guarded=False)
    assert bench.statuses(again) == ["rejected"]
    assert "'wash' is executing and cannot start" in bench.last_text()
    assert bench.driver.done == [("wash", "eco")]


async def test_what_is_taken_back_before_it_began_waits_again(bench: Bench) -> None:
    asked = await want(bench, ("wash", START, 10, "eco"))
    await bench.revoke(asked)
    assert progress(bench)["wash"] == "not_scheduled"
    await bench.let_pass(20 * MINUTE)
    assert bench.driver.done == []


async def test_a_step_that_runs_goes_on_when_its_allocation_is_taken_back(bench: Bench) -> None:
    await want(bench, ("wash", START, 0, "eco"))
    await bench.revoke()
    assert bench.driver.done == [("wash", "eco")]
    assert progress(bench)["wash"] == "executing"


async def test_a_device_that_refuses_to_start_aborts_and_the_step_waits(bench: Bench) -> None:
    bench.driver.refuses = True
    asked = await want(bench, ("wash", START, 0, "eco"))
    assert (bench.statuses(asked), bench.last_text()) == (["accepted", "aborted"], "the device is locked")
    assert progress(bench)["wash"] == "not_scheduled"


@pytest.mark.parametrize("action", [HALT, RESUME])
async def test_a_machine_that_cannot_be_halted_says_so(action: SequenceAction, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Washer, "interrupt_sequence")
    monkeypatch.delattr(Washer, "resume_sequence")
    async with on_bench(Washer) as bench:
        bench.driver.fill()
        await want(bench, ("wash", START, 0, "eco"))
        if action is RESUME:
            bench.driver._note("wash", SequenceStatus.INTERRUPTED)
        asked = await want(bench, ("wash", action, 0, None), guarded=False)
        assert (bench.statuses(asked), bench.last_text()) == (
            ["accepted", "aborted"],
            "this appliance cannot be halted",
        )


async def test_an_empty_machine_refuses_and_so_does_one_that_has_no_such_step(bench: Bench) -> None:
    stray = wish(bench, ("rinse", START, 0, "eco"))
    await bench.slip_in(stray)
    assert bench.last_text() == "there is no step 'rinse' in the work that waits"
    late = wish(bench, ("wash", START, 0, "eco"))
    bench.driver.work = None
    await bench.slip_in(late)
    assert bench.last_text() == "there is no work to do"


async def test_other_work_takes_the_place_of_what_waited(bench: Bench) -> None:
    asked = await want(bench, ("wash", START, 60, "eco"))
    bench.driver.fill(hours=12)
    await bench.settle()
    assert bench.statuses(asked) == ["accepted", "aborted"]
    await bench.let_pass(90 * MINUTE)
    assert bench.driver.done == []


async def test_a_message_of_another_category_is_refused_by_name(bench: Bench) -> None:
    async with on_bench(Cell) as other:
        stray = await ask(other, ("inverter", "charge", 0))
        assert other.session is not None
        allocation = other.session.allocations[stray].allocation
    await bench.slip_in(allocation)
    assert bench.last_text() == "a time-shiftable appliance cannot follow storage_allocation"


# --- when nobody asks


async def test_work_that_nobody_allocated_is_started_in_time_for_its_deadline_by_the_shortest_ways(
    bench: Bench,
) -> None:
    await bench.let_pass((6 * 60 - 61) * MINUTE)
    assert bench.driver.done == []
    await bench.let_pass(1 * MINUTE)
    assert bench.driver.done == [("wash", "quick")]
    await bench.let_pass(30 * MINUTE)
    await end(bench, "wash")
    await bench.settle()
    assert bench.driver.done == [("wash", "quick"), ("spin", "quick")]
    assert bench.clock.now() == BEGIN + timedelta(minutes=6 * 60 - 30)


async def test_the_next_step_is_started_when_its_longest_pause_is_over(bench: Bench) -> None:
    await want(bench, ("wash", START, 0, "quick"))
    await bench.let_pass(30 * MINUTE)
    await end(bench, "wash")
    await bench.let_pass(59 * MINUTE)
    assert bench.driver.done == [("wash", "quick")]
    await bench.let_pass(1 * MINUTE)
    assert bench.driver.done == [("wash", "quick"), ("spin", "quick")]


async def test_what_was_halted_and_forgotten_goes_on_when_its_longest_halt_is_over(bench: Bench) -> None:
    await want(bench, ("wash", START, 0, "quick"))
    await want(bench, ("wash", HALT, 0, None))
    await bench.let_pass(19 * MINUTE)
    assert bench.driver.done[-1] == ("wash", "halt")
    await bench.let_pass(1 * MINUTE)
    assert bench.driver.done[-1] == ("wash", "resume")
    assert progress(bench)["wash"] == "executing"


async def test_a_device_that_is_silent_when_its_work_is_due_is_tried_again_each_minute(bench: Bench) -> None:
    await bench.let_pass((6 * 60 - 61) * MINUTE)
    bench.driver.deaf = True
    await bench.let_pass(3 * MINUTE)
    assert bench.driver.done == []
    bench.driver.deaf = False
    await bench.let_pass(1 * MINUTE)
    assert bench.driver.done == [("wash", "quick")]


async def test_without_an_app_what_is_halted_goes_on_and_what_was_planned_waits_for_its_deadline(bench: Bench) -> None:
    await bench.connect()
    await want(bench, ("wash", START, 0, "eco"), ("spin", START, 90, "quick"))
    await want(bench, ("wash", HALT, 0, None))
    await bench.disconnect()
    assert bench.driver.done == [("wash", "eco"), ("wash", "halt"), ("wash", "resume")]
    assert progress(bench) == {"wash": "executing", "spin": "not_scheduled"}


async def test_work_is_offered_again_under_a_new_name_when_the_device_returns(bench: Bench) -> None:
    before = bench.last("time_shiftable_update")
    asked = await want(bench, ("wash", START, 60, "eco"))
    bench.driver.silent = True
    await bench.let_pass(6)
    assert bench.statuses(asked)[-1] == "aborted"
    bench.driver.silent = False
    await bench.let_pass(30)
    again = bench.last("time_shiftable_update")
    assert (again.end_before, again.message_id == before.message_id) == (before.end_before, False)
    assert progress(bench)["wash"] == "not_scheduled"
    await want(bench, ("wash", START, 0, "eco"))
    assert bench.driver.done == [("wash", "eco")]


async def test_work_told_while_the_device_is_lost_is_told_when_it_returns(bench: Bench) -> None:
    bench.driver.silent = True
    await bench.let_pass(6)
    told = len(bench.said)
    bench.driver.fill(hours=3)
    await bench.settle()
    assert "time_shiftable_update" not in [message.type for message in bench.said[told:]]
    bench.driver.silent = False
    await bench.let_pass(30)
    assert bench.last("time_shiftable_update").end_before == bench.driver.work.end_before


async def test_broken_off_work_is_not_started_again_by_itself(bench: Bench) -> None:
    await want(bench, ("wash", START, 0, "quick"))
    await end(bench, "wash", SequenceStatus.ABORTED)
    await bench.let_pass(7 * 60 * MINUTE)
    assert bench.driver.done == [("wash", "quick")]


async def test_the_driver_itself_forgets_what_was_replaced_and_the_rest_of_it_goes_on(bench: Bench) -> None:
    older = await want(bench, ("wash", START, 10, "eco"), ("spin", START, 80, "quick"))
    newer = await want(bench, ("wash", START, 20, "quick"))
    assert (bench.driver.is_open(older), bench.driver.is_open(newer)) == (True, True)
    await bench.let_pass(21 * MINUTE)
    assert bench.driver.done == [("wash", "quick")], "the older one does not start what it has lost"
    whole = await want(bench, ("spin", START, 60, "eco"))
    assert (bench.driver.is_open(older), bench.driver.is_open(whole)) == (False, True)


async def test_one_step_broken_off_makes_the_allocation_aborted_though_the_other_was_done(bench: Bench) -> None:
    asked = await want(bench, ("wash", START, 0, "quick"), ("spin", START, 30, "quick"))
    await bench.let_pass(30 * MINUTE - 1)
    await end(bench, "wash")
    await bench.let_pass(2)
    await end(bench, "spin", SequenceStatus.ABORTED)
    assert bench.statuses(asked) == ["accepted", "started", "aborted"]


async def test_the_progress_is_told_when_a_step_could_not_be_started(bench: Bench) -> None:
    await want(bench, ("wash", START, 10, "eco"))
    bench.driver.refuses = True
    await bench.let_pass(11 * MINUTE)
    assert progress(bench)["wash"] == "not_scheduled"
