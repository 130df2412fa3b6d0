"""What a peer may send: so many messages and bytes at once, and so many each second."""

from efpi_core.s2.link_limits import LinkLimits


class Allowance:
    """Two accounts that fill with time, of messages and of bytes. Who overdraws them is read more slowly.

    What is said to the peer gives it more to answer with, so that whoever answers much is not taken for a flood.
    """

    __slots__ = ("_answers", "_at", "_bytes", "_frames", "_limits", "_pressed_since")

    def __init__(self, limits: LinkLimits) -> None:
        self._limits = limits
        self._frames = float(limits.frames_at_once)
        self._bytes = float(limits.bytes_at_once)
        self._answers = 0
        self._at: float | None = None
        self._pressed_since: float | None = None

    def expect(self, answers: int) -> None:
        """So many messages may come in answer to one."""
        self._answers = min(self._answers + answers, self._limits.frames_at_once)

    def covers(self, size: int) -> bool:
        """Whether one message of so many bytes can be taken without a pause, even if no time has passed."""
        return (self._answers > 0 or self._frames >= 1) and self._bytes >= size

    def spend(self, size: int, now: float) -> float:
        """Take one message of so many bytes, at an instant in s; the answer is for how many s to read no more."""
        limits = self._limits
        if self._at is not None:
            passed = now - self._at
            self._frames = min(self._frames + passed * limits.frames_per_s, limits.frames_at_once)
            self._bytes = min(self._bytes + passed * limits.bytes_per_s, limits.bytes_at_once)
        self._at = now
        if self._frames >= limits.frames_at_once / 2 and self._bytes >= limits.bytes_at_once / 2:
            self._pressed_since = None
        if self._answers:
            self._answers -= 1
        else:
            self._frames -= 1
        self._bytes -= size
        if self._frames >= 0 and self._bytes >= 0:
            return 0.0
        if self._pressed_since is None:
            self._pressed_since = now
        return max(-self._frames / limits.frames_per_s, -self._bytes / limits.bytes_per_s)

    def flooding(self, now: float) -> bool:
        """Whether the peer has pressed for more than its rate for too long."""
        return self._pressed_since is not None and now - self._pressed_since > self._limits.flood_patience_s
