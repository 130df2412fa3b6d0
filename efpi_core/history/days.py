"""The days of the clock on the wall: 23, 24 or 25 hours, made of whole quarter hours."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from efpi_core.history.rollup import QUARTER_S


class LocalDays:
    """Which local day a quarter hour belongs to. Every zone of today is whole quarter hours away from UTC."""

    def __init__(self, time_zone: str) -> None:
        self.time_zone = time_zone
        self._zone = ZoneInfo(time_zone)

    def day_of(self, quarter: int) -> date:
        """The day in which a quarter hour begins."""
        return datetime.fromtimestamp(quarter, self._zone).date()

    def days_of(self, quarters: Iterable[int]) -> set[date]:
        """The days in which quarter hours begin."""
        found: set[date] = set()
        begin = end = 0
        for quarter in sorted(quarters):
            if not begin <= quarter < end:
                day = self.day_of(quarter)
                begin, end = self.span(day)
                found.add(day)
        return found

    def span(self, day: date) -> tuple[int, int]:
        """The quarter hours of a day: the first, and the first of the next day."""
        return self._begin(day), self._begin(day + timedelta(days=1))

    def _begin(self, day: date) -> int:
        """Midnight; where the clock is moved at midnight, the first instant of that day."""
        midnight = datetime.combine(day, time(), self._zone).astimezone(UTC)
        return -(-int(midnight.timestamp()) // QUARTER_S) * QUARTER_S
