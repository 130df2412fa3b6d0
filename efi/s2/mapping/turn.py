"""What comes about while one message is heard or told: the words for either side, and the notes."""

from collections.abc import Sequence
from datetime import datetime

from efi.messages import ApplianceMessage, AppMessage
from efi.refusal import Refusal
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.translation import Translation
from efi.s2.messages import AnyNamedMessage


class Turn:
    """One message being translated."""

    __slots__ = ("notes", "now", "to_efi", "to_s2", "warnings")

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.notes = Notes()
        self.to_efi: list[ApplianceMessage | AppMessage] = []
        self.to_s2: list[AnyNamedMessage] = []
        self.warnings: list[Refusal] = []

    def warn(self, refusals: Sequence[Refusal]) -> None:
        """Note what was not right and did no harm."""
        self.warnings.extend(refusals)

    def done(self, refusal: Refusal | None = None) -> Translation:
        """All of it."""
        notes = self.notes
        return Translation(
            tuple(self.to_efi),
            tuple(self.to_s2),
            refusal,
            tuple(notes.losses),
            tuple(notes.leniencies),
            tuple(notes.aliases),
            tuple(self.warnings),
        )
