"""What an allocation of running modes may ask: modes that exist, can be run, and can be reached in time."""

import itertools
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from efi.control_space import ControlSpace
from efi.demand_driven import DemandDrivenAllocation
from efi.mode_index import ActuatorModes, ModeIndex
from efi.open_allocation import OpenAllocations
from efi.output_adjustable import OutputAdjustableAllocation
from efi.refusal import listed, refuse
from efi.running_mode import Transition
from efi.storage import StorageAllocation, StorageStateUpdate, StorageSystemDescription

IndexAt = Callable[[datetime], ModeIndex | None]
"""The modes of the description that holds at an instant."""


class Selector(Protocol):
    """A mode that is asked for from an instant on."""

    @property
    def mode_id(self) -> str: ...  # noqa: D102

    @property
    def factor(self) -> float | None: ...  # noqa: D102

    @property
    def start_time(self) -> datetime: ...  # noqa: D102


def check_actuators(
    space: ControlSpace,
    allocation: StorageAllocation | DemandDrivenAllocation,
    opened: OpenAllocations,
    acts_at: datetime,
    index_at: IndexAt,
) -> None:
    """The actuators exist, and each can do what is asked of it."""
    judge = ModeJudge(space, acts_at, allocation.abnormal_condition, index_at)
    asked = allocation.actuators
    if len(asked) == 1:
        judge.check_first(asked[0].actuator_id, asked[0], "actuators.0.")
        return
    by_actuator: dict[str, list[tuple[int, Selector]]] = {}
    for place, selector in enumerate(asked):
        by_actuator.setdefault(selector.actuator_id, []).append((place, selector))
    for actuator_id, selectors in by_actuator.items():
        judge.check_sequence(actuator_id, selectors, "actuators.")


def check_selectors(
    space: ControlSpace,
    allocation: OutputAdjustableAllocation,
    opened: OpenAllocations,
    acts_at: datetime,
    index_at: IndexAt,
) -> None:
    """The appliance can do what is asked of it."""
    judge = ModeJudge(space, acts_at, allocation.abnormal_condition, index_at)
    judge.check_sequence(None, tuple(enumerate(allocation.selectors)), "selectors.")


class ModeJudge:
    """Judges the modes that one allocation asks for."""

    __slots__ = ("_abnormal", "_acts_at", "_index_at", "_space")

    def __init__(self, space: ControlSpace, acts_at: datetime, abnormal_condition: bool, index_at: IndexAt) -> None:
        self._space = space
        self._acts_at = acts_at
        self._abnormal = abnormal_condition
        self._index_at = index_at

    def check_sequence(self, actuator_id: str | None, asked: Sequence[tuple[int, Selector]], path: str) -> None:
        """The modes asked of one actuator exist, and each can be reached from the one before."""
        if len(asked) > 1:
            asked = sorted(asked, key=_start_of)
            _require_distinct_starts(asked, path)
        place, before = asked[0]
        timers = self.check_first(actuator_id, before, f"{path}{place}.")
        for place, selector in asked[1:]:
            modes = self.check_mode(actuator_id, selector, f"{path}{place}.")
            if selector.mode_id != before.mode_id and before.mode_id in modes.modes:
                at = max(selector.start_time, self._acts_at)
                way = self._check_way(modes, before.mode_id, selector.mode_id, timers, at=at, path=f"{path}{place}.")
                timers = {**timers, **modes.graph.started_timers(way, at)}
            before = selector

    def check_first(self, actuator_id: str | None, selector: Selector, path: str) -> dict[str, datetime]:
        """The mode exists and, if it starts now, can be entered; the answer is when each timer ends then."""
        modes = self.check_mode(actuator_id, selector, path)
        return {} if selector.start_time > self._acts_at else self._check_start(actuator_id, modes, selector, path)

    def check_mode(self, actuator_id: str | None, selector: Selector, path: str) -> ActuatorModes:
        """The mode exists when it is to run, and takes a factor or none, as asked."""
        start, acts_at = selector.start_time, self._acts_at
        index = self._index_at(start if start > acts_at else acts_at)
        if index is None:
            refuse("description_missing", "", None, "no system description is in force", "wait for one")
        modes = index.actuators.get(actuator_id)
        if modes is None:
            modes = index.refuse_actuator(str(actuator_id), path)
        known = modes.modes.get(selector.mode_id)
        if known is None or known.continuous is (selector.factor is None):
            modes.refuse_mode(selector.mode_id, selector.factor, path)
        elif known.abnormal_condition_only and not self._abnormal:
            refuse(
                "abnormal_condition_only",
                f"{path}mode_id",
                selector.mode_id,
                "this mode is kept for emergencies of the grid",
                "choose another, or allocate with `abnormal_condition`",
            )
        return modes

    def _check_start(
        self, actuator_id: str | None, modes: ActuatorModes, selector: Selector, path: str
    ) -> dict[str, datetime]:
        present = self._space.mode_state(actuator_id)
        if present is None:
            return {}
        if type(self._space.state) is StorageStateUpdate:
            self._check_fill_level(modes, selector, self._space.state.fill_level, path)
        timers = present.timer_ends if present.timers else {}
        if present.mode_id == selector.mode_id or present.mode_id not in modes.modes:
            return timers
        way = self._check_way(modes, present.mode_id, selector.mode_id, timers, at=self._acts_at, path=path)
        return {**timers, **modes.graph.started_timers(way, self._acts_at)} if way.start_timers else timers

    def _check_fill_level(self, modes: ActuatorModes, selector: Selector, fill_level: float, path: str) -> None:
        known = modes.modes[selector.mode_id]
        if known.lower <= fill_level <= known.upper:
            return
        description = self._space.description_at(self._acts_at)
        if type(description) is StorageSystemDescription:
            # A level beyond the storage's own range is its worry; there the modes of the nearest end may run.
            level = description.fill_level_range.clamp(fill_level)
            if not known.lower <= level <= known.upper:
                refuse(
                    "mode_outside_fill_level",
                    f"{path}mode_id",
                    selector.mode_id,
                    f"it runs at fill levels from {known.lower} to {known.upper}, and the level is {fill_level}",
                    "choose a mode that runs at the present level",
                )

    def _check_way(
        self,
        modes: ActuatorModes,
        from_mode: str,
        to_mode: str,
        timers: dict[str, datetime],
        *,
        at: datetime,
        path: str,
    ) -> Transition:
        way = modes.transitions.get((from_mode, to_mode))
        if way is None:
            refuse(
                "no_transition",
                f"{path}mode_id",
                to_mode,
                f"no transition leads there from '{from_mode}'",
                f"from there choose one of: {listed(to for start, to in modes.transitions if start == from_mode)}",
            )
        if way.abnormal_condition_only and not self._abnormal:
            refuse(
                "abnormal_condition_only",
                f"{path}mode_id",
                to_mode,
                f"the transition from '{from_mode}' is kept for emergencies of the grid",
                "choose another mode, or allocate with `abnormal_condition`",
            )
        if way.blocking_timers and (opens := way.unblocked_at(timers, at)) > at:
            blocking = next(timer for timer in way.blocking_timers if timers.get(timer) == opens)
            refuse(
                "transition_blocked",
                f"{path}mode_id",
                to_mode,
                f"timer '{blocking}' forbids the transition from '{from_mode}' until {opens.isoformat()}",
                f"start it at {opens.isoformat()} or later",
            )
        return way


def _start_of(asked: tuple[int, Selector]) -> datetime:
    return asked[1].start_time


def _require_distinct_starts(asked: Sequence[tuple[int, Selector]], path: str) -> None:
    for (_, before), (place, selector) in itertools.pairwise(asked):
        if before.start_time == selector.start_time:
            refuse(
                "two_modes_at_once",
                f"{path}{place}.start_time",
                selector.start_time.isoformat(),
                "two modes are asked for from the same instant",
                "leave one of them out",
            )
