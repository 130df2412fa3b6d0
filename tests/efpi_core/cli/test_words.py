"""Sizes, spans and instants as the commands tell them."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from efpi_core.cli.words import instant_words, size_words, span_words


@pytest.mark.parametrize(
    ("size_bytes", "words"), [(0, "0 bytes"), (13_500, "13 kB"), (1_500_000, "1.4 MB"), (1 << 30, "1.0 GB")]
)
def test_a_size_is_told_in_a_unit_that_fits(size_bytes: int, words: str) -> None:
    assert size_words(size_bytes) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(9.6, "10 s"), (180, "3 minutes"), (7_200, "2 hours"), (5 * 86_400, "5 days")]
)
def test_a_span_is_told_in_a_unit_that_fits(seconds: float, words: str) -> None:
    assert span_words(seconds) == words


def test_an_instant_is_told_by_the_clock_of_this_machine_with_its_zone() -> None:
    at = datetime(2026, 6, 1, 18, 29, 59, 999_598, tzinfo=UTC)
    here = (at + timedelta(milliseconds=1)).astimezone()
    assert instant_words(at) == instant_words(at.isoformat()) == f"{here:%Y-%m-%d %H:%M %Z}"
    assert re.fullmatch(r"2026-06-0[12] \d\d:\d\d \S+", instant_words(at))
