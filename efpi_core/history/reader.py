"""Answers questions about the past: raw values, quarter hours, days, and what energy cost."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from efpi_core.history.channels import Channel, Channels, read_channel
from efpi_core.history.days import LocalDays
from efpi_core.history.facts import HistoryFacts
from efpi_core.history.following import follower_of
from efpi_core.history.kept_rows import whole_note
from efpi_core.history.prices import PriceBook, QuarterPrice, prices
from efpi_core.history.raw import raw_values
from efpi_core.history.rollup import QUARTER_S, Rollup, quarters_of
from efpi_core.history.rollup_table import RollupTable, summed
from efpi_core.history.series import Series

Unsealed = Callable[[int], Series | None]
"""What a channel has that is not sealed yet, by its number, in the order in which it came."""

ALWAYS = (0, 1 << 62)


@dataclass(frozen=True, slots=True)
class ChannelSpan:
    """A channel, and from when to when, in ms, there are raw values of it."""

    channel: Channel
    oldest: int | None
    newest: int | None


@dataclass(slots=True)
class Cost:
    """What energy at the grid meter cost in some time; energy in millionths of J."""

    imported: int = 0
    exported: int = 0
    cost: Decimal | None = None
    """In `currency`, positive is paid; None where no price is known."""
    currency: str = ""

    def add(self, other: "Cost") -> None:
        """Take in another time."""
        self.imported += other.imported
        self.exported += other.exported
        if other.cost is not None:
            self.cost = (self.cost or Decimal(0)) + other.cost
            self.currency = other.currency


class HistoryReader:
    """Reads a history as it was at one instant. Times are ms since 1970, quarter hours begin at s since 1970."""

    def __init__(self, connection: sqlite3.Connection, facts: HistoryFacts, unsealed: Unsealed) -> None:
        self._connection = connection
        self._facts = facts
        self._unsealed = unsealed
        self._table = RollupTable(connection)
        self._raw_from = whole_note(connection, "raw_from") or 0
        self.days_here = LocalDays(facts.time_zone)
        self.currency = facts.currency

    def channels(self) -> Iterator[ChannelSpan]:
        """All channels, by name."""
        for channel in Channels(self._connection):
            span = self.span(channel)
            yield ChannelSpan(channel, *(span or (None, None)))

    def channel(self, name: str) -> Channel | None:
        """One channel."""
        return read_channel(self._connection, name)

    def raw(self, channel: Channel, since: int, until: int) -> Series:
        """The values with stamps in [since, until)."""
        return raw_values(self._connection, channel.id, since, until, self._unsealed(channel.id))

    def span(self, channel: Channel) -> tuple[int, int] | None:
        """The stamps of its first and its last raw value; None when there is none."""
        stamps = [stamp for stamp in (channel.oldest, channel.newest) if stamp is not None]
        unsealed = self._unsealed(channel.id)
        if unsealed is not None and len(unsealed):
            stamps += (min(unsealed.stamps), max(unsealed.stamps))
        return (min(stamps), max(stamps)) if stamps else None

    def next_stamp(self, channel: Channel, since: int) -> int | None:
        """The stamp from which there may be raw values again, at or after another; None when there are none."""
        (begin,) = self._connection.execute(
            "SELECT min(max(first, ?)) FROM chunk WHERE channel = ? AND last >= ?", (since, channel.id, since)
        ).fetchone()
        unsealed = self._unsealed(channel.id)
        later = [stamp for stamp in (() if unsealed is None else unsealed.stamps) if stamp >= since]
        return min((stamp for stamp in (begin, min(later, default=None)) if stamp is not None), default=None)

    def count(self, channel: Channel, since: int, until: int) -> int:
        """How many raw values there are at most."""
        (sealed,) = self._connection.execute(
            "SELECT coalesce(sum(n), 0) FROM chunk WHERE channel = ? AND last >= ? AND first < ?",
            (channel.id, since, until),
        ).fetchone()
        unsealed = self._unsealed(channel.id)
        return int(sealed) + (0 if unsealed is None else len(unsealed))

    def quarters(self, channel: Channel, since: int, until: int) -> dict[int, Rollup]:
        """The quarter hours that begin in [since, until), in s, in order."""
        return dict(sorted(self._with_unsealed(channel, since, until).items()))

    def days(self, channel: Channel, first: date, last: date) -> dict[date, Rollup]:
        """The local days from one to another, both included, in order."""
        found = self._table.days(channel.id, first, last)
        fresh = self._fresh(channel)
        for day in self.days_here.days_of(fresh):
            if first <= day <= last:
                total = summed(self._with_unsealed(channel, *self.days_here.span(day), fresh).values())
                if total is not None:
                    found[day] = total
        return dict(sorted(found.items()))

    def _with_unsealed(
        self, channel: Channel, since: int, until: int, fresh: dict[int, Rollup] | None = None
    ) -> dict[int, Rollup]:
        found = self._table.quarters(channel.id, since, until)
        for start, rollup in (self._fresh(channel) if fresh is None else fresh).items():
            if since <= start < until:
                found[start] = self._together(channel, start, found.get(start), rollup)
        return found

    def _together(self, channel: Channel, start: int, known: Rollup | None, fresh: Rollup) -> Rollup:
        """A quarter hour of which a part is sealed."""
        if known is None:
            return fresh
        if self._is_whole(channel, start):
            return self._again(channel, start, known, fresh)
        fresh.add(known)
        return fresh

    def _is_whole(self, channel: Channel, start: int) -> bool:
        """Whether what is not sealed falls among what is, and the raw values tell the whole."""
        unsealed = self._unsealed(channel.id)
        if unsealed is None or channel.newest is None or not len(unsealed):
            return False
        return min(unsealed.stamps) <= channel.newest and start * 1000 > self._raw_from

    def _again(self, channel: Channel, start: int, known: Rollup, fresh: Rollup) -> Rollup:
        raw = self.raw(channel, start * 1000, (start + QUARTER_S) * 1000).good_numbers()
        made = quarters_of(raw).get(start, Rollup())
        made.counted, made.estimated = fresh.counted, fresh.estimated
        counted = Rollup(counted=known.counted, estimated=known.estimated)
        made.add(counted)
        return made

    def _fresh(self, channel: Channel) -> dict[int, Rollup]:
        """The quarter hours of what is not sealed, as the seal would make them."""
        unsealed = self._unsealed(channel.id)
        if unsealed is None or not len(unsealed):
            return {}
        quarters = quarters_of(unsealed.ordered().good_numbers())
        follower = follower_of(channel, self._facts.most_w, channel.last)
        if follower is not None:
            follower.take(unsealed)
            for start, counted in follower.quarters.items():
                quarters.setdefault(start, Rollup()).count(counted, by_counter=channel.counts)
        return quarters

    # --- money

    def costs(self, since: int, until: int) -> dict[int, Cost]:
        """What energy at the grid meter cost in the quarter hours that begin in [since, until), in order."""
        found: dict[int, Cost] = {}
        for channel in Channels(self._connection):
            if not channel.flow:
                continue
            for start, rollup in self.quarters(channel, since, until).items():
                cost = found.setdefault(start, Cost())
                if channel.flow == "import":
                    cost.imported += rollup.counted or 0
                else:
                    cost.exported += rollup.counted or 0
        known = prices(self._connection, since, until)
        book = PriceBook(self._facts)
        for start, cost in found.items():
            price: QuarterPrice | None = known.get(start) or book.price(start)
            if price is not None:
                cost.cost, cost.currency = price.cost(cost.imported, cost.exported), price.currency
        return dict(sorted(found.items()))

    def daily_costs(self, first: date, last: date) -> dict[date, Cost]:
        """The same by local days: the sums of their quarter hours."""
        found: dict[date, Cost] = {}
        since, until = self.days_here.span(first)[0], self.days_here.span(last)[1]
        for start, cost in self.costs(since, until).items():
            found.setdefault(self.days_here.day_of(start), Cost()).add(cost)
        return found
