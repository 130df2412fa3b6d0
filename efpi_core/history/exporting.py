"""Writes the history into a file for other programs: CSV, which can be imported again, or Parquet."""

import csv
import importlib
import math
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, TextIO

from efpi_core.errors import SettingsError
from efpi_core.history.answers import instant, stamp, values_view
from efpi_core.history.reader import HistoryReader
from efpi_core.history.series import QUALITIES
from efpi_core.history_views import Resolution
from efpi_core.plugin.observation import ObservedValue

COLUMNS = ("channel", "at", "value", "type", "quality", "unit", "kind")
"""Of raw values."""

FIGURES = ("at", "n", "mean", "low", "high", "total", "counted", "estimated", "energy", "energy_kwh")
ROLLUPS = ("channel", *FIGURES, "unit", "kind")
"""Of quarter hours and days."""

EXACT = ("total", "counted", "estimated", "energy")
"""Decimals of any length."""

NUMBER, TEXT, SWITCH, NONE = "number", "text", "switch", "none"

RISKY = "=+-@\t\r'"
"""A text that begins so may be taken for a formula by a spreadsheet; it gets a leading apostrophe."""

_SLICE = timedelta(days=1)

Row = tuple[object, ...]


class Sheet(Protocol):
    """Where rows go."""

    def write(self, rows: Iterable[Row]) -> None:
        """Write rows."""

    def close(self) -> None:
        """Finish."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be written."""

    channels: tuple[str, ...]
    since: datetime
    until: datetime
    resolution: Resolution

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return COLUMNS if self.resolution is Resolution.RAW else ROLLUPS


def export(reader: HistoryReader, wanted: Wanted, sheet: Sheet) -> int:
    """Write everything that is wanted, channel by channel and by time; returns how many rows."""
    count = 0
    with closing(sheet):
        for name in wanted.channels:
            for rows in _rows(reader, name, wanted):
                sheet.write(rows)
                count += len(rows)
    return count


def _rows(reader: HistoryReader, name: str, wanted: Wanted) -> Iterator[list[Row]]:
    if wanted.resolution is not Resolution.RAW:
        view = values_view(reader, name, wanted.since, wanted.until, wanted.resolution, most=1 << 40)
        columns = [view.columns.get(name) or [None] * len(view.columns["at"]) for name in FIGURES]
        yield [(name, *cells, view.unit, view.kind) for cells in zip(*columns, strict=True)]
        return
    channel = reader.channel(name)
    if channel is None:
        return
    span = reader.span(channel)
    if span is None:
        return
    begin, until = max(stamp(wanted.since), span[0]), min(stamp(wanted.until), span[1] + 1)
    step = _SLICE // timedelta(milliseconds=1)
    while begin < until:
        series = reader.raw(channel, begin, min(begin + step, until))
        qualities = series.qualities or bytes(len(series))
        yield [
            (name, instant(at), value, kind_of(value), QUALITIES[quality].value, channel.unit, channel.kind)
            for at, value, quality in zip(series.stamps, series.values, qualities, strict=True)
        ]
        later = reader.next_stamp(channel, begin + step)
        begin = until if later is None else max(later, begin + step)


def kind_of(value: ObservedValue) -> str:
    """The word for a value's type."""
    match value:
        case None:
            return NONE
        case bool():
            return SWITCH
        case str():
            return TEXT
        case _:
            return NUMBER


class CsvSheet:
    """Comma-separated values, in UTF-8 with a head line."""

    def __init__(self, file: TextIO, columns: tuple[str, ...]) -> None:
        self._file = file
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(columns)

    def write(self, rows: Iterable[Row]) -> None:
        """Write rows."""
        self._writer.writerows([[_written(cell) for cell in row] for row in rows])

    def close(self) -> None:
        """Finish."""
        self._file.flush()


def _written(cell: object) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "true" if cell else "false"
        case datetime():
            return cell.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case float():
            return repr(cell) if math.isfinite(cell) else ""
        case str():
            return f"'{cell}" if cell[:1] in tuple(RISKY) else cell
        case _:
            return str(cell)


class ParquetSheet:
    """A Parquet file, one row group a day of a channel. Raises SettingsError where pyarrow is not installed."""

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        try:
            self._arrow: Any = importlib.import_module("pyarrow")
            parquet: Any = importlib.import_module("pyarrow.parquet")
        except ImportError as error:
            raise SettingsError(
                str(path), "Parquet needs pyarrow, which is not installed", "pip install 'efpi[parquet]', or write .csv"
            ) from error
        self._columns = columns
        self._schema = self._arrow.schema([(name, self._type(name)) for name in self._names()])
        self._writer: Any = parquet.ParquetWriter(str(path), self._schema, compression="zstd")

    def _names(self) -> tuple[str, ...]:
        """A Parquet column has one type, so numbers and texts stand apart."""
        return tuple(name for one in self._columns for name in (("value", "text") if one == "value" else (one,)))

    def _type(self, name: str) -> Any:
        arrow = self._arrow
        if name == "at":
            return arrow.timestamp("ms", tz="UTC")
        if name in ("value", "mean", "low", "high", "energy_kwh"):
            return arrow.float64()
        if name in EXACT:
            return arrow.string()
        return arrow.int64() if name == "n" else arrow.string()

    def write(self, rows: Iterable[Row]) -> None:
        """Write rows."""
        found = list(rows)
        if not found:
            return
        columns: dict[str, list[object]] = {}
        for name, cells in zip(self._columns, zip(*found, strict=True), strict=True):
            if name == "value":
                columns["value"] = [_float(cell) for cell in cells]
                columns["text"] = [cell if isinstance(cell, str) else None for cell in cells]
            elif name in ("low", "high"):
                columns[name] = [_float(cell) for cell in cells]
            elif name in EXACT:
                columns[name] = [None if cell is None else str(cell) for cell in cells]
            else:
                columns[name] = list(cells)
        self._writer.write_table(self._arrow.table(columns, schema=self._schema))

    def close(self) -> None:
        """Finish."""
        self._writer.close()


def _float(cell: object) -> float | None:
    """A number or a switch as Parquet has it."""
    return float(cell) if isinstance(cell, int | float) else None
