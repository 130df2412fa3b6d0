"""A column of numbers: as whole numbers over a power of ten where all of them are that exactly, else bit by bit."""

import struct
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain

from efpi_core.history.whole_numbers import MAGIC, pack, unpack

MOST_DECIMALS = 9

_SAMPLE = 16
_LEAST = -float(1 << 51)
"""Below, what was rounded by `MAGIC` may end in a half."""
_HEAD = struct.Struct("<BB")


class NumberForm(IntEnum):
    """How a column of numbers is written."""

    SCALED_FLOATS = 1
    SCALED_INTS = 2
    FLOATS = 3
    INTS = 4


@dataclass(frozen=True, slots=True)
class Scaled:
    """Numbers as whole ones over ten to the exponent."""

    whole: Sequence[float]
    exponent: int


def scaled(values: Sequence[float], hint: int = 0) -> Scaled | None:
    """The smallest exponent with which all numbers come back exactly, and the whole numbers; None when none does.

    `hint`: the exponent that is tried first, as the one of the channel's chunk before.
    """
    sample = values[:: max(1, len(values) // _SAMPLE)]
    fitting = (exponent for exponent in range(MOST_DECIMALS + 1) if _whole(sample, exponent) is not None)
    for exponent in chain((hint,), fitting) if hint else fitting:
        whole = _whole(values, exponent)
        if whole is not None:
            return Scaled(whole, exponent)
    return None


def _whole(values: Sequence[float], exponent: int) -> list[float] | None:
    scale = 10.0**exponent
    whole = [(value * scale + MAGIC) - MAGIC for value in values]
    if ([one / scale for one in whole] if exponent else whole) != values:
        return None
    return whole if min(whole) >= _LEAST else None


def pack_numbers(values: Sequence[float], found: Scaled | None, *, ints: bool, even: bool = False) -> bytes:
    """Numbers, never none; `found` is what `scaled` said of them; `ints`: all are Python's whole numbers of 63 bits.

    `even`: they are nearly an even progression, as stamps are.
    """
    if found is not None and not (ints and found.exponent):
        packed = pack(found.whole, even=even)
        if packed is not None:
            form = NumberForm.SCALED_INTS if ints else NumberForm.SCALED_FLOATS
            return _HEAD.pack(form, found.exponent) + packed
    raw: array[int] | array[float] = array("q", values) if ints else array("d", values)
    if sys.byteorder == "big":
        raw.byteswap()
    content = raw.tobytes()
    form = NumberForm.INTS if ints else NumberForm.FLOATS
    return _HEAD.pack(form, 0) + b"".join(content[place::8] for place in range(8))


def unpack_numbers(content: bytes, count: int) -> Sequence[float]:
    """The numbers that were packed; a range when they are an even progression of whole numbers."""
    form, exponent = _HEAD.unpack_from(content)
    body = content[_HEAD.size :]
    if form in (NumberForm.SCALED_FLOATS, NumberForm.SCALED_INTS):
        whole = unpack(body, count)
        if form == NumberForm.SCALED_INTS:
            return whole if isinstance(whole, range) else list(whole)
        scale = 10.0**exponent
        return [one / scale for one in whole]
    if len(body) != 8 * count:
        raise ValueError("the column has another length than its header says")
    raw = bytearray(len(body))
    for place in range(8):
        raw[place::8] = body[place * count : (place + 1) * count]
    found: array[int] | array[float] = array("q" if NumberForm(form) is NumberForm.INTS else "d", bytes(raw))
    if sys.byteorder == "big":
        found.byteswap()
    return found.tolist()
