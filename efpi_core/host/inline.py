"""The inline host: an instance inside the process of its owner, for simulation, tests and single-process houses."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from efpi_core.clock import Clock, SteppedClock
from efpi_core.host.frames import Advance, Failed, FromInstance, Say, Start, Stop, Stopped, ToInstance
from efpi_core.host.host import End, Ending, HostListener
from efpi_core.host.runtime import InstanceRuntime
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.plugin import Plugin

MakeClock = Callable[[Start], Clock]


class InlineHost:
    """Runs one life of an instance beside its owner, in the same event loop; a hang of one is a hang of all."""

    __slots__ = (
        "_clock",
        "_deadline",
        "_ending",
        "_listener",
        "_make_clock",
        "_plugin_type",
        "_runtime",
        "_task",
        "instance",
        "pid",
        "sent",
    )

    def __init__(
        self, instance: str, plugin_type: type[Plugin[PluginConfig]], listener: HostListener, make_clock: MakeClock
    ) -> None:
        self.instance = instance
        self.pid = None
        self.sent = 0
        self._plugin_type = plugin_type
        self._listener = listener
        self._make_clock = make_clock
        self._runtime: InstanceRuntime | None = None
        self._clock: Clock | None = None
        self._task: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._ending: Ending | None = None

    @property
    def alive(self) -> bool:
        """Whether it was launched and has not ended."""
        return self._task is not None and not self._task.done()

    @property
    def bounded_by(self) -> str:
        """Nothing of its own: it has what its owner has."""
        return ""

    @property
    def shed(self) -> int:
        """Nothing waits to be sent to an instance beside its owner."""
        return 0

    @property
    def pressed(self) -> bool:
        """What it sends is taken at once."""
        return False

    @property
    def plugin(self) -> Plugin[PluginConfig] | None:
        """The author's object itself, for whoever runs it inline; None before the launch."""
        return None if self._runtime is None else self._runtime.plugin

    @property
    def idle(self) -> bool:
        """Whether every handler has returned."""
        return self._runtime is None or self._runtime.idle

    def launch(self, start: Start) -> None:
        """Begin."""
        self._clock = self._make_clock(start)
        self._runtime = InstanceRuntime(self._plugin_type, start, self._clock, self._emit)
        self._task = asyncio.get_running_loop().create_task(self._runtime.run(), name=f"{self.instance}: inline")
        self._task.add_done_callback(self._ended)

    def _emit(self, frame: FromInstance) -> None:
        if type(frame) is Say:
            pass  # nearly all are, and mean nothing here
        elif isinstance(frame, Failed) and frame.fatal:
            self._ending = Ending(End.FAILED, frame.error, frame.cure)
        elif isinstance(frame, Stopped):
            self._ending = Ending(End.STOPPED, "stopped")
        self._listener.frame(self, frame)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        ending = self._ending
        if not task.cancelled() and (error := task.exception()) is not None:
            ending = Ending(End.CRASHED, f"{type(error).__name__}: {error}")
        self._listener.ended(self, ending or Ending(End.CRASHED, "gone without a word"))

    def send(self, frame: ToInstance) -> None:
        """Send a frame; after the end it is dropped."""
        runtime, task = self._runtime, self._task
        if runtime is None or task is None or task.done():
            return
        self.sent += 1
        if type(frame) is Advance and isinstance(self._clock, SteppedClock):
            self._clock.advance(frame.now)
        runtime.receive(frame)

    def take_round(self, now: datetime, inbox: Sequence[ToInstance]) -> None:
        """In stepped time: take in what `Advance` and these frames say, to be acted on by `pump`."""
        runtime, task, clock = self._runtime, self._task, self._clock
        if runtime is None or task is None or task.done() or not isinstance(clock, SteppedClock):
            return
        self.sent += len(inbox) + 1
        runtime.hold()
        clock.advance(now)
        runtime.received += 1
        for frame in inbox:
            runtime.receive(frame)

    def pump(self) -> None:
        """Act on what was taken in, at once as far as nothing has to wait."""
        if self._runtime is not None:
            self._runtime.pump()

    def next_wakeup(self) -> datetime | None:
        """In stepped time: the instance's next timer."""
        return self._clock.next_wakeup() if isinstance(self._clock, SteppedClock) and self.alive else None

    def stop(self, deadline_s: float, reason: str) -> None:
        """End in order, and at once when that takes too long."""
        if not self.alive:
            return
        self.send(Stop(deadline_s, reason))
        self._deadline = asyncio.get_running_loop().call_later(deadline_s, self.kill, "did not stop in time")

    def kill(self, reason: str, how: End = End.KILLED) -> None:
        """End at once."""
        if self._task is not None and not self._task.done():
            self._ending = Ending(how, reason)
            self._task.cancel()
