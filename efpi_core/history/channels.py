"""The channels of the history: one for each observation that ever had a value."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from efpi_core.history.counter import Reading
from efpi_core.history.kept_rows import number, stamp_ms, whole
from efpi_core.history.micro import kept
from efpi_core.history.number_column import MOST_DECIMALS

COUNTER = "counter"
"""The kind of what only counts up."""


@dataclass(slots=True)
class Channel:
    """What is known of one channel, beside its values."""

    id: int
    name: str
    unit: str = ""
    kind: str = ""
    modulus: float | None = None
    """The value at which a counter begins at 0 again."""
    flow: str = ""
    """Of the grid meter's counters "import" or "export"; of others empty."""
    decimals: int = 0
    oldest: int | None = None
    newest: int | None = None
    first: Reading | None = None
    """Of a counter or a power: the earliest reading, and the one that came last; of a power None when none holds."""
    last: Reading | None = None
    counted_until: int | None = None
    """The latest stamp up to which energy is counted, or estimated."""

    @property
    def counts(self) -> bool:
        """Whether it is a counter."""
        return self.kind == COUNTER

    @property
    def holds(self) -> bool:
        """Whether it is a power, whose energy is estimated."""
        return self.unit == "W" and not self.counts


class Channels:
    """All channels, by name and by number. What changes is written by `save`, within the transaction that caused it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._by_name: dict[str, Channel] = {}
        self._by_id: dict[int, Channel] = {}
        self._changed: dict[int, Channel] = {}
        self._highest = 0
        for row in connection.execute(_SELECT):
            self._add(_channel(row))

    def __iter__(self) -> Iterator[Channel]:
        """All, by name."""
        return iter(sorted(self._by_name.values(), key=lambda channel: channel.name))

    def __len__(self) -> int:
        """How many."""
        return len(self._by_name)

    def get(self, name: str) -> Channel | None:
        """The channel of a name, if there is one."""
        return self._by_name.get(name)

    def by_id(self, number: int) -> Channel | None:
        """The channel of a number, if there is one."""
        return self._by_id.get(number)

    def require(self, name: str, unit: str, kind: str, modulus: float | None = None, flow: str = "") -> Channel:
        """The channel of a name, made when it is missing, with what is known of it now."""
        channel = self._by_name.get(name)
        if channel is None:
            channel = Channel(self._highest + 1, name)
            self._add(channel)
            self._changed[channel.id] = channel
        known = (unit or channel.unit, kind or channel.kind, modulus or channel.modulus, flow or channel.flow)
        if known != (channel.unit, channel.kind, channel.modulus, channel.flow):
            channel.unit, channel.kind, channel.modulus, channel.flow = known
            self._changed[channel.id] = channel
        return channel

    def touch(self, channel: Channel) -> None:
        """A channel changed."""
        self._changed[channel.id] = channel

    def save(self, connection: sqlite3.Connection) -> None:
        """Write what changed."""
        connection.executemany(_UPSERT, [_row(channel) for channel in self._changed.values()])
        self._changed.clear()

    def _add(self, channel: Channel) -> None:
        self._by_name[channel.name] = channel
        self._by_id[channel.id] = channel
        self._highest = max(channel.id, self._highest)


_COLUMNS = (
    "id, name, unit, kind, modulus, flow, decimals, oldest, newest, first_at, first_amount, last_at, last_amount, "
    "counted_until"
)
_SELECT = f"SELECT {_COLUMNS} FROM channel"  # noqa: S608  # own names
_UPSERT = f"INSERT OR REPLACE INTO channel ({_COLUMNS}) VALUES ({', '.join('?' * 14)})"  # noqa: S608  # own names

SqlRow = tuple[int | float | str | None, ...]


def read_channel(connection: sqlite3.Connection, name: str) -> Channel | None:
    """One channel by its name, without the others."""
    row = connection.execute(f"{_SELECT} WHERE name = ?", (name,)).fetchone()
    return None if row is None else _channel(row)


def _channel(row: Any) -> Channel:
    _, _, _, _, modulus, _, decimals, oldest, newest = row[:9]
    first_at, first_amount, last_at, last_amount, counted_until = row[9:]
    name, unit, kind, flow = map(str, (row[1], row[2], row[3], row[5]))
    channel = Channel(row[0], name, unit, kind, number(modulus), flow)
    channel.decimals = decimals if decimals in range(MOST_DECIMALS + 1) else 0
    channel.oldest, channel.newest = stamp_ms(oldest), stamp_ms(newest)
    channel.first, channel.last = _reading(first_at, first_amount), _reading(last_at, last_amount)
    channel.counted_until = None if channel.first is None else stamp_ms(counted_until)
    return channel


def _reading(at: object, amount: object) -> Reading | None:
    known, shown = stamp_ms(at), whole(amount)
    return None if known is None or shown is None else Reading(known, shown)


def _row(channel: Channel) -> SqlRow:
    first, last = channel.first, channel.last
    return (
        channel.id,
        channel.name,
        channel.unit,
        channel.kind,
        channel.modulus,
        channel.flow,
        channel.decimals,
        channel.oldest,
        channel.newest,
        None if first is None else first.at,
        None if first is None else kept(first.amount),
        None if last is None else last.at,
        None if last is None else kept(last.amount),
        channel.counted_until,
    )
