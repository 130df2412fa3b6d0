"""A process that is asked for and not made yet: who ends need not wait for it, and it does nothing when it comes."""

import asyncio
import socket

from efpi_core.errors import TryAgainError
from efpi_core.host.frames import FromInstance
from efpi_core.host.host import End, Ending, InstanceHost
from efpi_core.host.launching import OnBorn, OnGone
from efpi_core.host.order import ChildOrder
from efpi_core.host.process import ProcessHost
from tests.support.hosted_world import start_frame


class SlowLauncher:
    """Takes orders and makes nothing until the test says so."""

    def __init__(self) -> None:
        self.on_born: OnBorn | None = None
        self.far: socket.socket | None = None

    def launch(self, order: ChildOrder, channel: socket.socket, output: int, on_born: OnBorn, on_gone: OnGone) -> None:
        self.on_born, self.far, self.output = on_born, channel, output

    async def close(self) -> None:
        pass


class Ear:
    """Hears how a host ends."""

    def __init__(self) -> None:
        self.endings: list[Ending] = []

    def frame(self, host: InstanceHost, frame: FromInstance) -> None:
        raise AssertionError("it says nothing")

    def output(self, host: InstanceHost, line: str) -> None:
        raise AssertionError("it prints nothing")

    def ended(self, host: InstanceHost, ending: Ending) -> None:
        self.endings.append(ending)


class Handle:
    """A process that came late."""

    def __init__(self) -> None:
        self.killed = 0

    def kill(self) -> None:
        self.killed += 1


async def test_one_that_is_not_made_yet_ends_at_once_and_hears_nothing_when_it_is_made() -> None:
    launcher, ear = SlowLauncher(), Ear()
    host = ProcessHost("battery", ChildOrder("battery", "plugin", 5.0), launcher, ear)
    host.launch(start_frame())
    host.stop(1.0, "the gateway ends")
    assert ear.endings == [], "told from the event loop, as every end"
    await asyncio.sleep(0)
    assert [ending.how for ending in ear.endings] == [End.STOPPED]
    assert not host.alive
    assert launcher.far is not None and launcher.on_born is not None
    assert launcher.far.recv(1) == b"", "its socket is closed, so it never hears Start"
    late = Handle()
    launcher.on_born(late)  # type: ignore[arg-type]  # what a host needs of a handle
    assert late.killed == 1
    assert len(ear.endings) == 1
    launcher.far.close()


async def test_one_that_is_killed_twice_before_it_is_made_ends_once() -> None:
    launcher, ear = SlowLauncher(), Ear()
    host = ProcessHost("battery", ChildOrder("battery", "plugin", 5.0), launcher, ear)
    host.launch(start_frame())
    host.kill("first")
    host.kill("second")
    await asyncio.sleep(0)
    assert launcher.on_born is not None and launcher.far is not None
    launcher.on_born(TryAgainError("no process"))
    await asyncio.sleep(0)
    assert [ending.text for ending in ear.endings] == ["first"]
    launcher.far.close()
