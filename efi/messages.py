"""Every message of the interface as one type, and its JSON form."""

from typing import Annotated, Any

from pydantic import Field, TypeAdapter

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
from efi.message import ControlSpaceRevoke
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

MESSAGE: TypeAdapter[ApplianceMessage | AppMessage] = TypeAdapter(AnyMessage)
"""Reads and writes any message; a field `type` tells which."""

MESSAGE_TYPES: tuple[str, ...]
"""The names of all message types."""


def parse_message(data: bytes | str) -> ApplianceMessage | AppMessage:
    """Read a message from its JSON form; a pydantic ValidationError names path, value and rule of what is wrong."""
    return MESSAGE.validate_json(data)


def dump_message(message: ApplianceMessage | AppMessage) -> bytes:
    """Write a message's JSON form: UTF-8, one line, absent fields left out."""
    return message.__pydantic_serializer__.to_json(message, exclude_none=True)


def message_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of every message, one definition a type."""
    schema = MESSAGE.json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Message of the Energy Flexibility Interface",
        **schema,
    }
