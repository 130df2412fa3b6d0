"""How many messages that may not be left out pass between an appliance and whoever speaks to it."""

from collections.abc import Callable
from datetime import datetime

from efi.demand_driven import DemandDrivenStateUpdate
from efi.measurement import Measurement
from efi.output_adjustable import OutputAdjustableStateUpdate
from efi.storage import StorageStateUpdate
from efi.time_shiftable import TimeShiftableStateUpdate

SUPERSEDED = frozenset(
    (
        Measurement,
        StorageStateUpdate,
        OutputAdjustableStateUpdate,
        TimeShiftableStateUpdate,
        DemandDrivenStateUpdate,
    )
)
"""Of these the newest counts, so that a flood of them is shed in its sender's mailbox."""

MOST_AT_ONCE = 2000
"""Messages that one instance may send for one appliance at once: a fifth of what a mailbox holds."""

MOST_OWED = 3 * MOST_AT_ONCE
"""So many answers may be outstanding; with an allowance of its own the receiver's mailbox still holds them."""

PER_S = 200.0
"""And in the long run, each second."""

FLOOD_CURE = "report it to the plugin's author, with `efpi diagnostics`"


class Allowance:
    """What one instance may send for one appliance; it begins full."""

    __slots__ = ("at", "left", "owed")

    def __init__(self, now: datetime) -> None:
        self.owed = 0
        """Messages that came and were not answered yet."""
        self.left = float(MOST_AT_ONCE)
        """Messages that it may send beside answers, at the instant `at`."""
        self.at = now

    def take(self, now: datetime) -> bool:
        """Take one message from it; False when it is spent."""
        if self.owed:
            self.owed -= 1
            return True
        left = self.left
        if left < MOST_AT_ONCE:
            left = min(left + max((now - self.at).total_seconds(), 0.0) * PER_S, MOST_AT_ONCE)
        self.at = now
        self.left = left - 1.0 if left >= 1.0 else left
        return left >= 1.0


class Flow:
    """An allowance for each sender and appliance. Who goes beyond it floods, whether or not the receiver keeps up.

    Each message that passes gives its receiver one more to answer with: who answers a flood is not taken for it.
    """

    def __init__(self) -> None:
        self._allowances: dict[tuple[str, str], Allowance] = {}
        self._flooding: set[str] = set()
        self.on_flood: Callable[[str, str], None] = lambda instance, problem: None
        """Called once with each instance that floods, and what it does."""

    def passes(self, instance: str, appliance_id: str, receiver: str | None, now: datetime) -> bool:
        """Take one message from the allowance; False when it is spent, and the message is not to be passed on."""
        if self._allowance(instance, appliance_id, now).take(now):
            if receiver is not None:
                answering = self._allowance(receiver, appliance_id, now)
                if answering.owed < MOST_OWED:
                    answering.owed += 1
            return True
        if instance not in self._flooding:
            self._flooding.add(instance)
            self.on_flood(instance, f"it floods '{appliance_id}' with messages that may not be left out")
        return False

    def _allowance(self, instance: str, appliance_id: str, now: datetime) -> Allowance:
        allowance = self._allowances.get((instance, appliance_id))
        if allowance is None:
            allowance = self._allowances[instance, appliance_id] = Allowance(now)
        return allowance

    def told(self, receiver: str, appliance_id: str) -> None:
        """A message that may be left out came to a receiver: give back one of its allowance, to answer with."""
        answering = self._allowances.get((receiver, appliance_id))
        if answering is not None:
            answering.left = min(answering.left + 1.0, MOST_AT_ONCE)

    def forget(self, instance: str) -> None:
        """An instance ended: its next life begins with a full allowance."""
        self._flooding.discard(instance)
        for key in [key for key in self._allowances if key[0] == instance]:
            del self._allowances[key]
