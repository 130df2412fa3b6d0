"""A house with a real P1 meter and a real SunSpec inverter: steered by true numbers, and honest when a device fails."""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.support.my_house import LOAD_W, MyHouse, play, truth
from tests.support.real_gateway import RealGateway, running, site_file

PV, BATTERY, METER = "inverter-1-pv", "inverter-1-battery", "meter"


def near(gateway: RealGateway, appliance: str, watts: float, within: float = 60) -> bool:
    power = gateway.power(appliance)
    return power is not None and abs(power - watts) <= within


def is_named(gateway: RealGateway, instance: str, appliance: str | None = None) -> dict[str, Any]:
    """A fault has a name and a cure in health, in the list behind the page, by the doctor, and in the log."""

    def ill() -> dict[str, Any] | None:
        view = gateway.instances()[instance]
        return view if view["condition"] in ("offline", "misconfigured", "degraded") and view["cure"] else None

    view = gateway.eventually(ill, f"{instance} has a fault with a cure")
    assert view["text"], view
    health = gateway.health()
    assert health["status"] == "degraded" and any(instance in reason for reason in health["reasons"]), health["reasons"]
    if appliance is not None:
        shown = gateway.eventually(
            lambda: (v := gateway.appliances()[appliance]) and v["state"] == "offline" and v, f"{appliance} offline"
        )
        assert shown["text"] and shown["cure"], shown
    doctor = gateway.cli("doctor")
    assert doctor.code == 4 and view["cure"] in " ".join(doctor.out.split()), doctor
    assert view["text"] in gateway.log, f"{view['text']!r} is not in the log:\n{gateway.log[-3000:]}"
    return view


def well(gateway: RealGateway, instance: str) -> None:
    gateway.condition(instance, "ok")


@pytest.mark.slow
async def test_the_sun_of_a_real_inverter_goes_into_its_battery_by_what_the_real_meter_says(
    home: Path, tmp_path: Path
) -> None:
    def story(house: MyHouse) -> None:
        with running(home, site_file(tmp_path, house.site, "my-house.yaml")) as gateway:
            gateway.eventually(lambda: near(gateway, PV, -3000), "the sun is seen")
            gateway.eventually(lambda: gateway.power(METER) is not None, "the meter is seen")
            gateway.eventually(
                lambda: house.do(house.peer.value("124.StorCtl_Mod")) != 0, "the battery's registers are written"
            )
            gateway.eventually(lambda: near(gateway, BATTERY, 3000 - LOAD_W, 250), "the surplus is charged")
            gateway.eventually(lambda: near(gateway, METER, 0, 250), "nothing is left for the grid")
            battery = gateway.appliances()[BATTERY]
            assert battery["app"] == "steering" and battery["controlled_by"] == "app"
            started = [held for held in battery["allocations"] if held["status"] == "started"]
            assert started and started[-1]["reason"]
            assert gateway.health()["status"] == "ok"
            gateway.says("override", BATTERY, "off", "--for", "1h")
            gateway.eventually(lambda: near(gateway, BATTERY, 0), "the resident stops it")
            gateway.end()

    await play(tmp_path, story)


@pytest.mark.slow
async def test_a_meter_that_is_unplugged_or_talks_garbage_is_named_and_the_rest_goes_on(
    home: Path, tmp_path: Path
) -> None:
    def story(house: MyHouse) -> None:
        with running(home, site_file(tmp_path, house.site)) as gateway:
            gateway.eventually(lambda: gateway.power(METER) is not None, "the meter is seen")
            gateway.eventually(lambda: near(gateway, PV, -3000), "the sun is seen")
            house.unplug_meter()
            named = is_named(gateway, "meter", METER)
            assert str(house.meter.path) in named["text"] + named["cure"]
            assert near(gateway, PV, -3000) and gateway.instances()["inverter"]["condition"] == "ok"
            house.plug_meter()
            well(gateway, "meter")
            gateway.eventually(lambda: gateway.power(METER) is not None, "the meter is seen again")
            noise = random.Random(7)  # noqa: S311  # the same each time
            house.says = lambda grid_w: noise.randbytes(500)
            is_named(gateway, "meter", METER)
            assert near(gateway, PV, -3000)
            house.says = truth
            well(gateway, "meter")
            assert gateway.instances()["meter"]["restarts"] == 0

    await play(tmp_path, story)


@pytest.mark.slow
async def test_an_inverter_that_vanishes_or_answers_nonsense_is_named_and_the_rest_goes_on(
    home: Path, tmp_path: Path
) -> None:
    def story(house: MyHouse) -> None:
        with running(home, site_file(tmp_path, house.site)) as gateway:
            gateway.eventually(lambda: near(gateway, PV, -3000), "the sun is seen")
            gateway.eventually(lambda: gateway.power(METER) is not None, "the meter is seen")
            house.do(house.peer.behave("garbage"))
            is_named(gateway, "inverter", PV)
            assert gateway.power(METER) is not None and gateway.instances()["meter"]["condition"] == "ok"
            house.do(house.peer.behave("well"))
            well(gateway, "inverter")
            gateway.eventually(lambda: near(gateway, PV, -3000), "the sun is seen again")
            house.do(house.peer.stop())
            named = is_named(gateway, "inverter", BATTERY)
            assert "127.0.0.1" in named["text"] + named["cure"]
            assert gateway.power(METER) is not None
            assert gateway.instances()["inverter"]["restarts"] == 0
            gateway.end()

    await play(tmp_path, story)


@pytest.mark.slow
def test_a_house_whose_devices_are_not_there_says_so_and_runs(home: Path, tmp_path: Path) -> None:
    text = """\
        efpi: 1
        name: Nobody home
        appliances:
          meter: {driver: p1, config: {port: /dev/ttyNONE7}}
          inverter: {driver: sunspec, config: {host: 127.0.0.1, port: 1, timeout_s: 0.3}}
          household: {driver: simulated.base_load}
        """
    with running(home, site_file(tmp_path, text)) as gateway:
        gateway.eventually(lambda: gateway.power("household") is not None, "the rest is live")
        for instance in ("meter", "inverter"):
            is_named(gateway, instance)
        gateway.end()
