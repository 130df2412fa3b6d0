"""Quarter hours: how many good values, their sum, lowest and highest; of counters what they counted."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from efpi_core.history.counter import QUARTER_MS, Counted
from efpi_core.history.micro import DIGITS, MILLION, micros
from efpi_core.history.series import Series

QUARTER_S = QUARTER_MS // 1000

_EXACT_FLOATS = float(1 << 53)
_SURE_SUM = float(1 << 50)


@dataclass(slots=True)
class Rollup:
    """Some time of one channel. Sums and what was counted are in millionths of the unit."""

    n: int = 0
    total: int = 0
    low: float | None = None
    high: float | None = None
    counted: int | None = None
    """What a counter counted; None for what is no counter, or did not move on."""
    estimated: int = 0
    """The part of it that was spread over a gap; of a power in W the energy, in millionths of J."""

    def add(self, other: "Rollup") -> None:
        """Take in another time of the same channel."""
        self.n += other.n
        self.total += other.total
        if other.low is not None:
            self.low = other.low if self.low is None else min(self.low, other.low)
        if other.high is not None:
            self.high = other.high if self.high is None else max(self.high, other.high)
        if other.counted is not None:
            self.counted = (self.counted or 0) + other.counted
        self.estimated += other.estimated

    def count(self, counted: Counted, *, by_counter: bool) -> None:
        """Take in what a counter counted, or what follows from power."""
        if by_counter:
            self.counted = (self.counted or 0) + counted.amount
        self.estimated += counted.estimated


def quarters_of(series: Series, decimals: int | None = None) -> dict[int, Rollup]:
    """The quarter hours of a series that goes up in time and holds only good numbers, by their begins in s since 1970.

    `decimals`: all values are whole numbers over that power of ten; None when that is not known.
    """
    found: dict[int, Rollup] = {}
    place, count = 0, len(series)
    values = cast(Sequence[float], series.values)
    while place < count:
        quarter = series.stamps[place] // QUARTER_MS
        end = bisect_left(series.stamps, (quarter + 1) * QUARTER_MS, place)
        part = values[place:end]
        low, high = min(part), max(part)
        total = exact_sum(part, decimals, max(abs(low), abs(high)))
        found[quarter * QUARTER_S] = Rollup(len(part), total, low, high)
        place = end
    return found


def exact_sum(values: Sequence[float], decimals: int | None, largest: float) -> int:
    """The exact sum in millionths of numbers that are at most `largest`, by floating point where that is sure.

    Each number is off from its decimal by half a bit at most, and each of the additions, too, of a sum of at most
    n · largest: below 2^50 in all they cannot reach the half of the last decimal.
    """
    count = len(values)
    if decimals == 0 and largest * count < _EXACT_FLOATS:
        return int(sum(values)) * MILLION
    if decimals is not None and decimals <= DIGITS and largest * 10.0**decimals * count * (count + 2) < _SURE_SUM:
        return round(sum(values) * 10.0**decimals) * int(10.0 ** (DIGITS - decimals))
    return sum(micros(values))
