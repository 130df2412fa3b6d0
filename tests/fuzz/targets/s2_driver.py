"""The driver of S2 devices, given frames, wishes of an app, and time: what it tells keeps the interface's rules."""

import itertools
import uuid
from collections.abc import Hashable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from efpi_driver_s2.config import S2Config
from efpi_driver_s2.conversation import Conversation
from efpi_driver_s2.health import InstanceHealth
from efpi_driver_s2.household import Household

from efi.allocation import AllocationRevoke, AllocationStatusUpdate
from efi.inflexible import CurtailmentElement, CurtailmentProfile, InflexibleAllocation, InflexibleCurtailmentOptions
from efi.messages import AppMessage
from efi.output_adjustable import OutputAdjustableAllocation, OutputAdjustableSystemDescription, RunningModeSelector
from efi.refusal import Refusal
from efi.s2.codec import parse
from efi.s2.profile import Profile
from efi.session import Session
from efi.storage import ActuatorAllocation, StorageAllocation, StorageSystemDescription
from efi.time_shiftable import SequenceAllocation, TimeShiftableAllocation, TimeShiftableUpdate
from efpi_core.clock import SteppedClock
from efpi_core.identity import MessageIds
from efpi_core.plugin.context import Context, Job
from efpi_core.plugin.memory import InstanceStorage
from efpi_core.plugin.site_facts import SiteFacts
from efpi_core.s2.ending import EndedBy, Ending
from tests.fuzz.target import Target

BEGIN = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
MOST_LINES = 60
HARMLESS = frozenset(("allocation_closed",))
CONFIG = S2Config.model_validate({"listen": {"without_token": True}})


class Wire:
    """A link that keeps what is sent."""

    peer = "a device"

    def __init__(self) -> None:
        self.ending: Ending | None = None
        self.sent: list[Any] = []

    @property
    def open(self) -> bool:
        return self.ending is None

    def send(self, frame: bytes, newest: Hashable = None, answers: int = 0) -> None:
        assert len(frame) < 1_500_000
        self.sent.append(parse(frame, Profile.BETA))

    def end(self, ending: Ending) -> None:
        assert ending.text.isprintable()
        self.ending = self.ending or ending

    def last(self, field: str) -> str:
        """The last id of a kind in what was sent."""
        return next((name for each in reversed(self.sent) if (name := getattr(each, field, None))), "none")


class Gateway:
    """The gateway's end: each message is judged by a session, as there."""

    def __init__(self) -> None:
        self.clock = SteppedClock(BEGIN)
        self.sessions: dict[str, Session] = {}
        self.jobs: list[Job] = []
        self._ids = MessageIds("app", "t")
        port: Any = self
        self.context = Context(
            instance="s2", port=port, clock=self.clock, enqueue=self.jobs.append, site=SiteFacts(),
            storage=InstanceStorage({}, port), secrets={}, ids=MessageIds("s2", "t"), seed="1", resolution_s=1.0,
        )  # fmt: skip

    def add_appliance(self, key: str, registration: Any, *, steerable: bool, safe_fallback: bool) -> None:
        name = registration.appliance_id
        session = self.sessions.setdefault(name, Session(name, new_id=MessageIds("gw", "t")))
        self._judge(session.from_appliance(registration, self.clock.now()).refusal)

    def say(self, appliance_id: str, message: Any) -> None:
        verdict = self.sessions[appliance_id].from_appliance(message, self.clock.now())
        if not (isinstance(message, AllocationStatusUpdate) and verdict.refusal is not None):
            self._judge(verdict.refusal)
        else:
            assert verdict.refusal.rule in HARMLESS, verdict.refusal.sentence

    def _judge(self, refusal: Refusal | None) -> None:
        assert refusal is None, refusal.sentence

    def condition(self, state: Any, detail: str, text: str, cure: str, appliance_id: str | None) -> None:
        assert detail.replace("_", "").isalpha() or not detail

    def log(self, level: int, text: str) -> None:
        pass

    def store(self, key: str, value: Any, *, durable: bool) -> None:
        assert len(str(value)) < 1000

    def remove_appliance(self, appliance_id: str, reason: str) -> None:
        del self.sessions[appliance_id]

    def settle(self) -> None:
        """Do what is due."""
        while self.jobs:
            self.jobs.pop(0)()

    def wishes(self, choice: int) -> Iterator[AppMessage]:
        """Something that an app may want now, of each appliance."""
        for name, session in self.sessions.items():
            wish = _wish(
                session, choice, {"message_id": self._ids(), "appliance_id": name, "timestamp": self.clock.now()}
            )
            if wish is not None:
                yield from session.from_app(wish, self.clock.now()).to_appliance


def _wish(session: Session, choice: int, stamp: dict[str, Any]) -> AppMessage | None:
    now = stamp["timestamp"] + timedelta(seconds=choice % 3 * 60)
    if choice % 5 == 4:
        return AllocationRevoke(**stamp)
    for message in session.space.messages():
        rests = {**stamp, "control_space_update_id": message.message_id}
        match message:
            case StorageSystemDescription():
                actuator = message.actuators[choice % len(message.actuators)]
                mode = actuator.modes[choice % len(actuator.modes)]
                factor = choice / 255 if mode.continuous else None
                step = ActuatorAllocation(
                    actuator_id=actuator.actuator_id, mode_id=mode.mode_id, factor=factor, start_time=now
                )
                return StorageAllocation(**rests, actuators=(step,))
            case OutputAdjustableSystemDescription():
                name = message.mode_ids[choice % len(message.mode_ids)]
                return OutputAdjustableAllocation(
                    **rests, selectors=(RunningModeSelector(mode_id=name, start_time=now),)
                )
            case TimeShiftableUpdate():
                step_of = message.sequences[choice % len(message.sequences)]
                start = SequenceAllocation(
                    sequence_id=step_of.sequence_id,
                    alternative_id=step_of.alternatives[0].alternative_id,
                    start_time=now,
                )
                return TimeShiftableAllocation(**rests, sequences=(start,))
            case InflexibleCurtailmentOptions() if message.options:
                element = CurtailmentElement(duration=timedelta(minutes=1), lower=-10.0 * choice)
                profile = CurtailmentProfile(quantity=message.options[0].quantity, elements=(element,))
                return InflexibleAllocation(**rests, start_time=now, curtailments=(profile,))
            case _:
                continue
    return None


def feed(data: bytes) -> None:
    """Each line is a frame, or after a mark a wish or a span of time."""
    gateway, wire = Gateway(), Wire()
    household = Household(gateway.context, CONFIG, InstanceHealth(gateway.context))
    numbers = itertools.count()
    link: Any = wire
    conversation = Conversation(link, gateway.context, household, "", new_id=lambda: str(uuid.UUID(int=next(numbers))))
    conversation._take(conversation._session.start(gateway.context.elapsed()))
    for line in data.split(b"\n")[:MOST_LINES]:
        if not wire.open:
            break
        match line[:1]:
            case b"+":
                gateway.clock.advance(gateway.clock.now() + timedelta(seconds=(line[1] if len(line) > 1 else 1)))
                conversation.tick()
            case b"*":
                for wish in gateway.wishes(line[1] if len(line) > 1 else 0):
                    conversation.ask(wish)
            case _:
                frame = line.replace(b"LAST_INSTRUCTION", wire.last("id").encode())
                conversation._received(frame.replace(b"LAST_MESSAGE", wire.last("message_id").encode()))
        gateway.settle()
    conversation._over(wire.ending or Ending(EndedBy.LEFT, "it closed the connection"))
    for session in gateway.sessions.values():
        assert not list(session.allocations), "an end of the link ends what rests on it"


TARGET = Target(
    "s2_driver",
    feed,
    words=(
        b"\n+\x01\n", b"\n+\xff\n", b"\n*\x00\n", b"\n*\x04\n", b"\n*\x7f\n", b"LAST_INSTRUCTION", b"LAST_MESSAGE",
        b'\n{"message_type":"ReceptionStatus","subject_message_id":"LAST_MESSAGE","status":"OK"}\n',
        b'{"message_type":"InstructionStatusUpdate","message_id":"s1","instruction_id":"LAST_INSTRUCTION",'
        b'"status_type":"STARTED","timestamp":"2026-11-28T08:00:00Z"}', b'"REJECTED"', b'"SUCCEEDED"', b'"ACCEPTED"',
        b'\n{"message_type":"SessionRequest","message_id":"sr","request":"RECONNECT"}\n', b"\n[]\n", b"1e15", b"-1e300",
    ),
    holds_json=True,
    longest=12_000,
)  # fmt: skip
