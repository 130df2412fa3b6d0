"""How many useless messages a peer may send: some at once, few for good."""

from typing import NamedTuple


class BadFrameLimits(NamedTuple):
    """How many are too many."""

    at_once: int = 100
    """So many may come in one go."""
    per_s: float = 2.0
    """So many a second are forgiven for good."""


class BadFrames:
    """The level of a bucket that fills with each bad frame and runs out with time."""

    def __init__(self, limits: BadFrameLimits) -> None:
        self._limits = limits
        self._level = 0.0
        self._at: float | None = None
        self.total = 0
        """All bad frames of the session."""

    def too_many(self, at: float) -> bool:
        """Count one more; whether that is one too many."""
        passed = 0.0 if self._at is None else max(0.0, at - self._at)
        self._at = at
        self._level = max(0.0, self._level - passed * self._limits.per_s) + 1
        self.total += 1
        return self._level > self._limits.at_once
