"""The store: what was put in is there, raw and rolled up, over seals, restarts and disorder."""

import sqlite3
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from efpi_core.history import store as store_module
from efpi_core.history.facts import HistoryFacts
from efpi_core.history.incoming import Incoming
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
    naive_quarters,
    opened,
    put,
    quarters,
    raw,
    seconds,
    view,
)

HOUR = timedelta(hours=1)

VALUE = st.one_of(
    st.integers(-100_000, 100_000).map(lambda number: number / 10),
    st.floats(-1e12, 1e12),
    st.just(1e308),
    st.integers(-(10**12), 10**12),
)
ROWS = st.lists(st.tuples(st.integers(0, 4 * 3600 * 1000), VALUE), min_size=1, max_size=60)
BATCHES = st.lists(st.tuples(ROWS, st.sampled_from(["go on", "seal", "restart", "sort"])), min_size=1, max_size=5)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES)
def test_rollups_are_what_a_naive_count_finds(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[list[tuple[int, float]], str]]
) -> None:
    """Any order of stamps, any number of batches, seals and restarts between them."""
    home = tmp_path_factory.mktemp("home")
    store = opened(home)
    begin = ms(NOON)
    everything: list[tuple[int, float]] = []
    for rows, then in batches:
        came = sorted(rows) if then == "sort" else rows
        put(store, NOON, a__power=incoming((NOON + timedelta(milliseconds=at), value) for at, value in came))
        everything += [(begin + at, value) for at, value in came]
        if then == "seal":
            store.seal(ms(NOON), all_of_it=True)
        elif then == "restart":
            store.close()
            store = opened(home)
        expected = naive_quarters(everything)
        assert figures(quarters(store, "a.power")) == expected
        series = raw(store, "a.power")
        assert list(zip(series.stamps, series.values, strict=True)) == sorted(dict(everything).items())
    days = view(store, "a.power", NOON - HOUR, NOON + 10 * HOUR, Resolution.DAY)
    assert sum(days.columns["n"]) == sum(n for n, *_ in expected.values())  # type: ignore[arg-type]  # numbers
    assert [Fraction(total) * MILLION for total in days.columns["total"]] == [  # type: ignore[arg-type]  # decimals
        sum(total for _, total, *_ in expected.values())
    ]
    store.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.integers(1, 2_000_000), st.integers(0, 3_000)), min_size=1, max_size=60),
    cut=st.integers(1, 30),
    sealed=st.booleans(),
)
def test_quarters_and_days_of_a_counter_sum_to_its_difference(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, int]], cut: int, sealed: bool
) -> None:
    home = tmp_path_factory.mktemp("home")
    store = opened(home)
    at, shown, rows = NOON, 5_000, [(NOON, 5_000.0)]
    for later, more in steps:
        at, shown = at + timedelta(milliseconds=later), shown + more
        rows.append((at, float(shown)))
    for place in range(0, len(rows), cut):
        put(store, NOON, m__energy=counter(rows[place : place + cut]))
        if sealed:
            store.seal(ms(NOON), all_of_it=True)
    used = sum(more for _, more in steps)
    assert counted(store, "m.energy") == used * MILLION
    days = view(store, "m.energy", NOON - HOUR, at + HOUR, Resolution.DAY)
    assert sum(amount for amount in days.columns["counted"] if amount is not None) == used  # type: ignore[misc]
    store.close()


def test_a_seal_is_by_the_hour_and_leaves_the_small_ones_for_the_next(home: Path) -> None:
    store = opened(home)
    put(store, NOON, a__power=incoming((at, 5.0) for at in seconds(100)), a__mode=incoming([(NOON, "on")], "", "text"))
    assert _rows(home, "chunk") == 0 and _rows(home, "tail") == 1
    put(store, NOON + HOUR)
    assert _rows(home, "chunk") == 1 and _rows(home, "tail") == 1
    assert raw(store, "a.mode").values == ["on"]
    put(store, NOON + timedelta(hours=26))
    assert _rows(home, "chunk") == 2 and _rows(home, "tail") == 0
    assert raw(store, "a.mode").values == ["on"]
    store.close()


def test_many_values_are_sealed_before_the_hour_is_over(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MOST_IN_TAIL", 500)
    store = opened(home)
    put(store, NOON, a__power=incoming((at, 5.0) for at in seconds(499)))
    assert _rows(home, "chunk") == 0
    put(store, NOON, a__power=incoming((at, 6.0) for at in seconds(2, NOON + HOUR)))
    assert _rows(home, "chunk") == 1 and len(raw(store, "a.power")) == 501
    store.close()


def test_what_is_not_good_is_kept_and_does_not_count(home: Path) -> None:
    store = opened(home)
    at = seconds(5)
    rows = [
        (at[0], 10.0, Quality.GOOD),
        (at[1], 10.0, Quality.STALE),
        (at[2], None, Quality.UNKNOWN),
        (at[3], float("nan"), Quality.GOOD),
        (at[4], 20.0, Quality.GOOD),
    ]
    store.append({"a.power": Incoming("W", "number", None, list(rows))}, ms(NOON))
    for _ in range(2):
        found = view(store, "a.power", NOON, NOON + HOUR, Resolution.RAW).columns
        assert found["value"] == [10.0, 10.0, None, None, 20.0]
        assert found["quality"] == ["good", "stale", "unknown", "unknown", "good"]
        assert figures(quarters(store, "a.power")) == {ms(NOON) // 1000: (2, 30 * MILLION, 10.0, 20.0)}
        store.seal(ms(NOON), all_of_it=True)
    store.close()


def test_a_stamp_of_ten_years_ago_harms_nothing(home: Path) -> None:
    store = opened(home)
    old = NOON - timedelta(days=3652)
    put(store, NOON, m__energy=counter([(NOON, 1000.0), (NOON + timedelta(seconds=5), 1100.0)]))
    store.seal(ms(NOON), all_of_it=True)
    put(store, NOON, m__energy=counter([(old, 1200.0), (NOON + timedelta(seconds=10), 1300.0)]))
    for _ in range(2):
        assert counted(store, "m.energy") == 300 * MILLION
        assert len(raw(store, "m.energy")) == 4
        store.seal(ms(NOON), all_of_it=True)
    store.close()


def test_a_counter_goes_on_over_a_restart_and_a_week_without_a_gateway(home: Path) -> None:
    store = opened(home)
    put(store, NOON, m__energy=counter([(NOON, 1000.0)]))
    store.close()
    store = opened(home)
    later = NOON + timedelta(days=7)
    put(store, later, m__energy=counter([(later, 673_000.0)]))
    days = view(store, "m.energy", NOON, later + HOUR, Resolution.DAY).columns
    assert len(days["at"]) == 8 and sum(days["counted"]) == 672_000  # type: ignore[arg-type]
    assert days["estimated"] == days["counted"]
    store.close()


def test_days_follow_the_clock_on_the_wall(home: Path) -> None:
    store = opened(home)
    begin = datetime(2026, 3, 28, 23, tzinfo=UTC)  # midnight in Amsterdam
    every = [begin + timedelta(minutes=minute) for minute in range(0, 23 * 60, 5)]
    put(store, begin, a__power=incoming((at, 100.0) for at in every))
    days = view(store, "a.power", begin, begin + timedelta(hours=23), Resolution.DAY).columns
    assert days["at"] == [begin] and days["n"] == [276]
    after = view(store, "a.power", begin + timedelta(hours=23), begin + timedelta(hours=24), Resolution.DAY).columns
    assert after["at"] == []
    store.close()


def test_a_home_that_moves_between_time_zones_has_its_days_anew(home: Path) -> None:
    store = opened(home)
    rows = [(NOON + timedelta(minutes=5 * step), 100.0 * step) for step in range(600)]
    put(store, NOON, m__energy=counter(rows))
    store.seal(ms(NOON), all_of_it=True)
    whole = 100 * 599
    for zone in ("America/New_York", "Asia/Kathmandu", "UTC", "Europe/Amsterdam"):
        store.take_facts(HistoryFacts(zone))
        days = view(store, "m.energy", NOON - 48 * HOUR, NOON + 100 * HOUR, Resolution.DAY)
        assert sum(days.columns["counted"]) == whole, zone  # type: ignore[arg-type]
        assert all(at.astimezone(ZoneInfo(zone)).hour == 0 for at in days.columns["at"])  # type: ignore[union-attr]
        assert sum(days.columns["n"]) == 600  # type: ignore[arg-type]
    store.close()
    store = opened(home, HistoryFacts("America/New_York"))
    assert view(store, "m.energy", NOON, NOON + HOUR, Resolution.DAY).time_zone == "America/New_York"
    store.close()


def test_five_thousand_channels(home: Path) -> None:
    store = opened(home)
    for step in range(3):
        at = NOON + timedelta(minutes=step)
        put(store, at, **{f"device{number}__power": incoming([(at, float(number))]) for number in range(5000)})
    store.seal(ms(NOON), all_of_it=True)
    assert raw(store, "device4321.power").values == [4321.0] * 3
    assert len(store.ask(lambda reader: list(reader.channels()))) == 5000
    store.close()


def test_a_seal_that_fails_anywhere_loses_and_doubles_nothing(home: Path) -> None:
    """The statements of a seal are counted; then it is stopped before each one of them in turn."""
    store = opened(home)
    fill(store)
    total = _count_statements(store)
    store.close()
    expected = None
    for stop in range(1, total + 1):
        place = home.with_name(f"home{stop}")
        store = opened(place)
        fill(store)
        before = (raw(store, "a.power"), figures(quarters(store, "a.power")), counted(store, "m.energy"))
        expected = expected or before
        with pytest.raises(sqlite3.OperationalError):
            _count_statements(store, stop)
        for _ in range(2):
            assert (raw(store, "a.power"), figures(quarters(store, "a.power")), counted(store, "m.energy")) == expected
            store.close()
            store = opened(place)
        store.seal(ms(NOON), all_of_it=True)
        assert (raw(store, "a.power"), figures(quarters(store, "a.power")), counted(store, "m.energy")) == expected
        store.close()


def fill(store: HistoryStore) -> None:
    put(store, NOON, a__power=incoming((at, 5.5) for at in seconds(200)), m__energy=counter([(NOON, 7.0)]))
    later = NOON + timedelta(minutes=20)
    put(store, NOON, m__energy=counter([(later, 900.0)]), a__power=incoming([(later, 1.0)]))


class _Stopping:
    """A connection that fails at one of its statements."""

    def __init__(self, connection: sqlite3.Connection, stop: int | None) -> None:
        self._connection = connection
        self._stop = stop
        self.count = 0

    def __getattr__(self, name: str) -> object:
        found = getattr(self._connection, name)
        if name not in ("execute", "executemany"):
            return found

        def counted_call(sql: str, *values: object) -> object:
            self.count += 1
            if self.count == self._stop:
                raise sqlite3.OperationalError("stopped here")
            return found(sql, *values)

        return counted_call


def _count_statements(store: HistoryStore, stop: int | None = None) -> int:
    whole = store._connection
    stopping = _Stopping(whole, stop)
    store._connection = stopping  # type: ignore[assignment]
    store._tidy = lambda now: None  # type: ignore[method-assign]
    try:
        store.seal(ms(NOON), all_of_it=True)
    finally:
        store._connection = whole
    return stopping.count


def _rows(home: Path, table: str) -> int:
    with sqlite3.connect(home / "history.db") as connection:
        found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  # own names
    connection.close()
    return found


def test_wear_is_counted_and_kept_by_day(home: Path) -> None:
    store = opened(home)
    put(store, NOON, a__power=incoming((at, 5.5) for at in seconds(10)))
    written = store.wear.written
    assert written > 0
    store.seal(ms(NOON), all_of_it=True)
    assert store.wear.written > written
    assert list(store.wear.days) == [date(2026, 6, 1).isoformat()]
    store.close()
    store = opened(home)
    put(store, NOON + timedelta(days=1), a__power=incoming([(NOON, 1.0)]))
    store.seal(ms(NOON + timedelta(days=1)), all_of_it=True)
    assert list(store.wear.days) == ["2026-06-01", "2026-06-02"]
    store.close()
