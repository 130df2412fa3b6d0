"""A chunk gives back what was put in, whatever that was."""

import math
import random
from fractions import Fraction
from itertools import pairwise
from operator import lt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efpi_core.history.chunk import DamagedChunkError, decode, encode
from efpi_core.history.micro import micro, micros
from efpi_core.history.number_column import scaled
from efpi_core.history.rollup import exact_sum
from efpi_core.history.series import Series
from efpi_core.history.whole_numbers import lanes_of, pack, unpack

STAMPS = st.integers(631_152_000_000, 253_402_300_000_000)

READINGS = st.one_of(
    st.integers(-(10**9), 10**9).map(lambda number: number / 10),
    st.integers(-(10**6), 10**6).map(lambda number: number / 1000),
    st.floats(allow_nan=False, allow_infinity=False),
)
WORDS = st.one_of(st.text(max_size=20), st.booleans(), st.none())
INTEGERS = st.integers(-(1 << 63), (1 << 63) - 1)
VALUES = st.one_of(
    st.lists(READINGS, min_size=1, max_size=80),
    st.lists(INTEGERS, min_size=1, max_size=80),
    st.lists(st.one_of(READINGS, INTEGERS, WORDS), min_size=1, max_size=80),
    st.lists(WORDS, min_size=1, max_size=80),
)


def same(one: object, other: object) -> bool:
    """Equal and of one kind; a whole number may come back as the float that it equals."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one == other


@settings(max_examples=400, deadline=None)
@given(st.data(), VALUES, st.integers(0, 9))
def test_what_goes_in_comes_out(data: st.DataObject, values: list[object], hint: int) -> None:
    count = len(values)
    stamps = data.draw(
        st.one_of(
            st.lists(STAMPS, min_size=count, max_size=count),
            st.tuples(STAMPS, st.integers(-100_000, 100_000)).map(
                lambda one: [one[0] + one[1] * number for number in range(count)]
            ),
        )
    )
    qualities = data.draw(st.none() | st.lists(st.integers(0, 2), min_size=count, max_size=count).map(bytes))
    found = decode(encode(Series(stamps, values, qualities), hint).content)  # type: ignore[arg-type]
    assert list(found.stamps) == stamps
    assert (found.qualities or bytes(count)) == (qualities or bytes(count))
    assert all(same(one, other) for one, other in zip(found.values, values, strict=True)), (found.values, values)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(-(1 << 50), 1 << 50), min_size=1, max_size=60), st.booleans())
def test_whole_numbers_come_back_or_are_refused(whole: list[int], even: bool) -> None:
    packed = pack(lanes_of(whole), even=even)
    if packed is None:
        assert max(abs(b - a) for a, b in pairwise(whole)) >= 1 << 46
    else:
        assert list(unpack(packed, len(whole))) == whole


@pytest.mark.parametrize("width", range(1, 7))
def test_differences_of_every_width_come_back(width: int) -> None:
    chance = random.Random(width)  # noqa: S311  # figures, not secrets
    reach = (1 << (8 * width - 2)) - 1
    whole = [0]
    for _ in range(500):
        whole.append(max(-(1 << 50), min(1 << 50, whole[-1] + chance.randint(-reach, reach))))
    for even in (False, True):
        packed = pack(lanes_of(whole), even=even)
        assert packed is not None
        assert list(unpack(packed, len(whole))) == whole


def test_a_float_keeps_every_bit_and_a_zero_loses_its_sign_only() -> None:
    values = [1e308, -1e308, 5e-324, 0.1 + 0.2, math.pi, -0.0]
    found = decode(encode(Series(range(6), values)).content).values
    assert found == values
    half = [-22517998137.046875]  # a ten-millionth of it ends in a half, where floats still have halves
    assert decode(encode(Series([1], half)).content).values == half


@pytest.mark.parametrize(
    ("values", "exponent"),
    [([230.1, 229.9], 1), ([1.0, 2.0], 0), ([0.123456789], 9), ([1, 2, 3], 0), ([math.pi], None), ([1e308], None)],
)
def test_the_scale_is_found_from_the_values(values: list[float], exponent: int | None) -> None:
    found = scaled(values)
    assert (None if found is None else found.exponent) == exponent


def test_readings_of_a_tenth_watt_take_hardly_more_than_a_byte() -> None:
    chance = random.Random(4)  # noqa: S311  # figures, not secrets
    power, values = 800.0, []
    for _ in range(3600):
        power += chance.gauss(0, 4)
        values.append(round(power, 1))
    content = encode(Series(range(1_780_000_000_000, 1_780_003_600_000, 1000), values)).content
    assert len(content) / 3600 < 1.3


def test_a_constant_takes_almost_nothing() -> None:
    assert len(encode(Series(range(0, 3_600_000, 1000), [42.5] * 3600)).content) < 100
    assert len(encode(Series(range(0, 3_600_000, 1000), ["charge"] * 3600)).content) < 150


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_nonsense_is_refused_as_such(content: bytes) -> None:
    with pytest.raises(DamagedChunkError):
        decode(content)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_flipped_bit_is_noticed_or_harmless(place: int, flip: int) -> None:
    series = Series([1000, 2000, 3500, 3600], [1.5, "a", None, 7], b"\0\1\2\0")
    content = bytearray(encode(series).content)
    content[place % len(content)] ^= flip
    try:
        found = decode(bytes(content))
    except DamagedChunkError:
        return
    assert len(found.values) == len(found.stamps)


def test_a_bomb_is_not_blown_up() -> None:
    import zlib  # noqa: PLC0415  # for this one

    head = encode(Series([1], [1])).content[:17]
    with pytest.raises(DamagedChunkError):
        decode(head + zlib.compress(bytes(1 << 29), 9))


# --- millionths


@settings(max_examples=500, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_counts_as_the_decimal_that_it_is_written_as(value: float) -> None:
    exact = Fraction(repr(value)) * 10**6
    assert micro(value) == round(exact)  # round() of a Fraction goes to the nearest, ties to even
    assert micros([value]) == [micro(value)]


@settings(max_examples=500, deadline=None)
@given(st.data(), st.integers(0, 9), st.sampled_from((1, 10**4, 10**11, 10**15)))
def test_a_quick_sum_is_the_exact_one(data: st.DataObject, decimals: int, largest: int) -> None:
    values = data.draw(
        st.lists(st.integers(-largest, largest).map(lambda whole: whole / 10.0**decimals), min_size=1, max_size=900)
    )
    assert exact_sum(values, decimals, max(map(abs, values))) == sum(map(micro, values))


@settings(max_examples=200, deadline=None)
@given(st.integers(-(1 << 41), 1 << 41), st.integers(-100_000, 100_000), st.lists(st.integers(0, 60_000), max_size=80))
def test_stamps_that_stray_come_back(begin: int, step: int, strays: list[int]) -> None:
    stamps = [begin + step * number + stray for number, stray in enumerate([0, *strays])]
    encoded = encode(Series(stamps, stamps))
    found = decode(encoded.content)
    assert list(found.stamps) == stamps
    assert found.rising is encoded.rising is all(map(lt, stamps, stamps[1:]))


def test_stamps_that_stray_by_milliseconds_take_a_byte() -> None:
    chance = random.Random(9)  # noqa: S311  # figures, not secrets
    stamps = [1_780_000_000_000 + 1000 * second + chance.randint(0, 50) for second in range(3600)]
    assert len(encode(Series(stamps, [1.0] * 3600)).content) < 3600
