"""What the joined storage was asked goes on over a restart, or ends by name with all its parts."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from efpi_app_joined_storage.joint_allocation import JointAllocation
from efpi_app_joined_storage.joint_book import JointBook

from efi.allocation import AllocationStatus
from efpi_core.clock import RealClock
from efpi_core.gateway.appliances import ApplianceRecord
from efpi_core.gateway.gateway import Gateway
from efpi_core.gateway.habits import Habits
from efpi_core.gateway.planning import Planner
from efpi_core.gateway.supervisor import Supervisor
from efpi_core.host.describe import describe_offer
from efpi_core.host.hosts import Hosts
from efpi_core.host.loading import plugin_types
from efpi_core.host.offer import Offer, PluginDescription
from efpi_core.plugin.memory import InstanceStorage
from efpi_core.state.state import State

SITE = """
efpi: 1
appliances:
  pump: {driver: toy.battery, run: inline, config: {power_w: 2000}}
  chp: {driver: toy.battery, run: inline, config: {power_w: 1000}}
apps:
  buffer: {app: joined_storage, run: inline, config: {name: Buffer, members: [pump, chp], level_from: pump}}
  steering: {app: asking, run: inline}
connections: {pump: buffer, chp: buffer, buffer: steering}
"""
"""Two devices on one buffer, and an app that asks both at once."""

MODULES = {
    "toy.battery": "tests.support.toys",
    "joined_storage": "efpi_app_joined_storage",
    "asking": "tests.energy_apps.joined_storage.asking_app",
}

PATIENCE_S = 30.0

STARTED = AllocationStatus.STARTED


class Shelf:
    """The plugins of this house."""

    settled = True

    def find(self, offer: str) -> tuple[PluginDescription, Offer] | None:
        module = MODULES[offer]
        described = describe_offer(plugin_types(module)[offer])
        return PluginDescription(distribution="efpi-test", version="1", module=module, offers=(described,)), described

    def why_missing(self, offer: str) -> tuple[str, str]:
        return f"there is no {offer}", ""


class Life:
    """One life of a gateway in a home."""

    def __init__(self, gateway: Gateway, state: State, supervisor: Supervisor) -> None:
        self.gateway = gateway
        self.state = state
        self.supervisor = supervisor

    def appliance(self, name: str) -> ApplianceRecord | None:
        return self.gateway.house.appliances.get(name)

    def open(self, name: str) -> dict[str, AllocationStatus | None]:
        """The open allocations of an appliance with their last words."""
        record = self.appliance(name)
        return {} if record is None else {key: each.status for key, each in record.session.allocations.items()}

    def powers(self) -> list[float | None]:
        return [getattr(self.appliance(name), "power_w", None) for name in ("pump", "chp")]

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110  # nobody tells of all that a test may wait for
                await asyncio.sleep(0.01)

    async def all_started(self) -> dict[str, dict[str, AllocationStatus | None]]:
        """Waits until the whole and its parts run; what is open by then."""
        names = ("buffer", "pump", "chp")
        await self.until(lambda: all(list(self.open(name).values()) == [STARTED] for name in names))
        await self.until(lambda: self.powers() == [-2000.0, -1000.0])
        return {name: self.open(name) for name in names}


@asynccontextmanager
async def life(home: Path) -> AsyncIterator[Life]:
    clock = RealClock()
    state = State.open(home, clock)
    gateway = Gateway(clock=clock, state=state)
    supervisor = Supervisor(Hosts(), gateway, clock, Habits())
    gateway.site.take_file("house.yaml", SITE, "anna")
    await gateway.start(supervisor, Planner(Shelf(), state, dict, clock.now, gateway.life))
    try:
        yield Life(gateway, state, supervisor)
    finally:
        await gateway.stop(5.0)


async def test_an_allocation_of_the_whole_goes_on_in_the_gateways_next_life(tmp_path: Path) -> None:
    async with life(tmp_path) as first:
        asked = await first.all_started()
    async with life(tmp_path) as second:
        assert await second.all_started() == asked
        ended = [each.allocation_id for each in second.state.ended_allocations()]
        assert not ended
        (name,) = asked["buffer"]
        second.gateway.house.choose("buffer", None)
        await second.until(lambda: not any(second.open(each) for each in asked))
        assert {each.allocation_id for each in second.state.ended_allocations()} >= {name, *asked["pump"]}


async def test_it_goes_on_when_the_app_alone_begins_anew(tmp_path: Path) -> None:
    async with life(tmp_path) as house:
        asked = await house.all_started()
        house.supervisor.condemn("buffer", "a test wants it so", "")
        await house.until(lambda: not house.open("buffer"))
        assert await house.all_started() == asked


async def test_when_a_member_did_not_come_back_the_whole_ends_with_all_its_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("efpi_app_joined_storage.app.GATHER_S", 0.5)
    monkeypatch.setattr("efpi_app_joined_storage.app.STAND_S", 0.5)
    async with life(tmp_path) as first:
        asked = await first.all_started()
    state = State.open(tmp_path, RealClock())
    for kept in state.open_allocations():
        if kept.appliance_id == "chp":
            state.journal_status("chp", kept.allocation_id, AllocationStatus.ABORTED, "it broke", RealClock().now())
    state.close()
    async with life(tmp_path) as second:
        (name,) = asked["buffer"]
        await second.until(lambda: name in {each.allocation_id for each in second.state.ended_allocations()})
        await second.until(lambda: not second.open("pump"))
        await second.until(lambda: second.powers() == [0.0, 0.0])


class Port:
    """Takes what is stored."""

    def store(self, key: str, value: object, *, durable: bool) -> None:
        """Take it."""


def test_the_book_keeps_what_is_open_and_forgets_what_ended() -> None:
    storage = InstanceStorage({}, Port())  # type: ignore[arg-type]  # it stores, and no more is needed
    book = JointBook(storage)
    joint, other = JointAllocation("a1", {"pump": "p1", "chp": "c1"}), JointAllocation("a2", {"pump": "p2"})
    joint.take("pump", AllocationStatus.ACCEPTED)
    book.keep(joint)
    book.keep(other)
    book.forget(other)
    again = JointBook(storage)
    (found,) = again.in_doubt
    assert (found.allocation_id, found.parts, found.silent) == ("a1", {"pump": "p1", "chp": "c1"}, ("pump", "chp"))
    assert found.take("chp", AllocationStatus.STARTED) is None, "not before it is known to stand"
    found.stands, found.told = True, None
    assert found.news() is AllocationStatus.ACCEPTED
    assert again.of_part("c1") == (found, "chp") and again.of_part("p2") is None


@pytest.mark.parametrize("kept", [None, 7, "x", {}, {"parts": {}}, {"parts": {"pump": 1}, "words": {"pump": "eaten"}}])
def test_a_book_that_is_damaged_is_read_as_far_as_it_goes(kept: object) -> None:
    storage = InstanceStorage({"joint a1": kept, "other": 1}, Port())  # type: ignore[dict-item, arg-type]
    for joint in JointBook(storage):
        assert joint.news() is None
