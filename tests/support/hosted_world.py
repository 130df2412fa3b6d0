"""Hosted instances for tests: the plugin with faults, a listener that can be waited for, and looks into /proc."""

import asyncio
import contextlib
import os
import select
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from efpi_core.host.cgroup import Cgroups
from efpi_core.host.frames import PROTOCOL, ClockMode, Failed, FromInstance, Ready, Start
from efpi_core.host.host import Ending, InstanceHost
from efpi_core.host.launching import Launcher
from efpi_core.host.order import ChildOrder
from efpi_core.host.pace import Pace
from efpi_core.host.process import ProcessHost
from efpi_core.plugin.site_facts import SiteFacts

PLUGINS = Path(__file__).parent.parent / "plugins"
BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PATIENCE_S = 60.0
"""A test fails rather than waits longer."""

FrameT = TypeVar("FrameT")


def environment(**extra: str) -> dict[str, str]:
    """What a hosted process needs to find the plugin with faults."""
    return {**os.environ, "PYTHONPATH": str(PLUGINS), **extra}


def start_frame(instance: str = "battery", clock: ClockMode = ClockMode.REAL, **config: Any) -> Start:
    """The first frame of an instance of the plugin with faults."""
    now = BEGIN if clock is ClockMode.STEPPED else datetime.now(UTC)
    return Start(PROTOCOL, instance, "faulty.battery", config, {}, {}, clock, now, "t", 1, SiteFacts())


class Listener:
    """Keeps all that a host tells."""

    def __init__(self) -> None:
        self.frames: list[FromInstance] = []
        self.lines: list[str] = []
        self.endings: list[Ending] = []
        self._news = asyncio.Event()

    def frame(self, host: InstanceHost, frame: FromInstance) -> None:
        self.frames.append(frame)
        self._news.set()

    def output(self, host: InstanceHost, line: str) -> None:
        self.lines.append(line)
        self._news.set()

    def ended(self, host: InstanceHost, ending: Ending) -> None:
        self.endings.append(ending)
        self._news.set()

    async def until(self, condition: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        """Wait until something holds; it is looked at whenever the host tells anything, and now and then."""
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    self._news.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._news.wait(), 0.05)
        except TimeoutError:
            told = [*self.frames[-5:], *self.lines[-5:], *self.endings]
            raise AssertionError(f"still not after {within_s} s; last told: {told}") from None

    def of(self, kind: type[FrameT]) -> list[FrameT]:
        """All frames of a kind."""
        return [frame for frame in self.frames if isinstance(frame, kind)]

    async def ready(self) -> None:
        """Wait until the plugin has started."""
        await self.until(lambda: self.of(Ready) or self.endings)
        assert self.of(Ready), self.endings

    async def end(self, within_s: float = PATIENCE_S) -> Ending:
        """Wait for the end."""
        await self.until(lambda: self.endings, within_s)
        assert len(self.endings) == 1
        return self.endings[0]

    @property
    def failed(self) -> Failed:
        """The only failure."""
        (failed,) = self.of(Failed)
        return failed

    def forked(self) -> list[int]:
        """The processes that the plugin says it left behind."""
        return [int(line.split()[1]) for line in self.lines if line.startswith("forked ")]


def hosted(
    launcher: Launcher,
    *,
    module: str = "faulty_plugin",
    patience_s: float = 10.0,
    clock: ClockMode = ClockMode.REAL,
    pace: Pace | None = None,
    cgroups: Cgroups | None = None,
    memory_mb: int = 256,
    **config: Any,
) -> tuple[ProcessHost, Listener]:
    """A launched instance of the plugin with faults."""
    listener = Listener()
    order = ChildOrder("battery", module, patience_s, memory_mb=memory_mb)
    host = ProcessHost("battery", order, launcher, listener, pace=pace, cgroups=cgroups)
    host.launch(start_frame(clock=clock, **config))
    return host, listener


def runs(pid: int) -> bool:
    """Whether a process is there and no mere zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone_within(pid: int, seconds: float = PATIENCE_S) -> bool:
    """Wait for the death of a process, whosever child it is."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(handle)


def children_of(pid: int) -> list[int]:
    """The living children of a process."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [child for child in map(int, text.split()) if runs(child)]
