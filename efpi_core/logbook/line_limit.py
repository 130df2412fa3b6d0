"""How many lines one instance may write: what goes beyond is counted, and the count is told when it pauses."""

from collections.abc import Callable
from dataclasses import dataclass

LINES_PER_S = 2.0
LINES_AT_ONCE = 200
"""What one instance may write in the long run, and at once before that counts; a card wears."""

MOST_SUBJECTS = 1000

LIMITED = frozenset({"plugin_log", "plugin_printed", "library"})
"""Lines whose number is not in the gateway's hands."""


@dataclass(slots=True)
class _Allowance:
    left: float
    at: float
    left_out: int = 0


class LineLimit:
    """An allowance for each subject, which fills again with time."""

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._allowances: dict[str, _Allowance] = {}

    def pass_on(self, subject: str) -> int | None:
        """Whether a line may pass: None when not, else how many were left out before it."""
        now = self._elapsed()
        own = self._allowances.get(subject)
        if own is None:
            if len(self._allowances) >= MOST_SUBJECTS:
                self._allowances.clear()
            own = self._allowances[subject] = _Allowance(LINES_AT_ONCE, now)
        own.left = min(LINES_AT_ONCE, own.left + max(0.0, now - own.at) * LINES_PER_S)
        own.at = now
        if own.left < 1:
            own.left_out += 1
            return None
        own.left -= 1
        left_out, own.left_out = own.left_out, 0
        return left_out

    def rest(self) -> dict[str, int]:
        """What was left out and not told yet, by subject; told by asking."""
        found = {subject: own.left_out for subject, own in self._allowances.items() if own.left_out}
        for subject in found:
            self._allowances[subject].left_out = 0
        return found
