"""Energy counters of devices: small registers that run over, and that some devices start anew."""

import math
from dataclasses import dataclass

NEAR_END = 0.75
"""A counter that falls from above this part of its range to below the rest of it has run over."""

JITTER = 0.001
"""A fall by less than this part is rounding of a floating-point counter, and no fall."""


@dataclass(slots=True)
class Counter:
    """Makes one rising total, in the unit of its readings, from what a device's counter says.

    `base` is what was counted before the counter last ran over or began anew; keep it to go on after a restart.
    """

    base: float = 0.0
    last: float | None = None
    fallen: bool = False
    """Whether the last reading was too low; only the next one tells a new beginning from a slip."""

    def update(self, reading: float, modulus: float = math.inf) -> float:
        """Take a reading of a counter that runs over at `modulus`; returns the total so far."""
        last = self.last
        if last is None or reading >= last:
            self._take(reading)
        elif math.isfinite(modulus) and last > NEAR_END * modulus and reading < (1 - NEAR_END) * modulus:
            self.base += modulus
            self._take(reading)
        elif last - reading <= JITTER * last or not self.fallen:
            self.fallen = last - reading > JITTER * last
            return self.base + last
        else:
            self.base += last
            self._take(reading)
        return self.base + reading

    def _take(self, reading: float) -> None:
        self.last = reading
        self.fallen = False
