"""Stepped time through a process: quiet when all is done, and the same frames as inline."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from efpi_core.clock import SteppedClock
from efpi_core.host.frames import Advance, ClockMode, Connected, FromInstance, Quiet, ToInstance
from efpi_core.host.host import End
from efpi_core.host.idle import IdleSelector
from efpi_core.host.inline import InlineHost
from efpi_core.host.launcher import ForkServerLauncher
from efpi_core.host.loading import plugin_type
from efpi_core.simulation.loop import run_stepped
from tests.efpi_core.host.test_process_host import allocation
from tests.support.hosted_world import BEGIN, PLUGINS, Listener, environment, hosted, start_frame

pytestmark = pytest.mark.asyncio(loop_scope="module")

STEPS = 20


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def launcher() -> AsyncIterator[ForkServerLauncher]:
    launcher = ForkServerLauncher(environment())
    yield launcher
    await launcher.close()


def script(step: int) -> list[ToInstance]:
    """What the instance is told at each step."""
    if step == 3:
        return [Connected("battery", "app")]
    return [allocation(step)] if step % 4 == 0 and step else []


async def test_each_step_is_answered_when_all_is_quiet(launcher: ForkServerLauncher) -> None:
    host, listener = hosted(launcher, clock=ClockMode.STEPPED, every_s=10.0)
    now = BEGIN
    wakeups: list[datetime | None] = []
    for step in range(STEPS):
        host.send(Advance(now))
        for frame in script(step):
            host.send(frame)
        await listener.until(lambda: listener.of(Quiet) and listener.of(Quiet)[-1].received == host.sent)
        wakeups.append(listener.of(Quiet)[-1].next_wakeup)
        now += timedelta(seconds=5)
    assert wakeups == [BEGIN + timedelta(seconds=10 * (step // 2 + 1)) for step in range(STEPS)]
    host.stop(5.0, "enough")
    assert (await listener.end()).how is End.STOPPED


async def test_a_process_says_the_same_as_an_inline_instance(
    launcher: ForkServerLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, listener = hosted(launcher, clock=ClockMode.STEPPED, every_s=10.0)
    now = BEGIN
    for step in range(STEPS):
        host.send(Advance(now))
        for frame in script(step):
            host.send(frame)
        await listener.until(lambda: listener.of(Quiet) and listener.of(Quiet)[-1].received == host.sent)
        now += timedelta(seconds=5)
    host.kill("enough")
    await listener.end()
    said = [frame for frame in listener.frames if not isinstance(frame, Quiet)]
    monkeypatch.syspath_prepend(PLUGINS)
    assert len(said) > 10
    assert said == inline()


def inline() -> list[FromInstance]:
    """What an inline instance says, in an event loop of its own."""
    said: list[FromInstance] = []
    thread = threading.Thread(target=lambda: said.extend(run_stepped(_inline)))
    thread.start()
    thread.join(30)
    return said


async def _inline(selector: IdleSelector) -> list[FromInstance]:
    listener = Listener()
    loop = asyncio.get_running_loop()
    clock = SteppedClock(BEGIN)
    offered = plugin_type("faulty_plugin", "faulty.battery")
    host = InlineHost("battery", offered, listener, lambda start: clock)
    quiet: list[asyncio.Future[None]] = []

    def on_idle() -> bool:
        if not quiet or quiet[-1].done():
            return False
        quiet[-1].set_result(None)
        return True

    selector.on_idle = on_idle
    host.launch(start_frame(clock=ClockMode.STEPPED, every_s=10.0))
    now = BEGIN
    for step in range(STEPS):
        quiet.append(loop.create_future())
        host.send(Advance(now))
        for frame in script(step):
            host.send(frame)
        await quiet[-1]
        now += timedelta(seconds=5)
    host.kill("enough")
    return listener.frames


async def test_a_handler_that_sleeps_is_quiet_until_it_is_woken(launcher: ForkServerLauncher) -> None:
    host, listener = hosted(launcher, clock=ClockMode.STEPPED, moment="start", fault="sleep")
    host.send(Advance(BEGIN))
    await listener.until(lambda: listener.of(Quiet) and listener.of(Quiet)[-1].received == host.sent)
    assert listener.of(Quiet)[-1].next_wakeup == BEGIN + timedelta(seconds=100)
    assert len(listener.frames) == len(listener.of(Quiet)), "it has not started yet"
    host.send(Advance(BEGIN + timedelta(seconds=100)))
    await listener.ready()
    host.stop(5.0, "enough")
    await listener.end()
