"""Limits: bounds on power that stand above the resident and every energy app."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from efi.commodity import Phase


class LimitSource(StrEnum):
    """Who set the limit."""

    FUSE = "fuse"
    """The wiring of the building; always in force."""
    CONTRACT = "contract"
    """The power that the resident pays for."""
    GRID_OPERATOR = "grid_operator"
    """An order to reduce."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The power must stay within [`lower_w`, `upper_w`], on one phase or over all, for the connection or one appliance.

    Positive is drawn from the grid. A bound of None is open. It holds in [`start`, `end`); None means always.
    """

    limit_id: str
    source: LimitSource
    lower_w: float | None = None
    upper_w: float | None = None
    phase: Phase | None = None
    """None: the sum of all phases."""
    appliance_id: str | None = None
    """None: the connection to the grid."""
    start: datetime | None = None
    end: datetime | None = None
    reason: str = ""

    def in_force(self, now: datetime) -> bool:
        """Whether the limit holds at this instant."""
        return (self.start is None or self.start <= now) and (self.end is None or now < self.end)
