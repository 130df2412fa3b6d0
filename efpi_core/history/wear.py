"""What the history writes to the disk: cards wear by it, so it is counted and told."""

import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from efpi_core.state.database_file import PAGE_SIZE

_KEPT_DAYS = 400


class Wear:
    """Counts the bytes handed to the disk: the growth of the write-ahead log, and the pages moved from it."""

    def __init__(self, path: Path) -> None:
        self._log = path.with_name(path.name + "-wal")
        self._log_size = 0
        self.written = 0
        """Bytes since the start."""
        self._kept = 0
        self.days: dict[str, int] = {}
        """Bytes by day, in UTC, as far as they are kept; the newest last."""

    def note(self, connection: sqlite3.Connection, now_ms: int) -> None:
        """After a commit."""
        size = 0
        with suppress(OSError):
            size = self._log.stat().st_size
        self.written += size - self._log_size if size >= self._log_size else size
        self._log_size = size
        if not self.days:
            self._read(connection)

    def moved(self, answer: tuple[int, int, int] | None) -> None:
        """After the log was moved into the file; `answer` is what SQLite said of it."""
        if answer is not None and answer[2] > 0:
            self.written += answer[2] * PAGE_SIZE

    def keep(self, connection: sqlite3.Connection, now_ms: int) -> None:
        """Keep the sum of the day."""
        today = datetime.fromtimestamp(now_ms / 1000, UTC).date().isoformat()
        fresh, self._kept = self.written - self._kept, self.written
        connection.execute(
            "INSERT INTO written (date, bytes) VALUES (?, ?) ON CONFLICT (date) DO UPDATE SET bytes = bytes + ?",
            (today, fresh, fresh),
        )
        connection.execute(
            "DELETE FROM written WHERE date NOT IN (SELECT date FROM written ORDER BY date DESC LIMIT ?)",
            (_KEPT_DAYS,),
        )
        self._read(connection)

    def _read(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute("SELECT date, bytes FROM written ORDER BY date DESC LIMIT ?", (_KEPT_DAYS,))
        self.days = dict(reversed(rows.fetchall()))
