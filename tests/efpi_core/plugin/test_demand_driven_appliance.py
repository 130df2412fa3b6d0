"""The base class of what must meet a demand, on the bench: a pump with least times and a burner."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from efi.demand_driven import DemandDrivenAllocation
from efi.storage import ActuatorAllocation
from efi.types import NumberRange
from efpi_core.host.describe import describe_offer
from tests.efpi_core.plugin.bench import Bench, on_bench
from tests.efpi_core.plugin.cell import Cell, ask
from tests.efpi_core.plugin.devices import HybridHeatPump


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with on_bench(HybridHeatPump) as bench:
        yield bench


def wish(bench: Bench, *wishes: tuple[str, str, float | None, float]) -> DemandDrivenAllocation:
    now = bench.clock.now()
    return DemandDrivenAllocation(
        **bench.stamp(),
        control_space_update_id=bench.last("demand_driven_system_description").message_id,
        actuators=tuple(
            ActuatorAllocation(
                actuator_id=actuator, mode_id=mode, factor=factor, start_time=now + timedelta(seconds=after)
            )
            for actuator, mode, factor, after in wishes
        ),
    )


def state(bench: Bench) -> dict[str, str]:
    return {each.actuator_id: each.mode_id for each in bench.last("demand_driven_state_update").actuators}


async def test_it_is_registered_described_and_reported_in_this_order(bench: Bench) -> None:
    assert bench.kinds()[:4] == [
        "demand_driven_registration",
        "demand_driven_system_description",
        "demand_forecast",
        "demand_driven_state_update",
    ]
    assert bench.last("demand_driven_state_update").demand == NumberRange(lower=4000, upper=4000)
    assert state(bench) == {"pump": "off", "burner": "off"}


async def test_each_actuator_is_run_by_itself(bench: Bench) -> None:
    asked = wish(bench, ("pump", "heat", 0.5, 0), ("burner", "heat", None, 60), ("burner", "off", None, 120))
    await bench.allocate(asked)
    assert state(bench) == {"pump": "heat", "burner": "off"}
    await bench.let_pass(130)
    assert bench.driver.ran == [("pump", "heat", 0.5), ("burner", "heat", None), ("burner", "off", None)]
    assert bench.statuses(asked.message_id) == ["accepted", "started"]


async def test_who_meets_the_demand_may_change_and_least_times_are_kept(bench: Bench) -> None:
    await bench.allocate(wish(bench, ("pump", "heat", 1.0, 0)))
    assert await bench.allocate(wish(bench, ("pump", "off", None, 0), ("burner", "heat", None, 0))) is not None
    await bench.let_pass(700)
    swap = wish(bench, ("pump", "off", None, 0), ("burner", "heat", None, 0))
    await bench.allocate(swap)
    assert state(bench) == {"pump": "off", "burner": "heat"}
    assert bench.statuses(swap.message_id) == ["accepted", "started"]


async def test_it_may_be_found_in_other_modes_and_want_a_range(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HybridHeatPump, "initial_modes", {"burner": "heat"})
    async with on_bench(HybridHeatPump) as bench:
        assert state(bench) == {"pump": "off", "burner": "heat"}
        bench.driver.tell_state(NumberRange(lower=1000, upper=2000))
        assert bench.last("demand_driven_state_update").demand == NumberRange(lower=1000, upper=2000)


async def test_an_allocation_of_another_category_is_refused(bench: Bench) -> None:
    async with on_bench(Cell) as other:
        await ask(other, ("inverter", "charge", 0))
        stray = next(iter(other.session.allocations.values())).allocation  # type: ignore[union-attr]
    await bench.slip_in(stray)
    assert bench.statuses(stray.message_id) == ["rejected"]
    assert "demand-driven appliance cannot follow storage_allocation" in bench.last_text()


async def test_a_device_that_is_lost_takes_its_freedom_back(bench: Bench) -> None:
    await bench.allocate(wish(bench, ("pump", "heat", 0.5, 0)))
    bench.driver.silent = True
    await bench.let_pass(60)
    assert bench.last("control_space_revoke")
    assert bench.conditions()[-1].state == "offline"
    bench.driver.silent = False
    await bench.let_pass(600)
    assert state(bench)["burner"] == "off"


async def test_nobody_in_charge_means_safety(bench: Bench) -> None:
    await bench.connect()
    await bench.disconnect()
    assert bench.driver.safe == 1


def test_its_category_is_told_to_the_gateway() -> None:
    assert [category.value for category in describe_offer(HybridHeatPump).categories] == ["demand_driven"]
