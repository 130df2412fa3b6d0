"""How often a device may change what it can do: beyond that the gateway would take the whole instance for a flood."""

from efi.messages import ApplianceMessage, AppMessage

AT_ONCE = 1000
PER_S = 100.0
"""Half of what the gateway allows an appliance, of what it must not leave out."""

_LIGHT = ("_state_update", "measurement", "allocation_status_update")
"""Of states and measurements the newest counts, and a status answers an allocation."""


class Telling:
    """An account of what was told that may not be left out, which fills with time."""

    __slots__ = ("_at", "_left")

    def __init__(self) -> None:
        self._left = float(AT_ONCE)
        self._at: float | None = None

    def too_much(self, messages: tuple[ApplianceMessage | AppMessage, ...], now: float) -> bool:
        """Note what is told at an instant in s; whether it is too much."""
        weighty = sum(not message.type.endswith(_LIGHT) for message in messages)
        if not weighty:
            return False
        if self._at is not None:
            self._left = min(self._left + (now - self._at) * PER_S, AT_ONCE)
        self._at = now
        self._left -= weighty
        return self._left < 0
