"""Registers as values: every type, the patterns for "not implemented", scaling, and hostile strings."""

import math

import pytest
from efpi_driver_sunspec.errors import ValueRangeError
from efpi_driver_sunspec.registers import (
    decode_number,
    decode_text,
    encode_number,
    scaled,
    to_registers,
)
from hypothesis import given
from hypothesis import strategies as st
from sunspec2 import mb

NOT_IMPLEMENTED = {
    "int16": (0x8000,),
    "sunssf": (0x8000,),
    "uint16": (0xFFFF,),
    "enum16": (0xFFFF,),
    "bitfield16": (0xFFFF,),
    "count": (0xFFFF,),
    "acc16": (0,),
    "int32": (0x8000, 0),
    "uint32": (0xFFFF, 0xFFFF),
    "enum32": (0xFFFF, 0xFFFF),
    "bitfield32": (0xFFFF, 0xFFFF),
    "acc32": (0, 0),
    "int64": (0x8000, 0, 0, 0),
    "uint64": (0xFFFF,) * 4,
    "acc64": (0,) * 4,
    "float32": (0x7FC0, 0),
    "float64": (0x7FF8, 0, 0, 0),
}


@pytest.mark.parametrize("kind", NOT_IMPLEMENTED)
def test_each_type_has_a_pattern_that_means_no_value(kind: str) -> None:
    assert decode_number(kind, NOT_IMPLEMENTED[kind]) is None


@pytest.mark.parametrize(
    ("kind", "registers", "value"),
    [
        ("int16", (0xFFFF,), -1),
        ("int16", (0x7FFF,), 32767),
        ("uint16", (0x8000,), 32768),
        ("uint16", (0,), 0),
        ("int32", (0xFFFF, 0xFFFE), -2),
        ("uint32", (0x0001, 0x0000), 65536),
        ("acc32", (0xFFFF, 0xFFFF), 4294967295),
        ("uint64", (0, 0, 0, 7), 7),
        ("int64", (0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF), -1),
        ("float32", (0x4366, 0x3333), pytest.approx(230.2, rel=1e-6)),
        ("sunssf", (0xFFFE,), -2),
    ],
)
def test_numbers_are_big_endian_over_their_registers(kind: str, registers: tuple[int, ...], value: float) -> None:
    assert decode_number(kind, registers) == value


@pytest.mark.parametrize("registers", [(0x7F80, 0), (0xFF80, 0), (0x7FC0, 1), (0xFFFF, 0xFFFF)])
def test_infinities_and_every_nan_are_no_values(registers: tuple[int, ...]) -> None:
    assert decode_number("float32", registers) is None


def test_scaling_rounds_once() -> None:
    assert scaled(2304, -1) == 230.4
    assert scaled(3, 2) == 300.0
    assert scaled(-7, -3) == -0.007


@given(st.sampled_from(["int16", "uint16", "int32", "uint32", "int64", "uint64", "enum16"]), st.data())
def test_what_is_encoded_decodes_to_the_same_and_as_pysunspec2_reads_it(kind: str, data: st.DataObject) -> None:
    size = {"16": 1, "32": 2, "64": 4}[kind[-2:]]
    bits = 16 * size
    low, high = (-(2 ** (bits - 1)) + 1, 2 ** (bits - 1) - 1) if kind.startswith("int") else (0, 2**bits - 2)
    value = data.draw(st.integers(max(low, -(2**50)), min(high, 2**50)))
    registers = encode_number("X", kind, value)
    assert len(registers) == size
    assert decode_number(kind, registers) == value
    assert mb.point_type_info[kind].data_to(b"".join(r.to_bytes(2, "big") for r in registers)) == value


@pytest.mark.parametrize(
    ("kind", "value", "exponent"),
    [("uint16", -1, 0), ("uint16", 65535, 0), ("int16", -32768, 0), ("int16", 40, -3), ("uint16", 655.35, -2)],
)
def test_a_value_that_does_not_fit_or_would_mean_none_is_refused_by_name(
    kind: str, value: float, exponent: int
) -> None:
    with pytest.raises(ValueRangeError, match=r"WSet = .* does not fit its register, which holds .* to .*"):
        encode_number("WSet", kind, value, exponent)


def test_a_scaled_value_is_rounded_to_the_register() -> None:
    assert encode_number("WMaxLimPct", "uint16", 33.333, -2) == (3333,)
    assert encode_number("WSet", "int32", -2004, 1) == (0xFFFF, 0xFF38)


def test_counters_and_texts_are_not_written() -> None:
    with pytest.raises(TypeError, match="acc32"):
        encode_number("WH", "acc32", 1)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"Fronius\0\0\0", "Fronius"),
        (b"  Symo 8.0  ", "Symo 8.0"),
        (b"\0" * 8, None),
        (b"    ", None),
        (b"A\x1b[31mB\x07\r\nC\0", "A[31mBC"),
        (b"\xff\xfeok\xff\0", "ok"),
        ("Müller\0".encode(), "Müller"),
        (b"a\0b\0", "a"),
        ("\u202egnp".encode() + b"\0", "gnp"),
    ],
)
def test_a_text_is_cut_at_its_end_and_freed_of_what_a_person_cannot_see(data: bytes, text: str | None) -> None:
    assert decode_text(to_registers(data + b"\0" * (len(data) % 2))) == text


@given(st.binary(min_size=2, max_size=64))
def test_no_bytes_can_make_a_text_that_is_not_printable(data: bytes) -> None:
    text = decode_text(to_registers(data + b"\0" * (len(data) % 2)))
    assert text is None or (text.isprintable() and text == text.strip())


@given(st.sampled_from(sorted(NOT_IMPLEMENTED)), st.data())
def test_no_registers_can_make_a_number_that_is_not_finite(kind: str, data: st.DataObject) -> None:
    size = len(NOT_IMPLEMENTED[kind])
    registers = data.draw(st.lists(st.integers(0, 65535), min_size=size, max_size=size))
    value = decode_number(kind, registers)
    assert value is None or math.isfinite(value)
