"""What happened, for people: a bounded list of events, each with a stable name, a sentence and a cure."""

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from efpi_core.views import EventView

KEPT = 2000
"""Events in memory; the journal keeps more."""

REPEAT_AFTER = timedelta(minutes=1)
"""The same event about the same subject is told again after this time at the earliest."""


MOST_A_MINUTE = 100
"""Events about one subject within a minute; whoever says more says it for nobody."""

Keep = Callable[[str, str, str, str, str], EventView]
"""Keeps an event (level, subject, kind, text, cure) and returns it numbered."""


class EventLog:
    """Takes in events, suppresses repetitions, has the rest kept and hands them on."""

    def __init__(self, now: Callable[[], datetime], keep: Keep | None = None) -> None:
        self._now = now
        self._keep = keep or self._keep_in_memory
        self._events: deque[EventView] = deque(maxlen=KEPT)
        self._last: dict[tuple[str, str, str], datetime] = {}
        self._minutes: dict[str, tuple[datetime, int]] = {}
        self.suppressed = 0
        """Repetitions that were not told."""
        self.sinks: list[Callable[[EventView], None]] = []
        """Called with each event."""

    def tell(self, level: str, subject: str, kind: str, text: str, cure: str = "") -> None:
        """Something happened. `level` is info, warning or error; `kind` a stable name; `text` a sentence."""
        now = self._now()
        subject, kind, text, cure = _line(subject, 80), _line(kind, 80), _line(text, 4000), _line(cure, 4000)
        known = (subject, kind, text)
        last = self._last.get(known)
        if (last is not None and abs(now - last) < REPEAT_AFTER) or self._is_flood(subject, now):
            self.suppressed += 1
            return
        if len(self._last) > KEPT:
            self._last.clear()
        self._last[known] = now
        event = self._keep(level, subject, kind, text, cure)
        for sink in self.sinks:
            sink(event)

    def _is_flood(self, subject: str, now: datetime) -> bool:
        """Whether one subject has filled its minute; each event is written to disk, and cards wear."""
        begun, count = self._minutes.get(subject, (now, 0))
        if abs(now - begun) >= REPEAT_AFTER:
            begun, count = now, 0
        if subject not in self._minutes and len(self._minutes) >= KEPT:
            self._minutes.clear()
        self._minutes[subject] = (begun, count + 1)
        return count >= MOST_A_MINUTE

    def _keep_in_memory(self, level: str, subject: str, kind: str, text: str, cure: str) -> EventView:
        number = self._events[-1].number + 1 if self._events else 1
        event = EventView(number, self._now(), level, subject, kind, text, cure)
        self._events.append(event)
        return event

    def recent(self, after: int, count: int) -> tuple[EventView, ...]:
        """Events kept in memory, numbered above `after`, oldest first; `after` 0 gives the newest `count`."""
        newer = [event for event in self._events if event.number > after]
        return tuple(newer[-count:] if after == 0 else newer[:count])


def _line(text: str, longest: int) -> str:
    """A text of bounded length without what acts on a terminal or cannot be written down; line breaks may be."""
    if len(text) > longest:
        text = f"{text[: longest - 1]}…"
    if text.isprintable():
        return text
    return "".join(mark if mark.isprintable() or mark == "\n" else " " for mark in text)
