import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.efpi_core.plugin.appliance_bench import Bench, Cell


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    bench = Bench()
    task = asyncio.get_running_loop().create_task(bench.runtime.run())
    await bench.settle()
    yield bench
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_device_that_answers_is_registered_described_and_reported_in_this_order(bench: Bench) -> None:
    assert bench.types() == ["storage_registration", "storage_system_description", "storage_state_update"]
    assert bench.conditions() == ["ok"]


async def test_an_allocation_is_accepted_and_started_once(bench: Bench) -> None:
    asked = await bench.ask("charge")
    await bench.let_pass(60)
    assert bench.statuses(asked) == ["accepted", "started"]
    assert bench.cell.mode == "charge"


async def test_a_step_for_later_runs_at_its_time_and_not_before(bench: Bench) -> None:
    asked = await bench.ask("charge", after_s=30)
    await bench.let_pass(29)
    assert (bench.statuses(asked), bench.cell.mode) == (["accepted"], "idle")
    await bench.let_pass(2)
    assert (bench.statuses(asked), bench.cell.mode) == (["accepted", "started"], "charge")


async def test_a_step_that_was_taken_back_never_runs(bench: Bench) -> None:
    asked = await bench.ask("charge", after_s=30)
    await bench.take_back(asked)
    await bench.let_pass(60)
    assert (bench.statuses(asked), bench.cell.mode) == (["accepted", "revoked"], "idle")


async def test_what_was_started_and_is_taken_back_ends_in_the_fallback(bench: Bench) -> None:
    asked = await bench.ask("charge")
    await bench.take_back(None)
    assert (bench.statuses(asked)[-1], bench.cell.mode) == ("revoked", "idle")


async def test_a_newer_allocation_replaces_the_older(bench: Bench) -> None:
    older = await bench.ask("charge", after_s=30)
    newer = await bench.ask("charge")
    assert bench.statuses(older) == ["accepted", "revoked"]
    assert bench.statuses(newer) == ["accepted", "started"]


async def test_a_refused_allocation_leaves_the_older_in_charge(bench: Bench) -> None:
    older = await bench.ask("charge", after_s=30)
    refused = await bench.ask("charge", actuator="other")
    assert bench.statuses(refused) == ["rejected"]
    assert "no actuator 'other'" in bench.last_text()
    await bench.let_pass(31)
    assert bench.statuses(older) == ["accepted", "started"]


async def test_a_timer_refuses_and_lets_pass_when_it_has_run(bench: Bench) -> None:
    await bench.ask("charge")
    await bench.ask("idle")
    early = await bench.ask("charge")
    assert bench.statuses(early) == ["rejected"]
    assert "a timer forbids" in bench.last_text()
    await bench.let_pass(60)
    assert bench.statuses(await bench.ask("charge")) == ["accepted", "started"]


async def test_a_timer_that_runs_when_a_step_is_due_aborts_it(bench: Bench) -> None:
    await bench.ask("charge")
    await bench.ask("idle")
    due = await bench.ask("charge", after_s=30)
    await bench.let_pass(31)
    assert bench.statuses(due) == ["accepted", "aborted"]


async def test_a_device_that_does_not_follow_aborts_what_was_accepted(bench: Bench) -> None:
    bench.cell.answers = False
    asked = await bench.ask("charge")
    assert bench.statuses(asked) == ["accepted", "aborted"]
    assert "the cell is silent" in bench.last_text()


async def test_a_lost_device_takes_everything_back_and_is_described_anew_when_found(bench: Bench) -> None:
    asked = await bench.ask("charge", after_s=300)
    bench.cell.answers = False
    await bench.let_pass(11)
    assert bench.statuses(asked) == ["accepted", "aborted"]
    assert bench.types().count("control_space_revoke") == 1
    assert bench.conditions()[-1] == "offline"
    told = len(bench.said())
    bench.cell.answers = True
    await bench.let_pass(100)
    types = [message.type for message in bench.said()[told:]]
    assert types[:3] == ["storage_registration", "storage_system_description", "storage_state_update"]
    assert bench.conditions()[-1] == "ok"
    await bench.let_pass(300)
    assert bench.cell.mode == "idle", "what was aborted must not run"


async def test_without_an_app_the_device_falls_back(bench: Bench) -> None:
    await bench.connect()
    asked = await bench.ask("charge")
    await bench.disconnect()
    assert (bench.statuses(asked)[-1], bench.cell.mode) == ("aborted", "idle")


async def test_a_device_that_is_silent_when_its_app_goes_falls_back_when_it_is_found(bench: Bench) -> None:
    await bench.connect()
    await bench.ask("charge")
    bench.cell.answers = False
    await bench.disconnect()
    assert (bench.conditions()[-1], bench.cell.mode) == ("offline", "charge")
    bench.cell.answers = True
    await bench.let_pass(11)
    assert (bench.conditions()[-1], bench.cell.mode) == ("ok", "idle")


async def test_a_device_that_was_lost_before_its_app_went_falls_back_when_it_is_found(bench: Bench) -> None:
    await bench.connect()
    await bench.ask("charge")
    bench.cell.answers = False
    await bench.let_pass(11)
    await bench.disconnect()
    bench.cell.answers = True
    await bench.let_pass(100)
    assert bench.cell.mode == "idle"


async def test_a_device_found_under_a_new_app_is_left_to_that_app(bench: Bench) -> None:
    await bench.connect()
    await bench.ask("charge")
    bench.cell.answers = False
    await bench.disconnect()
    await bench.connect()
    bench.cell.answers = True
    await bench.let_pass(100)
    assert bench.cell.mode == "charge"


async def test_a_silent_device_that_is_asked_to_stop_is_lost_and_its_driver_lives(bench: Bench) -> None:
    asked = await bench.ask("charge")
    bench.cell.answers = False
    await bench.take_back(asked)
    assert (bench.statuses(asked)[-1], bench.conditions()[-1]) == ("revoked", "offline")


async def test_a_mode_that_the_device_chose_itself_is_told_with_its_timers(bench: Bench) -> None:
    bench.cell.mode = "charge"
    await bench.let_pass(11)
    assert bench.said()[-1].actuators[0].mode_id == "charge"
    bench.cell.mode = "idle"
    await bench.let_pass(10)
    (timer,) = bench.said()[-1].actuators[0].timers
    assert timer.timer_id == "rest"
    assert bench.statuses(await bench.ask("charge")) == ["rejected"]


async def test_a_device_is_described_in_the_mode_in_which_it_is_first_read() -> None:
    bench = Bench()
    Cell.mode = "charge"
    task = asyncio.get_running_loop().create_task(bench.runtime.run())
    try:
        await bench.settle()
        assert bench.said()[-1].actuators[0].mode_id == "charge"
    finally:
        Cell.mode = "idle"
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
