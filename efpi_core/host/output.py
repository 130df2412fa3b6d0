"""What a hosted process prints: read line by line, cleaned, bounded, its last lines kept."""

import asyncio
import os
import re
import time
from collections import deque
from collections.abc import Callable

from efpi_core.host.pace import Pace

LONGEST_LINE = 1000
"""Characters of a line that are passed on."""

TAIL = 60
"""Lines kept to explain a crash."""

LINES_PER_S = 20.0
LINES_AT_ONCE = 400
"""How many lines pass in the long run, and how many before that counts; the rest is counted and left out."""

READ_SIZE = 64 * 1024
LEFT_IN_PIPE = 1024 * 1024
"""As much as a pipe may hold."""

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """A line without what moves a terminal's cursor or turns the direction of writing."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


class Output:
    """Reads the pipe to which a process prints, and never lets it wait for a reader for long."""

    def __init__(self, descriptor: int, on_line: Callable[[str], None]) -> None:
        os.set_blocking(descriptor, False)
        self._loop = asyncio.get_running_loop()
        self._descriptor: int | None = descriptor
        self._on_line = on_line
        self._rest = b""
        self._pace = Pace(share=0.05, credit_s=0.5)
        self._resume: asyncio.TimerHandle | None = None
        self._allowed = float(LINES_AT_ONCE)
        self._allowed_at = self._loop.time()
        self._left_out = 0
        self.tail: deque[str] = deque(maxlen=TAIL)
        """The last lines, those that were left out included."""
        self._loop.add_reader(descriptor, self._readable)

    def _readable(self) -> None:
        before = time.thread_time()
        self._read()
        pause = self._pace.spend(time.thread_time() - before, self._loop.time())
        if pause > 0 and self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
            self._resume = self._loop.call_later(pause, self._go_on, self._descriptor)

    def _go_on(self, descriptor: int) -> None:
        self._resume = None
        self._loop.add_reader(descriptor, self._readable)

    def _read(self) -> bool:
        """Take in what was printed; whether there may be more."""
        if self._descriptor is None:
            return False
        try:
            data = os.read(self._descriptor, READ_SIZE)
        except BlockingIOError:
            return False
        if not data:
            self.close()
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > 4 * LONGEST_LINE:
            lines.append(self._rest)
            self._rest = b""
        self._refill()
        passing = int(self._allowed)
        for line in lines[:passing]:
            self._line(line)
        rest = lines[passing:]
        self._left_out += max(len(rest) - TAIL, 0)
        for line in rest[-TAIL:]:
            self._line(line)
        return True

    def _refill(self) -> None:
        now = self._loop.time()
        self._allowed = min(LINES_AT_ONCE, self._allowed + (now - self._allowed_at) * LINES_PER_S)
        self._allowed_at = now

    def _line(self, line: bytes) -> None:
        text = printable(line[: 4 * LONGEST_LINE].decode("utf-8", "backslashreplace").rstrip("\r"))[:LONGEST_LINE]
        if not text:
            return
        self.tail.append(text)
        if self._allowed < 1:
            self._left_out += 1
            return
        self._allowed -= 1
        if self._left_out:
            self._on_line(f"({self._left_out} lines left out: it prints too much)")
            self._left_out = 0
        self._on_line(text)

    def drain(self) -> None:
        """Take in what is left of a process that is gone, then close."""
        for _ in range(LEFT_IN_PIPE // READ_SIZE):
            if not self._read():
                break
        if self._rest:
            self._line(self._rest)
        if self._left_out:
            self._on_line(f"({self._left_out} lines left out: it printed too much)")
        self.close()

    def close(self) -> None:
        """Read no more; harmless when closed."""
        if self._resume is not None:
            self._resume.cancel()
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None
