"""An actuator's mode and timers as they outlive the process, so that no least time on or off is ever shortened."""

from collections.abc import Callable
from datetime import datetime, timedelta

from pydantic import JsonValue

from efi.running_mode import ModeGraph
from efpi_core.boot import Moment
from efpi_core.plugin.mode_tracker import ModeTracker

Since = Callable[[JsonValue], float | None]
"""Seconds since a kept moment; None when nobody can tell."""


def kept_mode(tracker: ModeTracker, now: datetime, moment: Moment) -> dict[str, JsonValue]:
    """What the next life needs to know of an actuator: its mode, and how long each timer still runs."""
    return {
        "mode": tracker.mode_id,
        "factor": tracker.factor,
        "at": dict(moment.kept()),
        "left_s": {timer: (end - now).total_seconds() for timer, end in tracker.timer_ends.items() if end > now},
    }


def recalled_tracker(kept: JsonValue, graph: ModeGraph, initial: str, now: datetime, since: Since) -> ModeTracker:
    """The actuator as it was kept, as far as its description still knows it; else in its initial mode.

    Where nobody can tell how much time has passed, each timer that ran then starts afresh.
    """
    if not isinstance(kept, dict):
        return ModeTracker(graph, initial)
    mode, factor, left_s = kept.get("mode"), kept.get("factor"), kept.get("left_s")
    if not isinstance(mode, str) or mode not in graph.mode_ids:
        mode, factor = initial, None
    tracker = ModeTracker(graph, mode, float(factor) if isinstance(factor, int | float) else None)
    passed = since(kept.get("at"))
    for timer in graph.timers:
        rest = left_s.get(timer.timer_id) if isinstance(left_s, dict) else None
        if isinstance(rest, int | float):
            seconds = timer.duration.total_seconds() if passed is None else rest - passed
            if seconds > 0:
                tracker.timer_ends[timer.timer_id] = now + timedelta(seconds=seconds)
    return tracker
