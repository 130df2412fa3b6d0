"""The interface's time-shiftable appliance as PPBC."""

from datetime import timedelta

from efi.conversion import LossKind
from efi.s2.mapping.names import uuid_of
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.write.values import Quantities, milliseconds, profile
from efi.s2.mapping.written_names import STEP, WrittenNames, way_of
from efi.s2.ppbc import (
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequence,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceElement,
    PPBCPowerSequenceStatus,
)
from efi.time_shiftable import (
    Alternative,
    SequenceStatus,
    SequentialProfile,
    TimeShiftableStateUpdate,
    TimeShiftableUpdate,
)

WAY_LABEL = LossKind(
    ("time_shiftable_update",), "sequences.*.alternatives.*.label", "S2 has no labels of sequences; it is left out"
)
LONGEST_HALT = LossKind(
    ("time_shiftable_update",),
    "sequences.*.alternatives.*.maximum_interruption",
    "S2 cannot say how long a halt may last; one that is too long is rejected",
)
STARTS_AT = LossKind(
    ("time_shiftable_state_update",),
    "sequences.*.starts_at",
    "S2 tells how long a sequence has run, and not when it starts; it is left out",
)

_STATUSES = {
    SequenceStatus.NOT_SCHEDULED: PPBCPowerSequenceStatus.NOT_SCHEDULED,
    SequenceStatus.SCHEDULED: PPBCPowerSequenceStatus.SCHEDULED,
    SequenceStatus.EXECUTING: PPBCPowerSequenceStatus.EXECUTING,
    SequenceStatus.INTERRUPTED: PPBCPowerSequenceStatus.INTERRUPTED,
    SequenceStatus.FINISHED: PPBCPowerSequenceStatus.FINISHED,
    SequenceStatus.ABORTED: PPBCPowerSequenceStatus.ABORTED,
}


def definition(
    message: TimeShiftableUpdate, quantities: Quantities, names: WrittenNames, notes: Notes
) -> PPBCPowerProfileDefinition:
    """The work that waits."""
    name = names.write_update(message.message_id)
    return PPBCPowerProfileDefinition(
        message_id=uuid_of(f"{name}/message"),
        id=name,
        start_time=message.earliest_start,
        end_time=message.end_before,
        power_sequences_containers=tuple(
            _container(step, quantities, names, f"sequences.{place}.", notes)
            for place, step in enumerate(message.sequences)
        ),
    )


def _container(
    step: SequentialProfile, quantities: Quantities, names: WrittenNames, path: str, notes: Notes
) -> PPBCPowerSequenceContainer:
    return PPBCPowerSequenceContainer(
        id=names.write(STEP, step.sequence_id),
        power_sequences=tuple(
            _sequence(step, way, quantities, names, f"{path}alternatives.{place}.", notes)
            for place, way in enumerate(step.alternatives)
        ),
    )


def _sequence(
    step: SequentialProfile, way: Alternative, quantities: Quantities, names: WrittenNames, path: str, notes: Notes
) -> PPBCPowerSequence:
    if way.label:
        notes.lost(WAY_LABEL, f"{path}label", way.label)
    if way.maximum_interruption is not None:
        notes.lost(LONGEST_HALT, f"{path}maximum_interruption", way.maximum_interruption)
    pause = step.longest_interval_before(way.alternative_id)
    return PPBCPowerSequence(
        id=names.write(way_of(step.sequence_id), way.alternative_id),
        elements=tuple(
            PPBCPowerSequenceElement(duration=lasts, power_values=quantities.expected(element.values))
            for lasts, element in profile(way.elements, f"{path}elements", notes)
        ),
        is_interruptible=way.interruptible,
        max_pause_before=None if pause is None else milliseconds(pause, f"{path}maximum_interval_before", notes),
        abnormal_condition_only=way.abnormal_condition_only,
    )


def status(
    message: TimeShiftableStateUpdate, work: TimeShiftableUpdate, names: WrittenNames, notes: Notes
) -> PPBCPowerProfileStatus:
    """How far the work has come."""
    profile_id = names.write_update(work.message_id)
    told = []
    for place, step in enumerate(message.sequences):
        if step.starts_at is not None:
            notes.lost(STARTS_AT, f"sequences.{place}.starts_at", step.starts_at.isoformat())
        way = step.alternative_id
        told.append(
            PPBCPowerSequenceContainerStatus(
                power_profile_id=profile_id,
                sequence_container_id=names.write(STEP, step.sequence_id),
                selected_sequence_id=None if way is None else names.write(way_of(step.sequence_id), way),
                progress=_progress(step.progress, f"sequences.{place}.progress", notes),
                status=_STATUSES[step.status],
            )
        )
    return PPBCPowerProfileStatus(message_id=uuid_of(message.message_id), sequence_container_status=tuple(told))


def _progress(progress: timedelta | None, path: str, notes: Notes) -> int | None:
    return None if progress is None else milliseconds(progress, path, notes)
