"""Whether the machine gives the gateway the time it needs: how late its own timer comes."""

import statistics
from collections import deque

from efpi_core.clock import Clock, TimerHandle

EVERY_S = 1.0
LOOKS = 30
"""So many beats are judged together: half a minute."""

OVERLOADED_S = 0.5
"""A timer that is late by so much, in the middle of these beats, belongs to a machine that is overloaded."""

OVERLOADED_TEXT = "the machine does not give the gateway the time it needs"
OVERLOADED_CURE = "see what else takes the processor, as `top` shows; run fewer plugins, or let them poll more seldom"


class Pulse:
    """A timer that notes how late it comes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._late: deque[float] = deque(maxlen=LOOKS)
        self._due = 0.0
        self._timer: TimerHandle | None = None

    def begin(self) -> None:
        """Look from now on."""
        self._due = self._clock.elapsed() + EVERY_S
        self._timer = self._clock.call_later(EVERY_S, self._beat)

    def _beat(self) -> None:
        self._late.append(max(self._clock.elapsed() - self._due, 0.0))
        self.begin()

    @property
    def lag_s(self) -> float:
        """How late a timer comes, in the middle of the last beats."""
        return statistics.median(self._late) if self._late else 0.0

    @property
    def overloaded(self) -> bool:
        """Whether the machine is overloaded, for half a minute at least."""
        return len(self._late) == LOOKS and self.lag_s > OVERLOADED_S

    def end(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
