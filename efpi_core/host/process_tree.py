"""What a process and all that it forked take of the machine, as /proc tells it."""

import contextlib
import os
import resource
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def process_tree(pid: int) -> list[int]:
    """A process and its living descendants; empty when it is gone."""
    found = [pid] if Path(f"/proc/{pid}").exists() else []
    for number in found:  # grows while it is walked
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{number}/task"):  # noqa: PTH208  # numbers are wanted, not paths
                text = Path(f"/proc/{number}/task/{task}/children").read_text(encoding="ascii")
                found.extend(int(child) for child in text.split())
    return found


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


def cpu_seconds(pid: int) -> float:
    """CPU time that a process used so far, and those of its children that it buried; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / _TICKS_A_SECOND
    except (OSError, IndexError, ValueError):
        return 0.0


def set_nice(pid: int, nice: int) -> None:
    """Set the priority of all threads of a process; only root, or who has the right (RLIMIT_NICE), may raise it."""
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208  # numbers are wanted, not paths
            os.setpriority(os.PRIO_PROCESS, int(task), nice)
