"""Values of one channel, in the order in which they came or in that of their stamps."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from operator import lt

from efpi_core.plugin.observation import ObservedValue, Quality

QUALITIES = (Quality.GOOD, Quality.STALE, Quality.UNKNOWN)
"""By the number that stands for each in a series."""

GOOD, STALE, UNKNOWN = range(3)


@dataclass(frozen=True, slots=True)
class Span:
    """What is known of many values, all of them numbers."""

    decimals: int
    """So many tell all of them exactly."""
    largest: float
    """None of them is farther from 0."""


@dataclass(slots=True)
class Series:
    """Stamps in ms since 1970, the value at each, and how far it could be trusted."""

    stamps: Sequence[int]
    values: Sequence[ObservedValue]
    qualities: bytes | bytearray | None = None
    """Numbers of `QUALITIES`; None when all are good."""
    rising: bool = False
    """Whether it is known that every stamp is later than the one before."""

    def __len__(self) -> int:
        """How many values."""
        return len(self.stamps)

    def part(self, first: int, last: int) -> "Series":
        """The values from one place to before another."""
        qualities = None if self.qualities is None else self.qualities[first:last]
        return Series(self.stamps[first:last], self.values[first:last], qualities, self.rising)

    @property
    def ascending(self) -> bool:
        """Whether every stamp is later than the one before."""
        stamps = self.stamps
        if isinstance(stamps, range):
            return stamps.step > 0 or len(stamps) < 2
        return self.rising or all(map(lt, stamps, islice(stamps, 1, None)))

    def ordered(self) -> "Series":
        """By stamp; of several values at one stamp the one that came last."""
        if self.ascending:
            return self
        places = {stamp: place for place, stamp in enumerate(self.stamps)}
        ordered = self.at([places[stamp] for stamp in sorted(places)])
        ordered.rising = True
        return ordered

    def good_numbers(self) -> "Series":
        """Only the numbers that can be trusted."""
        kinds = set(map(type, self.values))
        if self.qualities is None and kinds <= {int, float}:
            return self
        qualities = self.qualities or bytes(len(self))
        good = self.at(
            [
                place
                for place, (value, quality) in enumerate(zip(self.values, qualities, strict=True))
                if quality == GOOD and type(value) in (int, float)
            ]
        )
        good.rising = self.rising
        return good

    def at(self, places: list[int]) -> "Series":
        """The values at some places."""
        qualities = None if self.qualities is None else bytes(self.qualities[place] for place in places)
        stamps, values = self.stamps, self.values
        return Series([stamps[place] for place in places], [values[place] for place in places], qualities)


def joined(parts: Sequence[Series]) -> Series:
    """Several series one after the other, as they came."""
    if len(parts) == 1:
        return parts[0]
    stamps: list[int] = []
    values: list[ObservedValue] = []
    for part in parts:
        stamps += part.stamps
        values += part.values
    if all(part.qualities is None for part in parts):
        return Series(stamps, values)
    return Series(stamps, values, b"".join(part.qualities or bytes(len(part)) for part in parts))
