"""The journal of allocations in the gateway's state: written before an allocation goes out, closed by its last word."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from efi.allocation import AllocationStatusUpdate
from efi.messages import AnyAllocation
from efpi_core.state.records import OpenAllocation
from efpi_core.state.state import State


class StateJournal:
    """Keeps open allocations in the state database."""

    def __init__(self, state: State, now: Callable[[], datetime]) -> None:
        self._state = state
        self._now = now

    def journal_allocation(self, allocation: AnyAllocation, holder: str) -> asyncio.Future[bool] | None:
        """Note an allocation; what is returned is done once it is committed, None while the disk refuses."""
        return self._state.note_allocation(OpenAllocation(allocation, holder, self._now()))

    def journal_status(self, status: AllocationStatusUpdate, at: datetime) -> None:
        """Note the last word on an allocation; a final one closes it."""
        self._state.journal_status(status.appliance_id, status.allocation_id, status.status, status.text, at)
