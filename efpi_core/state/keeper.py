"""Rows of the database as records, and the journal of events in which what went wrong with them is told."""

from collections.abc import Callable
from typing import TypeVar

from efpi_core.clock import Clock
from efpi_core.event_kinds import ROW_UNREADABLE, EventKind
from efpi_core.state.database import Database
from efpi_core.state.records import EVENT_RING, HIGHEST_NUMBER, event_row, event_view
from efpi_core.state.table import EVENT, NOTE, Row, Table
from efpi_core.views import EventView

RecordT = TypeVar("RecordT")


class Keeper:
    """What all kept things share."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._last_event = max((_number(row[1]) for row in database.rows[EVENT].values()), default=0)

    def add_event(self, level: str, subject: str, kind: str, text: str, cure: str = "", detail: str = "") -> EventView:
        """Keep that something happened; see `EventView`."""
        self._last_event += 1
        event = EventView(self._last_event, self._clock.now(), level, subject, kind, text, cure, detail)
        self._database.put(EVENT, event_row(event))
        return event

    def update_event(self, event: EventView) -> bool:
        """Keep the newer count of an event; False when a newer event has taken its place."""
        row = event_row(event)
        present = self._database.rows[EVENT].get(row[:1])
        if present is None or present[1] != event.number:
            return False
        self._database.put(EVENT, row)
        return True

    def _tell(self, kind: EventKind, subject: str, text: str) -> None:
        self.add_event(kind.level, subject, kind.name, text, kind.cure)

    def events(self, after: int = 0, count: int = 200) -> tuple[EventView, ...]:
        """Events with a number above `after`, oldest first, at most `count`; `after` 0 gives the newest ones."""
        oldest = max(1, self._last_event - EVENT_RING + 1)
        first = max(oldest, after + 1) if after else max(oldest, self._last_event - count + 1)
        rows = self._database.rows[EVENT]
        numbers = range(first, min(first + count, self._last_event + 1))
        found = (rows.get((number % EVENT_RING,)) for number in numbers)
        return tuple(event for row in found if row is not None and (event := _event(row)) is not None)

    def _readable(
        self, table: Table, read: Callable[[Row], RecordT], wanted: Callable[[Row], bool] = bool
    ) -> list[RecordT]:
        """The records of the wanted rows; a row that this efpi cannot read is forgotten, with an event."""
        found = []
        for key, row in tuple(self._database.rows[table].items()):
            if not wanted(row):
                continue
            try:
                found.append(read(row))
            except ValueError as error:
                self._database.delete(table, *key)
                text = f"what was kept of {table.name} {key!r} cannot be read and is forgotten: {error}"
                self._tell(ROW_UNREADABLE, "gateway", text[:500])
        return found

    def _note(self, name: str) -> str | None:
        row = self._database.rows[NOTE].get((name,))
        return None if row is None else str(row[1])


def _number(value: object) -> int:
    return value if isinstance(value, int) and value <= HIGHEST_NUMBER else 0


def _event(row: Row) -> EventView | None:
    try:
        return event_view(row)
    except ValueError:
        return None
