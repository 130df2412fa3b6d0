"""Whether a figure stayed as it was: the judgement of a soak."""

import statistics
from collections.abc import Sequence

WARM_UP = 0.25
"""The part at the beginning in which caches fill; it is not judged."""

TOLERANCE = 0.02


def growth(values: Sequence[float]) -> float:
    """By which part a figure grew from the second quarter to the last: their medians compared."""
    if len(values) < 8:
        raise ValueError(f"{len(values)} samples are too few to judge; soak for longer")
    begin = int(len(values) * WARM_UP)
    quarter = max((len(values) - begin) // 3, 1)
    first, last = statistics.median(values[begin : begin + quarter]), statistics.median(values[-quarter:])
    return (last - first) / first if first else float(last > 0)


def is_flat(values: Sequence[float]) -> bool:
    """Whether it grew by no more than the tolerance."""
    return growth(values) <= TOLERANCE
