"""Forecasts on a grid of instants: the average of each interval between two neighbours, and the sum of several."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Protocol

from efi.profile import Element
from efi.uncertainty import UncertainValue

Sampled = tuple[UncertainValue | None, ...]
"""One value for each interval of a grid; None where nothing is told."""


class Forecasting(Protocol):
    """Any message that tells what is expected in one interval after the other."""

    @property
    def starts_and_ends(self) -> tuple[datetime, ...]:
        """The instants at which its intervals begin, and the end of the last."""


def regular_grid(start: datetime, step: timedelta, intervals: int) -> tuple[datetime, ...]:
    """A grid of intervals of one length: one instant more than intervals."""
    return tuple(start + number * step for number in range(intervals + 1))


def common_grid(forecasts: Iterable[Forecasting], start: datetime, end: datetime) -> tuple[datetime, ...]:
    """The coarsest grid from `start` to `end` on which every forecast is constant between two neighbours."""
    inner = {instant for forecast in forecasts for instant in forecast.starts_and_ends if start < instant < end}
    return (start, *sorted(inner), end)


def averaged(
    elements: Sequence[Element],
    start: datetime,
    grid: Sequence[datetime],
    value_of: Callable[[Element], UncertainValue | None],
) -> Sampled:
    """The average of a profile that begins at `start` over each interval of a grid.

    Where the profile tells of a part of an interval only, the average of that part stands for the whole.
    """
    ends = [*_ends(elements, start)]
    place = 0
    sampled = []
    for begins, until in pairwise(grid):
        while place < len(ends) and ends[place] <= begins:
            place += 1
        parts = []
        for number in range(place, len(ends)):
            element_begins = ends[number] - elements[number].duration
            seconds = (min(ends[number], until) - max(element_begins, begins)).total_seconds()
            if seconds <= 0:
                break
            if (value := value_of(elements[number])) is not None:
                parts.append((value, seconds))
        sampled.append(_mean(parts))
    return tuple(sampled)


def summed(profiles: Iterable[Sampled]) -> Sampled:
    """The sum of profiles on one grid, their errors independent of each other.

    A profile that tells nothing of an interval adds nothing there; None where none tells anything.
    """
    return tuple(_sum([value for value in values if value is not None]) for values in zip(*profiles, strict=True))


def _ends(elements: Sequence[Element], start: datetime) -> Iterable[datetime]:
    for element in elements:
        start += element.duration
        yield start


def _mean(parts: list[tuple[UncertainValue, float]]) -> UncertainValue | None:
    if len(parts) == 1:
        return parts[0][0]
    return UncertainValue.mean(parts) if parts else None


def _sum(values: list[UncertainValue]) -> UncertainValue | None:
    return UncertainValue.sum(values) if values else None
