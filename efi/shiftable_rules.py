"""What an allocation of waiting work may ask: its steps in their order, at their time, before the deadline."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from efi.control_space import ControlSpace
from efi.refusal import listed, refuse
from efi.time_shiftable import (
    Alternative,
    SequenceAction,
    SequenceAllocation,
    SequenceStatus,
    SequentialProfile,
    TimeShiftableAllocation,
    TimeShiftableUpdate,
)

_BEGUN = frozenset((SequenceStatus.EXECUTING, SequenceStatus.INTERRUPTED, SequenceStatus.FINISHED))


class PlannedStart(NamedTuple):
    """When a step starts, and in which way."""

    start_time: datetime
    alternative_id: str | None


class WorkJudge:
    """Judges the steps that one allocation speaks of, given the work and the steps allocated before."""

    def __init__(
        self, space: ControlSpace, work: TimeShiftableUpdate, acts_at: datetime, planned: Mapping[str, PlannedStart]
    ) -> None:
        self._work = work
        self._acts_at = acts_at
        self._planned = dict(planned)
        self._states = {state.sequence_id: state for state in space.work_state.sequences} if space.work_state else {}

    def check(self, allocation: TimeShiftableAllocation) -> None:
        """Every step exists, comes in its order, and can be done in time."""
        for place, asked in enumerate(allocation.sequences):
            self._check_step(asked, allocation.abnormal_condition, f"sequences.{place}.")
        starts = [asked for asked in allocation.sequences if asked.action is SequenceAction.START]
        self._planned |= {asked.sequence_id: self._planned_start(asked) for asked in starts}
        places = {asked.sequence_id: place for place, asked in enumerate(allocation.sequences)}
        for number, step in enumerate(self._work.sequences):
            if any(asked.sequence_id == step.sequence_id for asked in starts):
                self._check_order(number, f"sequences.{places[step.sequence_id]}.start_time")
        if starts:
            self._check_deadline(max(places[asked.sequence_id] for asked in starts))
        self._check_interruptions(allocation)

    def _planned_start(self, asked: SequenceAllocation) -> PlannedStart:
        return PlannedStart(max(asked.start_time, self._acts_at), asked.alternative_id)

    def check_exists(
        self, asked: SequenceAllocation, abnormal_condition: bool, path: str
    ) -> tuple[SequentialProfile, Alternative]:
        """The step and the way of doing it are those of the work."""
        step = self._work.sequence(asked.sequence_id)
        if step is None:
            refuse(
                "unknown_sequence",
                f"{path}sequence_id",
                asked.sequence_id,
                "the work has no such step",
                f"name one of: {listed(step.sequence_id for step in self._work.sequences)}",
            )
        way = self._way(asked, step)
        if way is None:
            refuse(
                "unknown_alternative",
                f"{path}alternative_id",
                asked.alternative_id,
                f"step '{step.sequence_id}' has no such way, or several of which none is named",
                f"name one of: {listed(way.alternative_id for way in step.alternatives)}",
            )
        if way.abnormal_condition_only and not abnormal_condition:
            refuse(
                "abnormal_condition_only",
                f"{path}alternative_id",
                way.alternative_id,
                "this way is kept for emergencies of the grid",
                "choose another, or allocate with `abnormal_condition`",
            )
        return step, way

    def _check_step(self, asked: SequenceAllocation, abnormal_condition: bool, path: str) -> None:
        step, way = self.check_exists(asked, abnormal_condition, path)
        if asked.action is not SequenceAction.START and not way.interruptible:
            refuse(
                "not_interruptible",
                f"{path}action",
                asked.action.value,
                f"way '{way.alternative_id}' of step '{step.sequence_id}' cannot be halted",
                "let it run to its end",
            )
        if asked.action is SequenceAction.START and self._begun(step.sequence_id):
            refuse(
                "already_begun",
                f"{path}sequence_id",
                step.sequence_id,
                "this step runs already or is done",
                "start a step that waits",
            )

    def _way(self, asked: SequenceAllocation, step: SequentialProfile) -> Alternative | None:
        if asked.alternative_id is not None or asked.action is SequenceAction.START:
            return step.alternative(asked.alternative_id)
        state, planned = self._states.get(step.sequence_id), self._planned.get(step.sequence_id)
        chosen = state.alternative_id if state is not None else None
        return step.alternative(chosen or (planned.alternative_id if planned is not None else None))

    def _begun(self, sequence_id: str) -> bool:
        state = self._states.get(sequence_id)
        return state is not None and state.status in _BEGUN

    def _check_order(self, number: int, path: str) -> None:
        step = self._work.sequences[number]
        start = self._planned[step.sequence_id].start_time
        if number == 0:
            if start < self._work.earliest_start:
                earliest = self._work.earliest_start.isoformat()
                refuse("starts_too_early", path, start.isoformat(), "the work is not ready", f"start at {earliest}")
            return
        before = self._work.sequences[number - 1]
        ends = self._end_of(before)
        if ends is None:
            if not self._begun(before.sequence_id):
                refuse(
                    "sequence_order",
                    path,
                    step.sequence_id,
                    f"step '{before.sequence_id}' comes before it and is not allocated",
                    "allocate the steps in their order",
                )
            return
        if start < ends:
            refuse(
                "sequence_order",
                path,
                start.isoformat(),
                f"step '{before.sequence_id}' before it runs until {ends.isoformat()}",
                "start it then or later",
            )
        longest = step.longest_interval_before(self._planned[step.sequence_id].alternative_id)
        if longest is not None and start - ends > longest:
            refuse(
                "interval_too_long",
                path,
                start.isoformat(),
                f"step '{before.sequence_id}' ends at {ends.isoformat()} and the pause may last {longest}",
                f"start it by {(ends + longest).isoformat()}",
            )

    def _end_of(self, step: SequentialProfile) -> datetime | None:
        """When a step ends that is allocated and is not halted; None when that is not known."""
        planned, state = self._planned.get(step.sequence_id), self._states.get(step.sequence_id)
        if state is not None and state.status in (SequenceStatus.FINISHED, SequenceStatus.INTERRUPTED):
            return None
        if state is not None and state.starts_at is not None and self._begun(step.sequence_id):
            way = step.alternative(state.alternative_id)
            return state.starts_at + (way.duration if way is not None else step.shortest)
        if planned is None:
            return None
        way = step.alternative(planned.alternative_id)
        return planned.start_time + (way.duration if way is not None else step.shortest)

    def _check_deadline(self, place: int) -> None:
        """The last step that is planned leaves the time that the rest takes at least."""
        numbers = [number for number, step in enumerate(self._work.sequences) if step.sequence_id in self._planned]
        last = max(numbers)
        ends = self._end_of(self._work.sequences[last])
        rest = sum((step.shortest for step in self._work.sequences[last + 1 :]), timedelta(0))
        if ends is not None and ends + rest > self._work.end_before:
            refuse(
                "deadline_missed",
                f"sequences.{place}.start_time",
                (ends + rest).isoformat(),
                f"the work would end then, and must by {self._work.end_before.isoformat()}",
                f"start {ends + rest - self._work.end_before} earlier",
            )

    def _check_interruptions(self, allocation: TimeShiftableAllocation) -> None:
        halted: dict[str, datetime] = {}
        for asked in sorted(allocation.sequences, key=lambda each: each.start_time):
            if asked.action is SequenceAction.INTERRUPT:
                halted[asked.sequence_id] = asked.start_time
            elif asked.action is SequenceAction.RESUME and asked.sequence_id in halted:
                step = self._work.sequence(asked.sequence_id)
                way = self._way(asked, step) if step is not None else None
                self._check_halt(asked, asked.start_time - halted[asked.sequence_id], way)

    def _check_halt(self, asked: SequenceAllocation, halt: timedelta, way: Alternative | None) -> None:
        longest = way.maximum_interruption if way is not None else None
        if longest is not None and halt > longest:
            refuse(
                "interruption_too_long",
                "sequences",
                asked.sequence_id,
                f"it would be halted for {halt} and may be for {longest}",
                "resume it earlier",
            )


def check_steps_exist(space: ControlSpace, work: TimeShiftableUpdate, allocation: TimeShiftableAllocation) -> None:
    """The steps and the ways of doing them that an allocation names are those of the work."""
    judge = WorkJudge(space, work, allocation.timestamp, {})
    for place, asked in enumerate(allocation.sequences):
        judge.check_exists(asked, allocation.abnormal_condition, f"sequences.{place}.")


def planned_starts(allocations: Iterable[TimeShiftableAllocation]) -> dict[str, PlannedStart]:
    """The starts that earlier allocations asked for, the newest for each step."""
    return {
        asked.sequence_id: PlannedStart(asked.start_time, asked.alternative_id)
        for allocation in allocations
        for asked in allocation.sequences
        if asked.action is SequenceAction.START
    }
