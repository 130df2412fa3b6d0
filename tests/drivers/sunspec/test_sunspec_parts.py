"""The small parts: requests for blocks, patience, turns, counters, settings of an instance."""

import asyncio
import math

import pytest
from efpi_driver_sunspec.blocks import LARGEST_GAP, Part, cut, halves, plan
from efpi_driver_sunspec.config import SunSpecConfig
from efpi_driver_sunspec.counter import Counter
from efpi_driver_sunspec.patience import FIRST_REST_S, LONGEST_REST_S, Patience
from efpi_driver_sunspec.turns import Turns
from efpi_driver_sunspec.wire import SerialPort, TcpPort
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

# --- blocks


def test_neighbours_are_read_together() -> None:
    blocks = plan([Part(100, 150), Part(152, 180), Part(180, 200)])
    assert [(block.start, block.size) for block in blocks] == [(100, 100)]


def test_no_request_is_longer_than_allowed() -> None:
    blocks = plan([Part(0, 100), Part(100, 200), Part(200, 220)])
    assert [(block.start, block.size) for block in blocks] == [(0, 100), (100, 120)]


def test_a_wide_gap_is_not_read_along() -> None:
    assert len(plan([Part(0, 10), Part(10 + LARGEST_GAP + 1, 60)])) == 2
    assert len(plan([Part(0, 10), Part(10 + LARGEST_GAP, 60)])) == 1


def test_what_has_to_be_read_alone_is() -> None:
    blocks = plan([Part(0, 10), Part(10, 20), Part(20, 30)], alone=frozenset({10}))
    assert [(block.start, block.size) for block in blocks] == [(0, 10), (10, 10), (20, 10)]


def test_a_long_model_is_cut_between_values() -> None:
    pieces = cut(Part(0, 155, cuts=tuple(range(2, 155, 4))), 125)
    assert [(piece.start, piece.end) for piece in pieces] == [(0, 122), (122, 155)]


def test_a_refused_part_is_halved_between_values_down_to_one() -> None:
    part = Part(0, 10, cuts=(2, 3, 4, 8))
    both = halves(part)
    assert both is not None
    assert [(half.start, half.end) for half in both] == [(0, 4), (4, 10)]
    assert halves(Part(4, 8)) is None


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 300)), min_size=1, max_size=20))
def test_every_wanted_register_is_in_one_request(wanted: list[tuple[int, int]]) -> None:
    parts, at = [], 0
    for gap, size in wanted:
        parts.append(Part(at + gap, at + gap + size, cuts=tuple(range(at + gap + 1, at + gap + size))))
        at += gap + size
    blocks = plan(parts)
    read = {address for block in blocks for address in range(block.start, block.start + block.size)}
    assert all(set(range(part.start, part.end)) <= read for part in parts)
    assert all(block.size <= 125 for block in blocks)


# --- patience


def test_one_missed_answer_costs_nothing_and_further_ones_ever_more() -> None:
    patience = Patience()
    patience.answered(7, 0.0)
    rests = []
    for _ in range(8):
        patience.missed(7, 100.0, 0.8)
        rests.append(patience.rest_s(7, 100.0))
    assert rests == [0.0, FIRST_REST_S, 4.0, 8.0, 16.0, 32.0, LONGEST_REST_S, LONGEST_REST_S]


def test_an_answer_ends_all_rest() -> None:
    patience = Patience()
    for _ in range(4):
        patience.missed(7, 0.0, 0.8)
    patience.answered(7, 1.0)
    assert patience.rest_s(7, 1.0) == 0.0
    assert not patience.in_doubt(7)


def test_units_in_doubt_share_a_fifth_of_the_line_while_another_is_well() -> None:
    patience = Patience()
    patience.answered(1, 0.0)
    patience.missed(8, 1.0, 0.8)
    assert patience.doubt_s(8, 1.0) == pytest.approx(3.2)
    assert patience.doubt_s(9, 1.0) == pytest.approx(3.2)
    assert patience.doubt_s(1, 1.0) == 0.0


def test_without_a_unit_that_is_well_nobody_has_to_wait() -> None:
    patience = Patience()
    patience.missed(8, 1.0, 0.8)
    assert patience.doubt_s(9, 1.0) == 0.0


# --- turns


async def test_one_at_a_time_and_writers_before_readers() -> None:
    turns, order = Turns(), list[str]()

    async def take(name: str, urgent: bool) -> None:
        async with turns.turn(urgent=urgent):
            order.append(name)
            await asyncio.sleep(0)
            assert order[-1] == name

    async with turns.turn():
        tasks = [asyncio.create_task(take(name, name.startswith("write"))) for name in ("read 1", "read 2", "write 1")]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order == ["write 1", "read 1", "read 2"]


async def test_a_waiter_that_gives_up_does_not_take_the_turn_along() -> None:
    turns = Turns()
    async with turns.turn():
        waiting = asyncio.create_task(turns.turn().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(60), turns.turn():
        pass


async def test_a_turn_given_in_the_instant_of_cancellation_is_passed_on() -> None:
    turns = Turns()
    held = turns.turn()
    await held.__aenter__()
    waiting = asyncio.create_task(turns.turn().__aenter__())
    await asyncio.sleep(0)
    await held.__aexit__(None, None, None)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(60), turns.turn():
        pass


# --- counters


def test_a_counter_that_runs_over_goes_on_rising() -> None:
    counter = Counter()
    assert counter.update(2.0**32 - 10, 2.0**32) == 2**32 - 10
    assert counter.update(5.0, 2.0**32) == 2**32 + 5


def test_a_counter_that_begins_anew_goes_on_once_it_is_sure() -> None:
    counter = Counter()
    counter.update(1000.0, 2.0**32)
    assert counter.update(3.0, 2.0**32) == 1000.0
    assert counter.update(4.0, 2.0**32) == 1004.0


def test_a_single_slip_is_no_new_beginning() -> None:
    counter = Counter()
    counter.update(1000.0)
    assert counter.update(0.5) == 1000.0
    assert counter.update(1001.0) == 1001.0
    assert counter.base == 0.0


def test_rounding_of_a_floating_point_counter_is_no_fall() -> None:
    counter = Counter()
    counter.update(1_000_000.0, math.inf)
    assert counter.update(999_999.9, math.inf) == 1_000_000.0
    assert counter.update(999_999.9, math.inf) == 1_000_000.0


@given(st.lists(st.floats(0, 1e9), max_size=50))
def test_a_total_never_falls(readings: list[float]) -> None:
    counter, last = Counter(), 0.0
    for reading in readings:
        total = counter.update(reading, 2.0**32)
        assert total >= last - 1e-3
        last = total


# --- settings


def test_a_bare_number_is_a_unit() -> None:
    config = SunSpecConfig.model_validate({"host": "inverter", "units": [1, {"unit": 3, "name": "Roof"}]})
    assert [(unit.unit, unit.name) for unit in config.unit_settings()] == [(1, ""), (3, "Roof")]
    assert config.where() == TcpPort("inverter", 502, "tcp")


def test_a_serial_line_takes_the_place_of_a_host() -> None:
    config = SunSpecConfig.model_validate({"serial_port": "/dev/ttyUSB0", "baudrate": 19200, "parity": "E"})
    assert config.where() == SerialPort("/dev/ttyUSB0", 19200, "E", 1)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({}, "either a host or a serial_port"),
        ({"host": "a", "serial_port": "/dev/ttyS0"}, "not both"),
        ({"host": "a", "units": [1, 1]}, "names 1 twice"),
        ({"host": "a", "scan_first": 1}, "belong together"),
        ({"host": "a", "scan_first": 9, "scan_last": 2}, "swap them"),
        ({"host": "a", "units": []}, "units is empty"),
        ({"host": "a; rm -rf /"}, "no name or address"),
        ({"serial_port": "ttyUSB0"}, "no path; give one like /dev/ttyUSB0"),
        ({"serial_port": "/dev/\0x"}, "no path"),
        ({"host": "a", "units": [300]}, "255"),
        ({"host": "a", "poll_every_s": 0}, "0.5"),
        ({"host": "a", "nonsense": 1}, "nonsense"),
    ],
)
def test_wrong_settings_are_refused_with_the_cure(config: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SunSpecConfig.model_validate(config)


def test_every_setting_tells_people_what_it_is() -> None:
    schema = SunSpecConfig.model_json_schema()
    for where in (schema, schema["$defs"]["UnitConfig"]):
        for name, field in where["properties"].items():
            assert field.get("title") and field.get("description") and field.get("examples") is not None, name
