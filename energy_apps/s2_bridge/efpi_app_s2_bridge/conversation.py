"""One session with an energy manager about one appliance, over one link, from its first message to its last."""

from collections.abc import Callable
from uuid import uuid4

from efi.messages import ApplianceMessage, AppMessage
from efi.refusal import Refusal
from efi.s2.codec import dump
from efi.s2.common import ControlType
from efi.s2.conversation import ReceptionStatusValues, ResourceManagerDetails, SelectControlType, SessionRequestType
from efi.s2.mapping.cem_side import CemSide
from efi.s2.mapping.translation import NOTHING, Translation
from efi.s2.messages import AnyNamedMessage, AnyS2Message
from efi.s2.newest import newest_mark
from efi.s2.outcome import (
    Agreed,
    ControlTypeChanged,
    Declined,
    Delivered,
    EndingKind,
    Event,
    NotDelivered,
    Outcome,
    Received,
    Warned,
)
from efi.s2.outcome import Ending as SessionEnding
from efi.s2.profile import Profile
from efi.s2.rm_session import RmSession
from efpi_app_s2_bridge.notes import Notes
from efpi_core.clock import TimerHandle
from efpi_core.plugin.context import Context
from efpi_core.s2.ending import EndedBy, Ending
from efpi_core.s2.link import Link

PROFILES = (Profile.V1, Profile.BETA)
"""The versions on offer, the preferred one first."""


def new_id() -> str:
    """A name for a message, as many energy managers want it."""
    return str(uuid4())


class Conversation:
    """Carries messages between the energy manager and the appliance, whatever either of them says.

    `ask` is given what the energy manager asks, `selected` the control type that it chooses; `begun` is called when
    both sides have agreed on a version.
    """

    def __init__(
        self,
        link: Link,
        side: CemSide,
        context: Context,
        notes: Notes,
        *,
        ask: Callable[[AppMessage], None],
        selected: Callable[[ControlType], None],
        begun: Callable[[], None],
        agreed: Profile | None = None,
    ) -> None:
        """`agreed` is the version of a paired energy manager, with which no Handshake is exchanged."""
        self.link = link
        self._side = side
        self._context = context
        self._ask = ask
        self._selected = selected
        self._begun = begun
        self._notes = notes
        self._heard = NOTHING
        self._alarm: TimerHandle | None = None
        self._rings_at = 0.0
        self._agreed = agreed
        details = _details_of(side.begin(agreed or PROFILES[0], context.now()))
        self._session = RmSession(details, new_id=new_id, profiles=PROFILES, agreed=agreed, judge=self._judge)

    @property
    def control_type(self) -> ControlType:
        """How the energy manager controls the appliance now."""
        return self._session.control_type

    @property
    def begun(self) -> bool:
        """Whether both sides have agreed on a version."""
        return self._session.profile is not None

    async def run(self) -> Ending:
        """Talk until the link ends; the answer is why it did."""
        self._take(self._session.start(self._context.elapsed()))
        if self._agreed is not None:
            self._act_on(Agreed(self._agreed, self._agreed.value))
        try:
            return await self.link.run(self._receive)
        finally:
            self._silence()

    def tell(self, message: ApplianceMessage) -> None:
        """The appliance says something."""
        self._act(self._side.tell(message, self._context.now()))
        self._arm()

    def finish(self, request: SessionRequestType, ending: Ending) -> None:
        """End it from this side, and say so."""
        for message in self._session.finish(request, ending.text, self._context.elapsed()).to_peer:
            self._send(message)
        self.link.end(ending)

    # --- what the energy manager says

    def _receive(self, frame: bytes) -> None:
        self._take(self._session.receive(frame, self._context.elapsed()))

    def _judge(self, message: AnyNamedMessage) -> Refusal | None:
        """Asked of each message before it is acknowledged; what comes of one that is taken is done thereafter."""
        self._heard = self._side.hear(message, self._context.now())
        return self._heard.refusal

    def _take(self, outcome: Outcome) -> None:
        """Say what is to be said, then act on what happened."""
        for message in outcome.to_peer:
            self._send(message)
        for event in outcome.events:
            self._act_on(event)
        if outcome.ending is not None:
            self.link.end(_link_ending(outcome.ending))
        self._arm()

    def _act_on(self, event: Event) -> None:
        now = self._context.now()
        match event:
            case Agreed(profile):
                self._begun()
                self._act(self._side.begin(profile, now), introduced=True)
            case ControlTypeChanged(control_type):
                self._selected(control_type)
                choice = SelectControlType(message_id=new_id(), control_type=control_type)
                self._act(self._side.hear(choice, now))
            case Received():
                heard, self._heard = self._heard, NOTHING
                self._act(heard)
            case NotDelivered(message, status, reason):
                self._notes.not_delivered(event)
                told = status or ReceptionStatusValues.TEMPORARY_ERROR
                self._act(self._side.not_taken(message.message_id, told, reason, now))
            case Declined(_, refusal, message_type):
                self._notes.declined(message_type or "what it sent", refusal)
                heard, self._heard = self._heard, NOTHING
                self._act(heard)
            case Warned(refusal):
                self._notes.warned(refusal)
            case Delivered():
                pass

    # --- what comes of it

    def _act(self, translation: Translation, *, introduced: bool = False) -> None:
        """Pass on what a message became; `introduced` when the session says by itself what the appliance is."""
        for asked in translation.to_efi:
            self._ask(asked)  # type: ignore[arg-type]  # on this side it is what an energy app says
        for message in translation.to_s2:
            if introduced and isinstance(message, ResourceManagerDetails):
                continue
            self._say(message)
        self._notes.translated(translation)

    def _say(self, message: AnyNamedMessage) -> None:
        outcome = self._session.send(message, self._context.elapsed())
        for said in outcome.to_peer:
            self._send(said)
        if outcome.refusal is not None and self.begun:
            self._notes.unsaid(message.message_type, outcome.refusal)

    def _send(self, message: AnyS2Message) -> None:
        self.link.send(dump(message), newest_mark(message))

    # --- time

    def _arm(self) -> None:
        """Arrange to wake when something is due. An alarm that rings too early costs less than one set anew."""
        dues = [self._session.next_due]
        if (at := self._side.wakes_at) is not None:
            dues.append(self._context.elapsed() + max((at - self._context.now()).total_seconds(), 0.0))
        due = min((each for each in dues if each is not None), default=None)
        if due is None or (self._alarm is not None and self._rings_at <= due):
            return
        self._silence()
        self._rings_at = due
        self._alarm = self._context.call_later(max(due - self._context.elapsed(), 0.0), self._ring)

    def _silence(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _ring(self) -> None:
        self._alarm = None
        if not self.link.open:
            return
        self._take(self._session.wake(self._context.elapsed()))
        if (at := self._side.wakes_at) is not None and at <= self._context.now():
            self._act(self._side.wake(self._context.now()))
        self._arm()

    def clock_set(self) -> None:
        """Somebody set the clock: what waits for an instant is looked at anew."""
        self._silence()
        self._arm()


def _details_of(translation: Translation) -> ResourceManagerDetails:
    return next(message for message in translation.to_s2 if isinstance(message, ResourceManagerDetails))


def _link_ending(ending: SessionEnding) -> Ending:
    """Why a session is over, as the end of its link."""
    text = ending.reason
    match ending.kind:
        case EndingKind.RECONNECT | EndingKind.TERMINATED:
            return Ending(EndedBy.LEFT, text)
        case EndingKind.NO_COMMON_VERSION:
            return Ending(EndedBy.REFUSED, text, "ask the energy manager's maker for S2 0.0.2-beta or 1.0.0")
        case EndingKind.FLOODED:
            return Ending(EndedBy.FLOODED, text, "restart the energy manager; if that does not help, ask its maker")
        case EndingKind.ENDED_HERE:
            return Ending(EndedBy.STOPPED, text)
        case EndingKind.PERMANENT_ERROR | EndingKind.NO_HANDSHAKE:
            return Ending(EndedBy.REFUSED, text, "look at the energy manager's own log")
