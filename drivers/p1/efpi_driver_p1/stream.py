"""A stream of bytes as telegrams and named errors, in the order in which they came."""

from zoneinfo import ZoneInfo

from efpi_driver_p1.errors import TelegramError
from efpi_driver_p1.framing import LONGEST_TELEGRAM, Frame, Framer
from efpi_driver_p1.telegram import Telegram, read_telegram

DEFAULT_ZONE = "Europe/Amsterdam"
"""Central European time holds for every country with a P1 port but Finland and the Baltic states."""


class TelegramStream:
    """Reads what a meter sends; feed it bytes in pieces of any size.

    It raises nothing on any input and holds at most one telegram and one piece.
    """

    def __init__(self, zone: ZoneInfo, longest: int = LONGEST_TELEGRAM) -> None:
        self._zone = zone
        self._framer = Framer(longest)

    def feed(self, data: bytes) -> list[Telegram | TelegramError]:
        """What these bytes complete."""
        return [self._read(found) for found in self._framer.feed(data)]

    def end(self) -> list[Telegram | TelegramError]:
        """What is left when the stream ends."""
        return [self._read(found) for found in self._framer.end()]

    def _read(self, found: Frame | TelegramError) -> Telegram | TelegramError:
        if isinstance(found, TelegramError):
            return found
        try:
            return read_telegram(found, self._zone)
        except TelegramError as error:
            return error
