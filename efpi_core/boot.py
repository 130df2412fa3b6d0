"""The boot of the machine: its id, whether its wall clock can be believed, and instants that outlive a restart."""

import ctypes
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Self

EARLIEST_NOW = datetime(2025, 1, 1, tzinfo=UTC)
"""A wall clock that shows less was never set."""

SLACK_S = 2.0
"""How far a wall clock that a time server keeps may seem to run backwards over a restart."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIMESYNCD = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd makes this file when it has set the clock for the first time in this boot."""

_TIME_ERROR = 5
"""adjtimex(2): the clock is not synchronised."""

_TIMEX_BYTES = 512
"""Room for struct timex, which is shorter everywhere."""


@cache
def boot_id() -> str:
    """What names this boot of the machine; empty where the kernel does not say."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def synchronised() -> bool | None:
    """Whether a time server keeps the wall clock, or has set it in this boot; None when nobody says."""
    if _TIMESYNCD.exists():
        return True
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "adjtimex"):
        return None
    answer = libc.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))  # all zero: look only
    return None if answer < 0 else answer != _TIME_ERROR


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant as it can be kept on disk: by the wall clock, and by the seconds since a certain boot."""

    wall: datetime
    boot: str
    """The boot's id; empty when it is not known."""
    elapsed_s: float
    """Seconds since that boot, suspended time included."""
    synchronised: bool
    """Whether the wall clock could be believed."""

    def since(self, earlier: "Moment") -> float | None:
        """Seconds from an earlier moment to this one; None when nobody can tell.

        Within one boot no setting of the wall clock matters. Over a restart of the machine the wall clock counts, and
        only when it could be believed at both moments.
        """
        if self.boot and self.boot == earlier.boot:
            passed = self.elapsed_s - earlier.elapsed_s
            return passed if passed >= 0 else None
        if not (self.synchronised and earlier.synchronised):
            return None
        passed = (self.wall - earlier.wall).total_seconds()
        return max(passed, 0.0) if passed >= -SLACK_S else None

    def kept(self) -> dict[str, str | float | bool]:
        """As JSON, for a plugin's storage or a database."""
        return {
            "wall": self.wall.isoformat(),
            "boot": self.boot,
            "elapsed_s": self.elapsed_s,
            "synchronised": self.synchronised,
        }

    @classmethod
    def of(cls, kept: object) -> Self | None:
        """A moment from what `kept` gave; None when that is something else."""
        match kept:
            case {"wall": str(wall), "boot": str(boot), "elapsed_s": float() | int() as elapsed, "synchronised": sure}:
                try:
                    at = datetime.fromisoformat(wall)
                except ValueError:
                    return None
                return None if at.tzinfo is None else cls(at.astimezone(UTC), boot, float(elapsed), sure is True)
        return None
