"""Every message of the interface as one type, and its JSON form."""

from collections.abc import Iterator
from typing import Annotated, get_args

from pydantic import ConfigDict, Field, TypeAdapter

from efi.allocation import AllocationRevoke, AllocationStatusUpdate
from efi.demand_driven import (
    DemandDrivenAllocation,
    DemandDrivenRegistration,
    DemandDrivenStateUpdate,
    DemandDrivenSystemDescription,
    DemandForecast,
)
from efi.inflexible import (
    InflexibleAllocation,
    InflexibleCurtailmentOptions,
    InflexibleEnergyEnvelope,
    InflexibleRegistration,
)
from efi.measurement import Forecast, Measurement
from efi.message import ControlSpaceRevoke, Message
from efi.output_adjustable import (
    OutputAdjustableAllocation,
    OutputAdjustableRegistration,
    OutputAdjustableStateUpdate,
    OutputAdjustableSystemDescription,
)
from efi.storage import (
    StorageAllocation,
    StorageLeakageUpdate,
    StorageRegistration,
    StorageStateUpdate,
    StorageSystemDescription,
    StorageTargetProfileUpdate,
    StorageUsageForecast,
)
from efi.time_shiftable import (
    TimeShiftableAllocation,
    TimeShiftableRegistration,
    TimeShiftableStateUpdate,
    TimeShiftableUpdate,
)
from efi.types import Model

AnyRegistration = (
    InflexibleRegistration
    | TimeShiftableRegistration
    | StorageRegistration
    | OutputAdjustableRegistration
    | DemandDrivenRegistration
)
"""The registration of any category."""

AnyUpdate = (
    Forecast
    | InflexibleCurtailmentOptions
    | InflexibleEnergyEnvelope
    | TimeShiftableUpdate
    | TimeShiftableStateUpdate
    | StorageSystemDescription
    | StorageStateUpdate
    | StorageLeakageUpdate
    | StorageUsageForecast
    | StorageTargetProfileUpdate
    | OutputAdjustableSystemDescription
    | OutputAdjustableStateUpdate
    | DemandDrivenSystemDescription
    | DemandDrivenStateUpdate
    | DemandForecast
)
"""Any part of a control space."""

AnyAllocation = (
    InflexibleAllocation
    | TimeShiftableAllocation
    | StorageAllocation
    | OutputAdjustableAllocation
    | DemandDrivenAllocation
)
"""The allocation of any category."""

ApplianceMessage = AnyRegistration | AnyUpdate | Measurement | ControlSpaceRevoke | AllocationStatusUpdate
"""What an appliance says."""

AppMessage = AnyAllocation | AllocationRevoke
"""What an energy app says."""

AnyMessage = Annotated[ApplianceMessage | AppMessage, Field(discriminator="type")]
"""Whatever either side says."""

MESSAGE: TypeAdapter[ApplianceMessage | AppMessage] = TypeAdapter(AnyMessage, config=ConfigDict(defer_build=True))
"""Reads and writes any message; a field `type` tells which. It is built when it is first used."""

MESSAGE_CLASSES: dict[str, type[Message]] = {
    member.model_fields["type"].default: member for member in (*get_args(ApplianceMessage), *get_args(AppMessage))
}
"""The class of each message by its `type`."""

MESSAGE_TYPES: tuple[str, ...] = tuple(MESSAGE_CLASSES)
"""The names of all message types."""


def parse_message(data: bytes | str) -> ApplianceMessage | AppMessage:
    """Read a message from its JSON form; a pydantic ValidationError names path, value and rule of what is wrong.

    It is strict: a number is a number and not text, true is true and not 1.
    """
    return MESSAGE.validate_json(data, strict=True)


def dump_message(message: ApplianceMessage | AppMessage) -> bytes:
    """Write a message's JSON form: UTF-8, one line, absent fields left out."""
    return message.__pydantic_serializer__.to_json(message, exclude_none=True)


def build_messages() -> None:
    """Build all that reads, checks and writes messages, now instead of at first use: for a process about to fork."""
    MESSAGE.rebuild()
    for model in _kinds_of(Model):
        model.model_rebuild()


def _kinds_of(model: type[Model]) -> Iterator[type[Model]]:
    """All models beneath one: the messages, and what they are made of, which a driver makes one by one."""
    for kind in model.__subclasses__():
        yield kind
        yield from _kinds_of(kind)
