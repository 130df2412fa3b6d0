"""A meter's time stamp (`YYMMDDhhmmssX`, X = S in summer, W in winter) as an instant in UTC."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

STAMP = re.compile(r"(\d{12})([SWsw]?)", re.ASCII)
_EPOCH_YEAR = 70
"""Meters write an unset clock as 1970 or 2000; two-digit years from 70 on are of the last century."""


class MeterTime(NamedTuple):
    """One time stamp, read."""

    utc: datetime | None
    """The instant, or None when the digits are no date (a meter without a reading sends `632525252525S`)."""
    note: str | None = None
    """What a person should know about it."""


@lru_cache(maxsize=64)
def _offsets(zone: ZoneInfo, year: int) -> tuple[timedelta, timedelta]:
    """The zone's offset from UTC in winter and in summer; summer is an hour more where the zone has none."""
    found = [datetime(year, month, 1, tzinfo=zone).utcoffset() or timedelta() for month in (1, 7)]
    winter, summer = min(found), max(found)
    return winter, summer if summer != winter else winter + timedelta(hours=1)


def _flagged(local: datetime, flag: str, zone: ZoneInfo) -> MeterTime:
    winter, summer = _offsets(zone, local.year)
    offset = summer if flag in "Ss" else winter
    utc = (local - offset).replace(tzinfo=UTC)
    if utc.astimezone(zone).utcoffset() != offset:
        season = "summer" if flag in "Ss" else "winter"
        return MeterTime(utc, f"the meter keeps {season} time where the calendar of {zone.key} does not")
    return MeterTime(utc)


def _unflagged(local: datetime, zone: ZoneInfo) -> MeterTime:
    first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    utc = first.astimezone(UTC)
    if first.utcoffset() == second.utcoffset():
        return MeterTime(utc)
    return MeterTime(utc, "the hour of the clock change without summer flag: this may be one hour off")


def read_stamp(text: str, zone: ZoneInfo) -> MeterTime:
    """The instant that a time stamp means.

    The flag decides, never the calendar: so both hours of the autumn night are told apart, and meters that keep winter
    time all year (Sweden, Finland) are right in July. Old meters send no flag; then the calendar of `zone` decides.
    """
    match = STAMP.fullmatch(text)
    if match is None:
        return MeterTime(None, f"{text!r} is no time stamp (YYMMDDhhmmss and S or W)")
    digits, flag = match.groups()
    year = int(digits[:2])
    try:
        century = 1900 if year >= _EPOCH_YEAR else 2000
        month, day, hour, minute, second = (int(digits[at : at + 2]) for at in (2, 4, 6, 8, 10))
        local = datetime(century + year, month, day, hour, minute, second)  # noqa: DTZ001  # local; its offset follows
    except ValueError:
        return MeterTime(None, f"{text!r} is no date: the meter has no reading or its clock is not set")
    return _flagged(local, flag, zone) if flag else _unflagged(local, zone)
