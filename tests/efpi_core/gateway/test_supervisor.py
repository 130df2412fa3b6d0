"""The supervisor: lives of instances, told by hosts that do as they are told, in time that the test moves."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from efpi_core.clock import SteppedClock
from efpi_core.errors import PluginFailure, SettingsError
from efpi_core.gateway.habits import Habits
from efpi_core.gateway.instances import InstancePlan
from efpi_core.gateway.strain import Strain
from efpi_core.gateway.supervisor import Supervisor
from efpi_core.host.frames import Failed, FromInstance, Ping, Pong, Ready, Start, Stopped, ToInstance
from efpi_core.host.host import End, Ending, HostListener
from efpi_core.host.offer import Offer, OfferKind, PluginDescription
from efpi_core.plugin.condition import ConditionState
from efpi_core.site.expand import InstanceSpec
from efpi_core.views import InstanceState, InstanceView
from tests.support.hosted_world import start_frame

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
OFFER = Offer(name="faulty.battery", kind=OfferKind.DRIVER, title="Battery")
PLUGIN = PluginDescription(distribution="faulty", version="1", module="faulty_plugin", offers=(OFFER,))
STATES = InstanceState


class PuppetHost:
    """A host that runs nothing: the test says what comes of it."""

    bounded_by = "a puppeteer"

    def __init__(self, instance: str, listener: HostListener) -> None:
        self.instance = instance
        self.listener = listener
        self.pid: int | None = 4711
        self.alive = False
        self.sent = 0
        self.shed = 0
        self.pressed = False
        self.frames: list[ToInstance] = []
        self.stops: list[float] = []
        self.kills: list[str] = []
        self.obeys = True

    def launch(self, start: Start) -> None:
        self.alive = True

    def send(self, frame: ToInstance) -> None:
        self.frames.append(frame)

    def say(self, frame: FromInstance) -> None:
        self.listener.frame(self, frame)

    def end(self, how: End = End.CRASHED, text: str = "gone with exit status 3") -> None:
        self.alive = False
        self.listener.ended(self, Ending(how, text, ""))

    def stop(self, deadline_s: float, reason: str) -> None:
        self.stops.append(deadline_s)
        if self.obeys:
            asyncio.get_running_loop().call_soon(self._stopped)

    def _stopped(self) -> None:
        self.say(Stopped())
        self.end(End.STOPPED, "stopped")

    def kill(self, reason: str, how: End = End.KILLED) -> None:
        self.kills.append(reason)
        if self.obeys:
            asyncio.get_running_loop().call_soon(self.end, how, reason)


class World:
    """A supervisor with puppets."""

    def __init__(self, **habits: Any) -> None:
        self.clock = SteppedClock(BEGIN)
        self.hosts: list[PuppetHost] = []
        self.frames: list[tuple[str, FromInstance]] = []
        self.turns: list[tuple[str, InstanceState, str]] = []
        self.strains: list[tuple[str, Strain | None]] = []
        self.refusal: PluginFailure | None = None
        self.closed = False
        self.supervisor = Supervisor(self, self, self.clock, Habits(**habits))

    # the factory of its hosts

    def __call__(self, instance: str, plugin: Any, offer: Any, listener: HostListener, *, hosted: bool) -> PuppetHost:
        if self.refusal is not None:
            raise self.refusal
        self.hosts.append(PuppetHost(instance, listener))
        return self.hosts[-1]

    async def close(self) -> None:
        self.closed = True

    # the listener

    def on_frame(self, instance: str, frame: FromInstance) -> None:
        self.frames.append((instance, frame))

    def on_state(self, instance: str, state: InstanceState, text: str, cure: str) -> None:
        self.turns.append((instance, state, text))

    def on_strain(self, instance: str, strain: Strain | None) -> None:
        self.strains.append((instance, strain))

    # for tests

    async def pass_time(self, seconds: float) -> None:
        end = self.clock.now() + timedelta(seconds=seconds)
        while (wakeup := self.clock.next_wakeup()) is not None and wakeup <= end:
            self.clock.advance(wakeup)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        self.clock.advance(end)

    @property
    def host(self) -> PuppetHost:
        return self.hosts[-1]

    def view(self, instance: str = "battery") -> InstanceView:
        return next(view for view in self.supervisor.views() if view.instance == instance)

    def states(self, instance: str = "battery") -> list[InstanceState]:
        return [state for name, state, _ in self.turns if name == instance]

    async def run(self, *instances: str) -> None:
        await self.supervisor.change([plan(name) for name in instances or ("battery",)], frozenset())
        for host in self.hosts:
            host.say(Ready())


def plan(instance: str = "battery", start: Callable[[], Start] | None = None) -> InstancePlan:
    spec = InstanceSpec(instance, "driver", "faulty.battery", name=f"The {instance}")
    return InstancePlan(spec, PLUGIN, OFFER, start=start or (lambda: start_frame(instance)))


async def test_an_instance_starts_and_runs() -> None:
    world = World()
    await world.supervisor.change([plan()], frozenset())
    assert world.view().state is STATES.STARTING
    world.host.say(Ready())
    view = world.view()
    assert (view.state, view.condition, view.pid, view.title) == (
        STATES.RUNNING,
        ConditionState.OK,
        4711,
        "The battery",
    )
    assert world.frames == [("battery", Ready())]


async def test_one_that_is_not_ready_in_time_is_ended() -> None:
    world = World(start_s=30.0)
    await world.supervisor.change([plan()], frozenset())
    await world.pass_time(29.9)
    assert world.host.kills == []
    await world.pass_time(0.15)
    assert world.hosts[0].kills == ["it was not ready within 30 s"]
    assert world.view().state is STATES.BACKING_OFF


async def test_a_crash_is_named_and_followed_by_a_new_life_only_after_the_end_is_certain() -> None:
    world = World()
    await world.run()
    world.host.end(End.CRASHED, "ended by signal 9 (SIGKILL)")
    view = world.view()
    assert (view.state, view.condition, view.text) == (
        STATES.BACKING_OFF,
        ConditionState.OFFLINE,
        "ended by signal 9 (SIGKILL)",
    )
    assert len(world.hosts) == 1
    await world.pass_time(0.1)
    assert len(world.hosts) == 2
    world.host.say(Ready())
    assert world.view().state is STATES.RUNNING
    assert world.view().restarts == 1


async def test_a_failure_is_kept_with_its_traceback_and_the_last_lines() -> None:
    world = World()
    await world.run()
    world.host.listener.output(world.host, "about to fail")
    world.host.say(Failed("running", "ValueError: no", "do this", "Traceback …"))
    world.host.end(End.FAILED, "ValueError: no")
    trouble = world.supervisor.trouble("battery")
    assert trouble is not None
    assert (trouble.text, trouble.cure) == ("running: ValueError: no", "do this")
    assert trouble.traceback == "Traceback …"
    assert trouble.printed == ("about to fail",)


async def test_the_pauses_grow_and_never_reach_two_seconds() -> None:
    world = World(most_crashes=100)
    await world.run()
    pauses = []
    for _ in range(8):
        before = world.clock.elapsed()
        lives = len(world.hosts)
        world.host.end()
        while len(world.hosts) == lives:
            await world.pass_time(0.01)
        pauses.append(world.clock.elapsed() - before)
    assert pauses[0] == pytest.approx(0.1)
    assert pauses == sorted(pauses)
    assert max(pauses) < 2.0


async def test_one_that_ran_well_for_long_is_restarted_at_once_again() -> None:
    world = World(most_crashes=100)
    await world.run()
    for _ in range(3):
        world.host.end()
        await world.pass_time(2.0)
    world.host.say(Ready())
    for _ in range(61):
        await world.pass_time(1.0)
        world.host.say(Pong(1, 0, 0.0))
    world.host.end()
    lives = len(world.hosts)
    await world.pass_time(0.1)
    assert len(world.hosts) == lives + 1


async def test_repeated_crashes_end_in_quarantine_until_a_person_releases_it() -> None:
    world = World()
    await world.run()
    for _ in range(5):
        world.host.end(End.CRASHED, "gone with exit status 3")
        await world.pass_time(2.0)
    view = world.view()
    assert view.state is STATES.QUARANTINED
    assert view.text == "gone with exit status 3 (ended 5 times in a short time)"
    assert view.cure.endswith("; release it with `efpi restart battery`")
    lives = len(world.hosts)
    await world.pass_time(3600)
    assert len(world.hosts) == lives
    await world.supervisor.restart("battery")
    world.host.say(Ready())
    assert world.view().state is STATES.RUNNING
    world.host.end()
    assert world.view().state is STATES.BACKING_OFF, "earlier crashes are forgotten"


async def test_crashes_that_are_far_apart_are_no_reason_for_quarantine() -> None:
    world = World(crashes_within_s=300.0, patience_s=1e6)
    await world.run()
    for _ in range(20):
        world.host.end()
        assert world.view().state is STATES.BACKING_OFF
        await world.pass_time(2.0)
        world.host.say(Ready())
        await world.pass_time(78.0)


async def test_one_that_ends_without_being_asked_has_crashed() -> None:
    world = World()
    await world.run()
    world.host.end(End.STOPPED, "stopped")
    assert world.view().state is STATES.BACKING_OFF
    assert world.view().text == "it ended without being asked"


async def test_it_is_asked_each_second_and_ended_when_it_does_not_answer() -> None:
    world = World(patience_s=10.0)
    await world.run()
    for number in range(1, 6):
        await world.pass_time(1.0)
        assert world.host.frames[-1] == Ping(number)
        world.host.say(Pong(number, 0, 0.0))
    await world.pass_time(10.5)
    assert world.host.kills == []
    await world.pass_time(0.55)
    assert world.hosts[0].kills == ["its event loop has stood still for 10 s"]


async def test_a_gateway_that_stood_still_itself_blames_nobody() -> None:
    world = World(patience_s=10.0)
    await world.run()
    world.clock.advance(BEGIN + timedelta(hours=8))
    await asyncio.sleep(0)
    assert world.host.kills == []
    world.host.say(Pong(1, 0, 0.0))
    await world.pass_time(5.0)
    assert world.host.kills == []


async def test_a_handler_that_runs_too_long_ends_the_instance() -> None:
    world = World(handler_s=30.0)
    await world.run()
    busy = 0.5
    while not world.host.kills and busy < 60:
        await world.pass_time(1.0)
        world.host.say(Pong(1, 0, busy))
        busy += 1.0
    assert world.host.kills == ["one of its handlers has run for 30 s"]


async def test_many_short_handlers_are_no_long_one() -> None:
    world = World(handler_s=30.0)
    await world.run()
    for number in range(100):
        await world.pass_time(1.0)
        world.host.say(Pong(number, 0, 0.9 if number % 2 else 0.4))
    assert world.host.kills == []


async def test_one_that_takes_too_much_memory_is_named_and_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = [100]
    for look in ("resident_memory", "proportional_memory"):
        monkeypatch.setattr(f"efpi_core.gateway.budget_watch.{look}", lambda pid: taken[0] * 1024 * 1024)
    monkeypatch.setattr("efpi_core.gateway.budget_watch.process_tree", lambda pid: [pid])
    world = World(memory_every_s=10.0, patience_s=1e6)
    await world.run()
    await world.pass_time(60)
    assert world.host.kills == []
    taken[0] = 300
    await world.pass_time(10)
    assert world.host.kills == [], "one look may meet a moment's work"
    await world.pass_time(10)
    assert world.host.kills == ["it takes 300 MB of memory, more than its 256 MB"]


async def test_what_cannot_be_launched_is_tried_again() -> None:
    world = World()
    world.refusal = PluginFailure("it cannot be imported", "install it")
    await world.supervisor.change([plan()], frozenset())
    assert (world.view().state, world.view().cure) == (STATES.BACKING_OFF, "install it")
    world.refusal = None
    await world.pass_time(2.0)
    assert world.view().state is STATES.STARTING


async def test_a_first_frame_that_cannot_be_made_is_named() -> None:
    def no_secrets() -> Start:
        raise SettingsError("secrets", "the file of secrets cannot be read", "chmod 0600")

    world = World()
    await world.supervisor.change([plan(start=no_secrets)], frozenset())
    assert world.view().state is STATES.BACKING_OFF
    assert world.view().text == "secrets: the file of secrets cannot be read"


async def test_a_plugin_that_is_not_installed_is_missing_until_it_comes() -> None:
    world = World()
    missing = InstancePlan(plan().spec, None, None, "no installed plugin offers 'faulty.battery'", "install it")
    await world.supervisor.change([missing, plan("boiler")], frozenset())
    view = world.view()
    assert (view.state, view.condition) == (STATES.MISSING, ConditionState.MISCONFIGURED)
    assert view.text == "no installed plugin offers 'faulty.battery'"
    await world.supervisor.change([plan(), plan("boiler")], frozenset())
    assert world.view().state is STATES.STARTING
    assert len(world.hosts) == 2


async def test_a_change_of_the_site_touches_only_what_changed() -> None:
    world = World()
    await world.run("battery", "boiler", "car")
    battery, boiler, car = world.hosts
    await world.supervisor.change([plan("pump"), plan("battery"), plan("boiler")], frozenset({"boiler"}))
    assert [view.instance for view in world.supervisor.views()] == ["pump", "battery", "boiler"]
    assert (battery.stops, boiler.stops, car.stops) == ([], [5.0], [5.0])
    assert [host.instance for host in world.hosts[3:]] == ["boiler", "pump"]
    assert world.states("car")[-1] is STATES.STOPPED


async def test_a_new_instance_starts_only_when_the_old_ones_have_left_their_devices() -> None:
    world = World()
    await world.run("old")
    world.host.obeys = False
    change = asyncio.create_task(world.supervisor.change([plan("new")], frozenset()))
    for _ in range(10):
        await asyncio.sleep(0)
    assert [host.instance for host in world.hosts] == ["old"]
    world.hosts[0].end(End.KILLED, "did not end within 5 s")
    await change
    assert [host.instance for host in world.hosts] == ["old", "new"]


async def test_one_that_the_kernel_holds_is_told_and_not_doubled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("efpi_core.gateway.supervised.CERTAINTY_S", 0.01)
    world = World(stop_s=0.01)
    await world.run()
    world.host.obeys = False
    await world.supervisor.restart("battery")
    assert (world.view().state, world.view().text) == (STATES.STOPPING, "it was killed and does not end")
    assert len(world.hosts) == 1
    world.host.end(End.KILLED, "at last")
    assert len(world.hosts) == 2
    assert world.view().state is STATES.STARTING


async def test_at_the_end_all_are_stopped_and_nothing_begins_any_more() -> None:
    world = World()
    await world.run("battery", "boiler")
    world.hosts[1].end()
    assert world.view("boiler").state is STATES.BACKING_OFF
    await world.supervisor.stop(2.0)
    assert world.closed
    assert [view.state for view in world.supervisor.views()] == [STATES.STOPPED, STATES.STOPPED]
    assert world.hosts[0].stops == [pytest.approx(1.7)]
    await world.pass_time(3600)
    assert len(world.hosts) == 2


async def test_the_end_cuts_a_change_short() -> None:
    world = World()
    await world.run("old")
    world.host.obeys = False
    change = asyncio.create_task(world.supervisor.change([plan("old"), plan("new")], frozenset({"old"})))
    await asyncio.sleep(0)
    end = asyncio.create_task(world.supervisor.stop(2.0))
    await asyncio.sleep(0)
    world.hosts[0].end(End.KILLED, "killed")
    await change
    await end
    assert [host.instance for host in world.hosts] == ["old"]
    assert all(view.state is STATES.STOPPED for view in world.supervisor.views())


async def test_frames_reach_only_an_instance_that_runs() -> None:
    world = World()
    await world.run()
    world.supervisor.send("battery", Ping(99))
    world.supervisor.send("nobody", Ping(99))
    assert world.host.frames == [Ping(99)]
    world.host.end()
    world.supervisor.send("battery", Ping(100))


async def test_what_a_former_life_still_says_is_not_heard() -> None:
    world = World()
    await world.run()
    former = world.host
    former.end()
    await world.pass_time(2.0)
    heard = len(world.frames)
    former.say(Ready())
    assert world.view().state is STATES.STARTING
    assert len(world.frames) == heard
