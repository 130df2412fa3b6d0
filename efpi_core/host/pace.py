"""How much of the gateway's time one instance may take with its frames."""

SHARE = 0.25
"""The part of one core that one instance may take in the long run."""

CREDIT_S = 5.0
"""Seconds of CPU time that an instance may take beyond its share, for a while."""

PATIENCE_S = 30.0
"""How long an instance may press for more than its share before it counts as flooding."""


class Pace:
    """An account of CPU time: it fills with the instance's share, and what its frames take is taken from it."""

    def __init__(self, share: float = SHARE, credit_s: float = CREDIT_S, patience_s: float = PATIENCE_S) -> None:
        self._share = share
        self._most = credit_s
        self._patience_s = patience_s
        self._credit = credit_s
        self._at: float | None = None
        self._pressed_since: float | None = None

    def spend(self, cpu_s: float, now: float) -> float:
        """Take from the account at an instant of the loop's clock; returns for how many s to read nothing more."""
        if self._at is not None:
            self._credit = min(self._most, self._credit + (now - self._at) * self._share)
        self._at = now
        self._credit -= cpu_s
        if self._credit >= 0:
            if self._credit >= self._most / 2:
                self._pressed_since = None
            return 0.0
        if self._pressed_since is None:
            self._pressed_since = now
        return -self._credit / self._share

    def flooding(self, now: float) -> bool:
        """Whether the instance has pressed for more than its share for too long."""
        return self._pressed_since is not None and now - self._pressed_since > self._patience_s
