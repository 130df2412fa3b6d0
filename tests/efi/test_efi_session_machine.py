"""A conversation as a machine: both ends hold a session, either may speak at any time, and either may begin anew.

What one end says is judged by its own session first and travels to the other only when it passes, as on a wire. So both
must come to the same verdict, hold the same allocations open, and say exactly one final word on each.
"""

from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.allocation_rules import MAX_OPEN
from efi.message import ControlSpaceRevoke, Message
from efi.messages import AnyAllocation, ApplianceMessage, AppMessage
from efi.session import PastStart, Session, Verdict
from tests.efi.house import (
    HOUR,
    MINUTE,
    NOON,
    battery_allocation,
    battery_description,
    battery_registration,
    battery_state,
    measurement,
    stamp,
    status_of,
)
from tests.efi.strategies import MESSAGES
from tests.efi.test_efi_session_properties import REGISTRATIONS, iter_ids

pytestmark = pytest.mark.slow

APP_MESSAGES = get_args(AppMessage)
ALLOCATIONS = get_args(AnyAllocation)

MODES = st.sampled_from(("idle", "charge", "discharge", "island", "boost"))
FACTORS = st.sampled_from((None, None, 0.5, 1.0))
SOON = st.sampled_from((-HOUR, -MINUTE, 0 * MINUTE, MINUTE, 30 * MINUTE, HOUR))
PLACE = st.integers(0, 50)
"""Of a name among those that were said."""


class Conversation(RuleBasedStateMachine):
    """An appliance and its app, of which each has a session of its own."""

    @initialize(past_start=st.sampled_from(PastStart))
    def begin(self, past_start: PastStart) -> None:
        self.past_start = past_start
        self.ends = [Session("battery", new_id=iter_ids(), past_start=past_start) for _ in range(2)]
        self.now = NOON
        self.names: list[str] = []
        self.asked: list[str] = []
        self.words: dict[str, list[AllocationStatus]] = {}
        """All that was told of each allocation that reached the appliance."""

    # --- what is said

    def say(self, message: Message) -> None:
        """One end says something: it is judged here, and there if it passed."""
        if isinstance(message, APP_MESSAGES):
            there, here = self.ends
        else:
            here, there = self.ends
        verdict = self._judged(here, message)
        if verdict.refusal is None:
            assert _gist(self._judged(there, message)) == _gist(verdict)
        self._note(message, verdict)

    def _judged(self, end: Session, message: Any) -> Verdict:
        taken = end.from_app if isinstance(message, APP_MESSAGES) else end.from_appliance
        verdict: Verdict = taken(message, self.now)  # type: ignore[arg-type]
        return verdict

    def _note(self, message: Message, verdict: Verdict) -> None:
        self.names.append(message.message_id)
        if isinstance(message, ALLOCATIONS):
            self.asked.append(message.message_id)
        for heard in verdict.to_appliance:
            if isinstance(heard, ALLOCATIONS):
                assert heard.message_id not in self.words, "an allocation reaches the appliance once"
                self.words[heard.message_id] = []
        for told in verdict.to_app:
            if isinstance(told, AllocationStatusUpdate) and verdict.refusal is None:
                words = self.words[told.allocation_id]
                assert told.status.may_follow(words[-1] if words else None)
                words.append(told.status)

    @rule(choice=st.sampled_from(REGISTRATIONS))
    def register(self, choice: Any) -> None:
        self.say(choice())

    @rule()
    def come(self) -> None:
        """A battery says all that an app needs."""
        for message in (battery_registration(), battery_description(self.now), battery_state(now=self.now)):
            self.say(message)

    @rule(begins=SOON)
    def describe(self, begins: timedelta) -> None:
        self.say(battery_description(self.now + begins))

    @rule(mode=MODES, factor=FACTORS, rest=SOON)
    def tell_state(self, mode: str, factor: float | None, rest: timedelta) -> None:
        self.say(battery_state(mode, factor, now=self.now, rest_until=self.now + rest))

    @rule()
    def measure(self) -> None:
        self.say(measurement())

    @precondition(lambda self: self.ends[1].space.state is not None)
    @rule(mode=MODES, factor=FACTORS, start=SOON, emergency=st.booleans())
    def ask(self, mode: str, factor: float | None, start: timedelta, *, emergency: bool) -> None:
        """The app asks for what it knows of."""
        state = self.ends[1].space.state
        assert state is not None
        self.say(battery_allocation(state.message_id, mode, factor, self.now + start, abnormal_condition=emergency))

    @precondition(lambda self: self.names)
    @rule(place=PLACE, mode=MODES, start=SOON)
    def ask_wrongly(self, place: int, mode: str, start: timedelta) -> None:
        self.say(battery_allocation(self.names[place % len(self.names)], mode, None, self.now + start))

    @precondition(lambda self: self.ends[0].allocations)
    @rule(place=PLACE, status=st.sampled_from(AllocationStatus))
    def answer(self, place: int, status: AllocationStatus) -> None:
        names = list(self.ends[0].allocations)
        self.say(status_of(names[place % len(names)], status, self.now))

    @precondition(lambda self: self.asked)
    @rule(place=PLACE, status=st.sampled_from(AllocationStatus))
    def answer_anything(self, place: int, status: AllocationStatus) -> None:
        self.say(status_of(self.asked[place % len(self.asked)], status, self.now))

    @rule(place=st.none() | PLACE)
    def take_back_freedom(self, place: int | None) -> None:
        name = self.names[place % len(self.names)] if place is not None and self.names else None
        self.say(ControlSpaceRevoke(**stamp(), object_id=name))

    @rule(place=st.none() | PLACE)
    def take_back_wish(self, place: int | None) -> None:
        name = self.asked[place % len(self.asked)] if place is not None and self.asked else None
        self.say(AllocationRevoke(**stamp(), allocation_id=name))

    @rule(data=st.data(), kind=st.sampled_from([*MESSAGES]))
    def say_anything(self, data: st.DataObject, kind: str) -> None:
        """A legal message that knows nothing of this conversation."""
        message: Any = data.draw(MESSAGES[kind])
        self.say(message.model_copy(update={"appliance_id": "battery"}))

    # --- what happens

    @rule(span=st.sampled_from((MINUTE, HOUR, 24 * HOUR, -MINUTE)))
    def time_passes(self, span: timedelta) -> None:
        self.now += span

    @rule()
    def the_app_goes(self) -> None:
        """Both ends learn that nobody controls the appliance."""
        verdicts = [end.release(self.now, "the app went") for end in self.ends]
        assert _gist(verdicts[0]) == _gist(verdicts[1])
        self._note(measurement(), verdicts[0])

    @rule(which=st.integers(0, 1))
    def an_end_begins_anew(self, which: int) -> None:
        """From what it kept: what was told, and what is open."""
        end = self.ends[which]
        kept = [(each.allocation, each.status) for each in end.allocations.values()]
        self.ends[which] = Session.restore(
            "battery", end.space.messages(), kept, self.now, new_id=iter_ids(), past_start=self.past_start
        )
        if kept:  # what newer ones took of the older is known from their order, as far as they were answered
            self.ends[1 - which] = Session.restore(
                "battery", end.space.messages(), kept, self.now, new_id=iter_ids(), past_start=self.past_start
            )

    # --- what always holds

    @invariant()
    def both_ends_agree(self) -> None:
        one, other = self.ends
        assert _open(one) == _open(other)
        assert _known(one, self.now) == _known(other, self.now)

    @invariant()
    def what_is_open_is_bounded_and_has_no_end_yet(self) -> None:
        for end in self.ends:
            assert len(end.allocations) <= MAX_OPEN
        opened = {name for name, words in self.words.items() if not (words and words[-1].final)}
        assert self.ends[0].allocations.keys() == opened

    def teardown(self) -> None:
        """The conversation ends: each allocation has exactly one final word, its last."""
        if not hasattr(self, "ends"):
            return
        self._note(measurement(), self.ends[0].end(self.now, "the end"))
        for words in self.words.values():
            assert [word.final for word in words] == [False] * (len(words) - 1) + [True]


def _gist(verdict: Verdict) -> tuple[list[str], list[object]]:
    """What a verdict means, but for the names and instants that an end makes by itself.

    A late word on what is closed means nothing; an end that began anew has only not heard of it.
    """
    told: list[object] = [
        (message.allocation_id, message.status) if isinstance(message, AllocationStatusUpdate) else message.type
        for message in verdict.to_app
    ]
    return [order.type for order in verdict.to_appliance], told


def _open(end: Session) -> dict[str, AllocationStatus | None]:
    return {name: each.status for name, each in end.allocations.items()}


def _known(end: Session, now: datetime) -> tuple[object, ...]:
    space = end.space
    told: list[ApplianceMessage | None] = [space.description_at(now), space.description_at(now + 2 * HOUR)]
    return (*told, space.registration, space.state, space.work, space.forecast, space.measurement)


TestConversation = Conversation.TestCase
TestConversation.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
