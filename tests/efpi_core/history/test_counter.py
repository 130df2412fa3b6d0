"""Counters: over resets, rollovers, replaced meters, noise and gaps, what was counted is what was used."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efpi_core.history.counter import Counter, CounterRule, Turn, spread
from efpi_core.history.micro import MILLION

HOUSE = CounterRule(most_per_s=35_000.0)
ANY = CounterRule()
NOON = 1_780_315_200_000
QUARTER = NOON // 1000
KWH = 3_600_000


def followed(readings: list[tuple[float, float]], rule: CounterRule = HOUSE) -> Counter:
    """Readings of (s after noon, J)."""
    counter = Counter(rule)
    counter.follow([NOON + round(at * 1000) for at, _ in readings], [joules for _, joules in readings])
    return counter


def total(counter: Counter) -> float:
    return sum(one.amount for one in counter.quarters.values()) / MILLION


def turns(counter: Counter) -> list[Turn]:
    return [turn for turn, _, _ in counter.turns]


def test_differences_are_what_was_used() -> None:
    counter = followed([(0, 1000.0), (10, 1500.0), (20, 1500.0), (30, 2600.0)])
    assert total(counter) == 1600 and not counter.turns
    assert list(counter.quarters) == [QUARTER]


def test_a_step_over_the_border_is_parted_in_time() -> None:
    counter = followed([(890, 0.0), (920, 300.0)])
    assert {start - QUARTER: one.amount / MILLION for start, one in counter.quarters.items()} == {0: 100, 900: 200}
    assert all(not one.estimated for one in counter.quarters.values())


def test_a_gap_is_spread_and_marked_as_estimated() -> None:
    counter = followed([(0, 0.0), (3600 * 8, 8 * KWH)])
    assert len(counter.quarters) == 32
    assert {one.amount for one in counter.quarters.values()} == {KWH // 4 * MILLION}
    assert all(one.estimated == one.amount for one in counter.quarters.values())


def test_a_very_long_gap_is_put_at_its_end() -> None:
    counter = followed([(0, 0.0), (timedelta(days=400).total_seconds(), 4000 * KWH)])
    assert len(counter.quarters) == 1 and total(counter) == 4000 * KWH


@pytest.mark.parametrize("at", [300.0, 900.0, 899.999, 900.001])
def test_a_reset_counts_what_the_counter_shows_since(at: float) -> None:
    counter = followed([(0, 12_000.0 * KWH), (at, 500.0), (at + 10, 700.0)])
    assert total(counter) == 700 and turns(counter) == [Turn.RESET]


def test_a_rollover_at_a_known_modulus_goes_on() -> None:
    counter = followed([(0, 4_294_966_000.0), (10, 704.0)], CounterRule(35_000.0, 4_294_967_296.0))
    assert total(counter) == 2000 and turns(counter) == [Turn.ROLLED_OVER]


def test_a_reset_of_a_counter_that_could_roll_over_is_still_one() -> None:
    counter = followed([(0, 100_000.0), (10, 200.0)], CounterRule(35_000.0, 4_294_967_296.0))
    assert total(counter) == 200 and turns(counter) == [Turn.RESET]


@pytest.mark.parametrize("shown_kwh", [35_000.0, 11_000.0, 25.0])
def test_a_replaced_meter_adds_nothing_of_its_own(shown_kwh: float) -> None:
    counter = followed([(0, 12_000.0 * KWH), (60, shown_kwh * KWH), (70, shown_kwh * KWH + 1000)])
    assert total(counter) == 1000 and turns(counter) == [Turn.REPLACED]


def test_a_meter_that_was_replaced_while_the_gateway_was_off() -> None:
    week = timedelta(days=7).total_seconds()
    used = followed([(0, 12_000.0 * KWH), (week, 40.0 * KWH)])  # a new one, that counted forty since
    assert total(used) == 40 * KWH and turns(used) == [Turn.RESET]
    other = followed([(0, 12_000.0 * KWH), (week, 35_000.0 * KWH)])
    assert total(other) == 0 and turns(other) == [Turn.REPLACED]


def test_noise_of_rounding_counts_once() -> None:
    counter = followed([(0, 12_000.0 * KWH), (1, 12_000.0 * KWH - 3600), (2, 12_000.0 * KWH), (3, 12_000.0 * KWH + 10)])
    assert total(counter) == 10 and not counter.turns


def test_noise_at_the_border_of_a_quarter_keeps_the_sum() -> None:
    counter = followed([(0, 100 * KWH), (899, 100 * KWH + 7200), (901, 100 * KWH + 3600), (1000, 100 * KWH + 8000)])
    assert total(counter) == 8000 and not counter.turns


def test_a_glitch_to_zero_and_back_counts_nothing() -> None:
    counter = followed([(0, 12_000.0 * KWH), (1, 0.0), (2, 12_000.0 * KWH + 5), (3, 12_000.0 * KWH + 15)])
    assert total(counter) == 10


def test_a_glitch_upwards_and_back_counts_nothing() -> None:
    counter = followed([(0, 12_000.0 * KWH), (1, 99_999.0 * KWH), (2, 12_000.0 * KWH), (3, 12_000.0 * KWH + 10)])
    assert total(counter) == 10


def test_a_clock_that_is_put_back_changes_no_sum() -> None:
    counter = followed([(0, 1000.0), (3600, 5000.0), (600, 5200.0), (1200, 6000.0), (4000, 9000.0)])
    assert total(counter) == 8000 and not counter.turns


def test_a_clock_that_was_ten_years_ahead_changes_no_sum() -> None:
    decade = timedelta(days=3650).total_seconds()
    counter = followed([(0, 1000.0), (decade, 5000.0), (600, 5200.0), (1200, 6000.0)])
    assert total(counter) == 5000 and not counter.turns


def test_readings_of_negative_amount_are_nobodys() -> None:
    counter = followed([(0, 100.0), (10, -50.0), (20, -20.0)], CounterRule(1.0))
    assert turns(counter) == [Turn.REPLACED]
    assert total(counter) == 30


def test_a_large_building_counts_as_it_is() -> None:
    counter = followed([(at, at * 300_000.0) for at in range(0, 3600, 5)], CounterRule(250_000.0))
    assert total(counter) == 3595 * 300_000 and not counter.turns


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**13), st.integers(1, 10**9), st.integers(-(10**15), 10**15))
def test_a_spread_amount_is_whole(since: int, span: int, amount: int) -> None:
    parts = list(spread(since, since + span, amount))
    assert sum(part for _, part in parts) == amount
    starts = [start for start, _ in parts]
    assert starts == sorted(set(starts))
    assert all(start % 900 == 0 for start in starts)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4_000_000), st.integers(0, 50_000 * MILLION)), min_size=1, max_size=60),
    st.integers(1, 20),
    st.booleans(),
)
def test_however_readings_are_cut_the_quarters_are_the_same(
    steps: list[tuple[int, int]], cut: int, ruled: bool
) -> None:
    stamps, amounts = [NOON], [0]
    for later, more in steps:
        stamps.append(stamps[-1] + later)
        amounts.append(amounts[-1] + more)
    rule = CounterRule(1e9) if ruled else ANY
    whole, parts = Counter(rule), Counter(rule)
    shown = [amount / MILLION for amount in amounts]
    whole.follow(stamps, shown)
    for begin in range(0, len(stamps), cut):
        parts.follow(stamps[begin : begin + cut], shown[begin : begin + cut])
    assert {start: one.amount for start, one in whole.quarters.items() if one.amount} == {
        start: one.amount for start, one in parts.quarters.items() if one.amount
    }
    naive: dict[int, int] = {}
    for (since, before), (until, after) in pairwise(zip(stamps, amounts, strict=True)):
        for start, part in spread(since, until, after - before):
            naive[start] = naive.get(start, 0) + part
    assert {start: one.amount for start, one in whole.quarters.items() if one.amount} == {
        start: amount for start, amount in naive.items() if amount
    }
