import lzma
from datetime import UTC, datetime

import pytest
from efpi_driver_simulated.table import Channel, Table, TableError, read_table
from hypothesis import given
from hypothesis import strategies as st


def table() -> Table:
    return Table("use", 2025, "nobody", {"seed": 1}, {"use": Channel(900, 0.1, [0, 100, -20, 32767])})


def test_a_table_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "deep" / "a.xz"
    table().write(path)
    found = read_table(path)
    assert (found.kind, found.year, found.source, found.facts) == ("use", 2025, "nobody", {"seed": 1})
    assert list(found.channels["use"].values) == [0, 100, -20, 32767]
    assert [entry.name for entry in path.parent.iterdir()] == ["a.xz"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"plain text", "not an xz file"),
        (lzma.compress(b"x" * 100)[:-20], "cut short"),
        (lzma.compress(b"[1, 2]\n"), "does not say"),
        (lzma.compress(b'{"version": 99}\n'), "version 99"),
        (lzma.compress(bytes(9_000_000)), "larger than any table"),
        (
            lzma.compress(
                b'{"version":1,"kind":"use","year":2025,"source":"","facts":{},'
                b'"channels":[{"name":"use","step_s":9,"scale":1,"count":5}]}\nabc'
            ),
            "cut short",
        ),
    ],
)
def test_a_broken_table_is_refused_by_name(tmp_path, content, problem):
    path = tmp_path / "broken.xz"
    path.write_bytes(content)
    with pytest.raises(TableError, match=problem) as refusal:
        read_table(path)
    assert "broken.xz" in str(refusal.value)


def test_a_value_lies_on_the_line_between_the_middles_of_its_steps():
    channel = Channel(900, 0.1, [0, 100])
    assert channel.at(450.0) == 0.0
    assert channel.at(1350.0) == 10.0
    assert channel.at(900.0) == pytest.approx(5.0)
    assert channel.at(0.0) == 0.0
    assert channel.at(5000.0) == 10.0
    assert channel.held(899.0) == 0.0
    assert channel.held(900.0) == 10.0


@given(st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1)))  # noqa: DTZ001  # made aware below
def test_any_instant_has_a_second_of_the_same_weekday_near_its_date(naive):
    instant = naive.replace(tzinfo=UTC)
    second = table().second(instant.timestamp(), same_weekday=True)
    there = datetime.fromtimestamp(datetime(2025, 1, 1, tzinfo=UTC).timestamp() + second, UTC)
    apart = abs((there.timetuple().tm_yday - instant.timetuple().tm_yday + 182) % 365 - 182)
    assert apart <= 4
    if 5 < instant.timetuple().tm_yday < 355:
        assert there.weekday() == instant.weekday()
