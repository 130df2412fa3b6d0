"""The history in its file: takes in batches, seals them into chunks and rollups, keeps itself within bounds.

All writing happens in one thread, the caller's. Questions may come from any other: they see the file as it was at
one instant, together with what was not sealed at that instant.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from efpi_core.history.bounding import keep_within, used_bytes
from efpi_core.history.channels import Channel, Channels
from efpi_core.history.days import LocalDays
from efpi_core.history.facts import HistoryFacts
from efpi_core.history.history_file import begin_anew, open_for_reading, open_history, refuse_full
from efpi_core.history.incoming import Incoming
from efpi_core.history.kept_rows import whole_note, zone_note
from efpi_core.history.looking import kept_tail
from efpi_core.history.prices import PriceBook
from efpi_core.history.raw import raw_values
from efpi_core.history.reader import HistoryReader
from efpi_core.history.rebuilding import Rebuilder, newest_chunk, note_imported
from efpi_core.history.rollup import QUARTER_S
from efpi_core.history.rollup_table import RollupTable
from efpi_core.history.sealer import CounterTurn, Sealer
from efpi_core.history.series import Series
from efpi_core.history.tail import Batch, Tail, pack_batch
from efpi_core.history.wear import Wear
from efpi_core.plugin.observation import ObservedValue

HOUR_MS = 3_600_000

LEAST_IN_CHUNK = 60
"""Channels with fewer values wait for the next seal; a chunk of its own costs as much as thirty values."""

LONGEST_WAIT_MS = 24 * HOUR_MS
"""But no longer than this."""

MOST_IN_TAIL = 250_000
"""With so many values in memory they are sealed before the hour is over; some four to ten megabytes."""

T = TypeVar("T")


class HistoryStore:
    """One open history. Raises OSError, sqlite3.Error and SettingsError where the file cannot be used."""

    def __init__(self, path: Path, facts: HistoryFacts) -> None:
        self.path = path
        self.facts = facts
        opened = open_history(path)
        self.rescued = opened.rescued
        self._connection = opened.connection
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._reading: sqlite3.Connection | None = None
        self._wear = Wear(path)
        self._channels = Channels(self._connection)
        self._tail = Tail()
        self._raw_from = 0
        self._priced = 0
        self.batches = 0
        """Batches that were kept."""
        self._sealed_hour: int | None = None
        try:
            self._load()
        except BaseException:
            self.close()
            raise

    def _load(self) -> None:
        self._channels = Channels(self._connection)
        self._tail = kept_tail(self._connection)
        self._raw_from = whole_note(self._connection, "raw_from") or 0
        self._sealed_hour = whole_note(self._connection, "sealed_hour")
        self._take_time_zone()

    def close(self) -> None:
        """Let go of the file; what is not sealed stays in it."""
        with self._asking:
            for connection in (self._reading, self._connection):
                if connection is not None:
                    with suppress(sqlite3.Error):
                        connection.close()
            self._reading = None

    # --- taking in

    def append(self, incoming: Mapping[str, Incoming], now_ms: int) -> list[CounterTurn]:
        """Keep what came, in one transaction; seals when it is time to. Returns what counters did beside counting."""
        refuse_full(self.path.parent)
        if incoming:
            self._write_batch(incoming, now_ms)
        if self._sealed_hour is None:
            self._sealed_hour = now_ms // HOUR_MS
        hour_is_over = self._sealed_hour != now_ms // HOUR_MS
        return self.seal(now_ms) if hour_is_over or self._tail.size >= MOST_IN_TAIL else []

    def _write_batch(self, incoming: Mapping[str, Incoming], now_ms: int) -> None:
        flows = dict(self.facts.flows)
        with self._transaction() as connection:
            batch: Batch = {}
            for name, came in incoming.items():
                channel = self._channels.require(name, came.unit, came.kind, came.modulus, flows.get(name, ""))
                batch[channel.id] = came.series()
            self._channels.save(connection)
            connection.execute("INSERT INTO tail (content) VALUES (?)", (pack_batch(batch),))
            if flows.keys() & incoming.keys():
                self._keep_price(connection, now_ms // 1000 // QUARTER_S * QUARTER_S)
            self._commit(lambda: self._tail.extend(batch))
        self.batches += 1
        self._wear.note(self._connection, now_ms)

    def _keep_price(self, connection: sqlite3.Connection, quarter: int) -> None:
        """The price of the present quarter hour, as soon as there is energy in it."""
        if quarter != self._priced:
            PriceBook(self.facts).keep(connection, (quarter,))
            self._priced = quarter

    def seal(self, now_ms: int, *, all_of_it: bool = False) -> list[CounterTurn]:
        """Turn the tail into chunks and rollups, in one transaction; then see to the bounds."""
        refuse_full(self.path.parent)
        all_of_it = all_of_it or self._tail.size >= MOST_IN_TAIL
        left = Tail()
        with self._transaction() as connection:
            sealer = Sealer(connection, self.facts, self._raw_from)
            waiting: Batch = {}
            for number, column in self._tail:
                series = column.series()
                channel = self._channels.by_id(number)
                if channel is None:
                    continue
                if all_of_it or len(series) >= LEAST_IN_CHUNK or abs(now_ms - series.stamps[0]) > LONGEST_WAIT_MS:
                    sealer.add(channel, series)
                    self._channels.touch(channel)
                else:
                    waiting[number] = series
            sealer.finish()
            self._channels.save(connection)
            connection.execute("DELETE FROM tail")
            if waiting:
                connection.execute("INSERT INTO tail (content) VALUES (?)", (pack_batch(waiting),))
                left.extend(waiting)
            _put_note(connection, "sealed_hour", str(now_ms // HOUR_MS))
            self._commit(lambda: setattr(self, "_tail", left))
        self._sealed_hour = now_ms // HOUR_MS
        self._tidy(now_ms)
        return sealer.turns

    def load(self, channel: Channel, series: Iterable[Series], *, imported: bool = True) -> list[CounterTurn]:
        """Seal whole chunks of a channel in one transaction: an import, in the order that `Importer` says."""
        refuse_full(self.path.parent)
        with self._transaction() as connection:
            sealer = Sealer(connection, self.facts, self._raw_from)
            before = newest_chunk(connection)
            for part in series:
                sealer.add(channel, part, imported=imported)
            if imported:
                note_imported(connection, before + 1, newest_chunk(connection))
            self._channels.touch(channel)
            sealer.finish()
            self._channels.save(connection)
            self._commit(lambda: None)
        return sealer.turns

    def rebuild(self, name: str) -> int:
        """Make quarter hours and days of a channel anew from its sealed values; returns how many are others now."""
        channel = self._channels.get(name)
        if channel is None:
            return 0
        with self._transaction() as connection:
            changed = Rebuilder(connection, self.facts, self._raw_from).rebuild(channel)
            self._channels.touch(channel)
            self._channels.save(connection)
            self._commit(lambda: None)
        return changed

    def names(self) -> tuple[str, ...]:
        """All channels, in order."""
        return tuple(channel.name for channel in self._channels)

    def channel(self, name: str, unit: str = "", kind: str = "") -> Channel:
        """A channel, made when it is missing; written with its first values."""
        return self._channels.require(name, unit, kind)

    def without_known(self, name: str, series: Series) -> tuple[Series, int]:
        """The rows of a series, by stamp, that are not there already as they are; and how many are."""
        channel = self._channels.get(name)
        if channel is None or not len(series):
            return series, 0
        begin, end = series.stamps[0], series.stamps[-1] + 1
        there = raw_values(self._connection, channel.id, begin, end, self._tail.series(channel.id))
        qualities = there.qualities or bytes(len(there))
        known = {
            at: (type(value), value, quality)
            for at, value, quality in zip(there.stamps, there.values, qualities, strict=True)
        }
        came = series.qualities or bytes(len(series))
        fresh = [
            place
            for place, (at, value) in enumerate(zip(series.stamps, series.values, strict=True))
            if not _same(known.get(at), value, came[place])
        ]
        return series.at(fresh), len(series) - len(fresh)

    def without_summed_up(self, name: str, series: Series) -> Series:
        """The rows of a series whose time is not one of which only quarter hours are kept."""
        channel = self._channels.get(name)
        if channel is None or not len(series) or series.stamps[0] >= self._raw_from:
            return series
        begin, end = series.stamps[0] // 1000 // QUARTER_S * QUARTER_S, series.stamps[-1] // 1000 + 1
        summed = RollupTable(self._connection).quarters(channel.id, begin, end)
        kept = [
            place
            for place, at in enumerate(series.stamps)
            if at >= self._raw_from or at // 1000 // QUARTER_S * QUARTER_S not in summed
        ]
        return series.at(kept)

    def _tidy(self, now_ms: int) -> None:
        """Move the log into the file, delete what is too much, and note what was written."""
        moved = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        self._wear.moved(moved)
        before = self._raw_from
        self._raw_from = keep_within(self._connection, self.facts.policy, now_ms, before)
        if self._raw_from != before:
            with self._transaction() as connection:
                self._note_oldest(connection)
                self._commit(lambda: None)
        self._wear.keep(self._connection, now_ms)

    def _note_oldest(self, connection: sqlite3.Connection) -> None:
        oldest = dict(connection.execute("SELECT channel, min(first) FROM chunk GROUP BY channel"))
        for channel in self._channels:
            if channel.oldest != oldest.get(channel.id):
                channel.oldest = oldest.get(channel.id)
                self._channels.touch(channel)
        self._channels.save(connection)

    # --- the site

    def take_facts(self, facts: HistoryFacts) -> None:
        """The site is another one; a new time zone makes the days anew."""
        self.facts = facts
        self._take_time_zone()

    def _take_time_zone(self) -> None:
        zone = self.facts.time_zone
        kept = zone_note(self._connection)
        if kept == zone:
            return
        before = kept or zone
        with self._transaction() as connection:
            channels = [channel.id for channel in self._channels]
            RollupTable(connection).make_all_days(channels, LocalDays(before), LocalDays(zone))
            _put_note(connection, "time_zone", zone)
            self._commit(lambda: None)

    # --- transactions

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it, or nothing: the channels in memory follow the file."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
        except BaseException:
            with suppress(sqlite3.Error):
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                self._channels = Channels(self._connection)
            raise

    def _commit(self, then: Callable[[], None]) -> None:
        """Commit, and change what is in memory, in one step for those who ask."""
        with self._lock:
            self._connection.execute("COMMIT")
            then()

    def begin_anew(self, error: sqlite3.Error) -> str:
        """The file is damaged: set it aside, save what can be read, go on; returns what happened, for people."""
        self.close()
        opened = begin_anew(self.path, error)
        self._connection = opened.connection
        self._wear = Wear(self.path)
        self._load()
        return opened.rescued

    # --- asking

    def ask(self, question: Callable[[HistoryReader], T]) -> T:
        """Answer a question from the file and the tail as they were at one instant. May be called in any thread."""
        with self._asking:
            if self._reading is None:
                self._reading = open_for_reading(self.path)
            reading = self._reading
            with self._lock:
                reading.execute("BEGIN")
                reading.execute("SELECT 1 FROM note").fetchone()  # from here on the file stands still for this reader
                tail = self._tail
                sizes = {number: len(column.stamps) for number, column in tail}
                columns = dict(tail)
            try:
                return question(
                    HistoryReader(
                        reading,
                        self.facts,
                        lambda number: columns[number].series().part(0, sizes[number]) if number in columns else None,
                    )
                )
            finally:
                reading.execute("ROLLBACK")

    @property
    def used_bytes(self) -> int:
        """What the content takes on the disk."""
        return used_bytes(self._connection)

    @property
    def wear(self) -> Wear:
        """What was written to the disk."""
        return self._wear


def _put_note(connection: sqlite3.Connection, name: str, value: str) -> None:
    connection.execute("INSERT OR REPLACE INTO note (name, value) VALUES (?, ?)", (name, value))


def _same(known: tuple[type, ObservedValue, int] | None, value: ObservedValue, quality: int) -> bool:
    """Whether a value is there already; a whole number and the float that it equals are the same."""
    if known is None or known[1] != value or known[2] != quality:
        return False
    return (known[0] is bool) is isinstance(value, bool)
