"""Inputs that are small and ask for very much, as their size grows beyond what the fuzz targets try."""

from zoneinfo import ZoneInfo

import pytest
from efpi_driver_p1.stream import TelegramStream

from tests.fuzz.watch import no_hang


@pytest.mark.parametrize(
    "line",
    [
        b"/AAA5\x01" * 40_000 + b"\xaf" * 200_000,
        b"\xafAAA5\x82" * 40_000 + b"\xaf" * 200_000,
        b"/AAA5\n" * 60_000,
        b"/AAA5\n" + b"(" * 200_000,
    ],
)
def test_starts_of_telegrams_without_end_take_time_only_as_they_take_bytes(line: bytes) -> None:
    stream = TelegramStream(ZoneInfo("Europe/Amsterdam"))
    with no_hang():
        stream.feed(line)
        stream.end()
