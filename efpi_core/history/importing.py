"""Takes values from a CSV file into the history, as `efpi history export` wrote it or another program.

The rows are staged in a temporary database first, so that their order does not matter and memory does not grow. A
second import of the same file changes nothing.
"""

import csv
import math
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from efpi_core.errors import SettingsError
from efpi_core.history.answers import stamp
from efpi_core.history.exporting import NONE, NUMBER, SWITCH, TEXT
from efpi_core.history.series import QUALITIES, UNKNOWN
from efpi_core.history.staged import LONGEST_NAME, LONGEST_TEXT, LONGEST_UNIT, Row, StagedValues
from efpi_core.history.store import HistoryStore
from efpi_core.history.taking_in import take_in
from efpi_core.history_views import Imported
from efpi_core.plugin.observation import ObservedValue, Quality

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""No house has values from before."""

_AT_ONCE = 10_000


class CsvImport:
    """Stages the rows of a CSV file. Raises SettingsError that names the line of what is wrong."""

    def __init__(self, path: Path, staged: StagedValues) -> None:
        self._path = path
        self._staged = staged
        self._named: set[str] = set()
        self.rows = 0

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
        self._staged.begin()
        rows: list[Row] = []
        for row in lines:
            rows.append(self._row(row, lines.line_num))
            if len(rows) >= _AT_ONCE:
                self._put(rows)
        self._put(rows)
        self._staged.commit()

    def _put(self, rows: list[Row]) -> None:
        self._staged.put(rows)
        self.rows += len(rows)
        rows.clear()

    def _row(self, row: dict[str, str | Any], line: int) -> Row:
        name = row["channel"] or ""
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or "." not in name.strip("."):
            raise self._wrong(line, "channel", name, "write it as battery.power")
        if name not in self._named:
            self._named.add(name)
            unit, kind = ((row.get(column) or "").removeprefix("'")[:LONGEST_UNIT] for column in ("unit", "kind"))
            self._staged.name(name, *(text if text.isprintable() else "" for text in (unit, kind)))
        value, quality = self._value(row, line), self._quality(row, line)
        if value is None and not row.get("quality"):
            quality = UNKNOWN
        return name, self._stamp(row["at"] or "", line), value, quality

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


def stage_csv(path: Path, staged: Path) -> None:
    """Stage the rows of a CSV file in a new file."""
    with closing(StagedValues(staged, made=False)) as values:
        CsvImport(path, values).stage()


def import_csv(path: Path, store: HistoryStore) -> Imported:
    """Take a CSV file into a history that no gateway uses."""
    done = Imported()
    with tempfile.TemporaryDirectory(prefix="efpi-import-") as folder:
        place = Path(folder) / "staged.db"
        stage_csv(path, place)
        with closing(StagedValues(place, made=True)) as staged:
            for channel in staged.channels():
                done.add(take_in(staged, channel, store))
    return done
