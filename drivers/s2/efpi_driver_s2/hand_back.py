"""When a device of which nobody wants anything any more is left to itself."""

from collections.abc import Callable

from efpi_core.clock import TimerHandle
from efpi_core.plugin.context import Context

HAND_BACK_S = 2.0
"""So long after the last wish was taken back; a new wish often follows at once."""


class HandBack:
    """Leaves a device that was steered to itself, once nothing is wanted of it and nothing that was asked is open."""

    def __init__(self, context: Context, leave: Callable[[], None]) -> None:
        self._context = context
        self._leave = leave
        self._steered = False
        self._wanted = True
        self._timer: TimerHandle | None = None

    def steered(self) -> None:
        """The device was given an instruction."""
        self._steered = True

    def begins(self) -> None:
        """Its control type was chosen: it runs by itself, and was given no instruction yet."""
        self._steered = False

    def wanted(self) -> None:
        """Somebody wants something of it."""
        self._wanted = True
        self.stop()

    def unwanted(self) -> None:
        """Something is not wanted any more; of what else is open the caller knows."""
        self._wanted = False

    def look(self, *, any_open: bool) -> None:
        """Look whether it is time to leave it to itself soon."""
        if self._steered and not self._wanted and not any_open and self._timer is None:
            self._timer = self._context.call_later(HAND_BACK_S, self._rings)

    def stop(self) -> None:
        """Do not leave it to itself now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _rings(self) -> None:
        self._timer = None
        if self._steered:
            self._leave()
