"""A column of whole numbers in few bytes: differences, or distances from a line, parted into planes of bytes.

A small number d is kept as d + 0x…808080, so that small ones of either sign differ in their lowest byte only, and all
higher planes are one byte over and over. All numbers of a column are worked on at once, as lanes of 64 bits of one long
whole number: Python adds those at a nanosecond a lane.
"""

import sys
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from struct import Struct

PLANES = 6

_LANE = 8
_TOP = 1 << 63
_FARTHEST = 1 << 47
_BIAS = 0x8080_8080_8080
_FILL = 0x80
_FITS_6, _FITS_7 = b"\x00", b"\x80"
"""The upper bytes of a lane whose number fits into the planes."""

_SMALL_TOPS = bytes([*range(0x10), *range(0xF0, 0x100)])
"""The highest bytes of numbers below 2^60, of either sign: sums and differences of few of them stay within a lane."""

_EXACT_FLOATS = 1 << 53
_HEAD = Struct("<qqB")
_LINE = 0x10
"""Added to the number of planes when they hold distances from a line."""

_SIGNED = {1: "b", 2: "h", 4: "i", 8: "q"}

MAGIC = 1.5 * 2**52
"""Added and taken away again, it rounds a float below 2^51 to a whole number; added only, that number's bits are the
lower ones of the sum."""

MAGIC_BITS = 0x4338 << 48


def lanes_of(whole: Sequence[int]) -> bytes:
    """Whole numbers as lanes. Raises OverflowError when one has more than 63 bits."""
    return little(array("q", whole))


def little(numbers: "array[int] | array[float]") -> bytes:
    """An array's bytes, the lowest first."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def pack(lanes: bytes, *, base: int = 0, even: bool = False) -> bytes | None:
    """Whole numbers, or None when one is too large or two neighbours too far apart. Never empty.

    `base`: what was added to each of them, so that all are positive. `even`: they are nearly an even progression, as
    stamps are; the first difference is taken away from all, or they are kept as distances from a straight line.
    """
    if not base and lanes[7::_LANE].translate(None, _SMALL_TOPS):
        return None
    count = len(lanes) // _LANE - 1
    first, last = _number(lanes[:_LANE]), _number(lanes[-_LANE:])
    step = _number(lanes[_LANE : 2 * _LANE]) - first if even and count else 0
    if abs(step) >= _FARTHEST:
        return None
    ones = _ones(count, _LANE)
    shown = int.from_bytes(lanes, "little") ^ (ones << 64 | 1) << 63
    later, earlier = shown >> 64, shown & (1 << 64 * count) - 1
    planes = _planes(later - earlier + ones * (_TOP + _BIAS - step), count)
    if even and planes and planes[0].count(_FILL) * 2 < count:
        slope = round((last - first) / count)
        line = _planes(later - slope * _places(count) + ones * (_BIAS - first), count)
        if line is not None and len(line) <= len(planes):
            return _HEAD.pack(first - base, slope, len(line) | _LINE) + b"".join(line)
    return None if planes is None else _HEAD.pack(first - base, step, len(planes)) + b"".join(planes)


def surely_rises(packed: bytes) -> bool:
    """Whether each of the numbers that were packed is larger than the one before, as far as the head tells."""
    _, step, width = _HEAD.unpack_from(packed)
    return bool(step >= 1 << 8 * (width & ~_LINE))


def even_step(packed: bytes) -> int | None:
    """The step of an even progression; None where the numbers that were packed are none, or only one."""
    _, step, width = _HEAD.unpack_from(packed)
    return step if step and not width else None


def _planes(number: int, count: int) -> list[bytes] | None:
    """The planes of so many lanes that say anything; None when a lane's number is too large for them."""
    content = number.to_bytes(_LANE * count, "little")
    if content[6::_LANE].count(_FITS_6) != count or content[7::_LANE].count(_FITS_7) != count:
        return None
    planes = [content[place::_LANE] for place in range(PLANES)]
    while planes and planes[-1].count(_FILL) == count:
        planes.pop()
    return planes


def unpack(content: bytes, count: int) -> Iterable[int]:
    """The numbers that were packed; a range when they are an even progression."""
    first, step, width = _HEAD.unpack_from(content)
    if width == 0:
        return range(first, first + step * count, step) if step else [first] * count
    planes = content[_HEAD.size :]
    if (width & ~_LINE) > PLANES or len(planes) != (width & ~_LINE) * (count - 1):
        raise ValueError("the planes have another length than their header says")
    if width & _LINE:
        return [first, *_along_line(planes, count - 1, first, step)]
    return accumulate(_differences(planes, count - 1, width, step), initial=first)


def unpack_floats(content: bytes, count: int) -> Iterable[float]:
    """The same as floats, summed up as such where all of them are exact."""
    first, _, width = _HEAD.unpack_from(content)
    if not 0 < width <= PLANES or abs(first) + (count << 8 * width - 1) >= _EXACT_FLOATS:
        return map(float, unpack(content, count))
    return accumulate(_differences(content[_HEAD.size :], count - 1, width, 0), initial=float(first))


def _along_line(planes: bytes, count: int, first: int, slope: int) -> list[int]:
    """The numbers at some distances from a line, without its begin."""
    width = len(planes) // count
    distances = _joined(planes, count, width, _LANE)
    bias = _BIAS & (1 << 8 * width) - 1
    ones = _ones(count, _LANE)
    numbers = distances + slope * _places(count) + ones * (first - bias + _TOP)
    return _signed(numbers ^ ones * _TOP, count, _LANE).tolist()


def _differences(planes: bytes, count: int, width: int, step: int) -> "array[int]":
    """The differences, from their planes and the step that was taken away."""
    reach = (1 << (8 * width - 1)) + abs(step)
    size = next((size for size in _SIGNED if reach < 1 << (8 * size - 1)), _LANE)
    top, bias = 1 << 8 * size - 1, _BIAS & (1 << 8 * width) - 1
    ones = _ones(count, size)
    return _signed(_joined(planes, count, width, size) + ones * (step - bias + top) ^ ones * top, count, size)


def _joined(planes: bytes, count: int, width: int, size: int) -> int:
    """Planes as lanes of so many bytes."""
    lanes = bytearray(size * count)
    for place in range(width):
        lanes[place::size] = planes[place * count : (place + 1) * count]
    return int.from_bytes(lanes, "little")


def _signed(number: int, count: int, size: int) -> "array[int]":
    found = array(_SIGNED[size], number.to_bytes(size * count, "little"))
    if sys.byteorder == "big":
        found.byteswap()
    return found


def _number(lane: bytes) -> int:
    return int.from_bytes(lane, "little", signed=True)


@lru_cache(maxsize=4)
def _ones(count: int, size: int) -> int:
    """A one in each of so many lanes of so many bytes."""
    return int.from_bytes((1).to_bytes(size, "little") * count, "little")


@lru_cache(maxsize=2)
def _places(count: int) -> int:
    """In each lane its number, from 1."""
    return int.from_bytes(lanes_of(range(1, count + 1)), "little")
