"""A chunk: some hundred or thousand values of one channel in few bytes, that come back exactly.

Layout, little-endian: version, number of values, lengths of the columns of stamps, qualities and presence; then those
columns and that of the values, deflated together. A column that says nothing is left out: qualities when all are good,
presence when no value is missing. An integral float may come back as an equal whole number's float; a zero has no sign.
"""

import json
import struct
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from types import NoneType
from typing import cast

from efpi_core.history.number_column import Scaled, pack_numbers, progression, scaled, surely_rising, unpack_numbers
from efpi_core.history.series import Series
from efpi_core.history.whole_numbers import lanes_of
from efpi_core.plugin.observation import ObservedValue

VERSION = 1

RISING = 0x80
"""Added to the version where every stamp is later than the one before."""

MOST_VALUES = 1 << 20
"""More in one chunk is no chunk of ours."""

_LARGEST_BODY = 1 << 26
_HEAD = struct.Struct("<BIIII")


class DamagedChunkError(ValueError):
    """What should be a chunk is none."""


class _ValueForm(IntEnum):
    NUMBERS = 1
    WORDS = 2


@dataclass(frozen=True, slots=True)
class Encoded:
    """A chunk, and what was found of its numbers on the way."""

    content: bytes
    rising: bool
    """Whether every stamp is later than the one before."""
    scaled: Scaled | None
    """The values as whole numbers, when all of them are numbers and there is a power of ten for them."""
    stamps: range | None
    """The stamps, when they go up evenly."""


def encode(series: Series, hint: int = 0) -> Encoded:
    """Write a series, never an empty one. `hint`: the decimals that the numbers of this channel mostly have."""
    count = len(series)
    if not 0 < count <= MOST_VALUES:
        raise ValueError(f"a chunk holds 1 to {MOST_VALUES} values, not {count}")
    stamps = pack_numbers(series.stamps, Scaled(lanes_of(series.stamps)), ints=True, even=True)
    rising = surely_rising(stamps) or series.ascending
    qualities = bytes(series.qualities or b"")
    if not any(qualities):
        qualities = b""
    present, presence = series.values, b""
    kinds = set(map(type, present))
    if NoneType in kinds:
        presence = bytes(value is not None for value in present)
        present = [value for value in present if value is not None]
    column, numbers = _value_column(present, kinds - {NoneType}, hint)
    head = _HEAD.pack(VERSION | (RISING if rising else 0), count, len(stamps), len(qualities), len(presence))
    packer = zlib.compressobj(1, zlib.DEFLATED, 15, 9, zlib.Z_RLE if column[:1] == b"\x01" else zlib.Z_DEFAULT_STRATEGY)
    body = packer.compress(b"".join((stamps, qualities, presence, column))) + packer.flush()
    return Encoded(head + body, rising, None if presence else numbers, progression(stamps, count))


def _value_column(values: Sequence[ObservedValue], kinds: set[type], hint: int) -> tuple[bytes, Scaled | None]:
    if kinds == {int}:
        with suppress(OverflowError):
            whole = Scaled(lanes_of(cast(Sequence[int], values)))
            return bytes([_ValueForm.NUMBERS]) + pack_numbers(cast(Sequence[int], values), whole, ints=True), whole
    elif values and kinds <= {int, float}:
        numbers = cast(list[float], values if isinstance(values, list) else list(values))
        found = scaled(numbers, hint)
        if found is not None or kinds == {float}:
            return bytes([_ValueForm.NUMBERS]) + pack_numbers(numbers, found, ints=False), found
    return bytes([_ValueForm.WORDS]) + _words(values), None


def _words(values: Sequence[ObservedValue]) -> bytes:
    """Each different value once, as JSON, and the places of all."""
    places: dict[tuple[type, ObservedValue], int] = {}
    indices = [places.setdefault((type(value), value), len(places)) for value in values]
    size = 1 if len(places) <= 1 << 8 else 2 if len(places) <= 1 << 16 else 4
    raw = b"".join(index.to_bytes(size, "little") for index in indices)
    words = json.dumps([value for _, value in places], separators=(",", ":")).encode()
    return struct.pack("<BI", size, len(words)) + words + b"".join(raw[place::size] for place in range(size))


def decode(content: object) -> Series:
    """Read a chunk as it lies in the file, where damage may have left anything. Raises DamagedChunkError."""
    if not isinstance(content, bytes):
        raise DamagedChunkError(f"a chunk is {type(content).__name__} and no bytes")
    try:
        return _decoded(content)
    except (ValueError, struct.error, zlib.error, IndexError, OverflowError, TypeError, RecursionError) as error:
        raise DamagedChunkError(f"a chunk of {len(content)} bytes cannot be read: {error}") from error


def _decoded(content: bytes) -> Series:
    version, count, of_stamps, of_qualities, of_presence = _HEAD.unpack_from(content)
    if version & ~RISING != VERSION or not 0 < count <= MOST_VALUES:
        raise DamagedChunkError(f"version {version} with {count} values is unknown here")
    body = zlib.decompressobj().decompress(content[_HEAD.size :], _LARGEST_BODY)
    columns = []
    at = 0
    for length in (of_stamps, of_qualities, of_presence):
        columns.append(body[at : at + length])
        at += length
    stamps = cast(Sequence[int], unpack_numbers(columns[0], count))
    presence = columns[2]
    values: Sequence[ObservedValue] = _values(body[at:], sum(presence) if presence else count)
    if presence:
        filled = iter(values)
        values = [next(filled) if there else None for there in presence]
    qualities = columns[1] or None
    if not len(values) == len(stamps) == count or len(qualities or bytes(count)) != count:
        raise DamagedChunkError("its columns are of different lengths")
    return Series(stamps, values, qualities, bool(version & RISING))


def _values(column: bytes, count: int) -> Sequence[ObservedValue]:
    if column[0] == _ValueForm.NUMBERS:
        return unpack_numbers(column[1:], count)
    size, of_words = struct.unpack_from("<BI", column, 1)
    begin = 6 + of_words
    words = json.loads(column[6:begin])
    planes = column[begin:]
    if len(planes) != size * count:
        raise DamagedChunkError("the places of its words are incomplete")
    if size == 1:
        return [words[index] for index in planes]
    raw = bytearray(len(planes))
    for place in range(size):
        raw[place::size] = planes[place * count : (place + 1) * count]
    return [words[int.from_bytes(raw[at : at + size], "little")] for at in range(0, len(raw), size)]
