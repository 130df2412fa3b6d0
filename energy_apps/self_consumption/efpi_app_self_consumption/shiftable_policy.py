"""When to do work that may wait: the start of each step, and the way of doing it, that cost least before the deadline.

The steps are placed from the last to the first: for every slot it is known what the rest of the work costs at least
when it may begin there, so each step is placed with the best that can follow it.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from efi.time_shiftable import Alternative, SequenceState, SequenceStatus, SequentialProfile, TimeShiftableUpdate
from efpi_app_self_consumption.outlook import Outlook
from efpi_app_self_consumption.slots import SLOT_S, averages

WAITING = frozenset((SequenceStatus.NOT_SCHEDULED, SequenceStatus.SCHEDULED))
OVER = frozenset((SequenceStatus.FINISHED, SequenceStatus.ABORTED))


class Way(NamedTuple):
    """One way of doing a step."""

    alternative_id: str
    label: str
    seconds: float
    powers: tuple[float, ...]
    """W by slot, from a start on a slot's mark on; the last one counts what is not covered as 0."""
    abnormal_only: bool


class StepFacts(NamedTuple):
    """One step of the work."""

    sequence_id: str
    longest_pause_s: float
    """Longest pause between the step before and this one, s; infinite where it is free."""
    ways: tuple[Way, ...]

    @property
    def shortest_s(self) -> float:
        """How long the step takes at least, s."""
        return min(way.seconds for way in self.ways)


class WorkFacts(NamedTuple):
    """What is still to be started of some work."""

    work_id: str
    steps: tuple[StepFacts, ...]
    earliest_s: float
    """When the first of these steps may start, in s since 1970."""
    first_by_s: float
    """When it must start because the step before it has ended or will; infinite where nothing bounds it."""
    deadline_s: float

    @property
    def latest_s(self) -> float:
        """When the first step must start at the latest: the shortest ways, without a pause."""
        return min(self.deadline_s - sum(step.shortest_s for step in self.steps), self.first_by_s)


class Start(NamedTuple):
    """A step with its way and its time."""

    sequence_id: str
    alternative_id: str
    label: str
    start_s: float
    seconds: float
    powers: tuple[float, ...]
    abnormal: bool = False
    """Whether it is kept for emergencies of the grid."""


class Schedule(NamedTuple):
    """The starts of all steps that wait, and what they cost."""

    starts: tuple[Start, ...]
    cost: float
    """Money, on what is expected."""
    sun_share: float
    """How much of the energy is expected to come from the sun, 0 to 1."""
    late: bool
    """Whether the deadline cannot be met any more."""

    def row(self, outlook: Outlook) -> list[float]:
        """W by slot."""
        row = [0.0] * outlook.slots.size
        for start in self.starts:
            place = outlook.slots.place_of(start.start_s)
            for offset, power in enumerate(start.powers):
                if 0 <= place + offset < len(row):
                    row[place + offset] += power
        return row


def step_facts(step: SequentialProfile) -> StepFacts:
    """A step as plain numbers."""
    pause = step.longest_interval_before()
    return StepFacts(
        step.sequence_id, math.inf if pause is None else pause.total_seconds(), tuple(map(_way, step.alternatives))
    )


def _way(alternative: Alternative) -> Way:
    elements = []
    for element in alternative.elements:
        power = element.electric_power
        elements.append((element.duration, power.expected if power is not None else 0.0))
    _, powers, _ = averages(elements, 0.0)
    return Way(
        alternative.alternative_id,
        alternative.label,
        alternative.duration.total_seconds(),
        tuple(powers),
        alternative.abnormal_condition_only,
    )


def waiting_work(
    work: TimeShiftableUpdate, steps: Sequence[StepFacts], states: Sequence[SequenceState], now: datetime
) -> WorkFacts | None:
    """What is still to be started; None when nothing is, or when a step was broken off."""
    by_id = {state.sequence_id: state for state in states}
    begun_ends = 0.0
    for place, step in enumerate(steps):
        state = by_id.get(step.sequence_id)
        if state is None or state.status in WAITING:
            earliest = max(now.timestamp(), work.earliest_start.timestamp(), begun_ends)
            by = begun_ends + step.longest_pause_s if place > 0 and begun_ends else math.inf
            return WorkFacts(work.message_id, tuple(steps[place:]), earliest, by, work.end_before.timestamp())
        if state.status is SequenceStatus.ABORTED:
            return None
        begun_ends = _end_of(step, state, now)
    return None


def _end_of(step: StepFacts, state: SequenceState, now: datetime) -> float:
    way = next((way for way in step.ways if way.alternative_id == state.alternative_id), step.ways[0])
    if state.starts_at is None:
        return now.timestamp() + (0.0 if state.status is SequenceStatus.FINISHED else way.seconds)
    return state.starts_at.timestamp() + way.seconds


def schedule(work: WorkFacts, outlook: Outlook, impatience: float, *, abnormal: bool = False) -> Schedule | None:
    """The cheapest starts. `impatience` is what an hour of waiting costs in money, so that equal prices mean sooner."""
    if work.latest_s <= outlook.slots.now_s:
        return _at_once(work, outlook)
    rest: list[_Placed] = []
    for number in range(len(work.steps) - 1, -1, -1):
        rest = _place_step(work, number, rest, outlook, impatience, abnormal)
        if not rest:
            return None
    best = min(rest, key=lambda placed: placed.cost)
    return _schedule(best, work, outlook)


class _Placed(NamedTuple):
    """A step that starts in a slot, with the best that can follow."""

    cost: float
    start: Start
    follows: "_Placed | None"


def _place_step(
    work: WorkFacts, number: int, rest: list[_Placed], outlook: Outlook, impatience: float, abnormal: bool
) -> list[_Placed]:
    """Every possible start of a step, each with the cheapest way and the best rest of the work after it."""
    step = work.steps[number]
    last = number == len(work.steps) - 1
    later = sum(following.shortest_s for following in work.steps[number + 1 :])
    first_s = work.earliest_s if number == 0 else work.earliest_s + sum(s.shortest_s for s in work.steps[:number])
    latest_s = work.deadline_s - later - step.shortest_s
    if number == 0:
        latest_s = min(latest_s, work.first_by_s)
    placed = []
    for start_s in _candidates(first_s, latest_s, outlook):
        best: _Placed | None = None
        for way in step.ways:
            ends = start_s + way.seconds
            if (way.abnormal_only and not abnormal) or ends + later > work.deadline_s:
                continue
            follows = None if last else _cheapest(rest, ends, work.steps[number + 1].longest_pause_s)
            if follows is None and not last:
                continue
            cost = _cost(way, start_s, outlook) + (follows.cost if follows is not None else 0.0)
            if number == 0:
                cost += (start_s - outlook.slots.now_s) / 3600.0 * impatience
            if best is None or cost < best.cost:
                start = _start(step, way, start_s)
                best = _Placed(cost, start, follows)
        if best is not None:
            placed.append(best)
    return placed


def _start(step: StepFacts, way: Way, start_s: float) -> Start:
    return Start(step.sequence_id, way.alternative_id, way.label, start_s, way.seconds, way.powers, way.abnormal_only)


def _candidates(first_s: float, latest_s: float, outlook: Outlook) -> list[float]:
    """The instants at which a step may start: as soon as it can, on the marks of the slots, and at the latest."""
    if first_s > latest_s:
        return []
    end_s = outlook.slots.end_s(outlook.slots.size - 1)
    marks = [first_s]
    mark = (int(first_s // SLOT_S) + 1) * float(SLOT_S)
    while mark < min(latest_s, end_s):
        marks.append(mark)
        mark += SLOT_S
    if latest_s < end_s and latest_s > marks[-1]:
        marks.append(latest_s)
    return marks


def _cheapest(rest: list[_Placed], ends_s: float, longest_pause_s: float) -> _Placed | None:
    """The best start of the next step after the one before has ended.

    Starts lie on the marks of the slots, so one that comes less than a slot too late counts: it is moved up.
    """
    best: _Placed | None = None
    for placed in rest:
        pause = placed.start.start_s - ends_s
        if pause < -ROUNDING_S:
            continue
        if pause > longest_pause_s and pause >= SLOT_S:
            break
        if best is None or placed.cost < best.cost:
            best = placed
    return best


def _cost(way: Way, start_s: float, outlook: Outlook) -> float:
    """What a way costs when it starts in the slot of an instant, beyond the horizon as in its last slot."""
    place = outlook.slots.place_of(start_s)
    last = outlook.slots.size - 1
    return sum(outlook.cost(min(place + offset, last), power) for offset, power in enumerate(way.powers) if power)


def _schedule(placed: _Placed, work: WorkFacts, outlook: Outlook) -> Schedule:
    """The starts in their order; pauses that only the slots' marks brought are closed."""
    pauses = {step.sequence_id: step.longest_pause_s for step in work.steps}
    starts: list[Start] = []
    following: _Placed | None = placed
    while following is not None:
        start = following.start
        if starts:
            ends = starts[-1].start_s + starts[-1].seconds
            pause = start.start_s - ends
            longest = pauses[start.sequence_id]
            start = start._replace(start_s=ends if pause < SLOT_S else ends + min(pause, longest))
        starts.append(start)
        following = following.follows
    return Schedule(tuple(starts), placed.cost, _sun_share(starts, outlook), late=False)


def _at_once(work: WorkFacts, outlook: Outlook) -> Schedule:
    """Everything from now on, in the shortest ways, because the deadline leaves no choice."""
    at, starts = max(work.earliest_s, outlook.slots.now_s), []
    for step in work.steps:
        way = min((way for way in step.ways if not way.abnormal_only), key=_seconds, default=step.ways[0])
        starts.append(_start(step, way, at))
        at += way.seconds
    cost = sum(
        outlook.cost(min(max(outlook.slots.place_of(start.start_s) + offset, 0), outlook.slots.size - 1), power)
        for start in starts
        for offset, power in enumerate(start.powers)
    )
    return Schedule(tuple(starts), cost, _sun_share(starts, outlook), late=at > work.deadline_s + ROUNDING_S)


def _seconds(way: Way) -> float:
    return way.seconds


def _sun_share(starts: Sequence[Start], outlook: Outlook) -> float:
    used = sun = 0.0
    for start in starts:
        place = outlook.slots.place_of(start.start_s)
        for offset, power in enumerate(start.powers):
            if 0 <= place + offset < outlook.slots.size:
                used += power
                sun += min(power, max(outlook.surplus[place + offset], 0.0))
    return sun / used if used > 0.0 else 0.0


# Keeping to a schedule ------------------------------------------------------------------------------------------------


def worth_moving(before: Schedule, after: Schedule, before_cost: float, now_s: float) -> bool:
    """Whether a newer schedule is so much better that people should see the start move."""
    if not before.starts or not after.starts or after.starts[0].start_s == before.starts[0].start_s:
        return False
    if before.starts[0].start_s <= now_s + FROZEN_S:
        return False
    return before_cost - after.cost > max(LEAST_SAVING * abs(before_cost), LEAST_SAVED)


def cost_of(kept: Schedule, outlook: Outlook, impatience: float) -> float:
    """What a schedule costs on a newer outlook."""
    last = outlook.slots.size - 1
    cost = 0.0
    for start in kept.starts:
        place = max(outlook.slots.place_of(start.start_s), 0)
        cost += sum(outlook.cost(min(place + offset, last), power) for offset, power in enumerate(start.powers))
    if kept.starts:
        cost += max(kept.starts[0].start_s - outlook.slots.now_s, 0.0) / 3600.0 * impatience
    return cost


ROUNDING_S = 0.001

FROZEN_S = 300.0
"""A start that is so near is not moved any more."""

LEAST_SAVING = 0.1
"""Share of the cost that moving a start must save."""

LEAST_SAVED = 0.01
"""Money that moving a start must save."""
