"""A hosted process: it meets the gateway on a socket, imports one plugin and runs one instance of it.

Made by the forkserver, or as `python -m efpi_core.host.child --fd N --order JSON`.
"""

import argparse
import asyncio
import contextlib
import io
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from typing import NoReturn

from efi.version import VERSION
from efpi_core.clock import BoottimeEventLoop, Clock, RealClock, SteppedClock
from efpi_core.errors import PluginFailure
from efpi_core.host import prctl
from efpi_core.host.channel import Channel, instance_codec
from efpi_core.host.frame_error import FrameError
from efpi_core.host.frames import (
    PROTOCOL,
    Advance,
    ClockMode,
    Failed,
    FromInstance,
    Hello,
    Pong,
    Quiet,
    Start,
    Stop,
    ToInstance,
)
from efpi_core.host.framing import HEADER, LARGEST_TO_INSTANCE, agree
from efpi_core.host.idle import IdleSelector
from efpi_core.host.loading import PluginType, plugin_type
from efpi_core.host.order import (
    EXIT_BROKEN_WIRE,
    EXIT_FAILED,
    EXIT_FLOODED,
    EXIT_OK,
    ORPHAN_STOP_S,
    ChildOrder,
)
from efpi_core.host.runtime import InstanceRuntime
from efpi_core.host.watchdog import Watchdog, allow

GREETING_S = 30.0
"""How long to wait for `Start`."""

IMPORT_S = 30.0
"""How long an import may take before the process ends itself."""

DATA_ROOM_MB = 128
"""What a process may map beyond twice its budget: the interpreter's own, and stacks of threads of 8 MB each."""

MOST_TRACE = 4000
"""Characters of a traceback that are told."""

LAST_WORD_S = 1.0
"""How long to wait for the gateway to take the last frames."""


class HostedInstance:
    """The instance and what ties it to the gateway: channel, clock, watchdog."""

    def __init__(self, sock: socket.socket, order: ChildOrder, start: Start, offered: PluginType) -> None:
        loop = asyncio.get_running_loop()
        encoder, decoder, largest = instance_codec()
        decoder.peer_is_newer = agree(start.protocol)
        self._stepped = SteppedClock(start.now) if start.clock is ClockMode.STEPPED else None
        self._channel = Channel(
            sock,
            encoder,
            decoder,
            largest=largest,
            on_frame=self._take,
            on_end=self._gateway_gone,
            superseding=self._stepped is None,
        )
        clock: Clock = self._stepped or RealClock()
        self._runtime = InstanceRuntime(offered, start, clock, self._emit)
        self._watchdog = Watchdog(order.patience_s * 0.9, self._gateway_silent)
        self._quiet_at = -1
        self._round: list[ToInstance] = []
        self._follow = 0
        self._ending = False
        self._failed = False
        self._exit: int | None = None
        self.orphaned = False
        """Whether the gateway was gone before this instance."""
        loop.add_signal_handler(signal.SIGTERM, self._end_in_order, "asked by a signal")

    async def run(self) -> int:
        """Serve until the end; returns the exit status of the process."""
        await self._runtime.run()
        self._watchdog.last(2 * LAST_WORD_S)
        self._channel.finish(LAST_WORD_S)
        if self._exit is not None:
            return self._exit
        return EXIT_FAILED if self._failed else EXIT_OK

    def _emit(self, frame: FromInstance) -> None:
        if isinstance(frame, Failed) and frame.fatal:
            self._failed = True
        elif type(frame) is Pong:
            frame.shed += self._channel.superseded
        self._channel.send(frame)

    def _take(self, frame: ToInstance) -> None:
        self._watchdog.heard()
        if self._stepped is None:
            self._take_in(frame)
            return
        self._follow = frame.follow if isinstance(frame, Advance) else max(self._follow - 1, 0)
        self._round.append(frame)
        if self._follow == 0:
            complete, self._round = self._round, []
            for each in complete:
                self._take_in(each)

    def _take_in(self, frame: ToInstance) -> None:
        self._runtime.receive(frame)
        match frame:
            case Advance() if self._stepped is not None:
                self._stepped.advance(frame.now)
            case Stop():
                self._ending = True
                self._watchdog.last(frame.deadline_s + LAST_WORD_S)

    def on_idle(self) -> bool:
        """In stepped time: tell that nothing is left to do at this instant, once for what was taken in."""
        assert self._stepped is not None  # noqa: S101  # only a stepped loop asks
        wakeup = self._stepped.next_wakeup()
        if self._runtime.received == self._quiet_at or self._ending or not (self._runtime.idle or wakeup):
            return False
        self._quiet_at = self._runtime.received
        self._channel.send(Quiet(wakeup, self._quiet_at))
        return True

    def last_word(self, frame: FromInstance) -> None:
        """Send a frame after the event loop has ended."""
        self._channel.send(frame)
        self._channel.finish(LAST_WORD_S)

    def _gateway_gone(self, error: FrameError | None) -> None:
        if error is None:
            _print_nowhere()
            self.orphaned = True
        else:
            sys.stderr.write(f"{error}\n")
            self._exit = EXIT_FLOODED if error.rule == "flooded" else EXIT_BROKEN_WIRE
        self._end_in_order("the gateway is gone")
        if error is not None and error.rule == "flooded":
            self._runtime.give_up_handler()

    def _gateway_silent(self) -> None:
        sys.stderr.write("the gateway has been silent for too long\n")
        self._end_in_order("the gateway is silent")

    def _end_in_order(self, reason: str) -> None:
        """Visit the safe states and end, although no gateway asks for it."""
        if not self._ending:
            self._ending = True
            self._watchdog.last(ORPHAN_STOP_S)
            self._runtime.receive(Stop(ORPHAN_STOP_S, reason))


def settle(order: ChildOrder) -> None:
    """Make this process a good neighbour: a name, a low priority, first to go when memory is short, no core files."""
    if order.cgroup:
        tell_kernel(order.cgroup, "0")
    tell_kernel("/proc/self/comm", f"efpi:{order.name}"[:15])
    tell_kernel("/proc/self/oom_score_adj", "300")
    with contextlib.suppress(OSError):
        prctl.adopt_orphans()  # what it detaches stays below it while it lives, and is nobody else's
    limit_data(order.memory_mb)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with contextlib.suppress(OSError):
        os.nice(order.nice)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    rewire_streams()


def limit_data(memory_mb: int) -> None:
    """Let the kernel refuse memory far beyond the budget, before a look at it would find out (RLIMIT_DATA).

    It counts what is mapped, used or not, as the stacks of threads; hence the room above the budget.
    """
    _, hardest = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = (2 * memory_mb + DATA_ROOM_MB) * 1024 * 1024
    most = wanted if hardest == resource.RLIM_INFINITY else min(wanted, hardest)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def rewire_streams() -> None:
    """Make stdout and stderr anew: those of the forkserver may have been made for a file, and a pipe cannot seek."""
    sys.stdout, sys.stderr = _writer(1), _writer(2)


def tell_kernel(path: str, text: str) -> None:
    """Write a kernel's setting; where it refuses, the default holds."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)


def _writer(descriptor: int) -> io.TextIOWrapper:
    raw = io.FileIO(descriptor, "w", closefd=False)
    return io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", line_buffering=True)


def greet(sock: socket.socket) -> Start:
    """Say `Hello` and wait for `Start`."""
    encoder, decoder, _ = instance_codec()
    sock.settimeout(GREETING_S)
    sock.sendall(encoder.encode(Hello(PROTOCOL, VERSION, os.getpid())))
    length = int.from_bytes(_exactly(sock, HEADER), "big")
    if length > LARGEST_TO_INSTANCE:
        raise FrameError("oversized", f"the first frame has {length} bytes")
    decoder.peer_is_newer = True
    frame = decoder.decode(_exactly(sock, length))
    if not isinstance(frame, Start):
        raise FrameError("unfit", f"the first frame is {frame.op!r}, not 'start'")
    agree(frame.protocol)
    return frame


def _exactly(sock: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        part = sock.recv(count - len(data))
        if not part:
            raise EOFError("the gateway is gone")
        data += part
    return bytes(data)


def serve(sock: socket.socket, order: ChildOrder, start: Start, imported: Mapping[str, PluginType]) -> int:
    """Import the plugin and run the instance in an event loop of its own; returns the exit status."""
    allow(IMPORT_S)
    try:
        offered = imported.get(start.offer) or plugin_type(order.module, start.offer)
    except PluginFailure as failure:
        trace = "".join(traceback.format_exception(failure))[-MOST_TRACE:]
        _say_last(sock, Failed("import", failure.problem, failure.cure, trace))
        return EXIT_FAILED
    selector = IdleSelector() if start.clock is ClockMode.STEPPED else None
    instance: HostedInstance | None = None

    async def main() -> int:
        nonlocal instance
        instance = HostedInstance(sock, order, start, offered)
        if selector is not None:
            selector.on_idle = instance.on_idle
        return await instance.run()

    try:
        status = asyncio.Runner(loop_factory=lambda: BoottimeEventLoop(selector)).run(main())
    except SystemExit as error:
        problem = f"the plugin calls for an exit with {error.code!r}"
        trace = "".join(traceback.format_exception(error))[-MOST_TRACE:]
        if instance is not None:
            instance.last_word(Failed("running", problem, "report this to its author", trace))
        return EXIT_FAILED
    if instance is not None and instance.orphaned:
        _take_forks_along()
    return status


def _say_last(sock: socket.socket, frame: FromInstance) -> None:
    encoder, _, _ = instance_codec()
    sock.settimeout(LAST_WORD_S)
    with contextlib.suppress(OSError):
        sock.sendall(encoder.encode(frame))


def _print_nowhere() -> None:
    """Nobody reads any more what this process prints, and a failing `print` must not keep a device from safety."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _take_forks_along() -> None:
    """End this process and what it forked; whoever did so otherwise may be gone, too."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)


def live(sock: socket.socket, order: ChildOrder, imported: Mapping[str, PluginType]) -> NoReturn:
    """The whole life of a hosted process; never returns. `imported` holds the plugin's classes if they are there."""
    allow(GREETING_S * 2)
    status = EXIT_FAILED
    try:
        settle(order)
        status = serve(sock, order, greet(sock), imported)
    except (EOFError, TimeoutError, ConnectionError):
        status = EXIT_OK
    except FrameError as error:
        sys.stderr.write(f"{error}\n")
        status = EXIT_BROKEN_WIRE
    except BaseException:  # noqa: BLE001  # nobody is above; the gateway reads it in the captured output
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)


def main() -> NoReturn:
    """Run as a program of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the connected socket to the gateway")
    parser.add_argument("--order", required=True, help="what to run, as JSON")
    arguments = parser.parse_args()
    live(socket.socket(fileno=arguments.fd), ChildOrder.from_json(arguments.order), {})


if __name__ == "__main__":
    main()
