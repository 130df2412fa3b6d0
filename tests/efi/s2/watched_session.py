"""An S2 session under watch: whatever it is given, it keeps its promises."""

import itertools
from typing import Any

from efi.s2.cem_session import CemSession
from efi.s2.codec import MessageRefused, dump, parse
from efi.s2.common import ControlType
from efi.s2.conversation import EnergyManagementRole, HandshakeResponse, ReceptionStatus, ReceptionStatusValues
from efi.s2.deliveries import LONGEST_LABEL, DeliveryLimits
from efi.s2.outcome import ControlTypeChanged, Declined, NotDelivered, Outcome, Received, Warned
from efi.s2.profile import Profile
from efi.s2.rm_session import RmSession
from efi.s2.session import Session
from efi.s2.session_limits import SessionLimits
from tests.efi.s2 import messages_of_s2 as m

LIMITS = SessionLimits(
    deliveries=DeliveryLimits(most=5, resends=2), most_instructions=3, remembered_messages=4, handshake_within_s=60
)


class WatchedSession:
    """One end of a session, and the time."""

    def __init__(self, role: EnergyManagementRole, agreed: Profile | None = None) -> None:
        numbers = itertools.count(1)

        def new_id() -> str:
            return f"own-{next(numbers)}"

        self.session: Session = (
            CemSession(new_id=new_id, agreed=agreed, limits=LIMITS)
            if role is EnergyManagementRole.CEM
            else RmSession(m.details(), new_id=new_id, agreed=agreed, limits=LIMITS)
        )
        self.at = 0.0
        self.said: list[Any] = []
        self._check(self.session.start(self.at))

    def receive(self, frame: bytes) -> Outcome:
        """A frame comes."""
        over = self.session.ending is not None
        outcome = self.session.receive(frame, self.at)
        if over:
            assert outcome == Outcome()
            return outcome
        answers = [each for each in outcome.to_peer if isinstance(each, ReceptionStatus)]
        if self._needs_no_answer(frame):
            assert not answers
        else:
            assert len(answers) == 1 and outcome.to_peer[0] is answers[0]
            taken = [each for each in outcome.events if isinstance(each, Received | ControlTypeChanged)]
            refused = [each for each in outcome.events if isinstance(each, Declined)]
            assert bool(refused) == (answers[0].status is not ReceptionStatusValues.OK)
            assert not (taken and refused)
        self._check(outcome)
        return outcome

    def send(self, message: Any) -> Outcome:
        """This end says something."""
        outcome = self.session.send(message, self.at)
        assert (outcome.refusal is None) == (message in outcome.to_peer)
        self._check(outcome)
        return outcome

    def wait(self, seconds: float) -> Outcome:
        """Time passes."""
        self.at += seconds
        if self.session.ending is not None:
            assert self.session.wake(self.at) == Outcome()
            return Outcome()
        outcome = self.session.wake(self.at)
        due = self.session.next_due
        assert due is None or due > self.at
        self._check(outcome)
        return outcome

    def select(self, control_type: ControlType) -> None:
        """An energy manager selects; to a resource manager, its energy manager does."""
        if isinstance(self.session, CemSession):
            self._check(self.session.select(control_type, self.at))

    def agree(self, version: str) -> None:
        """A resource manager is answered."""
        self.receive(dump(HandshakeResponse(message_id=m.new_id(), selected_protocol_version=version)))

    def _needs_no_answer(self, frame: bytes) -> bool:
        try:
            return isinstance(parse(frame, self.session.profile or Profile.BETA), ReceptionStatus)
        except MessageRefused as refused:
            return refused.message_type == "ReceptionStatus"

    def _check(self, outcome: Outcome) -> None:
        session = self.session
        profile = session.profile or Profile.BETA
        for message in outcome.to_peer:
            assert parse(dump(message), profile) == message
            label = getattr(message, "diagnostic_label", None) or ""
            assert len(label) <= LONGEST_LABEL and label.isprintable(), ascii(label)
        for event in outcome.events:
            if isinstance(event, Declined | Warned):
                assert event.refusal.rule and event.refusal.sentence.isprintable(), ascii(event.refusal.sentence)
            if isinstance(event, NotDelivered):
                assert len(event.reason) <= LONGEST_LABEL and event.reason.isprintable()
        assert outcome.ending == session.ending
        if session.ending is not None:
            assert session.next_due is None
            assert len(session.ending.reason) < 2 * LONGEST_LABEL and session.ending.reason.isprintable()
        assert len(session.instructions) <= LIMITS.most_instructions
        assert len(session._deliveries) <= LIMITS.deliveries.most
        assert len(session._heard_lately) <= LIMITS.remembered_messages
        self.said += outcome.to_peer
        del self.said[:-20]
