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


class Flow:
    """An allowance for each sender and appliance. Who goes beyond it floods, whether or not the receiver keeps up.

    Each message that passes gives its receiver one more to answer with: who answers a flood is not taken for it.
    """

    def __init__(self) -> None:
        self._owed: dict[tuple[str, str], int] = {}
        self._left: dict[tuple[str, str], tuple[float, datetime]] = {}
        self._flooding: set[str] = set()
        self.on_flood: Callable[[str, str], None] = lambda instance, problem: None
        """Called once with each instance that floods, and what it does."""

    def passes(self, instance: str, appliance_id: str, receiver: str | None, now: datetime) -> bool:
        """Take one message from the allowance; False when it is spent, and the message is not to be passed on."""
        if self._answers(instance, appliance_id) or self._may_begin(instance, appliance_id, now):
            if receiver is not None:
                self._owe_answer(receiver, appliance_id)
            return True
        if instance not in self._flooding:
            self._flooding.add(instance)
            self.on_flood(instance, f"it floods '{appliance_id}' with messages that may not be left out")
        return False

    def _answers(self, instance: str, appliance_id: str) -> bool:
        """Whether a message can be an answer to one that came."""
        owed = self._owed.get((instance, appliance_id), 0)
        if owed:
            self._owed[instance, appliance_id] = owed - 1
        return owed > 0

    def _may_begin(self, instance: str, appliance_id: str, now: datetime) -> bool:
        """Whether the allowance holds a message that answers none."""
        left, at = self._left.get((instance, appliance_id), (float(MOST_AT_ONCE), now))
        left = min(left + max((now - at).total_seconds(), 0.0) * PER_S, MOST_AT_ONCE)
        enough = left >= 1.0
        self._left[instance, appliance_id] = (left - 1.0 if enough else left, now)
        return enough

    def _owe_answer(self, receiver: str, appliance_id: str) -> None:
        owed = self._owed.get((receiver, appliance_id), 0)
        self._owed[receiver, appliance_id] = min(owed + 1, MOST_OWED)

    def told(self, receiver: str, appliance_id: str) -> None:
        """A message that may be left out came to a receiver: give back one of its allowance, to answer with."""
        answering = self._left.get((receiver, appliance_id))
        if answering is not None:
            self._left[receiver, appliance_id] = (min(answering[0] + 1.0, MOST_AT_ONCE), answering[1])

    def forget(self, instance: str) -> None:
        """An instance ended: its next life begins with a full allowance."""
        self._flooding.discard(instance)
        for key in [key for key in self._owed if key[0] == instance]:
            del self._owed[key]
        for key in [key for key in self._left if key[0] == instance]:
            del self._left[key]
