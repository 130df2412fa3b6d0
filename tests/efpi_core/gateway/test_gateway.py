"""The gateway as a whole: what it keeps through a restart, and what it refuses before anything is kept."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from efpi_core.clock import SteppedClock
from efpi_core.errors import RefusedError, SettingsError
from efpi_core.gateway.gateway import Gateway
from efpi_core.gateway.planning import Planner
from efpi_core.host.frames import Store
from efpi_core.plugin.limits import Limit, LimitSource
from efpi_core.state.state import State
from efpi_core.views import InstanceState
from tests.support.bare_house import BareHouse
from tests.support.staff import Shelf, Staff

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
SITE = """\
efpi: 1
appliances:
  battery: {driver: driver}
  meter: {driver: driver}
apps:
  steering: {app: app}
"""
HOUR = timedelta(hours=1)


class Home:
    """A directory in which one gateway lives after another, on one clock."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = SteppedClock(BEGIN)
        self.gateway: Gateway | None = None
        self.staff = Staff()

    async def begin(self) -> Gateway:
        """The next life."""
        if self.gateway is not None:
            await self.gateway.stop(1.0)
        state = State.open(self.path, self.clock)
        gateway = self.gateway = Gateway(clock=self.clock, state=state)
        gateway.site.take_file("house.yaml", SITE, "anna")
        self.staff = Staff()
        await gateway.start(self.staff, Planner(Shelf(), state, dict, self.clock.now, gateway.life))
        return gateway

    def battery_comes(self) -> None:
        """The battery's instance says what a battery says."""
        self._guest().battery("battery")

    def meter_comes(self) -> None:
        """A meter comes, which is measured only."""
        self._guest().meter()

    def _guest(self) -> BareHouse:
        assert self.gateway is not None
        world = BareHouse()
        world.clock = self.clock
        world.say = self.gateway.on_frame  # type: ignore[method-assign]
        return world

    def let_pass(self, span: timedelta) -> None:
        end = self.clock.now() + span
        while (wakeup := self.clock.next_wakeup()) is not None and wakeup <= end:
            self.clock.advance(wakeup)
        self.clock.advance(end)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    yield home
    if home.gateway is not None:
        home.gateway._state.close()


def kinds(gateway: Gateway) -> list[str]:
    return [event.kind for event in gateway.events(0, 1000)]


async def test_the_appliances_come_in_the_order_of_the_site_whoever_comes_first(home: Home) -> None:
    gateway = await home.begin()
    home.meter_comes()
    home.battery_comes()
    assert [view.id for view in gateway.appliances()] == ["battery", "meter"]


async def test_a_connection_by_hand_outlives_the_gateway(home: Home) -> None:
    gateway = await home.begin()
    home.battery_comes()
    await gateway.connect("battery", None)
    gateway = await home.begin()
    home.battery_comes()
    (view,) = (view for view in gateway.connections() if view.appliance == "battery")
    assert (view.app, view.by_hand) == (None, True)


async def test_an_override_outlives_the_gateway_until_its_own_end(home: Home) -> None:
    gateway = await home.begin()
    home.battery_comes()
    await gateway.override("battery", "mode", BEGIN + HOUR, {"mode": "charge", "factor": 1.0}, "anna")
    gateway = await home.begin()
    assert [view.appliance for view in gateway.overrides()] == ["battery"]
    home.let_pass(HOUR)
    assert gateway.overrides() == ()
    gateway = await home.begin()
    assert gateway.overrides() == ()


async def test_an_override_that_ended_while_no_gateway_ran_is_forgotten(home: Home) -> None:
    gateway = await home.begin()
    home.battery_comes()
    await gateway.override("battery", "off", BEGIN + HOUR, {}, "anna")
    await gateway.stop(1.0)
    home.gateway = None
    home.clock.advance(BEGIN + 2 * HOUR)
    gateway = await home.begin()
    assert gateway.overrides() == ()


async def test_an_override_that_is_refused_leaves_nothing_behind(home: Home) -> None:
    gateway = await home.begin()
    home.battery_comes()
    home.meter_comes()
    for appliance, action in (("battery", "dance"), ("meter", "off"), ("nobody", "off")):
        with pytest.raises(RefusedError):
            await gateway.override(appliance, action, BEGIN + HOUR, {}, "anna")
    gateway = await home.begin()
    assert gateway.overrides() == ()


async def test_an_unknown_appliance_is_answered_with_those_that_there_are(home: Home) -> None:
    gateway = await home.begin()
    with pytest.raises(RefusedError) as refused:
        await gateway.end_override("batery", "anna")
    assert refused.value.cure == "name one of: none is there yet"
    home.battery_comes()
    with pytest.raises(RefusedError) as refused:
        await gateway.end_override("batery", "anna")
    assert refused.value.cure == "name one of: battery"


async def test_a_limit_outlives_the_gateway_until_it_is_lifted_or_ends(home: Home) -> None:
    gateway = await home.begin()
    await gateway.set_limit(Limit("peak", LimitSource.CONTRACT, upper_w=4000.0), "anna")
    await gateway.set_limit(Limit("order", LimitSource.GRID_OPERATOR, upper_w=2000.0, end=BEGIN + HOUR), "grid")
    gateway = await home.begin()
    assert {limit.limit_id for limit in gateway.limits()} == {"peak", "order"}
    await gateway.remove_limit("peak", "anna")
    await gateway.stop(1.0)
    home.gateway = None
    home.clock.advance(BEGIN + HOUR)
    gateway = await home.begin()
    assert gateway.limits() == ()
    gateway = await home.begin()
    assert gateway._state.limits() == ()


async def test_a_limit_that_cannot_be_is_not_kept(home: Home) -> None:
    gateway = await home.begin()
    with pytest.raises(SettingsError):
        await gateway.set_limit(Limit("peak", LimitSource.CONTRACT), "anna")
    gateway = await home.begin()
    assert gateway.limits() == ()


async def test_an_instance_that_ends_takes_its_appliances_offline_and_is_told_by_the_gravity_of_it(home: Home) -> None:
    gateway = await home.begin()
    home.battery_comes()
    gateway.on_state("battery", InstanceState.BACKING_OFF, "it crashed", "wait")
    assert [(view.id, view.state) for view in gateway.appliances()] == [("battery", "offline")]
    gateway.on_state("battery", InstanceState.QUARANTINED, "it crashed too often", "report it")
    told = {event.kind: event.level for event in gateway.events(0, 1000)}
    assert (told["instance_backing_off"], told["instance_quarantined"]) == ("warning", "error")


async def test_an_instance_that_the_site_no_longer_names_takes_its_appliances_away_for_good(home: Home) -> None:
    gateway = await home.begin()
    home.battery_comes()
    gateway.site._names = ("meter", "steering")
    gateway.on_state("battery", InstanceState.STOPPED, "", "")
    assert gateway.appliances() == ()


async def test_only_an_instance_of_the_site_is_started_again(home: Home) -> None:
    gateway = await home.begin()
    await gateway.restart_instance("battery", "anna")
    with pytest.raises(RefusedError) as refused:
        await gateway.restart_instance("batery", "anna")
    assert "battery, meter, steering" in refused.value.cure
    assert home.staff.restarted == ["battery"]


async def test_what_an_instance_of_the_site_keeps_is_not_forgotten_by_hand(home: Home) -> None:
    gateway = await home.begin()
    gateway.on_frame("battery", Store("mode", "charge"))
    with pytest.raises(RefusedError, match="in the site"):
        await gateway.forget_memory("battery", "anna")
    gateway.site.site = None
    await gateway.forget_memory("battery", "anna")
    with pytest.raises(RefusedError, match="nothing is kept"):
        await gateway.forget_memory("battery", "anna")


async def test_the_books_are_closed_even_when_the_instances_do_not_end(home: Home) -> None:
    gateway = await home.begin()

    async def stuck(deadline_s: float) -> None:
        raise TimeoutError

    home.staff.stop = stuck  # type: ignore[method-assign]
    with pytest.raises(TimeoutError):
        await gateway.stop(1.0)
    home.gateway = None
    assert (await home.begin()).health().revision == 1


async def test_a_gateway_that_has_not_started_can_be_looked_at(home: Home) -> None:
    state = State.open(home.path, home.clock)
    gateway = Gateway(clock=home.clock, state=state)
    assert (gateway.instances(), gateway.appliances()) == ((), ())
    assert gateway.health().status == "starting"
    await gateway.stop(1.0)
