"""Reads a live meter for as long as it is asked to: finds the line settings, notices every trouble, and comes back."""

from collections.abc import Callable
from itertools import cycle
from typing import Protocol
from zoneinfo import ZoneInfo

from efpi_driver_p1.errors import Fault, PortError, PortFault, TelegramError
from efpi_driver_p1.line_settings import LineSettings
from efpi_driver_p1.source import ByteSource, SocketSource, Time, unopened
from efpi_driver_p1.stream import TelegramStream
from efpi_driver_p1.telegram import Telegram

SILENCE_S = 35.0
"""The slowest meters send every ten seconds; three in a row missing are no accident."""
_PATIENCE_S = 22.0
"""How long line settings may go without a telegram before others are tried: two telegrams of the slowest meters."""
_OPEN_S = 10.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 30.0

_NO_SIGN_OF_SETTINGS = {Fault.NOISE, Fault.WRONG_LINE_SETTINGS}


class Listener(Protocol):
    """Who wants to hear of the meter."""

    def opened(self, line: LineSettings) -> None:
        """The port is open; nothing came yet."""

    def received(self, found: Telegram | TelegramError) -> None:
        """A telegram, or something that is none."""

    def trouble(self, error: PortError) -> None:
        """The way to the meter is not open; it is tried again."""


def source_for(port: str, time: Time) -> ByteSource:
    """The way to the meter that the setting `port` names."""
    if port.startswith("socket://"):
        return SocketSource(port, time)
    from efpi_driver_p1.serial_source import SerialSource  # noqa: PLC0415  # pyserial costs 1 MB; TCP does without

    return SerialSource(port, time)


class MeterReader:
    """One meter, read without end."""

    def __init__(
        self,
        port: str,
        to_try: tuple[LineSettings, ...],
        zone: ZoneInfo,
        time: Time,
        listener: Listener,
        *,
        silence_s: float = SILENCE_S,
        patience_s: float = _PATIENCE_S,
        make_source: Callable[[str, Time], ByteSource] = source_for,
    ) -> None:
        self._port = port
        self._choices = 1 if port.startswith("socket://") else len(to_try)
        self._lines = cycle(to_try)
        self._line = next(self._lines)
        self._zone = zone
        self._time = time
        self._listener = listener
        self._silence_s = silence_s
        self._patience_s = patience_s
        self._make_source = make_source
        self._pause_s = _FIRST_PAUSE_S

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            try:
                await self._attend()
            except PortError as error:
                self._listener.trouble(error)
                await self._time.sleep(self._pause_s)
                self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    async def _attend(self) -> None:
        """Open the port and read it until it fails, or until other line settings should be tried."""
        source = self._make_source(self._port, self._time)
        try:
            await self._open(source)
            await self._read(source)
        finally:
            await source.close()

    async def _open(self, source: ByteSource) -> None:
        try:
            async with self._time.timeout(_OPEN_S):
                await source.open(self._line)
        except TimeoutError as error:
            raise unopened(self._port, _OPEN_S) from error
        self._listener.opened(self._line)

    async def _read(self, source: ByteSource) -> None:
        stream = TelegramStream(self._zone)
        recognised_at = self._time.elapsed()
        while True:
            data = await self._next(source)
            for found in stream.feed(data):
                if isinstance(found, Telegram):
                    self._pause_s = _FIRST_PAUSE_S
                if isinstance(found, Telegram) or found.fault not in _NO_SIGN_OF_SETTINGS:
                    recognised_at = self._time.elapsed()
                self._listener.received(found)
            if self._time.elapsed() - recognised_at > self._patience_s:
                self._give_up_line()
                return

    async def _next(self, source: ByteSource) -> bytes:
        try:
            async with self._time.timeout(self._silence_s):
                return await source.read()
        except TimeoutError as error:
            if self._choices > 1:
                self._line = next(self._lines)
            cure = (
                "check the cable; switch the data request line on; ask the grid operator to release the P1 port "
                "(in Belgium and Sweden it is closed until the customer asks)"
            )
            detail = f"no byte came for {self._silence_s:g} s"
            raise PortError(PortFault.SILENT, self._port, detail, cure) from error

    def _give_up_line(self) -> None:
        tried, self._line = self._line, next(self._lines) if self._choices > 1 else self._line
        detail = f"bytes come, but no telegram with {tried}"
        if self._port.startswith("socket://"):
            detail = "bytes come, but no telegram"
            cure = "set the adapter to 115200 8N1 (DSMR 4 and later) or 9600 7E1 (DSMR 3 and earlier)"
        elif self._choices > 1:
            cure = f"{self._line} is tried next; if both fail, use a P1 cable, which inverts the signal"
        else:
            cure = "set `baud` and `format` to auto, and use a P1 cable, which inverts the signal"
        self._listener.trouble(PortError(PortFault.NO_TELEGRAMS, self._port, detail, cure))
