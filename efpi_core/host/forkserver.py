"""A small process that has everything imported which plugins share, and forks one child for each instance.

Run by the gateway as `python -m efpi_core.host.forkserver --fd N`, N being one end of a Unix socket that keeps message
boundaries. It has one thread and no event loop, so that its forks are sound. When the gateway closes its end, the
children have some seconds for their safe states; then everything ends.
"""

import argparse
import contextlib
import gc
import json
import os
import selectors
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from efi.messages import build_messages
from efpi_core.clock import RealClock
from efpi_core.host import child, prctl
from efpi_core.host.order import ORPHAN_GRACE_S, ChildOrder
from efpi_core.host.warmup import warm_up

LARGEST_REQUEST = 64 * 1024
"""Bytes of one request."""


@dataclass(frozen=True, slots=True)
class Birth:
    """What a forked child is to become; returned from `ForkServer.serve` in the child only."""

    order: ChildOrder
    channel: int
    output: int


class ForkServer:
    """Answers each request with the new child's pid and a handle on it, and tells when a child has ended.

    The handle is made here, between birth and burial, so that it can never mean a stranger of the same number.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: set[int] = set()
        self._selector = selectors.DefaultSelector()
        self._wakeup_read, self._wakeup_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(control, selectors.EVENT_READ)
        self._selector.register(self._wakeup_read, selectors.EVENT_READ)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wakeup_write, warn_on_full_buffer=False)

    def serve(self) -> Birth | None:
        """Until the gateway is gone: None. In each child: what it is to become."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is not self._control:
                    self._bury()
                    continue
                request, descriptors = self._receive()
                if not request:
                    self._wind_down()
                    return None
                birth = self._launch(json.loads(request), descriptors)
                if birth is not None:
                    return birth

    def _receive(self) -> tuple[bytes, list[int]]:
        try:
            request, descriptors, _, _ = socket.recv_fds(self._control, LARGEST_REQUEST, 2)
        except ConnectionError:
            return b"", []
        return request, descriptors

    def _launch(self, wish: dict[str, Any], descriptors: list[int]) -> Birth | None:
        birth = Birth(ChildOrder(**wish["order"]), *descriptors)
        try:
            pid = os.fork()
        except OSError as error:
            self._tell({"id": wish["id"], "error": f"no process could be made: {error}"})
        else:
            if pid == 0:
                self._become_child(birth)
                return birth
            self._children.add(pid)
            handle = os.pidfd_open(pid)
            self._tell({"id": wish["id"], "pid": pid}, handle)
            os.close(handle)
        for descriptor in descriptors:
            os.close(descriptor)
        return None

    def _become_child(self, birth: Birth) -> None:
        """Leave behind what is the server's: its session, signals and descriptors."""
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        self._selector.close()
        self._control.detach()
        os.dup2(birth.output, 1)
        os.dup2(birth.output, 2)
        for descriptor in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208  # numbers are wanted, not paths
            if descriptor > 2 and descriptor != birth.channel:
                with contextlib.suppress(OSError):
                    os.close(descriptor)

    def _tell(self, news: dict[str, object], *descriptors: int) -> None:
        with contextlib.suppress(OSError):  # a gateway that is gone shows as the end of its socket
            socket.send_fds(self._control, [json.dumps(news).encode()], descriptors)

    def _bury(self) -> None:
        """Take note of every process that has ended."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._wakeup_read, 4096)
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
                self._bury_one(ended.si_pid)

    def _bury_one(self, pid: int) -> None:
        known = pid in self._children
        if known:  # while it is unburied its number, and so its group's, cannot mean anybody else
            _kill_group(pid)
        _, status = os.waitpid(pid, 0)
        if known:
            self._children.discard(pid)
            self._tell({"ended": pid, "status": os.waitstatus_to_exitcode(status)})
            self._end_adopted()

    def _end_adopted(self) -> None:
        """End the processes that a plugin detached from itself: they came to be children of this one."""
        with contextlib.suppress(OSError):
            for pid in map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()):
                if pid not in self._children:
                    os.kill(pid, signal.SIGKILL)

    def _wind_down(self) -> None:
        """The gateway is gone: let the children visit their safe states, then end what is left."""
        clock = RealClock()
        deadline = clock.elapsed() + ORPHAN_GRACE_S
        self._selector.unregister(self._control)
        while self._children and (left := deadline - clock.elapsed()) > 0:
            self._selector.select(left)
            self._bury()
        for pid in self._children:
            _kill_group(pid)
        self._end_adopted()


def _kill_group(leader: int) -> None:
    for end in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            end(leader, signal.SIGKILL)


def preload() -> None:
    """Import and build what every child needs, and set it apart from the garbage collector."""
    build_messages()
    warm_up()
    gc.collect()
    gc.freeze()


def main() -> NoReturn:
    """Run as a program of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the socket to the gateway")
    control = socket.socket(fileno=parser.parse_args().fd)
    control.set_inheritable(False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    gc.disable()
    prctl.adopt_orphans()
    preload()
    birth = ForkServer(control).serve()
    if birth is not None:
        gc.enable()
        child.live(socket.socket(fileno=birth.channel), birth.order)
    os._exit(0)


if __name__ == "__main__":
    main()
