"""A small process that has everything imported which plugins share, and forks one child for each instance.

Run by the gateway as `python -m efpi_core.host.forkserver --fd N`, N being one end of a Unix socket that keeps message
boundaries. It has one thread and no event loop, so that its forks are sound. When the gateway closes its end, the
children have some seconds for their safe states; then everything ends.

A child may also become a template: it imports one plugin and then does the same for that plugin's instances.
"""

import argparse
import contextlib
import faulthandler
import gc
import json
import os
import select
import selectors
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from efi.messages import build_messages
from efpi_core.clock import RealClock
from efpi_core.errors import PluginFailure
from efpi_core.heap import keep_small
from efpi_core.host import child, prctl
from efpi_core.host.loading import PluginType, plugin_types
from efpi_core.host.order import ORPHAN_GRACE_S, ChildOrder
from efpi_core.host.warmup import warm_up
from efpi_core.host.watchdog import allow

LARGEST_REQUEST = 64 * 1024
"""Bytes of one request."""


LAST_ORPHANS_S = 0.5
"""How long the end may take of what instances had detached from themselves."""


@dataclass(frozen=True, slots=True)
class Birth:
    """What a forked child is to become; returned from `ForkServer.serve` in the child only."""

    order: ChildOrder | None
    """The instance to run; None for a template."""
    template: str | None
    """The module that a template imports."""
    channel: int
    """The instance's, or a template's own control socket."""
    output: int


class ForkServer:
    """Answers each request with the new child's pid and a handle on it, and tells when a child has ended.

    The handle is made here, between birth and burial, so that it can never mean a stranger of the same number.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: set[int] = set()
        self._templates: set[int] = set()
        self._adopting = 0
        """Templates that died and whose instances, now children of this one, were not yet named by the gateway."""
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
                wish = json.loads(request)
                if "adopt" in wish:
                    self._adopt(wish["adopt"])
                    continue
                birth = self._launch(wish, descriptors)
                if birth is not None:
                    return birth

    def _receive(self) -> tuple[bytes, list[int]]:
        try:
            request, descriptors, _, _ = socket.recv_fds(self._control, LARGEST_REQUEST, 2)
        except ConnectionError:
            return b"", []
        return request, descriptors

    def _launch(self, wish: dict[str, Any], descriptors: list[int]) -> Birth | None:
        order = ChildOrder(**wish["order"]) if "order" in wish else None
        birth = Birth(order, wish.get("template"), *descriptors)
        try:
            pid = os.fork()
        except OSError as error:
            self.tell({"id": wish["id"], "error": f"no process could be made: {error}"})
        else:
            if pid == 0:
                self._become_child(birth)
                return birth
            self._children.add(pid)
            if order is None:
                self._templates.add(pid)
            handle = os.pidfd_open(pid)
            self.tell({"id": wish["id"], "pid": pid}, handle)
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

    def tell(self, news: dict[str, object], *descriptors: int) -> None:
        """Tell the gateway."""
        with contextlib.suppress(OSError):  # a gateway that is gone shows as the end of its socket
            socket.send_fds(self._control, [json.dumps(news).encode()], descriptors)

    def _bury(self) -> None:
        """Take note of every process that has ended."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._wakeup_read, 4096)
        for template in tuple(self._templates):  # first, since its instances are this one's children from its death on
            if _dead(os.P_PID, template) is not None:
                self._bury_one(template)
        if self._adopting:  # whose the others are the gateway is about to say
            for child in [child for child in self._children if _dead(os.P_PID, child) is not None]:
                self._bury_one(child)
            return
        while (ended := _dead(os.P_ALL, 0)) is not None:
            self._bury_one(ended)

    def _bury_one(self, pid: int) -> None:
        known = pid in self._children
        if known:  # while it is unburied its number, and so its group's, cannot mean anybody else
            _kill_group(pid)
        _, status = os.waitpid(pid, 0)
        if known:
            self._children.discard(pid)
            self._adopting += pid in self._templates
            self._templates.discard(pid)
        self._end_orphans()  # before the gateway hears of the death and begins another: they may hold the device
        if known:
            self.tell({"ended": pid, "status": os.waitstatus_to_exitcode(status)})

    def _adopt(self, pids: list[int]) -> None:
        """The gateway names the living instances of a template that died: they are this one's now."""
        self._adopting = max(self._adopting - 1, 0)
        self._children.update(pids)
        self._bury()
        self._end_orphans()

    def _end_orphans(self) -> None:
        if not self._adopting:
            self._end_adopted()

    def _end_adopted(self) -> None:
        """End what an instance that is dead had detached from itself: it came to be a child of this one."""
        with contextlib.suppress(OSError):
            for pid in map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()):
                if pid not in self._children:
                    os.kill(pid, signal.SIGKILL)

    def _wind_down(self) -> None:
        """The gateway is gone: let the children visit their safe states, then end what is left."""
        clock = RealClock()
        deadline = clock.elapsed() + ORPHAN_GRACE_S
        self._adopting = 0  # nobody is left to say whose a child is
        self._selector.unregister(self._control)
        while self._children and (left := deadline - clock.elapsed()) > 0:
            self._selector.select(left)
            self._bury()
        for pid in self._children:
            _kill_group(pid)
        self._children.clear()
        while _has_children() and clock.elapsed() < deadline + LAST_ORPHANS_S:
            self._end_adopted()  # what they leave behind comes here, too, one generation after the other
            self._selector.select(0.01)
            self._bury()


def _dead(kind: int, number: int) -> int | None:
    """A child that has ended and is not buried yet: this one, or any."""
    with contextlib.suppress(ChildProcessError):
        ended = os.waitid(kind, number, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return None if ended is None else ended.si_pid
    return None


def _has_children() -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return True
    return False


def _kill_group(leader: int) -> None:
    for end in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            end(leader, signal.SIGKILL)


def preload() -> None:
    """Import and build what every child needs, and set it apart from the garbage collector."""
    build_messages()
    warm_up()
    _freeze()


def _freeze() -> None:
    gc.collect()
    gc.freeze()


def become_template(module: str) -> Mapping[str, PluginType]:
    """Import a plugin and return its classes; ends the process when the import fails, or leaves more than definitions.

    What else an import left, as a thread or an open file, would be shared by all instances, or be broken in them.
    """
    prctl.adopt_orphans()
    _ignore_signals()
    child.tell_kernel("/proc/self/comm", f"efpi-{module}"[:15])
    child.rewire_streams()
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # a count is wanted
    allow(child.IMPORT_S)
    try:
        types = plugin_types(module)
    except PluginFailure:
        os._exit(0)  # an instance that is made without a template will tell
    for offered in types.values():
        with contextlib.suppress(Exception):  # a config that cannot be built is the instance's to tell
            offered.config_type().model_rebuild()
    faulthandler.cancel_dump_traceback_later()
    if not _single_threaded() or len(os.listdir("/proc/self/fd")) != before:  # noqa: PTH208  # a count is wanted
        os._exit(0)
    _freeze()
    return types


def _single_threaded() -> bool:
    """Whether no thread is left; the watchdog's own takes a moment to go."""
    for _ in range(100):
        if len(os.listdir("/proc/self/task")) == 1:  # noqa: PTH208  # a count is wanted
            return True
        select.select([], [], [], 0.001)
    return False


def _ignore_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def main() -> NoReturn:
    """Run as a program of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="the socket to the gateway")
    control = socket.socket(fileno=parser.parse_args().fd)
    control.set_inheritable(False)
    _ignore_signals()
    keep_small()
    gc.disable()
    prctl.adopt_orphans()
    preload()
    imported: Mapping[str, PluginType] = {}
    birth = ForkServer(control).serve()
    while birth is not None:
        control = socket.socket(fileno=birth.channel)
        if birth.order is not None:
            gc.enable()
            child.live(control, birth.order, imported)
        imported = become_template(birth.template or "")
        server = ForkServer(control)
        server.tell({"ready": True})
        birth = server.serve()
    os._exit(0)


if __name__ == "__main__":
    main()
