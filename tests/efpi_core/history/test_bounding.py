"""A bounded history: the oldest detail goes first, quarter hours then, days last."""

import random
from datetime import timedelta
from pathlib import Path

from efpi_core.history.facts import HistoryFacts, HistoryPolicy
from efpi_core.history.micro import MILLION
from efpi_core.history_views import Resolution
from tests.efpi_core.history.history_world import NOON, counted, incoming, ms, opened, put, quarters, raw, seconds, view


def noise(seed: int, count: int = 3600) -> list[float]:
    chance = random.Random(seed)  # noqa: S311  # figures, not secrets
    return [chance.random() for _ in range(count)]


def test_the_oldest_raw_values_go_first_and_the_sums_stay(home: Path) -> None:
    store = opened(home, HistoryFacts("UTC", policy=HistoryPolicy(most_bytes=200_000)))
    for hour in range(24):
        begin = NOON + timedelta(hours=hour)
        put(store, begin, a__noise=incoming(zip(seconds(3600, begin), noise(hour), strict=True)))
        store.seal(ms(begin), all_of_it=True)
        assert store.used_bytes <= 200_000
    series = raw(store, "a.noise")
    assert 3600 <= len(series) < 24 * 3600
    assert series.stamps[-1] == ms(NOON + timedelta(hours=24)) - 1000
    assert series.stamps[0] > ms(NOON)
    assert sum(rollup.n for rollup in quarters(store, "a.noise").values()) == 24 * 3600
    assert [span.oldest for span in store.ask(lambda reader: list(reader.channels()))] == [series.stamps[0]]
    store.close()


def test_late_values_of_a_time_without_detail_are_added_to_its_sums(home: Path) -> None:
    store = opened(home, HistoryFacts("UTC", policy=HistoryPolicy(most_bytes=1 << 30, detail_days=2)))
    put(store, NOON, a__noise=incoming(zip(seconds(100), noise(1, 100), strict=True)))
    store.seal(ms(NOON), all_of_it=True)
    later = NOON + timedelta(days=5)
    put(store, later, a__noise=incoming([(later, 1.0)]))
    store.seal(ms(later), all_of_it=True)
    assert len(raw(store, "a.noise")) == 1
    put(store, later, a__noise=incoming([(NOON + timedelta(seconds=500), 5.0)]))
    store.seal(ms(later), all_of_it=True)
    found = quarters(store, "a.noise")[ms(NOON) // 1000]
    assert found.n == 101 and found.high == 5.0
    days = view(store, "a.noise", NOON - timedelta(days=1), later + timedelta(days=1), Resolution.DAY).columns
    assert sum(days["n"]) == 102  # type: ignore[arg-type]  # numbers
    store.close()


def test_quarter_hours_go_before_days_when_nothing_else_is_left(home: Path) -> None:
    store = opened(home, HistoryFacts("UTC", policy=HistoryPolicy(most_bytes=120_000)))
    for day in range(60):
        begin = NOON + timedelta(days=day)
        put(store, begin, a__power=incoming((at, 100.0) for at in seconds(96, begin, 900)))
        store.seal(ms(begin), all_of_it=True)
    assert store.used_bytes <= 120_000
    assert len(quarters(store, "a.power")) < 60 * 96
    days = view(store, "a.power", NOON, NOON + timedelta(days=60), Resolution.DAY).columns
    assert len(days["at"]) == 61 and sum(days["total"]) == 60 * 96 * 100  # type: ignore[arg-type]  # decimals
    late = NOON + timedelta(seconds=5)
    put(store, late, a__power=incoming([(late, 100.0)]))
    store.seal(ms(NOON + timedelta(days=60)), all_of_it=True)
    store.take_facts(HistoryFacts("America/New_York", policy=HistoryPolicy(most_bytes=120_000)))
    days = view(store, "a.power", NOON - timedelta(days=2), NOON + timedelta(days=62), Resolution.DAY).columns
    assert sum(days["n"]) == 60 * 96 + 1  # type: ignore[arg-type]  # numbers
    store.close()


def test_detail_ends_after_its_days(home: Path) -> None:
    store = opened(home, HistoryFacts("UTC", policy=HistoryPolicy(detail_days=3)))
    for day in range(6):
        begin = NOON + timedelta(days=day)
        put(store, begin, a__power=incoming((at, 7.0) for at in seconds(100, begin)))
        store.seal(ms(begin) + 200_000, all_of_it=True)
    assert len(raw(store, "a.power")) == 300
    total = sum(rollup.total for rollup in quarters(store, "a.power").values())
    assert total == 600 * 7 * MILLION and not counted(store, "a.power")
    store.close()
