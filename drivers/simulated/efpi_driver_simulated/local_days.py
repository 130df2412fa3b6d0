"""The days of a place: people's habits follow the clock on their wall, summer time included."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


class LocalDays:
    """The calendar of one time zone; a day is its number in the calendar (date.toordinal)."""

    __slots__ = ("_end", "_number", "_offset_end", "_offset_s", "_offset_start", "_start", "zone")

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self._start = self._end = 0.0
        self._number = 0
        self._offset_start = self._offset_end = 0.0
        self._offset_s = 0.0

    def number(self, t: float) -> int:
        """The day that holds `t` (seconds since the epoch)."""
        if not self._start <= t < self._end:
            self._number = datetime.fromtimestamp(t, self.zone).toordinal()
            self._start = self.at(self._number, 0.0)
            self._end = self.at(self._number + 1, 0.0)
        return self._number

    def at(self, number: int, seconds: float) -> float:
        """The instant of a day at which the wall clock shows so many seconds after midnight."""
        day, rest = divmod(seconds, 86400.0)
        wall = datetime.combine(date.fromordinal(number + int(day)), time(), self.zone) + timedelta(seconds=rest)
        return wall.timestamp()

    def wall_seconds(self, t: float) -> float:
        """Seconds after midnight on the wall clock at `t`, without the hour that summer time inserts or repeats."""
        if not self._offset_start <= t < self._offset_end:
            self._offset_start = t // 3600.0 * 3600.0
            self._offset_end = self._offset_start + 3600.0
            offset = datetime.fromtimestamp(t, self.zone).utcoffset()
            self._offset_s = offset.total_seconds() if offset is not None else 0.0
        return (t + self._offset_s) % 86400.0

    @staticmethod
    def weekday(number: int) -> int:
        """0 for Monday to 6 for Sunday."""
        return (number + 6) % 7


@lru_cache(maxsize=16)
def days_of(zone: str) -> LocalDays:
    """The calendar of a zone, shared by all who ask for it; raises ZoneInfoNotFoundError for an unknown name."""
    return LocalDays(zone)


def year_start(t: float) -> tuple[int, float]:
    """The UTC year that holds `t` and the instant at which it began."""
    year = datetime.fromtimestamp(t, UTC).year
    return year, datetime(year, 1, 1, tzinfo=UTC).timestamp()
