"""Every message of S2, by profile: who says it, and to which control type it belongs."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, get_args

from pydantic import Field, TypeAdapter

from efi.s2.common import ControlType
from efi.s2.conversation import (
    Handshake,
    HandshakeResponse,
    InstructionStatusUpdate,
    ReceptionStatus,
    ResourceManagerDetails,
    RevokeObject,
    SelectControlType,
    SessionRequest,
)
from efi.s2.ddbc import (
    DDBCActuatorStatus,
    DDBCAverageDemandRateForecast,
    DDBCInstruction,
    DDBCPresentDemandStatus,
    DDBCSystemDescription,
    DDBCSystemDescriptionWithDemand,
    DDBCTimerStatus,
)
from efi.s2.frbc import (
    FRBCActuatorStatus,
    FRBCFillLevelTargetProfile,
    FRBCInstruction,
    FRBCLeakageBehaviour,
    FRBCStorageStatus,
    FRBCSystemDescription,
    FRBCTimerStatus,
    FRBCUsageForecast,
)
from efi.s2.model import S2Message
from efi.s2.ombc import OMBCInstruction, OMBCStatus, OMBCSystemDescription, OMBCTimerStatus
from efi.s2.pebc import PEBCEnergyConstraint, PEBCInstruction, PEBCPowerConstraints
from efi.s2.power import PowerForecast, PowerMeasurement
from efi.s2.ppbc import (
    PPBCEndInterruptionInstruction,
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCScheduleInstruction,
    PPBCStartInterruptionInstruction,
)
from efi.s2.profile import Profile

Instruction = (
    PEBCInstruction
    | PPBCScheduleInstruction
    | PPBCStartInterruptionInstruction
    | PPBCEndInterruptionInstruction
    | OMBCInstruction
    | FRBCInstruction
    | DDBCInstruction
)
"""What an energy manager wants of a device."""

SystemDescription = OMBCSystemDescription | FRBCSystemDescription | DDBCSystemDescription
"""What a device of modes can do; it has no id of its own, and is named by its message_id."""

EitherSide = Handshake | SessionRequest | RevokeObject
"""What both sides say, beside their ReceptionStatus."""

OfEnergyManager = HandshakeResponse | SelectControlType | Instruction
"""What only an energy manager says."""

_OfDeviceInEveryProfile = (
    ResourceManagerDetails
    | PowerMeasurement
    | PowerForecast
    | InstructionStatusUpdate
    | PEBCPowerConstraints
    | PEBCEnergyConstraint
    | PPBCPowerProfileDefinition
    | PPBCPowerProfileStatus
    | OMBCSystemDescription
    | OMBCStatus
    | OMBCTimerStatus
    | FRBCSystemDescription
    | FRBCStorageStatus
    | FRBCActuatorStatus
    | FRBCTimerStatus
    | FRBCLeakageBehaviour
    | FRBCUsageForecast
    | FRBCFillLevelTargetProfile
    | DDBCActuatorStatus
    | DDBCTimerStatus
    | DDBCAverageDemandRateForecast
)

OfDevice = _OfDeviceInEveryProfile | DDBCSystemDescription | DDBCSystemDescriptionWithDemand | DDBCPresentDemandStatus
"""What only a resource manager says, in one profile or the other."""

AnyNamedMessage = EitherSide | OfEnergyManager | OfDevice
"""Whatever is answered with a ReceptionStatus, in one profile or the other."""

AnyS2Message = AnyNamedMessage | ReceptionStatus
"""Whatever is said, in one profile or the other."""

_ONLY_IN: Mapping[Profile, tuple[type[S2Message], ...]] = {
    Profile.BETA: (DDBCSystemDescriptionWithDemand,),
    Profile.V1: (DDBCSystemDescription, DDBCPresentDemandStatus),
}

_IN_EVERY_PROFILE: tuple[type[S2Message], ...] = get_args(
    EitherSide | ReceptionStatus | OfEnergyManager | _OfDeviceInEveryProfile
)


def type_of(message: type[S2Message]) -> str:
    """A message's name on the wire: `FRBC.StorageStatus`."""
    name: str = message.model_fields["message_type"].default
    return name


MESSAGE_CLASSES: Mapping[Profile, Mapping[str, type[S2Message]]] = {
    profile: {type_of(kind): kind for kind in (*_IN_EVERY_PROFILE, *own)} for profile, own in _ONLY_IN.items()
}
"""The messages of each profile by their names on the wire."""

_CONTROL_TYPES = {
    "PEBC": ControlType.POWER_ENVELOPE_BASED_CONTROL,
    "PPBC": ControlType.POWER_PROFILE_BASED_CONTROL,
    "OMBC": ControlType.OPERATION_MODE_BASED_CONTROL,
    "FRBC": ControlType.FILL_RATE_BASED_CONTROL,
    "DDBC": ControlType.DEMAND_DRIVEN_BASED_CONTROL,
}


def control_type_of(name: str) -> ControlType | None:
    """The control type to which a message or a revocable object belongs, by its name; None where it belongs to none."""
    return _CONTROL_TYPES.get(name.partition(".")[0])


@cache
def reader(profile: Profile) -> TypeAdapter[AnyS2Message]:
    """Reads any message of a profile; it is built when it is first used."""
    kinds = tuple(MESSAGE_CLASSES[profile].values())
    union: Any = kinds[0]
    for kind in kinds[1:]:
        union = union | kind
    return TypeAdapter(Annotated[union, Field(discriminator="message_type")])
