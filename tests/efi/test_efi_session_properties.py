"""Whatever two peers say to each other, in whatever order, the session keeps its promises."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, get_args

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.allocation_rules import MAX_OPEN
from efi.control_space import ControlSpace
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
    curtailment,
    generator_description,
    generator_registration,
    limit,
    measurement,
    panel_options,
    panel_registration,
    stamp,
    status_of,
    step,
    washer_registration,
    washer_work,
    washing,
)
from tests.efi.strategies import MESSAGES

APP_MESSAGES = get_args(AppMessage)
ALLOCATIONS = get_args(AnyAllocation)

REGISTRATIONS: tuple[Any, ...] = (
    battery_registration,
    generator_registration,
    panel_registration,
    washer_registration,
)
DESCRIPTIONS: tuple[Any, ...] = (battery_description, generator_description)
UPDATES: tuple[Any, ...] = (panel_options, washer_work, measurement)

Draw = st.DataObject
offsets = st.sampled_from((-HOUR, -MINUTE, 0 * MINUTE, MINUTE, 30 * MINUTE, HOUR))
modes = st.sampled_from(("idle", "charge", "discharge", "island", "boost"))
maybe_factor = st.sampled_from((None, None, 0.5, 1.0))
bounds = st.sampled_from((None, -5000.0, -2000.0, 0.0, 500.0))


class World:
    """Both peers and the session between them, and what either heard."""

    def __init__(self, past_start: PastStart) -> None:
        self.session = Session("battery", new_id=iter_ids(), past_start=past_start)
        self.now = NOON
        self.names: list[str] = ["no-such-id"]
        self.allocations: list[str] = ["no-such-one"]
        self.heard: dict[str, AllocationStatus | None] = {}
        """Each allocation that the appliance heard, and the last status that the app heard of it."""
        self.closed: set[str] = set()

    def say(self, message: Message) -> None:
        """Let one side say something, and hold the verdict against the promises."""
        self.names.append(message.message_id)
        known = message.message_id in self.heard
        if isinstance(message, ALLOCATIONS):
            self.allocations.append(message.message_id)
        if isinstance(message, APP_MESSAGES):
            verdict = self.session.from_app(message, self.now)
        else:
            verdict = self.session.from_appliance(message, self.now)  # type: ignore[arg-type]
        self._check(message, verdict, known=known)
        self._check_session()

    def _check(self, message: Message, verdict: Verdict, *, known: bool) -> None:
        if verdict.refusal is not None:
            assert message not in verdict.to_appliance
            assert message not in verdict.to_app
            assert verdict.refusal.sentence
            assert verdict.refusal.cure
            answered = isinstance(message, ALLOCATIONS) and verdict.refusal.rule != "repeated_message"
            assert len(verdict.to_app) == answered
            if answered and not known:
                return
        for heard in verdict.to_appliance:
            if isinstance(heard, ALLOCATIONS):
                assert heard.message_id not in self.heard
                self.heard[heard.message_id] = None
        for told in verdict.to_app:
            if isinstance(told, AllocationStatusUpdate):
                self._check_status(told)

    def _check_status(self, told: AllocationStatusUpdate) -> None:
        before = self.heard[told.allocation_id]
        assert told.status.may_follow(before), f"{told.status} after {before}"
        assert told.allocation_id not in self.closed
        self.heard[told.allocation_id] = told.status
        if told.status.final:
            self.closed.add(told.allocation_id)

    def _check_session(self) -> None:
        session = self.session
        assert session.allocations.keys() == self.heard.keys() - self.closed
        assert {name: each.status for name, each in session.allocations.items()} == {
            name: status for name, status in self.heard.items() if name not in self.closed
        }
        assert len(session.allocations) <= MAX_OPEN
        space = session.space
        registration, measured = space.registration, space.measurement
        updates = [each for each in space.messages() if each is not registration and each is not measured]
        assert all(space.live(each.message_id) for each in updates)
        assert _in_force(_replayed(space.messages(), self.now), self.now) == _in_force(space, self.now)


def _replayed(messages: tuple[ApplianceMessage, ...], now: datetime) -> ControlSpace:
    fresh = ControlSpace()
    for message in messages:
        fresh.apply(message, now)
    return fresh


def _in_force(space: ControlSpace, now: datetime) -> tuple[object, ...]:
    """What holds from now on; what has passed may be told or not."""
    later = now + 2 * HOUR
    held = (space.description_at, space.leakage_at, space.curtailment_options_at)
    passing = tuple(told(instant) for told in held for instant in (now, later))
    return (*passing, space.state, space.work, space.work_state, space.forecast, space.usage, space.targets)


def iter_ids() -> Callable[[], str]:
    numbers = iter(range(10**9))
    return lambda: f"own-{next(numbers)}"


def registration(world: World, draw: Draw) -> Message:
    made: Message = draw.draw(st.sampled_from(REGISTRATIONS))()
    return made


def description(world: World, draw: Draw) -> Message:
    begins = world.now + draw.draw(offsets)
    made: Message = draw.draw(st.sampled_from(DESCRIPTIONS))(begins)
    return made


def state(world: World, draw: Draw) -> Message:
    rest = world.now + draw.draw(offsets)
    return battery_state(draw.draw(modes), draw.draw(maybe_factor), now=world.now, rest_until=rest)


def other_update(world: World, draw: Draw) -> Message:
    made: Message = draw.draw(st.sampled_from(UPDATES))()
    return made


def allocation(world: World, draw: Draw) -> Message:
    quoted, start = draw.draw(st.sampled_from(world.names)), world.now + draw.draw(offsets)
    emergency = draw.draw(st.booleans())
    match draw.draw(st.sampled_from(("battery", "panel", "washer"))):
        case "panel":
            element = limit(draw.draw(bounds), None)
            return curtailment(quoted, element, start=start, abnormal_condition=emergency)
        case "washer":
            steps = draw.draw(st.lists(st.sampled_from(("wash", "dry", "iron")), min_size=1, unique=True))
            ways = [draw.draw(st.sampled_from((None, "fast"))) for _ in steps]
            asked = (step(name, start + place * HOUR, ways[place]) for place, name in enumerate(steps))
            return washing(quoted, *asked, abnormal_condition=emergency)
        case _:
            return battery_allocation(
                quoted, draw.draw(modes), draw.draw(maybe_factor), start, abnormal_condition=emergency
            )


def status(world: World, draw: Draw) -> Message:
    name = draw.draw(st.sampled_from(world.allocations))
    return status_of(name, draw.draw(st.sampled_from(AllocationStatus)), world.now)


def revocation(world: World, draw: Draw) -> Message:
    if draw.draw(st.booleans()):
        return ControlSpaceRevoke(**stamp(), object_id=draw.draw(st.none() | st.sampled_from(world.names)))
    return AllocationRevoke(**stamp(), allocation_id=draw.draw(st.none() | st.sampled_from(world.allocations)))


def anything(world: World, draw: Draw) -> Message:
    """A legal message that knows nothing of this conversation but the appliance's name."""
    message: Any = draw.draw(MESSAGES[draw.draw(st.sampled_from([*MESSAGES]))])
    return message.model_copy(update={"appliance_id": "battery"})  # type: ignore[no-any-return]


VOICES = (
    registration,
    description,
    state,
    state,
    other_update,
    allocation,
    allocation,
    status,
    status,
    revocation,
    anything,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data(), st.sampled_from(PastStart))
def test_no_talk_whatever_makes_the_session_raise_or_break_a_promise(draw: Draw, past_start: PastStart) -> None:
    world = World(past_start)
    if draw.draw(st.booleans()):
        for message in (battery_registration(), battery_description(), battery_state()):
            world.say(message)
    for voice in draw.draw(st.lists(st.sampled_from(VOICES), max_size=25)):
        world.now += draw.draw(st.sampled_from((0 * MINUTE, 0 * MINUTE, MINUTE, HOUR, -MINUTE)))
        world.say(voice(world, draw))
    verdict = world.session.end(world.now, "the end")
    for told in verdict.to_app:
        assert isinstance(told, AllocationStatusUpdate)
        world._check_status(told)
    assert world.heard.keys() == world.closed, "every allocation has its last word"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.data())
def test_a_stranger_talking_about_anything_does_no_harm(draw: Draw) -> None:
    session = Session("battery", new_id=iter_ids())
    for _ in range(draw.draw(st.integers(1, 6))):
        message: Any = anything(None, draw)  # type: ignore[arg-type]
        if isinstance(message, APP_MESSAGES):
            session.from_app(message, NOON)
        else:
            session.from_appliance(message, NOON)
    session.end(NOON, "the end")
