"""The logbook: takes every line of the process, and writes it in a thread of its own: no disk holds up the loop."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from queue import SimpleQueue
from typing import TextIO

from efpi_core.clock import RealClock
from efpi_core.logbook.line import Line
from efpi_core.logbook.line_limit import LIMITED, LineLimit
from efpi_core.logbook.log_file import LogFile

FOLDER = "log"
FILE = "efpi.log"

MOST_WAITING = 5000
"""Lines that may wait for the disk; what comes beyond is lost and counted."""

CLOSE_S = 1.0
"""How long the end of the process waits for the last lines."""


class Look(StrEnum):
    """How lines look on standard error."""

    TEXT = "text"
    JSON = "json"


def log_path(home: Path) -> Path:
    """Where the log of a home is."""
    return home / FOLDER / FILE


class Logbook(logging.Handler):
    """Writes each line as JSON to the file in the home, and as people or programs want it to standard error."""

    def __init__(self, path: Path | None, stream: TextIO, look: Look, elapsed: Callable[[], float]) -> None:
        super().__init__()
        self._redact: Callable[[str], str] = str
        self._file = None if path is None else LogFile(path)
        self._stream = stream
        self._form = _form(stream, look)
        self._limit = LineLimit(elapsed)
        self._waiting: SimpleQueue[Line | None] = SimpleQueue()
        self._lost = 0
        self._told_lost = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="efpi log", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> int:
        """Lines that nobody could write."""
        return self._lost + (self._file.lost if self._file is not None else 0)

    def mask_with(self, redact: Callable[[str], str]) -> None:
        """From now on, have this take what must not be written out of every text."""
        self._redact = redact

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line; from any thread, and never waiting."""
        if self._closed:
            return
        line = Line.of(record)
        if line.event in LIMITED and line.level < logging.CRITICAL:
            left_out = self._limit.pass_on(line.subject)
            if left_out is None:
                return
            if left_out:
                self._put(_left_out(line.subject, left_out))
        self._put(line)

    def _put(self, line: Line) -> None:
        if self._waiting.qsize() >= MOST_WAITING:
            self._lost += 1
        else:
            self._waiting.put(line)

    def _run(self) -> None:
        while (line := self._waiting.get()) is not None:
            if self._write(line) and self.lost > self._told_lost and self._waiting.empty():
                lost, self._told_lost = self.lost - self._told_lost, self.lost
                self._write(_line(logging.WARNING, "log_lost", "log", f"{lost} lines could not be written"))

    def _write(self, line: Line) -> bool:
        """Write a line; False while the disk refuses."""
        kept = self._file is None or self._file.append(line.as_json(self._redact))
        with suppress(OSError, ValueError):  # whoever read it is gone
            self._stream.write(self._form(line, self._redact) + "\n")
            self._stream.flush()
        return kept

    def close(self) -> None:
        """Write what waits, within a moment, and end."""
        if not self._closed:
            self._closed = True
            for subject, count in self._limit.rest().items():
                self._put(_left_out(subject, count))
            self._waiting.put(None)
            self._thread.join(CLOSE_S)
            if self._file is not None and not self._thread.is_alive():
                self._file.close()
        super().close()


def _line(level: int, event: str, subject: str, text: str, **facts: object) -> Line:
    return Line(RealClock().now(), level, event, subject, text, "efpi", facts=facts)


def _left_out(subject: str, count: int) -> Line:
    text = f"{count} lines left out: it says too much"
    return _line(logging.WARNING, "lines_left_out", subject, text, count=count)


def _form(stream: TextIO, look: Look) -> Callable[[Line, Callable[[str], str]], str]:
    if look is Look.JSON:
        return Line.as_json
    return Line.as_journal if is_journal(stream) else Line.as_text


def is_journal(stream: TextIO) -> bool:
    """Whether journald reads a stream: systemd names it by device and inode (systemd.exec(5), `$JOURNAL_STREAM`)."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def open_logbook(path: Path | None, *, verbose: bool, look: Look, elapsed: Callable[[], float]) -> Logbook:
    """Have every line of this process go through a logbook; to be closed at the end."""
    book = Logbook(path, sys.stderr, look, elapsed)
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[book], force=True)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # a stranger's broken requests fill no log
    return book
