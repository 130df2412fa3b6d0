"""What a device measures that it cannot measure is not believed, and whoever says nonsense is shown to say it."""

import pytest

from efi.commodity import Commodity, electric_range
from efi.inflexible import InflexibleRegistration
from efpi_core.gateway.belief import LARGEST_W, most_believed_w
from efpi_core.gateway.showing import appliance_view
from efpi_core.plugin.condition import ConditionState
from tests.support.bare_house import ELECTRIC, BareHouse


def panels(world: BareHouse, most_w: float | None = 5000.0) -> None:
    registration = InflexibleRegistration(
        **world.stamp("pv"),
        name="pv",
        commodities=ELECTRIC,
        power_limits=() if most_w is None else electric_range(-most_w, 0.0),
    )
    world.add("pv", registration)


def test_a_power_far_beyond_the_registered_limits_is_not_believed_and_told() -> None:
    world = BareHouse("app")
    panels(world)
    world.measure("pv", -3000.0)
    world.measure("pv", 1e12)
    record = world.record("pv")
    assert record.power_w == -3000.0
    assert record.session.space.measurement is not None
    assert record.session.space.measurement.electric_power_w == -3000.0
    (event,) = (event for event in world.events.recent(0, 100) if event.subject == "pv" and event.level == "warning")
    assert "1000000000000 W" in event.text and "60000 W" in event.text


@pytest.mark.parametrize(("power", "believed"), [(60_000.0, True), (-60_000.0, True), (60_001.0, False)])
def test_a_rating_is_not_taken_literally(power: float, believed: bool) -> None:
    world = BareHouse("app")
    panels(world)
    world.measure("pv", power)
    assert (world.record("pv").power_w == power) is believed


def test_without_limits_all_is_believed_that_any_connection_can_draw() -> None:
    world = BareHouse("app")
    panels(world, None)
    world.measure("pv", -LARGEST_W)
    assert world.record("pv").power_w == -LARGEST_W
    world.measure("pv", 2 * LARGEST_W)
    assert world.record("pv").power_w == -LARGEST_W


def test_what_is_believed_follows_a_new_registration() -> None:
    world = BareHouse("app")
    panels(world)
    world.measure("pv", -100_000.0)
    assert world.record("pv").power_w is None
    panels(world, 100_000.0)
    world.measure("pv", -100_000.0)
    assert world.record("pv").power_w == -100_000.0


def test_only_electricity_counts() -> None:
    registration = InflexibleRegistration(**BareHouse().stamp("pv"), name="pv", commodities=(Commodity.GAS,))
    assert most_believed_w(registration) == LARGEST_W


def test_who_said_nonsense_is_shown_so_for_a_minute_with_the_cure() -> None:
    world = BareHouse("app")
    panels(world)
    record = world.record("pv")

    def shown() -> tuple[ConditionState, str, str]:
        view = appliance_view(world.house, record, world.clock.now())
        return view.condition, view.text, view.cure

    assert shown()[0] is ConditionState.OK
    world.measure("pv", 1e12)
    condition, text, cure = shown()
    assert condition is ConditionState.DEGRADED
    assert text.startswith("it says what cannot be: it measured")
    assert "efpi restart" in cure
    world.measure("pv", -1000.0)
    assert shown()[0] is ConditionState.DEGRADED, "one good value among the bad proves nothing"
    world.let_pass(61)
    assert shown()[0] is ConditionState.OK


def test_a_refused_message_is_nonsense_too() -> None:
    world = BareHouse("app")
    world.battery("battery")
    world.tell("battery", world.charge("battery"))
    view = appliance_view(world.house, world.record("battery"), world.clock.now())
    assert view.condition is ConditionState.OK, "an app's word from a driver is a stranger's, and answered as such"
    space = world.record("battery").session.space
    assert space.state is not None
    world.tell("battery", space.state)
    view = appliance_view(world.house, world.record("battery"), world.clock.now())
    assert view.condition is ConditionState.DEGRADED
    assert "a message of this name was taken already" in view.text
