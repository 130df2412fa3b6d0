"""What every message carries, and the messages about the control space as a whole."""

from typing import ClassVar, Literal

from efi.types import Identifier, Instant, Model, Text


class Message(Model):
    """One statement of an appliance or of an energy app about one appliance."""

    belongs_to: ClassVar[str | None] = None
    """The `type` of the registration that this kind of message presumes; None where any registration will do."""

    message_id: Identifier
    """Names this message for good; an allocation or a revocation refers to it."""
    appliance_id: Identifier
    """The appliance that the message is about."""
    timestamp: Instant
    """When the sender made the message."""


class ControlSpaceUpdate(Message):
    """A part of an appliance's control space; a later update of the same kind takes its place.

    An allocation quotes the `message_id` of such an update.
    """

    valid_from: Instant
    """From when on it holds; profiles start here. Descriptions may be queued by giving later instants."""


class ControlSpaceRevoke(Message):
    """The appliance takes back what it said of its freedom; its registration stays."""

    type: Literal["control_space_revoke"] = "control_space_revoke"
    object_id: Identifier | None = None
    """The update to take back, by its `message_id`; without it all updates are void."""
    reason: Text = ""
    """Why, for people."""
