"""Both ends of an S2 session, whatever they say and however their words cross, agree when all has been heard."""

from collections.abc import Callable
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from efi.s2.cem_session import CemSession
from efi.s2.codec import dump
from efi.s2.common import ControlType
from efi.s2.conversation import InstructionStatus, RevokableObjects
from efi.s2.outcome import Declined, NotDelivered, Outcome
from efi.s2.profile import Profile
from efi.s2.rm_session import RmSession
from efi.s2.session import Session
from tests.efi.s2 import messages_of_s2 as m

SAYINGS: dict[ControlType, tuple[list[Callable[[], Any]], Callable[[], Any]]] = {
    m.FRBC: ([m.battery, m.level, m.doing, m.pause_over], m.charge),
    m.OMBC: ([m.heater, lambda: m.heater_is("on")], m.heat),
    m.PPBC: ([m.wash, m.washing], m.start_washing),
    m.PEBC: ([m.curtailment], m.curtail),
}

CROSSED = {"inactive_control_type", "not_described", "unknown_id", "unknown_object"}
"""What an end may be told when its words crossed a change that the other end made."""


class Pair(RuleBasedStateMachine):
    """Two ends, and what is on its way between them."""

    @initialize(
        cem=st.sampled_from([[Profile.V1, Profile.BETA], [Profile.BETA]]),
        rm_first=st.booleans(),
        settled=st.sampled_from([None, *SAYINGS]),
    )
    def begin(self, cem: list[Profile], rm_first: bool, settled: ControlType | None) -> None:
        self.cem = CemSession(new_id=m.ids("cem"), profiles=cem)
        self.rm = RmSession(m.details(), new_id=m.ids("rm"))
        self.under_way: dict[Session, list[bytes]] = {self.cem: [], self.rm: []}
        self.events: dict[Session, list[Any]] = {self.cem: [], self.rm: []}
        for end in (self.rm, self.cem) if rm_first else (self.cem, self.rm):
            self.take(end, end.start(0))
        if settled is not None:
            self.all_arrives()
            self.the_manager_selects(settled)
            self.all_arrives()
            self.the_device_speaks(0)
            self.all_arrives()

    def other(self, end: Session) -> Session:
        return self.cem if end is self.rm else self.rm

    def take(self, end: Session, outcome: Outcome) -> None:
        self.under_way[self.other(end)] += [dump(each) for each in outcome.to_peer]
        self.events[end] += outcome.events
        assert outcome.ending is None

    def say(self, end: Session, message: Any) -> None:
        self.take(end, end.send(message, 0))

    def deliver(self, end: Session) -> None:
        if self.under_way[end]:
            self.take(end, end.receive(self.under_way[end].pop(0), 0))

    def all_arrives(self) -> None:
        while any(self.under_way.values()):
            self.deliver(self.cem)
            self.deliver(self.rm)

    @rule(to_cem=st.booleans(), count=st.integers(1, 6))
    def some_messages_arrive(self, to_cem: bool, count: int) -> None:
        for _ in range(count):
            self.deliver(self.cem if to_cem else self.rm)

    @rule(control_type=st.sampled_from([*SAYINGS, ControlType.NO_SELECTION]))
    def the_manager_selects(self, control_type: ControlType) -> None:
        self.take(self.cem, self.cem.select(control_type, 0))

    @rule(place=st.integers(0, 9))
    def the_device_speaks(self, place: int) -> None:
        words, _ = SAYINGS.get(self.rm.control_type, ([m.measured], None))
        self.say(self.rm, words[place % len(words)]())

    @rule()
    def the_manager_instructs(self) -> None:
        if self.cem.control_type in SAYINGS:
            self.say(self.cem, SAYINGS[self.cem.control_type][1]())

    @rule(status=st.sampled_from(InstructionStatus), newest=st.booleans())
    def the_device_tells_how_far_it_is(self, status: InstructionStatus, newest: bool) -> None:
        if names := list(self.rm.instructions):
            self.say(self.rm, m.came_to(names[-1 if newest else 0], status))

    @rule(kind=st.sampled_from(RevokableObjects))
    def the_manager_takes_back(self, kind: RevokableObjects) -> None:
        for name in list(self.cem.instructions)[:1]:
            self.say(self.cem, m.revoke(kind, name))

    @rule(kind=st.sampled_from(RevokableObjects), name=st.sampled_from(["roof", "wash", "inverter", "on"]))
    def the_device_takes_back(self, kind: RevokableObjects, name: str) -> None:
        self.say(self.rm, m.revoke(kind, name))

    def teardown(self) -> None:
        self.all_arrives()
        assert self.cem.profile is self.rm.profile is not None
        assert self.cem.details == self.rm.details
        assert self.cem.control_type is self.rm.control_type and self.cem.selecting is None
        assert set(self.cem.instructions) == set(self.rm.instructions)
        assert len(self.cem._deliveries) == len(self.rm._deliveries) == 0
        for end in (self.cem, self.rm):
            declined = [each.refusal.rule for each in self.events[end] if isinstance(each, Declined)]
            assert set(declined) <= CROSSED
            given_up = [each for each in self.events[self.other(end)] if isinstance(each, NotDelivered)]
            assert len(given_up) == len(declined)


Pair.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestPair = Pair.TestCase
