"""One S2 session seen from one of its ends: what may be said when, what is answered, and when it is over.

It knows no transport and no clock: it is given what came and the time, and tells what to say and what happened. Nothing
that a peer sends makes it raise, and no single message ends it but a SessionRequest and a PERMANENT_ERROR.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from efi.recent import RecentIds
from efi.refusal import Refusal, Refused, refuse
from efi.s2.bad_frames import BadFrames
from efi.s2.codec import MessageRefused, parse
from efi.s2.common import ControlType
from efi.s2.content import check_content
from efi.s2.conversation import (
    EnergyManagementRole,
    Handshake,
    HandshakeResponse,
    ReceptionStatus,
    ReceptionStatusValues,
    ResourceManagerDetails,
    RevokeObject,
    SelectControlType,
    SessionRequest,
    SessionRequestType,
)
from efi.s2.deliveries import LONGEST_LABEL, NIL_ID, Deliveries, printable
from efi.s2.heard import HeardMessages
from efi.s2.instructions import OpenInstructions
from efi.s2.judgement import Busy, Harmless
from efi.s2.live_objects import LiveObjects
from efi.s2.messages import MESSAGE_CLASSES, AnyNamedMessage, AnyS2Message, control_type_of
from efi.s2.outcome import (
    NOTHING,
    Agreed,
    ControlTypeChanged,
    Declined,
    Delivered,
    Ending,
    EndingKind,
    Event,
    NotDelivered,
    Outcome,
    Received,
    Warned,
)
from efi.s2.profile import Profile
from efi.s2.session_limits import SessionLimits

Judge = Callable[[AnyNamedMessage], Refusal | None]
"""Asked of what passed the session's own rules, before it is acknowledged; a refusal makes it INVALID_CONTENT."""


class Hearing(NamedTuple):
    """How one kind of message is heard."""

    check: Callable[[Any, Any], Any]
    """Gives the message as it is to be taken, or raises Refused, Harmless or Busy; it changes nothing."""
    take: Callable[[Any, Any], None]
    """Does what follows from it."""


class Session(ABC):
    """What both ends have in common."""

    role: ClassVar[EnergyManagementRole]
    _HEARS: ClassVar[Mapping[type, Hearing]]
    """What this end hears."""
    _SAYS: ClassVar[Mapping[type, Callable[[Any, Any], None]]]
    """What this end says: each checks a message of ours and takes note of it, or raises Refused."""

    def __init__(
        self,
        *,
        new_id: Callable[[], str],
        profiles: Sequence[Profile] = (Profile.V1, Profile.BETA),
        agreed: Profile | None = None,
        judge: Judge | None = None,
        limits: SessionLimits = SessionLimits(),  # noqa: B008  # it is immutable
    ) -> None:
        self.profiles = tuple(profiles)
        """The versions that this side speaks, the preferred one first."""
        self.profile = agreed
        """The version of the session; None until it is agreed on. S2 Connect agrees on it beforehand."""
        self.details: ResourceManagerDetails | None = None
        """What the device is."""
        self.control_type = ControlType.NO_SELECTION
        """How the device is controlled now."""
        self.instructions = OpenInstructions(limits.most_instructions)
        """The instructions without a final status."""
        self.ending: Ending | None = None
        """Why the session is over."""
        self.judge = judge
        self._limits = limits
        self._new_id = new_id
        self._live = LiveObjects()
        self._revoked = RecentIds(limits.remembered_messages)
        self._deliveries = Deliveries(limits.deliveries)
        self._bad_frames = BadFrames(limits.bad_frames)
        self._heard_lately = HeardMessages(limits.remembered_messages)
        self._taken_up_until: float | None = None
        self._at = 0.0
        self._to_peer: list[AnyS2Message] = []
        self._events: list[Event] = []

    # What goes on ---------------------------------------------------------------------------------------------------

    def start(self, at: float) -> Outcome:
        """The connection stands; `at` is in seconds, by a clock that never jumps."""
        self._at = at
        self._taken_up_until = at + self._limits.handshake_within_s
        self._open()
        return self._outcome()

    def receive(self, data: bytes | str, at: float) -> Outcome:
        """Take what the other side sent: one frame, whatever it holds."""
        if self.ending is not None:
            return NOTHING
        self._at = at
        try:
            message = parse(data, self.profile or Profile.BETA)
        except MessageRefused as refused:
            self._decline(refused.status, refused.refusal, refused.subject_id, refused.message_type)
            return self._outcome()
        if type(message) is ReceptionStatus:
            self._take_reception_status(message)
        else:
            self._take(message, hash(data))
        return self._outcome()

    def send(self, message: AnyNamedMessage, at: float) -> Outcome:
        """Say something, if it may be said now; else the outcome's `refusal` tells why it may not."""
        self._at = at
        try:
            self._check_sending(message)
        except Refused as refused:
            return self._outcome()._replace(refusal=refused.refusal)
        self._say(message)
        return self._outcome()

    @property
    def next_due(self) -> float | None:
        """When `wake` is to be called next; None while nothing is waited for."""
        if self.ending is not None:
            return None
        due = [each for each in (self._deliveries.next_due, self._taken_up_until) if each is not None]
        return min(due, default=None)

    def wake(self, at: float) -> Outcome:
        """Time has passed: what is overdue is given up, what the other side could not take is sent again."""
        if self.ending is not None:
            return NOTHING
        self._at = at
        if self._taken_up_until is not None and self._taken_up_until <= at:
            self._end(EndingKind.NO_HANDSHAKE, self._why_not_taken_up())
            return self._outcome()
        again, given_up = self._deliveries.wake(at)
        self._to_peer += again
        for event in given_up:
            self._settle(event)
        return self._outcome()

    def finish(self, request: SessionRequestType, reason: str, at: float) -> Outcome:
        """End the session from this side, and tell the other."""
        if self.ending is not None:
            return NOTHING
        self._at = at
        self._finish(request, EndingKind.ENDED_HERE, reason)
        return self._outcome()

    # What each end does in its own way -------------------------------------------------------------------------------

    @abstractmethod
    def _open(self) -> None:
        """Say what is to be said first."""

    @abstractmethod
    def _why_not_taken_up(self) -> str:
        """What the other side did not say in time."""

    @abstractmethod
    def _heard(self, message: AnyNamedMessage) -> None:
        """The other side took a message of ours, as far as is known."""

    @abstractmethod
    def _unheard(self, message: AnyNamedMessage) -> None:
        """The other side refused a message of ours for good."""

    # What the other side says ----------------------------------------------------------------------------------------

    def _take(self, message: Any, digest: int) -> None:
        answered = self._heard_lately.answer_to(message.message_id, digest)
        if answered is not None:
            self._to_peer.append(answered)
            self._warn("repeated_message", "message_id", message.message_id, "it came before", "send it once")
            return
        name, kind = message.message_id, message.message_type
        try:
            taken = self._check(message)
        except Refused as refused:
            self._decline(ReceptionStatusValues.INVALID_CONTENT, refused.refusal, name, kind)
        except Busy as busy:
            self._decline(ReceptionStatusValues.TEMPORARY_ERROR, busy.refusal, name, kind)
        except Harmless as harmless:
            self._acknowledge(name, digest)
            self._events.append(Warned(harmless.refusal))
        else:
            self._acknowledge(name, digest)
            self._HEARS[type(message)].take(self, taken)

    def _check(self, message: Any) -> Any:
        kind = type(message)
        hearing = self._HEARS.get(kind)
        if hearing is None:
            refuse(
                "wrong_side",
                "message_type",
                message.message_type,
                f"a {'resource manager' if self.role is EnergyManagementRole.CEM else 'CEM'} does not say this",
                "send what is yours to say",
            )
        check_content(message)
        taken = hearing.check(self, message)
        if self.judge is not None and kind not in _OF_THE_SESSION:
            refusal = self.judge(taken)
            if refusal is not None:
                raise Refused(refusal)
        return taken

    def _acknowledge(self, message_id: str, digest: int) -> None:
        answer = ReceptionStatus(subject_message_id=message_id, status=ReceptionStatusValues.OK)
        self._to_peer.append(answer)
        self._heard_lately.remember(message_id, digest, answer)

    def _deliver(self, message: AnyNamedMessage) -> None:
        self._events.append(Received(message))

    def _decline(
        self, status: ReceptionStatusValues, refusal: Refusal, subject_id: str | None, message_type: str | None
    ) -> None:
        if message_type != "ReceptionStatus":
            self._to_peer.append(
                ReceptionStatus(
                    subject_message_id=subject_id or NIL_ID,
                    status=status,
                    diagnostic_label=refusal.sentence[:LONGEST_LABEL],
                )
            )
        self._events.append(Declined(status, refusal, message_type))
        self._count_bad_frame()

    def _count_bad_frame(self) -> None:
        if self._bad_frames.too_many(self._at):
            self._end(
                EndingKind.FLOODED, f"{self._bad_frames.total} of its messages were of no use, the last ones fast"
            )

    def _check_role(self, message: Handshake) -> Handshake:
        if message.role is self.role:
            refuse("same_role", "role", message.role.value, "this side is one, too", "connect it to the other end")
        return message

    def _obey_request(self, message: SessionRequest) -> None:
        said = f": {printable(message.diagnostic_label)}" if message.diagnostic_label else ""
        if message.request is SessionRequestType.RECONNECT:
            self._end(EndingKind.RECONNECT, f"the other side asks for a new connection{said}")
        else:
            self._end(EndingKind.TERMINATED, f"the other side ends the session{said}")

    def _check_active(self, name: str, path: str = "message_type") -> None:
        """Refuse what belongs to a control type that is not active."""
        wanted = control_type_of(name)
        if wanted is not None and wanted is not self.control_type:
            refuse(
                "inactive_control_type",
                path,
                name,
                f"{wanted.value} is not active, but {self.control_type.value} is",
                "wait until it is selected",
            )

    def _find_revoked(self, message: RevokeObject) -> RevokeObject:
        """The same revocation, with the name under which the object was told."""
        kind, name = message.object_type, message.object_id
        self._check_active(kind.value, "object_type")
        found = self.instructions.find(name) if kind.value.endswith("Instruction") else self._live.find(kind, name)
        if found is None:
            unknown = Refusal(
                "unknown_object", "object_id", name, f"no such {kind.value} is live", "name a live one by its id"
            )
            if name in self._revoked or self.instructions.closed_lately(name):
                raise Harmless(unknown)
            raise Refused(unknown)
        return message if found == name else message.model_copy(update={"object_id": found})

    def _find_own(self, message: RevokeObject) -> RevokeObject:
        """The same for a revocation of this end, which takes back nothing twice."""
        try:
            return self._find_revoked(message)
        except Harmless as harmless:
            raise Refused(harmless.refusal) from None

    def _forget_revoked(self, message: RevokeObject) -> None:
        self._revoked.add(message.object_id)
        self._heard_lately.forget()
        self._live.revoke(message.object_type, message.object_id)

    def _check_offered(self, details: ResourceManagerDetails, selection: SelectControlType) -> None:
        """Refuse to select what the device does not offer."""
        if not details.offers(selection.control_type):
            offered, value = ", ".join(details.available_control_types), selection.control_type.value
            refuse("control_type_not_available", "control_type", value, f"the device offers {offered}", "select that")

    def _activate(self, control_type: ControlType) -> None:
        """Another control type is active, or the same one anew."""
        before, self.control_type = self.control_type, control_type
        self._live.clear()
        # A device may describe itself in the very same words, ids included.
        self._heard_lately.forget()
        self._deliveries.activate(control_type)
        self._events.append(ControlTypeChanged(control_type, before))

    def _know(self, details: ResourceManagerDetails) -> None:
        """The device is this; a control type that it no longer offers ends."""
        self.details = details
        if not details.offers(self.control_type):
            self._activate(ControlType.NO_SELECTION)

    # What the other side answers -------------------------------------------------------------------------------------

    def _take_reception_status(self, answer: ReceptionStatus) -> None:
        event = self._deliveries.answered(answer, self._at)
        if event is not None:
            self._settle(event)

    def _settle(self, event: Delivered | NotDelivered | Warned) -> None:
        """Something is known of a message of ours."""
        self._events.append(event)
        match event:
            case Warned():
                self._count_bad_frame()
            case Delivered(message) | NotDelivered(message, None):
                # Who acknowledges nothing may have heard nevertheless, and act.
                self._heard(message)
            case NotDelivered(message, status, reason):
                self._unheard(message)
                if status is ReceptionStatusValues.PERMANENT_ERROR:
                    said = f"the other side will not recover from a {message.message_type}: {reason}"
                    self._end(EndingKind.PERMANENT_ERROR, said)

    # What this side says ----------------------------------------------------------------------------------------------

    def _check_sending(self, message: Any) -> None:
        if self.ending is not None:
            refuse("session_over", "", None, f"the session is over: {self.ending.reason}", "open another")
        check = self._SAYS.get(type(message))
        if check is None:
            refuse("wrong_side", "message_type", message.message_type, f"a {self.role} does not say this", "leave it")
        if self.profile is not None and MESSAGE_CLASSES[self.profile].get(message.message_type) is not type(message):
            refuse("wrong_profile", "message_type", message.message_type, f"{self.profile} has no such", "leave it")
        check_content(message)
        check(self, message)

    def _say(self, message: Any) -> None:
        self._to_peer.append(message)
        given_up = self._deliveries.sent(message, self._at)
        if given_up is not None:
            self._settle(given_up)

    def _agree(self, profile: Profile, version: str) -> None:
        self.profile = profile
        self._events.append(Agreed(profile, version))

    def _warn(self, rule: str, path: str, value: Any, fact: str, cure: str) -> None:
        self._events.append(Warned(Refusal(rule, path, value, fact, cure)))

    def _finish(self, request: SessionRequestType, kind: EndingKind, reason: str) -> None:
        self._to_peer.append(
            SessionRequest(message_id=self._new_id(), request=request, diagnostic_label=reason[:LONGEST_LABEL])
        )
        self._end(kind, reason)

    def _end(self, kind: EndingKind, reason: str) -> None:
        if self.ending is None:
            self.ending = Ending(kind, reason)

    def _outcome(self) -> Outcome:
        outcome = Outcome(tuple(self._to_peer), tuple(self._events), None, self.ending)
        self._to_peer.clear()
        self._events.clear()
        return outcome


_OF_THE_SESSION = frozenset((Handshake, HandshakeResponse, SelectControlType, SessionRequest))
"""What the session answers on its own; nobody else is asked."""
