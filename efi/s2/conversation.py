"""The messages by which two sides agree on a session, answer for messages, follow instructions and take things back."""

from enum import StrEnum
from typing import Literal

from pydantic import Field, StrictBool

from efi.s2.common import CommodityQuantity, ControlType, Currency, Role
from efi.s2.model import ID, Milliseconds, NamedMessage, S2Message, Timestamp


class EnergyManagementRole(StrEnum):
    """Which end of a session one is."""

    CEM = "CEM"
    """The customer energy manager, which steers."""
    RM = "RM"
    """The resource manager, which speaks for a device."""


class SessionRequestType(StrEnum):
    """What is to become of the session."""

    RECONNECT = "RECONNECT"
    """Connect anew, and begin from scratch."""
    TERMINATE = "TERMINATE"
    """End it; the client may try again after a while."""


class ReceptionStatusValues(StrEnum):
    """What became of a message when it was received."""

    INVALID_DATA = "INVALID_DATA"
    """Not understood: no JSON, or without a message_id. It is ignored."""
    INVALID_MESSAGE = "INVALID_MESSAGE"
    """Not as the schema has it. It is ignored."""
    INVALID_CONTENT = "INVALID_CONTENT"
    """It makes no sense here, as one with an unknown id. It is ignored."""
    TEMPORARY_ERROR = "TEMPORARY_ERROR"
    """The receiver could not take it now; send it again."""
    PERMANENT_ERROR = "PERMANENT_ERROR"
    """The receiver will not recover; disconnect."""
    OK = "OK"
    """Received, and worth acting on."""


class InstructionStatus(StrEnum):
    """How far an instruction has come."""

    NEW = "NEW"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    REVOKED = "REVOKED"
    STARTED = "STARTED"
    SUCCEEDED = "SUCCEEDED"
    ABORTED = "ABORTED"

    @property
    def final(self) -> bool:
        """Whether nothing may follow."""
        return self in _FINAL

    def further_than(self, before: "InstructionStatus | None") -> bool:
        """Whether an instruction that had come so far has come further by this status; None before the first."""
        return before is None or _RANK[self] > _RANK[before]


_FINAL = frozenset(
    (InstructionStatus.REJECTED, InstructionStatus.REVOKED, InstructionStatus.SUCCEEDED, InstructionStatus.ABORTED)
)
_RANK = {
    InstructionStatus.NEW: 0,
    InstructionStatus.ACCEPTED: 1,
    InstructionStatus.STARTED: 2,
    **dict.fromkeys(_FINAL, 3),
}


class RevokableObjects(StrEnum):
    """What can be taken back."""

    PEBC_POWER_CONSTRAINTS = "PEBC.PowerConstraints"
    PEBC_ENERGY_CONSTRAINT = "PEBC.EnergyConstraint"
    PEBC_INSTRUCTION = "PEBC.Instruction"
    PPBC_POWER_PROFILE_DEFINITION = "PPBC.PowerProfileDefinition"
    PPBC_SCHEDULE_INSTRUCTION = "PPBC.ScheduleInstruction"
    PPBC_START_INTERRUPTION_INSTRUCTION = "PPBC.StartInterruptionInstruction"
    PPBC_END_INTERRUPTION_INSTRUCTION = "PPBC.EndInterruptionInstruction"
    OMBC_SYSTEM_DESCRIPTION = "OMBC.SystemDescription"
    OMBC_INSTRUCTION = "OMBC.Instruction"
    FRBC_SYSTEM_DESCRIPTION = "FRBC.SystemDescription"
    FRBC_INSTRUCTION = "FRBC.Instruction"
    DDBC_SYSTEM_DESCRIPTION = "DDBC.SystemDescription"
    DDBC_INSTRUCTION = "DDBC.Instruction"


class Handshake(NamedMessage):
    """Either side says who it is and which versions it speaks."""

    message_type: Literal["Handshake"] = "Handshake"
    role: EnergyManagementRole
    """Which end the sender is."""
    supported_protocol_versions: tuple[str, ...] | None = Field(default=None, min_length=1, fail_fast=True)
    """The versions that the sender speaks; a resource manager is to give them."""


class HandshakeResponse(NamedMessage):
    """The energy manager says which version the session speaks."""

    message_type: Literal["HandshakeResponse"] = "HandshakeResponse"
    selected_protocol_version: str


class ResourceManagerDetails(NamedMessage):
    """The device says what it is and how it can be controlled."""

    message_type: Literal["ResourceManagerDetails"] = "ResourceManagerDetails"
    resource_id: ID
    """Names the device among those of the energy manager."""
    name: str | None = None
    """What its owner calls it."""
    roles: tuple[Role, ...] = Field(min_length=1, max_length=3, fail_fast=True)
    """What it does with which commodity."""
    manufacturer: str | None = None
    model: str | None = None
    serial_number: str | None = None
    firmware_version: str | None = None
    instruction_processing_delay: Milliseconds
    """How long it takes on average until an instruction is acted on."""
    available_control_types: tuple[ControlType, ...] = Field(min_length=1, max_length=5, fail_fast=True)
    """How it can be controlled; one of them is selected."""
    currency: Currency | None = None
    """The currency of all costs; due where there are costs."""
    provides_forecast: StrictBool
    """Whether it may send a PowerForecast."""
    provides_power_measurement_types: tuple[CommodityQuantity, ...] = Field(min_length=1, max_length=10, fail_fast=True)
    """What it may measure; one at least is named even where nothing is measured."""

    def offers(self, control_type: ControlType) -> bool:
        """Whether the device can be controlled so; every device can be left to itself."""
        return control_type is ControlType.NO_SELECTION or control_type in self.available_control_types


class SelectControlType(NamedMessage):
    """The energy manager says how it will control the device; NO_SELECTION leaves the device to itself."""

    message_type: Literal["SelectControlType"] = "SelectControlType"
    control_type: ControlType


class SessionRequest(NamedMessage):
    """Either side asks for another session, or for the end of this one."""

    message_type: Literal["SessionRequest"] = "SessionRequest"
    request: SessionRequestType
    diagnostic_label: str | None = None
    """Why, for debugging."""


class ReceptionStatus(S2Message):
    """What became of a message of the other side when it was received."""

    message_type: Literal["ReceptionStatus"] = "ReceptionStatus"
    subject_message_id: ID
    """The message that it is about; the nil UUID where none could be read."""
    status: ReceptionStatusValues
    diagnostic_label: str | None = None
    """What was wrong, for debugging."""


class InstructionStatusUpdate(NamedMessage):
    """The device says how far an instruction has come."""

    message_type: Literal["InstructionStatusUpdate"] = "InstructionStatusUpdate"
    instruction_id: ID
    """The instruction's `id`, which is not its message_id."""
    status_type: InstructionStatus
    timestamp: Timestamp
    """Since when it is so."""


class RevokeObject(NamedMessage):
    """Either side takes back what it said."""

    message_type: Literal["RevokeObject"] = "RevokeObject"
    object_type: RevokableObjects
    object_id: ID
    """Its `id`; a system description has none, and is named by its message_id."""
