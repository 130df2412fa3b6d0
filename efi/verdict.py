"""Verdict: what a session makes of a message."""

from enum import StrEnum
from typing import NamedTuple

from efi.messages import ApplianceMessage, AppMessage
from efi.refusal import Refusal


class PastStart(StrEnum):
    """What a start means that lies before the instant at which the appliance can act."""

    AT_ONCE = "at_once"
    """As soon as can be (S2)."""
    REFUSE = "refuse"
    """Nothing: the allocation is refused (EFI)."""


class Verdict(NamedTuple):
    """What becomes of a message: what to deliver to either side, in order, or why it was refused."""

    refusal: Refusal | None = None
    """What was wrong; a message that is refused is not delivered."""
    to_appliance: tuple[AppMessage, ...] = ()
    """What the appliance is to hear."""
    to_app: tuple[ApplianceMessage, ...] = ()
    """What the energy app is to hear."""
    warnings: tuple[Refusal, ...] = ()
    """What was not right, and yet did no harm."""
