"""Which frames a newer one makes needless while both still wait to be sent: states and values, nothing else."""

from collections.abc import Hashable

from efi.demand_driven import DemandDrivenStateUpdate
from efi.measurement import Measurement
from efi.output_adjustable import OutputAdjustableStateUpdate
from efi.running_mode import ModeState
from efi.storage import ActuatorState, StorageStateUpdate
from efi.time_shiftable import TimeShiftableStateUpdate
from efpi_core.host.frames import Deliver, FromInstance, Observed, Ping, Pong, Publish, Say, ToInstance


def superseding_key(frame: FromInstance | ToInstance) -> Hashable | None:
    """Frames of one key tell the same thing at different times, so that the newest is enough; None: must not be lost.

    A state may leave out what stays as it was, so the key holds what it mentions.
    """
    match frame:
        case Say() | Deliver():
            extent = _extent(frame.message)
            return None if extent is None else (frame.appliance_id, frame.message.type, extent)
        case Publish() | Observed():
            return frame.name
        case Ping() | Pong():
            return frame.op
        case _:
            return None


def _extent(message: object) -> Hashable | None:
    """What a state tells about; None for what is not a state."""
    match message:
        case StorageStateUpdate():
            return _actuators(message.actuators)
        case OutputAdjustableStateUpdate():
            return _timers(message)
        case Measurement():
            return (
                tuple(value.quantity for value in message.values),
                tuple((r.commodity, r.consumed is None, r.produced is None) for r in message.energy),
            )
        case TimeShiftableStateUpdate():
            return tuple(sequence.sequence_id for sequence in message.sequences)
        case DemandDrivenStateUpdate():
            return (message.demand is None, _actuators(message.actuators))
        case _:
            return None


def _actuators(states: tuple[ActuatorState, ...]) -> Hashable:
    return tuple((state.actuator_id, _timers(state)) for state in states)


def _timers(state: ModeState) -> Hashable:
    return tuple(timer.timer_id for timer in state.timers)
