"""A column of whole numbers in few bytes: differences, parted into planes of bytes.

A difference d is kept as d + 0x…808080, so that small ones of either sign differ in their lowest byte only, and all
higher planes are one byte over and over. The sum is made by floating point: added to 1.5 · 2^52 a whole number stands
in the lower bits of a double as it is, so neither Python's whole numbers nor their conversion is needed.
"""

import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate, islice
from operator import sub

MAGIC = 1.5 * 2**52
"""Added and taken away again, it rounds a float below 2^51 to a whole number."""

PLANES = 6

_BIAS = 0x8080_8080_8080
_OFFSET = MAGIC + _BIAS
_FILL = 0x80
_BYTE_6, _BYTE_7 = b"\x38", b"\x43"
"""What the upper bytes of a double hold whose lower 48 bits are the sum; anything else did not fit."""

_LARGEST = 1 << 63
_HEAD = struct.Struct("<qqB")
_SIGNED = {1: "b", 2: "h", 4: "i", 8: "q"}


def pack(whole: Sequence[float], *, even: bool = False) -> bytes | None:
    """Whole numbers, as floats or ints, or None when one is too large or two neighbours too far apart. Never empty.

    A float beyond 2^53 differs by less than 2^47 from its neighbour only where that difference is exact, too.
    `even`: they are nearly an even progression; the first difference is taken away from all of them.
    """
    if not -_LARGEST < whole[0] < _LARGEST:
        return None
    step = whole[1] - whole[0] if even and len(whole) > 1 else 0
    if even and _is_even(whole, step):
        return _HEAD.pack(int(whole[0]), int(step), 0)
    offset = _OFFSET - step
    raw = array("d", [one + offset for one in map(sub, islice(whole, 1, None), whole)])
    if sys.byteorder == "big":
        raw.byteswap()
    content = raw.tobytes()
    count = len(raw)
    if content[6::8].count(_BYTE_6) != count or content[7::8].count(_BYTE_7) != count or abs(step) >= 1 << 47:
        return None
    planes = [content[place::8] for place in range(PLANES)]
    stored = [place for place, plane in enumerate(planes) if plane.count(_FILL) != count]
    width = stored[-1] + 1 if stored else 0
    return _HEAD.pack(int(whole[0]), int(step), width) + b"".join(planes[:width])


def _is_even(whole: Sequence[float], step: float) -> bool:
    first, count = int(whole[0]), len(whole)
    if not step or whole[-1] != first + step * (count - 1):
        return False
    even = range(first, first + int(step) * count, int(step))
    return whole == (even if isinstance(whole, range) else list(even))


def unpack(content: bytes, count: int) -> Iterable[int]:
    """The numbers that were packed; a range when they are an even progression."""
    first, step, width = _HEAD.unpack_from(content)
    if width == 0:
        return range(first, first + step * count, step) if step else [first] * count
    if width > PLANES or len(content) != _HEAD.size + width * (count - 1):
        raise ValueError("the planes have another length than their header says")
    return accumulate(_joined(content[_HEAD.size :], count - 1, width, step), initial=first)


def _joined(planes: bytes, count: int, width: int, step: int) -> "array[int]":
    """The differences, from their planes and the step that was taken away."""
    reach = (1 << (8 * width - 1)) + abs(step)
    size = next((size for size in _SIGNED if reach < 1 << (8 * size - 1)), 8)
    lanes = bytearray(size * count)
    for place in range(size):
        lanes[place::size] = planes[place * count : (place + 1) * count] if place < width else b"\x80" * count
    low, shift, crossed = _masks(count, size, step)
    biased = int.from_bytes(lanes, "little")
    sums = ((biased & low) + (shift & low)) ^ ((biased ^ shift) & crossed)
    found = array(_SIGNED[size], sums.to_bytes(size * count, "little"))
    if sys.byteorder == "big":
        found.byteswap()
    return found


@lru_cache(maxsize=16)
def _masks(count: int, size: int, step: int) -> tuple[int, int, int]:
    """For all lanes at once, in one long number: take the bias away and add the step, without a carry between lanes."""

    def repeated(lane: int) -> int:
        return int.from_bytes(lane.to_bytes(size, "little") * count, "little")

    top = 1 << (8 * size - 1)
    bias = int.from_bytes(b"\x80" * size, "little")
    return repeated(top - 1), repeated((step - bias) % (1 << 8 * size)), repeated(top)
