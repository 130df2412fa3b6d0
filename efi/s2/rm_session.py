"""The S2 session of a resource manager (RM), which speaks for a device that an energy manager steers."""

from typing import Any, ClassVar, get_args

from efi.errors import shown
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
)
from efi.s2.judgement import Busy
from efi.s2.messages import AnyNamedMessage, Instruction, OfDevice, control_type_of
from efi.s2.power import PowerForecast, PowerMeasurement
from efi.s2.profile import Profile
from efi.s2.session import Hearing, Session
from efi.s2.version import profile_of


class RmSession(Session):
    """The resource manager's end.

    It says its Handshake at once and waits for none. It says what the device is once the version is known: by the
    energy manager's HandshakeResponse, or because the energy manager goes on without one.
    """

    role: ClassVar = EnergyManagementRole.RM

    def __init__(self, details: ResourceManagerDetails, **settings: Any) -> None:
        super().__init__(**settings)
        self.details: ResourceManagerDetails = details
        self._details_said = False

    # What the energy manager says -------------------------------------------------------------------------------------

    def _open(self) -> None:
        if self.profile is not None:  # S2 Connect has agreed on it, and lets no Handshake be sent
            self._introduce()
            return
        self._say(
            Handshake(
                message_id=self._new_id(),
                role=self.role,
                supported_protocol_versions=tuple(profile.value for profile in self.profiles),
            )
        )

    def _introduce(self) -> None:
        """Say what the device is."""
        self._details_said = True
        self._taken_up_until = None
        self._say(self.details)

    def _why_not_taken_up(self) -> str:
        return "the energy manager did not send a HandshakeResponse in time"

    def _hear_handshake(self, message: Handshake) -> None:
        """Nothing follows: the energy manager's response does."""

    def _check_response(self, message: HandshakeResponse) -> HandshakeResponse:
        version = message.selected_protocol_version
        profile = profile_of(version)
        if profile not in self.profiles:
            ours = ", ".join(self.profiles)
            refuse(
                "version_not_offered", "selected_protocol_version", shown(version), f"{ours} is offered", "select that"
            )
        if self.control_type is not ControlType.NO_SELECTION and profile is not self.profile:
            fact = f"the session speaks {self.profile}"
            refuse(
                "version_settled", "selected_protocol_version", shown(version), fact, "connect anew to speak another"
            )
        return message

    def _take_response(self, message: HandshakeResponse) -> None:
        profile = profile_of(message.selected_protocol_version)
        if profile is not None and profile is not self.profile:
            self._agree(profile, message.selected_protocol_version)
        if not self._details_said:
            self._introduce()

    def _check_selection(self, message: SelectControlType) -> SelectControlType:
        self._check_offered(self.details, message)
        return message

    def _take_selection(self, message: SelectControlType) -> None:
        if self.profile is None:
            assumed = Profile.BETA if Profile.BETA in self.profiles else self.profiles[0]
            self._warn(
                "handshake_skipped",
                "",
                None,
                f"no HandshakeResponse came; the session is taken to speak {assumed}",
                "send one first",
            )
            self._agree(assumed, assumed.value)
            self._introduce()
        self._activate(message.control_type)

    def _check_instruction(self, message: Instruction) -> Instruction:
        self._check_active(message.message_type)
        if self.instructions.find(message.id) is not None or self.instructions.closed_lately(message.id):
            refuse("repeated_instruction", "id", message.id, "an instruction of this id was given", "give it a new id")
        self._live.check(message)
        if self.instructions.full:
            most = self.instructions.most
            raise Busy(
                Refusal("too_many_instructions", "id", message.id, f"{most} are open", "wait until some are over")
            )
        return message

    def _take_instruction(self, message: Instruction) -> None:
        self.instructions.open(message)
        self._deliver(message)

    def _check_revocation(self, message: RevokeObject) -> RevokeObject:
        if not message.object_type.value.endswith("Instruction"):
            refuse(
                "not_yours", "object_type", message.object_type.value, "the device said it", "leave it to the device"
            )
        return self._find_revoked(message)

    # What the resource manager says -----------------------------------------------------------------------------------

    def _send_details(self, message: ResourceManagerDetails) -> None:
        if self.profile is None:
            self.details = message
            refuse("not_agreed", "", None, "the version is not agreed on yet", "leave it: the session says it in time")
        self._details_said = True
        self._know(message)

    def _check_introduced(self, message: Any) -> None:
        if not self._details_said:
            refuse("no_details", "", None, "the device has not said what it is", "wait until the version is agreed on")

    def _send_controlled(self, message: Any) -> None:
        self._check_active(message.message_type)
        self._live.check(message)
        self._live.apply(message)

    def _send_status(self, message: InstructionStatusUpdate) -> None:
        name = message.instruction_id
        if self.instructions.find(name) != name:
            refuse("unknown_instruction", "instruction_id", name, "no such instruction is open", "leave it")
        regression = self.instructions.regression(name, message.status_type)
        if regression is not None:
            raise Refused(regression)
        self.instructions.advance(name, message.status_type)

    def _send_revocation(self, message: RevokeObject) -> None:
        found = self._find_own(message)
        self._forget_revoked(found)
        self.instructions.close(found.object_id)

    def _heard(self, message: AnyNamedMessage) -> None:
        """Nothing follows."""

    def _unheard(self, message: AnyNamedMessage) -> None:
        """Nothing follows: whoever said it hears of it."""


def _as_it_is(session: RmSession, message: Any) -> Any:
    return message


_CONTROLLED = [
    kind for kind in get_args(OfDevice) if control_type_of(kind.model_fields["message_type"].default) is not None
]

RmSession._HEARS = {
    Handshake: Hearing(RmSession._check_role, RmSession._hear_handshake),
    SessionRequest: Hearing(_as_it_is, RmSession._obey_request),
    HandshakeResponse: Hearing(RmSession._check_response, RmSession._take_response),
    SelectControlType: Hearing(RmSession._check_selection, RmSession._take_selection),
    RevokeObject: Hearing(RmSession._check_revocation, RmSession._deliver),
    **dict.fromkeys(get_args(Instruction), Hearing(RmSession._check_instruction, RmSession._take_instruction)),
}
RmSession._SAYS = {
    ResourceManagerDetails: RmSession._send_details,
    PowerMeasurement: RmSession._check_introduced,
    PowerForecast: RmSession._check_introduced,
    InstructionStatusUpdate: RmSession._send_status,
    RevokeObject: RmSession._send_revocation,
    **dict.fromkeys(_CONTROLLED, RmSession._send_controlled),
}
