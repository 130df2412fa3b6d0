"""What the host calls on an appliance that an instance brings."""

from typing import Protocol, runtime_checkable

from efi.allocation import AllocationStatus
from efi.messages import AnyAllocation, AppMessage
from efpi_core.clock_event import ClockEvent


class ApplianceHandler(Protocol):
    """The instance's side of one appliance. The category base classes implement it; few authors do so themselves."""

    @property
    def appliance_id(self) -> str:
        """The gateway-wide name."""

    async def on_app_message(self, message: AppMessage) -> None:
        """An allocation or a revocation came in."""

    async def on_standing(self, allocation: AnyAllocation, status: AllocationStatus | None) -> None:
        """An allocation of a former life stands; `status` is what was last said of it, None when nothing was."""

    async def on_connected(self, app: str) -> None:
        """An energy app took control."""

    async def on_disconnected(self, reason: str) -> None:
        """No energy app is in control any more."""

    async def safe_state(self) -> None:
        """Bring the device where it may be left alone."""


@runtime_checkable
class ClockFollower(Protocol):
    """A plugin, or an appliance that it brings, that wants to know when somebody sets the clock."""

    def on_clock(self, event: ClockEvent) -> None:
        """The wall clock was set, or the machine was suspended.

        Called at once, before any timer that became due by it, perhaps in the middle of a handler: note it, and leave
        what takes longer to `context.call_later(0, …)`.
        """
