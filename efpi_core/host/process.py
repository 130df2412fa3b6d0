"""The host of an instance that runs in a process of its own."""

import asyncio
import os
import signal
import socket
from collections.abc import Sequence
from dataclasses import replace

from efi.version import VERSION
from efpi_core.errors import RefusedError, TryAgainError
from efpi_core.host.call_frames import Answered, Operate
from efpi_core.host.cgroup import ROOM, Cgroups, Group
from efpi_core.host.channel import Channel, gateway_codec
from efpi_core.host.frame_error import FrameError
from efpi_core.host.frames import (
    OPERATIONS_SINCE,
    PROTOCOL,
    ClockMode,
    Failed,
    FromInstance,
    Hello,
    Start,
    Stop,
    Stopped,
    ToInstance,
)
from efpi_core.host.framing import agree
from efpi_core.host.host import BUDGET_CURE, End, Ending, HostListener
from efpi_core.host.launching import Launcher, no_process
from efpi_core.host.operating import refusal_of
from efpi_core.host.order import EXIT_BROKEN_WIRE, EXIT_FAILED, EXIT_FLOODED, ORPHAN_STOP_S, ChildOrder
from efpi_core.host.output import Output, printable
from efpi_core.host.pace import Pace
from efpi_core.host.process_handle import ProcessHandle
from efpi_core.host.watchdog import LAST_WORDS

CLOSED_S = ORPHAN_STOP_S + 0.5
"""How long a process may live on after it closed its socket: it visits its safe states."""

REMOVALS, REMOVAL_S = 50, 0.02
"""How often, and after how long, to try again to take away the control group of what has ended."""

KILLED_CURE = "if nobody killed it, report it to the plugin's author; the log has what it printed last"

STOOD_STILL_CURE = "report it to the plugin's author, with what the log has of the lines where it stood"

FLOODS_CURE = "report this to the plugin's author; it is started again"


class ProcessHost:
    """One life of one instance in a process of its own; see `InstanceHost`."""

    def __init__(
        self,
        instance: str,
        order: ChildOrder,
        launcher: Launcher,
        listener: HostListener,
        *,
        pace: Pace | None = None,
        cgroups: Cgroups | None = None,
    ) -> None:
        self.instance = instance
        self._order = order
        self._launcher = launcher
        self._listener = listener
        self._pace = pace or Pace()
        self._cgroups = cgroups
        self._group: Group | None = None
        self._grouped = False
        self._start: Start | None = None
        self._socket: socket.socket | None = None
        self._channel: Channel | None = None
        self._output: Output | None = None
        self._handle: ProcessHandle | None = None
        self._unsent: list[ToInstance] = []
        self._timer: asyncio.TimerHandle | None = None
        self._verdict: Ending | None = None
        self._last_word: Failed | Stopped | None = None
        self._greeted = False
        self._peer = PROTOCOL
        """The version of the frames that the process speaks."""
        self._ended = False

    # --- what its owner sees

    @property
    def alive(self) -> bool:
        """Whether it was launched and has not ended."""
        return self._start is not None and not self._ended

    @property
    def pid(self) -> int | None:
        """The process; None while there is none."""
        return None if self._handle is None or self._ended else self._handle.pid

    @property
    def sent(self) -> int:
        """How many frames the instance will have taken in, `Start` not counted, when it has read all that was sent."""
        accepted = max(self._channel.accepted - 1, 0) if self._channel is not None else 0
        return accepted + len(self._unsent)

    @property
    def shed(self) -> int:
        """How many states and values for the instance a newer one replaced while they waited to be sent."""
        return self._channel.superseded if self._channel is not None else 0

    @property
    def pressed(self) -> bool:
        """Whether the instance floods: it has sent more than its share for long, and is read at its share."""
        return self._channel is not None and not self._ended and self._channel.pressed

    @property
    def bounded_by(self) -> str:
        """What keeps its memory within bounds, beside those who look: a control group, or each process's own limit."""
        return self._cgroups.name if self._grouped and self._cgroups is not None else "RLIMIT_DATA"

    @property
    def tail(self) -> Sequence[str]:
        """The last lines that the process printed."""
        return tuple(self._output.tail) if self._output is not None else ()

    def launch(self, start: Start) -> None:
        """Begin."""
        self._start = start
        try:
            near, far = socket.socketpair()
            output, printing = os.pipe2(os.O_CLOEXEC)
        except OSError as error:
            asyncio.get_running_loop().call_soon(self._born, no_process(str(error)))
            return
        self._socket = near
        self._output = Output(output, self._printed)
        order = self._order
        if self._cgroups is not None and (group := self._cgroups.make(self.instance, order.memory_mb)) is not None:
            self._group, order = group, replace(order, cgroup=group.entrance)
        self._launcher.launch(order, far, printing, self._born, self._gone)

    def send(self, frame: ToInstance) -> None:
        """Send a frame; after the end it is dropped."""
        if not self.alive:
            return
        if not self._greeted or self._channel is None:
            self._unsent.append(frame)
            return
        if type(frame) is Operate and self._peer < OPERATIONS_SINCE:
            older = RefusedError("its process is of an older release, without operations", "install it anew")
            answer = Answered(frame.call, refusal=refusal_of(older))
            asyncio.get_running_loop().call_soon(self._listener.frame, self, answer)
            return
        try:
            self._channel.send(frame)
        except FrameError as error:
            self._condemn(End.BROKE_RULES, error.problem, error.cure)

    def stop(self, deadline_s: float, reason: str) -> None:
        """End in order: `Stop` first, death when it is not over within the deadline."""
        if not self.alive:
            return
        if not self._greeted:
            self.kill(reason, End.STOPPED)
            return
        self.send(Stop(deadline_s, reason))
        self._kill_after(deadline_s, Ending(End.KILLED, f"did not end within {deadline_s:g} s of being asked"))

    def kill(self, reason: str, how: End = End.KILLED) -> None:
        """End at once."""
        if self.alive:
            self._condemn(how, reason)

    # --- life

    def _born(self, born: ProcessHandle | TryAgainError) -> None:
        if self._ended:
            if not isinstance(born, TryAgainError):
                born.kill()
            return
        if isinstance(born, TryAgainError):
            self._verdict = self._verdict or Ending(End.NOT_LAUNCHED, born.problem, born.cure)
            self._over()
            return
        self._handle = born
        if self._verdict is not None:
            born.kill()
            return
        assert self._socket is not None  # noqa: S101  # launched before
        encoder, decoder, largest = gateway_codec()
        self._decoder = decoder
        self._channel = Channel(
            self._socket,
            encoder,
            decoder,
            largest=largest,
            on_frame=self._frame,
            on_end=self._closed,
            on_refused=self._refused,
            pace=self._pace,
            superseding=self._start is not None and self._start.clock is ClockMode.REAL,
        )

    def _frame(self, frame: FromInstance) -> None:
        if not self._greeted:
            self._greet(frame)
            return
        if isinstance(frame, Stopped) or (isinstance(frame, Failed) and frame.fatal):
            self._last_word = frame
        if not self._ended:
            self._listener.frame(self, frame)

    def _greet(self, frame: FromInstance) -> None:
        if not isinstance(frame, Hello):
            raise FrameError("unfit", f"its first frame is {frame.op!r}, not 'hello'")
        newer = agree(frame.protocol)
        self._peer = frame.protocol
        newer |= agree(frame.efi_version, VERSION, "interface")
        self._decoder.peer_is_newer = newer
        self._greeted = True
        self._grouped = self._group is not None and self.pid in self._group.pids
        assert self._start is not None  # noqa: S101  # launched before
        self.send(self._start)
        unsent, self._unsent = self._unsent, []
        for waiting in unsent:
            self.send(waiting)

    def _refused(self, error: FrameError) -> None:
        self._printed(f"(refused: {printable(error.problem)})")

    def _printed(self, line: str) -> None:
        if not self._ended:
            self._listener.output(self, line)

    # --- end

    def _closed(self, error: FrameError | None) -> None:
        """The process closed its socket, or broke the rules of the wire."""
        if error is None:
            self._kill_after(CLOSED_S, Ending(End.CRASHED, "closed its socket and lived on"))
        elif error.rule == "flooded":
            self._condemn(End.FLOODED, error.problem, FLOODS_CURE)
        else:
            self._condemn(End.BROKE_RULES, printable(error.problem), error.cure)

    def _kill_after(self, delay_s: float, verdict: Ending) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(
            delay_s, lambda: self._condemn(verdict.how, verdict.text, verdict.cure)
        )

    def _condemn(self, how: End, text: str, cure: str = "") -> None:
        """End the process; the first reason is the one that is told."""
        if self._ended:
            return
        if self._verdict is None:
            self._verdict = Ending(how, text, cure)
        if self._handle is not None:
            self._handle.kill()
        else:
            asyncio.get_running_loop().call_soon(self._never_born)

    def _never_born(self) -> None:
        """Its process is not made yet, and need not be waited for: without the other end it never hears `Start`."""
        if self._handle is None and not self._ended:
            self._over()

    def _gone(self, handle: ProcessHandle) -> None:
        if self._ended:
            return
        if self._group is not None:
            self._group.kill()
        if self._channel is not None:
            self._channel.drain()
        self._over()

    def _over(self) -> None:
        """Tell the end, once, after all that the process said before it."""
        if self._timer is not None:
            self._timer.cancel()
        if self._channel is not None:
            self._channel.close()
        elif self._socket is not None:
            self._socket.close()
        if self._output is not None:
            self._output.drain()
        self._ended = True
        ending = self._ending()
        self._remove_group(REMOVALS)
        self._listener.ended(self, ending)

    def _remove_group(self, tries: int) -> None:
        """Take its control group away; what was just ended may take a moment to leave it."""
        if self._group is not None and not self._group.remove() and tries:
            asyncio.get_running_loop().call_later(REMOVAL_S, self._remove_group, tries - 1)

    def _ending(self) -> Ending:
        status = self._handle.status if self._handle is not None else None
        match self._last_word:
            case Failed() as failed:
                return Ending(End.FAILED, failed.error, failed.cure)
            case Stopped():
                return Ending(End.STOPPED, "stopped")
        if self._verdict is not None:
            return self._verdict
        if self._group is not None and self._group.was_too_large:
            most_mb = ROOM * self._order.memory_mb
            return Ending(End.KILLED, f"the kernel ended it: it took more than {most_mb} MB of memory", BUDGET_CURE)
        if status == EXIT_FAILED and any(line.startswith(LAST_WORDS) for line in self.tail):
            return Ending(End.KILLED, "its event loop stood still, and its own watchdog ended it", STOOD_STILL_CURE)
        return _ENDINGS.get(status) or Ending(End.CRASHED, _in_words(status), KILLED_CURE)


_ENDINGS: dict[int | None, Ending] = {
    EXIT_FLOODED: Ending(End.FLOODED, "it sent more than the gateway could take", FLOODS_CURE),
    EXIT_BROKEN_WIRE: Ending(
        End.BROKE_RULES, "it did not understand the gateway", "install releases that fit each other"
    ),
}
"""What a process says by its exit status."""


def _in_words(status: int | None) -> str:
    if status is None:
        return "gone, nobody knows how"
    if status >= 0:
        return f"gone with exit status {status}"
    try:
        return f"ended by signal {-status} ({signal.Signals(-status).name})"
    except ValueError:
        return f"ended by signal {-status}"
