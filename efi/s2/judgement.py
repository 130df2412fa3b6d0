"""How the judging of a message ends early, beside Refused: it is taken without effect, or not now."""

from efi.refusal import Refusal


class Harmless(Exception):  # noqa: N818  # it carries a warning and never leaves the session
    """Ends the judging of a message that is taken, and has no effect."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal


class Busy(Exception):  # noqa: N818  # it carries a refusal and never leaves the session
    """Ends the judging of a message that cannot be taken now."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.sentence)
        self.refusal = refusal
