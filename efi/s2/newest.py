"""Which messages stand for a state of which only the newest counts."""

from collections.abc import Hashable

from efi.s2.ddbc import DDBCActuatorStatus, DDBCPresentDemandStatus, DDBCTimerStatus
from efi.s2.frbc import FRBCActuatorStatus, FRBCStorageStatus, FRBCTimerStatus
from efi.s2.model import S2Message
from efi.s2.ombc import OMBCStatus, OMBCTimerStatus
from efi.s2.power import PowerMeasurement


def newest_mark(message: S2Message) -> Hashable:
    """What a later message with an equal mark makes this one superfluous by; None where nothing does."""
    match message:
        case FRBCStorageStatus() | OMBCStatus() | DDBCPresentDemandStatus():
            return message.message_type
        case FRBCActuatorStatus() | DDBCActuatorStatus():
            return message.message_type, message.actuator_id
        case FRBCTimerStatus() | DDBCTimerStatus():
            return message.message_type, message.actuator_id, message.timer_id
        case OMBCTimerStatus():
            return message.message_type, message.timer_id
        case PowerMeasurement():
            return message.message_type, frozenset(value.commodity_quantity for value in message.values)
        case _:
            return None
