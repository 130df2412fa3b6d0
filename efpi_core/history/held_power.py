"""The energy of what has no counter: each power holds until the next value comes, for a quarter hour at most.

Values are taken in the order in which they came, since what was used is used, whatever the clock does meanwhile.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import mul, sub
from typing import cast

from efpi_core.history.counter import QUARTER_MS, Counted, Reading, Turn
from efpi_core.history.micro import micro, micros
from efpi_core.history.series import GOOD, Series, Span

LONGEST_HOLD_MS = QUARTER_MS
"""After that a power is not known any more."""

_WHOLE_DECIMALS = 3
"""A power of so many decimals makes whole millionths of J in every ms."""

_SURE_SUM = float(1 << 50)
"""Below, a sum of floats is off by less than the half of its last decimal; see `rollup.exact_sum`."""


@dataclass(slots=True)
class HeldPower:
    """Follows the power of one channel in W and sums its energy by quarter hours, by their begins in s since 1970.

    Each value's part of a quarter hour is whole millionths of J, rounded down where its power has more than three
    decimals: so the sums are the same however the values are parted into seals.
    """

    last: Reading | None = None
    """The power that holds, in millionths of W; None when none does."""
    quarters: dict[int, Counted] = field(default_factory=dict)
    turns: list[tuple[Turn, Reading, Reading]] = field(default_factory=list)
    """Always none; a counter has some."""

    def take(self, came: Series, span: Span | None = None) -> None:
        """Take in values as they came; what is not good, or no number, ends what held."""
        numbers = span is not None or set(map(type, came.values)) <= {int, float}
        if numbers and came.ascending and not any(came.qualities or b""):
            self._take_plain(came.stamps, cast(Sequence[float], came.values), span)
        else:
            for at, power in _powers(came):
                self._until(at)
                self.last = None if power is None else Reading(at, micro(power))

    def _take_plain(self, stamps: Sequence[int], powers: Sequence[float], span: Span | None) -> None:
        """Only what holds over the border of a quarter hour is looked at one by one."""
        place = 0
        while place < len(stamps):
            self.step(Reading(stamps[place], micro(powers[place])))
            begin = stamps[place] // QUARTER_MS * QUARTER_MS
            last = bisect_left(stamps, begin + QUARTER_MS, place) - 1
            if last > place:
                self._add(begin, energy(stamps[place : last + 1], powers[place:last], span))
                self.last = Reading(stamps[last], micro(powers[last]))
            place = last + 1

    def step(self, after: Reading) -> None:
        """Take in one power."""
        self._until(after.at)
        self.last = after

    def _until(self, at: int) -> None:
        """What holds does so up to here."""
        if self.last is None:
            return
        begin, until = self.last.at, min(at, self.last.at + LONGEST_HOLD_MS)
        while begin < until:
            quarter = begin // QUARTER_MS * QUARTER_MS
            end = min(quarter + QUARTER_MS, until)
            self._add(quarter, self.last.amount * (end - begin) // 1000)
            begin = end

    def _add(self, quarter_ms: int, amount: int) -> None:
        if amount:
            held = self.quarters.setdefault(quarter_ms // 1000, Counted())
            held.amount += amount
            held.estimated += amount


def energy(stamps: Sequence[int], powers: Sequence[float], span: Span | None) -> int:
    """The energy in millionths of J of powers in W, of which each holds from its stamp in ms to the next one.

    The last of the stamps is the end. All of them are within a quarter hour, and go up.
    """
    if span is not None and span.decimals <= _WHOLE_DECIMALS:
        scale = 10.0**span.decimals
        if span.largest * scale * QUARTER_MS * (len(powers) + 2) < _SURE_SUM:
            return round(_sum(stamps, powers) * scale) * int(10.0 ** (_WHOLE_DECIMALS - span.decimals))
    lengths = map(sub, islice(stamps, 1, None), stamps)
    return sum(power * length // 1000 for power, length in zip(micros(powers), lengths, strict=False))


def _sum(stamps: Sequence[int], powers: Sequence[float]) -> float:
    """In W·ms."""
    if isinstance(stamps, range):
        return sum(powers) * stamps.step
    total: float = sum(map(mul, powers, map(sub, islice(stamps, 1, None), stamps)))
    return total


def _powers(series: Series) -> Iterator[tuple[int, float | None]]:
    qualities = series.qualities or bytes(len(series))
    for at, value, quality in zip(series.stamps, series.values, qualities, strict=True):
        known = quality == GOOD and type(value) in (int, float)
        yield at, cast(float, value) if known else None
