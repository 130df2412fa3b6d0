"""The crashes of one instance: how long to wait before it is started again, and when to give up."""

from collections import deque

from efpi_core.gateway.habits import Habits


class CrashRecord:
    """Remembers the latest crashes, in s of a clock that nobody sets."""

    def __init__(self, habits: Habits) -> None:
        self._habits = habits
        self._crashes: deque[float] = deque(maxlen=habits.most_crashes)
        self._in_a_row = 0

    def crashed(self, now: float, ran_s: float) -> float | None:
        """Note a crash after so long a life; returns how long to wait, or None: no more."""
        if ran_s >= self._habits.well_after_s:
            self._in_a_row = 0
        self._crashes.append(now)
        self._in_a_row += 1
        if len(self._crashes) == self._habits.most_crashes and now - self._crashes[0] <= self._habits.crashes_within_s:
            return None
        pauses = self._habits.pauses_s
        return pauses[min(self._in_a_row, len(pauses)) - 1]

    @property
    def recent(self) -> int:
        """How many crashes are remembered."""
        return len(self._crashes)

    def forget(self) -> None:
        """A person looked after it."""
        self._crashes.clear()
        self._in_a_row = 0
