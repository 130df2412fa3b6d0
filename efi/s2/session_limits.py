"""What an S2 session bears of the other side, and how long it waits for it."""

from typing import NamedTuple

from efi.s2.bad_frames import BadFrameLimits
from efi.s2.deliveries import DeliveryLimits


class SessionLimits(NamedTuple):
    """What a session bears."""

    deliveries: DeliveryLimits = DeliveryLimits()
    bad_frames: BadFrameLimits = BadFrameLimits()
    handshake_within_s: float = 30.0
    """The other side must have taken up the conversation within this."""
    most_instructions: int = 1000
    """Instructions that are open at once."""
    remembered_messages: int = 256
    """Messages of the other side that are known by name, so that a repetition is noticed."""
