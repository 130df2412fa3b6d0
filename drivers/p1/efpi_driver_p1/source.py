"""Where the bytes of a live meter come from: a serial port, a network adapter."""

import contextlib
from asyncio import StreamReader, StreamWriter, open_connection
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from efpi_driver_p1.errors import PortError, PortFault
from efpi_driver_p1.line_settings import LineSettings
from efpi_driver_p1.port_faults import name_port_fault

_CLOSE_S = 2.0
_PIECE = 4_096


class Time(Protocol):
    """The part of the plugin's context, or of a clock, that waiting needs."""

    def now(self) -> datetime:
        """The present instant, in UTC."""

    def elapsed(self) -> float:
        """Seconds that no setting of the wall clock changes."""

    async def sleep(self, seconds: float, /) -> None:
        """Wait."""

    def timeout(self, seconds: float, /) -> AbstractAsyncContextManager[object]:
        """A context that raises TimeoutError when its body takes longer."""


class ByteSource(Protocol):
    """A way to the meter, opened once."""

    async def open(self, line: LineSettings) -> None:
        """Open it; PortError says why it cannot be."""

    async def read(self) -> bytes:
        """The next bytes, at least one; PortError when there will be none."""

    async def close(self) -> None:
        """Close it, opened or not; this ends in a few seconds whatever the other side does."""


class SocketSource:
    """An adapter that hands the meter's bytes on over TCP: `socket://host:port`. It sets the line itself."""

    def __init__(self, url: str, time: Time) -> None:
        self._url = url
        self._time = time
        self._reader: StreamReader | None = None
        self._writer: StreamWriter | None = None

    async def open(self, line: LineSettings) -> None:  # the adapter's own business
        """Connect."""
        parts = urlsplit(self._url)
        try:
            self._reader, self._writer = await open_connection(parts.hostname, parts.port)
        except OSError as error:
            raise name_port_fault(self._url, error, opened=False) from error

    async def read(self) -> bytes:
        """The next bytes."""
        if self._reader is None:
            raise RuntimeError("read before open")
        try:
            data = await self._reader.read(_PIECE)
        except OSError as error:
            raise name_port_fault(self._url, error, opened=True) from error
        if not data:
            raise name_port_fault(self._url, ConnectionResetError(), opened=True)
        return data

    async def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with self._time.timeout(_CLOSE_S):
                    await self._writer.wait_closed()


def unopened(port: str, seconds: float) -> PortError:
    """The error for a port that neither opens nor fails."""
    cure = "check that the adapter is powered and answers; it is tried again"
    return PortError(PortFault.UNREACHABLE, port, f"it did not open within {seconds:g} s", cure)
