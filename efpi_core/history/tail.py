"""What came since the last seal: in memory for questions, and on disk as small batches for the next start."""

import json
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import sub

from efpi_core.history.series import GOOD, Series
from efpi_core.plugin.observation import ObservedValue

_LARGEST_BATCH = 1 << 26


@dataclass(slots=True)
class Column:
    """The values of one channel that are not sealed yet, in the order in which they came."""

    stamps: "array[int]" = field(default_factory=lambda: array("q"))
    values: "array[float] | list[ObservedValue]" = field(default_factory=lambda: array("d"))
    """An array as long as all of them are floats: a quarter of a list's memory."""
    qualities: bytearray = field(default_factory=bytearray)

    def extend(self, series: Series) -> None:
        """Take in more."""
        self.stamps.extend(series.stamps)
        if isinstance(self.values, array) and set(map(type, series.values)) - {float}:
            self.values = list(self.values)
        self.values.extend(series.values)  # type: ignore[arg-type]  # floats, where it is an array
        self.qualities.extend(series.qualities or bytes(len(series)))

    def series(self) -> Series:
        """A copy of all of them."""
        qualities = bytes(self.qualities)
        return Series(self.stamps.tolist(), list(self.values), qualities if any(qualities) else None)


class Tail:
    """The columns of all channels, by number."""

    def __init__(self) -> None:
        self._columns: dict[int, Column] = {}
        self.size = 0
        """Values in it."""

    def __iter__(self) -> Iterator[tuple[int, Column]]:
        """Each channel's number and column."""
        return iter(self._columns.items())

    def extend(self, batch: "Batch") -> None:
        """Take in a batch."""
        for channel, series in batch.items():
            column = self._columns.get(channel)
            if column is None:
                column = self._columns[channel] = Column()
            column.extend(series)
            self.size += len(series)

    def series(self, channel: int) -> Series | None:
        """What one channel has here."""
        column = self._columns.get(channel)
        return None if column is None else column.series()


Batch = dict[int, Series]
"""What came in one span of some seconds, by the number of the channel."""


def pack_batch(batch: Batch) -> bytes:
    """A batch as it is kept until the seal. Every value must be one of JSON's, as observed values are."""
    columns = [
        [
            channel,
            series.stamps[0],
            list(map(sub, series.stamps[1:], series.stamps)),
            list(series.values),
            list(series.qualities) if series.qualities is not None and any(series.qualities) else GOOD,
        ]
        for channel, series in batch.items()
        if len(series)
    ]
    return zlib.compress(json.dumps(columns, separators=(",", ":")).encode("ascii"), 1)


def unpack_batch(content: object) -> Batch:
    """A batch as it lies in the file, where damage may have left anything. Raises ValueError when it is none."""
    if not isinstance(content, bytes):
        raise ValueError(f"a batch is {type(content).__name__} and no bytes")
    try:
        columns = json.loads(zlib.decompressobj().decompress(content, _LARGEST_BATCH))
        return {
            channel: _series(list(accumulate(differences, initial=first)), values, qualities)
            for channel, first, differences, values, qualities in columns
        }
    except (zlib.error, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"a batch of {len(content)} bytes cannot be read: {error}") from error


def _series(stamps: list[int], values: Sequence[ObservedValue], qualities: Sequence[int] | int) -> Series:
    return Series(stamps, values, bytes(qualities) if isinstance(qualities, list) else None)
