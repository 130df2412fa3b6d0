"""When to try again: ever later, and never all at once."""

from random import Random

FIRST_S = 1.0
LONGEST_S = 60.0
GOOD_AFTER_S = 30.0
"""A link that held so long was a good one: the next attempt after it comes soon again."""


class Backoff:
    """Exponential pauses with jitter, so that many that lost the same server do not come back together."""

    __slots__ = ("_attempts", "_first_s", "_longest_s", "_random")

    def __init__(self, random: Random, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> None:
        self._random = random
        self._first_s = first_s
        self._longest_s = longest_s
        self._attempts = 0

    def next_s(self, held_s: float = 0.0) -> float:
        """How long to wait before the next attempt, in s, after one whose link held for so long."""
        if held_s >= GOOD_AFTER_S:
            self._attempts = 0
        pause_s = min(self._first_s * 2.0 ** min(self._attempts, 20), self._longest_s)
        self._attempts += 1
        return pause_s * self._random.uniform(0.5, 1.0)
