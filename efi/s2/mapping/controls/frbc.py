"""A device under fill rate based control: a storage."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from efi.commodity import Commodity
from efi.refusal import Refused, refuse
from efi.s2.common import ControlType
from efi.s2.conversation import RevokableObjects
from efi.s2.frbc import (
    FRBCActuatorStatus,
    FRBCFillLevelTargetProfile,
    FRBCLeakageBehaviour,
    FRBCStorageStatus,
    FRBCSystemDescription,
    FRBCTimerStatus,
    FRBCUsageForecast,
)
from efi.s2.mapping.controls.control import attempt
from efi.s2.mapping.controls.modes import ModeControl
from efi.s2.mapping.guard import Guard
from efi.s2.mapping.level_words import level_words
from efi.s2.mapping.read import frbc
from efi.s2.mapping.read.values import Fields, label
from efi.s2.mapping.settings import DeviceSettings
from efi.s2.mapping.turn import Turn
from efi.storage import (
    StorageLeakageUpdate,
    StorageRegistration,
    StorageStateUpdate,
    StorageSystemDescription,
    StorageTargetProfileUpdate,
    StorageUsageForecast,
)

MOST_EARLY = 100
"""How many messages wait for the first description."""


class FillRateControl(ModeControl):
    """A storage, as far as it was told."""

    control_type = ControlType.FILL_RATE_BASED_CONTROL
    registers_as = StorageRegistration
    revocable = (RevokableObjects.FRBC_SYSTEM_DESCRIPTION,)
    description_kind = StorageSystemDescription
    state_kind = StorageStateUpdate

    def __init__(self, guard: Guard, settings: DeviceSettings) -> None:
        super().__init__(guard, settings)
        self._level: float | None = None
        self._early: list[Any] = []
        self._understood: tuple[frbc.Understood, ...] = ()

    @property
    def commodities(self) -> Iterable[Commodity]:
        """The commodities of its actuators."""
        return self.commodities_told((self._own or {}).get("actuators", ()))

    def description_fields(self, message: FRBCSystemDescription, turn: Turn) -> Fields:
        """The fields of a description."""
        return frbc.description(message, turn.notes, self._understood)

    def understood(
        self, message: FRBCSystemDescription, fields: Fields, description: StorageSystemDescription, turn: Turn
    ) -> None:
        """Remember the actuators; a device in whose stead another unit is told is understood anew each time."""
        if not self.guard.scales:
            self._understood = frbc.understood(message, fields["fill_level_range"], description, turn.notes)

    def appliance_fields(self, message: FRBCSystemDescription, turn: Turn) -> Fields:
        """Its actuators, and what its fill level is."""
        told = level_words(label(message.storage.fill_level_label, "storage.fill_level_label", turn.notes))
        settings = self.settings
        return {
            "actuators": frbc.actuators(message, turn.notes),
            "fill_level_label": told.label if settings.fill_level_label is None else settings.fill_level_label,
            "fill_level_unit": told.unit if settings.fill_level_unit is None else settings.fill_level_unit,
        }

    def state_fields(self, actuators: list[Fields]) -> Fields | None:
        """The fill level and the actuators; nothing is told while the level is not known."""
        return None if self._level is None else {"fill_level": self._level, "actuators": actuators}

    def hear_level(self, message: FRBCStorageStatus, turn: Turn) -> None:
        """Tell the fill level."""
        self.begun(turn)
        before, self._level = self._level, message.present_fill_level
        try:
            self.tell_state(turn, message.message_id)
        except Refused:
            self._level = before
            raise

    def hear_leakage(self, message: FRBCLeakageBehaviour, turn: Turn) -> None:
        """Tell the leakage, for all of the storage's fill levels."""
        if self._early_for(message):
            return
        description = self.space.description_at(max(turn.now, message.valid_from))
        within = None
        if description is not None:
            scale = self.settings.fill_level_scale
            within = (description.fill_level_range.lower / scale, description.fill_level_range.upper / scale)
        self.guard.tell(StorageLeakageUpdate, frbc.leakage(message, within, turn.notes), turn)

    def hear_usage(self, message: FRBCUsageForecast, turn: Turn) -> None:
        """Tell what users are expected to draw."""
        if not self._early_for(message):
            self.guard.tell(StorageUsageForecast, frbc.usage(message, turn.notes), turn)

    def hear_targets(self, message: FRBCFillLevelTargetProfile, turn: Turn) -> None:
        """Tell where the fill level is wanted."""
        if not self._early_for(message):
            self.guard.tell(StorageTargetProfileUpdate, frbc.targets(message, turn.notes), turn)

    def _early_for(self, message: Any) -> bool:
        """Whether a message came before any description, and waits for one."""
        if self.known:
            return False
        if len(self._early) >= MOST_EARLY:
            refuse("too_much_told_ahead", "", None, "no description was told so far", "send the description first")
        self._early.append(message)
        return True

    def hear_description(self, message: FRBCSystemDescription, turn: Turn) -> None:
        """Tell a description, and then what waited for the first one."""
        super().hear_description(message, turn)
        early, self._early = self._early, []
        turn.warn(tuple(filter(None, (attempt(partial(self.hear, waited, turn)) for waited in early))))

    hearing = {  # noqa: RUF012  # read only
        FRBCSystemDescription: hear_description,
        FRBCStorageStatus: hear_level,
        FRBCActuatorStatus: lambda self, message, turn: self.hear_mode(message.actuator_id, message, turn),
        FRBCTimerStatus: lambda self, message, turn: self.hear_timer(message.actuator_id, message, turn),
        FRBCLeakageBehaviour: hear_leakage,
        FRBCUsageForecast: hear_usage,
        FRBCFillLevelTargetProfile: hear_targets,
    }
