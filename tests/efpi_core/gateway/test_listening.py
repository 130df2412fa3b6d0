"""What is measured only is heard by every app that knows its category, and controlled by none."""

import pytest

from efi.measurement import Measurement
from efpi_core.clock import SteppedClock
from efpi_core.errors import RefusedError
from efpi_core.host.frames import RemoveAppliance
from efpi_core.identity import MessageIds
from efpi_core.plugin.app import ControlledAppliance
from efpi_core.plugin.context import Context
from efpi_core.plugin.memory import InstanceStorage
from efpi_core.plugin.site_facts import SiteFacts
from tests.support.stepped_world import BEGIN, World, play

HOUSE = {
    "appliances": {
        "load": {"driver": "toy.load"},
        "meter": {"driver": "toy.meter"},
        "sun": {"driver": "toy.sun", "config": {"power_w": 3000}},
    },
    "apps": {"one": {"app": "toy.listener"}, "two": {"app": "toy.listener"}, "charger": {"app": "toy.app"}},
    "connections": {"load": "one"},
}


def heard(world: World, app: str) -> str:
    (view,) = world.house.board.views(f"{app}.heard", world.clock.now())
    return str(view.value)


def test_a_meter_is_heard_by_every_app_of_its_category_and_controlled_by_none():
    async def story(world: World) -> None:
        await world.let_pass(120)
        meter = world.appliance("meter")
        assert meter.app is None
        assert meter.listeners == ("one", "two")
        assert heard(world, "one") == "load:controlled meter:heard"
        assert heard(world, "two") == "meter:heard"

    play(HOUSE, story)


def test_an_app_hears_of_it_when_a_measured_appliance_is_taken_away():
    async def story(world: World) -> None:
        await world.let_pass(60)
        world.house.on_frame("meter", RemoveAppliance("meter", "sold"))
        await world.barrier.settle()
        assert heard(world, "two") == "no more meter"

    play(HOUSE, story)


def test_an_app_that_ended_is_told_nothing_more():
    async def story(world: World) -> None:
        await world.let_pass(60)
        world.house.instance_ended("two", "it crashed")
        assert world.appliance("meter").listeners == ("one",)

    play(HOUSE, story)


class Silence:
    """A port through which nothing may come."""

    def say(self, appliance_id: str, message: Measurement) -> None:
        raise AssertionError("nothing may be said to an appliance that is measured only")


def test_an_allocation_to_a_measured_appliance_is_refused_within_the_app():
    clock = SteppedClock(BEGIN)
    port = Silence()
    context = Context(
        instance="app",
        port=port,  # type: ignore[arg-type]  # it is only asked to say
        clock=clock,
        enqueue=lambda job: None,
        site=SiteFacts(),
        storage=InstanceStorage({}, port),  # type: ignore[arg-type]  # nothing is stored
        secrets={},
        ids=MessageIds("app", "test"),
        seed="1",
        resolution_s=5.0,
    )
    meter = ControlledAppliance("meter", context, controlled=False)
    with pytest.raises(RefusedError, match="measured only"):
        meter.allocate(None)  # type: ignore[arg-type]  # it is refused before it is looked at
