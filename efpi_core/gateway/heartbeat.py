"""Whether an instance is alive: its event loop turns, and its handlers come to an end."""

from collections.abc import Callable

from efpi_core.clock import Clock, TimerHandle
from efpi_core.gateway.habits import Habits
from efpi_core.host.frames import Ping, Pong


class Heartbeat:
    """Asks once a second, and counts the questions that found no answer.

    Questions and not seconds, so that neither a machine that was suspended nor a gateway that itself stood still
    counts against an instance.
    """

    def __init__(
        self, clock: Clock, habits: Habits, send: Callable[[Ping], None], on_mute: Callable[[str], None]
    ) -> None:
        self._clock = clock
        self._every_s = habits.ping_every_s
        self._most_mute = max(1, round(habits.patience_s / habits.ping_every_s))
        self._most_busy = max(1, round(habits.handler_s / habits.ping_every_s))
        self._send = send
        self._on_mute = on_mute
        self._number = 0
        self._mute = 0
        self._busy = 0
        self._busy_s = 0.0
        self._timer: TimerHandle | None = clock.call_later(self._every_s, self._ask)

    def _ask(self) -> None:
        if self._mute >= self._most_mute:
            self._timer = None
            self._on_mute(f"its event loop has stood still for {self._mute * self._every_s:g} s")
            return
        self._mute += 1
        self._number += 1
        self._timer = self._clock.call_later(self._every_s, self._ask)
        self._send(Ping(self._number))

    def heard(self) -> None:
        """It said something."""
        self._mute = 0

    def answered(self, pong: Pong) -> None:
        """It answered, and told how long the handler that runs now has run."""
        self._mute = 0
        same_handler = self._busy_s > 0 and pong.busy_s >= self._busy_s + self._every_s / 2
        self._busy = self._busy + 1 if same_handler else 0
        self._busy_s = pong.busy_s
        if self._busy >= self._most_busy and self._timer is not None:
            self.stop()
            self._on_mute(f"one of its handlers has run for {pong.busy_s:.0f} s")

    def stop(self) -> None:
        """Ask no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
