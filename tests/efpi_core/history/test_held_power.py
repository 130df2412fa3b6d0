"""Energy without a counter: each power holds until the next value, for a quarter hour at most, exactly summed."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from efpi_core.history.channels import Channel
from efpi_core.history.counter import QUARTER_MS, Reading
from efpi_core.history.held_power import LONGEST_HOLD_MS, HeldPower
from efpi_core.history.incoming import Incoming
from efpi_core.history.micro import micro
from efpi_core.history.series import GOOD, STALE, Series, Span
from efpi_core.history.store import HistoryStore
from efpi_core.history_views import Resolution
from efpi_core.plugin.observation import Quality
from tests.efpi_core.history.history_world import NOON, counter, incoming, ms, opened, put, quarters, seconds, view

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
KWH = 3_600_000

POWER = st.one_of(
    st.integers(-5000, 5000),
    st.integers(-50_000, 50_000).map(lambda number: number / 10),
    st.integers(-5_000_000, 5_000_000).map(lambda number: number / 1000),
    st.floats(-1e5, 1e5),
    st.just(1e300),
)
Rows = list[tuple[int, float | None, int]]


def naive(rows: Rows) -> dict[int, int]:
    """By quarter hour, in millionths of J: piece by piece, as one would do it by hand."""
    found: dict[int, int] = {}
    for (since, power, quality), (later, _, _) in pairwise(rows):
        if quality != GOOD or power is None:
            continue
        at, until = since, min(later, since + LONGEST_HOLD_MS)
        while at < until:
            border = min((at // QUARTER_MS + 1) * QUARTER_MS, until)
            start = at // QUARTER_MS * 900
            found[start] = found.get(start, 0) + micro(power) * (border - at) // 1000
            at = border
    return {start: amount for start, amount in found.items() if amount}


def held(series: Series, span: Span | None = None) -> dict[int, int]:
    power = HeldPower()
    power.take(series, span)
    return {start: one.estimated for start, one in power.quarters.items() if one.estimated}


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-5_000, 2_000_000), POWER, st.sampled_from([GOOD] * 9 + [STALE])), min_size=1),
    st.integers(0, 40),
)
def test_whatever_comes_is_held_as_by_hand(steps: list[tuple[int, float, int]], cut: int) -> None:
    at, rows = ms(NOON), []
    for step, power, quality in steps:
        at += step
        rows.append((at, power, quality))
    stamps, powers, qualities = zip(*rows, strict=True)
    series = Series(list(stamps), list(powers), bytes(qualities))
    assert held(series) == naive(rows)
    parts = HeldPower()
    for part in (series.part(0, cut), series.part(cut, len(series))):
        parts.take(part)
    assert {start: one.estimated for start, one in parts.quarters.items() if one.estimated} == naive(rows)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 60_000), st.integers(-9_999_999, 9_999_999)), min_size=1, max_size=200),
    st.integers(0, 3),
    st.one_of(st.none(), st.integers(1, 60_000)),
)
def test_floating_point_is_used_where_it_is_exact_only(
    steps: list[tuple[int, int]], decimals: int, even: int | None
) -> None:
    """Known decimals, stamps in a list or in a range: the same sums as by hand."""
    begin = ms(NOON) + 1234
    stamps: list[int] | range = [begin]
    for step, _ in steps[1:]:
        stamps.append(stamps[-1] + step)
    if even is not None:
        stamps = range(begin, begin + even * len(steps), even)
    powers = [number / 10**decimals for _, number in steps]
    rows: Rows = [(at, power, GOOD) for at, power in zip(stamps, powers, strict=True)]
    span = Span(decimals, max(map(abs, powers)))
    assert held(Series(stamps, powers), span) == naive(rows) == held(Series(stamps, powers))


def test_a_power_holds_for_a_quarter_hour_and_no_longer() -> None:
    begin = ms(NOON)
    assert held(Series([begin, begin + 7 * 3_600_000], [1000.0, 0.0])) == {begin // 1000: 900_000 * 10**6}
    assert held(Series([begin - 60_000, begin + 60_000], [100.0, 0.0])) == {
        begin // 1000 - 900: 6_000 * 10**6,
        begin // 1000: 6_000 * 10**6,
    }


def test_only_power_is_held() -> None:
    assert Channel(1, "a.power", "W", "number").holds and Channel(1, "a.power", "W").holds
    assert not Channel(1, "a.power", "W", "counter").holds and not Channel(1, "a.level", "1", "number").holds


def energy(store: HistoryStore, channel: str = "a.power") -> dict[int, int]:
    return {start: one.estimated for start, one in quarters(store, channel).items()}


def test_energy_is_the_same_fresh_sealed_and_after_a_restart(home: Path) -> None:
    store = opened(home)
    rows = [(at, 1000.0) for at in seconds(180, NOON, every=10)] + [(NOON + 30 * MINUTE, 0.0)]
    put(store, NOON, a__power=incoming(rows[:100]))
    begin = ms(NOON) // 1000
    assert energy(store) == {begin: 900 * 1000 * 10**6, begin + 900: (99 * 10 - 900) * 1000 * 10**6}
    store.seal(ms(NOON), all_of_it=True)
    store.close()
    store = opened(home)
    put(store, NOON, a__power=incoming(rows[100:]))
    for _ in range(2):
        assert list(energy(store).values()) == [900_000 * 10**6, 900_000 * 10**6, 0]
        assert all(rollup.counted is None for rollup in quarters(store, "a.power").values())
        store.seal(ms(NOON), all_of_it=True)
    store.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(1, 1_500_000), POWER), min_size=1, max_size=80),
    st.lists(st.tuples(st.integers(1, 30), st.sampled_from(["go on", "seal", "restart"])), min_size=1, max_size=6),
)
def test_quarters_sum_to_days_however_they_are_sealed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, float]], parts: list[tuple[int, str]]
) -> None:
    home = tmp_path_factory.mktemp("home")
    store = opened(home)
    at, rows = NOON, []
    for later, power in steps:
        at += timedelta(milliseconds=later)
        rows.append((at, power))
    left, cuts = list(rows), list(parts)
    while left:
        size, then = cuts.pop(0) if cuts else (len(left), "go on")
        put(store, NOON, a__power=incoming(left[:size]))
        left = left[size:]
        if then == "seal":
            store.seal(ms(NOON), all_of_it=True)
        elif then == "restart":
            store.close()
            store = opened(home)
    expected = naive([(ms(at), power, GOOD) for at, power in rows])
    assert {start: amount for start, amount in energy(store).items() if amount} == expected
    for _ in range(2):
        days = view(store, "a.power", NOON - HOUR, at + HOUR, Resolution.DAY).columns
        assert sum(days["energy"]) == Decimal(sum(expected.values())).scaleb(-6)  # type: ignore[arg-type]
        store.seal(ms(NOON), all_of_it=True)
    store.close()


def test_what_is_not_known_ends_what_held(home: Path) -> None:
    store = opened(home)
    rows = [
        (NOON, 1000.0, Quality.GOOD),
        (NOON + 5 * MINUTE, 1000.0, Quality.UNKNOWN),
        (NOON + 10 * MINUTE, 500.0, Quality.GOOD),
        (NOON + 12 * MINUTE, None, Quality.GOOD),
        (NOON + 13 * MINUTE, 7.0, Quality.GOOD),
    ]
    for row in rows:
        store.append({"a.power": Incoming("W", "number", None, [row])}, ms(NOON))
        store.seal(ms(NOON), all_of_it=True)
    assert list(energy(store).values()) == [(300 * 1000 + 120 * 500) * 10**6]
    store.close()
    store = opened(home)
    put(store, NOON, a__power=incoming([(NOON + 14 * MINUTE, 0.0)]))
    assert list(energy(store).values()) == [(300 * 1000 + 120 * 500 + 60 * 7) * 10**6]
    store.close()


def test_a_clock_that_is_set_back_doubles_and_loses_nothing(home: Path) -> None:
    """Twenty minutes at one kW, of which the clock showed ten twice."""
    store = opened(home)
    first = [(at, 1000.0) for at in seconds(61, NOON, every=10)]
    put(store, NOON, a__power=incoming(first))
    store.seal(ms(NOON), all_of_it=True)
    put(store, NOON, a__power=incoming((at, 1000.0) for at in seconds(61, NOON, every=10)))
    for _ in range(2):
        assert sum(energy(store).values()) == 1_200_000 * 10**6
        store.seal(ms(NOON), all_of_it=True)
    store.close()


def test_kilowatt_hours_are_shown_of_power_and_of_counters(home: Path) -> None:
    store = opened(home)
    rows = [(at, 2000.0) for at in seconds(361, NOON, every=10)]
    shown = [(at, 2000.0 * number * 10) for number, (at, _) in enumerate(rows)]
    put(store, NOON, a__power=incoming(rows), m__energy=counter(shown), a__level=incoming(rows, unit="1"))
    for channel in ("a.power", "m.energy"):
        columns = view(store, channel, NOON, NOON + HOUR, Resolution.QUARTER).columns
        assert columns["energy"] == [Decimal(KWH) / 2] * 4, channel
        assert columns["energy_kwh"] == [0.5] * 4, channel
    assert "energy" not in view(store, "a.level", NOON, NOON + HOUR, Resolution.QUARTER).columns
    store.close()


def test_a_reading_beyond_reason_is_summed_all_the_same(home: Path) -> None:
    store = opened(home)
    put(store, NOON, a__power=incoming([(NOON, 1e300), (NOON + MINUTE, -1e308), (NOON + 2 * MINUTE, 0.0)]))
    for _ in range(2):
        columns = view(store, "a.power", NOON, NOON + HOUR, Resolution.DAY).columns
        assert columns["energy"] == [Decimal((micro(1e300) - micro(1e308)) * 60).scaleb(-6)]
        store.seal(ms(NOON), all_of_it=True)
    store.close()


def test_a_power_that_ends_is_told_to_the_next_life(home: Path) -> None:
    store = opened(home)
    put(store, NOON, a__power=incoming([(NOON, 800.0)]))
    store.seal(ms(NOON), all_of_it=True)
    known = store.ask(lambda reader: reader.channel("a.power"))
    assert known is not None and known.last == Reading(ms(NOON), 800 * 10**6)
    store.close()
