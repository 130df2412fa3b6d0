"""Connections: what a change of the site leaves alone, and what thousands of appliances cost."""

import time

from efpi_core.host.frames import Disconnected
from tests.support.bare_house import BareHouse


def test_a_change_of_the_site_keeps_the_connections_of_an_app_that_goes_on() -> None:
    world = BareHouse("app")
    world.battery("battery")
    assert world.record("battery").app == "app"
    world.configure()
    assert world.record("battery").app == "app"
    assert not world.frames("battery", Disconnected)


def test_an_app_that_left_the_site_loses_its_appliances() -> None:
    world = BareHouse("app")
    world.battery("battery")
    world.apps = ()
    world.configure()
    assert world.record("battery").app is None


def test_thousands_of_appliances_of_one_plugin_do_not_hold_up_the_gateway() -> None:
    world = BareHouse("app")
    begun = time.process_time()
    for number in range(1000):
        world.load("bus", str(number))
    assert time.process_time() - begun < 10.0
    assert world.record("bus-999").app == "app"
