"""Keeps, for one actuator, which mode runs and which timers hold it there: the device's safety, above every request."""

from collections.abc import Callable
from datetime import datetime, timedelta

from efi.running_mode import ModeGraph, TimerState, Transition


class ModeTracker:
    """The present mode of one actuator, its factor, the mode before, and when each timer ends."""

    __slots__ = ("factor", "graph", "mode_id", "on_entered", "previous_mode_id", "timer_ends", "transition_started_at")

    def __init__(self, graph: ModeGraph, mode_id: str, factor: float | None = None) -> None:
        self.graph = graph
        self.mode_id = mode_id
        self.factor = factor
        self.previous_mode_id: str | None = None
        self.transition_started_at: datetime | None = None
        self.timer_ends: dict[str, datetime] = {}
        self.on_entered: Callable[[], None] | None = None
        """Called when another mode was entered, so that it is kept."""

    def follow(self, graph: ModeGraph, mode_id: str) -> None:
        """A new description holds: what it still knows survives; a mode that it lacks gives way to the one given."""
        self.graph = graph
        modes, timers = graph.mode_ids, {timer.timer_id for timer in graph.timers}
        self.timer_ends = {timer: at for timer, at in self.timer_ends.items() if timer in timers}
        if self.mode_id not in modes:
            self.mode_id, self.factor = mode_id, None
            self.previous_mode_id = self.transition_started_at = None
        elif self.previous_mode_id not in modes:
            self.previous_mode_id = self.transition_started_at = None

    def objection(self, mode_id: str, now: datetime, abnormal_condition: bool = False) -> str | None:
        """Why the mode cannot be entered now, in words, or None when it can."""
        if mode_id == self.mode_id:
            return None
        way = self.graph.transition(self.mode_id, mode_id)
        if way is None:
            return f"there is no way from mode '{self.mode_id}' to '{mode_id}'"
        if way.abnormal_condition_only and not abnormal_condition:
            return f"the way from '{self.mode_id}' to '{mode_id}' is kept for emergencies of the grid"
        if (opens := way.unblocked_at(self.timer_ends, now)) > now:
            return f"a timer forbids going from '{self.mode_id}' to '{mode_id}' until {opens:%H:%M:%S} UTC"
        return None

    def enter(self, mode_id: str, factor: float | None, now: datetime) -> Transition | None:
        """Note that the actuator has begun to go to a mode; returns the transition, None when only the factor moved."""
        self.factor = factor
        if mode_id == self.mode_id:
            return None
        way = self.graph.transition(self.mode_id, mode_id)
        self.previous_mode_id, self.mode_id, self.transition_started_at = self.mode_id, mode_id, now
        if way is not None:
            self.timer_ends.update(self.graph.started_timers(way, now))
        if self.on_entered is not None:
            self.on_entered()
        return way

    def arrive(self, now: datetime) -> None:
        """Nobody knows since when its mode runs, nor how it came there: all timers that a way there starts run anew."""
        for way in self.graph.transitions:
            if way.to_mode == self.mode_id:
                self.timer_ends.update(self.graph.started_timers(way, now))

    def clock_set(self, step: timedelta) -> None:
        """The wall clock was set by so much: each timer still takes as long as it did."""
        self.timer_ends = {timer: at + step for timer, at in self.timer_ends.items()}
        if self.transition_started_at is not None:
            self.transition_started_at += step

    def opens_at(self, mode_id: str, now: datetime) -> datetime:
        """When the timers let the mode be entered; it may be forbidden for other reasons."""
        way = self.graph.transition(self.mode_id, mode_id)
        return now if way is None or mode_id == self.mode_id else way.unblocked_at(self.timer_ends, now)

    def timer_states(self) -> tuple[TimerState, ...]:
        """When each timer ends or ended, as a state update tells it."""
        return tuple(TimerState(timer_id=timer, finished_at=at) for timer, at in self.timer_ends.items())
