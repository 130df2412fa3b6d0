"""A table: seeded series of one year, made once and read by every process without a library.

The file is xz-compressed: one line of JSON that says what it holds, then each channel as little-endian 16-bit numbers.
"""

import json
import lzma
import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from efpi_driver_simulated.local_days import year_start

VERSION = 1
"""Rises when the same key would give other numbers."""

MOST_BYTES = 8_000_000
"""A table that unpacks to more is refused."""


def weather_name(latitude: float, longitude: float, year: int, seed: int) -> str:
    """The file name of a weather table; everything that its numbers depend on."""
    return f"weather_{latitude:+.2f}_{longitude:+.2f}_{year}_{seed}_v{VERSION}.xz"


def use_name(zone: str, year: int, seed: int) -> str:
    """The file name of a household's use; everything that its numbers depend on."""
    return f"use_{zone.replace('/', '-')}_{year}_{seed}_v{VERSION}.xz"


class TableError(ValueError):
    """A table cannot be used; says which, why, and what to do."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        super().__init__(f"the table {path} {problem}; delete it, and it is made again")


@dataclass(frozen=True, slots=True)
class Channel:
    """One series: a number for each step of the year, starting with 1 January 0:00 UTC."""

    step_s: int
    """Length of a step, s."""
    scale: float
    """What a stored 1 stands for."""
    values: Sequence[int]
    """The stored numbers."""

    def held(self, second: float) -> float:
        """The value of the step that holds this second of the year; the last one beyond the end."""
        return self.values[min(int(second // self.step_s), len(self.values) - 1)] * self.scale

    def at(self, second: float) -> float:
        """The value at a second of the year, taken linearly between the middles of the steps."""
        place = second / self.step_s - 0.5
        left = int(place // 1.0)
        part = place - left
        last = len(self.values) - 1
        before = self.values[min(max(left, 0), last)]
        if part == 0.0:
            return before * self.scale
        return (before + (self.values[min(max(left + 1, 0), last)] - before) * part) * self.scale


@dataclass(frozen=True, slots=True)
class Table:
    """A year of some channels, and where they come from."""

    kind: str
    """"weather" or "use"."""
    year: int
    """The year for which it was made."""
    source: str
    """Which libraries made it, with their versions."""
    facts: dict[str, Any]
    """Place and seed."""
    channels: dict[str, Channel]
    """The series by name."""

    def second(self, t: float, *, same_weekday: bool = False) -> float:
        """The second of the table's year that stands for `t`: the same date, or the same weekday nearest to it."""
        year, start = year_start(t)
        second = t - start
        if same_weekday and year != self.year:
            ahead = (_first_weekday(year) - _first_weekday(self.year)) % 7
            second += (ahead - 7 if ahead > 3 else ahead) * 86400.0
        return second % (365 * 86400.0)

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        head = {
            "version": VERSION,
            "kind": self.kind,
            "year": self.year,
            "source": self.source,
            "facts": self.facts,
            "channels": [
                {"name": name, "step_s": channel.step_s, "scale": channel.scale, "count": len(channel.values)}
                for name, channel in self.channels.items()
            ],
        }
        body = b"".join(_little_endian(channel.values) for channel in self.channels.values())
        packed = lzma.compress(json.dumps(head, sort_keys=True).encode() + b"\n" + body, preset=9)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(packed)
        unfinished.replace(path)


def _first_weekday(year: int) -> int:
    return (year - 1 + (year - 1) // 4 - (year - 1) // 100 + (year - 1) // 400) % 7


def _little_endian(values: Sequence[int]) -> bytes:
    numbers = array("h", values)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


@lru_cache(maxsize=8)
def read_table(path: Path) -> Table:
    """Read a file, once a process; raises TableError when it is not a whole table, OSError when it cannot be read."""
    unpacker = lzma.LZMADecompressor()
    try:
        raw = unpacker.decompress(path.read_bytes(), max_length=MOST_BYTES)
    except lzma.LZMAError as error:
        raise TableError(path, f"is not an xz file ({error})") from error
    if not unpacker.eof:
        raise TableError(path, "is cut short or larger than any table")
    end = raw.find(b"\n")
    try:
        head = json.loads(raw[: max(end, 0)])
        if head["version"] != VERSION:
            raise TableError(path, f"has version {head['version']} where {VERSION} is known")
        channels = dict(_channels(head["channels"], memoryview(raw)[end + 1 :]))
        return Table(str(head["kind"]), int(head["year"]), str(head["source"]), dict(head["facts"]), channels)
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, TableError):
            raise
        raise TableError(path, f"does not say what it holds ({error})") from error


def _channels(heads: list[dict[str, Any]], body: memoryview) -> Iterator[tuple[str, Channel]]:
    numbers = array("h")
    numbers.frombytes(body[: len(body) // 2 * 2])
    if sys.byteorder == "big":
        numbers.byteswap()
    stored = memoryview(numbers)
    place = 0
    for head in heads:
        count = int(head["count"])
        values = stored[place : place + count]
        place += count
        if count < 1 or len(values) != count:
            raise ValueError(f"channel {head['name']!r} is cut short")
        yield str(head["name"]), Channel(int(head["step_s"]), float(head["scale"]), values)
