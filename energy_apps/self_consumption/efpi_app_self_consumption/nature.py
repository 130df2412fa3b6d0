"""What an appliance told of its nature, as plain numbers: its abilities, leakage, use and wishes."""

from datetime import datetime
from typing import NamedTuple

from efi.commodity import Phase
from efi.control_space import ControlSpace
from efi.output_adjustable import OutputAdjustableSystemDescription
from efi.registration import DeviceClass
from efi.storage import StorageSystemDescription, StorageTargetProfileUpdate
from efpi_app_self_consumption.adjustable_model import AdjustableModel
from efpi_app_self_consumption.gears import Gears
from efpi_app_self_consumption.profile_row import UsageRow
from efpi_app_self_consumption.segment import Fuel
from efpi_app_self_consumption.storage_facts import Span
from efpi_app_self_consumption.storage_model import Leakage, StorageModel

NEVER_S = float("inf")


class StorageNature(NamedTuple):
    """A storage."""

    model: StorageModel
    gears: Gears
    leakage: Leakage | None
    usage: UsageRow | None
    wishes: tuple[Span, ...]


class Natures:
    """Keeps what was worked out of one appliance's messages, each until it is told anew."""

    def __init__(self, fuels: Fuel) -> None:
        self._fuels = fuels
        self._storage: tuple[str, StorageModel, Gears] | None = None
        self._adjustable: AdjustableModel | None = None
        self._leakage: tuple[str, Leakage] | None = None
        self._usage: tuple[str, UsageRow] | None = None
        self._wishes: tuple[str, tuple[Span, ...]] | None = None

    def find(
        self, space: ControlSpace, now: datetime, phases: tuple[Phase, ...], device_class: DeviceClass
    ) -> StorageNature | AdjustableModel | None:
        """The appliance's nature at an instant; None when it has not described itself."""
        description = space.description_at(now)
        if isinstance(description, StorageSystemDescription):
            if self._storage is None or self._storage[0] != description.message_id:
                model = StorageModel(description, phases, self._fuels)
                self._storage = (description.message_id, model, Gears(model))
            _, model, gears = self._storage
            return StorageNature(model, gears, self._leaks(space, now), self._use(space), self._wish(space))
        if isinstance(description, OutputAdjustableSystemDescription):
            if self._adjustable is None or self._adjustable.description_id != description.message_id:
                self._adjustable = AdjustableModel(description, phases, self._fuels, device_class)
            return self._adjustable
        return None

    def _leaks(self, space: ControlSpace, now: datetime) -> Leakage | None:
        update = space.leakage_at(now)
        if update is None:
            return None
        if self._leakage is None or self._leakage[0] != update.message_id:
            self._leakage = (update.message_id, Leakage(update))
        return self._leakage[1]

    def _use(self, space: ControlSpace) -> UsageRow | None:
        update = space.usage
        if update is None:
            return None
        if self._usage is None or self._usage[0] != update.message_id:
            self._usage = (update.message_id, UsageRow(update))
        return self._usage[1]

    def _wish(self, space: ControlSpace) -> tuple[Span, ...]:
        update = space.targets
        if update is None:
            return ()
        if self._wishes is None or self._wishes[0] != update.message_id:
            self._wishes = (update.message_id, spans(update))
        return self._wishes[1]


def spans(targets: StorageTargetProfileUpdate) -> tuple[Span, ...]:
    """The wishes of a target profile, in their order; what it leaves free is left out."""
    found, at = [], targets.valid_from.timestamp()
    for element in targets.elements:
        until = at + element.duration.total_seconds()
        within = element.fill_level_range
        if within is not None:
            found.append(Span(at, max(until, at + 1.0), within.lower, within.upper))
        at = until
    return tuple(found)


def next_change_s(space: ControlSpace, now: datetime) -> float:
    """When a description that was told ahead begins to hold, in s since 1970."""
    later = [update.valid_from.timestamp() for update in space.descriptions if update.valid_from > now]
    return min(later, default=NEVER_S)
