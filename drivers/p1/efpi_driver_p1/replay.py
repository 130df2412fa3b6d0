"""Recorded telegrams, told again at the pace of the meter's own clock."""

import asyncio
import io
import os
import stat
from collections import deque
from zoneinfo import ZoneInfo

from efpi_driver_p1.errors import PortError, PortFault, TelegramError
from efpi_driver_p1.port_faults import name_port_fault
from efpi_driver_p1.stream import TelegramStream
from efpi_driver_p1.telegram import Telegram

_CHUNK = 4_096
"""A few telegrams: those that wait for their time take memory."""
_UNDATED_PAUSE_S = 10.0
"""Meters that do not tell the time (DSMR 3 and earlier) send every ten seconds."""
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 3_600.0


class Replay:
    """A file of telegrams."""

    def __init__(self, path: str, zone: ZoneInfo) -> None:
        self._path = path
        self._stream = TelegramStream(zone)
        self._ready: deque[Telegram | TelegramError] = deque()
        self._file: io.FileIO | None = None
        self._ended = False

    async def next(self) -> Telegram | TelegramError | None:
        """What comes next, or None at the end; PortError when the file cannot be read."""
        while not self._ready and not self._ended:
            try:
                data = await asyncio.to_thread(self._read)
            except OSError as error:
                raise name_port_fault(self._path, error, opened=False) from error
            self._ready.extend(self._stream.feed(data) if data else self._stream.end())
            self._ended = not data
        return self._ready.popleft() if self._ready else None

    def _read(self) -> bytes:
        if self._file is None:
            if not stat.S_ISREG(os.stat(self._path).st_mode):  # noqa: PTH116  # one call for a path as it is written
                raise PortError(
                    PortFault.NOT_SERIAL, self._path, "it is no file of telegrams", "name a file in `port: replay:…`"
                )
            self._file = io.FileIO(self._path)
        return self._file.read(_CHUNK)

    def close(self) -> None:
        """Close the file; harmless when it is closed."""
        if self._file is not None:
            self._file.close()


def pause_s(before: Telegram | None, after: Telegram) -> float:
    """How long the meter waited between two telegrams."""
    if before is None:
        return 0.0
    first, second = before.time, after.time
    if first is None or second is None or first.utc is None or second.utc is None:
        return _UNDATED_PAUSE_S
    return min(max((second.utc - first.utc).total_seconds(), _SHORTEST_PAUSE_S), _LONGEST_PAUSE_S)
