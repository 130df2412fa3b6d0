"""What rows of the history hold, whatever a damaged file put into them: what cannot be so is not there."""

import math
import sqlite3
from zoneinfo import ZoneInfo

LATEST_S = 253_402_300_800
"""The end of the year 9999."""

_LONGEST = 400
"""Digits of a sum; no 64 bits of anything sum to more."""


def whole(value: object) -> int | None:
    """A whole number, written as one or as text."""
    if isinstance(value, str) and len(value) < _LONGEST:
        try:
            return int(value)
        except ValueError:
            return None
    return value if isinstance(value, int) else None


def number(value: object) -> float | None:
    """A finite number."""
    return value if isinstance(value, int | float) and math.isfinite(value) else None


def begin_s(value: object) -> int | None:
    """The begin of something, in s since 1970."""
    return value if isinstance(value, int) and 0 <= value < LATEST_S else None


def stamp_ms(value: object) -> int | None:
    """A stamp, in ms since 1970."""
    return value if isinstance(value, int) and 0 <= value < LATEST_S * 1000 else None


def note(connection: sqlite3.Connection, name: str) -> str | None:
    """A note; None when there is none."""
    row = connection.execute("SELECT value FROM note WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def whole_note(connection: sqlite3.Connection, name: str) -> int | None:
    """A note that is a whole number; None when there is none."""
    return whole(note(connection, name))


def zone_note(connection: sqlite3.Connection) -> str | None:
    """The time zone whose days are kept; None when there is none, or it is none."""
    zone = note(connection, "time_zone")
    if zone is None:
        return None
    try:
        return ZoneInfo(zone).key
    except (KeyError, ValueError, OSError):
        return None
