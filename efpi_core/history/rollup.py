"""Quarter hours: how many good values, their sum, lowest and highest; of counters what they counted."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from efpi_core.history.counter import QUARTER_MS, Counted
from efpi_core.history.micro import DIGITS, MOST_DECIMAL, micros, scaled_micros
from efpi_core.history.number_column import Scaled
from efpi_core.history.series import Series

QUARTER_S = QUARTER_MS // 1000

_EXACT_FLOATS = float(1 << 53)


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
    """The part of it that was spread over a gap."""

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

    def count(self, counted: Counted) -> None:
        """Take in what a counter counted."""
        self.counted = (self.counted or 0) + counted.amount
        self.estimated += counted.estimated


def quarters_of(series: Series, scaled: Scaled | None = None) -> dict[int, Rollup]:
    """The quarter hours of a series that goes up in time and holds only good numbers, by their begins in s since 1970.

    `scaled`: its values as whole numbers, if they are known.
    """
    found: dict[int, Rollup] = {}
    place, count = 0, len(series)
    values = cast(Sequence[float], series.values)
    while place < count:
        quarter = series.stamps[place] // QUARTER_MS
        end = bisect_left(series.stamps, (quarter + 1) * QUARTER_MS, place)
        part = values[place:end]
        whole = None if scaled is None else scaled.whole[place:end]
        found[quarter * QUARTER_S] = _rollup(part, whole, 0 if scaled is None else scaled.exponent)
        place = end
    return found


def _rollup(values: Sequence[float], whole: Sequence[float] | None, exponent: int) -> Rollup:
    low, high = min(values), max(values)
    return Rollup(len(values), _total(values, whole, exponent, max(abs(low), abs(high))), low, high)


def _total(values: Sequence[float], whole: Sequence[float] | None, exponent: int, largest: float) -> int:
    """The exact sum, in millionths."""
    scale = 10.0**exponent
    if whole is None or largest * scale >= MOST_DECIMAL:
        return sum(micros(values))
    if exponent > DIGITS or largest * scale * len(values) >= _EXACT_FLOATS:
        return sum(scaled_micros([int(one) for one in whole], exponent))
    return sum(scaled_micros([int(sum(whole))], exponent))  # every partial sum is a whole number below 2^53
