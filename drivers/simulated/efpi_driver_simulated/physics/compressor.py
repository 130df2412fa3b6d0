"""The protection of a compressor: it runs for a least time once started, and rests for a least time once stopped."""

from math import inf

from efpi_driver_simulated.physics.piecewise import Refused


class Compressor:
    """When a compressor may start and stop."""

    __slots__ = ("may_start_at", "may_stop_at", "on", "rest_s", "run_s")

    def __init__(self, run_s: float, rest_s: float, may_start_at: float = -inf) -> None:
        self.run_s = run_s
        self.rest_s = rest_s
        self.on = False
        self.may_start_at = may_start_at
        """Instant from which it may start, s."""
        self.may_stop_at = -inf
        """Instant from which it may stop, s."""

    def start(self, t: float) -> None:
        """Start at `t`; raises Refused while it must rest."""
        if self.on:
            return
        if t < self.may_start_at:
            raise Refused("the compressor rests for its least time", self.may_start_at)
        self.on = True
        self.may_stop_at = t + self.run_s

    def stop(self, t: float, *, force: bool = False) -> None:
        """Stop at `t`; raises Refused while it must run, unless a safety limit forces it."""
        if not self.on:
            return
        if t < self.may_stop_at and not force:
            raise Refused("the compressor runs for its least time", self.may_stop_at)
        self.on = False
        self.may_start_at = t + self.rest_s
