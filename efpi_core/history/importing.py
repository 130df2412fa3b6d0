"""Takes values from a CSV file into the history, as `efpi history export` wrote it or another program.

The rows are staged in a temporary database first, so that their order does not matter and memory does not grow. A
second import of the same file changes nothing.
"""

import csv
import math
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from efpi_core.errors import SettingsError
from efpi_core.history.answers import stamp
from efpi_core.history.exporting import NONE, NUMBER, SWITCH, TEXT
from efpi_core.history.series import QUALITIES, UNKNOWN, Series
from efpi_core.history.store import HOUR_MS, HistoryStore
from efpi_core.plugin.observation import ObservedValue, Quality

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""No house has values from before."""

LONGEST_NAME = 400
LONGEST_TEXT = 1000
_AT_ONCE = 10_000


@dataclass(slots=True)
class Imported:
    """What an import came to."""

    rows: int = 0
    taken: int = 0
    known: int = 0
    """Rows that were there already."""
    summed_up: int = 0
    """Rows of a time of which only quarter hours are kept; they are left out."""
    channels: int = 0


class CsvImport:
    """The rows of a CSV file, staged. Raises SettingsError that names the line of what is wrong."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        self._staged = sqlite3.connect(folder / "staged.db", isolation_level=None)
        self._staged.execute("PRAGMA journal_mode=OFF")
        self._staged.execute("PRAGMA synchronous=OFF")
        self._staged.execute(
            "CREATE TABLE row (channel TEXT, at INTEGER, value, switch INTEGER, quality INTEGER, "
            "PRIMARY KEY (channel, at)) WITHOUT ROWID"
        )
        self._facts: dict[str, tuple[str, str]] = {}
        self.rows = 0

    def close(self) -> None:
        """Forget what was staged."""
        self._staged.close()

    def stage(self) -> None:
        """Read the file."""
        try:
            with self._path.open(encoding="utf-8-sig", newline="") as file:
                self._stage(csv.DictReader(file))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise SettingsError(str(self._path), f"it cannot be read: {error}", "name a CSV file in UTF-8") from error

    def _stage(self, lines: "csv.DictReader[str]") -> None:
        missing = {"channel", "at", "value"} - set(lines.fieldnames or ())
        if missing:
            raise SettingsError(
                str(self._path),
                f"its head line names no {', '.join(sorted(missing))}",
                "write the columns channel, at and value, and if you like type, quality, unit and kind",
            )
        self._staged.execute("BEGIN")
        rows: list[tuple[object, ...]] = []
        for row in lines:
            rows.append(self._row(row, lines.line_num))
            if len(rows) >= _AT_ONCE:
                self._put(rows)
        self._put(rows)
        self._staged.execute("COMMIT")

    def _put(self, rows: list[tuple[object, ...]]) -> None:
        self._staged.executemany("INSERT OR REPLACE INTO row VALUES (?, ?, ?, ?, ?)", rows)
        self.rows += len(rows)
        rows.clear()

    def _row(self, row: dict[str, str | Any], line: int) -> tuple[object, ...]:
        name = row["channel"] or ""
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or "." not in name.strip("."):
            raise self._wrong(line, "channel", name, "write it as battery.power")
        self._facts.setdefault(name, ((row.get("unit") or "").removeprefix("'")[:32], (row.get("kind") or "")[:32]))
        value, quality = self._value(row, line), self._quality(row, line)
        if value is None and not row.get("quality"):
            quality = UNKNOWN
        return name, self._stamp(row["at"] or "", line), value, int(isinstance(value, bool)), quality

    def _stamp(self, text: str, line: int) -> int:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise self._wrong(line, "at", text, "write it as 2026-06-01T12:00:00Z") from None
        if at.tzinfo is None or at < EARLIEST:
            raise self._wrong(line, "at", text, "write an instant since 1990 with its zone, as 2026-06-01T12:00:00Z")
        return stamp(at)

    def _quality(self, row: dict[str, str | Any], line: int) -> int:
        word = row.get("quality") or Quality.GOOD.value
        if word not in set(Quality):
            raise self._wrong(line, "quality", word, f"choose from: {', '.join(Quality)}")
        return QUALITIES.index(Quality(word))

    def _value(self, row: dict[str, str | Any], line: int) -> ObservedValue:
        text = row["value"] or ""
        kind = row.get("type") or (NONE if not text else NUMBER if _number(text) is not None else TEXT)
        number = _number(text)
        match kind:
            case "none":
                return None
            case "text" if len(text) <= LONGEST_TEXT + 1:
                return text.removeprefix("'")
            case "switch" if text in ("true", "false"):
                return text == "true"
            case "number" if number is not None:
                return number
        raise self._wrong(line, "value", text, f"a {kind} is expected: {NUMBER}, {TEXT}, {SWITCH} or {NONE}")

    def _wrong(self, line: int, column: str, text: str, cure: str) -> SettingsError:
        return SettingsError(f"{self._path}, line {line}", f"{column}: '{text[:60]}' is none", cure)

    # --- into the history

    def into(self, store: HistoryStore) -> Imported:
        """Take everything in, one transaction a channel."""
        done = Imported(self.rows)
        for name, (unit, kind) in sorted(self._facts.items()):
            channel = store.channel(name, unit, kind)
            done.channels += 1
            known, summed = 0, 0

            def fresh(name: str = name) -> Iterator[Series]:
                nonlocal known, summed
                for series in self._series(name):
                    new, old = store.without_known(name, series)
                    known += old
                    kept = store.without_summed_up(name, new)
                    summed += len(new) - len(kept)
                    if len(kept):
                        done.taken += len(kept)
                        yield kept

            store.load(channel, fresh())
            done.known += known
            done.summed_up += summed
        return done

    def _series(self, name: str) -> Iterator[Series]:
        """The rows of a channel by time, at most an hour at a time."""
        with closing(self._staged.cursor()) as rows:
            rows.execute("SELECT at, value, switch, quality FROM row WHERE channel = ? ORDER BY at", (name,))
            part: list[tuple[int, ObservedValue, int]] = []
            for at, value, switch, quality in rows:
                if part and at // HOUR_MS != part[0][0] // HOUR_MS:
                    yield _series(part)
                    part = []
                part.append((at, bool(value) if switch else value, quality))
            if part:
                yield _series(part)


def _series(rows: Iterable[tuple[int, ObservedValue, int]]) -> Series:
    stamps, values, qualities = zip(*rows, strict=True)
    return Series(list(stamps), list(values), bytes(qualities) if any(qualities) else None)


def _number(text: str) -> float | int | None:
    try:
        whole = int(text)
        return whole if abs(whole) < 1 << 63 else float(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def import_csv(path: Path, store: HistoryStore) -> Imported:
    """Take a CSV file into a history that no gateway uses."""
    with tempfile.TemporaryDirectory(prefix="efpi-import-") as folder, closing(CsvImport(path, Path(folder))) as staged:
        staged.stage()
        return staged.into(store)
