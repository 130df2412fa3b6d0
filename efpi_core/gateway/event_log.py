"""What happened, for people: a bounded list of events, each with a stable name, a sentence and a cure.

What repeats is folded into one event with a count, so that neither the list nor the disk is flooded.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from efpi_core.event_kinds import EVENTS_LEFT_OUT, EventKind, Level
from efpi_core.views import EventView

KEPT = 2000
"""Events in memory; the journal keeps as many."""

TELL_AGAIN_AFTER = timedelta(minutes=1)
"""A repeated event is written and shown with its new count this often at most; cards wear."""

FOLD_WITHIN = timedelta(minutes=10)
"""A repetition counts as such when it comes this soon after the last one."""

LONGEST_FOLD = timedelta(days=1)
"""After this a repetition is an event of its own again, so that it is found where people look."""

MOST_FOLDS = 500
"""Different events whose repetitions are counted at a time."""

MOST_A_MINUTE = 100
"""Different events about one subject within a minute; what is beyond is counted and left out."""


class EventStore(Protocol):
    """Where events are kept."""

    def add_event(self, level: str, subject: str, kind: str, text: str, cure: str = "", detail: str = "") -> EventView:
        """Keep an event and return it numbered."""

    def update_event(self, event: EventView) -> bool:
        """Keep the newer count of an event; False when it is no longer kept."""


@dataclass(slots=True)
class _Fold:
    """An event and what repeated it."""

    event: EventView
    told_at: datetime
    told_count: int = 1

    @property
    def untold(self) -> bool:
        return self.event.count > self.told_count


class EventLog:
    """Takes in events, folds repetitions, has the rest kept and hands them on."""

    def __init__(self, now: Callable[[], datetime], store: EventStore | None = None) -> None:
        self._now = now
        self._store = store if store is not None else MemoryEvents(now)
        self._folds: dict[tuple[str, str, str, str], _Fold] = {}
        self._minutes: dict[str, tuple[datetime, int]] = {}
        self.redact: Callable[[str], str] = str
        """Takes what must not be told out of a text."""
        self.told = {level.value: 0 for level in Level}
        """Events so far by level, repetitions included."""
        self.repeated = 0
        """Repetitions that were counted and not told one by one."""
        self.sinks: list[Callable[[EventView], None]] = []
        """Called with each event, and with each that has a newer count."""

    def tell(self, kind: EventKind, subject: str, text: str, cure: str = "", detail: str = "") -> None:
        """Something happened: a sentence, and where the kind has no general cure, what to do."""
        now = self._now()
        self.told[kind.level] += 1
        subject, detail = _line(subject, 80), _line(detail, 80)
        text, cure = _line(self.redact(text), 4000), _line(self.redact(cure or kind.cure), 4000)
        known = (subject, kind.name, detail, "" if kind.figures else text)
        if self._folded(known, text, now):
            self.repeated += 1
        elif kind is not EVENTS_LEFT_OUT and self._is_flood(subject, now):
            more = f"it says more than {MOST_A_MINUTE} different things a minute; what is beyond is left out"
            self.tell(EVENTS_LEFT_OUT, subject, more)
        else:
            event = self._store.add_event(kind.level, subject, kind.name, text, cure, detail)
            self._remember(known, _Fold(event, now))
            self._hand_on(event)

    def flush(self, *, all_of_them: bool = False) -> None:
        """Write and show the counts that have grown and were not told for a while; to be called now and then."""
        now = self._now()
        for fold in self._folds.values():
            if fold.untold and (all_of_them or abs(now - fold.told_at) >= TELL_AGAIN_AFTER):
                self._tell_count(fold, now)

    def recent(self, after: int, count: int) -> tuple[EventView, ...]:
        """Events kept in memory, for a house without a journal; see `MemoryEvents.recent`."""
        return self._store.recent(after, count) if isinstance(self._store, MemoryEvents) else ()

    def _folded(self, known: tuple[str, str, str, str], text: str, now: datetime) -> bool:
        """Count a repetition; False when it is none."""
        fold = self._folds.get(known)
        if fold is None:
            return False
        event = fold.event
        last = event.last_at or event.at
        if abs(now - last) >= FOLD_WITHIN or abs(now - event.at) >= LONGEST_FOLD:
            self._forget(known)
            return False
        fold.event = replace(event, text=text, count=event.count + 1, last_at=now)
        return abs(now - fold.told_at) < TELL_AGAIN_AFTER or self._tell_count(fold, now)

    def _tell_count(self, fold: _Fold, now: datetime) -> bool:
        fold.told_at, fold.told_count = now, fold.event.count
        kept = self._store.update_event(fold.event)
        if kept:
            self._hand_on(fold.event)
        return kept

    def _remember(self, known: tuple[str, str, str, str], fold: _Fold) -> None:
        if len(self._folds) >= MOST_FOLDS:
            self._forget(next(iter(self._folds)))
        self._folds[known] = fold

    def _forget(self, known: tuple[str, str, str, str]) -> None:
        fold = self._folds.pop(known)
        if fold.untold:
            self._tell_count(fold, self._now())

    def _hand_on(self, event: EventView) -> None:
        for sink in self.sinks:
            sink(event)

    def _is_flood(self, subject: str, now: datetime) -> bool:
        """Whether one subject has filled its minute; each event is written to disk, and cards wear."""
        begun, count = self._minutes.get(subject, (now, 0))
        if abs(now - begun) >= TELL_AGAIN_AFTER:
            begun, count = now, 0
        if subject not in self._minutes and len(self._minutes) >= KEPT:
            self._minutes.clear()
        self._minutes[subject] = (begun, count + 1)
        return count >= MOST_A_MINUTE


class MemoryEvents:
    """Keeps the newest events, as long as the process lives."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._events: deque[EventView] = deque(maxlen=KEPT)

    def add_event(self, level: str, subject: str, kind: str, text: str, cure: str = "", detail: str = "") -> EventView:
        """Keep an event and return it numbered."""
        number = self._events[-1].number + 1 if self._events else 1
        event = EventView(number, self._now(), level, subject, kind, text, cure, detail)
        self._events.append(event)
        return event

    def update_event(self, event: EventView) -> bool:
        """Keep the newer count of an event; False when it is no longer kept."""
        place = event.number - self._events[0].number if self._events else -1
        if not 0 <= place < len(self._events):
            return False
        self._events[place] = event
        return True

    def recent(self, after: int, count: int) -> tuple[EventView, ...]:
        """Events numbered above `after`, oldest first; `after` 0 gives the newest `count`."""
        newer = [event for event in self._events if event.number > after]
        return tuple(newer[-count:] if after == 0 else newer[:count])


def _line(text: str, longest: int) -> str:
    """A text as one line of bounded length, without what acts on a terminal or cannot be written down."""
    if len(text) > longest:
        text = f"{text[: longest - 1]}…"
    return text if text.isprintable() else "".join(mark if mark.isprintable() else " " for mark in text)
