"""Values on their way into the history, by the name of their channel."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from efpi_core.history.series import QUALITIES, UNKNOWN, Series
from efpi_core.plugin.observation import ObservedValue, Quality

Row = tuple[datetime, ObservedValue, Quality]
"""When, what, and how far it could be trusted."""

_NUMBER = {quality: number for number, quality in enumerate(QUALITIES)}

_EPOCH_MS = 1000.0


@dataclass(slots=True)
class Incoming:
    """What came for one channel, and what the channel is."""

    unit: str = ""
    kind: str = ""
    modulus: float | None = None
    rows: list[Row] = field(default_factory=list)

    def series(self) -> Series:
        """As it is kept: stamps to the millisecond; what is no number is not known."""
        return series_of(self.rows)


def series_of(rows: Iterable[Row]) -> Series:
    """Rows as a series, in their order."""
    stamps: list[int] = []
    values: list[ObservedValue] = []
    qualities = bytearray()
    for at, value, quality in rows:
        stamps.append(round(at.timestamp() * _EPOCH_MS))
        if isinstance(value, float) and not math.isfinite(value):
            values.append(None)
            qualities.append(UNKNOWN)
        else:
            values.append(value)
            qualities.append(_NUMBER[quality])
    return Series(stamps, values, bytes(qualities) if any(qualities) else None)
