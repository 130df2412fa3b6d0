"""Two ways to make the process of a hosted instance: forked from a prepared server, or started as a program."""

import asyncio
import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Protocol

from efpi_core.errors import TryAgainError
from efpi_core.host.order import ORPHAN_GRACE_S, ChildOrder
from efpi_core.host.process_handle import ProcessHandle

OnBorn = Callable[[ProcessHandle | TryAgainError], None]
"""Told the new process, or why there is none."""

OnGone = Callable[[ProcessHandle], None]

LARGEST_ANSWER = 64 * 1024


class Launcher(Protocol):
    """Makes processes for hosted instances. The descriptors given are the launcher's to close."""

    def launch(self, order: ChildOrder, channel: socket.socket, output: int, on_born: OnBorn, on_gone: OnGone) -> None:
        """Make a process that has `channel` and prints to `output`; the answer comes from the event loop."""

    async def close(self) -> None:
        """Make no more processes, and wait for those that only help."""


def python_program(module: str, *arguments: str, interpreter: str | None = None) -> list[str]:
    """The command line that runs a module of this project; the working directory is not searched for modules."""
    return [interpreter or sys.executable, "-P", "-m", module, *arguments]


class ExecLauncher:
    """Starts a program for each instance, by any interpreter that has efpi: a sandbox's, or another environment's."""

    def __init__(self, interpreter: str | None = None, environment: Mapping[str, str] | None = None) -> None:
        self._interpreter = interpreter
        self._environment = environment

    def launch(self, order: ChildOrder, channel: socket.socket, output: int, on_born: OnBorn, on_gone: OnGone) -> None:
        """Make a process that has `channel` and prints to `output`."""
        loop = asyncio.get_running_loop()
        try:
            with contextlib.closing(channel):
                pid = self._spawn(order, channel.fileno(), output)
        except OSError as error:
            loop.call_soon(on_born, no_process(str(error)))
        else:
            loop.call_soon(on_born, ProcessHandle(pid, os.pidfd_open(pid), on_gone))
        finally:
            os.close(output)

    def _spawn(self, order: ChildOrder, channel: int, output: int) -> int:
        command = python_program(
            "efpi_core.host.child", "--fd", str(channel), "--order", order.to_json(), interpreter=self._interpreter
        )
        process = subprocess.Popen(  # noqa: S603  # our own module, by this interpreter or one that the site names
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(channel,),
            start_new_session=True,
            env=self._environment,
        )
        process.returncode = 0  # it is watched and buried by its handle, not by the subprocess module
        return process.pid

    async def close(self) -> None:
        """There is nothing to close."""


class ForkServerLauncher:
    """Asks the forkserver, and starts a new one when there is none."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment
        self._control: socket.socket | None = None
        self._server: ProcessHandle | None = None
        self._ids = itertools.count(1)
        self._waiting: dict[int, tuple[OnBorn, OnGone]] = {}
        self._handles: dict[int, ProcessHandle] = {}
        self._unsent: list[tuple[bytes, socket.socket, int]] = []
        self._idle: asyncio.Future[None] | None = None

    @property
    def pid(self) -> int | None:
        """The forkserver's process, if there is one."""
        return None if self._server is None or self._server.dead else self._server.pid

    def start(self) -> None:
        """Start the server before it is needed; harmless when it runs. OSError when there can be no process."""
        if self._control is not None:
            return
        loop = asyncio.get_running_loop()
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with far:
            try:
                process = subprocess.Popen(  # noqa: S603  # our own module, by this very interpreter
                    python_program("efpi_core.host.forkserver", "--fd", str(far.fileno())),
                    stdin=subprocess.DEVNULL,
                    pass_fds=(far.fileno(),),
                    start_new_session=True,
                    env=self._environment,
                )
            except OSError:
                near.close()
                raise
        process.returncode = 0  # it is watched and buried by its handle, not by the subprocess module
        near.setblocking(False)
        self._control = near
        self._server = ProcessHandle(process.pid, os.pidfd_open(process.pid), self._server_gone)
        loop.add_reader(near, self._answered)

    def launch(self, order: ChildOrder, channel: socket.socket, output: int, on_born: OnBorn, on_gone: OnGone) -> None:
        """Make a process that has `channel` and prints to `output`."""
        number = next(self._ids)
        self._waiting[number] = (on_born, on_gone)
        request = json.dumps({"id": number, "order": asdict(order)}).encode()
        try:
            self.start()
        except OSError as error:
            channel.close()
            os.close(output)
            self._fail(number, no_process(str(error)))
            return
        self._unsent.append((request, channel, output))
        self._send()

    def _send(self) -> None:
        control = self._control
        if control is None:
            return
        while self._unsent:
            request, channel, output = self._unsent[0]
            try:
                socket.send_fds(control, [request], [channel.fileno(), output])
            except BlockingIOError:
                asyncio.get_running_loop().add_writer(control, self._send)
                return
            except OSError:
                break  # the server is gone, and reading tells so
            self._unsent.pop(0)
            channel.close()
            os.close(output)
        asyncio.get_running_loop().remove_writer(control)

    def _answered(self) -> None:
        assert self._control is not None  # noqa: S101  # its reader calls
        try:
            answer, descriptors, _, _ = socket.recv_fds(self._control, LARGEST_ANSWER, 1)
        except BlockingIOError:
            return
        except OSError:
            answer, descriptors = b"", []
        if not answer:
            self._lose_server()
            return
        news = json.loads(answer)
        if "ended" in news:
            self._ended(news["ended"], news["status"])
        elif "error" in news:
            self._fail(news["id"], no_process(news["error"]))
        else:
            os.set_inheritable(descriptors[0], False)
            self._born(news["id"], news["pid"], descriptors[0])

    def _born(self, number: int, pid: int, pidfd: int) -> None:
        on_born, on_gone = self._waiting.pop(number)

        def gone(handle: ProcessHandle) -> None:
            if self._handles.get(handle.pid) is handle:
                del self._handles[handle.pid]
            on_gone(handle)

        handle = ProcessHandle(pid, pidfd, gone)
        handle.status_comes = True
        self._handles[pid] = handle
        on_born(handle)

    def _ended(self, pid: int, status: int) -> None:
        handle = self._handles.get(pid)
        if handle is not None:
            handle.status = status

    def _fail(self, number: int, error: TryAgainError) -> None:
        on_born, _ = self._waiting.pop(number)
        asyncio.get_running_loop().call_soon(on_born, error)

    def _lose_server(self) -> None:
        """The server closed its end. What it forked lives on; what was asked of it and not answered has failed.

        A child of which nobody told never hears `Start`, and ends when its socket closes.
        """
        assert self._control is not None  # noqa: S101  # its reader calls
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._control)
        loop.remove_writer(self._control)
        self._control.close()
        self._control = None
        if self._server is not None:
            self._server.kill()
        for handle in self._handles.values():
            handle.status_comes = False
        for _, channel, output in self._unsent:
            channel.close()
            os.close(output)
        self._unsent.clear()
        for number in tuple(self._waiting):
            self._fail(number, no_process("the forkserver ended"))

    def _server_gone(self, server: ProcessHandle) -> None:
        if server is self._server and self._control is not None:
            self._lose_server()
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)

    async def close(self) -> None:
        """End the server; its children, if any are left, have the time of orphans for their end."""
        server = self._server
        if server is None or self._control is None:
            return
        self._idle = asyncio.get_running_loop().create_future()
        self._control.shutdown(socket.SHUT_WR)
        try:
            async with asyncio.timeout(ORPHAN_GRACE_S + 1):
                await self._idle
        except TimeoutError:
            server.kill()
            await self._idle


def no_process(problem: str) -> TryAgainError:
    """Why there is no process, and what to do."""
    return TryAgainError(
        f"no process could be made: {problem}", "free memory, or raise the limit on processes and open files"
    )
