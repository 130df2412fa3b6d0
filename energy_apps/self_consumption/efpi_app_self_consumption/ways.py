"""Which running modes an actuator can reach from where it stands, and what the way there costs."""

from datetime import datetime
from typing import NamedTuple

from efi.running_mode import ModeGraph, ModeState, Transition

MOST_HOPS = 3
"""Modes on the way to another, at most."""


class Reach(NamedTuple):
    """A mode that can be had."""

    mode_id: str
    hop: str
    """The mode to ask for now: the mode itself, or the first one on the way to it."""
    cost: float
    """What the way costs, in money."""
    hold_s: float
    """How long its timers keep the mode once it is entered, s."""


class Ways:
    """The transitions of one actuator, made quick to look up."""

    def __init__(self, graph: ModeGraph) -> None:
        self._timers = {timer.timer_id: timer.duration.total_seconds() for timer in graph.timers}
        self._from: dict[str, list[Transition]] = {mode: [] for mode in graph.mode_ids}
        for way in graph.transitions:
            self._from[way.from_mode].append(way)
        self._known: dict[tuple[str, frozenset[str], bool], tuple[Reach, ...]] = {}

    def reachable(self, mode_id: str, blocked: frozenset[str], abnormal: bool = False) -> tuple[Reach, ...]:
        """The present mode and all that can be had from it now, `blocked` naming the timers that still run."""
        key = (mode_id, blocked, abnormal)
        known = self._known.get(key)
        if known is None:
            if len(self._known) > 256:
                self._known.clear()
            known = self._known[key] = self._search(mode_id, blocked, abnormal)
        return known

    def _search(self, mode_id: str, blocked: frozenset[str], abnormal: bool) -> tuple[Reach, ...]:
        found = {mode_id: Reach(mode_id, mode_id, 0.0, 0.0)}
        frontier = [(mode_id, mode_id, 0.0, blocked)]
        for _ in range(MOST_HOPS):
            onward = []
            for place, hop, cost, running in frontier:
                for way in self._from.get(place, ()):
                    if way.to_mode in found or (way.abnormal_condition_only and not abnormal):
                        continue
                    if not running.isdisjoint(way.blocking_timers):
                        continue
                    first = way.to_mode if place == mode_id else hop
                    total = cost + float(way.cost)
                    found[way.to_mode] = Reach(way.to_mode, first, total, self._hold_s(way))
                    started = {timer for timer in way.start_timers if self._timers[timer] > 0.0}
                    onward.append((way.to_mode, first, total, running | started))
            frontier = onward
        return tuple(found.values())

    def _hold_s(self, entered: Transition) -> float:
        """How soon the mode can be left again after it was entered this way."""
        waits = [
            max((self._timers[timer] for timer in way.blocking_timers if timer in entered.start_timers), default=0.0)
            for way in self._from.get(entered.to_mode, ())
        ]
        return min(waits, default=0.0)

    def changing(self, state: ModeState, at: datetime) -> bool:
        """Whether a transition that takes time is still under way."""
        if state.transition_started_at is None or state.previous_mode_id is None:
            return False
        for way in self._from.get(state.previous_mode_id, ()):
            if way.to_mode == state.mode_id:
                return state.transition_started_at + way.duration > at
        return False


def running_timers(state: ModeState, at: datetime) -> frozenset[str]:
    """The timers that have not ended at an instant; one that ends at this very instant blocks no longer."""
    if not state.timers:
        return NO_TIMERS
    return frozenset(timer.timer_id for timer in state.timers if timer.finished_at > at)


NO_TIMERS: frozenset[str] = frozenset()
