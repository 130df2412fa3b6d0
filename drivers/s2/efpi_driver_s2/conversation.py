"""One connection with one device, from its handshake to its end: S2 on one side, the interface on the other."""

from collections.abc import Callable
from typing import NamedTuple, Protocol
from uuid import uuid4

from efi.allocation import AllocationRevoke
from efi.conversion import Loss
from efi.messages import AppMessage
from efi.refusal import Refusal
from efi.s2.cem_session import CemSession
from efi.s2.codec import dump
from efi.s2.common import ControlType
from efi.s2.conversation import (
    InstructionStatusUpdate,
    ReceptionStatus,
    ReceptionStatusValues,
    ResourceManagerDetails,
    RevokableObjects,
    RevokeObject,
    SessionRequestType,
)
from efi.s2.mapping.device_side import DeviceSide
from efi.s2.mapping.translation import NOTHING, Translation
from efi.s2.messages import AnyNamedMessage, Instruction
from efi.s2.outcome import ControlTypeChanged, Declined, Event, NotDelivered, Outcome, Received
from efi.s2.profile import Profile
from efi.s2.session_limits import SessionLimits
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.context import Context
from efpi_core.s2.ending import EndedBy, Ending
from efpi_core.s2.link import Link
from efpi_driver_s2.appliance import S2Appliance
from efpi_driver_s2.choice import DESCRIBED, DESCRIPTIONS, chosen
from efpi_driver_s2.config import DeviceConfig, S2Config
from efpi_driver_s2.hand_back import HandBack
from efpi_driver_s2.roster import NotAdmittedError
from efpi_driver_s2.session_ending import link_ending
from efpi_driver_s2.telling import PER_S, Telling
from efpi_driver_s2.unanswered import Unanswered, is_instruction

DESCRIBE_WITHIN_S = 60.0
"""How long a device may take to say what it can do, once it knows how it is controlled."""

ANSWERS = 8
"""So many messages a device may say because of one of ours: that it came, how far it is, its state."""

LIMITS = SessionLimits()
"""What a session bears."""

MOST_NOTES = 50
"""So many different things that the interface cannot carry are told in the log, of one connection."""

# Types of messages are compared exactly: `isinstance` of a pydantic class that is not the very one costs a µs.


class Settled(NamedTuple):
    """Who a device turned out to be."""

    appliance: S2Appliance
    device: DeviceConfig
    config: S2Config


class Host(Protocol):
    """Where conversations take place."""

    def introduced(self, conversation: "Conversation", resource_id: str) -> Settled:
        """Somebody says who it is; raises NotAdmittedError for an impostor."""


_RESTLESS = Ending(
    EndedBy.FLOODED,
    f"it changes what it can do more than {PER_S:g} times a second",
    "restart the device; if that does not help, ask its maker",
)


def _uuid() -> str:
    return str(uuid4())


class Conversation:
    """What is said over one link. All of it happens at once when a message comes; nothing here waits."""

    def __init__(
        self,
        link: Link,
        context: Context,
        host: Host,
        holder: str,
        called: DeviceConfig | None = None,
        agreed: Profile | None = None,
        new_id: Callable[[], str] = _uuid,
    ) -> None:
        """`agreed` is the version of a paired device, with which no Handshake is exchanged."""
        self.link = link
        self.holder = holder
        """By whose credentials it came in."""
        self.called = called
        """The settings of the device that was called on; None for one that came by itself."""
        self.settled: Settled | None = None
        """Who the device is; None before it said so, and after it left."""
        self.came = False
        """Whether it has said who it is."""
        self._context = context
        self._host = host
        self._new_id = new_id
        self._session = CemSession(new_id=new_id, judge=self._judge, agreed=agreed, limits=LIMITS)
        self._side: DeviceSide | None = None
        self._meant = NOTHING
        self._unanswered = Unanswered()
        self._hand_back = HandBack(context, self._leave_for_a_moment)
        self._again: ControlType | None = None
        self._parting: Ending | None = None
        self._describe_by: float | None = None
        self._noted: set[str] = set()
        self._telling = Telling()

    @property
    def peer(self) -> str:
        """Who is at the other end, for people."""
        return self.link.peer if self.settled is None else self.settled.appliance.appliance_id

    async def run(self) -> Ending:
        """Converse until the link ends."""
        self._take(self._session.start(self._context.elapsed()))
        ending = await self.link.run(self._received)
        self._over(ending)
        return ending

    # --- what the device says

    def _received(self, frame: bytes) -> None:
        self._take(self._session.receive(frame, self._context.elapsed()))

    def _take(self, outcome: Outcome) -> None:
        for message in outcome.to_peer:
            self.link.send(dump(message), answers=0 if type(message) is ReceptionStatus else ANSWERS)
        for event in outcome.events:
            self._happened(event)
        if outcome.ending is not None:
            self.link.end(self._parting or link_ending(outcome.ending))

    def _judge(self, message: AnyNamedMessage) -> Refusal | None:
        """Understand a message before it is acknowledged; why it cannot be, if so."""
        now = self._context.now()
        if type(message) is ResourceManagerDetails and (refusal := self._introduce(message)) is not None:
            return refusal
        self._meant = NOTHING if self._side is None else self._side.hear(message, now)
        return self._meant.refusal

    def _happened(self, event: Event) -> None:
        match event:
            case Received():
                meant, self._meant = self._meant, NOTHING
                self._heard(event.message)
                self._translated(meant)
                if type(event.message) is ResourceManagerDetails:
                    self._choose(event.message)
            case NotDelivered():
                self._not_delivered(event)
            case ControlTypeChanged() if event.control_type is ControlType.NO_SELECTION and self._again is not None:
                control_type, self._again = self._again, None
                self._select(control_type)
            case Declined():
                kind = event.message_type or "message"
                self._degraded("wrong_messages", f"its {kind} was refused: {event.refusal.sentence}")
            case _:
                pass

    def _heard(self, message: AnyNamedMessage) -> None:
        if type(message) is InstructionStatusUpdate:
            self._unanswered.answered(message.instruction_id)
        elif self._describe_by is not None and message.message_type in DESCRIPTIONS:
            self._describe_by = None
            if self.settled is not None:
                self.settled.appliance.well()

    # --- who it is, and how it is controlled

    def _introduce(self, details: ResourceManagerDetails) -> Refusal | None:
        """Find its appliance; one that changes its name meanwhile is another device, and has to connect anew."""
        self.came = True
        if self._side is not None and self._session.details is not None:
            if details.resource_id == self._session.details.resource_id:
                return None
            return self._refuse(NotAdmittedError("identity_changed", "it was another device before", "connect anew"))
        try:
            self.settled = settled = self._host.introduced(self, details.resource_id)
        except NotAdmittedError as refused:
            return self._refuse(refused)
        self._side = DeviceSide(
            settled.appliance.appliance_id, profile=self._session.profile or Profile.BETA, new_id=self._context.new_id,
            settings=settled.device.known(),
        )  # fmt: skip
        settled.appliance.arrived(self)
        return None

    def _refuse(self, error: NotAdmittedError) -> Refusal:
        """Have nothing to do with whoever this is, once it has been told so."""
        ending = Ending(EndedBy.REFUSED, str(error), error.cure, error.detail)
        self._context.soon(lambda: self.part(SessionRequestType.TERMINATE, ending))
        return Refusal(error.detail, "resource_id", None, str(error), error.cure)

    def _choose(self, details: ResourceManagerDetails) -> None:
        if self.settled is None or self._side is None:
            return
        device, config = self.settled.device, self.settled.config
        best = chosen(details.available_control_types, device.control, config.control)
        if best is None:
            self.settled.appliance.condition(
                ConditionState.DEGRADED, "no_control_type", "it offers no control type that is known here",
                "ask the device's maker which version of S2 it speaks",
            )  # fmt: skip
        elif best is not self._session.control_type:
            self._select(best)

    def _select(self, control_type: ControlType) -> None:
        if self.settled is not None and self._side is not None:
            self.settled.appliance.curtailable = control_type is ControlType.POWER_ENVELOPE_BASED_CONTROL
            self._hand_back.begins()
            described = control_type in DESCRIBED
            self._describe_by = self._context.elapsed() + DESCRIBE_WITHIN_S if described else None
            self._translated(self._side.select(control_type, self._context.now()))

    # --- what the gateway says

    def ask(self, message: AppMessage) -> None:
        """Pass on what an app, or the gateway, wants of the device."""
        if type(message) is AllocationRevoke:
            self._hand_back.unwanted()
        else:
            self._hand_back.wanted()
        if self._side is not None:
            self._translated(self._side.tell(message, self._context.now()))

    def let_go(self) -> None:
        """Nobody wants anything any more: the device runs by itself and goes on telling what it could do."""
        if self.settled is not None:
            self.ask(self.settled.appliance.all_taken_back())

    def leave(self) -> None:
        """The gateway goes: the device runs by itself. What was promised stands until the gateway is back."""
        if self.settled is not None:
            self.settled.appliance.muted = True
            self.let_go()
            self._again = None
            self._select(ControlType.NO_SELECTION)
            self._hand_back.stop()

    def part(self, request: SessionRequestType, ending: Ending) -> None:
        """End the session from this side, and say why."""
        self._parting = ending
        self._take(self._session.finish(request, ending.text, self._context.elapsed()))

    def replaced(self) -> None:
        """The same device opened a newer connection."""
        ending = Ending(EndedBy.REPLACED, "the same device opened a newer connection, which counts")
        self._leave_appliance(ending)
        self.part(SessionRequestType.TERMINATE, ending)

    def _leave_for_a_moment(self) -> None:
        """Leave the control type, and choose it anew once it is left."""
        if self.link.open and self._again is None:
            self._again = self._session.control_type
            self._select(ControlType.NO_SELECTION)

    # --- both ways

    def _translated(self, translation: Translation) -> None:
        if self.settled is None:
            return
        self.settled.appliance.say(translation.to_efi)
        if self._telling.too_much(translation.to_efi, self._context.elapsed()):
            self.link.end(_RESTLESS)
        for message in translation.to_s2:
            self._say(message)
        for loss in translation.losses:
            self._note(loss.reason, loss)
        for warning in translation.warnings:
            self._note(warning.rule, warning)
        self._hand_back.look(any_open=self.settled.appliance.open)

    def _say(self, message: AnyNamedMessage) -> None:
        if is_instruction(message):
            self._awaits(message)
        outcome = self._session.send(message, self._context.elapsed())
        self._take(outcome)
        if outcome.refusal is not None:
            self._note(outcome.refusal.rule, outcome.refusal)
            self._not_taken(message, None, outcome.refusal.sentence)

    def _note(self, kind: str, found: Loss | Refusal) -> None:
        """Tell in the log what is lost on the way, or not right: the first of each kind."""
        if kind not in self._noted and len(self._noted) < MOST_NOTES:
            self._noted.add(kind)
            self._context.log.info(f"{self.peer}: {found.sentence}")

    # --- what the device does not say

    def _awaits(self, instruction: Instruction) -> None:
        """From now on the device has so long to say whether it follows."""
        self._hand_back.steered()
        settled, details = self.settled, self._session.details
        if settled is not None and details is not None:
            ahead_s = max((instruction.execution_time - self._context.now()).total_seconds(), 0.0)
            wait_s = ahead_s + details.instruction_processing_delay / 1000 + settled.config.answer_within_s
            self._unanswered.add(instruction, self._context.elapsed() + wait_s)

    def _not_delivered(self, event: NotDelivered) -> None:
        message = event.message
        if is_instruction(message):
            if message.id not in self._unanswered:
                return  # it says how far it has come, so it has it
            if event.status is None:
                self._degraded("no_status", f"it does not acknowledge its {message.message_type}")
        self._not_taken(message, event.status, event.reason)

    def _not_taken(self, message: AnyNamedMessage, status: ReceptionStatusValues | None, reason: str) -> None:
        """The device did not take a message of ours: what rested on it ends."""
        if is_instruction(message):
            self._unanswered.answered(message.id)
        if self._side is not None and (name := getattr(message, "message_id", None)) is not None:
            self._translated(self._side.not_taken(name, status, reason, self._context.now()))

    def _give_up(self, at: float) -> None:
        """Some instructions were acknowledged, and nothing was said of them in time: they are taken back."""
        for instruction in self._unanswered.take_overdue(at):
            text = "the device acknowledged it, and did not say in time whether it follows"
            self._not_taken(instruction, None, text)
            self._degraded("no_status", f"it does not say whether it follows its {instruction.message_type}")
            if self._session.instructions.find(instruction.id) is not None:
                self._say(
                    RevokeObject(
                        message_id=self._new_id(), object_type=RevokableObjects(instruction.message_type),
                        object_id=instruction.id,
                    )
                )  # fmt: skip

    def _degraded(self, detail: str, text: str) -> None:
        if self.settled is not None:
            self.settled.appliance.degraded(detail, text, "look at the device's own log, or ask its maker")

    # --- time

    def tick(self) -> None:
        """Time has passed: look what is due. Called each second; no deadline here is shorter."""
        at, now = self._context.elapsed(), self._context.now()
        if not self.link.open:
            return
        if (due := self._session.next_due) is not None and due <= at:
            self._take(self._session.wake(at))
        if self._side is not None and (begins := self._side.wakes_at) is not None and begins <= now:
            self._translated(self._side.wake(now))
        if self._describe_by is not None and self._describe_by <= at:
            self._describe_by = None
            self._degraded("no_description", "it was told how it is controlled, and does not say what it can do")
        self._give_up(at)

    # --- the end

    def _over(self, ending: Ending) -> None:
        self._hand_back.stop()
        self._leave_appliance(ending)

    def _leave_appliance(self, ending: Ending) -> None:
        """The connection ends, and with it what rested on it."""
        settled, side = self.settled, self._side
        self.settled = self._side = None
        if settled is not None and side is not None:
            settled.appliance.say(side.end(self._context.now(), ending.text).to_efi)
            settled.appliance.left(ending)
