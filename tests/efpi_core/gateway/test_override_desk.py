"""The resident's overrides: through restarts, removals, replaced wishes and apps that come and go."""

from datetime import datetime, timedelta

import pytest

from efi.allocation import AllocationRevoke, AllocationStatus
from efi.storage import StorageAllocation
from efpi_core.errors import RefusedError
from efpi_core.gateway.overrides import Override
from efpi_core.host.frames import Disconnected, RemoveAppliance
from efpi_core.local_time import LocalTime
from tests.support.bare_house import BEGIN, BareHouse
from tests.support.stepped_world import World, play
from tests.support.toys import ToyBattery

UNTIL = BEGIN + timedelta(hours=2)


def charging(factor: object = 1.0, until: datetime = UNTIL) -> Override:
    return Override("battery", "mode", until, "anna", {"mode": "charge", "factor": factor})  # type: ignore[dict-item]


@pytest.mark.parametrize("factor", [7.0, -1.0, float("nan")])
def test_a_factor_that_cannot_be_is_refused_in_words(factor: float) -> None:
    world = BareHouse("app")
    world.battery("battery")
    with pytest.raises(RefusedError, match="factor"):
        world.house.desk.begin(world.record("battery"), charging(factor))
    assert world.house.overrides.get("battery") is None


def test_what_is_measured_only_cannot_be_overridden() -> None:
    world = BareHouse("app")
    world.battery("battery")
    record = world.record("battery")
    record.steerable = False
    with pytest.raises(RefusedError, match="'battery' is measured only"):
        world.house.desk.begin(record, Override("battery", "off", UNTIL, "anna", {}))


def test_an_end_without_a_time_zone_is_refused() -> None:
    world = BareHouse("app")
    world.battery("battery")
    with pytest.raises(RefusedError, match="names no time zone"):
        world.house.desk.begin(world.record("battery"), charging(until=UNTIL.replace(tzinfo=None)))


def test_people_are_told_the_end_by_the_clock_on_their_wall() -> None:
    world = BareHouse("app")
    world.house.settle(LocalTime("Europe/Brussels"))
    world.battery("battery")
    record = world.record("battery")
    world.house.desk.begin(record, charging())
    assert [event.text for event in world.events.recent(0, 10) if event.kind == "override_begun"] == [
        "anna: mode charge, factor 1 until 2026-03-01 15:00 CET"
    ]
    assert "until 2026-03-01 15:00 CET" in str(world.house.exchange.objection(record, world.charge("battery"), "app"))


@pytest.mark.parametrize(
    ("action", "parameters", "words"),
    [
        ("off", {}, "off"),
        ("start", {}, "start"),
        ("mode", {"mode": "eco"}, "mode eco"),
        ("limit", {"upper_w": 2000.0}, "at most 2000 W"),
        ("limit", {"lower_w": -500.0, "upper_w": 0.0}, "at least -500 W, at most 0 W"),
    ],
)
def test_a_wish_is_told_in_a_few_words(action: str, parameters: dict[str, float | str | None], words: str) -> None:
    assert Override("boiler", action, UNTIL, "anna", parameters).words == words


def test_a_newer_wish_takes_the_place_of_an_older_one_in_the_books_too() -> None:
    world = BareHouse("app")
    world.battery("battery")
    ended: list[Override] = []
    world.house.desk.on_end = ended.append
    first, second = charging(0.5), charging(1.0)
    world.house.desk.begin(world.record("battery"), first)
    world.house.desk.begin(world.record("battery"), second)
    assert ended == [], "the book holds one an appliance, and that is the newer"
    world.let_pass(7300)
    assert ended == [second]


def test_an_override_of_the_former_life_is_carried_out_when_its_appliance_comes() -> None:
    world = BareHouse("app")
    world.house.desk.resume(charging())
    world.battery("battery")
    world.let_pass(3)
    orders = [order for order in world.delivered("battery") if isinstance(order, StorageAllocation)]
    assert [order.actuators[0].mode_id for order in orders] == ["charge"]
    world.let_pass(7300)
    assert [type(order) for order in world.delivered("battery")][-1] is AllocationRevoke
    assert world.house.overrides.get("battery") is None


@pytest.mark.parametrize(
    "refusal", [(AllocationStatus.REJECTED,), (AllocationStatus.ACCEPTED, AllocationStatus.ABORTED)]
)
def test_a_device_that_refused_a_wish_for_now_is_asked_again_until_it_takes_it(
    refusal: tuple[AllocationStatus, ...],
) -> None:
    world = BareHouse("app")
    world.battery("battery")
    world.house.desk.begin(world.record("battery"), charging())

    def orders() -> list[StorageAllocation]:
        return [order for order in world.delivered("battery") if isinstance(order, StorageAllocation)]

    world.answer("battery", orders()[-1], *refusal)
    world.let_pass(61)
    world.answer("battery", orders()[-1], *refusal)
    world.let_pass(61)
    assert len(orders()) == 3
    world.answer("battery", orders()[-1], AllocationStatus.ACCEPTED, AllocationStatus.STARTED)
    world.let_pass(600)
    assert len(orders()) == 3, "what it does need not be asked again"
    world.house.desk.end(world.record("battery"), "given back")
    world.let_pass(600)
    assert len(orders()) == 3


def test_an_override_whose_appliance_never_comes_ends_on_time() -> None:
    world = BareHouse("app")
    ended: list[Override] = []
    world.house.desk.on_end = ended.append
    world.house.desk.resume(charging())
    world.let_pass(7300)
    assert [override.appliance_id for override in ended] == ["battery"]


def test_an_override_that_outlives_its_appliance_ends_on_time_and_asks_nobody() -> None:
    world = BareHouse("app")
    world.battery("battery")
    world.house.desk.begin(world.record("battery"), charging())
    world.say("battery", RemoveAppliance("battery", "unplugged"))
    world.sent.clear()
    world.let_pass(7300)
    assert world.house.overrides.get("battery") is None
    assert world.delivered("battery") == world.delivered("app") == []


def test_an_appliance_that_comes_again_and_again_is_asked_once() -> None:
    world = BareHouse("app")
    world.battery("battery")
    world.house.desk.begin(world.record("battery"), charging())
    world.sent.clear()
    for _ in range(50):
        world.battery("battery")
    world.let_pass(3)
    assert len([order for order in world.delivered("battery") if isinstance(order, StorageAllocation)]) == 1


def test_the_end_of_the_app_changes_nothing_while_the_resident_decides() -> None:
    site = {"appliances": {"battery": {"driver": "toy.battery"}}, "apps": {"app": {"app": "toy.app"}}}

    async def story(world: World) -> None:
        await world.let_pass(60)
        battery = world.appliance("battery")
        wish = Override(
            "battery", "mode", world.clock.now() + timedelta(hours=1), "anna", {"mode": "discharge", "factor": 1.0}
        )
        world.house.desk.begin(battery, wish)
        await world.barrier.settle()
        assert battery.power_w == -1000.0
        world.house.instance_ended("app", "gone")
        await world.let_pass(120)
        assert battery.app is None
        assert battery.power_w == -1000.0, "the resident decides, whoever goes"
        await world.let_pass(3600)
        assert battery.power_w == 0.0
        plugin = world.barrier._inline["battery"].plugin
        assert isinstance(plugin, ToyBattery)
        assert plugin.app is None, "the driver heard that nobody is in control"

    play(site, story)


def test_the_driver_hears_of_a_parting_once_and_when_the_override_is_over() -> None:
    world = BareHouse("app")
    world.battery("battery")
    world.house.desk.begin(world.record("battery"), charging())
    world.house.instance_ended("app", "gone")
    assert not world.frames("battery", Disconnected)
    world.house.desk.end(world.record("battery"), "anna gave it back")
    assert len(world.frames("battery", Disconnected)) == 1
