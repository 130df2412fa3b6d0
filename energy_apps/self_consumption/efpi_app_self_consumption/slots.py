"""The coming day in quarters of an hour, on the marks of the wall clock."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

SLOT_S = 900
"""Length of a slot, s."""

HORIZON = 96
"""Slots that a plan looks ahead: a day."""


class Slots(NamedTuple):
    """The slots from the one that holds `now` on; the first of them has begun already."""

    now_s: float
    """The present instant in s since 1970."""
    first: int
    """Number of the slot that holds it, counted from 1970."""
    size: int

    @classmethod
    def ahead(cls, now: datetime, size: int = HORIZON) -> "Slots":
        """The coming slots at an instant."""
        now_s = now.timestamp()
        return cls(now_s, int(now_s // SLOT_S), size)

    def begin_s(self, place: int) -> float:
        """When a slot begins for us, in s since 1970: the first one now."""
        return self.now_s if place == 0 else float((self.first + place) * SLOT_S)

    def end_s(self, place: int) -> float:
        """When a slot ends, in s since 1970."""
        return float((self.first + place + 1) * SLOT_S)

    def begin(self, place: int) -> datetime:
        """When a slot begins for us."""
        return instant(self.begin_s(place))

    def place_of(self, instant_s: float) -> int:
        """The place of the slot that holds an instant; below 0 and beyond `size` outside."""
        return int(instant_s // SLOT_S) - self.first

    def lengths(self) -> list[float]:
        """How long each slot still lasts, in s."""
        return [self.end_s(0) - self.now_s, *([float(SLOT_S)] * (self.size - 1))]


def instant(seconds: float) -> datetime:
    """The instant so many s after 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def averages(elements: Iterable[tuple[timedelta, float]], start_s: float) -> tuple[int, list[float], list[float]]:
    """A stepped profile in slots: the first slot's number, each slot's average, and how much of it is covered.

    The averages count what is not covered as 0, so that value times slot length is the amount.
    """
    first = int(start_s // SLOT_S)
    sums: list[float] = [0.0]
    covered: list[float] = [0.0]
    at = start_s
    for duration, value in elements:
        until = at + duration.total_seconds()
        while at < until:
            place = int(at // SLOT_S) - first
            while place >= len(sums):
                sums.append(0.0)
                covered.append(0.0)
            ends = min(until, float((first + place + 1) * SLOT_S))
            sums[place] += value * (ends - at)
            covered[place] += ends - at
            at = ends
    return first, [amount / SLOT_S for amount in sums], [seconds / SLOT_S for seconds in covered]


def window(first: int, values: Sequence[float], slots: Slots, beyond: float = 0.0) -> list[float]:
    """The part of a row of slot values that falls on the coming slots; what the row does not hold is `beyond`."""
    offset = slots.first - first
    before = max(min(-offset, slots.size), 0)
    taken = list(values[max(offset, 0) : max(offset + slots.size, 0)])
    row = [beyond] * before + taken
    return row[: slots.size] + [beyond] * (slots.size - len(row))
