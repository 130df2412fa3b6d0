"""What the history shows: its channels, values in columns, costs, and how it is doing itself."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum


class Resolution(StrEnum):
    """How fine an answer is."""

    AUTO = "auto"
    """Raw up to six hours, quarter hours up to forty days, days beyond."""
    RAW = "raw"
    """Every value."""
    QUARTER = "quarter"
    """Quarter hours of UTC."""
    DAY = "day"
    """Days of the clock on the wall: 23, 24 or 25 hours."""


@dataclass(frozen=True, slots=True)
class HistoryChannelView:
    """One channel, and the span of its raw values."""

    channel: str
    unit: str
    kind: str
    oldest: datetime | None
    newest: datetime | None


Cell = datetime | float | int | str | bool | Decimal | None


@dataclass(frozen=True, slots=True)
class HistoryView:
    """Values of one channel in columns of equal length, by time.

    Raw: `at`, `value`, `quality`. Quarter hours and days: `at` (their begin), `n` (good numbers), `mean`, `low`,
    `high`, `total` (the exact sum), `counted` (by a counter, exact, in the unit) and `estimated` (the part of it that
    was spread over a gap; of a power in W its energy in J, as each value held until the next). Where that is energy it
    is there as `energy` (J, exact) and `energy_kwh`, too.
    """

    channel: str
    unit: str
    kind: str
    resolution: Resolution
    time_zone: str
    since: datetime
    until: datetime
    columns: dict[str, list[Cell]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HistoryCostView:
    """Energy at the grid meter in J and what it cost in `currency`: columns `at`, `imported`, `exported`, `cost`.

    A day's cost is the sum of its quarter hours', to the last digit; null where no price was known.
    """

    resolution: Resolution
    time_zone: str
    currency: str
    since: datetime
    until: datetime
    columns: dict[str, list[Cell]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HistoryFigures:
    """How the history is doing."""

    used_bytes: int = 0
    most_bytes: int = 0
    written_bytes: int = 0
    """Handed to the disk since the start."""
    written_by_day: dict[str, int] = field(default_factory=dict)
    """Handed to the disk on each day, in UTC."""
    lost: int = 0
    """Values that were lost because the disk refused for too long."""

    @property
    def written_a_day(self) -> int | None:
        """Bytes on a whole day, the mean of the last seven; None before the first is over."""
        whole = list(self.written_by_day.values())[:-1][-7:]
        return sum(whole) // len(whole) if whole else None


@dataclass(slots=True)
class Imported:
    """What an import came to."""

    rows: int = 0
    taken: int = 0
    known: int = 0
    """Rows that were there already."""
    summed_up: int = 0
    """Rows of a time of which only quarter hours are kept; they are left out."""
    channels: int = 0

    def add(self, other: "Imported") -> None:
        """Take in what another channel's came to."""
        self.rows += other.rows
        self.taken += other.taken
        self.known += other.known
        self.summed_up += other.summed_up
        self.channels += other.channels


@dataclass(slots=True)
class Rebuilt:
    """What making all sums anew came to."""

    channels: int = 0
    quarters: int = 0
    """Quarter hours that are others now."""
