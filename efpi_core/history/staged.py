"""Values on their way into the history, in a file of their own, so that neither order nor number of them matters.

One process may stage them and another take them in; nothing that is read from such a file is believed.
"""

import math
import sqlite3
from collections.abc import Generator, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from efpi_core.errors import SettingsError
from efpi_core.history.series import QUALITIES, Series
from efpi_core.history.store import HOUR_MS
from efpi_core.plugin.observation import ObservedValue

LONGEST_NAME = 400
LONGEST_TEXT = 1000
LONGEST_UNIT = 32

Row = tuple[str, int, ObservedValue, int]
"""Channel, stamp, value and quality."""

_LATEST_MS = 253_402_300_800_000


class StagedValues:
    """The staged values of many channels; of several at one stamp the last one stays."""

    def __init__(self, path: Path, *, made: bool) -> None:
        """Make such a file, or open one that was `made`."""
        self._path = path
        address = f"{path.absolute().as_uri()}?mode={'ro' if made else 'rwc'}"
        self._connection = sqlite3.connect(address, isolation_level=None, uri=True, check_same_thread=False)
        if not made:
            self._connection.execute("PRAGMA journal_mode=OFF")
            self._connection.execute("PRAGMA synchronous=OFF")
            self._connection.execute("CREATE TABLE channel (name TEXT PRIMARY KEY, unit TEXT, kind TEXT) WITHOUT ROWID")
            self._connection.execute(
                "CREATE TABLE row (channel TEXT, at INTEGER, value, switch INTEGER, quality INTEGER, "
                "PRIMARY KEY (channel, at)) WITHOUT ROWID"
            )

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def begin(self) -> None:
        """What follows is put in at once, with `commit`."""
        self._connection.execute("BEGIN")

    def commit(self) -> None:
        """All is there."""
        self._connection.execute("COMMIT")

    def name(self, channel: str, unit: str, kind: str) -> None:
        """What is known of a channel."""
        self._connection.execute("INSERT OR IGNORE INTO channel VALUES (?, ?, ?)", (channel, unit, kind))

    def put(self, rows: Iterable[Row]) -> None:
        """Stage values."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO row VALUES (?, ?, ?, ?, ?)",
            ((channel, at, value, int(isinstance(value, bool)), quality) for channel, at, value, quality in rows),
        )

    def channels(self) -> tuple[tuple[str, str, str], ...]:
        """Name, unit and kind of each channel, by name. Raises SettingsError for what no import has."""
        found = list(self._read("SELECT name, unit, kind FROM channel ORDER BY name"))
        for row in found:
            if not all(isinstance(text, str) and text.isprintable() for text in row):
                raise self._odd()
            if not 0 < len(row[0]) <= LONGEST_NAME or max(map(len, row[1:])) > LONGEST_UNIT:
                raise self._odd()
        return tuple(found)

    def series(self, channel: str) -> Generator[Series, None, None]:
        """The values of a channel by time, at most an hour at a time. Raises SettingsError likewise."""
        part: list[tuple[int, ObservedValue, int]] = []
        last = -1
        question = "SELECT at, value, switch, quality FROM row WHERE channel = ? ORDER BY at"
        with closing(self._read(question, channel)) as rows:
            for at, value, switch, quality in rows:
                if not _is_row(at, value, quality) or at <= last:
                    raise self._odd()
                if part and at // HOUR_MS != last // HOUR_MS:
                    yield _series(part)
                    part = []
                part.append((at, bool(value) if switch else value, quality))
                last = at
        if part:
            yield _series(part)

    def _read(self, question: str, *about: str) -> Generator[Any, None, None]:
        """The rows; damage of this file is not to be taken for that of the history."""
        try:
            with closing(self._connection.execute(question, about)) as rows:
                yield from rows
        except sqlite3.Error as error:
            raise self._odd() from error

    def _odd(self) -> SettingsError:
        return SettingsError(self._path.name, "it holds what no import has", "import the CSV file anew")


def _is_row(at: object, value: object, quality: object) -> bool:
    if not isinstance(at, int) or not 0 <= at < _LATEST_MS or quality not in range(len(QUALITIES)):
        return False
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, int) or (isinstance(value, str) and len(value) <= LONGEST_TEXT)


def _series(rows: Iterable[tuple[int, ObservedValue, int]]) -> Series:
    stamps, values, qualities = zip(*rows, strict=True)
    return Series(list(stamps), list(values), bytes(qualities) if any(qualities) else None)
