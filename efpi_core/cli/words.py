"""Sizes, spans and instants as people read them."""

from datetime import datetime, timedelta

from efpi_core.cli.wall import MACHINE, Wall

_SIZES = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))

_SPANS_S = ((172_800, 86_400, "days"), (7_200, 3_600, "hours"), (120, 60, "minutes"))
"""From how many seconds on which unit is told, always two of it at least."""


def size_words(size_bytes: float) -> str:
    """`13 kB`, `1.4 MB`; as everywhere in efpi an MB is 1,048,576 bytes."""
    for unit, name in _SIZES:
        if size_bytes >= unit:
            amount = size_bytes / unit
            return f"{amount:.1f} {name}" if amount < 10 else f"{amount:.0f} {name}"
    return f"{size_bytes:.0f} bytes"


def span_words(seconds: float) -> str:
    """`3 minutes`, `26 hours`, `5 days`."""
    for least, unit, name in _SPANS_S:
        if seconds >= least:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def instant_words(at: datetime | str, wall: Wall = MACHINE) -> str:
    """`2026-06-01 18:30 CEST`: by a clock on the wall, as `--until 18:30` is read, and with its zone."""
    told = datetime.fromisoformat(at) if isinstance(at, str) else at
    return wall.told(told + timedelta(seconds=0.5))
