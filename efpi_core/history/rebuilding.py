"""Makes quarter hours and days anew from the raw values, as after an update that keeps more of them, or an import.

Only where all raw values are there; what is summed up and gone raw stays as it is, and so do the quarter hours of a
damaged chunk.
"""

import sqlite3
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from efpi_core.history.channels import Channel
from efpi_core.history.chunk import DamagedChunkError, decode
from efpi_core.history.days import LocalDays
from efpi_core.history.facts import HistoryFacts
from efpi_core.history.following import Follower, first_reading, follower_of
from efpi_core.history.kept_rows import note, whole
from efpi_core.history.prices import PriceBook
from efpi_core.history.raw import raw_values
from efpi_core.history.rollup import QUARTER_S, Rollup, quarters_of
from efpi_core.history.rollup_table import RollupTable, quarters_from

DAY_MS = 86_400_000

_FARTHEST = 1 << 63


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Where a chunk is, and its first and last stamp."""

    id: int
    first: int
    last: int


class Rebuilder:
    """Makes the sums of channels anew, each within one transaction of the caller's.

    `raw_from`: raw values up to this stamp, in ms, are not all there.
    """

    def __init__(self, connection: sqlite3.Connection, facts: HistoryFacts, raw_from: int) -> None:
        self._connection = connection
        self._facts = facts
        self._table = RollupTable(connection)
        self._days = LocalDays(facts.time_zone)
        self._from = max(-(-raw_from // 1000 // QUARTER_S) * QUARTER_S, quarters_from(connection))

    def rebuild(self, channel: Channel) -> int:
        """Make the quarter hours and days of a channel anew; returns how many quarter hours are others now."""
        chunks = self._chunks(channel)
        if not chunks:
            return 0
        follower = follower_of(channel, self._facts.most_w, None)
        days, damaged = self._read(channel, follower, chunks)
        made = self._made(channel, days)
        for start, counted in ({} if follower is None else follower.quarters).items():
            if start >= self._from:
                made.setdefault(start, Rollup()).count(counted, by_counter=channel.counts)
        return self._replace(channel, made, _around(damaged))

    def _chunks(self, channel: Channel) -> list[_Chunk]:
        """In the order in which their values came; those that were imported later stand where their time is."""
        rows = self._connection.execute(
            "SELECT id, first, last FROM chunk WHERE channel = ? ORDER BY id", (channel.id,)
        ).fetchall()
        imported = _imported(self._connection)
        chunks = [_Chunk(*row) for row in rows]
        found = [chunk for chunk in chunks if not _within(imported, chunk.id)]
        for chunk in chunks:
            if _within(imported, chunk.id):
                found.insert(_place(found, chunk), chunk)
        return found

    def _read(self, channel: Channel, follower: Follower | None, chunks: list[_Chunk]) -> tuple[set[int], list[_Chunk]]:
        """Sum the energy, and note what a seal goes on from; returns the days with values, and what is damaged."""
        first = None
        days: set[int] = set()
        damaged: list[_Chunk] = []
        for chunk in chunks:
            (content,) = self._connection.execute("SELECT content FROM chunk WHERE id = ?", (chunk.id,)).fetchone()
            try:
                came = decode(content)
            except DamagedChunkError:
                damaged.append(chunk)
                continue
            days.update(stamp // DAY_MS for stamp in came.stamps)
            if follower is not None:
                follower.take(came)
                first = first or first_reading(came)
        if follower is not None and not damaged:
            channel.last, channel.first = follower.last, first
            channel.counted_until = max(chunk.last for chunk in chunks) if first is not None else None
        return days, damaged

    def _made(self, channel: Channel, days: set[int]) -> dict[int, Rollup]:
        """Numbers and sums, a day of UTC at a time."""
        made: dict[int, Rollup] = {}
        for day in sorted(days):
            raw = raw_values(self._connection, channel.id, max(day * DAY_MS, self._from * 1000), (day + 1) * DAY_MS)
            made |= quarters_of(raw.good_numbers())
        return made

    def _replace(self, channel: Channel, made: dict[int, Rollup], kept: Callable[[int], bool]) -> int:
        since = min(made, default=self._from)
        known = self._table.quarters(channel.id, since, max(made, default=since) + 1)
        fresh = {start: rollup for start, rollup in made.items() if not kept(start) and rollup != known.get(start)}
        gone = [start for start in known if start not in made and not kept(start)]
        self._table.put_quarters(channel.id, fresh)
        if channel.flow:
            PriceBook(self._facts).keep(self._connection, fresh)
        self._table.drop_quarters(channel.id, gone)
        self._table.make_days(channel.id, self._days, self._days.days_of((*fresh, *gone)))
        return len(fresh) + len(gone)


def _place(found: list[_Chunk], chunk: _Chunk) -> int:
    """Where a chunk belongs: at the end, unless all of it lies before what came earlier, or in a gap of that."""
    if not found or chunk.first > found[-1].last:
        return len(found)
    for place in range(len(found) - 1, -1, -1):
        before = found[place - 1].last if place else -1
        if before < chunk.first and chunk.last < found[place].first:
            return place
    return len(found)


_NOTE = "imported"
_MOST_SPANS = 2000
"""Of the numbers of imported chunks; of earlier imports it is forgotten that they were some."""


def newest_chunk(connection: sqlite3.Connection) -> int:
    """The number of the chunk that was written last; 0 when there is none."""
    (number,) = connection.execute("SELECT max(id) FROM chunk").fetchone()
    return number or 0


def note_imported(connection: sqlite3.Connection, first: int, last: int) -> None:
    """Keep that chunks were imported, within the caller's transaction: their order tells nothing of their time."""
    if last < first:
        return
    spans = _imported(connection)
    if spans and spans[-1][1] == first - 1:
        first = spans.pop()[0]
    told = ",".join(f"{begin}-{end}" for begin, end in (*spans, (first, last))[-_MOST_SPANS:])
    connection.execute("INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)", (_NOTE, told))


def _imported(connection: sqlite3.Connection) -> list[tuple[int, int]]:
    spans = []
    for span in (note(connection, _NOTE) or "").split(","):
        begin, _, end = span.partition("-")
        known = whole(begin), whole(end)
        if known[0] is not None and known[1] is not None:
            spans.append((known[0], known[1]))
    return sorted(spans)


def _within(spans: list[tuple[int, int]], number: int) -> bool:
    place = bisect_right(spans, (number, _FARTHEST)) - 1
    return place >= 0 and spans[place][0] <= number <= spans[place][1]


def _around(damaged: list[_Chunk]) -> Callable[[int], bool]:
    """Whether a quarter hour has a part in the time of damaged chunks, or the step that follows them."""
    spans = [(chunk.first // 1000 - QUARTER_S, chunk.last // 1000 + QUARTER_S) for chunk in damaged]
    return lambda start: any(begin <= start <= end for begin, end in spans)
