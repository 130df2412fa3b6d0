"""How patient the gateway is with its instances."""

from dataclasses import dataclass

from efpi_core.host.order import PATIENCE_S


@dataclass(frozen=True, slots=True)
class Habits:
    """Deadlines and bounds; every duration in s."""

    start_s: float = 30.0
    """How long an instance may take from its launch to `Ready`."""
    ping_every_s: float = 1.0
    """How often it is asked whether it is alive."""
    patience_s: float = PATIENCE_S
    """How long its event loop may stand still."""
    handler_s: float = 30.0
    """How long one handler, poll or timer may run."""
    stop_s: float = 5.0
    """How long it may take for its safe states and its end, when one instance is stopped."""
    pauses_s: tuple[float, ...] = (0.1, 0.3, 0.7, 1.2, 1.5)
    """How long to wait after the first, second … crash in a row before it is started again; the last one repeats."""
    well_after_s: float = 60.0
    """An instance that ran so long has recovered: its next crash counts as the first in a row."""
    most_crashes: int = 5
    """So many crashes …"""
    crashes_within_s: float = 300.0
    """… within such a time put an instance into quarantine."""
    memory_every_s: float = 10.0
    """How often its memory is looked at."""


DEFAULT = Habits()
