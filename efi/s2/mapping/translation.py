"""What becomes of one message on its way between S2 and the interface."""

from dataclasses import dataclass

from efi.conversion import Alias, Leniency, Loss
from efi.messages import ApplianceMessage, AppMessage
from efi.refusal import Refusal
from efi.s2.messages import AnyNamedMessage


@dataclass(frozen=True, slots=True)
class Translation:
    """What to say on either side, in order, because of one message; and what was not right or could not be carried."""

    to_efi: tuple[ApplianceMessage | AppMessage, ...] = ()
    """What to say in the interface: an appliance's words on the device side, an energy app's on the side of the CEM."""
    to_s2: tuple[AnyNamedMessage, ...] = ()
    """What to say to the S2 peer."""
    refusal: Refusal | None = None
    """Why the message was not taken in; an S2 peer deserves INVALID_CONTENT with its sentence. Nothing is lost then."""
    losses: tuple[Loss, ...] = ()
    """What the other form cannot carry."""
    leniencies: tuple[Leniency, ...] = ()
    """What was forgiven in an S2 message."""
    aliases: tuple[Alias, ...] = ()
    """What is written differently in S2, and turned back on the way back."""
    warnings: tuple[Refusal, ...] = ()
    """What was not right, and yet did no harm, or came to light only after the peer had been answered."""

    def __add__(self, then: "Translation") -> "Translation":
        """Both, one after the other."""
        if then is NOTHING:
            return self
        if self is NOTHING:
            return then
        return Translation(
            (*self.to_efi, *then.to_efi),
            (*self.to_s2, *then.to_s2),
            self.refusal or then.refusal,
            (*self.losses, *then.losses),
            (*self.leniencies, *then.leniencies),
            (*self.aliases, *then.aliases),
            (*self.warnings, *then.warnings),
        )


NOTHING = Translation()
"""Nothing is to be said."""
