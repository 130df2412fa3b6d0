"""A process that the gateway launched, held by a handle that can mean no other: alive or dead, and for certain."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable

LOOK_AGAIN_S = 0.02
"""How long to wait before looking again whether something of a dead process still runs."""

LOOKS = 50
"""How often to look; then the death is told all the same, since a process in the kernel's hands may never go."""


class ProcessHandle:
    """One launched process, the leader of a process group of its own.

    `on_gone` is called once, when the process is dead and what it forked has been ended, too.
    """

    def __init__(self, pid: int, pidfd: int, on_gone: Callable[["ProcessHandle"], None]) -> None:
        self.pid = pid
        self.status: int | None = None
        """Exit status, negative for a signal; None while unknown."""
        self.dead = False
        """Whether the process itself has ended."""
        self.status_comes = False
        """Whether somebody else buries the process and will tell its status."""
        self._pidfd = pidfd
        self._on_gone = on_gone
        self._loop = asyncio.get_running_loop()
        self._looks = 0
        self._timer: asyncio.TimerHandle | None = None
        self._loop.add_reader(pidfd, self._died)

    def kill(self) -> None:
        """End the process and all that it forked, at once; harmless when it is dead."""
        if self.dead:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _died(self) -> None:
        self.dead = True
        self._loop.remove_reader(self._pidfd)
        self._look()

    def _look(self) -> None:
        """End what the process left behind, and wait until it is gone: it might hold the device."""
        self._timer = None
        self._looks += 1
        self._end_group()
        if self.status is None:
            self.status = self._bury()
        unsure = self._end_group() or (self.status is None and self.status_comes)
        if unsure and self._looks < LOOKS:
            self._timer = self._loop.call_later(LOOK_AGAIN_S, self._look)
            return
        os.close(self._pidfd)
        self._on_gone(self)

    def _end_group(self) -> bool:
        """Whether any process of the group was left, be it only unburied."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def _bury(self) -> int | None:
        """The exit status of a process that is this one's child; None when somebody else buries it."""
        with contextlib.suppress(ChildProcessError):
            ended = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG)
            if ended is not None:
                return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        return None
