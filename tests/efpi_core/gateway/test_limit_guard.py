"""The guard of the connection: several limits at once, devices that refuse or are slow, and what is given back."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from efi.allocation import AllocationRevoke, AllocationStatus
from efi.commodity import CommodityQuantity, Phase, PowerValue
from efi.measurement import Measurement
from efi.storage import StorageAllocation
from efpi_core.errors import SettingsError
from efpi_core.gateway.flexible_power import Choice
from efpi_core.gateway.overrides import Override
from efpi_core.host.frames import RemoveAppliance
from efpi_core.plugin.limits import Limit, LimitSource
from tests.support.bare_house import BEGIN, BareHouse


def house_with(*batteries: str, power_w: float = 2000.0) -> BareHouse:
    world = BareHouse("app")
    world.meter()
    for battery in batteries:
        world.battery(battery, power_w)
        world.measure(battery, power_w)
    world.let_pass(1)
    world.sent.clear()
    return world


def order(world: BareHouse, limit_id: str, upper_w: float | None, **more: Any) -> None:
    world.house.limits.put(Limit(limit_id, LimitSource.GRID_OPERATOR, upper_w=upper_w, **more))
    world.house.limits_changed()


def asked(world: BareHouse, battery: str) -> list[float]:
    """The powers that a battery of 2 kW was asked for."""
    signs = {"idle": 0.0, "charge": 2000.0, "discharge": -2000.0}
    steps = [m.actuators[0] for m in world.delivered(battery) if isinstance(m, StorageAllocation)]
    return [signs[step.mode_id] * (step.factor or 0.0) for step in steps]


def test_a_weaker_limit_does_not_undo_what_a_stronger_one_asked() -> None:
    world = house_with("battery")
    order(world, "strong", 500.0)
    order(world, "weak", 1500.0)
    world.measure("meter", 2000.0)
    assert asked(world, "battery") == [pytest.approx(450.0)]


def test_an_appliance_is_not_pushed_again_before_it_could_follow() -> None:
    world = house_with("battery")
    order(world, "order", 1000.0)
    for power in (2000.0, 2000.0, 1400.0, 1200.0):
        world.measure("meter", power)
        world.let_pass(1)
    assert asked(world, "battery") == [pytest.approx(950.0)]
    assert world.kinds().count("limit_enforced") == 1


@pytest.mark.parametrize(
    ("source", "helps"), [(LimitSource.CONTRACT, False), (LimitSource.FUSE, True), (LimitSource.GRID_OPERATOR, True)]
)
def test_what_is_kept_for_emergencies_does_not_serve_a_contract(source: LimitSource, helps: bool) -> None:
    world = BareHouse("app")
    world.meter()
    world.battery("battery", emergencies=("discharge",))
    world.measure("battery", 0.0)
    world.let_pass(1)
    world.sent.clear()
    world.house.limits.put(Limit("bound", source, upper_w=1000.0))
    world.house.limits_changed()
    world.measure("meter", 2000.0)
    assert [m.abnormal_condition for m in world.delivered("battery")] == ([True] if helps else [])


def test_an_allocation_for_a_contract_is_no_emergency() -> None:
    world = house_with("battery")
    world.house.limits.put(Limit("bound", LimitSource.CONTRACT, upper_w=1000.0))
    world.house.limits_changed()
    world.measure("meter", 2000.0)
    (allocation,) = world.delivered("battery")
    assert not allocation.abnormal_condition


def test_a_factor_at_the_begin_of_a_falling_range_is_plain_zero() -> None:
    assert str(Choice("run", -1000.0, -4000.0, continuous=True).factor_for(-1000.0)) == "0.0"


def test_another_appliance_helps_when_the_first_refuses() -> None:
    world = house_with("one", "two")
    order(world, "order", 3000.0)
    world.measure("meter", 4000.0)
    assert asked(world, "one")
    assert not asked(world, "two")
    world.answer("one", world.delivered("one")[-1], AllocationStatus.REJECTED)
    world.let_pass(1)
    world.measure("meter", 4000.0)
    assert asked(world, "two") == [pytest.approx(950.0)]
    assert len(asked(world, "one")) == 1


def test_another_appliance_helps_when_the_first_accepts_and_does_not_follow() -> None:
    world = house_with("one", "two")
    order(world, "order", 3000.0)
    for _ in range(12):
        world.measure("meter", 4000.0)
        world.let_pass(1)
        world.measure("one", 2000.0)
        if asked(world, "two"):
            break
        world.let_pass(10)
    assert asked(world, "two")


def test_a_limit_of_an_appliance_that_begins_while_it_runs_is_enforced() -> None:
    world = house_with("battery")
    order(world, "own", 500.0, appliance_id="battery")
    world.measure("battery", 2000.0)
    assert asked(world, "battery") == [pytest.approx(500.0)]
    assert world.house.precedence.in_control(world.record("battery"), world.clock.now()) == "limit"


def test_an_own_limit_needs_no_meter() -> None:
    world = BareHouse("app")
    world.battery("battery")
    order(world, "own", 500.0, appliance_id="battery")
    world.measure("battery", 2000.0)
    assert asked(world, "battery")


def test_a_limit_on_one_phase_asks_for_enough_of_a_three_phase_appliance() -> None:
    world = house_with("battery")
    order(world, "fuse", 3000.0, phase=Phase.L1)
    values = tuple(
        PowerValue(quantity=quantity, value=value)
        for quantity, value in (
            (CommodityQuantity.ELECTRIC_POWER_L1, 3200.0),
            (CommodityQuantity.ELECTRIC_POWER_L2, 100.0),
            (CommodityQuantity.ELECTRIC_POWER_L3, 100.0),
        )
    )
    world.tell("meter", Measurement(**world.stamp("meter"), measured_at=world.clock.now(), values=values))
    assert asked(world, "battery") == [pytest.approx(2000.0 - 3 * 250.0)]


def test_what_nobody_can_help_is_told_once_a_minute() -> None:
    world = house_with()
    order(world, "order", 1000.0)
    for second in range(30):
        world.measure("meter", 2000.0 + second)
        world.let_pass(1)
    assert world.kinds().count("limit_broken") == 1


def test_an_appliance_that_is_removed_while_held_is_forgotten() -> None:
    world = house_with("battery")
    order(world, "order", 1000.0)
    world.measure("meter", 2000.0)
    world.say("battery", RemoveAppliance("battery", "unplugged"))
    world.let_pass(300)
    world.measure("meter", 0.0)
    assert not world.house.guard.holds("battery")


def test_the_residents_wish_is_carried_out_again_when_the_limit_lets_go() -> None:
    world = house_with("battery")
    wish = Override("battery", "mode", BEGIN + timedelta(hours=2), "anna", {"mode": "charge", "factor": 1.0})
    world.house.desk.begin(world.record("battery"), wish)
    world.answer("battery", world.delivered("battery")[-1], AllocationStatus.ACCEPTED)
    order(world, "order", 1000.0, end=world.clock.now() + timedelta(minutes=1))
    world.measure("meter", 2000.0)
    held = world.delivered("battery")[-1]
    world.answer("battery", held, AllocationStatus.ACCEPTED)
    world.let_pass(130)
    world.measure("meter", 900.0)
    kinds = [type(message) for message in world.delivered("battery")][-2:]
    assert kinds == [AllocationRevoke, StorageAllocation]
    assert asked(world, "battery")[-1] == 2000.0


def test_the_app_hears_the_state_again_when_the_limit_lets_go() -> None:
    world = house_with("battery")
    order(world, "order", 1000.0, end=world.clock.now() + timedelta(minutes=1))
    world.measure("meter", 2000.0)
    world.let_pass(130)
    before = len(world.delivered("app"))
    world.measure("meter", 900.0)
    assert any(message.type == "storage_state_update" for message in world.delivered("app")[before:])


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"upper_w": float("nan")}, "`upper_w` is nan"),
        ({"upper_w": 1.0, "end": datetime(2026, 1, 1)}, "names no time zone"),  # noqa: DTZ001  # that is the mistake
        ({"upper_w": 1.0, "start": BEGIN, "end": BEGIN}, "not after `start`"),
        ({"upper_w": 1.0, "lower_w": 2.0}, "swap them"),
        ({}, "needs"),
    ],
)
def test_a_limit_that_cannot_be_is_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        BareHouse().house.limits.put(Limit("x", LimitSource.FUSE, **wrong))


def test_a_limit_that_ended_is_forgotten_by_the_journal_too() -> None:
    world = BareHouse()
    ended: list[Limit] = []
    world.house.on_limit_ended = ended.append
    order(world, "order", 1000.0, end=BEGIN + timedelta(minutes=1))
    world.let_pass(61)
    assert [limit.limit_id for limit in ended] == ["order"]
    assert not world.house.limits
