"""S2 messages in files: checked in either profile, and a conversation of them turned into messages and back.

A file holds what was said, in its order: a device's details before its description. The control type is the one that
was selected, or the one that a message presumes.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import TypeGuard, get_args

from efi.command.documents import Document
from efi.command.reading import Reading
from efi.conversion import Conversion, LossKind
from efi.messages import AnyMessage, ApplianceMessage, AppMessage
from efi.refusal import Refusal
from efi.s2.codec import MessageRefused, dump, parse
from efi.s2.common import ControlType
from efi.s2.conversation import ReceptionStatusValues, ResourceManagerDetails, SelectControlType
from efi.s2.mapping.cem_side import CemSide
from efi.s2.mapping.device_side import DeviceSide
from efi.s2.mapping.names import uuid_of
from efi.s2.mapping.settings import DeviceSettings
from efi.s2.mapping.translation import NOTHING, Translation
from efi.s2.messages import AnyS2Message, Instruction, control_type_of
from efi.s2.profile import Profile

S2 = "s2"

INSTRUCTION = LossKind(
    tuple(kind.model_fields["type"].default for kind in get_args(AppMessage)),
    "",
    "what an energy app says becomes S2 in a session with the device alone, whose ids it names",
)

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_INSTANTS = ("timestamp", "measurement_timestamp", "valid_from", "start_time", "transition_timestamp")
_INSTRUCTIONS = get_args(Instruction)


def speaks_s2(data: bytes) -> bool:
    """Whether a JSON document is meant as an S2 message: it says its `message_type`."""
    if b'"message_type"' not in data:
        return False
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and "message_type" in told


def _new_ids() -> Iterator[str]:
    """Ids that are the same each time the same files are converted."""
    return (uuid_of(f"converted-{number}") for number in count(1))


class S2Reader:
    """Reads what devices say, one after the other; each one's details begin a session with it."""

    def __init__(self, profile: Profile | None = None, settings: DeviceSettings = DeviceSettings()) -> None:  # noqa: B008  # it is frozen
        self._profiles = tuple(reversed(Profile)) if profile is None else (profile,)
        self._settings = settings
        self._ids = _new_ids()
        self._device: DeviceSide | None = None
        self._now = _LONG_AGO

    def read(self, document: Document) -> Reading:
        """Check a message, in each profile that may be meant, and say in the interface what it says."""
        refused: list[MessageRefused] = []
        taken: dict[Profile, AnyS2Message] = {}
        for profile in self._profiles:
            try:
                taken[profile] = parse(document.data, profile)
            except MessageRefused as error:
                refused.append(error)
        if not taken:
            worst = refused[0]
            unreadable = worst.status is ReceptionStatusValues.INVALID_DATA
            return Reading(document, S2, worst.message_type or "", refusals=(worst.refusal,), unreadable=unreadable)
        profile, message = next(iter(taken.items()))
        told = self._hear(message, profile)
        name = f"{message.message_type} ({', '.join(taken)})"
        doubts = (*(() if told.refusal is None else (told.refusal,)), *told.warnings)
        return Reading(document, S2, name, told.to_efi, told.losses, told.leniencies, told.aliases, doubts=doubts)

    def _hear(self, message: AnyS2Message, profile: Profile) -> Translation:
        self._now = max(
            self._now, *(at for name in _INSTANTS if (at := getattr(message, name, None)) is not None), self._now
        )
        if isinstance(message, ResourceManagerDetails):
            self._device = DeviceSide(
                message.resource_id, profile=profile, new_id=self._ids.__next__, settings=self._settings
            )
        if isinstance(message, _INSTRUCTIONS):
            return Translation(refusal=_instruction(message.message_type))
        if self._device is None:
            return NOTHING if control_type_of(message.message_type) is None else Translation(refusal=_UNKNOWN_DEVICE)
        selected = NOTHING
        wanted = _wanted(self._device, message)
        if wanted is not None:
            selected = self._device.select(wanted, self._now)
        return selected + self._device.hear(message, self._now)


def _wanted(device: DeviceSide, message: AnyS2Message) -> ControlType | None:
    """The control type to select because of a message; None where it is selected, or does not matter."""
    if isinstance(message, SelectControlType):
        wanted: ControlType | None = message.control_type
    elif isinstance(message, ResourceManagerDetails) and message.available_control_types == (_NONE,):
        wanted = _NONE
    else:
        wanted = control_type_of(message.message_type)
    return None if wanted is device.control_type else wanted


_NONE = ControlType.NOT_CONTROLABLE

_UNKNOWN_DEVICE = Refusal(
    "device_unknown",
    "",
    None,
    "nobody said whose message it is",
    "give the device's ResourceManagerDetails before it, in the same command",
)


def _instruction(name: str) -> Refusal:
    return Refusal(
        "instruction_alone",
        "message_type",
        name,
        "an instruction becomes an allocation in a session with the appliance alone, whose update it rests on",
        "let the energy manager speak to the gateway (s2_bridge)",
    )


class S2Writer:
    """Writes what appliances say, each as a device in a session of its own, in its first control type."""

    suffix = ".jsonl"

    def __init__(self, profile: Profile | None = None) -> None:
        self._profile = Profile.V1 if profile is None else profile
        self._ids = _new_ids()
        self._sides: dict[str, CemSide] = {}

    def write(self, messages: Sequence[AnyMessage]) -> Conversion[str]:
        """Write messages; what S2 has no room for is told as lost."""
        told = NOTHING
        for message in messages:
            told += self._tell(message)
        return Conversion(
            tuple(dump(message).decode() for message in told.to_s2), told.losses, told.leniencies, told.aliases
        )

    def _tell(self, message: AnyMessage) -> Translation:
        if not _is_an_appliance_s(message):
            return Translation(losses=(INSTRUCTION.at(message.message_id),))
        side = self._sides.get(message.appliance_id)
        told = NOTHING
        if side is None:
            side = CemSide(message.appliance_id, profile=self._profile, new_id=self._ids.__next__)
            self._sides[message.appliance_id] = side
            told = side.begin(self._profile, message.timestamp)
        told += side.tell(message, message.timestamp)
        if side.offered and side.control_type is not side.offered[0]:
            selection = SelectControlType(message_id=next(self._ids), control_type=side.offered[0])
            told += side.hear(selection, message.timestamp)
        return told


def _is_an_appliance_s(message: AnyMessage) -> TypeGuard[ApplianceMessage]:
    return isinstance(message, get_args(ApplianceMessage))
