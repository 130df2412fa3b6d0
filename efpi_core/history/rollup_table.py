"""Quarter hours and days as they are kept, and the days made from their quarter hours."""

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from efpi_core.history.days import LocalDays
from efpi_core.history.micro import kept
from efpi_core.history.rollup import Rollup

_FIGURES = "n, total, low, high, counted, estimated"
_QUARTERS = f"SELECT start, {_FIGURES} FROM quarter WHERE channel = ? AND start >= ? AND start < ? ORDER BY start"  # noqa: S608  # own names
_DAYS = f"SELECT date, {_FIGURES} FROM day WHERE channel = ? AND date >= ? AND date <= ? ORDER BY date"  # noqa: S608  # own names
_PUT_QUARTER = f"INSERT OR REPLACE INTO quarter (channel, start, {_FIGURES}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  # own names
_PUT_DAY = f"INSERT OR REPLACE INTO day (channel, date, {_FIGURES}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  # own names


class RollupTable:
    """The two tables, behind one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def quarters(self, channel: int, since: int, until: int) -> dict[int, Rollup]:
        """The quarter hours that begin in [since, until), in s."""
        return {row[0]: _rollup(row) for row in self._connection.execute(_QUARTERS, (channel, since, until))}

    def put_quarters(self, channel: int, quarters: dict[int, Rollup]) -> None:
        """Keep quarter hours, in the place of those that were."""
        self._connection.executemany(
            _PUT_QUARTER, [(channel, start, *_figures(rollup)) for start, rollup in quarters.items()]
        )

    def days(self, channel: int, first: date, last: date) -> dict[date, Rollup]:
        """The days from one to another, both included."""
        rows = self._connection.execute(_DAYS, (channel, first.isoformat(), last.isoformat()))
        return {date.fromisoformat(row[0]): _rollup(row) for row in rows}

    def make_days(self, channel: int, days: LocalDays, wanted: Iterable[date]) -> None:
        """Make days anew from their quarter hours."""
        made = []
        for day in wanted:
            total = summed(self.quarters(channel, *days.span(day)).values())
            if total is not None:
                made.append((channel, day.isoformat(), *_figures(total)))
        self._connection.executemany(_PUT_DAY, made)

    def make_all_days(self, channels: Iterable[int], days: LocalDays) -> None:
        """Make all days anew, as when the site's time zone is another one; those whose quarter hours are gone stay."""
        for channel in channels:
            quarters = self.quarters(channel, 0, 1 << 62)
            wanted = days.days_of(quarters)
            if wanted:
                self._connection.execute(
                    "DELETE FROM day WHERE channel = ? AND date >= ?", (channel, min(wanted).isoformat())
                )
                self.make_days(channel, days, sorted(wanted))


def summed(rollups: Iterable[Rollup]) -> Rollup | None:
    """Several times as one; None when there is none."""
    total: Rollup | None = None
    for rollup in rollups:
        if total is None:
            total = Rollup()
        total.add(rollup)
    return total


def _rollup(row: Any) -> Rollup:
    _, n, total, low, high, counted, estimated = row
    return Rollup(n, int(total), low, high, None if counted is None else int(counted), int(estimated))


def _figures(rollup: Rollup) -> Iterator[int | float | str | None]:
    yield rollup.n
    yield kept(rollup.total)
    yield rollup.low
    yield rollup.high
    yield None if rollup.counted is None else kept(rollup.counted)
    yield kept(rollup.estimated)
