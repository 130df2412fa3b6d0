"""Whatever a peer sends, and whatever this end does meanwhile, an S2 session raises nothing and keeps its promises."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from efi.s2.codec import dump
from efi.s2.common import ControlType
from efi.s2.conversation import (
    EnergyManagementRole,
    Handshake,
    InstructionStatus,
    ReceptionStatus,
    ReceptionStatusValues,
    RevokableObjects,
    SelectControlType,
    SessionRequest,
    SessionRequestType,
)
from efi.s2.outcome import EndingKind
from efi.s2.profile import Profile
from tests.efi.s2 import messages_of_s2 as m
from tests.efi.s2.official_schema import documents
from tests.efi.s2.watched_session import WatchedSession

CEM, RM = EnergyManagementRole.CEM, EnergyManagementRole.RM

DEVICE_WORDS = [
    m.details, m.battery, m.level, m.doing, m.pause_over, m.heater, m.wash, m.washing, m.curtailment, m.measured,
    lambda: m.doing("charge"), lambda: m.heater_is("on"), lambda: m.heater_is("hot"), lambda: m.washing(sequence="eco"),
]  # fmt: skip
DESCRIBED = {m.FRBC: m.battery, m.OMBC: m.heater, m.PPBC: m.wash, m.PEBC: m.curtailment}
MANAGER_WORDS = [m.charge, m.heat, m.start_washing, m.curtail, lambda: m.charge(name="i1"), lambda: m.charge("none")]

names = st.sampled_from(["i1", "i2", "own-1", "own-2", "own-5", "wash", "roof", "rest", "inverter", "main", "eco"])


class Conversation(RuleBasedStateMachine):
    """One end under watch, a peer that says anything, and time."""

    @initialize(
        role=st.sampled_from(EnergyManagementRole),
        agreed=st.sampled_from([None, *Profile]),
        settled=st.sampled_from([None, *DESCRIBED]),
    )
    def begin(self, role: EnergyManagementRole, agreed: Profile | None, settled: ControlType | None) -> None:
        self.role = role
        self.end = WatchedSession(role, agreed)
        self.heard: list[bytes] = []
        if settled is not None:
            if role is CEM:
                self.hears(m.details())
            self.a_control_type_is_selected(settled)
            word = DESCRIBED[settled]
            if role is CEM:
                self.hears(word())
            else:
                self.end.send(word())

    def hears(self, message: Any) -> None:
        data = dump(message)
        self.heard.append(data)
        self.end.receive(data)

    @rule(version=st.sampled_from(["0.0.2-beta", "1.0.0", "v1", "7"]))
    def the_peer_shakes_hands(self, version: str) -> None:
        if self.role is CEM:
            self.hears(Handshake(message_id=m.new_id(), role=RM, supported_protocol_versions=(version,)))
        else:
            self.end.agree(version)

    @rule(control_type=st.sampled_from(ControlType))
    def a_control_type_is_selected(self, control_type: ControlType) -> None:
        self.end.select(control_type)
        if self.role is RM:
            self.hears(SelectControlType(message_id=m.new_id(), control_type=control_type))

    @rule(word=st.sampled_from(DEVICE_WORDS + MANAGER_WORDS))
    def the_peer_says(self, word: Any) -> None:
        self.hears(word())

    @rule(word=st.sampled_from(DEVICE_WORDS + MANAGER_WORDS))
    def this_end_says(self, word: Any) -> None:
        self.end.send(word())

    @rule(name=names, status=st.sampled_from(InstructionStatus))
    def the_device_tells_how_far_it_is(self, name: str, status: InstructionStatus) -> None:
        open_now = list(self.end.session.instructions)
        update = m.came_to(open_now[0] if open_now and name == "i2" else name, status)
        if self.role is RM:
            self.end.send(update)
        else:
            self.hears(update)

    @rule(kind=st.sampled_from(RevokableObjects), name=names, here=st.booleans())
    def something_is_taken_back(self, kind: RevokableObjects, name: str, here: bool) -> None:
        if here:
            self.end.send(m.revoke(kind, name))
        else:
            self.hears(m.revoke(kind, name))

    @precondition(lambda self: self.end.said)
    @rule(place=st.integers(-20, -1), status=st.sampled_from([*ReceptionStatusValues, *[ReceptionStatusValues.OK] * 5]))
    def the_peer_answers(self, place: int, status: ReceptionStatusValues) -> None:
        answered = self.end.said[max(place, -len(self.end.said))]
        name = getattr(answered, "message_id", "stranger")
        self.end.receive(dump(ReceptionStatus(subject_message_id=name, status=status)))

    @precondition(lambda self: self.heard)
    @rule(place=st.integers(0, 1000))
    def the_peer_repeats_itself(self, place: int) -> None:
        self.end.receive(self.heard[place % len(self.heard)])

    @rule(frame=st.binary(max_size=30) | st.sampled_from([b"[]", b"{}", b'{"message_id":"m1"}', b"null", b"[" * 9999]))
    def the_peer_talks_nonsense(self, frame: bytes) -> None:
        self.end.receive(frame)

    @rule(document=documents(Profile.BETA))
    def the_peer_says_anything_that_the_schema_allows(self, document: dict[str, Any]) -> None:
        self.end.receive(json.dumps(document).encode())

    @rule(seconds=st.sampled_from([0.0, 0.5, 1.0, 9.0, 11.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.end.wait(seconds)

    @rule(chance=st.integers(0, 9))
    def the_peer_ends_it(self, chance: int) -> None:
        if chance == 0:
            self.hears(SessionRequest(message_id=m.new_id(), request=SessionRequestType.RECONNECT))

    @invariant()
    def only_what_ends_a_session_ended_it(self) -> None:
        ending = self.end.session.ending if hasattr(self, "end") else None
        assert ending is None or ending.kind is not EndingKind.FLOODED


Conversation.TestCase.settings = settings(max_examples=50, stateful_step_count=40, deadline=None)
TestConversation = Conversation.TestCase


@given(
    role=st.sampled_from(EnergyManagementRole),
    frames=st.lists(st.binary(max_size=60) | st.text(max_size=60).map(str.encode), max_size=20),
)
def test_bytes_of_any_kind_neither_raise_nor_end_anything(role: EnergyManagementRole, frames: list[bytes]) -> None:
    end = WatchedSession(role)
    for frame in frames:
        end.receive(frame)
    assert end.session.ending is None
