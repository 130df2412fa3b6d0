"""What is believed of a device: a power that its registration makes impossible is none, and nonsense is remembered."""

from datetime import timedelta

from efi.commodity import Commodity
from efi.messages import AnyRegistration

BEYOND = 10.0
"""How many times what it registered as its most a device may measure, since ratings are not taken literally."""

BESIDE_W = 10_000.0
"""And how much more, since what is registered as next to nothing may be a standby power."""

LARGEST_W = 1e11
"""No connection, not even an area's, draws more."""

DOUBTED_FOR = timedelta(minutes=1)
"""How long a device that said nonsense is shown as one that does."""


def most_believed_w(registration: AnyRegistration) -> float:
    """The most electrical power in W, either way, that a device of this registration is believed to measure."""
    ends = [
        max(abs(limit.start), abs(limit.end))
        for limit in registration.power_limits
        if limit.quantity.commodity is Commodity.ELECTRICITY
    ]
    return min(sum(ends) * BEYOND + BESIDE_W, LARGEST_W) if ends else LARGEST_W
