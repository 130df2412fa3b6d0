"""Inputs that are small and ask for very much, as their size grows beyond what the fuzz targets try."""

from zoneinfo import ZoneInfo

import pytest
from efpi_driver_p1.stream import TelegramStream

from efpi_core.site.loader import load_site
from efpi_core.site.problem import MOST_PROBLEMS, SiteError
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


def refused(text: str) -> str:
    """Why a document is refused, found in bounded time."""
    with no_hang(), pytest.raises(SiteError) as refusal:
        load_site(text)
    assert len(refusal.value.problems) <= MOST_PROBLEMS
    return str(refusal.value.problems[-1])


def test_an_alias_of_a_long_text_weighs_as_much_as_the_text_written_out() -> None:
    text = (
        "efpi: 1\nappliances:\n  aa:\n    driver: p1\n    config: {s: &s " + "x" * 900_000 + ", l: [" + "*s, " * 20_000
    )
    assert "its aliases written out" in refused(text)


def test_an_alias_of_an_alias_weighs_as_much_as_all_that_it_stands_for() -> None:
    lines = [f"  l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert "more than 50000 values" in refused("\n".join(["efpi: 1", "preferences:", "  l0: &l0 [x]", *lines]))


def test_many_alike_with_long_settings_are_refused_before_they_are_written_out() -> None:
    config = "[" + ", ".join(["x%n%"] * 20_000) + "]"
    text = f"efpi: 1\nappliances:\n  aa:\n    driver: p1\n    count: 10000\n    config: {{l: {config}}}\n"
    assert "come to more than" in refused(text)


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"unknown{n}: v" for n in range(24_000)),
        "appliances:\n" + "\n".join(f"  aa{n}: v" for n in range(24_000)),
        "apps:\n"
        + "".join(f"  aa{n}: {{app: q}}\n" for n in range(8_000))
        + "connections:\n"
        + "".join(f"  aa{n}: aa{n}x\n" for n in range(8_000)),
    ],
)
def test_mistakes_by_the_ten_thousand_are_told_as_the_first_hundred(text: str) -> None:
    refused(f"efpi: 1\n{text}")
