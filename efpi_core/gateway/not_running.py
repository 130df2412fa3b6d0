"""The states in which an instance does nothing for the house, and what is told of them."""

from efpi_core.event_kinds import INSTANCE_BACKING_OFF, INSTANCE_MISSING, INSTANCE_QUARANTINED
from efpi_core.views import InstanceState

NOT_RUNNING = (
    InstanceState.BACKING_OFF,
    InstanceState.QUARANTINED,
    InstanceState.STOPPED,
    InstanceState.MISSING,
)

NOT_WELL = {
    InstanceState.BACKING_OFF: INSTANCE_BACKING_OFF,
    InstanceState.QUARANTINED: INSTANCE_QUARANTINED,
    InstanceState.MISSING: INSTANCE_MISSING,
}
