"""Values in 16-bit registers: decoding, encoding, and the patterns that mean "not implemented".

Source: SunSpec Device Information Model Specification 1.1, clause 4.3 (point types). Registers are big-endian, the most
significant one first.
"""

import math
import struct
from collections.abc import Sequence

from efpi_driver_sunspec.errors import ValueRangeError

SIGNED = {"int16": 1, "sunssf": 1, "int32": 2, "int64": 4}
"""Signed integers: the smallest number means "not implemented"."""

UNSIGNED = {
    "uint16": 1,
    "enum16": 1,
    "bitfield16": 1,
    "count": 1,
    "raw16": 1,
    "uint32": 2,
    "enum32": 2,
    "bitfield32": 2,
    "uint64": 4,
    "bitfield64": 4,
}
"""Unsigned integers: all bits set means "not implemented"."""

ACCUMULATORS = {"acc16": 1, "acc32": 2, "acc64": 4, "ipaddr": 2}
"""Counters, and addresses alike: zero means "not implemented", which a counter that never counted shares."""

FLOATS = {"float32": ">f", "float64": ">d"}
"""Floating-point numbers: any not-a-number means "not implemented"."""

SCALE_LIMIT = 10
"""A scale factor is an exponent from -10 to 10; a device that says more speaks of something else."""


def to_bytes(registers: Sequence[int]) -> bytes:
    """The registers as they travel."""
    return struct.pack(f">{len(registers)}H", *registers)


def to_registers(data: bytes) -> tuple[int, ...]:
    """An even number of bytes as registers."""
    return struct.unpack(f">{len(data) // 2}H", data)


def unsigned(registers: Sequence[int]) -> int:
    """The registers as one unsigned integer."""
    return int.from_bytes(to_bytes(registers), "big")


def decode_number(kind: str, registers: Sequence[int]) -> int | float | None:
    """A number of type `kind`, unscaled, or None where the device says that it has none."""
    if kind in FLOATS:
        number: float = struct.unpack(FLOATS[kind], to_bytes(registers))[0]
        return number if math.isfinite(number) else None
    raw = unsigned(registers)
    bits = 16 * len(registers)
    if kind in SIGNED:
        value = raw - (1 << bits) if raw >> (bits - 1) else raw
        return None if raw == 1 << (bits - 1) else value
    if kind in UNSIGNED:
        return None if raw == (1 << bits) - 1 else raw
    if kind in ACCUMULATORS:
        return raw or None
    return None


def decode_text(registers: Sequence[int]) -> str | None:
    """A string as a person may see it: up to the first NUL, printable characters only, outer spaces removed.

    A device's text is not trusted: it ends up in names, logs and pages, so control characters and broken encodings go.
    """
    data = to_bytes(registers).split(b"\0", 1)[0]
    text = data.decode("utf-8", errors="replace").replace("�", "")
    text = "".join(character for character in text if character.isprintable()).strip()
    return text or None


def scaled(value: int | float, exponent: int) -> float:
    """`value` times ten to the power of `exponent`, rounded once: 2304 with -1 is 230.4."""
    return float(value * 10**exponent) if exponent >= 0 else value / 10**-exponent


def encode_number(point: str, kind: str, value: float, exponent: int = 0) -> tuple[int, ...]:
    """The registers for `value` in the unit of the point, refusing by name what does not fit.

    The bit pattern for "not implemented" is never produced: it would be read as no value at all.
    """
    if kind in FLOATS:
        return to_registers(struct.pack(FLOATS[kind], value))
    raw = round(value / 10**exponent) if exponent >= 0 else round(value * 10**-exponent)
    if kind in SIGNED:
        size = SIGNED[kind]
        high = (1 << (16 * size - 1)) - 1
        low = -high
    elif kind in UNSIGNED:
        size = UNSIGNED[kind]
        low, high = 0, (1 << (16 * size)) - 2
    else:
        raise TypeError(f"points of type {kind} are not written")
    if not low <= raw <= high:
        raise ValueRangeError(point, value, scaled(low, exponent), scaled(high, exponent))
    return to_registers((raw & ((1 << (16 * size)) - 1)).to_bytes(2 * size, "big"))
