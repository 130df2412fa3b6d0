"""The house as a whole: toys in stepped time, from the sum at the meter to who wins."""

from datetime import timedelta

import pytest

from efi.storage import StorageAllocation
from efpi_core.errors import RefusedError
from efpi_core.gateway.overrides import Override
from efpi_core.gateway.showing import appliance_view
from efpi_core.host.frames import Connected
from efpi_core.plugin.limits import Limit, LimitSource
from efpi_core.plugin.observation import Quality
from tests.support.bare_house import BareHouse
from tests.support.stepped_world import World, play

HOUSE = {
    "appliances": {
        "load": {"driver": "toy.load"},
        "sun": {"driver": "toy.sun", "config": {"power_w": 3000}},
        "battery": {"driver": "toy.battery", "config": {"power_w": 2000}},
        "meter": {"driver": "toy.meter"},
    },
    "apps": {"app": {"app": "toy.app"}},
}


def with_config(instance: str, **config: object) -> dict:
    appliances = dict(HOUSE["appliances"])
    appliances[instance] = {**appliances[instance], "config": {**appliances[instance].get("config", {}), **config}}
    return {**HOUSE, "appliances": appliances}


def test_power_balances_to_zero_when_everything_is_measured():
    async def story(world: World) -> None:
        await world.let_pass(180)
        balance = world.house.balance()
        assert (balance.producers, balance.consumers, balance.storages) == (-3000.0, 1000.0, 2000.0)
        assert balance.grid == 0.0
        assert balance.unmeasured == 0.0
        assert balance.missing == ()

    play(HOUSE, story)


def test_what_the_meter_sees_and_nobody_accounts_for_is_called_unmeasured():
    async def story(world: World) -> None:
        await world.let_pass(180)
        world.house.appliances.remove("load")
        assert world.house.balance().unmeasured == 1000.0

    play(HOUSE, story)


def test_without_a_meter_nothing_is_claimed_about_the_grid():
    async def story(world: World) -> None:
        await world.let_pass(180)
        balance = world.house.balance()
        assert balance.grid is None
        assert balance.unmeasured is None

    play({"appliances": {"load": {"driver": "toy.load"}}}, story)


def test_an_appliance_is_connected_where_there_is_one_answer():
    async def story(world: World) -> None:
        assert world.appliance("battery").app == "app"
        assert world.appliance("load").app is None
        await world.let_pass(60)
        assert world.statuses()[:2] == ["accepted", "started"]

    play(HOUSE, story)


def test_two_apps_leave_the_choice_to_a_person():
    async def story(world: World) -> None:
        assert world.appliance("battery").app is None
        connection = next(view for view in world.house.connections.views() if view.appliance == "battery")
        assert connection.candidates == ("app", "other")
        assert "choose one" in connection.note
        world.house.choose("battery", "other")
        await world.barrier.settle()
        assert world.appliance("battery").app == "other"
        await world.let_pass(60)
        assert world.appliance("battery").power_w == 2000.0

    play({**HOUSE, "apps": {"app": {"app": "toy.app"}, "other": {"app": "toy.other"}}}, story)


def test_the_site_decides_where_it_names_a_connection():
    async def story(world: World) -> None:
        await world.let_pass(120)
        assert world.appliance("battery").app is None
        assert world.appliance("battery").power_w == 0.0

    play({**HOUSE, "connections": {"batt*": None}}, story)


def test_a_decision_for_an_unknown_app_or_appliance_is_refused_with_the_names_there_are():
    async def story(world: World) -> None:
        with pytest.raises(RefusedError, match="name one of: app"):
            world.house.choose("battery", "nobody")
        with pytest.raises(RefusedError, match="no appliance 'batery'"):
            world.house.choose("batery", "app")
        with pytest.raises(RefusedError, match="does not control inflexible"):
            world.house.choose("load", "app")
        with pytest.raises(RefusedError, match="measured only"):
            world.house.choose("meter", "app")

    play(HOUSE, story)


def test_taking_an_appliance_from_its_app_closes_its_allocations_and_brings_it_to_safety():
    async def story(world: World) -> None:
        await world.let_pass(60)
        assert world.appliance("battery").power_w == 2000.0
        world.house.choose("battery", None)
        await world.barrier.settle()
        assert world.appliance("battery").power_w == 0.0
        assert not world.appliance("battery").session.allocations

    play(HOUSE, story)


def test_the_resident_stands_above_the_app_until_the_override_ends():
    async def story(world: World) -> None:
        await world.let_pass(60)
        battery = world.appliance("battery")
        until = world.clock.now() + timedelta(hours=1)
        wish = Override("battery", "mode", until, "anna", {"mode": "discharge", "factor": 0.5})
        world.house.desk.begin(battery, wish)
        await world.barrier.settle()
        assert battery.power_w == -1000.0
        assert appliance_view(world.house, battery, world.clock.now()).controlled_by == "resident"
        await world.let_pass(1800)
        assert battery.power_w == -1000.0
        await world.let_pass(1860)
        assert battery.power_w == 2000.0, "the app decides again"
        assert world.house.overrides.get("battery") is None
        assert "override_ended" in world.kinds()

    play(HOUSE, story)


def test_the_app_is_told_that_the_resident_decides():
    async def story(world: World) -> None:
        battery = world.appliance("battery")
        until = world.clock.now() + timedelta(hours=1)
        world.house.desk.begin(battery, Override("battery", "off", until, "anna"))
        await world.let_pass(300)
        assert battery.power_w == 0.0
        texts = [getattr(message, "text", "") for _, message in world.passed]
        assert any("the resident decides about this appliance until" in text for text in texts)

    play(HOUSE, story)


def test_a_running_mode_may_be_wished_by_its_label():
    async def story(world: World) -> None:
        battery = world.appliance("battery")
        until = world.clock.now() + timedelta(hours=1)
        world.house.desk.begin(battery, Override("battery", "mode", until, "anna", {"mode": "rest"}))
        await world.let_pass(1)
        asked = [message for _, message in world.passed if isinstance(message, StorageAllocation)]
        assert asked[-1].actuators[0].mode_id == "idle"
        with pytest.raises(RefusedError) as refused:
            world.house.desk.begin(battery, Override("battery", "mode", until, "anna", {"mode": "warp"}))
        assert refused.value.cure == "name one of: Rest, charge, discharge"

    play(HOUSE, story)


def test_an_override_that_cannot_be_is_refused_before_anything_happens():
    async def story(world: World) -> None:
        battery = world.appliance("battery")
        now = world.clock.now()
        for wish, why in (
            (Override("battery", "mode", now + timedelta(hours=1), "a", {"mode": "warp"}), "no running mode 'warp'"),
            (Override("battery", "mode", now + timedelta(hours=1), "a"), "names no mode"),
            (Override("battery", "dance", now + timedelta(hours=1), "a"), "no override 'dance'"),
            (Override("battery", "off", now - timedelta(hours=1), "a"), "which is past"),
            (Override("battery", "off", now + timedelta(days=8), "a"), "at most 7 days"),
            (Override("battery", "limit", now + timedelta(hours=1), "a", {"upper_w": "much"}), "not a number"),
        ):
            with pytest.raises(RefusedError, match=why):
                world.house.desk.begin(battery, wish)
        assert world.house.overrides.get("battery") is None

    play(HOUSE, story)


def test_a_limit_of_one_appliance_stands_above_app_and_resident():
    async def story(world: World) -> None:
        battery = world.appliance("battery")
        wish = Override(
            "battery", "mode", world.clock.now() + timedelta(hours=1), "anna", {"mode": "charge", "factor": 1.0}
        )
        with pytest.raises(RefusedError, match=r"'site\.appliance\.battery' allows 500 W"):
            world.house.desk.begin(battery, wish)
        await world.let_pass(600)
        assert battery.power_w == 0.0

    limited = {**HOUSE, "limits": {"appliances": {"battery": {"consumption_w": 500}}}}
    play(limited, story)


def test_a_broken_fuse_limit_is_enforced_at_once_and_given_back_later():
    async def story(world: World) -> None:
        await world.let_pass(61)
        battery = world.appliance("battery")
        assert battery.power_w == 2000.0
        ends = world.clock.now() + timedelta(minutes=10)
        world.house.limits.put(Limit("order", LimitSource.GRID_OPERATOR, None, 1500.0, end=ends))
        world.house.limits_changed()
        await world.let_pass(120)
        assert world.house.balance().grid <= 1500.0
        assert battery.power_w == pytest.approx(450.0, abs=60), "just as far as needed"
        view = appliance_view(world.house, battery, world.clock.now())
        assert view.controlled_by == "limit"
        assert "limit_enforced" in world.kinds()
        await world.let_pass(1200)
        assert battery.power_w == 2000.0, "given back when the order was over"
        assert "limit_released" in world.kinds()

    play({**HOUSE, "appliances": {k: v for k, v in HOUSE["appliances"].items() if k != "sun"}}, story)


def test_a_feed_in_limit_curtails_the_panels():
    async def story(world: World) -> None:
        await world.let_pass(300)
        assert world.house.balance().grid >= -501.0
        assert world.appliance("sun").power_w == pytest.approx(-1450, abs=60)

    appliances = {k: v for k, v in HOUSE["appliances"].items() if k != "battery"}
    play({"appliances": appliances, "limits": {"export_w": 500}}, story)


def test_a_silent_device_is_named_with_its_cure_and_comes_back():
    async def story(world: World) -> None:
        await world.let_pass(200)
        load = world.appliance("load")
        assert not load.online
        assert load.text == "the load does not answer"
        assert load.cure == "plug it in"
        power = world.house.board.value("load.power")
        assert power is not None
        assert power.quality is Quality.STALE
        assert world.appliance("battery").power_w == 2000.0, "the rest goes on"
        assert "load" in world.house.balance().missing
        await world.let_pass(1000)
        assert load.online
        assert "recovered" in world.kinds()

    play(with_config("load", silent_after_s=120, silent_until_s=500), story)


def test_a_plugin_that_raises_ends_alone():
    async def story(world: World) -> None:
        await world.let_pass(300)
        assert "load" in world.failed
        assert "the toy breaks" in world.failed["load"]
        assert not world.appliance("load").online
        assert world.appliance("battery").power_w == 2000.0
        assert world.house.balance().missing == ("load",)

    play(with_config("load", fail_after_s=120), story)


def test_an_app_that_ends_leaves_its_appliances_in_their_fallback():
    async def story(world: World) -> None:
        await world.let_pass(60)
        assert world.appliance("battery").power_w == 2000.0
        world.house.instance_ended("app", "gone")
        await world.barrier.settle()
        assert world.appliance("battery").app is None
        assert world.appliance("battery").power_w == 0.0

    play(HOUSE, story)


def test_a_driver_that_begins_anew_is_told_which_app_is_in_control():
    world = BareHouse("app")
    world.battery("battery")
    assert [frame.app for frame in world.frames("battery", Connected)] == ["app"]
    world.house.instance_ended("battery", "crashed")
    world.battery("battery")
    assert [frame.app for frame in world.frames("battery", Connected)] == ["app", "app"]
    assert world.record("battery").app == "app"
