"""Schedules by the clock on the wall: `daily("02:30")`, `weekly("sun", "09:00")`, `monthly("last", "23:45")`, `cron`.

    context.schedule("boost", weekly("sun", "02:30"), self.boost)

What recurs is worked out by APScheduler's CronTrigger on the clock's face alone; which instants those faces are is
worked out here, since APScheduler's own answer has a daily 02:30 happen twice on the day on which it shows twice.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from apscheduler.triggers.cron import CronTrigger

from efpi_core.errors import SettingsError
from efpi_core.local_time import LocalTime

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

_TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_TICK = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)

FIELDS = 5
"""Of a rule of cron."""

MOST_CHANGES = 1000
"""So many changes of the offset are looked beyond for the next instant of a rule."""


@dataclass(frozen=True)
class CronRecurrence:
    """The five fields of cron: minute, hour, day of month, month, day of week (by name: `sun`).

    A rule with fixed hours happens once for each face that it names: at the first instant after a gap for one that
    never shows, at the first of two for one that shows twice. A rule for each hour, or each few, goes by the time that
    really passes: nothing in the gap, and again in the hour that is repeated.
    """

    rule: str
    _trigger: CronTrigger = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Read the rule."""
        fields = self.rule.split()
        if len(fields) == FIELDS and any(mark.isdigit() for mark in fields[-1]):
            raise SettingsError(
                "schedule", f"'{self.rule}' numbers a day of the week, and counts differ", "name it: mon, tue, … sun"
            )
        try:
            trigger = CronTrigger.from_crontab(self.rule, timezone=UTC)
        except (ValueError, TypeError) as error:
            raise SettingsError(
                "schedule", f"'{self.rule}' is no schedule: {error}", "write the five fields of cron: `30 2 * * sun`"
            ) from error
        object.__setattr__(self, "_trigger", trigger)

    @property
    def by_the_hour(self) -> bool:
        """Whether it is a rule for each hour or each few."""
        hours = self.rule.split()[1]
        return "*" in hours

    def after(self, at: datetime, place: LocalTime) -> datetime | None:
        """The first instant after `at`, in UTC; None when there is none."""
        return self._by_passing_time(at, place) if self.by_the_hour else self._by_face(at, place)

    def _by_face(self, at: datetime, place: LocalTime) -> datetime | None:
        face = self._face_after(place.face(at))
        while face is not None:
            instant = _on_its_day(face, place)
            if instant is not None and instant > at:
                return instant
            face = self._face_after(face)
        return None

    def _by_passing_time(self, at: datetime, place: LocalTime) -> datetime | None:
        begin = at.astimezone(UTC)
        face = self._face_after(place.face(begin))
        for _ in range(MOST_CHANGES):
            if face is None:
                return None
            instant = begin + (face - place.face(begin))
            change = place.next_change(begin, instant)
            if change is None:
                return instant
            begin, face = change, self._face_after(place.face(change) - _TICK)
        return None

    def _face_after(self, face: datetime) -> datetime | None:
        found = self._trigger.get_next_fire_time(None, (face + _TICK).replace(tzinfo=UTC))
        return None if found is None else found.replace(tzinfo=None)


def _on_its_day(face: datetime, place: LocalTime) -> datetime | None:
    """The instant of a face, on its own day where a gap runs up to midnight; None where the date was left out."""
    begin, end = place.day(face.date())
    return None if begin >= end else min(place.instant(face), end - _SECOND)


def cron(rule: str) -> CronRecurrence:
    """The five fields of cron, as `*/15 * * * *` or `30 2 29 feb *`. Raises SettingsError with what is wrong."""
    return CronRecurrence(rule)


def daily(at: str) -> CronRecurrence:
    """Every day at a time of the clock on the wall, as `02:30`; also on days on which that shows twice or never."""
    hour, minute = _time_of_day(at)
    return CronRecurrence(f"{minute} {hour} * * *")


def weekly(day: Weekday, at: str) -> CronRecurrence:
    """Every week on a day, at a time of the clock on the wall."""
    hour, minute = _time_of_day(at)
    return CronRecurrence(f"{minute} {hour} * * {day}")


def monthly(day: int | Literal["last"], at: str) -> CronRecurrence:
    """Every month on a day, at a time of the clock on the wall; a month without that day is left out, `last` is not."""
    hour, minute = _time_of_day(at)
    return CronRecurrence(f"{minute} {hour} {day} * *")


def _time_of_day(text: str) -> tuple[int, int]:
    found = _TIME_OF_DAY.fullmatch(text)
    if found is None:
        raise SettingsError("schedule", f"'{text}' is no time of day", "write it as 02:30")
    return int(found[1]), int(found[2])
