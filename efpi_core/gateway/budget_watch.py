"""What a hosted instance takes of memory and CPU, looked at now and then, against its budget."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from efpi_core.clock import Clock, TimerHandle
from efpi_core.host.process_tree import cpu_seconds, process_tree, proportional_memory, resident_memory

MIB = 1024 * 1024
LOOKS = 2
"""So many looks in a row must find too much memory; one may meet a moment's work."""

CPU_LOOKS = 3
"""The CPU time of so many looks is taken together."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What an instance takes, all that it forked included."""

    memory_bytes: int = 0
    """Resident; what is shared is counted in part once it nears the budget."""
    cpu_share: float = 0.0
    """Of one core, over the last looks."""
    cpu_s: float = 0.0
    """CPU time of this life so far."""


class BudgetWatch:
    """Looks at one process and its descendants, and tells when they take more than they may."""

    def __init__(
        self,
        clock: Clock,
        every_s: float,
        pid: Callable[[], int | None],
        *,
        memory_mb: int,
        cpu_share: float,
        on_memory: Callable[[str], None],
        on_cpu: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._every_s = every_s
        self._pid = pid
        self._memory_mb = memory_mb
        self._cpu_share = cpu_share
        self._on_memory = on_memory
        self._on_cpu = on_cpu
        self._excesses = 0
        self._spent: deque[tuple[float, float]] = deque(maxlen=CPU_LOOKS + 1)
        self.taken = Taken()
        """As of the last look."""
        self._timer: TimerHandle | None = clock.call_later(every_s, self._look)

    def _look(self) -> None:
        self._timer = self._clock.call_later(self._every_s, self._look)
        pid = self._pid()
        pids = [] if pid is None else process_tree(pid)
        memory = self._memory(pids)
        cpu_s = sum(map(cpu_seconds, pids))
        self._spent.append((self._clock.elapsed(), cpu_s))
        (first_at, first), (last_at, last) = self._spent[0], self._spent[-1]
        share = max(last - first, 0.0) / (last_at - first_at) if last_at > first_at else 0.0
        self.taken = Taken(memory, share, cpu_s)
        if len(self._spent) > CPU_LOOKS and share > self._cpu_share:
            self._on_cpu(f"it takes {share:.0%} of a core, more than its {self._cpu_share:.0%}")
        self._excesses = self._excesses + 1 if memory > self._memory_mb * MIB else 0
        if self._excesses >= LOOKS:
            self.stop()
            self._on_memory(f"it takes {memory / MIB:.0f} MB of memory, more than its {self._memory_mb} MB")

    def _memory(self, pids: list[int]) -> int:
        resident = sum(resident_memory(pid) or 0 for pid in pids)
        if resident <= self._memory_mb * MIB:
            return resident
        return sum(proportional_memory(pid) or 0 for pid in pids)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
