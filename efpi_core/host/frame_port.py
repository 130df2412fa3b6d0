"""An instance's way out: the plugin's wishes as frames."""

from collections.abc import Callable, Sequence
from datetime import datetime

from pydantic import JsonValue

from efi.messages import AnyRegistration, ApplianceMessage, AppMessage
from efpi_core.host.frames import (
    AddAppliance,
    Condition,
    Declare,
    FromInstance,
    Log,
    Publish,
    RemoveAppliance,
    Say,
    Settle,
    Store,
    Watch,
)
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.observation import ObservationSpec, ObservedValue, Quality

Emit = Callable[[FromInstance], None]
"""Carries a frame to the gateway."""


class FramePort:
    """The plugin's wishes as frames."""

    __slots__ = ("_emit",)

    def __init__(self, emit: Emit) -> None:
        self._emit = emit

    def say(self, appliance_id: str, message: ApplianceMessage | AppMessage) -> None:
        """Send a message of the interface."""
        self._emit(Say(appliance_id, message))

    def add_appliance(self, key: str, registration: AnyRegistration, *, steerable: bool, safe_fallback: bool) -> None:
        """Bring an appliance."""
        self._emit(AddAppliance(key, registration, steerable, safe_fallback))

    def remove_appliance(self, appliance_id: str, reason: str) -> None:
        """Take an appliance away for good."""
        self._emit(RemoveAppliance(appliance_id, reason))

    def declare(self, specs: Sequence[ObservationSpec]) -> None:
        """Announce observations."""
        self._emit(Declare(tuple(specs)))

    def publish(self, name: str, value: ObservedValue, at: datetime, quality: Quality) -> None:
        """Report a value."""
        self._emit(Publish(name, value, at, quality))

    def watch(self, patterns: Sequence[str]) -> None:
        """Ask for the values of others."""
        self._emit(Watch(tuple(patterns)))

    def store(self, key: str, value: JsonValue, *, durable: bool) -> None:
        """Keep a value."""
        self._emit(Store(key, value, durable))

    def settle(self, number: int) -> None:
        """Ask to be told when all that was stored is kept."""
        self._emit(Settle(number))

    def log(self, level: int, text: str) -> None:
        """Write a line into the log."""
        self._emit(Log(level, text))

    def condition(self, state: ConditionState, detail: str, text: str, cure: str, appliance_id: str | None) -> None:
        """Tell how the instance or one of its appliances is doing."""
        self._emit(Condition(state, detail, text, cure, appliance_id))
