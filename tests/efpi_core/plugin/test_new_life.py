"""A driver that begins anew: what it had promised goes on, and no least time is shortened."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import JsonValue

from efi.allocation import AllocationStatus
from efi.storage import ActuatorAllocation, StorageAllocation
from tests.efpi_core.plugin.bench import BEGIN, NAME, on_bench
from tests.efpi_core.plugin.cell import Cell, ask
from tests.support.settable_clock import SettableClock

ACCEPTED, STARTED = AllocationStatus.ACCEPTED, AllocationStatus.STARTED


class BlindCell(Cell):
    """A cell whose mode cannot be read."""

    offer_name = "bench.blind"

    def __init__(self) -> None:
        self.ran: list[str] = []

    async def poll(self) -> None:
        self.require_answer()

    async def run(self, actuator_id: str, mode_id: str, factor: float | None) -> None:
        self.ran.append(mode_id)
        await super().run(actuator_id, mode_id, factor)


def charging(start_time: datetime, *more: tuple[str, datetime]) -> StorageAllocation:
    steps = (("charge", start_time), *more)
    return StorageAllocation(
        message_id="before-1",
        appliance_id=NAME,
        timestamp=BEGIN,
        control_space_update_id="u1",
        actuators=tuple(ActuatorAllocation(actuator_id="inverter", mode_id=mode, start_time=at) for mode, at in steps),
    )


async def test_what_runs_goes_on_without_a_second_word_of_acceptance() -> None:
    async with on_bench(Cell, promised=True) as bench:
        bench.driver.mode = "charge"
        await bench.tell_standing(charging(BEGIN - timedelta(minutes=5)), STARTED)
        assert bench.driver.mode == "charge"
        assert bench.statuses("before-1") == []
        await bench.revoke("before-1")
        assert bench.statuses("before-1") == ["revoked"]


async def test_what_was_accepted_and_had_not_begun_begins_at_its_time() -> None:
    async with on_bench(Cell, promised=True) as bench:
        await bench.tell_standing(charging(BEGIN + timedelta(minutes=5)), ACCEPTED)
        await bench.let_pass(299)
        assert (bench.driver.mode, bench.statuses("before-1")) == ("idle", [])
        await bench.let_pass(2)
        assert (bench.driver.mode, bench.statuses("before-1")) == ("charge", ["started"])


async def test_of_several_modes_the_present_one_runs_and_the_later_ones_follow() -> None:
    begun, later = BEGIN - timedelta(minutes=5), BEGIN + timedelta(minutes=5)
    async with on_bench(Cell, promised=True) as bench:
        await bench.tell_standing(charging(begun, ("idle", BEGIN - timedelta(minutes=1)), ("charge", later)), STARTED)
        assert bench.driver.mode == "idle"
        await bench.let_pass(301)
        assert bench.driver.mode == "charge"


async def test_what_was_never_answered_is_answered_now() -> None:
    async with on_bench(Cell, promised=True) as bench:
        await bench.tell_standing(charging(BEGIN), None)
        assert bench.statuses("before-1") == ["accepted", "started"]


async def test_what_the_device_does_not_do_any_more_is_given_up_by_name_and_the_device_goes_its_own_way() -> None:
    async with on_bench(Cell, promised=True) as bench:
        bench.driver.answers = False
        await bench.tell_standing(charging(BEGIN), STARTED)
        assert bench.statuses("before-1") == ["aborted"]
        assert bench.last_text().startswith("not taken up again: the cell is silent")


async def test_a_device_of_which_nobody_knows_how_it_runs_goes_to_safety_and_rests_before_it_goes_on() -> None:
    async with on_bench(BlindCell, replacement=True, promised=True) as bench:
        await bench.tell_standing(charging(BEGIN), STARTED)
        assert bench.driver.ran == ["idle"]
        await bench.let_pass(59)
        assert bench.driver.ran == ["idle"]
        await bench.let_pass(2)
        assert bench.driver.ran == ["idle", "charge"]


async def test_a_promise_that_never_comes_leaves_the_device_in_safety() -> None:
    async with on_bench(BlindCell, replacement=True, promised=True) as bench:
        assert bench.driver.ran == []
        await bench.let_pass(6)
        assert bench.driver.ran == ["idle"]


# --- timers


async def kept_after_charging(rested_s: float) -> tuple[dict[str, JsonValue], SettableClock]:
    """A cell that charged, stopped, and has rested for so long when it is killed; a minute it must."""
    async with on_bench(Cell) as bench:
        await ask(bench, ("inverter", "charge", 0))
        await ask(bench, ("inverter", "idle", 0))
        await bench.let_pass(rested_s)
        return bench.kept(), bench.clock


async def test_a_least_rest_is_not_shortened_by_a_new_life_and_a_promise_waits_for_its_end() -> None:
    kept, clock = await kept_after_charging(20)
    async with on_bench(Cell, clock=clock, storage=kept, promised=True) as bench:
        refused = await ask(bench, ("inverter", "charge", 0))
        assert bench.statuses(refused) == ["rejected"]
        await bench.tell_standing(charging(BEGIN), STARTED)
        await bench.let_pass(39)
        assert bench.driver.mode == "idle"
        assert bench.statuses("before-1") == []
        await bench.let_pass(2)
        assert bench.driver.mode == "charge"


async def test_a_device_that_changed_while_nobody_looked_changed_just_now_for_all_that_timers_know() -> None:
    async with on_bench(Cell) as bench:
        await ask(bench, ("inverter", "charge", 0))
        kept, clock = bench.kept(), bench.clock
    clock.advance(clock.now() + timedelta(hours=1))
    async with on_bench(Cell, clock=clock, storage=kept) as bench:
        assert bench.driver.mode == "idle"
        refused = await ask(bench, ("inverter", "charge", 0))
        assert bench.statuses(refused) == ["rejected"]
        await bench.let_pass(61)
        followed = await ask(bench, ("inverter", "charge", 0))
        assert bench.statuses(followed) == ["accepted", "started"]


@pytest.mark.parametrize(("sure", "left_s"), [(True, 40 - 15), (False, 60)])
async def test_after_a_reboot_a_timer_goes_on_by_a_kept_clock_and_else_starts_afresh(sure: bool, left_s: int) -> None:
    kept, before = await kept_after_charging(20)
    clock = SettableClock(before.now() + timedelta(seconds=15), "boot-2")
    clock.kept_by_server = sure
    async with on_bench(Cell, clock=clock, storage=kept) as bench:
        await bench.let_pass(left_s - 1)
        assert bench.statuses(await ask(bench, ("inverter", "charge", 0))) == ["rejected"]
        await bench.let_pass(2)
        assert bench.statuses(await ask(bench, ("inverter", "charge", 0))) == ["accepted", "started"]


@pytest.mark.parametrize(
    "nonsense", [None, 7, "text", [], {}, {"inverter": 3}, {"inverter": {"mode": "gone", "left_s": {"rest": "x"}}}]
)
async def test_what_cannot_be_read_of_a_former_life_keeps_nobody_from_starting(nonsense: Any) -> None:
    async with on_bench(Cell, storage={"efpi.modes": nonsense}) as bench:
        assert bench.statuses(await ask(bench, ("inverter", "charge", 0))) == ["accepted", "started"]
