"""How well the line to the meter works: the share of bad telegrams among the last ones."""

from collections import deque

from efpi_driver_p1.errors import Fault

_WINDOW = 60
_ENOUGH = 10
_TOO_MANY = 0.1

_BROKEN = {Fault.WRONG_CRC, Fault.CUT, Fault.MISSING_CRC, Fault.DAMAGED, Fault.INTERLEAVED, Fault.TOO_LONG, Fault.EMPTY}
"""Faults of a telegram. Bytes between telegrams are no telegram that was lost."""


class LineQuality:
    """Remembers of the last telegrams whether they were good."""

    def __init__(self) -> None:
        self._bad: deque[Fault | None] = deque(maxlen=_WINDOW)

    def good(self) -> None:
        """A telegram was read."""
        self._bad.append(None)

    def fault(self, fault: Fault) -> None:
        """Something was no good telegram."""
        if fault in _BROKEN:
            self._bad.append(fault)

    @property
    def good_share(self) -> float:
        """From 0 to 1; 1 when nothing is known."""
        return sum(fault is None for fault in self._bad) / len(self._bad) if self._bad else 1.0

    @property
    def complaint(self) -> str | None:
        """The trouble in a sentence, when it is more than an accident."""
        faults = [fault for fault in self._bad if fault]
        if len(self._bad) < _ENOUGH or len(faults) < _TOO_MANY * len(self._bad):
            return None
        commonest = max(set(faults), key=faults.count)
        return f"{len(faults)} of the last {len(self._bad)} telegrams were bad, mostly {commonest}"
