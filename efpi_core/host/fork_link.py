"""The gateway's line to a process that forks others: wishes out, new processes and news of the dead in."""

import asyncio
import contextlib
import itertools
import json
import os
import socket
from collections import deque
from collections.abc import Callable

from efpi_core.host.launching import Wish, no_process
from efpi_core.host.process_handle import ProcessHandle

LARGEST_ANSWER = 64 * 1024
"""Bytes of one answer."""


class ForkLink:
    """One end of a Unix socket that keeps message boundaries. `on_lost` is called once, when the other end is gone."""

    def __init__(
        self,
        control: socket.socket,
        on_lost: Callable[["ForkLink"], None],
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        control.setblocking(False)
        self._control = control
        self._on_lost = on_lost
        self._on_ready = on_ready
        self._loop = asyncio.get_running_loop()
        self._numbers = itertools.count(1)
        self._unsent: deque[tuple[int, Wish]] = deque()
        self._sent: dict[int, Wish] = {}
        self._handles: dict[int, ProcessHandle] = {}
        self._heir: ForkLink | None = None
        self.lost = False
        """Whether the other end is gone."""
        self.retired = False
        """Whether it ends when its last child has ended."""
        self._loop.add_reader(control, self._answered)

    @property
    def children(self) -> int:
        """How many of its processes live, or are being made."""
        return len(self._handles) + self.waiting

    @property
    def waiting(self) -> int:
        """How many processes are asked for and not made yet."""
        return len(self._sent) + len(self._unsent)

    @property
    def pids(self) -> list[int]:
        """Its living processes."""
        return list(self._handles)

    def adopt(self, orphans: "ForkLink") -> None:
        """Take over the processes of a template that ended: they are children of the other end now, and it buries them.

        Nothing happens where the other end is gone, too: then nobody tells how they end.
        """
        if self.lost:
            return
        with contextlib.suppress(OSError):  # what is not told is spared until the gateway ends
            self._control.send(json.dumps({"adopt": orphans.pids}).encode())
        orphans._heir = self
        for handle in orphans._handles.values():
            handle.status_comes = True
        self._handles |= orphans._handles
        orphans._handles.clear()

    def ask(self, wish: Wish) -> None:
        """Ask for a process."""
        self._unsent.append((next(self._numbers), wish))
        self._send()

    def _send(self) -> None:
        while self._unsent and not self.lost:
            number, wish = self._unsent[0]
            request = json.dumps({"id": number, **wish.request}).encode()
            try:
                socket.send_fds(self._control, [request], [wish.channel.fileno(), wish.output])
            except BlockingIOError:
                self._loop.add_writer(self._control, self._send)
                return
            except OSError:
                break  # the other end is gone, and reading tells so
            self._unsent.popleft()
            self._sent[number] = wish
            wish.close()
        if not self.lost:
            self._loop.remove_writer(self._control)

    def _answered(self) -> None:
        try:
            answer, descriptors, _, _ = socket.recv_fds(self._control, LARGEST_ANSWER, 1)
        except BlockingIOError:
            return
        except OSError:
            answer, descriptors = b"", []
        if not answer:
            self._lose()
            return
        news = json.loads(answer)
        if "ready" in news:
            self._on_ready()
        elif "ended" in news:
            self._ended(news["ended"], news["status"])
        elif "error" in news:
            self._sent.pop(news["id"]).on_born(no_process(news["error"]))
        else:
            os.set_inheritable(descriptors[0], False)
            self._born(self._sent.pop(news["id"]), news["pid"], descriptors[0])

    def _born(self, wish: Wish, pid: int, pidfd: int) -> None:
        def gone(handle: ProcessHandle) -> None:
            self._forget(handle)
            wish.on_gone(handle)
            self._end_if_retired()

        handle = ProcessHandle(pid, pidfd, gone)
        handle.status_comes = True
        self._handles[pid] = handle
        wish.on_born(handle)

    def _forget(self, handle: ProcessHandle) -> None:
        if self._heir is not None:
            self._heir._forget(handle)
        elif self._handles.get(handle.pid) is handle:
            del self._handles[handle.pid]

    def _ended(self, pid: int, status: int) -> None:
        handle = self._handles.get(pid)
        if handle is not None:
            handle.status = status

    def retire(self) -> None:
        """Ask for nothing more; the other end may go when its last child has ended."""
        self.retired = True
        self._end_if_retired()

    def _end_if_retired(self) -> None:
        if self.retired and not self.children:
            self.hang_up()

    def hang_up(self) -> None:
        """Let the other end go: its children, if there are any, have the time of orphans for their end."""
        if not self.lost:
            self._control.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Hear nothing more of the other end, without a call of `on_lost`; harmless when it is lost."""
        if not self.lost:
            self.lost = True
            self._loop.remove_reader(self._control)
            self._loop.remove_writer(self._control)
            self._control.close()

    def _lose(self) -> None:
        """The other end is gone. What it forked lives on; what was asked of it and not answered has failed.

        A child of which nobody told never hears `Start`, and ends when its socket closes.
        """
        self.close()
        for handle in self._handles.values():
            handle.status_comes = False
        for _, wish in self._unsent:
            wish.close()
        failed = [*self._sent.values(), *(wish for _, wish in self._unsent)]
        self._sent.clear()
        self._unsent.clear()
        for wish in failed:
            self._loop.call_soon(wish.on_born, no_process("the process that forks ended"))
        self._on_lost(self)
