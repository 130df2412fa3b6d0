"""PPBC as the interface's time-shiftable appliance."""

from datetime import datetime, timedelta

from efi.conversion import LossKind
from efi.s2.mapping.notes import Notes
from efi.s2.mapping.read.profiles import expected
from efi.s2.mapping.read.values import Fields, duration
from efi.s2.ppbc import (
    PPBCPowerProfileDefinition,
    PPBCPowerSequence,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceStatus,
)
from efi.time_shiftable import SequenceStatus

STATUSES = {
    PPBCPowerSequenceStatus.NOT_SCHEDULED: SequenceStatus.NOT_SCHEDULED,
    PPBCPowerSequenceStatus.SCHEDULED: SequenceStatus.SCHEDULED,
    PPBCPowerSequenceStatus.EXECUTING: SequenceStatus.EXECUTING,
    PPBCPowerSequenceStatus.INTERRUPTED: SequenceStatus.INTERRUPTED,
    PPBCPowerSequenceStatus.FINISHED: SequenceStatus.FINISHED,
    PPBCPowerSequenceStatus.ABORTED: SequenceStatus.ABORTED,
}

LONG_PROGRESS = LossKind(
    ("PPBC.PowerProfileStatus",),
    "sequence_container_status.*.progress",
    "no time is longer than a century; it is cut to that",
)


def work(message: PPBCPowerProfileDefinition, now: datetime, notes: Notes) -> Fields:
    """The fields of a TimeShiftableUpdate; its name is the profile's own, to which instructions refer."""
    return {
        "message_id": message.id,
        "valid_from": now,
        "start_after": message.start_time,
        "end_before": message.end_time,
        "sequences": [
            _step(container, f"power_sequences_containers.{place}.", notes)
            for place, container in enumerate(message.power_sequences_containers)
        ],
    }


def _step(container: PPBCPowerSequenceContainer, path: str, notes: Notes) -> Fields:
    pauses = [
        None
        if way.max_pause_before is None
        else duration(way.max_pause_before, f"{path}power_sequences.{place}.max_pause_before", notes)
        for place, way in enumerate(container.power_sequences)
    ]
    longest = None if None in pauses else max(pause for pause in pauses if pause is not None)
    return {
        "sequence_id": container.id,
        "maximum_interval_before": longest,
        "alternatives": [
            _way(way, pause if pause != longest else None, f"{path}power_sequences.{place}.", notes)
            for place, (way, pause) in enumerate(zip(container.power_sequences, pauses, strict=True))
        ],
    }


def _way(way: PPBCPowerSequence, shorter_pause: timedelta | None, path: str, notes: Notes) -> Fields:
    return {
        "alternative_id": way.id,
        "elements": expected(way.elements, f"{path}elements.", notes),
        "maximum_interval_before": shorter_pause,
        "interruptible": way.is_interruptible,
        "abnormal_condition_only": way.abnormal_condition_only,
    }


def step_state(status: PPBCPowerSequenceContainerStatus, place: int, now: datetime, notes: Notes) -> Fields:
    """How far a step has come; one that runs is told to have begun when, without halts, it would have."""
    fields: Fields = {
        "sequence_id": status.sequence_container_id,
        "status": STATUSES[status.status],
        "alternative_id": status.selected_sequence_id,
    }
    if status.progress is not None:
        progress = duration(status.progress, f"sequence_container_status.{place}.progress", notes)
        fields["progress"] = progress
        if status.status is PPBCPowerSequenceStatus.EXECUTING and progress < timedelta(days=36000):
            fields["starts_at"] = now - progress
    return fields
