"""Export and import: what is written out comes in again, once, and the sums are the same."""

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from efpi_core.errors import SettingsError
from efpi_core.history.exporting import CsvSheet, ParquetSheet, Wanted, export
from efpi_core.history.importing import import_csv
from efpi_core.history.incoming import Incoming
from efpi_core.history.looking import looking
from efpi_core.history.micro import MILLION
from efpi_core.history.store import HistoryStore
from efpi_core.history_views import Resolution
from efpi_core.plugin.observation import Quality
from tests.efpi_core.history.history_world import (
    NOON,
    counted,
    counter,
    figures,
    incoming,
    ms,
    opened,
    put,
    quarters,
    raw,
    seconds,
)

ALWAYS = (datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def written(home: Path, path: Path, *channels: str, resolution: Resolution = Resolution.RAW) -> Path:
    wanted = Wanted(channels, *ALWAYS, resolution)
    with looking(home) as reader, path.open("w", encoding="utf-8", newline="") as file:
        export(reader, wanted, CsvSheet(file, wanted.columns))
    return path


VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(1 << 60), 1 << 60),
    st.booleans(),
    st.none(),
    st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12),
    st.sampled_from(["=1+1", "'quoted", "", "12", "true", 'a "b", c', "-", "two\nlines", "\ttab"]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10**8), VALUES, st.sampled_from(list(Quality))), min_size=1, max_size=40))
def test_what_is_exported_comes_in_again(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, object, Quality]]
) -> None:
    folder = tmp_path_factory.mktemp("homes")
    store = opened(folder / "old")
    came = [(NOON + timedelta(milliseconds=at), value, quality) for at, value, quality in rows]
    store.append({"a.value": Incoming("W", "number", None, came)}, ms(NOON))  # type: ignore[arg-type]  # observed values
    before, sums = raw(store, "a.value"), figures(quarters(store, "a.value"))
    store.close()
    file = written(folder / "old", folder / "out.csv", "a.value")
    store = opened(folder / "new")
    done = import_csv(file, store)
    assert done.taken == done.rows == len(before)
    after = raw(store, "a.value")
    assert list(after.stamps) == list(before.stamps) and bytes(after.qualities or b"").strip(b"\0") == bytes(
        before.qualities or b""
    ).strip(b"\0")
    assert list(after.values) == list(before.values)
    assert [type(value) is bool for value in after.values] == [type(value) is bool for value in before.values]
    assert figures(quarters(store, "a.value")) == sums
    again = import_csv(file, store)
    assert again.taken == 0 and again.known == again.rows
    assert figures(quarters(store, "a.value")) == sums
    store.close()


def readings(begin: float, count: int, first: float) -> list[tuple[datetime, float]]:
    return [(at, first + 100.0 * step) for step, at in enumerate(seconds(count, NOON + timedelta(hours=begin), 60))]


def csv_of(path: Path, rows: list[tuple[datetime, float]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["channel", "at", "value", "unit", "kind"])
        writer.writerows(["m.energy", at.isoformat(), value, "J", "counter"] for at, value in rows)
    return path


def test_readings_of_before_and_after_join_what_is_there(tmp_path: Path) -> None:
    everything = readings(0, 24 * 60, 1000.0)
    store = opened(tmp_path / "home")
    put(store, NOON, m__energy=counter(everything[600:800]))
    store.seal(ms(NOON), all_of_it=True)
    assert counted(store, "m.energy") == 199 * 100 * MILLION
    for _ in range(2):
        import_csv(csv_of(tmp_path / "all.csv", everything), store)
        assert counted(store, "m.energy") == 1439 * 100 * MILLION
        found = quarters(store, "m.energy")
        assert all(rollup.counted == 1500 * MILLION for rollup in list(found.values())[:-1])
        assert not any(rollup.estimated for rollup in found.values())
    store.close()


def test_readings_within_a_gap_change_no_sum(tmp_path: Path) -> None:
    everything = readings(0, 600, 1000.0)
    store = opened(tmp_path / "home")
    put(store, NOON, m__energy=counter(everything[:100] + everything[500:]))
    store.seal(ms(NOON), all_of_it=True)
    import_csv(csv_of(tmp_path / "gap.csv", everything[100:500]), store)
    assert counted(store, "m.energy") == 599 * 100 * MILLION
    assert len(raw(store, "m.energy")) == 600
    store.close()


def test_a_live_counter_goes_on_after_an_import(tmp_path: Path) -> None:
    store = opened(tmp_path / "home")
    import_csv(csv_of(tmp_path / "old.csv", readings(0, 100, 1000.0)), store)
    put(store, NOON, m__energy=counter(readings(2, 100, 13_000.0)))
    assert counted(store, "m.energy") == (13_000 + 9900 - 1000) * MILLION
    store.close()


def test_columns_of_other_programs_are_guessed(tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text(
        "channel,at,value\na.x,2026-06-01T12:00:00Z,5\na.x,2026-06-01T12:00:01+02:00,on\na.x,2026-06-01 12:00:02Z,\n"
    )
    store = opened(tmp_path / "home")
    import_csv(file, store)
    series = raw(store, "a.x")
    assert series.values == ["on", 5, None] and series.qualities == b"\0\0\2"
    store.close()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a.x,yesterday,5,", "line 2"),
        ("a.x,2026-06-01T12:00:00,5,", "its zone"),
        ("a.x,1830-06-01T12:00:00Z,5,", "since 1990"),
        ("nodot,2026-06-01T12:00:00Z,5,", "channel"),
        ("a.x,2026-06-01T12:00:00Z,5,splendid", "quality"),
        ("a.x,2026-06-01T12:00:00Z,nan,", None),
    ],
)
def test_a_wrong_line_is_named_and_nothing_is_taken(tmp_path: Path, line: str, says: str | None) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text(f"channel,at,value,quality\n{line}\n")
    store = opened(tmp_path / "home")
    if says is None:
        import_csv(file, store)
        assert raw(store, "a.x").values == ["nan"]  # a word, no number
    else:
        with pytest.raises(SettingsError, match=says):
            import_csv(file, store)
        assert not store.ask(lambda reader: list(reader.channels()))
    store.close()


def test_a_file_without_the_columns_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "wrong.csv"
    file.write_bytes(b"\xff\xfe\x00")
    store = opened(tmp_path / "home")
    with pytest.raises(SettingsError):
        import_csv(file, store)
    file.write_text("time,power\n")
    with pytest.raises(SettingsError, match="channel"):
        import_csv(file, store)
    store.close()


def test_quarter_hours_and_days_are_exported_as_they_are(tmp_path: Path) -> None:
    store = opened(tmp_path / "home")
    put(store, NOON, m__energy=counter(readings(0, 600, 1000.0)))
    store.close()
    file = written(tmp_path / "home", tmp_path / "days.csv", "m.energy", resolution=Resolution.DAY)
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert [row["at"] for row in rows] == ["2026-05-31T22:00:00.000Z"]
    assert float(rows[0]["counted"]) == float(rows[0]["energy"]) == 59_900.0


def test_the_energy_of_power_is_exported_and_what_was_imported_counts(tmp_path: Path) -> None:
    minutes = [(at, 600.0) for at in seconds(601, NOON, 60)]
    store = opened(tmp_path / "home")
    put(store, NOON, a__power=incoming(minutes[200:400]))
    store.close()
    later = tmp_path / "all.csv"
    store = opened(tmp_path / "whole")
    put(store, NOON, a__power=incoming(minutes))
    store.close()
    written(tmp_path / "whole", later, "a.power")
    store = opened(tmp_path / "home")
    store.seal(ms(NOON), all_of_it=True)
    for _ in range(2):
        import_csv(later, store)
    store.close()
    for home in ("home", "whole"):
        file = written(tmp_path / home, tmp_path / f"{home}.csv", "a.power", resolution=Resolution.DAY)
        row = next(csv.DictReader(file.read_text().splitlines()))
        assert (float(row["energy"]), float(row["energy_kwh"]), row["counted"]) == (21_600_000.0, 6.0, ""), home


def test_parquet_holds_the_same(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    store = opened(tmp_path / "home")
    put(store, NOON, a__power=incoming([(NOON, 1.5), (NOON + timedelta(days=40), 2)]), a__mode=incoming([(NOON, "on")]))
    store.close()
    wanted = Wanted(("a.mode", "a.power"), *ALWAYS, Resolution.RAW)
    with looking(tmp_path / "home") as reader:
        assert export(reader, wanted, ParquetSheet(tmp_path / "out.parquet", wanted.columns)) == 3
    table = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert [(row["channel"], row["value"], row["text"]) for row in table] == [
        ("a.mode", None, "on"),
        ("a.power", 1.5, None),
        ("a.power", 2.0, None),
    ]
    assert table[2]["at"] == NOON + timedelta(days=40)


def test_without_pyarrow_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys  # noqa: PLC0415

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SettingsError, match="efpi\\[parquet\\]"):
        ParquetSheet(tmp_path / "out.parquet", ("channel", "at", "value"))


def test_a_killed_import_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(tmp_path / "home")
    put(store, NOON, m__energy=counter(readings(10, 100, 61_000.0)))
    store.seal(ms(NOON), all_of_it=True)
    file = csv_of(tmp_path / "all.csv", readings(0, 700, 1000.0))
    monkeypatch.setattr(HistoryStore, "_commit", _fail)
    with pytest.raises(KeyboardInterrupt):
        import_csv(file, store)
    monkeypatch.undo()
    assert counted(store, "m.energy") == 9900 * MILLION and len(raw(store, "m.energy")) == 100
    import_csv(file, store)
    assert counted(store, "m.energy") == 69_900 * MILLION
    store.close()


def _fail(store: HistoryStore, then: object) -> None:
    raise KeyboardInterrupt
