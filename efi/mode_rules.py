"""What an allocation of running modes may ask: modes that exist, can be run, and can be reached in time."""

import itertools
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from efi.control_space import ControlSpace
from efi.demand_driven import DemandDrivenAllocation
from efi.mode_index import ActuatorModes, ModeIndex
from efi.output_adjustable import OutputAdjustableAllocation
from efi.refusal import listed, refuse
from efi.running_mode import Transition
from efi.storage import StorageAllocation, StorageMode, StorageStateUpdate, StorageSystemDescription

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


class ModeJudge:
    """Judges the modes that one allocation asks for."""

    __slots__ = ("abnormal", "acts_at", "index_at", "now", "space")

    def __init__(
        self, space: ControlSpace, now: datetime, delay: timedelta, abnormal_condition: bool, index_at: IndexAt
    ) -> None:
        self.space = space
        self.now = now
        self.acts_at = now + delay if delay else now
        self.abnormal = abnormal_condition
        self.index_at = index_at

    def check_actuators(self, allocation: StorageAllocation | DemandDrivenAllocation) -> None:
        """The actuators exist, and each can do what is asked of it."""
        asked = allocation.actuators
        if len(asked) == 1:
            self._check_sequence(asked[0].actuator_id, ((0, asked[0]),), "actuators.")
            return
        by_actuator: dict[str, list[tuple[int, Selector]]] = {}
        for place, selector in enumerate(asked):
            by_actuator.setdefault(selector.actuator_id, []).append((place, selector))
        for actuator_id, selectors in by_actuator.items():
            self._check_sequence(actuator_id, selectors, "actuators.")

    def check_selectors(self, allocation: OutputAdjustableAllocation) -> None:
        """The appliance can do what is asked of it."""
        self._check_sequence(None, tuple(enumerate(allocation.selectors)), "selectors.")

    def _check_sequence(self, actuator_id: str | None, asked: Sequence[tuple[int, Selector]], path: str) -> None:
        if len(asked) > 1:
            asked = sorted(asked, key=_start_of)
            _require_distinct_starts(asked, path)
        place, selector = asked[0]
        modes = self._check_mode(actuator_id, selector, f"{path}{place}.")
        timers: dict[str, datetime] = {}
        if selector.start_time <= self.acts_at:
            timers = self._check_start(actuator_id, modes, selector, f"{path}{place}.")
        for _, following in asked[1:]:
            place, before, selector = _, selector, following
            modes = self._check_mode(actuator_id, selector, f"{path}{place}.")
            if selector.mode_id != before.mode_id and before.mode_id in modes.modes:
                at = max(selector.start_time, self.acts_at)
                way = self._check_way(modes, before.mode_id, selector.mode_id, timers, at=at, path=f"{path}{place}.")
                timers |= modes.graph.started_timers(way, at)

    def _check_mode(self, actuator_id: str | None, selector: Selector, path: str) -> ActuatorModes:
        index = self.index_at(max(selector.start_time, self.now))
        if index is None:
            refuse("description_missing", "", None, "no system description is in force", "wait for one")
        modes = index.actuators.get(actuator_id)
        if modes is None:
            modes = index.refuse_actuator(str(actuator_id), path)
        known = modes.modes.get(selector.mode_id)
        if known is None or known[1] is (selector.factor is None):
            modes.refuse_mode(selector.mode_id, selector.factor, path)
        elif known[0].abnormal_condition_only and not self.abnormal:
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
        """The mode can be entered from the present one; the answer is when each timer ends afterwards."""
        present = self.space.mode_state(actuator_id)
        if present is None:
            return {}
        if isinstance(self.space.state, StorageStateUpdate):
            self._check_fill_level(modes, selector, self.space.state.fill_level, path)
        timers = present.timer_ends if present.timers else {}
        if present.mode_id != selector.mode_id and present.mode_id in modes.modes:
            way = self._check_way(modes, present.mode_id, selector.mode_id, timers, at=self.acts_at, path=path)
            timers |= modes.graph.started_timers(way, self.acts_at)
        return timers

    def _check_fill_level(self, modes: ActuatorModes, selector: Selector, fill_level: float, path: str) -> None:
        mode = modes.modes[selector.mode_id].mode
        description = self.space.description_at(self.now)
        if not isinstance(mode, StorageMode) or not isinstance(description, StorageSystemDescription):
            return
        # A level beyond the storage's own range is its worry; there a mode of the nearest end may run.
        level = description.fill_level_range.clamp(fill_level)
        lower, upper = mode.elements[0].fill_level_range.lower, mode.elements[-1].fill_level_range.upper
        if not lower <= level <= upper:
            refuse(
                "mode_outside_fill_level",
                f"{path}mode_id",
                selector.mode_id,
                f"it runs at fill levels from {lower} to {upper}, and the level is {fill_level}",
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
        if way.abnormal_condition_only and not self.abnormal:
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
