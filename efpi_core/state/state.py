"""All that the gateway keeps, as one object: reads are from memory, writes are on disk when `committed` says so.

    state = State.open(home_path, clock)                  # or State.in_memory(clock), for a simulation
    state.set_connection("battery", "steering", by_hand=True)
    kept = await state.committed()                        # False: only in memory; state.problem says why and the cure
    kept = await state.journal_allocation(OpenAllocation(message, app="steering", given_at=clock.now()))
    state.journal_status("battery", "steering_1_7", AllocationStatus.STARTED, "", at)   # a final status ends it
    state.close()

Every method that writes returns at once; what one turn of the event loop writes is committed together, whole or not at
all. A disk that is read-only, full or hanging stops nobody: `problem` names it, `on_problem` tells when that changes,
and what was written meanwhile reaches the disk when it works again.
"""

import asyncio
import json
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import JsonValue

from efi.allocation import AllocationStatus
from efpi_core.clock import Clock
from efpi_core.errors import EfpiError
from efpi_core.plugin.limits import Limit
from efpi_core.site.revisions import ImportRecord, Origin, Revision, Verdict, in_force, text_digest
from efpi_core.state.database import Database
from efpi_core.state.home import Home
from efpi_core.state.records import (
    EVENT_RING,
    KeptConnection,
    KeptLimit,
    OpenAllocation,
    event_row,
    event_view,
    kept_connection,
    kept_limit,
    kept_revision,
    open_allocation,
    override_row,
    override_view,
    revision_row,
    with_status,
    with_verdict,
)
from efpi_core.state.sqlite_database import SqliteDatabase
from efpi_core.state.table import (
    ALLOCATION,
    BOUND,
    CONNECTION,
    DOCUMENT,
    EVENT,
    MEMORY,
    NOTE,
    OVERRIDE,
    REVISION,
    Row,
    Table,
)
from efpi_core.views import EventView, OverrideView

RecordT = TypeVar("RecordT")


class State:
    """Open allocations, connections, overrides, limits, plugins' memory, events and site revisions."""

    def __init__(self, database: Database, clock: Clock, home: Home | None = None) -> None:
        self._database = database
        self._clock = clock
        self._home = home
        self._last_event = max((int(str(row[1])) for row in database.rows[EVENT].values()), default=0)
        self.life = int(self._note("life") or 0) + 1
        """How many times a gateway began in this home, this one included; marks its message ids."""
        database.put(NOTE, ("life", str(self.life)))

    @classmethod
    def open(cls, path: Path | Home, clock: Clock) -> "State":
        """The state in a home directory, which is made when it is missing; or in a home that is open already.

        Raises TryAgainError when another gateway lives there, SettingsError when a newer efpi wrote its database.
        """
        home = path if isinstance(path, Home) else Home(path)
        if home is not path:
            home.open()
        try:
            database = SqliteDatabase(home, clock)
        except BaseException:
            home.close()
            raise
        state = cls(database, clock, home)
        if database.rescued:
            state.add_event("error", "gateway", "state_rescued", database.rescued, "check the disk; it may be worn out")
        state._reject_unconfirmed()
        return state

    @classmethod
    def in_memory(cls, clock: Clock) -> "State":
        """A state that ends with the process: for simulations, where it is the same each time."""
        return cls(Database(), clock)

    @property
    def problem(self) -> EfpiError | None:
        """Why nothing reaches the disk now, with the cure; None when all is well."""
        return self._database.problem

    @property
    def kept(self) -> bool:
        """Whether what is written survives the end of the process."""
        return self._database.kept

    def on_problem(self, callback: Callable[[EfpiError | None], None]) -> None:
        """Be told when a problem begins, changes, or (None) ends."""
        self._database.on_problem = callback

    async def committed(self) -> bool:
        """Wait until all that was written so far is on disk; False when it is only in memory."""
        return await self._database.committed()

    def close(self) -> None:
        """Write what is left, and let another gateway in."""
        self._database.close()
        if self._home is not None:
            self._home.close()

    # --- allocations

    async def journal_allocation(self, allocation: OpenAllocation) -> bool:
        """Keep an allocation before it is sent; False when it is only in memory."""
        mark = self.note_allocation(allocation)
        return self.kept if mark is None else await mark

    def note_allocation(self, allocation: OpenAllocation) -> asyncio.Future[bool] | None:
        """The same without a coroutine: a future that is done when it is kept, or None when there is no waiting."""
        self._database.put(ALLOCATION, allocation.row())
        return self._database.mark()

    def journal_status(
        self, appliance_id: str, allocation_id: str, status: AllocationStatus, text: str, at: datetime
    ) -> None:
        """Keep the driver's word on an open allocation; a final one forgets the allocation."""
        row = self._database.rows[ALLOCATION].get((appliance_id, allocation_id))
        if row is None:
            return
        if status.final:
            self._database.delete(ALLOCATION, appliance_id, allocation_id)
        else:
            self._database.put(ALLOCATION, with_status(row, status, text, at))

    def forget_allocation(self, appliance_id: str, allocation_id: str) -> None:
        """Forget an allocation that came to no answer, as when its appliance is gone."""
        self._database.delete(ALLOCATION, appliance_id, allocation_id)

    def open_allocations(self) -> tuple[OpenAllocation, ...]:
        """All that have not come to an end, oldest first."""
        found = self._readable(ALLOCATION, open_allocation)
        return tuple(sorted(found, key=lambda allocation: allocation.given_at))

    # --- connections, overrides, limits

    def connections(self) -> tuple[KeptConnection, ...]:
        """Every connection that was made, by hand or by itself."""
        return tuple(self._readable(CONNECTION, kept_connection))

    def set_connection(self, appliance_id: str, app: str | None, *, by_hand: bool) -> None:
        """Keep which app controls an appliance; an app of None, by hand, says that none shall."""
        connection = KeptConnection(appliance_id, app, by_hand, self._clock.now())
        self._database.put(CONNECTION, connection.row(), durable=by_hand)

    def remove_connection(self, appliance_id: str) -> None:
        """Forget what was decided for an appliance."""
        self._database.delete(CONNECTION, appliance_id)

    def overrides(self) -> tuple[OverrideView, ...]:
        """The residents' overrides, those that have ended included until they are removed."""
        return tuple(self._readable(OVERRIDE, override_view))

    def set_override(self, override: OverrideView) -> None:
        """Keep an override; it replaces the appliance's former one."""
        self._database.put(OVERRIDE, override_row(override), durable=True)

    def remove_override(self, appliance_id: str) -> None:
        """Forget an override."""
        self._database.delete(OVERRIDE, appliance_id, durable=True)

    def limits(self) -> tuple[KeptLimit, ...]:
        """The limits that were set while the gateway ran; those of the site are not among them."""
        return tuple(self._readable(BOUND, kept_limit))

    def set_limit(self, limit: Limit, by: str) -> None:
        """Keep a limit; it replaces the one of that name."""
        self._database.put(BOUND, KeptLimit(limit, by).row(), durable=True)

    def remove_limit(self, limit_id: str) -> None:
        """Forget a limit."""
        self._database.delete(BOUND, limit_id, durable=True)

    # --- the plugins' memory

    def instance_values(self, instance: str) -> dict[str, JsonValue]:
        """All values that an instance keeps."""
        rows = self._database.rows[MEMORY]
        return {str(key): json.loads(str(rows[owner, key][2])) for owner, key in rows if owner == instance}

    def put_instance_value(self, instance: str, key: str, value: JsonValue) -> None:
        """Keep a value for an instance; None forgets it."""
        if value is None:
            self._database.delete(MEMORY, instance, key)
        else:
            self._database.put(MEMORY, (instance, key, json.dumps(value, ensure_ascii=False, separators=(",", ":"))))

    def forget_instance(self, instance: str) -> None:
        """Forget all values of an instance that is gone for good."""
        for owner, key in tuple(self._database.rows[MEMORY]):
            if owner == instance:
                self._database.delete(MEMORY, instance, str(key))

    # --- events

    def add_event(self, level: str, subject: str, kind: str, text: str, cure: str = "") -> EventView:
        """Keep that something happened; `level` is "info", "warning" or "error"."""
        self._last_event += 1
        event = EventView(self._last_event, self._clock.now(), level, subject, kind, text, cure)
        self._database.put(EVENT, event_row(event))
        return event

    def events(self, after: int = 0, count: int = 200) -> tuple[EventView, ...]:
        """Events with a number above `after`, oldest first, at most `count`; `after` 0 gives the newest ones."""
        oldest = max(1, self._last_event - EVENT_RING + 1)
        first = max(oldest, after + 1) if after else max(oldest, self._last_event - count + 1)
        rows = self._database.rows[EVENT]
        numbers = range(first, min(first + count, self._last_event + 1))
        found = (rows.get((number % EVENT_RING,)) for number in numbers)
        return tuple(event_view(row) for row in found if row is not None)

    # --- the site

    def revisions(self) -> tuple[Revision, ...]:
        """All revisions of the site, oldest first."""
        return tuple(sorted(self._readable(REVISION, kept_revision), key=lambda revision: revision.number))

    def revision_in_force(self) -> Revision | None:
        """The newest confirmed revision, or None before the first."""
        return in_force(self.revisions())

    def revision_document(self, number: int) -> tuple[str, JsonValue] | None:
        """A revision's text and the data that it was read to; reads the disk, so a running gateway asks in a thread."""
        row = self._database.fetch(DOCUMENT, number)
        if row is None or not isinstance(row[1], bytes) or not isinstance(row[2], bytes):
            return None
        return zlib.decompress(row[1]).decode(), json.loads(zlib.decompress(row[2]))

    def add_revision(
        self, text: str, data: JsonValue, *, by: str, why: str, origin: Origin, verdict: Verdict, source: str = ""
    ) -> Revision:
        """Keep a new revision."""
        number = max((revision.number for revision in self.revisions()), default=0) + 1
        revision = Revision(number, self._clock.now(), by, why, origin, verdict, text_digest(text), source)
        packed = zlib.compress(json.dumps(data, separators=(",", ":")).encode())
        self._database.put(DOCUMENT, (number, zlib.compress(text.encode()), packed))
        self._database.put(REVISION, revision_row(revision), durable=True)
        return revision

    def judge_revision(self, number: int, verdict: Verdict, note: str = "") -> Revision:
        """Keep what became of a revision: from here on it is in force, or it never will be."""
        revision = next(revision for revision in self.revisions() if revision.number == number)
        judged = with_verdict(revision, verdict, note)
        self._database.put(REVISION, revision_row(judged), durable=True)
        return judged

    def _reject_unconfirmed(self) -> None:
        """A change of the site that was being watched when the gateway ended did not prove itself."""
        for revision in self.revisions():
            if revision.verdict is Verdict.CANDIDATE:
                self.judge_revision(revision.number, Verdict.REJECTED, "the gateway ended before it was confirmed")
                text = f"revision {revision.number} by {revision.by} was not confirmed when the gateway ended"
                self.add_event("warning", "site", "site_not_confirmed", text, "apply it again if it is meant")

    def last_import(self) -> ImportRecord | None:
        """When a file was last taken."""
        kept = self._note("import")
        return None if kept is None else ImportRecord(**json.loads(kept))

    def set_last_import(self, record: ImportRecord) -> None:
        """Keep that a file was taken."""
        value = json.dumps({"path": record.path, "digest": record.digest, "revision": record.revision})
        self._database.put(NOTE, ("import", value), durable=True)

    def _readable(self, table: Table, read: Callable[[Row], RecordT]) -> list[RecordT]:
        """The records of a table; a row that this efpi cannot read is forgotten, with an event."""
        found = []
        for key, row in tuple(self._database.rows[table].items()):
            try:
                found.append(read(row))
            except ValueError as error:
                self._database.delete(table, *key)
                text = f"what was kept of {table.name} {key!r} cannot be read and is forgotten: {error}"
                self.add_event("warning", "gateway", "row_unreadable", text[:500])
        return found

    def _note(self, name: str) -> str | None:
        row = self._database.rows[NOTE].get((name,))
        return None if row is None else str(row[1])
