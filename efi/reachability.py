"""When a running mode can be reached, by way of others, under timers that the ways themselves start."""

import heapq
import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from efi.types import LATEST

MAX_LABELS = 20_000
"""How many partial ways are followed at most; far more than modes and timers of real appliances give."""


class Way(Protocol):
    """A transition, as far as time is concerned."""

    @property
    def to_mode(self) -> str: ...  # noqa: D102
    @property
    def start_timers(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def blocking_timers(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def duration(self) -> timedelta: ...  # noqa: D102


class Step(NamedTuple):
    """One transition on the way."""

    to_mode: str
    """The mode that is entered."""
    begins: datetime
    """When the transition begins at the earliest."""


class Arrival(NamedTuple):
    """When a mode can be run at the earliest, and how it is reached."""

    instant: datetime
    """When the last transition has ended."""
    steps: tuple[Step, ...]
    """The transitions in their order; none for the mode that runs already."""


class _Label(NamedTuple):
    instant: datetime
    order: int
    mode: str
    timers: dict[str, datetime]
    steps: tuple[Step, ...]


def earliest_arrivals(
    mode_id: str,
    timers: Mapping[str, datetime],
    now: datetime,
    ways: Mapping[str, Sequence[Way]],
    durations: Mapping[str, timedelta],
) -> dict[str, Arrival]:
    """The earliest arrival at each mode that can be reached from one.

    A detour may start fewer timers than the straight way, so a mode is visited anew by each way of which no earlier one
    is better in every timer (Pareto's rule).
    """
    order = itertools.count()
    heap = [_Label(now, next(order), mode_id, {timer: end for timer, end in timers.items() if end > now}, ())]
    arrivals: dict[str, Arrival] = {}
    settled: dict[str, list[_Label]] = {}
    followed = 0
    while heap and followed < MAX_LABELS:
        label = heapq.heappop(heap)
        if label.instant >= LATEST or any(_no_worse(other, label) for other in settled.get(label.mode, ())):
            continue
        followed += 1
        settled.setdefault(label.mode, []).append(label)
        arrivals.setdefault(label.mode, Arrival(label.instant, label.steps))
        for way in ways.get(label.mode, ()):
            heapq.heappush(heap, _along(way, label, durations, next(order)))
    return arrivals


def _along(way: Way, label: _Label, durations: Mapping[str, timedelta], order: int) -> _Label:
    running = (label.timers[timer] for timer in way.blocking_timers if timer in label.timers)
    begins = max((label.instant, *running))
    started = {timer: begins + durations[timer] for timer in way.start_timers}
    return _Label(
        begins + way.duration,
        order,
        way.to_mode,
        {**label.timers, **started},
        (*label.steps, Step(way.to_mode, begins)),
    )


def _no_worse(other: _Label, label: _Label) -> bool:
    """Whether what was settled before lets every later transition begin as early; it was settled no later."""
    return all(
        end <= label.instant or (timer in label.timers and end <= label.timers[timer])
        for timer, end in other.timers.items()
    )
