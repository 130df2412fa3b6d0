"""A storage as it stands: its level, what it can do, what is wished of it."""

from dataclasses import dataclass
from typing import NamedTuple

from efpi_app_self_consumption.gears import Gears
from efpi_app_self_consumption.lever import Lever
from efpi_app_self_consumption.profile_row import UsageRow
from efpi_app_self_consumption.storage_model import Leakage, StorageModel


class Span(NamedTuple):
    """A wish for the level; an instant lasts one second."""

    start_s: float
    end_s: float
    lower: float
    upper: float


@dataclass(slots=True)
class StorageFacts:
    """A storage at one instant."""

    appliance_id: str
    level: float
    model: StorageModel
    gears: Gears
    leakage: Leakage | None
    usage: UsageRow | None
    """By how much the level is expected to fall by its users' doing."""
    wishes: tuple[Span, ...]
    levers: tuple[Lever, ...]
    runs_for_need: bool = False
    """Whether it runs since it had to, rather than because there is sun."""

    @property
    def running(self) -> bool:
        """Whether any of its levers consumes more than at rest."""
        return any(lever.on for lever in self.levers)
