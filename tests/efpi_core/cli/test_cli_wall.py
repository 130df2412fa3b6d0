"""Instants as people write them, by the clock on the site's wall: also over the days on which it is moved."""

from datetime import UTC, datetime

import pytest

from efpi_core.cli.options import instant, past_instant
from efpi_core.cli.wall import MACHINE, Wall
from efpi_core.cli.words import instant_words
from efpi_core.local_time import LocalTime

AMSTERDAM = LocalTime("Europe/Amsterdam")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]  # year, month, day and so on


@pytest.mark.parametrize(
    ("text", "now", "meant"),
    [
        ("18:30", utc(2026, 6, 1, 12), utc(2026, 6, 1, 16, 30)),
        ("18:30", utc(2026, 6, 1, 16, 30), utc(2026, 6, 2, 16, 30)),
        ("06:00", utc(2026, 3, 28, 20), utc(2026, 3, 29, 4)),  # summer time begins in that night
        ("06:00", utc(2026, 10, 24, 20), utc(2026, 10, 25, 5)),  # and ends
        ("02:30", utc(2026, 3, 28, 20), utc(2026, 3, 29, 1)),  # never shown in that night
        ("2026-12-01T18:30", utc(2026, 6, 1), utc(2026, 12, 1, 17, 30)),
        ("2026-12-01", utc(2026, 6, 1), utc(2026, 11, 30, 23)),
        ("2026-12-01T18:30+05:00", utc(2026, 6, 1), utc(2026, 12, 1, 13, 30)),
    ],
)
def test_an_instant_is_the_next_one_of_the_sites_clock(text: str, now: datetime, meant: datetime) -> None:
    assert instant(text, "--until", now, AMSTERDAM) == meant


@pytest.mark.parametrize(
    ("text", "now", "meant"),
    [
        ("06:00", utc(2026, 3, 29, 3, 59), utc(2026, 3, 28, 5)),
        ("06:00", utc(2026, 3, 29, 4), utc(2026, 3, 29, 4)),
        ("2h", utc(2026, 3, 29, 4), utc(2026, 3, 29, 2)),
        ("2026-03-29", utc(2026, 4, 1), utc(2026, 3, 28, 23)),
    ],
)
def test_a_past_instant_is_the_latest_one(text: str, now: datetime, meant: datetime) -> None:
    assert past_instant(text, "--from", now, AMSTERDAM) == meant


@pytest.mark.parametrize("wall", [AMSTERDAM, MACHINE])
def test_what_is_told_is_read_as_the_same_instant(wall: Wall) -> None:
    for month in (1, 7):
        at = utc(2026, month, 15, 17, 30)
        told = instant_words(at, wall)
        assert instant(told.rpartition(" ")[0], "--until", utc(2026, 1, 1), wall) == at
    assert instant_words(utc(2026, 7, 15, 17, 30), AMSTERDAM) == "2026-07-15 19:30 CEST"
