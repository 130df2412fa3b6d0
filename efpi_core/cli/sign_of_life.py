"""The sign of life that the service manager waits for."""

from collections.abc import Callable

from efpi_core.cli.service_manager import ServiceManager
from efpi_core.clock import Clock, TimerHandle

STATUS_EVERY_S = 10.0
"""How often the status is told when there is no watchdog."""


class SignOfLife:
    """Told from within the event loop, and only while what must go on goes on."""

    def __init__(
        self, manager: ServiceManager, clock: Clock, lives: Callable[[], bool], status: Callable[[], str]
    ) -> None:
        self._manager = manager
        self._clock = clock
        self._lives = lives
        self._status = status
        self._every_s = STATUS_EVERY_S if manager.watchdog_s is None else manager.watchdog_s / 3
        self._timer: TimerHandle | None = None

    def begin(self) -> None:
        """Tell it now, and three times within the time for which the service manager waits."""
        self._timer = self._clock.call_later(self._every_s, self.begin)
        words = {"STATUS": self._status()}
        if self._manager.watchdog_s is not None and self._lives():
            words["WATCHDOG"] = "1"
        self._manager.tell(**words)

    def stop(self) -> None:
        """Tell it no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
