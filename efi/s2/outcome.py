"""What comes of a message or of time in an S2 session: what to say, what happened, and whether it is over."""

from enum import StrEnum
from typing import NamedTuple

from efi.refusal import Refusal
from efi.s2.common import ControlType
from efi.s2.conversation import ReceptionStatusValues
from efi.s2.messages import AnyNamedMessage, AnyS2Message
from efi.s2.profile import Profile


class Agreed(NamedTuple):
    """Both sides know which version they speak."""

    profile: Profile
    version: str
    """As it was written."""


class ControlTypeChanged(NamedTuple):
    """Another control type is active, or the same one anew: all that belongs to it is told from scratch."""

    control_type: ControlType
    before: ControlType


class Received(NamedTuple):
    """A message passed the rules of the session and was acknowledged; its ids are those under which it was told."""

    message: AnyNamedMessage


class Delivered(NamedTuple):
    """The other side acknowledged a message of ours."""

    message: AnyNamedMessage


class NotDelivered(NamedTuple):
    """The other side did not take a message of ours, or never said whether it did."""

    message: AnyNamedMessage
    status: ReceptionStatusValues | None
    """What it answered; None where it answered nothing in time."""
    reason: str
    """Why, for people, in print; as far as the other side said it, hostile until escaped."""


class Declined(NamedTuple):
    """A message of the other side was refused and has no effect; the other side has been told."""

    status: ReceptionStatusValues
    refusal: Refusal
    message_type: str | None
    """What it meant to be, where that could be read."""


class Warned(NamedTuple):
    """Something was not right, and yet did no harm."""

    refusal: Refusal


Event = Agreed | ControlTypeChanged | Received | Delivered | NotDelivered | Declined | Warned
"""Something that happened in a session."""


class EndingKind(StrEnum):
    """Why a session is over."""

    RECONNECT = "reconnect"
    """The other side asked for a new connection; the client connects again at once."""
    TERMINATED = "terminated"
    """The other side ended it; the client may try again, with growing delays."""
    PERMANENT_ERROR = "permanent_error"
    """The other side answered a message with PERMANENT_ERROR."""
    NO_COMMON_VERSION = "no_common_version"
    """The two sides speak no version in common."""
    NO_HANDSHAKE = "no_handshake"
    """The other side did not take up the conversation in time."""
    FLOODED = "flooded"
    """The other side sent too much that is of no use."""
    ENDED_HERE = "ended_here"
    """This side ended it."""


class Ending(NamedTuple):
    """The session is over: say what is still to be said, and close the connection."""

    kind: EndingKind
    reason: str
    """For people, in print; as far as the other side said it, hostile until escaped."""


class Outcome(NamedTuple):
    """What comes of a message, or of time."""

    to_peer: tuple[AnyS2Message, ...] = ()
    """What to say to the other side, in this order, before anything else."""
    events: tuple[Event, ...] = ()
    """What happened, in its order."""
    refusal: Refusal | None = None
    """Why a message of our own was not said."""
    ending: Ending | None = None
    """The session is over."""


NOTHING = Outcome()
"""Nothing comes of it."""
