"""A device under operation mode based control: its output can be chosen."""

from collections.abc import Iterable

from efi.commodity import Commodity
from efi.output_adjustable import (
    OutputAdjustableRegistration,
    OutputAdjustableStateUpdate,
    OutputAdjustableSystemDescription,
)
from efi.s2.common import ControlType
from efi.s2.conversation import RevokableObjects
from efi.s2.mapping.controls.modes import ModeControl
from efi.s2.mapping.read import ombc
from efi.s2.mapping.read.actuators import commodities_of
from efi.s2.mapping.read.values import Fields
from efi.s2.mapping.turn import Turn
from efi.s2.ombc import OMBCStatus, OMBCSystemDescription, OMBCTimerStatus


class OperationModeControl(ModeControl):
    """An output-adjustable device, as far as it was told."""

    control_type = ControlType.OPERATION_MODE_BASED_CONTROL
    registers_as = OutputAdjustableRegistration
    revocable = (RevokableObjects.OMBC_SYSTEM_DESCRIPTION,)
    description_kind = OutputAdjustableSystemDescription
    state_kind = OutputAdjustableStateUpdate

    @property
    def commodities(self) -> Iterable[Commodity]:
        """The commodities of its modes."""
        return tuple((self._own or {}).get("commodities", ()))

    def own_fields(self, turn: Turn) -> Fields:
        """Nothing of its own."""
        return {}

    def description_fields(self, message: OMBCSystemDescription, turn: Turn) -> Fields:
        """The fields of a description."""
        return ombc.description(message, turn.notes)

    def appliance_fields(self, message: OMBCSystemDescription, turn: Turn) -> Fields:
        """The commodities that its modes use."""
        used = commodities_of(power for mode in message.operation_modes for power in mode.power_ranges)
        return {"commodities": sorted(set(used))}

    def state_fields(self, actuators: list[Fields]) -> Fields | None:
        """The mode, with the timers."""
        return actuators[0] if actuators else None

    hearing = {  # noqa: RUF012  # read only
        OMBCSystemDescription: ModeControl.hear_description,
        OMBCStatus: lambda self, message, turn: self.hear_mode(None, message, turn),
        OMBCTimerStatus: lambda self, message, turn: self.hear_timer(None, message, turn),
    }
