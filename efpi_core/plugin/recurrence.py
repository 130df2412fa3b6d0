"""What happens again and again by the clock on the wall: one protocol, and the one who keeps its appointments."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from pydantic import JsonValue

from efpi_core.boot import EARLIEST_NOW
from efpi_core.clock import Clock, TimerHandle
from efpi_core.local_time import LocalTime
from efpi_core.plugin.memory import InstanceStorage

LONGEST_AHEAD = timedelta(days=1)
"""What was done at an instant further ahead than this was done by a clock that was wrong, and is forgotten."""


class Recurrence(Protocol):
    """When something happens; `efpi_core.plugin.schedule` makes them."""

    @property
    def rule(self) -> str:
        """The rule in words that are the same for the same rule."""

    def after(self, at: datetime, place: LocalTime) -> datetime | None:
        """The first instant after `at`, in UTC; None when there is none."""


class Appointment:
    """Has something done at each instant of a recurrence: once, never before it, and never in a burst.

    What was missed, since the gateway was off or the machine suspended, is done once when it is at most `late_by` late,
    and else left out. What was done is kept before it is done, so that no restart and no clock that is set back does it
    again. A clock that was never set keeps no appointments.
    """

    def __init__(
        self,
        name: str,
        recurrence: Recurrence,
        place: LocalTime,
        late_by: timedelta,
        clock: Clock,
        storage: InstanceStorage,
        do: Callable[[], None],
    ) -> None:
        self._key = f"schedule.{name}"
        self._recurrence = recurrence
        self._place = place
        self._late_by = late_by
        self._clock = clock
        self._storage = storage
        self._do = do
        self._alarm: TimerHandle | None = None
        self._done = self._kept()
        self.next: datetime | None = None
        """When it is due next, in UTC; None when never, or while the clock is not set."""
        self.arm()

    @property
    def _rule(self) -> str:
        return f"{self._recurrence.rule} {self._place.name}"

    def _kept(self) -> datetime | None:
        """Up to which instant all is done; None when nothing is known of this rule."""
        match self._storage.get(self._key):
            case {"rule": self._rule, "done": str(done)}:
                try:
                    at = datetime.fromisoformat(done)
                except ValueError:
                    return None
                return at if at.tzinfo is not None else None
        return None

    def _keep(self, done: datetime) -> None:
        self._done = done
        kept: dict[str, JsonValue] = {"rule": self._rule, "done": done.isoformat()}
        self._storage.put(self._key, kept)

    def arm(self) -> None:
        """Wait for the next instant; again when the clock was set."""
        self.cancel()
        now = self._clock.now()
        if now < EARLIEST_NOW:
            return
        if self._done is None or self._done > now + LONGEST_AHEAD:
            self._keep(now)
        self._place.reread()
        self.next = self._recurrence.after(max(self._done or now, now - self._late_by), self._place)
        if self.next is not None:
            self._alarm = self._clock.call_at(self.next, self._due)

    def _due(self) -> None:
        now = self._clock.now()
        on_time = self.next is not None and self.next <= now
        if on_time:
            self._keep(now)
        self.arm()
        if on_time:
            self._do()

    def cancel(self) -> None:
        """Do it no more."""
        self.next = None
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
