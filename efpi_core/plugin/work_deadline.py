"""Until when work may wait of which nobody has said when it is to be done."""

from collections.abc import Mapping
from datetime import datetime

from efi.time_shiftable import SequenceState, SequenceStatus, TimeShiftableUpdate


def cannot_wait_beyond(
    work: TimeShiftableUpdate, states: Mapping[str, SequenceState], noted_at: Mapping[str, datetime]
) -> datetime | None:
    """When the next step that nobody allocated must start, or a halted one must go on; None: all is cared for.

    `noted_at` says when each step came as far as `states` tells.
    """
    if any(state.status is SequenceStatus.ABORTED for state in states.values()):
        return None
    latest, ended = work.latest_start, None
    for step in work.sequences:
        state = states[step.sequence_id]
        if state.status is SequenceStatus.NOT_SCHEDULED:
            pause = step.longest_interval_before()
            return latest if ended is None or pause is None else min(latest, ended + pause)
        if state.status is SequenceStatus.INTERRUPTED:
            way = step.alternative(state.alternative_id)
            pause = way.maximum_interruption if way is not None else None
            return latest if pause is None else min(latest, noted_at[step.sequence_id] + pause)
        if state.status is not SequenceStatus.FINISHED:
            return None
        latest += step.shortest
        ended = noted_at.get(step.sequence_id)
    return None
