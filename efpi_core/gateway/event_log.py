"""What happened, for people: a bounded list of events, each with a stable name, a sentence and a cure."""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from efpi_core.views import EventView

KEPT = 2000
"""Events in memory; the journal keeps more."""

REPEAT_AFTER = timedelta(minutes=1)
"""The same event about the same subject is told again after this time at the earliest."""


class EventLog:
    """Takes in events, suppresses repetitions, numbers the rest and hands them on."""

    def __init__(self, now: Callable[[], datetime], first_number: int = 1) -> None:
        self._now = now
        self._next = first_number
        self._events: deque[EventView] = deque(maxlen=KEPT)
        self._last: dict[tuple[str, str, str], datetime] = {}
        self.suppressed = 0
        """Repetitions that were not told."""
        self.sinks: list[Callable[[EventView], None]] = []
        """Called with each event."""

    def tell(self, level: str, subject: str, kind: str, text: str, cure: str = "") -> None:
        """Something happened. `level` is info, warning or error; `kind` a stable name; `text` a sentence."""
        now = self._now()
        known = (subject, kind, text)
        last = self._last.get(known)
        if last is not None and now - last < REPEAT_AFTER:
            self.suppressed += 1
            return
        if len(self._last) > KEPT:
            self._last.clear()
        self._last[known] = now
        event = EventView(self._next, now, level, subject, kind, text, cure)
        self._next += 1
        self._events.append(event)
        for sink in self.sinks:
            sink(event)

    def recent(self, after: int, count: int) -> tuple[EventView, ...]:
        """Events numbered above `after`, oldest first; `after` 0 gives the newest `count`."""
        newer = [event for event in self._events if event.number > after]
        return tuple(newer[-count:] if after == 0 else newer[:count])
