"""What an appliance offers, in the words of the control type that its energy manager selected."""

from collections.abc import Callable, Mapping
from typing import Any

from efi.control_space import ControlSpace
from efi.conversion import LossKind
from efi.demand_driven import DemandDrivenStateUpdate, DemandDrivenSystemDescription, DemandForecast
from efi.inflexible import InflexibleCurtailmentOptions, InflexibleEnergyEnvelope
from efi.message import ControlSpaceRevoke, ControlSpaceUpdate
from efi.output_adjustable import OutputAdjustableStateUpdate, OutputAdjustableSystemDescription
from efi.registration import ControlSpaceRegistration
from efi.s2.common import ControlType
from efi.s2.conversation import RevokableObjects, RevokeObject
from efi.s2.ddbc import DDBCActuatorStatus, DDBCTimerStatus
from efi.s2.frbc import FRBCActuatorStatus, FRBCStorageStatus, FRBCTimerStatus
from efi.s2.mapping.names import uuid_of
from efi.s2.mapping.turn import Turn
from efi.s2.mapping.write import ddbc, frbc, ombc, pebc, ppbc
from efi.s2.mapping.write.modes import Mirrors, mode_status
from efi.s2.mapping.write.values import Quantities
from efi.s2.mapping.written_names import ACTUATOR, WrittenNames, timer_of
from efi.s2.ombc import OMBCStatus, OMBCTimerStatus
from efi.s2.profile import Profile
from efi.storage import (
    StorageLeakageUpdate,
    StorageStateUpdate,
    StorageSystemDescription,
    StorageTargetProfileUpdate,
    StorageUsageForecast,
)
from efi.time_shiftable import TimeShiftableStateUpdate, TimeShiftableUpdate
from efi.types import NumberRange

STATE_AHEAD = LossKind(
    (
        "storage_state_update",
        "output_adjustable_state_update",
        "demand_driven_state_update",
        "time_shiftable_state_update",
    ),
    "valid_from",
    "a status has no time of its own in S2; it holds at once",
)
NOT_REVOCABLE = LossKind(
    ("control_space_revoke",),
    "object_id",
    "S2 can take back descriptions, constraints and profiles only; the energy manager still believes the rest",
)
REVOKE_REASON = LossKind(("control_space_revoke",), "reason", "S2 has no words for people; they are left out")

_OF_CONTROL_TYPE: Mapping[type[Any], ControlType] = {
    InflexibleCurtailmentOptions: ControlType.POWER_ENVELOPE_BASED_CONTROL,
    InflexibleEnergyEnvelope: ControlType.POWER_ENVELOPE_BASED_CONTROL,
    TimeShiftableUpdate: ControlType.POWER_PROFILE_BASED_CONTROL,
    TimeShiftableStateUpdate: ControlType.POWER_PROFILE_BASED_CONTROL,
    StorageSystemDescription: ControlType.FILL_RATE_BASED_CONTROL,
    StorageStateUpdate: ControlType.FILL_RATE_BASED_CONTROL,
    StorageLeakageUpdate: ControlType.FILL_RATE_BASED_CONTROL,
    StorageUsageForecast: ControlType.FILL_RATE_BASED_CONTROL,
    StorageTargetProfileUpdate: ControlType.FILL_RATE_BASED_CONTROL,
    OutputAdjustableSystemDescription: ControlType.OPERATION_MODE_BASED_CONTROL,
    OutputAdjustableStateUpdate: ControlType.OPERATION_MODE_BASED_CONTROL,
    DemandDrivenSystemDescription: ControlType.DEMAND_DRIVEN_BASED_CONTROL,
    DemandDrivenStateUpdate: ControlType.DEMAND_DRIVEN_BASED_CONTROL,
    DemandForecast: ControlType.DEMAND_DRIVEN_BASED_CONTROL,
}

_REVOCABLE: Mapping[type[Any], RevokableObjects] = {
    InflexibleCurtailmentOptions: RevokableObjects.PEBC_POWER_CONSTRAINTS,
    InflexibleEnergyEnvelope: RevokableObjects.PEBC_ENERGY_CONSTRAINT,
    TimeShiftableUpdate: RevokableObjects.PPBC_POWER_PROFILE_DEFINITION,
    StorageSystemDescription: RevokableObjects.FRBC_SYSTEM_DESCRIPTION,
    OutputAdjustableSystemDescription: RevokableObjects.OMBC_SYSTEM_DESCRIPTION,
    DemandDrivenSystemDescription: RevokableObjects.DDBC_SYSTEM_DESCRIPTION,
}


class Offering:
    """Tells an energy manager what the appliance offers, and takes it back."""

    def __init__(
        self, space: ControlSpace, names: WrittenNames, mirrors: Mirrors, new_id: Callable[[], str], profile: Profile
    ) -> None:
        self.profile = profile
        """The profile that the session speaks."""
        self.control_type = ControlType.NO_SELECTION
        """The control type that was selected."""
        self.quantities = Quantities(())
        """The appliance's quantities in S2."""
        self._space = space
        self._names = names
        self._mirrors = mirrors
        self._new_id = new_id
        self._told: dict[tuple[str, str], Any] = {}

    def forget_states(self) -> None:
        """What was told before is not known at the other end any more."""
        self._told.clear()

    def tells(self, message: Any) -> bool:
        """Whether the selected control type has words for a message."""
        return _OF_CONTROL_TYPE.get(type(message)) is self.control_type

    def tell(self, message: ControlSpaceUpdate, turn: Turn) -> None:
        """An update that the selected control type has words for."""
        _TELL[type(message)](self, message, turn)

    def _say(self, message: Any, turn: Turn) -> None:
        turn.to_s2.append(message)

    def _fresh(self, message: Any, turn: Turn) -> None:
        """Say something under a name of its own: what is told anew would be repeated otherwise."""
        turn.to_s2.append(message.model_copy(update={"message_id": self._message_id()}))

    def _message_id(self) -> str:
        return uuid_of(self._new_id())

    @property
    def _registration(self) -> Any:
        registration = self._space.registration
        assert registration is not None  # noqa: S101  # nothing is told before it
        return registration

    # Revocation ------------------------------------------------------------------------------------------------------

    def revoke(self, revoke: ControlSpaceRevoke, live: tuple[Any, ...], turn: Turn) -> None:
        """The appliance takes back an update, or all; `live` is what held before."""
        if revoke.reason:
            turn.notes.lost(REVOKE_REASON, "reason", revoke.reason)
        taken = [each for each in live if revoke.object_id in (None, each.message_id)]
        for each in taken:
            kind = _REVOCABLE.get(type(each))
            if kind is not None:
                self.take_back(kind, each.message_id, turn)
            elif revoke.object_id is not None:
                turn.notes.lost(NOT_REVOCABLE, "object_id", revoke.object_id)

    def take_back(self, kind: RevokableObjects, message_id: str, turn: Turn) -> None:
        """Take back one object that was told."""
        written = self._names.written_update(message_id)
        if written is not None and _control_of(kind) is self.control_type:
            turn.to_s2.append(RevokeObject(message_id=self._message_id(), object_type=kind, object_id=written))

    # FRBC ------------------------------------------------------------------------------------------------------------

    def _storage(self, message: StorageSystemDescription, turn: Turn) -> None:
        told = frbc.description(message, self._registration, self.quantities, self._names, self._mirrors, turn.notes)
        self._say(told, turn)

    def _storage_state(self, message: StorageStateUpdate, turn: Turn) -> None:
        self._note_ahead(message, turn)
        turn.to_s2.append(FRBCStorageStatus(message_id=self._message_id(), present_fill_level=message.fill_level))
        for actuator in message.actuators:
            self._actuator(actuator, FRBCActuatorStatus, FRBCTimerStatus, turn)

    def _leakage(self, message: StorageLeakageUpdate, turn: Turn) -> None:
        self._fresh(frbc.leakage(message, turn.notes), turn)

    def _usage(self, message: StorageUsageForecast, turn: Turn) -> None:
        self._fresh(frbc.usage(message, turn.notes), turn)

    def _targets(self, message: StorageTargetProfileUpdate, turn: Turn) -> None:
        description = self._space.description_at(max(turn.now, message.valid_from))
        whole = NumberRange(lower=0.0, upper=0.0) if description is None else description.fill_level_range  # type: ignore[union-attr]  # only storages have targets
        self._fresh(frbc.targets(message, whole, turn.notes), turn)

    # States ----------------------------------------------------------------------------------------------------------

    def _note_ahead(self, message: ControlSpaceUpdate, turn: Turn) -> None:
        if message.valid_from > turn.now and message.valid_from > message.timestamp:
            turn.notes.lost(STATE_AHEAD, "valid_from", message.valid_from.isoformat())

    def _actuator(self, state: Any, status: type[Any], timer_status: type[Any], turn: Turn) -> None:
        """How an actuator runs, where that is news."""
        actuator_id = state.actuator_id
        written = self._names.write(ACTUATOR, actuator_id)
        turned = self._mirrors.turned(actuator_id, state.mode_id)
        fields = mode_status(state, actuator_id, turned, self._names)
        if self._is_news("mode", actuator_id, fields):
            turn.to_s2.append(status(message_id=self._message_id(), actuator_id=written, **fields))
        for timer in state.timers:
            if self._is_news(f"timer {actuator_id}", timer.timer_id, timer.finished_at):
                turn.to_s2.append(
                    timer_status(
                        message_id=self._message_id(),
                        timer_id=self._names.write(timer_of(actuator_id), timer.timer_id),
                        actuator_id=written,
                        finished_at=timer.finished_at,
                    )
                )

    def _is_news(self, what: str, name: str, value: Any) -> bool:
        if self._told.get((what, name)) == value:
            return False
        self._told[what, name] = value
        return True

    # OMBC ------------------------------------------------------------------------------------------------------------

    def _modes(self, message: OutputAdjustableSystemDescription, turn: Turn) -> None:
        self._say(ombc.description(message, self.quantities, self._names, self._mirrors, turn.notes), turn)

    def _mode_state(self, message: OutputAdjustableStateUpdate, turn: Turn) -> None:
        self._note_ahead(message, turn)
        fields = mode_status(message, None, self._mirrors.turned(None, message.mode_id), self._names)
        if self._is_news("mode", "", fields):
            turn.to_s2.append(OMBCStatus(message_id=self._message_id(), **fields))
        for timer in message.timers:
            if self._is_news("timer", timer.timer_id, timer.finished_at):
                turn.to_s2.append(
                    OMBCTimerStatus(
                        message_id=self._message_id(),
                        timer_id=self._names.write(timer_of(None), timer.timer_id),
                        finished_at=timer.finished_at,
                    )
                )

    # DDBC ------------------------------------------------------------------------------------------------------------

    def _demand_driven(self, message: DemandDrivenSystemDescription, turn: Turn) -> None:
        told = ddbc.description(message, self._registration, self.quantities, self._names, self._mirrors, turn.notes)
        self._say(told if self.profile is not Profile.BETA else ddbc.with_demand(told, self._demand, turn.notes), turn)

    @property
    def _demand(self) -> NumberRange | None:
        state = self._space.state
        return state.demand if isinstance(state, DemandDrivenStateUpdate) else None

    def _demand_state(self, message: DemandDrivenStateUpdate, turn: Turn) -> None:
        self._note_ahead(message, turn)
        if message.demand is not None and self._is_news("demand", "", message.demand):
            self._tell_demand(message.demand, turn)
        for actuator in message.actuators:
            self._actuator(actuator, DDBCActuatorStatus, DDBCTimerStatus, turn)

    def _tell_demand(self, demand: NumberRange, turn: Turn) -> None:
        """The demand: a message in one profile; in the other it comes with the description, which is told anew."""
        if self.profile is not Profile.BETA:
            turn.to_s2.append(ddbc.present_demand(self._message_id(), demand))
            return
        description = self._space.description_at(turn.now)
        if isinstance(description, DemandDrivenSystemDescription) and not any(
            getattr(said, "present_demand_rate", None) is not None for said in turn.to_s2
        ):
            self._demand_driven(description, turn)

    def _demand_forecast(self, message: DemandForecast, turn: Turn) -> None:
        self._fresh(ddbc.forecast(message, turn.notes), turn)

    # PEBC ------------------------------------------------------------------------------------------------------------

    def _options(self, message: InflexibleCurtailmentOptions, turn: Turn) -> None:
        registration: ControlSpaceRegistration = self._registration
        told = pebc.constraints(message, registration, self.quantities, self._names, turn.notes)
        if told is not None:
            self._fresh(told, turn)

    def _envelope(self, message: InflexibleEnergyEnvelope, turn: Turn) -> None:
        self._fresh(pebc.energy(message, self.quantities, self._names), turn)

    # PPBC ------------------------------------------------------------------------------------------------------------

    def _work(self, message: TimeShiftableUpdate, turn: Turn) -> None:
        self._fresh(ppbc.definition(message, self.quantities, self._names, turn.notes), turn)

    def _work_state(self, message: TimeShiftableStateUpdate, turn: Turn) -> None:
        self._note_ahead(message, turn)
        work = self._space.work
        if work is not None:
            self._fresh(ppbc.status(message, work, self._names, turn.notes), turn)


def _control_of(kind: RevokableObjects) -> ControlType | None:
    for update, revocable in _REVOCABLE.items():
        if revocable is kind:
            return _OF_CONTROL_TYPE[update]
    return None


_TELL: Mapping[type[Any], Callable[[Offering, Any, Turn], None]] = {
    StorageSystemDescription: Offering._storage,
    StorageStateUpdate: Offering._storage_state,
    StorageLeakageUpdate: Offering._leakage,
    StorageUsageForecast: Offering._usage,
    StorageTargetProfileUpdate: Offering._targets,
    OutputAdjustableSystemDescription: Offering._modes,
    OutputAdjustableStateUpdate: Offering._mode_state,
    DemandDrivenSystemDescription: Offering._demand_driven,
    DemandDrivenStateUpdate: Offering._demand_state,
    DemandForecast: Offering._demand_forecast,
    InflexibleCurtailmentOptions: Offering._options,
    InflexibleEnergyEnvelope: Offering._envelope,
    TimeShiftableUpdate: Offering._work,
    TimeShiftableStateUpdate: Offering._work_state,
}
