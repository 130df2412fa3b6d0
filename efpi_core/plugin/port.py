"""The wall between a plugin and whatever hosts it: what a plugin can ask for."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pydantic import JsonValue

from efi.messages import AnyRegistration, ApplianceMessage, AppMessage
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.observation import ObservationSpec, ObservedValue, Quality


class Port(Protocol):
    """The gateway as an instance reaches it, in its own process or in another. No call waits."""

    def say(self, appliance_id: str, message: ApplianceMessage | AppMessage) -> None:
        """Send a message of the interface."""

    def add_appliance(self, key: str, registration: AnyRegistration, *, steerable: bool, safe_fallback: bool) -> None:
        """Bring an appliance."""

    def remove_appliance(self, appliance_id: str, reason: str) -> None:
        """Take an appliance away for good."""

    def declare(self, specs: Sequence[ObservationSpec]) -> None:
        """Announce observations."""

    def publish(self, name: str, value: ObservedValue, at: datetime, quality: Quality) -> None:
        """Report a value."""

    def watch(self, patterns: Sequence[str]) -> None:
        """Ask for the values of others."""

    def store(self, key: str, value: JsonValue, *, durable: bool) -> None:
        """Keep a value; None forgets it."""

    def settle(self, number: int) -> None:
        """Ask to be told when all that was stored is kept."""

    def log(self, level: int, text: str) -> None:
        """Write a line into the log."""

    def condition(self, state: ConditionState, detail: str, text: str, cure: str, appliance_id: str | None) -> None:
        """Tell how the instance or one of its appliances is doing."""
