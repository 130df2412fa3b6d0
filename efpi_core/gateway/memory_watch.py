"""How much memory a hosted instance takes."""

import resource
from collections.abc import Callable
from pathlib import Path

from efpi_core.clock import Clock, TimerHandle

MIB = 1024 * 1024
LOOKS = 2
"""So many looks in a row must find too much; one may meet a moment's work."""


def proportional_memory(pid: int) -> int | None:
    """Bytes that a process takes, what it shares counted in part (PSS); None when it is gone or cannot be asked."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return resident_memory(pid)
    return None


def resident_memory(pid: int) -> int | None:
    """Bytes that a process has in memory, what it shares counted in full: never less than the PSS, and cheap to ask."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    except (OSError, IndexError, ValueError):
        return None


class MemoryWatch:
    """Looks at one process now and then, and tells when it takes more than it may."""

    def __init__(
        self,
        clock: Clock,
        every_s: float,
        pid: Callable[[], int | None],
        budget_mb: int,
        on_excess: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._every_s = every_s
        self._pid = pid
        self._budget_mb = budget_mb
        self._on_excess = on_excess
        self._excesses = 0
        self._timer: TimerHandle | None = clock.call_later(every_s, self._look)

    def _look(self) -> None:
        self._timer = self._clock.call_later(self._every_s, self._look)
        taken = self._taken()
        self._excesses = self._excesses + 1 if taken > self._budget_mb * MIB else 0
        if self._excesses >= LOOKS:
            self.stop()
            self._on_excess(f"it takes {taken / MIB:.0f} MB of memory, more than its {self._budget_mb} MB")

    def _taken(self) -> int:
        pid = self._pid()
        if pid is None:
            return 0
        resident = resident_memory(pid) or 0
        if resident <= self._budget_mb * MIB:
            return resident
        return proportional_memory(pid) or 0

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
