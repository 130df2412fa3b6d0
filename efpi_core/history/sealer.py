"""Seals values: a chunk, its quarter hours and days, what counters counted, and the prices of that time.

Everything here happens within one transaction of the caller's, so that a seal is whole or did not happen.
"""

import sqlite3
from dataclasses import dataclass

from efpi_core.history.channels import Channel
from efpi_core.history.chunk import encode
from efpi_core.history.counter import Reading, Turn
from efpi_core.history.days import LocalDays
from efpi_core.history.facts import HistoryFacts
from efpi_core.history.following import Follower, first_reading, follower_of
from efpi_core.history.prices import PriceBook
from efpi_core.history.raw import raw_values
from efpi_core.history.rollup import QUARTER_S, Rollup, quarters_of
from efpi_core.history.rollup_table import RollupTable, quarters_from
from efpi_core.history.series import Series, Span


@dataclass(frozen=True, slots=True)
class CounterTurn:
    """A counter did something beside counting."""

    channel: str
    turn: Turn
    before: Reading
    after: Reading


class Sealer:
    """Takes in the values of many channels. `raw_from`: raw values up to this stamp, in ms, are not all there."""

    def __init__(self, connection: sqlite3.Connection, facts: HistoryFacts, raw_from: int) -> None:
        self._connection = connection
        self._facts = facts
        self._raw_from = raw_from
        self._table = RollupTable(connection)
        self._quarters_from = quarters_from(connection)
        self._days = LocalDays(facts.time_zone)
        self._prices = PriceBook(facts)
        self._touched: dict[int, set[int]] = {}
        self._earlier: dict[int, tuple[Channel, Follower]] = {}
        self._first_after: dict[int, Reading] = {}
        self.turns: list[CounterTurn] = []

    def add(self, channel: Channel, series: Series, *, imported: bool = False) -> None:
        """Seal a series, never an empty one, as it came; or one that goes up in time and is imported."""
        encoded = encode(series, channel.decimals)
        series.rising = ascending = encoded.rising
        series.stamps = encoded.stamps or series.stamps
        if encoded.scaled is not None:
            channel.decimals = encoded.scaled.exponent
        first, last = (series.stamps[0], series.stamps[-1]) if ascending else (min(series.stamps), max(series.stamps))
        self._connection.execute(
            "INSERT INTO chunk (channel, first, last, n, content) VALUES (?, ?, ?, ?, ?)",
            (channel.id, first, last, len(series), encoded.content),
        )
        overlaps = channel.newest is not None and first <= channel.newest
        channel.oldest = first if channel.oldest is None else min(first, channel.oldest)
        channel.newest = last if channel.newest is None else max(last, channel.newest)
        ordered = series if ascending else series.ordered()
        all_good = encoded.scaled is not None and not any(series.qualities or b"")
        good = ordered if all_good else ordered.good_numbers()
        quarters = quarters_of(good, encoded.scaled.exponent if encoded.scaled is not None else None)
        if overlaps:
            quarters = self._again(channel, ordered, quarters)
        else:
            self._add_to_kept(channel, quarters)
        if channel.counts or channel.holds:
            span = Span(encoded.scaled.exponent, _largest(quarters)) if all_good and encoded.scaled else None
            self._follow(channel, series, span, quarters, imported=imported)
        self._put(channel, quarters)

    def _put(self, channel: Channel, quarters: dict[int, Rollup]) -> None:
        """Keep quarter hours; those of a time of which only days are left are added to their days."""
        gone = {start: rollup for start, rollup in quarters.items() if start < self._quarters_from}
        self._table.add_to_days(channel.id, self._days, gone)
        kept = {start: rollup for start, rollup in quarters.items() if start >= self._quarters_from}
        self._table.put_quarters(channel.id, kept)
        self._touched.setdefault(channel.id, set()).update(kept)

    def finish(self) -> None:
        """Make the days anew that were touched."""
        self._join_earlier()
        for channel, quarters in self._touched.items():
            self._table.make_days(channel, self._days, self._days.days_of(quarters))
        self._touched.clear()

    def _add_to_kept(self, channel: Channel, quarters: dict[int, Rollup]) -> None:
        """Add to the quarter hours what is kept of them already."""
        if not quarters:
            return
        for start, known in self._table.quarters(channel.id, min(quarters), max(quarters) + 1).items():
            if start in quarters:
                quarters[start].add(known)

    def _again(self, channel: Channel, series: Series, quarters: dict[int, Rollup]) -> dict[int, Rollup]:
        """The quarter hours of a series that falls among values that were sealed before it.

        Where all raw values are there they are made anew from them, so that a value at the stamp of another counts in
        its place; else what came is added. What a counter counted stays.
        """
        touched = {stamp // 1000 // QUARTER_S * QUARTER_S for stamp in series.stamps}
        whole = {start for start in touched if start * 1000 > self._raw_from}
        added = {start: rollup for start, rollup in quarters.items() if start not in whole}
        self._add_to_kept(channel, added)
        for begin, end in _spans(whole):
            known = self._table.quarters(channel.id, begin, end)
            raw = raw_values(self._connection, channel.id, begin * 1000, end * 1000)
            made = quarters_of(raw.good_numbers())
            for start in made.keys() | known.keys():
                rollup = made.get(start, Rollup())
                before = known.get(start, Rollup())
                rollup.counted, rollup.estimated = before.counted, before.estimated
                added[start] = rollup
        return added

    # --- energy

    def _follow(
        self, channel: Channel, came: Series, span: Span | None, quarters: dict[int, Rollup], *, imported: bool
    ) -> None:
        """Follow readings or power. Of imported ones those count that lie outside of what was counted already."""
        if imported and channel.first is not None and channel.counted_until is not None:
            begin, end = self._first_before(channel, channel.first).at, channel.counted_until
            self._follow_earlier(
                channel, channel.first, came.at([n for n, at in enumerate(came.stamps) if at < begin]), quarters
            )
            came = came.at([n for n, at in enumerate(came.stamps) if at > end])
        follower = follower_of(channel, self._facts.most_w, channel.last)
        came = came.good_numbers() if channel.counts else came
        if follower is None or not len(came):
            return
        follower.take(came, span)
        first = first_reading(came) if channel.first is None else channel.first
        if first is not None:
            channel.first, channel.last = first, follower.last
            latest = came.stamps[-1] if came.rising else max(came.stamps)
            channel.counted_until = max(latest, channel.counted_until or 0)
            self._take(channel, follower, quarters)

    def _follow_earlier(self, channel: Channel, first: Reading, came: Series, quarters: dict[int, Rollup]) -> None:
        """Follow imported values of before the first reading that is known."""
        earliest = first_reading(came)
        follower = follower_of(channel, self._facts.most_w, None)
        if earliest is None or follower is None:
            return
        if channel.id not in self._earlier:
            self._earlier[channel.id] = (channel, follower)
            self._first_after[channel.id] = first
            channel.first = earliest
        follower = self._earlier[channel.id][1]
        follower.take(came)
        self._take(channel, follower, quarters)

    def _first_before(self, channel: Channel, first: Reading) -> Reading:
        """The first reading before this import began."""
        return self._first_after.get(channel.id, first)

    def _take(self, channel: Channel, follower: Follower, quarters: dict[int, Rollup]) -> None:
        """Add energy to the quarter hours; those that are not among them are read first."""
        missing = {start: Rollup() for start in follower.quarters if start not in quarters}
        self._add_to_kept(channel, missing)
        quarters |= missing
        for start, counted in follower.quarters.items():
            quarters[start].count(counted, by_counter=channel.counts)
        if channel.flow:
            self._prices.keep(self._connection, follower.quarters)
        self.turns.extend(CounterTurn(channel.name, *turn) for turn in follower.turns)
        follower.quarters.clear()
        follower.turns.clear()

    def _join_earlier(self) -> None:
        """The step from the last of the earlier readings that were imported to the first that was there before."""
        for channel, follower in self._earlier.values():
            follower.step(self._first_after[channel.id])
            quarters: dict[int, Rollup] = {}
            self._take(channel, follower, quarters)
            self._put(channel, quarters)
        self._earlier.clear()
        self._first_after.clear()


def _largest(quarters: dict[int, Rollup]) -> float:
    """How far from 0 the values of quarter hours are at most."""
    return max(max(-one.low, one.high) for one in quarters.values() if one.low is not None and one.high is not None)


def _spans(starts: set[int]) -> list[tuple[int, int]]:
    """Quarter hours that follow each other as one span."""
    spans: list[tuple[int, int]] = []
    for start in sorted(starts):
        if spans and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], start + QUARTER_S)
        else:
            spans.append((start, start + QUARTER_S))
    return spans
