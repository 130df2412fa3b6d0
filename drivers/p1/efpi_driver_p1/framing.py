"""Where telegrams begin and end in a stream of bytes; what is none is named, and nothing grows without bound."""

import re
from typing import NamedTuple

from efpi_driver_p1.errors import Fault, TelegramError
from efpi_driver_p1.noise import name_noise
from efpi_driver_p1.text import printable

LONGEST_TELEGRAM = 16_384
"""Bytes. The longest that a standard allows is Luxembourg's: five texts of 1,024 characters as digits, about 12 kB."""
_LONGEST_HEADER = 128
_FIRST_NOISE_REPORT, _LAST_NOISE_REPORT = 1_024, 65_536
_SAMPLE = 2_048
_RESTS = (Fault.CUT_START, Fault.CUT)
_LOOK_AHEAD = 12
"""Bytes at the end of the buffer that may be the beginning of a mark not yet whole."""

_BLANK = b" \t\r\n\0\x8d"
"""Between telegrams these mean nothing; the last is CR with a parity bit."""
_START = re.compile(rb"(?<=[\r\n\0])/[!-~]{3}|/[A-Za-z]{3}\d")
"""`/` and the maker's letters where a line begins; inside a line the speed digit must follow (IEC 62056-21, 6.3.2)."""
_NEXT_START = re.compile(rb"(?<=[\r\n\0])/[A-Za-z]{3}|/[A-Za-z]{3}\d")
_FIRST_START = re.compile(rb"/[!-~]{3}")
_END = re.compile(rb"!(?:[0-9A-Fa-f]{4}|[0-9A-Fa-f]{0,3}(?=[ \0]{0,4}[\r\n/]))")
_HEADER_END = re.compile(rb"[\r\n]")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")

_EVEN = [byte.bit_count() % 2 == 0 for byte in range(256)]
_STRIP_PARITY = bytes(byte & 0x7F if _EVEN[byte] else 0x1A for byte in range(256))
"""A 7E1 line read as 8N1: the parity bit arrives as the eighth. What fails the parity becomes SUB, never sent."""
_ANY_START = re.compile(_START.pattern + rb"|\xaf(?=[\x00-\xff]{4})")
"""A start, or what may be one on a 7E1 line; found in one pass, so that no stream makes the search quadratic."""
_PIECE = 4_096
"""Bytes taken in at once: what is looked at again and again stays short, however much came."""


class Frame(NamedTuple):
    """The bytes of one telegram, from `/` to the CRC behind `!`."""

    offset: int
    """Where it begins, in bytes from the start of the stream."""
    data: bytes
    parity_stripped: bool = False
    """The line was 7E1 and read as 8N1; the parity bits were checked and taken out."""


class Framer:
    """Cuts a stream into telegrams.

    After any fault it goes on at the next `/`. It holds at most one telegram and one piece.
    """

    def __init__(self, longest: int = LONGEST_TELEGRAM) -> None:
        self._longest = longest
        self._buffer = bytearray()
        self._offset = 0
        self._line_begins = True
        self._inside = self._parity = False
        self._scanned = 0
        self._swallow = False
        self._seen_any = False
        self._noise = bytearray()
        self._noise_length = 0
        self._noise_report = _FIRST_NOISE_REPORT
        self._found: list[Frame | TelegramError] = []

    def feed(self, data: bytes) -> list[Frame | TelegramError]:
        """What these bytes complete."""
        for at in range(0, len(data), _PIECE):
            self._buffer += data[at : at + _PIECE]
            while self._leave_telegram() if self._inside else self._find_start():
                pass
        found, self._found = self._found, []
        return found

    def end(self) -> list[Frame | TelegramError]:
        """What is left when the stream ends; a last line without line end counts as whole."""
        found = self.feed(b"\n")
        del self._buffer[-1:]
        if self._inside:
            self._close(len(self._buffer), Fault.CUT, "the stream ends before the closing `!`")
        self._take_noise(len(self._buffer))
        self._report_noise()
        found += self._found
        self._found = []
        return found

    def _find_start(self) -> bool:
        """Go to the next telegram; False when more bytes are needed."""
        start, self._parity = self._next_start()
        if start is None:
            self._take_noise(len(self._buffer) - _LOOK_AHEAD)
            return False
        self._take_noise(start)
        self._inside, self._scanned = True, 1
        return True

    def _next_start(self) -> tuple[int | None, bool]:
        if self._line_begins and _FIRST_START.match(self._buffer):
            return 0, False
        for match in _ANY_START.finditer(self._buffer):
            parity = match[0] == b"\xaf"
            if not parity or _is_parity_start(bytes(self._buffer[match.start() : match.start() + 5])):
                return match.start(), parity
        return None, False

    def _leave_telegram(self) -> bool:
        """Go to the end of the telegram that has begun; False when more bytes are needed."""
        window = self._buffer.translate(_STRIP_PARITY) if self._parity else self._buffer
        header = _HEADER_END.search(window, 0, _LONGEST_HEADER)
        if _CONTROL.search(window, 0, header.start() if header else min(len(window), _LONGEST_HEADER)):
            return self._start_was_none()
        if header is None:
            return self._start_was_none() if len(window) >= _LONGEST_HEADER else False
        self._confirm_start()
        end = _END.search(window, self._scanned, self._longest)
        begin = self._next_telegram(window, end.start() if end else self._longest)
        if begin:
            self._close(begin, Fault.CUT, "the next telegram begins before this one has its closing `!`")
        elif end:
            frame = Frame(self._offset, bytes(window[: end.end()]), self._parity)
            self._close(end.end())
            self._found.append(frame)
        elif len(window) > self._longest:
            self._close(self._longest, Fault.TOO_LONG, f"no closing `!` within {self._longest} bytes")
            self._swallow = True
        else:
            self._scanned = max(1, len(window) - _LOOK_AHEAD)
            return False
        return True

    def _next_telegram(self, window: bytes | bytearray, limit: int) -> int | None:
        """Where another telegram begins before `limit`; a `/` without parity bit ends one that has parity bits."""
        found = _NEXT_START.search(window, self._scanned, limit)
        plain = _NEXT_START.search(self._buffer, self._scanned, limit) if self._parity else None
        return min((match.start() for match in (found, plain) if match), default=None)

    def _start_was_none(self) -> bool:
        self._inside = False
        self._take_noise(1)
        return True

    def _confirm_start(self) -> None:
        if self._scanned == 1:
            self._report_noise()
            self._noise_report = _FIRST_NOISE_REPORT
            self._swallow = False

    def _close(self, length: int, fault: Fault | None = None, detail: str = "") -> None:
        if fault is not None:
            window = self._buffer.translate(_STRIP_PARITY) if self._parity else self._buffer
            self._found.append(TelegramError(fault, self._offset, length, detail, _header(window[:length])))
        self._drop(length)
        self._inside, self._line_begins, self._seen_any = False, True, True

    def _drop(self, length: int) -> None:
        self._line_begins = self._buffer[length - 1] in b"\r\n\0" if length else self._line_begins
        del self._buffer[:length]
        self._offset += length

    def _take_noise(self, length: int) -> None:
        """Move bytes out of the buffer; blanks before any other noise are none."""
        while length > 0:
            if not self._noise_length:
                head = self._buffer[:length]
                blanks = len(head) - len(head.lstrip(_BLANK))
                self._drop(blanks)
                length -= blanks
            taken = self._buffer[: min(length, self._noise_report - self._noise_length)]
            self._noise += taken[: _SAMPLE - len(self._noise)]
            self._noise_length += len(taken)
            self._drop(len(taken))
            length -= len(taken)
            if self._noise_length >= self._noise_report:
                self._noise_grew()

    def _noise_grew(self) -> None:
        """Report noise that does not end, ever more rarely; the rest of a telegram may become as long as a telegram."""
        fault, _ = name_noise(bytes(self._noise), first=not self._seen_any)
        if fault in _RESTS and self._noise_length < self._longest:
            self._noise_report = self._longest
            return
        self._noise_report = min(2 * self._noise_report, _LAST_NOISE_REPORT)
        self._report_noise()

    def _report_noise(self) -> None:
        sample, length = bytes(self._noise), self._noise_length
        self._noise.clear()
        self._noise_length = 0
        if not sample.strip(_BLANK) or self._swallow:
            return
        fault, detail = name_noise(sample, first=not self._seen_any)
        self._seen_any = self._seen_any or fault is Fault.CUT_START
        self._found.append(TelegramError(fault, self._offset - length, length, detail))


def _is_parity_start(raw: bytes) -> bool:
    return all(_EVEN[byte] for byte in raw) and _START.match(raw.translate(_STRIP_PARITY)) is not None


def _header(window: bytes | bytearray) -> str:
    end = _HEADER_END.search(window, 0, _LONGEST_HEADER)
    return printable(bytes(window[: end.start() if end else _LONGEST_HEADER]).rstrip())
