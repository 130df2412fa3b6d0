"""What a device told that messages refer to by id: descriptions, constraints, profiles. Both ends keep the same."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple, NoReturn, TypeVar

from efi.refusal import listed, refuse
from efi.s2.conversation import RevokableObjects
from efi.s2.ddbc import (
    DDBCActuatorStatus,
    DDBCInstruction,
    DDBCSystemDescription,
    DDBCSystemDescriptionWithDemand,
    DDBCTimerStatus,
)
from efi.s2.frbc import FRBCActuatorStatus, FRBCInstruction, FRBCSystemDescription, FRBCTimerStatus
from efi.s2.messages import SystemDescription
from efi.s2.model import S2Message
from efi.s2.ombc import OMBCInstruction, OMBCStatus, OMBCSystemDescription, OMBCTimerStatus
from efi.s2.pebc import PEBCEnergyConstraint, PEBCInstruction, PEBCPowerConstraints
from efi.s2.ppbc import (
    PPBCEndInterruptionInstruction,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCScheduleInstruction,
    PPBCSequenceInstruction,
    PPBCStartInterruptionInstruction,
)

MOST_DESCRIPTIONS = 8
"""Descriptions that are kept: the one that holds, and those queued for later. The oldest give way."""

MOST_OBJECTS = 128
"""Constraints or profiles of a kind that are kept. The oldest give way."""

Containers = Mapping[str, frozenset[str]]
"""The containers of a power profile, and the names of their sequences."""

Kept = TypeVar("Kept")


class _Actuator(NamedTuple):
    modes: frozenset[str]
    timers: frozenset[str]


class _Described(NamedTuple):
    """The names in a description."""

    message_id: str
    valid_from: datetime
    actuators: Mapping[str, _Actuator]
    """By id; under the empty id where a description has modes and no actuators."""
    names: frozenset[str]
    """All of its ids."""


class LiveObjects:
    """What holds of what a device told under the control type that is active: its names, since messages are large."""

    def __init__(self) -> None:
        self._descriptions: list[_Described] = []
        self._constraints: dict[str, None] = {}
        self._energy: dict[str, None] = {}
        self._profiles: dict[str, Containers] = {}

    def clear(self) -> None:
        """Nothing holds any more: another control type is active."""
        self._descriptions.clear()
        for objects in (self._constraints, self._energy, self._profiles):
            objects.clear()

    def apply(self, message: S2Message) -> None:
        """Keep a message that others may refer to."""
        keep = _KEEPING.get(type(message))
        if keep is not None:
            keep(self, message)

    def check(self, message: S2Message) -> None:
        """Refuse a message that refers to what was never told, or holds no longer."""
        rule = _REFERENCES.get(type(message))
        if rule is not None:
            rule(self, message)

    def find(self, kind: RevokableObjects, name: str) -> str | None:
        """The name under which an object was told; None where there is none.

        A description has no id of its own; it is meant by its message_id, or by any id in it.
        """
        objects = self._of_kind(kind)
        if objects is not None:
            return name if name in objects else None
        found = next((each for each in reversed(self._descriptions) if name in each.names), None)
        return None if found is None else found.message_id

    def revoke(self, kind: RevokableObjects, name: str) -> None:
        """Forget an object, by the name that `find` gave."""
        objects = self._of_kind(kind)
        if objects is None:
            self._descriptions = [each for each in self._descriptions if each.message_id != name]
        elif name in objects:
            del objects[name]

    def _of_kind(self, kind: RevokableObjects) -> dict[str, Any] | None:
        """The objects of a kind; None where it is a description, or no object of a device."""
        match kind:
            case RevokableObjects.PEBC_POWER_CONSTRAINTS:
                return self._constraints
            case RevokableObjects.PEBC_ENERGY_CONSTRAINT:
                return self._energy
            case RevokableObjects.PPBC_POWER_PROFILE_DEFINITION:
                return self._profiles
            case _:
                return None

    def _constrain(self, message: PEBCPowerConstraints) -> None:
        _keep(self._constraints, message.id, None)

    def _bound_energy(self, message: PEBCEnergyConstraint) -> None:
        _keep(self._energy, message.id, None)

    def _plan(self, message: PPBCPowerProfileDefinition) -> None:
        _keep(self._profiles, message.id, _containers(message))

    def _describe(self, message: SystemDescription) -> None:
        """A description takes the place of those that would begin when it does, or later."""
        kept = [each for each in self._descriptions if each.valid_from < message.valid_from]
        self._descriptions = [*kept[1 - MOST_DESCRIPTIONS :], _described(message)]

    # References -------------------------------------------------------------------------------------------------------

    def _actuators(self, actuator_id: str) -> list[_Actuator]:
        """The actuator in each description that has it."""
        if not self._descriptions:
            refuse("not_described", "", None, "no system description holds", "send it first")
        found = [each.actuators[actuator_id] for each in self._descriptions if actuator_id in each.actuators]
        if not found:
            known = {name for each in self._descriptions for name in each.actuators}
            _unknown("actuator_id", actuator_id, "actuator", known)
        return found

    def _check_mode(self, path: str, mode: str, actuator_id: str = "") -> None:
        actuators = self._actuators(actuator_id)
        if not any(mode in each.modes for each in actuators):
            _unknown(path, mode, "operation mode", actuators[-1].modes)

    def _check_timer(self, timer: str, actuator_id: str = "") -> None:
        actuators = self._actuators(actuator_id)
        if not any(timer in each.timers for each in actuators):
            _unknown("timer_id", timer, "timer", actuators[-1].timers)

    def _check_ombc_mode(self, message: OMBCStatus) -> None:
        self._check_mode("active_operation_mode_id", message.active_operation_mode_id)

    def _check_ombc_instruction(self, message: OMBCInstruction) -> None:
        self._check_mode("operation_mode_id", message.operation_mode_id)

    def _check_ombc_timer(self, message: OMBCTimerStatus) -> None:
        self._check_timer(message.timer_id)

    def _check_actuator(self, message: FRBCActuatorStatus | DDBCActuatorStatus) -> None:
        self._check_mode("active_operation_mode_id", message.active_operation_mode_id, message.actuator_id)

    def _check_actuator_timer(self, message: FRBCTimerStatus | DDBCTimerStatus) -> None:
        self._check_timer(message.timer_id, message.actuator_id)

    def _check_frbc_instruction(self, message: FRBCInstruction) -> None:
        self._check_mode("operation_mode", message.operation_mode, message.actuator_id)

    def _check_ddbc_instruction(self, message: DDBCInstruction) -> None:
        self._check_mode("operation_mode_id", message.operation_mode_id, message.actuator_id)

    def _check_constraints(self, message: PEBCInstruction) -> None:
        if message.power_constraints_id not in self._constraints:
            _unknown("power_constraints_id", message.power_constraints_id, "PEBC.PowerConstraints", self._constraints)

    def _check_sequence(self, message: PPBCSequenceInstruction) -> None:
        self._check_part("", message.power_profile_id, message.sequence_container_id, message.power_sequence_id)

    def _check_profile_status(self, message: PPBCPowerProfileStatus) -> None:
        for number, each in enumerate(message.sequence_container_status):
            path = f"sequence_container_status.{number}."
            self._check_part(path, each.power_profile_id, each.sequence_container_id, each.selected_sequence_id)

    def _check_part(self, path: str, profile_id: str, container_id: str, sequence_id: str | None) -> None:
        containers = self._profiles.get(profile_id)
        if containers is None:
            _unknown(f"{path}power_profile_id", profile_id, "PPBC.PowerProfileDefinition", self._profiles)
        sequences = containers.get(container_id)
        if sequences is None:
            _unknown(f"{path}sequence_container_id", container_id, "container", containers)
        if sequence_id is not None and sequence_id not in sequences:
            _unknown(f"{path}power_sequence_id", sequence_id, "sequence", sequences)


def _unknown(path: str, name: str, what: str, known: Collection[str]) -> NoReturn:
    refuse("unknown_id", path, name, f"there is no such {what}", f"name one of {listed(known)}")


def _keep(objects: dict[str, Kept], name: str, kept: Kept) -> None:
    objects.pop(name, None)
    objects[name] = kept
    if len(objects) > MOST_OBJECTS:
        del objects[next(iter(objects))]


def _containers(profile: PPBCPowerProfileDefinition) -> Containers:
    return {
        container.id: frozenset(sequence.id for sequence in container.power_sequences)
        for container in profile.power_sequences_containers
    }


def _described(message: SystemDescription) -> _Described:
    if isinstance(message, OMBCSystemDescription):
        actuators = {"": _actuator(message)}
    else:
        actuators = {each.id: _actuator(each) for each in message.actuators}
    names = frozenset((message.message_id, *actuators)).union(
        *(each.modes | each.timers for each in actuators.values())
    )
    return _Described(message.message_id, message.valid_from, actuators, names)


def _actuator(part: Any) -> _Actuator:
    return _Actuator(frozenset(mode.id for mode in part.operation_modes), frozenset(timer.id for timer in part.timers))


_KEEPING: Mapping[type[S2Message], Callable[[LiveObjects, Any], None]] = {
    OMBCSystemDescription: LiveObjects._describe,
    FRBCSystemDescription: LiveObjects._describe,
    DDBCSystemDescription: LiveObjects._describe,
    DDBCSystemDescriptionWithDemand: LiveObjects._describe,
    PEBCPowerConstraints: LiveObjects._constrain,
    PEBCEnergyConstraint: LiveObjects._bound_energy,
    PPBCPowerProfileDefinition: LiveObjects._plan,
}

_REFERENCES: Mapping[type[S2Message], Callable[[LiveObjects, Any], None]] = {
    PEBCInstruction: LiveObjects._check_constraints,
    PPBCScheduleInstruction: LiveObjects._check_sequence,
    PPBCStartInterruptionInstruction: LiveObjects._check_sequence,
    PPBCEndInterruptionInstruction: LiveObjects._check_sequence,
    PPBCPowerProfileStatus: LiveObjects._check_profile_status,
    OMBCStatus: LiveObjects._check_ombc_mode,
    OMBCTimerStatus: LiveObjects._check_ombc_timer,
    OMBCInstruction: LiveObjects._check_ombc_instruction,
    FRBCActuatorStatus: LiveObjects._check_actuator,
    FRBCTimerStatus: LiveObjects._check_actuator_timer,
    FRBCInstruction: LiveObjects._check_frbc_instruction,
    DDBCActuatorStatus: LiveObjects._check_actuator,
    DDBCTimerStatus: LiveObjects._check_actuator_timer,
    DDBCInstruction: LiveObjects._check_ddbc_instruction,
}
