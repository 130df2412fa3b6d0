"""The log's file: appended to, turned over when it is full, so that all of it never takes more than its bound."""

import contextlib
import os
from pathlib import Path

LARGEST_FILE = 1024 * 1024
FORMER_FILES = 4
"""Full files that are kept beside the present one: with it at most 5 MiB."""


class LogFile:
    """One file and its forerunners, `efpi.log.1` the newest. What the disk refuses is lost and counted, no more."""

    def __init__(self, path: Path, largest: int = LARGEST_FILE, former: int = FORMER_FILES) -> None:
        self.path = path
        self._largest = largest
        self._former = former
        self._descriptor: int | None = None
        self.lost = 0
        """Lines that the disk did not take."""

    def append(self, line: str) -> bool:
        """Write a line; False when the disk refuses it."""
        content = (line + "\n").encode("utf-8", "backslashreplace")
        try:
            written = os.write(self._open(len(content)), content)
            if written < len(content):  # the disk is full in the middle of a line: take the piece away again
                self._take_back(written)
        except OSError:
            self.close()
            written = 0
        if written == len(content):
            return True
        self.lost += 1
        return False

    def _open(self, more: int) -> int:
        """The file with room for more bytes; opened anew when somebody moved it away."""
        if self._descriptor is not None:
            status = os.fstat(self._descriptor)
            if not status.st_nlink:
                self.close()
            elif status.st_size and status.st_size + more > self._largest:
                self.close()
                self._turn_over()
        if self._descriptor is None:
            self.path.parent.mkdir(mode=0o700, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            self._descriptor = os.open(self.path, flags, 0o600)
            return self._open(more)
        return self._descriptor

    def _turn_over(self) -> None:
        names = [self.path, *(self.path.with_name(f"{self.path.name}.{n}") for n in range(1, self._former + 1))]
        for older, newer in zip(names[:0:-1], names[-2::-1], strict=True):
            with contextlib.suppress(FileNotFoundError):
                newer.replace(older)

    def _take_back(self, count: int) -> None:
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - count)

    def close(self) -> None:
        """Let go of the file; harmless when closed."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None
