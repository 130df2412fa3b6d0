"""What the host calls on an appliance that an instance brings."""

from typing import Protocol

from efi.messages import AppMessage


class ApplianceHandler(Protocol):
    """The instance's side of one appliance. The category base classes implement it; few authors do so themselves."""

    @property
    def appliance_id(self) -> str:
        """The gateway-wide name."""

    async def on_app_message(self, message: AppMessage) -> None:
        """An allocation or a revocation came in."""

    async def on_connected(self, app: str) -> None:
        """An energy app took control."""

    async def on_disconnected(self, reason: str) -> None:
        """No energy app is in control any more."""

    async def safe_state(self) -> None:
        """Bring the device where it may be left alone."""
