from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from efi.output_adjustable import OutputAdjustableAllocation, RunningModeSelector
from tests.efpi_core.plugin.bench import Bench, on_bench
from tests.efpi_core.plugin.cell import Cell, ask
from tests.efpi_core.plugin.devices import Generator


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with on_bench(Generator) as bench:
        yield bench


def wish(bench: Bench, *wishes: tuple[str, float | None, float], emergency: bool = False) -> OutputAdjustableAllocation:
    now = bench.clock.now()
    return OutputAdjustableAllocation(
        **bench.stamp(),
        control_space_update_id=bench.last("output_adjustable_system_description").message_id,
        abnormal_condition=emergency,
        selectors=tuple(
            RunningModeSelector(mode_id=mode, factor=factor, start_time=now + timedelta(seconds=after))
            for mode, factor, after in wishes
        ),
    )


async def test_it_is_registered_described_and_reported_in_this_order(bench: Bench) -> None:
    assert bench.kinds() == [
        "output_adjustable_registration",
        "output_adjustable_system_description",
        "output_adjustable_state_update",
    ]
    assert bench.last("output_adjustable_state_update").mode_id == "off", "the first of its description"


async def test_it_may_be_found_in_another_mode_than_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Generator, "initial_mode", "test")
    async with on_bench(Generator) as bench:
        assert bench.last("output_adjustable_state_update").mode_id == "test"


async def test_modes_are_run_one_after_the_other(bench: Bench) -> None:
    steps = wish(bench, ("run", 0.5, 0), ("run", 1.0, 60), ("off", None, 120))
    await bench.allocate(steps)
    state = bench.last("output_adjustable_state_update")
    assert (state.mode_id, state.factor, state.previous_mode_id) == ("run", 0.5, "off")
    assert state.transition_started_at == bench.clock.now()
    await bench.let_pass(130)
    assert bench.driver.ran == [("run", 0.5), ("run", 1.0), ("off", None)]
    assert bench.statuses(steps.message_id) == ["accepted", "started"]


async def test_a_newer_allocation_takes_the_place_of_the_older(bench: Bench) -> None:
    older, newer = wish(bench, ("run", 0.5, 60)), wish(bench, ("run", 1.0, 0))
    await bench.allocate(older)
    await bench.allocate(newer)
    await bench.let_pass(90)
    assert bench.driver.ran == [("run", 1.0)]
    assert bench.statuses(older.message_id) == ["accepted", "revoked"]


async def test_a_way_kept_for_emergencies_is_refused_by_the_device_too_unless_one_is_said(bench: Bench) -> None:
    plain, urgent = wish(bench, ("test", None, 0)), wish(bench, ("test", None, 0), emergency=True)
    await bench.slip_in(plain)
    assert "kept for emergencies" in bench.last_text()
    await bench.allocate(urgent)
    assert bench.statuses(urgent.message_id) == ["accepted", "started"]


async def test_a_way_that_there_is_not_is_refused(bench: Bench) -> None:
    await bench.allocate(wish(bench, ("test", None, 0), emergency=True))
    stray = wish(bench, ("run", 0.5, 0))
    await bench.slip_in(stray)
    assert bench.statuses(stray.message_id) == ["rejected"]
    assert "no way from mode 'test' to 'run'" in bench.last_text()


async def test_taken_back_it_goes_to_its_safe_state(bench: Bench) -> None:
    await bench.allocate(wish(bench, ("run", 0.5, 0)))
    await bench.revoke()
    assert bench.driver.safe == 1


async def test_a_description_told_ahead_is_followed_from_its_instant_on(bench: Bench) -> None:
    bench.driver.only_test_after = timedelta(seconds=60)
    bench.driver.describe_anew()
    assert bench.driver.tracker("output").graph.mode_ids == ("off", "run", "test")
    await bench.let_pass(61)
    assert bench.driver.tracker("output").graph.mode_ids == ("off", "test")


async def test_a_message_of_another_category_is_refused_by_name(bench: Bench) -> None:
    async with on_bench(Cell) as other:
        stray = await ask(other, ("inverter", "charge", 0))
        assert other.session is not None
        allocation = other.session.allocations[stray].allocation
    await bench.slip_in(allocation)
    assert bench.last_text() == "an output-adjustable appliance cannot follow storage_allocation"
