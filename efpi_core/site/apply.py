"""Whether a changed site holds: watches the instances for a while, then confirms it or takes it back.

The way of a change: validate, show the difference, keep the text as a candidate revision (one commit), start and stop
what the difference says, watch with `ApplyWatch`, and then either confirm the revision or reject it and go back by the
difference in the other direction. Until it is confirmed the previous revision is the one that a restart uses.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

WINDOW_S = 30.0
"""How long a change has to prove itself."""

SETTLED_S = 5.0
"""All well for so long is proof enough."""


class Standing(StrEnum):
    """How an instance is doing, as far as a change of the site is concerned."""

    WELL = "well"
    """It runs; a device that is out of reach does not count against it."""
    STARTING = "starting"
    """Not yet running, or between two attempts."""
    FAILED = "failed"
    """It cannot run: missing, refused its settings, or failed too often."""


class Step(StrEnum):
    """What to do now."""

    WAIT = "wait"
    CONFIRM = "confirm"
    ROLL_BACK = "roll_back"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now, and why."""

    step: Step
    reason: str = ""
    culprits: tuple[str, ...] = ()
    """The instances for which it is taken back."""


class ApplyWatch:
    """Looks after one change. Pure: it is given durations and standings, and says what to do.

    `touched` are the instances that start anew, `before` how all stood before the change.
    """

    def __init__(
        self,
        touched: frozenset[str],
        before: Mapping[str, Standing],
        begun_s: float,
        window_s: float = WINDOW_S,
        settled_s: float = SETTLED_S,
    ) -> None:
        self._touched = touched
        self._innocent = frozenset(name for name, standing in before.items() if standing is Standing.WELL)
        self._begun_s = begun_s
        self._window_s = window_s
        self._settled_s = settled_s
        self._well_since_s: float | None = None

    def look(self, now_s: float, present: Mapping[str, Standing]) -> Decision:
        """Decide. `now_s` is of a clock for durations, `present` how all stand; who is not there was stopped."""
        for name in sorted(self._touched):
            if present.get(name) is Standing.FAILED:
                return Decision(Step.ROLL_BACK, f"{name} cannot run with the new site", (name,))
        for name in sorted(self._innocent):
            if present.get(name) is Standing.FAILED:
                return Decision(Step.ROLL_BACK, f"{name}, which was not changed, fails since then", (name,))
        slow = sorted(
            name for name in self._touched | self._innocent if present.get(name, Standing.WELL) is Standing.STARTING
        )
        if slow:
            self._well_since_s = None
            if now_s - self._begun_s >= self._window_s:
                reason = f"{', '.join(slow[:5])} did not come up in {self._window_s:g} s"
                return Decision(Step.ROLL_BACK, reason, tuple(slow[:5]))
            return Decision(Step.WAIT, f"waiting for {', '.join(slow[:5])}")
        if self._well_since_s is None:
            self._well_since_s = now_s
        if now_s - self._well_since_s >= (self._settled_s if self._touched else 0.0):
            return Decision(Step.CONFIRM)
        return Decision(Step.WAIT, "all run; watching them for a moment")
