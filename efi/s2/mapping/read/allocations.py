"""S2's instructions as allocations, given what the appliance told."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, NoReturn

from efi.commodity import CommodityQuantity
from efi.control_space import AnyDescription, ControlSpace
from efi.conversion import LossKind
from efi.demand_driven import DemandDrivenAllocation
from efi.inflexible import InflexibleAllocation, InflexibleCurtailmentOptions, LimitKind
from efi.mode_index import ModeIndex
from efi.output_adjustable import OutputAdjustableAllocation, OutputAdjustableSystemDescription
from efi.refusal import Refusal, Refused, refuse
from efi.registration import ControlSpaceRegistration
from efi.s2.ddbc import DDBCInstruction
from efi.s2.frbc import FRBCInstruction
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.read.modes import factor_of
from efi.s2.mapping.read.values import Fields, duration
from efi.s2.mapping.write.modes import Mirrors
from efi.s2.mapping.write.pebc import fixed_limit
from efi.s2.mapping.write.values import Quantities
from efi.s2.mapping.written_names import ACTUATOR, STEP, WrittenNames, mode_of, way_of
from efi.s2.ombc import OMBCInstruction
from efi.s2.pebc import PEBCInstruction, PEBCPowerEnvelope
from efi.s2.ppbc import (
    PPBCEndInterruptionInstruction,
    PPBCScheduleInstruction,
    PPBCSequenceInstruction,
    PPBCStartInterruptionInstruction,
)
from efi.storage import StorageAllocation
from efi.time_shiftable import SequenceAction, TimeShiftableAllocation

ENVELOPE_ID = LossKind(
    ("PEBC.Instruction",), "power_envelopes.*.id", "bounds are named by their quantity; the envelope's id is left out"
)
FACTOR_OF_POINT = LossKind(
    ("FRBC.Instruction", "OMBC.Instruction", "DDBC.Instruction"),
    "operation_mode_factor",
    "this mode is a point, and the factor makes no difference; it is left out",
)

_ACTIONS = {
    PPBCScheduleInstruction: SequenceAction.START,
    PPBCStartInterruptionInstruction: SequenceAction.INTERRUPT,
    PPBCEndInterruptionInstruction: SequenceAction.RESUME,
}


class Choice(NamedTuple):
    """A mode that an instruction chooses."""

    actuator_id: str | None
    mode_id: str
    factor: float | None
    start_time: datetime

    @property
    def part(self) -> str:
        """The part of the appliance that it controls, as the session names it."""
        return self.actuator_id or ""


class Reading:
    """Understands the instructions that are given to one appliance."""

    def __init__(self, space: ControlSpace, names: WrittenNames, mirrors: Mirrors) -> None:
        self._space = space
        self._names = names
        self._mirrors = mirrors

    # Modes -----------------------------------------------------------------------------------------------------------

    def choice(self, instruction: Any, now: datetime, notes: Notes) -> Choice:
        """The mode that an instruction chooses; raises `Refused` when there is none such."""
        at = instruction.execution_time
        description = self._space.description_at(max(now, at))
        if description is None:
            refuse("description_missing", "", None, "no system description is in force", "wait for one")
        actuator_id = self._actuator(instruction, description)
        field = "operation_mode" if isinstance(instruction, FRBCInstruction) else "operation_mode_id"
        written = getattr(instruction, field)
        modes = ModeIndex(description).actuators[actuator_id].modes
        mode_id = self._names.find(mode_of(actuator_id), modes, written)
        if mode_id is None:
            refuse("unknown_mode", field, written, "the description has no such mode", "name one of its modes")
        factor = factor_of(instruction.operation_mode_factor, notes)
        if not modes[mode_id].continuous:
            if factor not in (0.0, 1.0):
                notes.lost(FACTOR_OF_POINT, "operation_mode_factor", factor)
            return Choice(actuator_id, mode_id, None, at)
        if self._mirrors.turned(actuator_id, mode_id):
            factor = 1.0 - factor
        return Choice(actuator_id, mode_id, factor, at)

    def _actuator(self, instruction: Any, description: AnyDescription) -> str | None:
        if isinstance(description, OutputAdjustableSystemDescription):
            return None
        known = [actuator.actuator_id for actuator in description.actuators]
        found = self._names.find(ACTUATOR, known, instruction.actuator_id)
        if found is None:
            refuse(
                "unknown_actuator",
                "actuator_id",
                instruction.actuator_id,
                "the description has no such actuator",
                "name one of its actuators",
            )
        return found

    def modes(self, choices: Sequence[Choice], header: Fields, now: datetime) -> Any:
        """The allocation of modes, all of one actuator."""
        description = self._space.description_at(now) or self._space.descriptions[0]
        header["control_space_update_id"] = description.message_id
        steps: Any = [
            {"mode_id": each.mode_id, "factor": each.factor, "start_time": each.start_time}
            | ({} if each.actuator_id is None else {"actuator_id": each.actuator_id})
            for each in choices
        ]
        if isinstance(description, OutputAdjustableSystemDescription):
            return OutputAdjustableAllocation(**header, selectors=steps)
        kind = _MODE_ALLOCATIONS[description.type]
        return kind(**header, actuators=steps)

    # Work ------------------------------------------------------------------------------------------------------------

    def step(self, instruction: PPBCSequenceInstruction, header: Fields) -> TimeShiftableAllocation:
        """The allocation of a step of the work."""
        work = self._space.work
        if work is None or self._names.read_update(instruction.power_profile_id) != work.message_id:
            _refuse_unknown("profile", "power_profile_id", instruction.power_profile_id)
        steps = [step.sequence_id for step in work.sequences]
        sequence_id = self._names.find(STEP, steps, instruction.sequence_container_id)
        step = None if sequence_id is None else work.sequence(sequence_id)
        if step is None:
            _refuse_unknown("container", "sequence_container_id", instruction.sequence_container_id)
        ways = [way.alternative_id for way in step.alternatives]
        way = self._names.find(way_of(step.sequence_id), ways, instruction.power_sequence_id)
        if way is None:
            _refuse_unknown("sequence", "power_sequence_id", instruction.power_sequence_id)
        asked: Any = {
            "sequence_id": step.sequence_id,
            "alternative_id": way,
            "start_time": instruction.execution_time,
            "action": _ACTIONS[type(instruction)],
        }
        header["control_space_update_id"] = work.message_id
        return TimeShiftableAllocation(**header, sequences=(asked,))

    # Limits ----------------------------------------------------------------------------------------------------------

    def limits(
        self,
        instruction: PEBCInstruction,
        header: Fields,
        registration: ControlSpaceRegistration,
        quantities: Quantities,
        notes: Notes,
    ) -> InflexibleAllocation:
        """The allocation of limits."""
        named = self._names.read_update(instruction.power_constraints_id)
        live = self._space.curtailment_options
        options = next((each for each in live if each.message_id == named), None)
        if named is None or not (options is not None or self._space.live(named)):
            _refuse_unknown("constraints", "power_constraints_id", instruction.power_constraints_id)
        options = options or self._space.curtailment_options_at(instruction.execution_time)
        notes.lost(ENVELOPE_ID, "power_envelopes", f"{len(instruction.power_envelopes)} ids")
        header["control_space_update_id"] = named
        curtailments: Any = [
            _profile(envelope, place, options, registration, quantities, notes)
            for place, envelope in enumerate(instruction.power_envelopes)
        ]
        return InflexibleAllocation(**header, start_time=instruction.execution_time, curtailments=curtailments)


def _profile(
    envelope: PEBCPowerEnvelope,
    place: int,
    options: InflexibleCurtailmentOptions | None,
    registration: ControlSpaceRegistration,
    quantities: Quantities,
    notes: Notes,
) -> Fields:
    quantity, per_unit = _quantity(envelope, place, options, quantities)
    free = _limits_that_limit_nothing(quantity, options, registration)
    elements: list[Fields] = []
    for number, element in enumerate(envelope.power_envelope_elements):
        if element.duration == 0 and len(envelope.power_envelope_elements) > 1:
            continue
        path = f"power_envelopes.{place}.power_envelope_elements.{number}.duration"
        lower, upper = element.lower_limit / per_unit, element.upper_limit / per_unit
        elements.append(
            {
                "duration": duration(element.duration, path, notes) or timedelta(milliseconds=1),
                "lower": None if free.get(LimitKind.LOWER) == lower else lower,
                "upper": None if free.get(LimitKind.UPPER) == upper else upper,
            }
        )
    return {"quantity": quantity, "elements": elements}


def _quantity(
    envelope: PEBCPowerEnvelope, place: int, options: InflexibleCurtailmentOptions | None, quantities: Quantities
) -> tuple[CommodityQuantity, float]:
    """The quantity that is meant: of those on offer the one that is told as this one."""
    for option in options.options if options is not None else ():
        theirs, per_unit = quantities.of(option.quantity)
        if theirs is envelope.commodity_quantity:
            return option.quantity, per_unit
    path, named = f"power_envelopes.{place}.commodity_quantity", envelope.commodity_quantity.value
    raise Refused(
        Refusal("curtailment_not_offered", path, named, "it cannot be limited", "choose what the constraints offer")
    )


def _limits_that_limit_nothing(
    quantity: CommodityQuantity, options: InflexibleCurtailmentOptions | None, registration: ControlSpaceRegistration
) -> dict[LimitKind, float]:
    """The fixed limits that were told of the sides that cannot be limited."""
    if options is None:
        return {}
    return {
        kind: fixed_limit(quantity, kind, options.options, registration)
        for kind in LimitKind
        if options.option_for(quantity, kind) is None
    }


def _refuse_unknown(what: str, path: str, name: str) -> NoReturn:
    refuse(f"unknown_{what}", path, name, f"no live {what} has this id", "name what was told last")


MODE_INSTRUCTIONS = (FRBCInstruction, OMBCInstruction, DDBCInstruction)
"""The instructions that choose a mode."""

_MODE_ALLOCATIONS: dict[str, type[Any]] = {
    "storage_system_description": StorageAllocation,
    "demand_driven_system_description": DemandDrivenAllocation,
}
