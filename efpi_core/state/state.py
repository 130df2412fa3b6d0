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
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from pydantic import JsonValue

from efi.allocation import AllocationStatus
from efpi_core.clock import Clock
from efpi_core.deadline import Deadline
from efpi_core.errors import EfpiError
from efpi_core.event_kinds import STATE_RESCUED
from efpi_core.plugin.limits import Limit
from efpi_core.state.database import Database
from efpi_core.state.home import Home
from efpi_core.state.records import (
    EndedAllocation,
    KeptConnection,
    KeptLimit,
    OpenAllocation,
    ended_allocation,
    ended_row,
    kept_connection,
    kept_limit,
    open_allocation,
    override_row,
    override_view,
    reads_a_row,
    with_status,
)
from efpi_core.state.site_records import SiteRecords
from efpi_core.state.sqlite_database import SqliteDatabase
from efpi_core.state.table import (
    ALLOCATION,
    BOUND,
    CONNECTION,
    DEADLINE,
    ENDED,
    MEMORY,
    NOTE,
    OVERRIDE,
    Row,
)
from efpi_core.views import OverrideView

ALL_OF_THEM = "*"
"""Stands for all instances, since a kill leaves no time to say which."""

LONGEST_LIFE = 12
"""Digits of the number of lives."""


class State(SiteRecords):
    """Open allocations, connections, overrides, limits, plugins' memory, events and site revisions."""

    def __init__(self, database: Database, clock: Clock, home: Home | None = None) -> None:
        super().__init__(database, clock)
        self._home = home
        self._ends = max((end.number for end in self._readable(ENDED, ended_allocation)), default=0)
        life = self._note("life") or ""
        self.life = (int(life) if life.isdecimal() and len(life) <= LONGEST_LIFE else 0) + 1
        """How many times a gateway began in this home, this one included; marks its message ids."""
        self.ended_in_order = self.life == 1 or self._note("ended") == life
        """Whether the life before came to its end as it should, and not by a kill or a power cut."""
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
        database.on_rescued = state._rescued
        if database.rescued:
            state._rescued(database.rescued)
            state._reject_lost()
        state._reject_unconfirmed()
        state._hold_document_in_force()
        return state

    @property
    def disorder(self) -> frozenset[str] | None:
        """The instances that their former life left without order; None when all may be, as after a kill."""
        kept = self._note("disorder")
        if kept is None:
            return frozenset()
        try:
            return None if kept == ALL_OF_THEM else frozenset(map(str, json.loads(kept)))
        except (ValueError, TypeError, RecursionError):  # a damaged note says nothing of anybody
            return None

    def instances_begin(self) -> None:
        """From now on instances run, and leave disorder unless `instances_ended` says that they did not."""
        self._database.put(NOTE, ("disorder", ALL_OF_THEM))

    def instances_ended(self, but: Iterable[str]) -> None:
        """All instances ended in order but these."""
        self._database.put(NOTE, ("disorder", json.dumps(sorted(but))))

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

    @property
    def standstill_s(self) -> float:
        """For how long the write that is under way has taken, in s; 0 when none is."""
        return self._database.standstill_s

    def on_problem(self, callback: Callable[[EfpiError | None], None]) -> None:
        """Be told when a problem begins, changes, or (None) ends."""
        self._database.on_problem = callback

    async def committed(self) -> bool:
        """Wait until all that was written so far is on disk; False when it is only in memory."""
        return await self._database.committed()

    def close(self) -> None:
        """Write what is left, and let another gateway in."""
        self._database.put(NOTE, ("ended", str(self.life)))
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
            self._ends += 1
            self._database.put(ENDED, ended_row(self._ends, row, status, text, at))
        else:
            self._database.put(ALLOCATION, with_status(row, status, text, at))

    def open_allocations(self) -> tuple[OpenAllocation, ...]:
        """All that have not come to an end, oldest first."""
        found = self._readable(ALLOCATION, open_allocation)
        return tuple(sorted(found, key=lambda allocation: allocation.given_at))

    def ended_allocations(self) -> tuple[EndedAllocation, ...]:
        """The last that came to their end, in the order of their ends."""
        found = self._readable(ENDED, ended_allocation)
        return tuple(sorted(found, key=lambda ended: ended.number))

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

    def override_allocation(self, appliance_id: str) -> str | None:
        """The allocation that carries an appliance's override out, by its name; None when none does, or none yet."""
        row = self._database.rows[OVERRIDE].get((appliance_id,))
        return None if row is None or row[5] is None else str(row[5])

    def set_override(self, override: OverrideView, allocation_id: str | None = None) -> None:
        """Keep an override, and what carries it out; it replaces the appliance's former one."""
        self._database.put(OVERRIDE, override_row(override, allocation_id), durable=True)

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

    def deadlines(self) -> dict[str, Deadline]:
        """The deadlines of overrides and limits, by name."""
        return dict(self._readable(DEADLINE, _kept_deadline))

    def set_deadline(self, name: str, deadline: Deadline | None) -> None:
        """Keep a deadline; None forgets it."""
        if deadline is None:
            self._database.delete(DEADLINE, name)
        else:
            self._database.put(DEADLINE, (name, json.dumps(deadline.kept())))

    # --- the plugins' memory

    def memory_owners(self) -> frozenset[str]:
        """Those of whom something is kept."""
        return frozenset(str(owner) for owner, _ in self._database.rows[MEMORY])

    def hand_over_memory(self, instance: str, heir: str) -> None:
        """What one kept is another's from now on."""
        for key, value in self.instance_values(instance).items():
            self.put_instance_value(heir, key, value)
        self.forget_instance(instance)

    def instance_values(self, instance: str) -> dict[str, JsonValue]:
        """All values that an instance keeps."""
        found = self._readable(MEMORY, _kept_value, lambda row: row[0] == instance)
        return dict(found)

    def put_instance_value(self, instance: str, key: str, value: JsonValue, *, durable: bool = False) -> None:
        """Keep a value for an instance; None forgets it."""
        if value is None:
            self._database.delete(MEMORY, instance, key, durable=durable)
        else:
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
            self._database.put(MEMORY, (instance, key, text), durable=durable)

    def forget_instance(self, instance: str) -> None:
        """Forget all values of an instance that is gone for good."""
        for owner, key in tuple(self._database.rows[MEMORY]):
            if owner == instance:
                self._database.delete(MEMORY, instance, str(key))

    def _rescued(self, what: str) -> None:
        self._tell(STATE_RESCUED, "state", what)


@reads_a_row
def _kept_deadline(row: Row) -> tuple[str, Deadline]:
    return str(row[0]), Deadline.of(json.loads(str(row[1])))


@reads_a_row
def _kept_value(row: Row) -> tuple[str, JsonValue]:
    return str(row[1]), json.loads(str(row[2]))
