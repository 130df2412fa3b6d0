"""The wall clock of a place: instants for what its face shows, and its days, summer time and changed laws included."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


class LocalTime:
    """What the clock on the wall of a time zone shows. A *face* is such a reading: a naive datetime, in local time.

    When clocks go forward some faces never show, when they go back some show twice. `instant` takes the first instant
    after the gap for the former, and the first of the two for the latter, so that what is to happen daily at 02:30
    happens once on every day.
    """

    __slots__ = ("_zone", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        """IANA name of the zone."""
        self._zone = ZoneInfo.no_cache(name)

    def reread(self) -> None:
        """Read the rules of the zone anew, since the system's zone database may have been updated meanwhile."""
        self._zone = ZoneInfo.no_cache(self.name)

    def face(self, at: datetime) -> datetime:
        """What the clock on the wall shows at an instant."""
        return at.astimezone(self._zone).replace(tzinfo=None, fold=0)

    def told(self, at: datetime, form: str = "%Y-%m-%d %H:%M") -> str:
        """An instant for people: `2026-06-01 18:30 CEST`."""
        return at.astimezone(self._zone).strftime(f"{form} %Z")

    def offset(self, at: datetime) -> timedelta:
        """How far the clock on the wall is ahead of UTC at an instant."""
        return at.astimezone(self._zone).utcoffset() or timedelta(0)

    def instant(self, face: datetime) -> datetime:
        """The instant, in UTC, at which the clock on the wall shows a face."""
        by_old_rule = face.replace(tzinfo=self._zone, fold=0).astimezone(UTC)
        if self.face(by_old_rule) == face:
            return by_old_rule
        by_new_rule = face.replace(tzinfo=self._zone, fold=1).astimezone(UTC)
        return self.next_change(by_new_rule - _SECOND, by_old_rule) or by_old_rule

    def next_change(self, after: datetime, until: datetime) -> datetime | None:
        """An instant in (after, until] at which the offset became what it is at its end; None when it is the same."""
        offset = self.offset(after)
        if self.offset(until) == offset:
            return None
        before, changed = after.replace(microsecond=0), until
        while changed - before > _SECOND:
            middle = before + (changed - before) // _SECOND // 2 * _SECOND
            if self.offset(middle) == offset:
                before = middle
            else:
                changed = middle
        return changed.replace(microsecond=0)

    def day_at(self, at: datetime) -> date:
        """The date that holds an instant."""
        return self.face(at).date()

    def day(self, day: date) -> tuple[datetime, datetime]:
        """A date as [start, end) in UTC: 24 hours, or 23, 25, 23½ … when clocks change; none where a date was left out.

        Days follow each other without a gap, also where it is midnight that a change leaves out or repeats.
        """
        return self._begin(day), self._begin(day + timedelta(days=1))

    def _begin(self, day: date) -> datetime:
        return self.instant(datetime.combine(day, time()))
