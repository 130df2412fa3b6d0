from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from efi.output_adjustable import OutputAdjustableAllocation, RunningModeSelector
from tests.efpi_core.plugin.bench import Bench, on_bench
from tests.efpi_core.plugin.cell import Cell, ask
from tests.efpi_core.plugin.devices import Boiler

INVERTER = "inverter"


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with on_bench(Cell) as bench:
        yield bench


async def test_a_device_that_answers_is_registered_described_and_reported_in_this_order(bench: Bench) -> None:
    assert bench.kinds() == ["storage_registration", "storage_system_description", "storage_state_update"]
    assert [told.state for told in bench.conditions()] == ["ok"]


async def test_an_allocation_is_accepted_and_started_once(bench: Bench) -> None:
    asked = await ask(bench, (INVERTER, "charge", 0))
    await bench.let_pass(60)
    assert bench.statuses(asked) == ["accepted", "started"]
    assert bench.driver.mode == "charge"


async def test_a_step_for_later_runs_at_its_time_and_not_before(bench: Bench) -> None:
    asked = await ask(bench, (INVERTER, "charge", 30))
    await bench.let_pass(29)
    assert (bench.statuses(asked), bench.driver.mode) == (["accepted"], "idle")
    await bench.let_pass(2)
    assert (bench.statuses(asked), bench.driver.mode) == (["accepted", "started"], "charge")


async def test_a_step_that_was_taken_back_never_runs(bench: Bench) -> None:
    asked = await ask(bench, (INVERTER, "charge", 30))
    await bench.revoke(asked)
    await bench.let_pass(60)
    assert (bench.statuses(asked), bench.driver.mode) == (["accepted", "revoked"], "idle")


async def test_what_was_started_and_is_taken_back_ends_in_the_fallback(bench: Bench) -> None:
    asked = await ask(bench, (INVERTER, "charge", 0))
    await bench.revoke(None)
    assert (bench.statuses(asked)[-1], bench.driver.mode) == ("revoked", "idle")


async def test_what_waits_can_be_taken_back_while_something_else_runs(bench: Bench) -> None:
    runs = await ask(bench, (INVERTER, "charge", 0))
    waits = await ask(bench, (INVERTER, "idle", 600))
    await bench.revoke(waits)
    assert (bench.statuses(waits)[-1], bench.statuses(runs)[-1]) == ("revoked", "started")
    assert bench.driver.mode == "charge"


async def test_an_actuator_goes_on_when_what_another_was_asked_is_taken_back() -> None:
    async with on_bench(Boiler) as bench:
        pump = await ask(bench, ("pump", "heat", 0))
        element = await ask(bench, ("element", "any", 0), factors=(0.5,))
        await bench.revoke(element)
        assert bench.driver.safe == 1
        assert bench.driver.ran[-1] == ("pump", "heat", None), "the fallback is of the whole device"
        assert (bench.statuses(pump)[-1], bench.statuses(element)[-1]) == ("started", "revoked")


async def test_an_actuator_that_cannot_go_on_is_given_up() -> None:
    class WholeBoiler(Boiler):
        async def safe_state(self) -> None:
            await super().safe_state()
            await self.change_mode("pump", "off")
            await self.change_mode("element", "off")

    async with on_bench(WholeBoiler) as bench:
        pump = await ask(bench, ("pump", "heat", 0))
        element = await ask(bench, ("element", "any", 0), factors=(0.5,))
        await bench.revoke(element)
        assert bench.statuses(pump)[-1] == "aborted", "its least time off has begun"
        assert "a timer forbids" in bench.last_text()


async def test_a_newer_allocation_replaces_the_older(bench: Bench) -> None:
    older = await ask(bench, (INVERTER, "charge", 30))
    newer = await ask(bench, (INVERTER, "charge", 0))
    assert bench.statuses(older) == ["accepted", "revoked"]
    assert bench.statuses(newer) == ["accepted", "started"]


async def test_a_refused_allocation_leaves_the_older_in_charge(bench: Bench) -> None:
    older = await ask(bench, (INVERTER, "charge", 30))
    refused = await ask(bench, ("other", "charge", 0), guarded=False)
    assert bench.statuses(refused) == ["rejected"]
    assert "no actuator 'other'" in bench.last_text()
    await bench.let_pass(31)
    assert bench.statuses(older) == ["accepted", "started"]


async def test_a_timer_refuses_and_lets_pass_when_it_has_run(bench: Bench) -> None:
    await ask(bench, (INVERTER, "charge", 0))
    await ask(bench, (INVERTER, "idle", 0))
    early = await ask(bench, (INVERTER, "charge", 0), guarded=False)
    assert bench.statuses(early) == ["rejected"]
    assert "a timer forbids" in bench.last_text()
    await bench.let_pass(60)
    assert bench.statuses(await ask(bench, (INVERTER, "charge", 0))) == ["accepted", "started"]


async def test_a_timer_that_runs_when_a_step_is_due_aborts_it(bench: Bench) -> None:
    await ask(bench, (INVERTER, "charge", 0))
    await ask(bench, (INVERTER, "idle", 0))
    due = await ask(bench, (INVERTER, "charge", 30))
    await bench.let_pass(31)
    assert bench.statuses(due) == ["accepted", "aborted"]


async def test_a_device_that_does_not_follow_aborts_what_was_accepted(bench: Bench) -> None:
    bench.driver.answers = False
    asked = await ask(bench, (INVERTER, "charge", 0))
    assert bench.statuses(asked) == ["accepted", "aborted"]
    assert "the cell is silent" in bench.last_text()


async def test_a_lost_device_takes_everything_back_and_is_described_anew_when_found(bench: Bench) -> None:
    asked = await ask(bench, (INVERTER, "charge", 300))
    bench.driver.answers = False
    await bench.let_pass(11)
    assert bench.statuses(asked) == ["accepted", "aborted"]
    assert bench.kinds().count("control_space_revoke") == 1
    assert bench.conditions()[-1].state == "offline"
    told = len(bench.said)
    bench.driver.answers = True
    await bench.let_pass(100)
    types = [message.type for message in bench.said[told:]]
    assert types[:3] == ["storage_registration", "storage_system_description", "storage_state_update"]
    assert bench.conditions()[-1].state == "ok"
    await bench.let_pass(300)
    assert bench.driver.mode == "idle", "what was aborted must not run"


async def test_without_an_app_the_device_falls_back(bench: Bench) -> None:
    await bench.connect()
    asked = await ask(bench, (INVERTER, "charge", 0))
    await bench.disconnect()
    assert (bench.statuses(asked)[-1], bench.driver.mode) == ("aborted", "idle")


async def test_a_device_that_is_silent_when_its_app_goes_falls_back_when_it_is_found(bench: Bench) -> None:
    await bench.connect()
    await ask(bench, (INVERTER, "charge", 0))
    bench.driver.answers = False
    await bench.disconnect()
    assert (bench.conditions()[-1].state, bench.driver.mode) == ("offline", "charge")
    bench.driver.answers = True
    await bench.let_pass(11)
    assert (bench.conditions()[-1].state, bench.driver.mode) == ("ok", "idle")


async def test_a_device_that_was_lost_before_its_app_went_falls_back_when_it_is_found(bench: Bench) -> None:
    await bench.connect()
    await ask(bench, (INVERTER, "charge", 0))
    bench.driver.answers = False
    await bench.let_pass(11)
    await bench.disconnect()
    bench.driver.answers = True
    await bench.let_pass(100)
    assert bench.driver.mode == "idle"


async def test_a_device_found_under_a_new_app_is_left_to_that_app(bench: Bench) -> None:
    await bench.connect()
    await ask(bench, (INVERTER, "charge", 0))
    bench.driver.answers = False
    await bench.disconnect()
    await bench.connect()
    bench.driver.answers = True
    await bench.let_pass(100)
    assert bench.driver.mode == "charge"


async def test_a_silent_device_that_is_asked_to_stop_is_lost_and_its_driver_lives(bench: Bench) -> None:
    asked = await ask(bench, (INVERTER, "charge", 0))
    bench.driver.answers = False
    await bench.revoke(asked)
    assert (bench.statuses(asked)[-1], bench.conditions()[-1].state) == ("revoked", "offline")


async def test_a_mode_that_the_device_chose_itself_is_told_with_its_timers(bench: Bench) -> None:
    bench.driver.mode = "charge"
    await bench.let_pass(11)
    assert bench.last("storage_state_update").actuators[0].mode_id == "charge"
    bench.driver.mode = "idle"
    await bench.let_pass(10)
    (timer,) = bench.last("storage_state_update").actuators[0].timers
    assert timer.timer_id == "rest"
    assert bench.statuses(await ask(bench, (INVERTER, "charge", 0))) == ["rejected"]


async def test_a_device_is_described_in_the_mode_in_which_it_is_first_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cell, "mode", "charge")
    async with on_bench(Cell) as bench:
        assert bench.last("storage_state_update").actuators[0].mode_id == "charge"


async def test_an_allocation_that_was_on_its_way_when_the_device_was_lost_is_rejected_and_not_done(
    bench: Bench,
) -> None:
    bench.driver.answers = False
    await bench.let_pass(11)
    bench.driver.answers = True
    late = await ask(bench, (INVERTER, "charge", 0), guarded=False)
    assert (bench.statuses(late), bench.driver.mode) == (["rejected"], "idle")
    assert "out of reach" in bench.last_text()


async def test_a_message_of_another_category_is_refused_by_name(bench: Bench) -> None:
    from_a_stranger = OutputAdjustableAllocation(
        **bench.stamp(),
        control_space_update_id=bench.last("storage_system_description").message_id,
        selectors=(RunningModeSelector(mode_id="charge", start_time=bench.clock.now()),),
    )
    await bench.slip_in(from_a_stranger)
    assert bench.statuses(from_a_stranger.message_id) == ["rejected"]
    assert "a storage cannot follow output_adjustable_allocation" in bench.last_text()


# --- several actuators


async def test_each_actuator_follows_the_newest_allocation_that_names_it() -> None:
    async with on_bench(Boiler) as bench:
        both = await ask(bench, ("pump", "heat", 0), ("element", "any", 0), factors=(None, 0.5))
        one = await ask(bench, ("element", "off", 0))
        assert bench.statuses(both) == ["accepted", "started"], "it still has the pump"
        other = await ask(bench, ("pump", "heat", 0))
        assert bench.statuses(both) == ["accepted", "started", "revoked"]
        assert bench.statuses(one) == bench.statuses(other) == ["accepted", "started"]
        assert bench.driver.ran == [
            ("pump", "heat", None),
            ("element", "any", 0.5),
            ("element", "off", None),
            ("pump", "heat", None),
        ]


async def test_an_older_allocation_keeps_an_actuator_until_the_newer_begins_with_it() -> None:
    async with on_bench(Boiler) as bench:
        older = await ask(bench, ("element", "any", 100), factors=(0.1,))
        newer = await ask(bench, ("element", "any", 200), factors=(0.9,))
        await bench.let_pass(150)
        assert bench.driver.ran == [("element", "any", 0.1)]
        assert bench.statuses(older) == ["accepted", "started"]
        await bench.let_pass(60)
        assert bench.driver.ran[-1] == ("element", "any", 0.9)
        assert bench.statuses(older)[-1] == "revoked"
        assert bench.statuses(newer) == ["accepted", "started"]


async def test_a_newer_allocation_that_begins_earlier_takes_the_place_of_the_older_at_once() -> None:
    async with on_bench(Boiler) as bench:
        older = await ask(bench, ("element", "any", 200), factors=(0.1,))
        newer = await ask(bench, ("element", "any", 100), factors=(0.9,))
        assert bench.statuses(older) == ["accepted", "revoked"]
        await bench.let_pass(300)
        assert bench.driver.ran == [("element", "any", 0.9)]
        assert bench.statuses(newer) == ["accepted", "started"]


async def test_steps_are_done_in_the_order_of_time_and_started_is_said_once() -> None:
    async with on_bench(Boiler) as bench:
        steps = await ask(
            bench, ("element", "off", 120), ("element", "any", 0), ("element", "any", 60), factors=(None, 0.2, 0.4)
        )
        await bench.let_pass(200)
        assert bench.driver.ran == [("element", "any", 0.2), ("element", "any", 0.4), ("element", "off", None)]
        assert bench.statuses(steps) == ["accepted", "started"]


async def test_nothing_is_done_when_one_of_the_steps_for_now_is_impossible() -> None:
    async with on_bench(Boiler) as bench:
        await ask(bench, ("pump", "heat", 0))
        bench.driver.ran.clear()
        refused = await ask(
            bench, ("element", "any", 0), ("pump", "off", 0), factors=(1.0, None), guarded=False
        )  # the pump's timer runs
        assert bench.statuses(refused) == ["rejected"]
        assert bench.driver.ran == []


async def test_a_device_that_fails_half_way_aborts_and_what_was_done_is_told() -> None:
    async with on_bench(Boiler) as bench:
        bench.driver.fails_after = 1
        asked = await ask(bench, ("element", "any", 0), ("pump", "heat", 0), factors=(1.0, None))
        assert bench.statuses(asked) == ["accepted", "started", "aborted"]
        told = {each.actuator_id: each.mode_id for each in bench.last("storage_state_update").actuators}
        assert told == {"element": "any", "pump": "off"}


async def test_a_later_step_that_the_device_refuses_aborts_with_its_reason() -> None:
    async with on_bench(Boiler) as bench:
        asked = await ask(bench, ("pump", "heat", 60))
        bench.driver.refuses = True
        await bench.let_pass(61)
        assert bench.statuses(asked) == ["accepted", "aborted"]
        assert "locked" in bench.last_text()


async def test_a_newer_allocation_that_is_taken_back_before_it_begins_leaves_the_older_in_charge() -> None:
    async with on_bench(Boiler) as bench:
        older = await ask(bench, ("element", "any", 100), factors=(0.1,))
        newer = await ask(bench, ("element", "any", 200), factors=(0.9,))
        await bench.revoke(newer)
        await bench.let_pass(300)
        assert bench.driver.ran == [("element", "any", 0.1)]
        assert bench.statuses(older) == ["accepted", "started"]


async def test_a_fault_of_the_driver_is_told_and_does_not_pass_for_a_refusal() -> None:
    async with on_bench(Boiler, may_fail=True) as bench:
        bench.driver.breaks = True
        asked = await ask(bench, ("pump", "heat", 0))
        assert bench.failed is not None
        assert "a fault of the driver" in bench.failed.error
        assert bench.statuses(asked) == ["accepted"]


async def test_the_end_of_the_instance_brings_the_device_to_safety() -> None:
    async with on_bench(Boiler) as bench:
        assert await bench.stop() == ()
        assert bench.driver.safe == 1


async def test_a_device_that_cannot_be_brought_to_safety_is_named_at_the_end() -> None:
    async with on_bench(Boiler) as bench:
        bench.driver.silent = True
        (unsafe,) = await bench.stop()
        assert "device" in unsafe and "does not answer" in unsafe


# --- descriptions that change


async def test_modes_and_timers_survive_a_description_that_still_has_them() -> None:
    async with on_bench(Boiler) as bench:
        await ask(bench, ("pump", "heat", 0))
        bench.driver.describe_anew()
        bench.driver.report()
        pump, _ = bench.last("storage_state_update").actuators
        assert (pump.mode_id, [timer.timer_id for timer in pump.timers]) == ("heat", ["heat_least"])


async def test_a_mode_that_a_new_description_lacks_gives_way_to_its_first() -> None:
    async with on_bench(Boiler) as bench:
        await ask(bench, ("element", "any", 0), factors=(1.0,))
        bench.driver.element_works = False
        bench.driver.describe_anew()
        bench.driver.report()
        _, element = bench.last("storage_state_update").actuators
        assert (element.mode_id, element.factor) == ("off", None)


async def test_a_description_told_ahead_is_followed_from_its_instant_on() -> None:
    async with on_bench(Boiler) as bench:
        bench.driver.element_ends_after = timedelta(seconds=60)
        bench.driver.describe_anew()
        await ask(bench, ("element", "any", 0), factors=(1.0,))
        await bench.let_pass(59)
        assert bench.driver.tracker("element").mode_id == "any"
        await bench.let_pass(2)
        assert bench.driver.tracker("element").mode_id == "off"


async def test_what_was_told_ahead_is_forgotten_when_all_is_described_anew() -> None:
    async with on_bench(Boiler) as bench:
        bench.driver.element_ends_after = timedelta(seconds=60)
        bench.driver.describe_anew()
        bench.driver.element_ends_after = None
        bench.driver.describe_anew()
        await ask(bench, ("element", "any", 0), factors=(1.0,))
        await bench.let_pass(120)
        assert bench.driver.tracker("element").mode_id == "any"


async def test_a_mode_that_the_device_was_read_in_gives_way_too_when_a_description_lacks_it() -> None:
    async with on_bench(Boiler) as bench:
        bench.driver.mode_is("element", "any", 0.5)
        bench.driver.element_works = False
        bench.driver.describe_anew()
        bench.driver.report()
        assert bench.last("storage_state_update").actuators[1].mode_id == "off"


async def test_timers_and_modes_of_before_that_a_description_lacks_are_not_told_any_more() -> None:
    async with on_bench(Boiler) as bench:
        await ask(bench, ("pump", "heat", 0))
        await ask(bench, ("element", "any", 0), factors=(1.0,))
        await ask(bench, ("element", "off", 0))
        bench.driver.pump_has_timers = bench.driver.element_works = False
        bench.driver.describe_anew()
        bench.driver.report()
        pump, element = bench.last("storage_state_update").actuators
        assert (pump.mode_id, pump.timers, element.previous_mode_id) == ("heat", (), None)


async def test_the_driver_itself_forgets_what_was_replaced() -> None:
    async with on_bench(Boiler) as bench:
        older = await ask(bench, ("element", "any", 100), ("pump", "heat", 300), factors=(0.1, None))
        await ask(bench, ("element", "any", 0), ("pump", "heat", 0), factors=(1.0, None))
        assert not bench.driver.is_open(older)
        await bench.let_pass(400)
        assert bench.driver.ran == [("element", "any", 1.0), ("pump", "heat", None)]


async def test_an_actuator_may_be_found_in_another_mode_than_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Boiler, "initial_modes", {"pump": "heat"})
    async with on_bench(Boiler) as bench:
        pump, element = bench.last("storage_state_update").actuators
        assert (pump.mode_id, element.mode_id) == ("heat", "off")


async def test_a_mode_that_was_read_without_its_factor_keeps_the_one_that_was_asked() -> None:
    async with on_bench(Boiler) as bench:
        await ask(bench, ("element", "any", 0), factors=(0.7,))
        bench.driver.mode_is("element", "any")
        assert bench.driver.tracker("element").factor == 0.7
        bench.driver.mode_is("element", "off")
        assert bench.driver.tracker("element").factor is None
        bench.driver.mode_is("element", "any", 0.2)
        assert bench.driver.tracker("element").factor == 0.2


async def test_what_is_told_ahead_again_is_not_taken_back_and_what_is_not_is_once() -> None:
    async with on_bench(Boiler) as bench:
        bench.driver.element_ends_after = timedelta(seconds=60)
        bench.driver.describe_anew()
        bench.driver.describe_anew()
        assert "control_space_revoke" not in bench.kinds(), "told again for the same instant"
        await bench.let_pass(1)
        bench.driver.describe_anew()
        bench.driver.element_ends_after = None
        bench.driver.describe_anew()
        bench.driver.describe_anew()
        assert bench.kinds().count("control_space_revoke") == 2


async def test_what_has_begun_is_not_taken_back_when_all_is_described_anew() -> None:
    async with on_bench(Boiler) as bench:
        bench.driver.element_ends_after = timedelta(seconds=60)
        bench.driver.describe_anew()
        await bench.let_pass(61)
        bench.driver.element_ends_after = None
        bench.driver.describe_anew()
        assert "control_space_revoke" not in bench.kinds()


async def test_what_was_told_ahead_by_a_device_that_was_lost_is_followed_no_more() -> None:
    async with on_bench(Boiler) as bench:
        bench.driver.element_ends_after = timedelta(seconds=60)
        bench.driver.describe_anew()
        bench.driver.silent = True
        await bench.let_pass(6)
        bench.driver.silent = False
        bench.driver.element_ends_after = None
        await bench.let_pass(80)
        assert bench.driver.tracker("element").graph.mode_ids == ("off", "any")
        assert bench.kinds().count("control_space_revoke") == 1, "all at once, when it was lost"
