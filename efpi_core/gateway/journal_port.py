"""What the gateway asks of whatever keeps its journal: on disk, or in memory for a simulation."""

import asyncio
from datetime import datetime
from typing import Protocol

from efi.allocation import AllocationStatusUpdate
from efi.messages import AnyAllocation


class AllocationJournal(Protocol):
    """Remembers open allocations, so that a restart knows what was asked."""

    def journal_allocation(self, allocation: AnyAllocation, holder: str) -> "asyncio.Future[bool] | None":
        """Note an allocation; what is returned is done once it is committed, None when it is already."""

    def journal_status(self, status: AllocationStatusUpdate, at: datetime) -> None:
        """Note the last word on an allocation; a final one closes it."""
