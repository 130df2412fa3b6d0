"""What an energy manager asked of one appliance and is still open, by the present conversation and by those before."""

from collections.abc import Callable

from efi.allocation import AllocationStatus, AllocationStatusUpdate
from efpi_core.clock import TimerHandle
from efpi_core.plugin.app import ControlledAppliance
from efpi_core.plugin.context import Context

GONE = "the energy manager is gone"
ANEW = "the energy manager began anew"
RELEASED = "the energy manager released the appliance"


class OpenRequests:
    """The open allocations by name. Those of a conversation that ended are held for a while, then given back."""

    def __init__(
        self, appliance: ControlledAppliance, context: Context, hold_s: float, changed: Callable[[], None]
    ) -> None:
        self._appliance = appliance
        self._context = context
        self._hold_s = hold_s
        self._changed = changed
        self._present: set[str] = set()
        self._held: set[str] = set()
        self._hold: TimerHandle | None = None

    @property
    def holding(self) -> bool:
        """Whether something goes on that nobody speaks for any more."""
        return bool(self._held)

    def asked(self, allocation_id: str) -> None:
        """The present conversation asks for something."""
        self._present.add(allocation_id)

    def resumed(self, allocation_id: str) -> None:
        """Something stands that was asked before this app, the appliance or the gateway began anew."""
        if allocation_id not in self._present:
            self._held.add(allocation_id)
            self._start_hold()

    def speaks_of(self, status: AllocationStatusUpdate) -> bool:
        """Note what became of a request; whether the present conversation made it."""
        name = status.allocation_id
        present = name in self._present
        if status.status.final:
            self._present.discard(name)
            self._held.discard(name)
        if present and status.status in _TAKES_OVER:
            self.give_back(ANEW)
        return present

    def left(self) -> None:
        """The conversation ended: what it asked is held."""
        self._held |= self._present
        self._present.clear()
        if self._held:
            self._start_hold()

    def give_back(self, reason: str) -> None:
        """Take back what is held."""
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None
        held, self._held = self._held, set()
        for name in held:
            self._appliance.revoke(name, reason)
        if held:
            self._changed()

    def forget(self) -> None:
        """The appliance is in other hands: there is nothing to take back."""
        self._present.clear()
        self._held.clear()
        if self._hold is not None:
            self._hold.cancel()

    def _start_hold(self) -> None:
        if self._hold is not None:
            self._hold.cancel()
        self._hold = self._context.call_later(self._hold_s, self._expire)
        self._changed()

    def _expire(self) -> None:
        self._hold = None
        self.give_back(GONE)


_TAKES_OVER = frozenset((AllocationStatus.ACCEPTED, AllocationStatus.PROCESSING, AllocationStatus.STARTED))
"""By these the appliance follows a new request, so that those before have lost their sense."""
