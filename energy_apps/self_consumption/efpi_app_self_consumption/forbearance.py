"""Leaving an appliance alone that refused: the resident may have taken it, or it is slow, or it is broken."""

FIRST_S, LONGEST_S = 60.0, 1800.0
"""How long an appliance is left alone after its first refusal, and at most."""


class Forbearance:
    """How often one appliance refused lately, and until when it is left alone."""

    __slots__ = ("_refusals", "reason", "until_s")

    def __init__(self) -> None:
        self._refusals = 0
        self.until_s = 0.0
        """Until when it is left alone, in s since 1970."""
        self.reason = ""
        """Why, as the appliance or the gateway said."""

    def refused(self, now_s: float, reason: str) -> None:
        """It refused, gave up, or did not answer: leave it alone, each time for longer."""
        self.until_s = now_s + min(FIRST_S * 2.0**self._refusals, LONGEST_S)
        self._refusals = min(self._refusals + 1, 10)
        self.reason = reason

    def followed(self) -> None:
        """It did as asked: all is forgiven."""
        self._refusals = 0
        self.until_s = 0.0

    def active(self, now_s: float) -> bool:
        """Whether it is to be left alone now."""
        return now_s < self.until_s
