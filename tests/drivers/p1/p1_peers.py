"""Counterparts on this machine: a pty as a P1 cable, adapters on TCP ports, a clock that does not make tests wait."""

import asyncio
import contextlib
import os
import socket
import threading
import tty
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import serial
from efpi_driver_p1.errors import PortError, TelegramError
from efpi_driver_p1.line_settings import LineSettings
from efpi_driver_p1.telegram import Telegram
from serial.rfc2217 import PortManager

from efpi_core.clock import RealClock


class HurriedClock(RealClock):
    """The real clock, but pauses are a hundredth as long."""

    async def sleep(self, delay_s: float) -> None:
        """Wait a hundredth of it."""
        await super().sleep(delay_s / 100)


class Heard:
    """A listener that keeps what it hears and lets a test wait for it."""

    def __init__(self) -> None:
        self.everything: list[LineSettings | Telegram | TelegramError | PortError] = []
        self._changed = asyncio.Event()

    def opened(self, line: LineSettings) -> None:
        self._note(line)

    def received(self, found: Telegram | TelegramError) -> None:
        self._note(found)

    def trouble(self, error: PortError) -> None:
        self._note(error)

    def _note(self, one: LineSettings | Telegram | TelegramError | PortError) -> None:
        self.everything.append(one)
        self._changed.set()

    def of(self, kind: type) -> list[Any]:
        """What was heard of one kind."""
        return [one for one in self.everything if isinstance(one, kind)]

    async def wait(self, condition: Callable[["Heard"], bool]) -> None:
        """Until the condition holds."""
        async with asyncio.timeout(60):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()


class PtyMeter:
    """A P1 cable whose path stays the same when it is unplugged and plugged in again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._master = -1
        self._slave = -1

    def plug_in(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.path.symlink_to(os.ttyname(self._slave))

    def send(self, data: bytes) -> None:
        os.write(self._master, data)

    def unplug(self) -> None:
        for descriptor in (self._master, self._slave):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self.path.unlink(missing_ok=True)


@contextmanager
def pty_meter(folder: Path) -> Iterator[PtyMeter]:
    meter = PtyMeter(folder / "meter")
    meter.plug_in()
    try:
        yield meter
    finally:
        meter.unplug()


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def tcp_server(serve: Serve) -> AsyncIterator[int]:
    """A server on a free port; at the end every connection is closed and every handler has returned."""
    handlers: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await serve(reader, writer)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in handlers:
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)


def tcp_adapter(*sessions: bytes) -> AbstractAsyncContextManager[int]:
    """An adapter: to each caller in turn it sends one of these, then hangs up; after the last it stays connected."""
    waiting = list(sessions)

    async def serve(caller: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(waiting.pop(0) if waiting else b"")
        await writer.drain()
        if not waiting:
            await caller.read()

    return tcp_server(serve)


class Rfc2217Server:
    """An RFC 2217 server for one caller, on pyserial's own protocol half, with a port that only remembers settings."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.line = SimpleNamespace(
            baudrate=0, bytesize=8, parity="N", stopbits=1, cts=True, dsr=True, ri=False, cd=True, rts=True, dtr=True
        )
        self.line.reset_input_buffer = lambda: None
        self.line.reset_output_buffer = lambda: setattr(self, "_ready", True)  # the last that a caller asks for
        self._ready = False
        self._socket: socket.socket | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Called by the protocol half."""
        assert self._socket is not None
        self._socket.sendall(data)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            self._socket, _ = self._listener.accept()
            manager = PortManager(self.line, self)
            while received := self._socket.recv(1024):
                list(manager.filter(received))
                if self._ready:
                    self._ready = False
                    self.write(b"".join(manager.escape(self._data)))

    def hang_up(self) -> None:
        """End the connection and the server."""
        for one in (self._socket, self._listener):
            if one is not None:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
        self._thread.join(5)


@contextmanager
def rfc2217_server(data: bytes) -> Iterator[Rfc2217Server]:
    server = Rfc2217Server(data)
    try:
        yield server
    finally:
        server.hang_up()


@contextmanager
def held_by_another(path: Path) -> Iterator[None]:
    """Another program has the port open."""
    with serial.Serial(str(path), exclusive=True):
        yield


def surviving_reader_threads() -> list[str]:
    """The reader threads that do not end."""
    readers = [thread for thread in threading.enumerate() if thread.name.startswith("P1 reader")]
    for thread in readers:
        thread.join(5)
    return [thread.name for thread in readers if thread.is_alive()]
