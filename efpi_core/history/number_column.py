"""A column of numbers: as whole numbers over a power of ten where all of them are that exactly, else bit by bit."""

import struct
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain
from typing import cast

from efpi_core.history.whole_numbers import (
    MAGIC,
    MAGIC_BITS,
    even_step,
    lanes_of,
    little,
    pack,
    surely_rises,
    unpack,
    unpack_floats,
)

MOST_DECIMALS = 9

_SAMPLE = 16
_LIFTED_7, _LIFTED_6 = b"\x43", bytes(range(0x30, 0x40))
"""The upper bytes of a double from 2^52 to below 2^53: what has others was too large to be rounded by `MAGIC`."""

_HEAD = struct.Struct("<BB")


class NumberForm(IntEnum):
    """How a column of numbers is written."""

    SCALED_FLOATS = 1
    SCALED_INTS = 2
    FLOATS = 3
    INTS = 4


@dataclass(frozen=True, slots=True)
class Scaled:
    """Numbers as whole ones over ten to the exponent: their lanes, each with `base` added."""

    lanes: bytes
    exponent: int = 0
    base: int = 0


def scaled(values: Sequence[float], hint: int = 0) -> Scaled | None:
    """The smallest exponent with which all numbers come back exactly, and the whole numbers; None when none does.

    `hint`: the exponent that is tried first, as the one of the channel's chunk before.
    """
    sample = values[:: max(1, len(values) // _SAMPLE)]
    fitting = (exponent for exponent in range(MOST_DECIMALS + 1) if _lanes(sample, exponent) is not None)
    for exponent in chain((hint,), fitting) if hint else fitting:
        lanes = _lanes(values, exponent)
        if lanes is not None:
            return Scaled(lanes, exponent, MAGIC_BITS)
    return None


def _lanes(values: Sequence[float], exponent: int) -> bytes | None:
    """The numbers times ten to the exponent, rounded, if those tell the numbers exactly."""
    scale = 10.0**exponent
    try:
        lifted = [value * scale + MAGIC for value in values] if exponent else [value + MAGIC for value in values]
    except OverflowError:
        return None
    if ([(one - MAGIC) / scale for one in lifted] if exponent else [one - MAGIC for one in lifted]) != values:
        return None
    lanes = little(array("d", lifted))
    in_range = not lanes[7::8].strip(_LIFTED_7) and not lanes[6::8].translate(None, _LIFTED_6)
    return lanes if in_range else None


def pack_numbers(values: Sequence[float], found: Scaled | None, *, ints: bool, even: bool = False) -> bytes:
    """Numbers, never none; `found` is what `scaled` said of them; `ints`: all are Python's whole numbers of 63 bits.

    `even`: they are nearly an even progression, as stamps are.
    """
    if found is not None and not (ints and found.exponent):
        packed = pack(found.lanes, base=found.base, even=even)
        if packed is not None:
            form = NumberForm.SCALED_INTS if ints else NumberForm.SCALED_FLOATS
            return _HEAD.pack(form, found.exponent) + packed
    content = lanes_of(cast(Sequence[int], values)) if ints else little(array("d", values))
    form = NumberForm.INTS if ints else NumberForm.FLOATS
    return _HEAD.pack(form, 0) + b"".join(content[place::8] for place in range(8))


def surely_rising(column: bytes) -> bool:
    """Whether every number of a column is larger than the one before, as far as that can be told without reading it."""
    return column[0] == NumberForm.SCALED_INTS and surely_rises(column[_HEAD.size :])


def progression(column: bytes, count: int) -> range | None:
    """The whole numbers of a column where they go up evenly, as far as that can be told without reading it."""
    body = column[_HEAD.size :]
    step = even_step(body) if column[0] == NumberForm.SCALED_INTS else None
    if step is None or step < 0:
        return None
    whole = unpack(body, count)
    return whole if isinstance(whole, range) else None


def unpack_numbers(content: bytes, count: int) -> Sequence[float]:
    """The numbers that were packed; a range when they are an even progression of whole numbers."""
    form, exponent = _HEAD.unpack_from(content)
    body = content[_HEAD.size :]
    if form == NumberForm.SCALED_INTS:
        whole = unpack(body, count)
        return whole if isinstance(whole, range | list) else list(whole)
    if form == NumberForm.SCALED_FLOATS:
        scale = 10.0**exponent
        whole_floats = unpack_floats(body, count)
        return [one / scale for one in whole_floats] if exponent else list(whole_floats)
    if len(body) != 8 * count:
        raise ValueError("the column has another length than its header says")
    raw = bytearray(len(body))
    for place in range(8):
        raw[place::8] = body[place * count : (place + 1) * count]
    found: array[int] | array[float] = array("q" if NumberForm(form) is NumberForm.INTS else "d", bytes(raw))
    if sys.byteorder == "big":
        found.byteswap()
    return found.tolist()
