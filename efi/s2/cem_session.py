"""The S2 session of an energy manager (CEM), which steers a device that a resource manager speaks for."""

from typing import Any, ClassVar, get_args

from efi.refusal import Refusal, Refused, refuse
from efi.s2.common import ControlType
from efi.s2.conversation import (
    EnergyManagementRole,
    Handshake,
    HandshakeResponse,
    InstructionStatusUpdate,
    ResourceManagerDetails,
    RevokeObject,
    SelectControlType,
    SessionRequest,
    SessionRequestType,
)
from efi.s2.deliveries import printable
from efi.s2.judgement import Harmless
from efi.s2.live_objects import LiveObjects
from efi.s2.messages import AnyNamedMessage, Instruction, OfDevice, control_type_of
from efi.s2.outcome import EndingKind, Outcome
from efi.s2.power import PowerForecast, PowerMeasurement
from efi.s2.profile import Profile
from efi.s2.session import Hearing, Session
from efi.s2.version import Agreement, agree


class CemSession(Session):
    """The energy manager's end.

    It says its Handshake at once, and goes on with devices that skip theirs. A control type that it selects is active
    as soon as the device acknowledges it, or says the first thing that belongs to it.
    """

    role: ClassVar = EnergyManagementRole.CEM

    _selecting: SelectControlType | None = None

    def select(self, control_type: ControlType, at: float) -> Outcome:
        """Choose how the device is to be controlled; NO_SELECTION leaves it to itself."""
        return self.send(SelectControlType(message_id=self._new_id(), control_type=control_type), at)

    @property
    def selecting(self) -> ControlType | None:
        """The control type that was selected and is not active yet; None where none is."""
        return None if self._selecting is None else self._selecting.control_type

    # What the device says ---------------------------------------------------------------------------------------------

    def _open(self) -> None:
        if self.profile is not None:  # S2 Connect has agreed on it, and lets no Handshake be sent
            return
        self._say(
            Handshake(
                message_id=self._new_id(),
                role=self.role,
                supported_protocol_versions=tuple(profile.value for profile in self.profiles),
            )
        )

    def _why_not_taken_up(self) -> str:
        said = "a Handshake" if self.profile is None else "its ResourceManagerDetails"
        return f"the device did not send {said} in time"

    def _take_handshake(self, message: Handshake) -> None:
        agreement = self._agreement(message)
        if agreement is None:
            offered = printable(", ".join(message.supported_protocol_versions or ())[:200])
            ours = ", ".join(self.profiles)
            self._finish(
                SessionRequestType.TERMINATE,
                EndingKind.NO_COMMON_VERSION,
                f"the device speaks {offered}, and this energy manager {ours}",
            )
            return
        self._say(HandshakeResponse(message_id=self._new_id(), selected_protocol_version=agreement.version))
        if agreement.profile is not self.profile:
            self._agree(*agreement)

    def _agreement(self, message: Handshake) -> Agreement | None:
        if message.supported_protocol_versions is not None:
            return agree(self.profiles, message.supported_protocol_versions)
        assumed = self._assumed()
        self._warn(
            "versions_missing",
            "supported_protocol_versions",
            None,
            f"a resource manager names its versions; it is taken to speak {assumed}",
            "name them",
        )
        return Agreement(assumed, assumed.value)

    def _assumed(self) -> Profile:
        """What a device speaks that does not say it."""
        return self.profile or (Profile.BETA if Profile.BETA in self.profiles else self.profiles[0])

    def _take_details(self, message: ResourceManagerDetails) -> None:
        if self.profile is None:
            assumed = self._assumed()
            self._warn(
                "handshake_skipped", "", None, f"no Handshake came; it is taken to speak {assumed}", "send one first"
            )
            self._agree(assumed, assumed.value)
        self._taken_up_until = None
        self._deliver(message)
        self._know(message)

    def _check_told(self, message: Any) -> Any:
        """What belongs to no control type may be said as soon as the device is known."""
        if self.details is None:
            refuse("no_details", "", None, "the device has not said what it is", "send ResourceManagerDetails first")
        return message

    def _check_controlled(self, message: Any) -> Any:
        self._check_told(message)
        if self._begins(message):
            LiveObjects().check(message)
        else:
            self._check_active(message.message_type)
            self._live.check(message)
        return message

    def _take_controlled(self, message: Any) -> None:
        if self._begins(message):
            self._selected()
        self._live.apply(message)
        self._deliver(message)

    def _begins(self, message: Any) -> bool:
        """Whether this is the first thing that belongs to the control type that was selected."""
        return self.selecting not in (None, self.control_type) and (
            control_type_of(message.message_type) is self.selecting
        )

    def _check_status(self, message: InstructionStatusUpdate) -> InstructionStatusUpdate:
        name = self.instructions.find(message.instruction_id)
        if name is None:
            closed = self.instructions.closed_lately(message.instruction_id)
            refusal = Refusal(
                "instruction_closed" if closed else "unknown_instruction",
                "instruction_id",
                message.instruction_id,
                "this instruction is over" if closed else "no such instruction was given",
                "tell the status of open instructions, by the `id` of each",
            )
            raise Harmless(refusal) if closed else Refused(refusal)
        regression = self.instructions.regression(name, message.status_type)
        if regression is not None:
            raise Harmless(regression)
        return message if name == message.instruction_id else message.model_copy(update={"instruction_id": name})

    def _take_status(self, message: InstructionStatusUpdate) -> None:
        self.instructions.advance(message.instruction_id, message.status_type)
        self._deliver(message)

    def _check_revocation(self, message: RevokeObject) -> RevokeObject:
        self._check_told(message)
        return self._find_revoked(message)

    def _take_revocation(self, message: RevokeObject) -> None:
        self._forget_revoked(message)
        self.instructions.close(message.object_id)
        self._deliver(message)

    # What the energy manager says -------------------------------------------------------------------------------------

    def _send_selection(self, message: SelectControlType) -> None:
        if self.details is None:
            refuse("no_details", "", None, "the device has not said what it is", "wait for ResourceManagerDetails")
        self._check_offered(self.details, message)
        self._selecting = message

    def _send_instruction(self, message: Instruction) -> None:
        self._check_active(message.message_type)
        self._live.check(message)
        if self.instructions.find(message.id) is not None or self.instructions.closed_lately(message.id):
            refuse("repeated_instruction", "id", message.id, "an instruction of this id was given", "give it a new id")
        if self.instructions.full:
            self._warn(
                "instruction_forgotten",
                "id",
                self.instructions.forget_oldest(),
                f"{self.instructions.most} instructions are open, and the device never ended this one",
                "end each with a final status",
            )
        self.instructions.open(message)

    def _send_revocation(self, message: RevokeObject) -> None:
        if not message.object_type.value.endswith("Instruction"):
            refuse("not_ours", "object_type", message.object_type.value, "the device said it", "leave it to the device")
        if self._find_own(message) is not message:
            refuse("unknown_object", "object_id", message.object_id, "that is a message_id", "quote the `id`")

    def _heard(self, message: AnyNamedMessage) -> None:
        if message is self._selecting:
            self._selected()

    def _unheard(self, message: AnyNamedMessage) -> None:
        if message is self._selecting:
            self._selecting = None
        elif isinstance(message, Instruction):
            self.instructions.close(message.id)

    def _selected(self) -> None:
        """What was selected is active now."""
        if self._selecting is not None:
            control_type, self._selecting = self._selecting.control_type, None
            self._activate(control_type)


def _as_it_is(session: CemSession, message: Any) -> Any:
    return message


_CONTROLLED = [
    kind for kind in get_args(OfDevice) if control_type_of(kind.model_fields["message_type"].default) is not None
]

CemSession._HEARS = {
    Handshake: Hearing(CemSession._check_role, CemSession._take_handshake),
    SessionRequest: Hearing(_as_it_is, CemSession._obey_request),
    ResourceManagerDetails: Hearing(_as_it_is, CemSession._take_details),
    PowerMeasurement: Hearing(CemSession._check_told, CemSession._deliver),
    PowerForecast: Hearing(CemSession._check_told, CemSession._deliver),
    InstructionStatusUpdate: Hearing(CemSession._check_status, CemSession._take_status),
    RevokeObject: Hearing(CemSession._check_revocation, CemSession._take_revocation),
    **dict.fromkeys(_CONTROLLED, Hearing(CemSession._check_controlled, CemSession._take_controlled)),
}
CemSession._SAYS = {
    SelectControlType: CemSession._send_selection,
    RevokeObject: CemSession._send_revocation,
    **dict.fromkeys(get_args(Instruction), CemSession._send_instruction),
}
