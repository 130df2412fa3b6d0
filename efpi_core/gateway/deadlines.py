"""The deadlines that somebody named, of overrides and limits, kept right through settings of the clock and restarts."""

from collections.abc import Callable, Mapping
from datetime import datetime

from efpi_core.clock import Clock, TimerHandle
from efpi_core.clock_event import ClockSet
from efpi_core.deadline import Deadline

NOTED_EVERY_S = 3600.0
"""How often it is noted how much of each is left, for a restart after which nobody knows the time."""

Keep = Callable[[str, Deadline | None], None]
"""Keeps a deadline by its name durably; None forgets it."""


class Deadlines:
    """Deadlines by name."""

    def __init__(self, clock: Clock, keep: Keep) -> None:
        self._clock = clock
        self._keep = keep
        self._known: dict[str, Deadline] = {}
        self._timer: TimerHandle | None = None

    def restore(self, kept: Mapping[str, Deadline]) -> None:
        """Take up those of the former life, as they are meant now."""
        now = self._clock.moment()
        for name, deadline in kept.items():
            self.put(name, deadline.resumed(now))

    def begin(self, name: str, at: datetime, *, span: bool = False) -> None:
        """Somebody names one now, in the place of an older one."""
        self.put(name, Deadline.new(at, self._clock.moment(), span=span))

    def at(self, name: str) -> datetime | None:
        """The instant that is meant, by the clock as it is set now; None when none is known."""
        deadline = self._known.get(name)
        return None if deadline is None else deadline.at

    def forget(self, *names: str) -> None:
        """They have passed, or do not count any more."""
        for name in names:
            if self._known.pop(name, None) is not None:
                self._keep(name, None)

    def clock_set(self, event: ClockSet) -> None:
        """Somebody set the clock."""
        now = self._clock.moment()
        for name, deadline in tuple(self._known.items()):
            self.put(name, deadline.after(event, now))

    def get(self, name: str) -> Deadline | None:
        """A deadline; None when none is known."""
        return self._known.get(name)

    def put(self, name: str, deadline: Deadline) -> None:
        """Take a deadline as it is."""
        self._known[name] = deadline
        self._keep(name, deadline)
        if self._timer is None:
            self._timer = self._clock.call_later(NOTED_EVERY_S, self._note)

    def _note(self) -> None:
        self._timer = None
        now = self._clock.moment()
        for name, deadline in tuple(self._known.items()):
            self.put(name, deadline.resumed(now))

    def close(self) -> None:
        """Note no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
