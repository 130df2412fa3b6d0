"""What is remembered of an appliance's work that may wait: its steps, and the starts that were asked for."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from efi.time_shiftable import SequenceState, SequenceStatus, TimeShiftableUpdate
from efpi_app_self_consumption.flow import NO_FLOW
from efpi_app_self_consumption.outlook import Outlook
from efpi_app_self_consumption.shiftable_policy import (
    OVER,
    Schedule,
    Start,
    StepFacts,
    WorkFacts,
    step_facts,
    waiting_work,
)

PLANNED_ANEW_S = 3600.0
"""Work that has a start is looked at again after so long: the forecast may have changed."""

_RUNNING = (SequenceStatus.EXECUTING, SequenceStatus.INTERRUPTED)


class RunningStep(NamedTuple):
    """A step that runs or is halted."""

    sequence_id: str
    halted: bool
    interruptible: bool
    longest_halt_s: float
    slack_s: float


class WorkMemory:
    """The steps of the present work as plain numbers, and what was asked."""

    def __init__(self) -> None:
        self._work_id = ""
        self._steps: tuple[StepFacts, ...] = ()
        self.asked: Schedule | None = None
        """The starts that were asked for and not refused."""
        self.allocation_id = ""
        self.asked_at_s = -math.inf
        self.halted_at_s: float | None = None
        """Since when a step is halted by our doing."""
        self.halt_id = ""
        self.running_flow = NO_FLOW
        """What the running step drew last."""

    def forget(self) -> None:
        """What was asked does not hold any more."""
        self.asked = None
        self.asked_at_s = -math.inf

    def clock_set(self, step: timedelta) -> None:
        """The wall clock was set by so much."""
        if self.halted_at_s is not None:
            self.halted_at_s += step.total_seconds()
        self.forget()

    def take(self, work: TimeShiftableUpdate) -> None:
        """Look at work; other work than before has no starts yet."""
        if work.message_id != self._work_id:
            self._work_id = work.message_id
            self._steps = tuple(step_facts(step) for step in work.sequences)
            self.halted_at_s = None
            self.forget()

    def recall(self, allocation_id: str, starts: Sequence[tuple[str, str | None, float]], now_s: float) -> None:
        """Starts that were asked for in a former life: step, way, and instant in s since 1970."""
        known = {step.sequence_id: step for step in self._steps}
        found = []
        for sequence_id, alternative_id, start_s in starts:
            for way in known[sequence_id].ways if sequence_id in known else ():
                if alternative_id in (None, way.alternative_id):
                    found.append(Start(sequence_id, way.alternative_id, way.label, start_s, way.seconds, way.powers))
                    break
        self.asked = Schedule(tuple(found), cost=0.0, sun_share=0.0, late=False)
        self.allocation_id = allocation_id
        self.asked_at_s = now_s

    def waiting(self, work: TimeShiftableUpdate, states: tuple[SequenceState, ...], now: datetime) -> WorkFacts | None:
        """What is still to be started; None when nothing is."""
        self.take(work)
        return waiting_work(work, self._steps, states, now)

    def stale(self, now_s: float) -> bool:
        """Whether it is time to look for a better start."""
        return self.asked is None or now_s - self.asked_at_s >= PLANNED_ANEW_S

    def row(self, work: TimeShiftableUpdate, states: tuple[SequenceState, ...], outlook: Outlook) -> list[float]:
        """W by slot of what runs and of what was asked."""
        self.take(work)
        row = [0.0] * outlook.slots.size
        begun = set()
        for step, state in _begun(self._steps, states):
            begun.add(step.sequence_id)
            way = next((way for way in step.ways if way.alternative_id == state.alternative_id), step.ways[0])
            if state.status is SequenceStatus.EXECUTING and state.starts_at is not None:
                _add(row, way.powers, outlook.slots.place_of(state.starts_at.timestamp()))
        for start in self.asked.starts if self.asked is not None else ():
            if start.sequence_id not in begun:
                _add(row, start.powers, max(outlook.slots.place_of(start.start_s), 0))
        return row

    def soon_w(self, now_s: float, within_s: float) -> float:
        """The most that a step will draw whose start was asked for and is near, W."""
        if self.asked is None:
            return 0.0
        near = (start for start in self.asked.starts if now_s <= start.start_s <= now_s + within_s)
        return max((max(start.powers) for start in near), default=0.0)

    def running(self, work: TimeShiftableUpdate, states: tuple[SequenceState, ...], now_s: float) -> RunningStep | None:
        """The step that runs or is halted, if one does."""
        self.take(work)
        if not any(state.status in _RUNNING for state in states):
            return None
        remaining = 0.0
        for place in range(len(self._steps) - 1, -1, -1):
            step = self._steps[place]
            state = next((state for state in states if state.sequence_id == step.sequence_id), None)
            if state is not None and state.status in _RUNNING:
                alternative = work.sequences[place].alternative(state.alternative_id)
                begun_s = state.starts_at.timestamp() if state.starts_at is not None else now_s
                left_s = max(begun_s + step.shortest_s - now_s, 0.0)
                longest = alternative.maximum_interruption if alternative is not None else None
                return RunningStep(
                    step.sequence_id,
                    state.status is SequenceStatus.INTERRUPTED,
                    alternative is not None and alternative.interruptible,
                    math.inf if longest is None else longest.total_seconds(),
                    work.end_before.timestamp() - now_s - left_s - remaining,
                )
            remaining += step.shortest_s
        return None


def _begun(steps: tuple[StepFacts, ...], states: tuple[SequenceState, ...]) -> list[tuple[StepFacts, SequenceState]]:
    by_id = {step.sequence_id: step for step in steps}
    begun = (*_RUNNING, *OVER)
    return [
        (by_id[state.sequence_id], state) for state in states if state.sequence_id in by_id and state.status in begun
    ]


def _add(row: list[float], powers: tuple[float, ...], place: int) -> None:
    for offset, power in enumerate(powers):
        if 0 <= place + offset < len(row):
            row[place + offset] += power
