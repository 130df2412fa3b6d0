"""Allocations as S2's instructions."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from efi.allocation import Allocation
from efi.commodity import CommodityQuantity
from efi.control_space import ControlSpace
from efi.conversion import LossKind
from efi.demand_driven import DemandDrivenAllocation
from efi.inflexible import CurtailmentElement, CurtailmentProfile, InflexibleAllocation, LimitKind
from efi.messages import AnyAllocation
from efi.output_adjustable import OutputAdjustableAllocation
from efi.profile import profile_duration, slice_profile
from efi.refusal import refuse
from efi.s2.ddbc import DDBCInstruction
from efi.s2.frbc import FRBCInstruction
from efi.s2.mapping.names import uuid_of
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.quantities import S2_QUANTITIES
from efi.s2.mapping.write.values import MOST_ELEMENTS, in_milliseconds, whole_milliseconds
from efi.s2.messages import Instruction
from efi.s2.ombc import OMBCInstruction
from efi.s2.pebc import PEBCInstruction, PEBCPowerEnvelope, PEBCPowerEnvelopeElement
from efi.s2.ppbc import (
    PPBCEndInterruptionInstruction,
    PPBCScheduleInstruction,
    PPBCStartInterruptionInstruction,
)
from efi.storage import StorageAllocation
from efi.time_shiftable import SequenceAction, SequenceAllocation, TimeShiftableAllocation

_OF_MODES = ("storage_allocation", "output_adjustable_allocation", "demand_driven_allocation")
_ALLOCATIONS = (*_OF_MODES, "inflexible_allocation", "time_shiftable_allocation")

REASON = LossKind(_ALLOCATIONS, "reason", "an instruction has no words for people; the device does not hear why")
GROUND = LossKind(
    _OF_MODES, "control_space_update_id", "an instruction does not say which description it rests on; it is left out"
)
MICROSECONDS = LossKind(
    ("inflexible_allocation",),
    "curtailments.*.elements",
    "S2 counts in milliseconds; the elements end with the last whole one, and one that lasts less is left out",
)
FREE_SIDE = LossKind(
    ("inflexible_allocation",),
    "curtailments.*.elements.*",
    "an envelope has two limits; the side that is free bears the widest limit that the device offers",
)


class Asked(NamedTuple):
    """One instruction, and what it takes hold of."""

    instruction: Instruction
    parts: frozenset[str]
    """The parts of the appliance that it controls, as the session names them."""
    begins: datetime
    """From when on."""


def instructions(
    allocation: AnyAllocation,
    space: ControlSpace,
    original: Callable[[str], str],
    new_id: Callable[[], str],
    notes: Notes,
) -> tuple[Asked, ...]:
    """One instruction for each actuator and instant, step or envelope. The allocation has passed its session.

    `original` gives the device's own name of an object. Raises `Refused` for what S2 cannot say.
    """
    if allocation.reason:
        notes.lost(REASON, "reason", allocation.reason)
    if allocation.type in _OF_MODES:
        notes.lost(GROUND, "control_space_update_id", allocation.control_space_update_id)
    asked = tuple(_WRITERS[type(allocation)](allocation, space, original, notes))
    names = _names(allocation.message_id, len(asked))
    return tuple(
        Asked(kind(message_id=uuid_of(new_id()), id=name, **fields), parts, begins)
        for name, (kind, fields, parts, begins) in zip(names, asked, strict=True)
    )


def _names(allocation_id: str, number: int) -> Iterator[str]:
    """The instructions' names: the allocation's own where there is one; the same ones however often it is written."""
    if number == 1:
        yield uuid_of(allocation_id)
        return
    yield from (uuid_of(f"{allocation_id}/{place}") for place in range(number))


_Written = tuple[type[Any], dict[str, Any], frozenset[str], datetime]


def _actuators(
    kind: type[Any], mode_field: str
) -> Callable[[Any, ControlSpace, Callable[[str], str], Notes], Iterator[_Written]]:
    def write(
        allocation: StorageAllocation | DemandDrivenAllocation,
        space: ControlSpace,
        original: Callable[[str], str],
        notes: Notes,
    ) -> Iterator[_Written]:
        for asked in allocation.actuators:
            fields = {
                "actuator_id": asked.actuator_id,
                mode_field: asked.mode_id,
                "operation_mode_factor": 1.0 if asked.factor is None else asked.factor,
                "execution_time": asked.start_time,
                "abnormal_condition": allocation.abnormal_condition,
            }
            yield kind, fields, frozenset((asked.actuator_id,)), asked.start_time

    return write


def _selectors(
    allocation: OutputAdjustableAllocation, space: ControlSpace, original: Callable[[str], str], notes: Notes
) -> Iterator[_Written]:
    for asked in allocation.selectors:
        fields = {
            "operation_mode_id": asked.mode_id,
            "operation_mode_factor": 1.0 if asked.factor is None else asked.factor,
            "execution_time": asked.start_time,
            "abnormal_condition": allocation.abnormal_condition,
        }
        yield OMBCInstruction, fields, frozenset(("",)), asked.start_time


_STEP_KINDS = {
    SequenceAction.START: PPBCScheduleInstruction,
    SequenceAction.INTERRUPT: PPBCStartInterruptionInstruction,
    SequenceAction.RESUME: PPBCEndInterruptionInstruction,
}


def _steps(
    allocation: TimeShiftableAllocation, space: ControlSpace, original: Callable[[str], str], notes: Notes
) -> Iterator[_Written]:
    for asked in allocation.sequences:
        fields = {
            "power_profile_id": original(space.work.message_id if space.work is not None else ""),
            "sequence_container_id": asked.sequence_id,
            "power_sequence_id": _way(asked, allocation, space),
            "execution_time": asked.start_time,
            "abnormal_condition": allocation.abnormal_condition,
        }
        part = asked.sequence_id
        if asked.action is not SequenceAction.START:
            part = f"{part} {asked.action.value}"
        yield _STEP_KINDS[asked.action], fields, frozenset((part,)), asked.start_time


def _way(asked: SequenceAllocation, allocation: TimeShiftableAllocation, space: ControlSpace) -> str:
    """The way of doing a step: the one that is named or was chosen, else the first, which is the only one then."""
    if asked.alternative_id is not None:
        return asked.alternative_id
    for other in allocation.sequences:
        if other.sequence_id == asked.sequence_id and other.alternative_id is not None:
            return other.alternative_id
    for state in space.work_state.sequences if space.work_state is not None else ():
        if state.sequence_id == asked.sequence_id and state.alternative_id is not None:
            return state.alternative_id
    step = space.work.sequence(asked.sequence_id) if space.work is not None else None
    return step.alternatives[0].alternative_id if step is not None else asked.sequence_id


# Envelopes ------------------------------------------------------------------------------------------------------------


def _envelopes(
    allocation: InflexibleAllocation, space: ControlSpace, original: Callable[[str], str], notes: Notes
) -> Iterator[_Written]:
    for place, profile in enumerate(allocation.curtailments):
        if profile.quantity not in S2_QUANTITIES:
            refuse(
                "quantity_unknown_to_s2",
                f"curtailments.{place}.quantity",
                profile.quantity.value,
                "S2 tells electrical power by the phase",
                "limit a quantity that the device offers",
            )
        if not whole_milliseconds(profile.elements):
            notes.lost(MICROSECONDS, f"curtailments.{place}.elements", "parts of a millisecond")
    for start, profiles in _pieces(allocation):
        options = space.curtailment_options_at(max(start, allocation.timestamp))
        quoted = allocation.control_space_update_id if options is None else options.message_id
        writer = _EnvelopeWriter(space, start, allocation.abnormal_condition, notes)
        fields = {
            "execution_time": start,
            "abnormal_condition": allocation.abnormal_condition,
            "power_constraints_id": original(quoted),
            "power_envelopes": tuple(
                writer.envelope(f"{allocation.message_id}/{start.isoformat()}", place, profile)
                for place, profile in enumerate(profiles)
            ),
        }
        yield PEBCInstruction, fields, frozenset(profile.quantity.value for profile in profiles), start


def _pieces(allocation: InflexibleAllocation) -> Iterator[tuple[datetime, tuple[CurtailmentProfile, ...]]]:
    """The profiles in pieces that an instruction can carry, each with its beginning; mostly there is one."""
    begins, left = timedelta(0), allocation.curtailments
    while left:
        long = (profile.elements for profile in left if len(profile.elements) > MOST_ELEMENTS)
        cut = min((profile_duration(elements[:MOST_ELEMENTS]) for elements in long), default=None)
        if cut is None:
            yield allocation.start_time + begins, left
            return
        yield allocation.start_time + begins, tuple(_part(profile, timedelta(0), cut) for profile in left)
        begins += cut
        lasting = ((profile, profile_duration(profile.elements)) for profile in left)
        left = tuple(_part(profile, cut, whole) for profile, whole in lasting if whole > cut)


def _part(profile: CurtailmentProfile, start: timedelta, end: timedelta) -> CurtailmentProfile:
    return profile.model_copy(update={"elements": slice_profile(profile.elements, start, end)})


class _EnvelopeWriter:
    """Writes the envelopes of one instruction."""

    def __init__(self, space: ControlSpace, start: datetime, abnormal_condition: bool, notes: Notes) -> None:
        self._space = space
        self._start = start
        self._abnormal = abnormal_condition
        self._notes = notes

    def envelope(self, name: str, place: int, profile: CurtailmentProfile) -> PEBCPowerEnvelope:
        quantity, per_unit = S2_QUANTITIES[profile.quantity]
        elements, begins = [], self._start
        for number, (lasts, element) in enumerate(in_milliseconds(profile.elements)):
            lower, upper = self._limits(element, profile.quantity, begins, f"curtailments.{place}.elements.{number}")
            begins += element.duration
            if lasts > 0:
                elements.append(
                    PEBCPowerEnvelopeElement(duration=lasts, lower_limit=lower * per_unit, upper_limit=upper * per_unit)
                )
        if not elements:
            lower, upper = self._limits(profile.elements[0], profile.quantity, self._start, f"curtailments.{place}")
            elements.append(
                PEBCPowerEnvelopeElement(duration=0, lower_limit=lower * per_unit, upper_limit=upper * per_unit)
            )
        return PEBCPowerEnvelope(
            id=uuid_of(f"{name}/{place}"), commodity_quantity=quantity, power_envelope_elements=tuple(elements)
        )

    def _limits(
        self, element: CurtailmentElement, quantity: CommodityQuantity, at: datetime, path: str
    ) -> tuple[float, float]:
        if element.lower is not None and element.upper is not None:
            return element.lower, element.upper
        self._notes.lost(FREE_SIDE, path, f"lower {element.lower}, upper {element.upper}")
        lower, upper = element.lower, element.upper
        if upper is None:
            upper = self._widest(quantity, LimitKind.UPPER, at, max(0.0, lower or 0.0))
            upper = upper if lower is None else max(upper, lower)
        if lower is None:
            lower = min(self._widest(quantity, LimitKind.LOWER, at, min(0.0, upper)), upper)
        return lower, upper

    def _widest(self, quantity: CommodityQuantity, kind: LimitKind, at: datetime, otherwise: float) -> float:
        """The limit on offer that leaves the most room."""
        options = self._space.curtailment_options_at(at)
        option = None if options is None else options.option_for(quantity, kind, self._abnormal)
        if option is None:
            return otherwise
        if kind is LimitKind.UPPER:
            return max(each.upper for each in option.ranges)
        return min(each.lower for each in option.ranges)


_WRITERS: dict[type[Allocation], Callable[[Any, ControlSpace, Callable[[str], str], Notes], Iterator[_Written]]] = {
    StorageAllocation: _actuators(FRBCInstruction, "operation_mode"),
    DemandDrivenAllocation: _actuators(DDBCInstruction, "operation_mode_id"),
    OutputAdjustableAllocation: _selectors,
    TimeShiftableAllocation: _steps,
    InflexibleAllocation: _envelopes,
}
