"""A device under power profile based control: its work can wait."""

from collections.abc import Iterable

from efi.commodity import Commodity
from efi.conversion import LossKind
from efi.refusal import refuse
from efi.s2.common import ControlType
from efi.s2.conversation import RevokableObjects
from efi.s2.mapping.controls.control import Control
from efi.s2.mapping.guard import Guard
from efi.s2.mapping.read import ppbc
from efi.s2.mapping.settings import DeviceSettings
from efi.s2.mapping.turn import Turn
from efi.s2.ppbc import PPBCPowerProfileDefinition, PPBCPowerProfileStatus
from efi.time_shiftable import (
    SequenceStatus,
    TimeShiftableRegistration,
    TimeShiftableStateUpdate,
    TimeShiftableUpdate,
)

SECOND_PROFILE = LossKind(
    ("PPBC.PowerProfileDefinition",),
    "id",
    "one piece of work waits at a time here; the profile that was told before and is not done is given up",
)
OTHER_PROFILE = LossKind(
    ("PPBC.PowerProfileStatus",),
    "sequence_container_status.*.power_profile_id",
    "this is not the profile that was told last; its status is left out",
)


class PowerProfileControl(Control):
    """A device whose work can be moved in time."""

    control_type = ControlType.POWER_PROFILE_BASED_CONTROL
    registers_as = TimeShiftableRegistration
    revocable = (RevokableObjects.PPBC_POWER_PROFILE_DEFINITION,)

    def __init__(self, guard: Guard, settings: DeviceSettings) -> None:
        super().__init__(guard, settings)
        self._commodities: dict[Commodity, None] = {}

    @property
    def commodities(self) -> Iterable[Commodity]:
        """The commodities of its profiles."""
        return tuple(self._commodities)

    def hear_profile(self, message: PPBCPowerProfileDefinition, turn: Turn) -> None:
        """Tell the work that waits."""
        fields = ppbc.work(message, turn.now, turn.notes)
        fields["message_id"] = self.guard.object_name(message.id)
        work = self.guard.made(TimeShiftableUpdate, fields, turn)
        used = {
            quantity.commodity
            for step in work.sequences
            for way in step.alternatives
            for quantity in way.elements[0].quantities
        }
        new = sorted(used - self._commodities.keys())
        if new:
            self._commodities |= dict.fromkeys(new)
            self.register(turn)
        gives_up = self.space.work is not None and not self._done()
        self.guard.say(work, turn)
        if gives_up:
            turn.notes.lost(SECOND_PROFILE, "id", message.id)

    def _done(self) -> bool:
        """Whether the work that was told before has come to an end."""
        state = self.space.work_state
        ends = (SequenceStatus.FINISHED, SequenceStatus.ABORTED)
        return state is not None and all(step.status in ends for step in state.sequences)

    def hear_status(self, message: PPBCPowerProfileStatus, turn: Turn) -> None:
        """Tell how far the work has come."""
        work = self.space.work
        steps = []
        for place, status in enumerate(message.sequence_container_status):
            if work is not None and self.guard.current(status.power_profile_id) == work.message_id:
                steps.append(ppbc.step_state(status, place, turn.now, turn.notes))
            else:
                path = f"sequence_container_status.{place}.power_profile_id"
                turn.notes.lost(OTHER_PROFILE, path, status.power_profile_id)
        if not steps:
            refuse(
                "unknown_profile",
                "sequence_container_status.0.power_profile_id",
                message.sequence_container_status[0].power_profile_id,
                "no live power profile has this name",
                "send the PowerProfileDefinition first",
            )
        fields = {"message_id": message.message_id, "valid_from": turn.now, "sequences": steps}
        self.guard.tell(TimeShiftableStateUpdate, fields, turn)

    hearing = {  # noqa: RUF012  # read only
        PPBCPowerProfileDefinition: hear_profile,
        PPBCPowerProfileStatus: hear_status,
    }
