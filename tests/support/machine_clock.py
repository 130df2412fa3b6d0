"""The clocks of a machine on which a real gateway runs, in a test's hand: set, suspended, rebooted.

The gateway's own module of clocks is shifted in each of its processes (`shifted_clock`), since the clock of the machine
that runs the tests is not theirs to set, and libfaketime brings forked processes with threads to a standstill.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.shifted_clock.sitecustomize import FOLDER, SHIFTS


class MachineClock:
    """What the processes of one machine see of time."""

    def __init__(self, folder: Path, *, synchronised: bool = True) -> None:
        self.folder = folder
        folder.mkdir()
        self._wall_s = self._boot_s = 0.0
        self._boots = 0
        self._shift()
        self.reboot()
        self.keep(by_server=synchronised)

    def _shift(self) -> None:
        path = self.folder / "shifts"
        if not path.exists():
            path.write_bytes(bytes(SHIFTS.size))
        with path.open("r+b") as file:  # in place: the processes have mapped it
            file.write(SHIFTS.pack(self._wall_s, self._boot_s))

    @property
    def environment(self) -> dict[str, str]:
        """For the processes of this machine."""
        return {FOLDER: str(self.folder), "PYTHONPATH": str(Path(__file__).parent / "shifted_clock")}

    @property
    def now(self) -> datetime:
        """What the wall clock shows."""
        return datetime.now(UTC) + timedelta(seconds=self._wall_s)

    def keep(self, *, by_server: bool) -> None:
        """Let a time server keep the clock, or nobody."""
        flag = self.folder / "synchronised"
        flag.touch() if by_server else flag.unlink(missing_ok=True)

    def set(self, wall: datetime, *, by_server: bool = True) -> None:
        """Set the wall clock."""
        self.keep(by_server=by_server)
        self._wall_s += (wall - self.now).total_seconds()
        self._shift()

    def suspend(self, seconds: float) -> None:
        """The machine has slept: wall and boot have gone on, what its processes may compute in has not."""
        self._wall_s += seconds
        self._boot_s += seconds
        self._shift()

    def off(self, seconds: float) -> None:
        """The machine was off for so long, with a battery-backed clock, and boots anew; between two gateways."""
        self._wall_s += seconds
        self._shift()
        self.reboot()

    def reboot(self) -> None:
        """A new boot, which counts from now."""
        self._boots += 1
        (self.folder / "boot_id").write_text(f"boot-{self._boots}", encoding="ascii")
        self._boot_s = 60.0 - time.clock_gettime(time.CLOCK_BOOTTIME)
        self._shift()
