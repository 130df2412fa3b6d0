"""Quarter hours and days as they are kept, and the days made from their quarter hours."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from typing import Any

from efpi_core.history.days import LocalDays
from efpi_core.history.kept_rows import LATEST_S, begin_s, number, whole, whole_note
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
        found = {}
        for row in self._connection.execute(_QUARTERS, (channel, max(since, 0), min(until, LATEST_S))):
            rollup = _rollup(row)
            if rollup is not None and type(row[0]) is int:
                found[row[0]] = rollup
        return found

    def put_quarters(self, channel: int, quarters: dict[int, Rollup]) -> None:
        """Keep quarter hours, in the place of those that were."""
        self._connection.executemany(
            _PUT_QUARTER, [(channel, start, *_figures(rollup)) for start, rollup in quarters.items()]
        )

    def drop_quarters(self, channel: int, starts: Iterable[int]) -> None:
        """Delete quarter hours."""
        self._connection.executemany(
            "DELETE FROM quarter WHERE channel = ? AND start = ?", [(channel, start) for start in starts]
        )

    def days(self, channel: int, first: date, last: date) -> dict[date, Rollup]:
        """The days from one to another, both included."""
        rows = self._connection.execute(_DAYS, (channel, first.isoformat(), last.isoformat()))
        found = {}
        for row in rows:
            rollup = _rollup(row)
            with suppress(ValueError, TypeError):  # a date that is none
                if rollup is not None:
                    found[date.fromisoformat(row[0])] = rollup
        return found

    def make_days(self, channel: int, days: LocalDays, wanted: Iterable[date]) -> None:
        """Make days anew from their quarter hours; of one whose first quarter hours are gone the sums stay."""
        made = []
        whole_from = quarters_from(self._connection)
        for day in wanted:
            if days.span(day)[0] < whole_from:
                continue
            total = summed(self.quarters(channel, *days.span(day)).values())
            if total is not None:
                made.append((channel, day.isoformat(), *_figures(total)))
        self._connection.executemany(_PUT_DAY, made)

    def make_all_days(self, channels: Iterable[int], before: LocalDays, days: LocalDays) -> None:
        """Make all days anew, as when the site's time zone is another one; those whose quarter hours are gone stay.

        The day in which the quarter hours begin is no whole one by the new clock: they are added to it, and go.
        """
        whole_from = quarters_from(self._connection)
        border = days.span(days.day_of(whole_from))[1]
        if not whole_from or days.span(days.day_of(whole_from))[0] == whole_from:
            border = whole_from
        first = before.day_of(whole_from).isoformat() if whole_from else ""
        self._connection.execute("DELETE FROM day WHERE date >= ?", (first,))
        for channel in channels:
            self.add_to_days(channel, days, self.quarters(channel, whole_from, border))
            self.make_days(channel, days, sorted(days.days_of(self.quarters(channel, border, 1 << 62))))
        if border != whole_from:
            forget_quarters(self._connection, border)

    def add_to_days(self, channel: int, days: LocalDays, quarters: dict[int, Rollup]) -> None:
        """Add quarter hours to days whose own are gone."""
        for start, rollup in quarters.items():
            day = days.day_of(start)
            rollup.add(self.days(channel, day, day).get(day, Rollup()))
            self._connection.execute(_PUT_DAY, (channel, day.isoformat(), *_figures(rollup)))


def quarters_from(connection: sqlite3.Connection) -> int:
    """From which begin on, in s, all quarter hours are there; 0 when none was ever deleted."""
    return begin_s(whole_note(connection, "quarters_from")) or 0


def forget_quarters(connection: sqlite3.Connection, until: int) -> None:
    """Delete the quarter hours before a midnight, within the caller's transaction."""
    connection.execute("DELETE FROM quarter WHERE start < ?", (until,))
    connection.execute("INSERT OR REPLACE INTO note (name, value) VALUES ('quarters_from', ?)", (str(until),))


def summed(rollups: Iterable[Rollup]) -> Rollup | None:
    """Several times as one; None when there is none."""
    total: Rollup | None = None
    for rollup in rollups:
        if total is None:
            total = Rollup()
        total.add(rollup)
    return total


def _rollup(row: Any) -> Rollup | None:
    """None for a row that no history wrote."""
    _, n, total, low, high, counted, estimated = row
    if type(n) is type(total) is type(estimated) is int and type(low) is type(high) is float and counted is None:
        return Rollup(n, total, low, high, None, estimated)
    n, total, estimated = whole(n), whole(total), whole(estimated)
    if n is None or total is None or estimated is None:
        return None
    return Rollup(n, total, number(low), number(high), whole(counted), estimated)


def _figures(rollup: Rollup) -> Iterator[int | float | str | None]:
    yield rollup.n
    yield kept(rollup.total)
    yield rollup.low
    yield rollup.high
    yield None if rollup.counted is None else kept(rollup.counted)
    yield kept(rollup.estimated)
