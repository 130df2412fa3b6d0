"""A serial port, here or behind an RFC 2217 server, read by a thread of its own, so that the event loop never waits."""

import asyncio
import contextlib
import threading
from typing import Any

import serial

from efpi_driver_p1.errors import PortError
from efpi_driver_p1.line_settings import LineSettings
from efpi_driver_p1.port_faults import name_port_fault
from efpi_driver_p1.source import Time

try:
    from termios import error as _termios_error
except ImportError:  # Windows has none
    _termios_error = OSError  # type: ignore[misc, assignment]  # caught as OSError there

_FAULTS = (OSError, ValueError, _termios_error)
"""What pyserial raises: SerialException is an OSError, a bad setting a ValueError, and termios' own error escapes."""
_POLL_S = 0.2
_PIECE = 4_096
_MOST_WAITING = 65_536
_END_S = 2.0


class _HandOver:
    """Bytes on their way from the thread to the loop.

    Bounded: when the loop does not take them, the oldest are lost, and the check sum of their telegram tells so.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._waiting = bytearray()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.changed = asyncio.Event()
        self.error: PortError | None = None

    def put(self, data: bytes) -> None:
        """Thread: bytes came."""
        with self._lock:
            self._waiting += data
            del self._waiting[: max(0, len(self._waiting) - _MOST_WAITING)]
        self._tell(self.changed.set)

    def take(self) -> bytes:
        """Loop: all bytes that came."""
        with self._lock:
            self.changed.clear()
            data = bytes(self._waiting)
            self._waiting.clear()
            return data

    def tell_opened(self) -> None:
        """Thread: the port is open."""
        self._tell(self._set_opened)

    def tell_end(self, error: PortError | None) -> None:
        """Thread: the port is closed, by our will or by a fault; its last word."""
        self._tell(self._set_ended, error)

    def _tell(self, function: Any, *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(function, *arguments)

    def _set_opened(self) -> None:
        if not self.opened.done():
            self.opened.set_result(None)

    def _set_ended(self, error: PortError | None) -> None:
        self.error = error
        self._set_opened()
        self.changed.set()
        if not self.ended.done():
            self.ended.set_result(None)


class SerialSource:
    """A device path, or `rfc2217://host:port` for a port whose line settings the gateway sets over the network."""

    def __init__(self, port: str, time: Time) -> None:
        self._port = port
        self._time = time
        self._stop = threading.Event()
        self._link: _HandOver | None = None
        self._serial: Any = None

    async def open(self, line: LineSettings) -> None:
        """Open the port with these settings."""
        self._link = _HandOver(asyncio.get_running_loop())
        name = f"P1 reader of {self._port}"
        threading.Thread(target=self._read_port, args=(line, self._link), name=name, daemon=True).start()
        await asyncio.shield(self._link.opened)
        if self._link.error is not None:
            raise self._link.error

    async def read(self) -> bytes:
        """The next bytes."""
        if self._link is None:
            raise RuntimeError("read before open")
        while not (data := self._link.take()):
            if self._link.ended.done():
                raise self._link.error or name_port_fault(self._port, OSError("closed"), opened=True)
            await self._link.changed.wait()
        return data

    async def close(self) -> None:
        """End the thread; one that hangs in the system is left behind, and closes the port when it returns."""
        self._stop.set()
        if self._link is None:
            return
        with contextlib.suppress(*_FAULTS, AttributeError):  # only ports of this machine can be woken
            self._serial.cancel_read()
        with contextlib.suppress(TimeoutError):
            async with self._time.timeout(_END_S):
                await asyncio.shield(self._link.ended)

    def _read_port(self, line: LineSettings, link: _HandOver) -> None:
        error: PortError | None = None
        opened = False
        try:
            with self._open_port(line) as port:
                self._serial, opened = port, True
                link.tell_opened()
                while not self._stop.is_set():
                    data = port.read(max(1, min(port.in_waiting, _PIECE)))
                    if data:
                        link.put(data)
        except _FAULTS as fault:
            error = name_port_fault(self._port, fault, opened=opened)
        finally:
            link.tell_end(error)

    def _open_port(self, line: LineSettings) -> Any:
        return serial.serial_for_url(
            self._port,
            baudrate=line.baud,
            bytesize=line.bits,
            parity=line.parity,
            stopbits=serial.STOPBITS_ONE,
            timeout=_POLL_S,
            exclusive=None if "://" in self._port else True,
        )
