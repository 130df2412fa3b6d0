"""The map between S2 and the interface, at either end: whatever a peer says after a session took it has an answer."""

import itertools
from datetime import UTC, datetime, timedelta

from efi.s2.codec import MessageRefused, dump, parse
from efi.s2.common import ControlType
from efi.s2.mapping.cem_side import CemSide
from efi.s2.mapping.device_side import DeviceSide
from efi.s2.mapping.translation import Translation
from efi.s2.messages import AnyS2Message
from efi.s2.profile import Profile
from efi.session import Session
from tests.fuzz.target import Target

MOST_LINES = 60
TYPES = tuple(ControlType)
START = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Both:
    """A device that a stranger speaks for is understood, and offered to an energy manager that he speaks for, too."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.now = START
        names = itertools.count()
        self.session = Session("device", new_id=lambda: f"own-{next(names)}")
        self.device = DeviceSide("device", profile=profile, new_id=lambda: f"own-{next(names)}")
        self.manager = CemSide("device", profile=profile, new_id=lambda: f"own-{next(names)}")
        self.from_manager(self.manager.begin(profile, self.now))

    def select(self, control_type: ControlType) -> None:
        """A control type is selected at both ends."""
        selection = self.device.select(control_type, self.now)
        self.from_device(selection)
        for said in selection.to_s2:
            self.from_manager(self.manager.hear(said, self.now))

    def hear(self, message: AnyS2Message) -> None:
        """Somebody says something to both ends."""
        self.from_device(self.device.hear(message, self.now))
        self.from_manager(self.manager.hear(message, self.now))

    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += timedelta(seconds=seconds)
        self.from_device(self.device.wake(self.now))
        self.from_manager(self.manager.wake(self.now))

    def from_device(self, translation: Translation) -> None:
        """What the device says by it passes the session, and is told on."""
        self._written(translation)
        for message in translation.to_efi:
            verdict = self.session.from_appliance(message, self.now)  # type: ignore[arg-type]  # an appliance's words
            assert verdict.refusal is None, verdict.refusal
            for told in verdict.to_app:
                self._written(self.manager.tell(told, self.now))

    def from_manager(self, translation: Translation) -> None:
        """What the energy manager asks by it is asked of the device where the session allows."""
        self._written(translation)
        for asked in translation.to_efi:
            verdict = self.session.from_app(asked, self.now)  # type: ignore[arg-type]  # an app's words
            for answer in verdict.to_app:
                self._written(self.manager.tell(answer, self.now))
            for wish in verdict.to_appliance:
                self.from_device(self.device.tell(wish, self.now))

    def _written(self, translation: Translation) -> None:
        for said in translation.to_s2:
            assert parse(dump(said), self.profile) == said


def feed(data: bytes) -> None:
    """The first byte says the profile; each line is a message, or after a mark a selection or a wait."""
    both = Both((Profile.BETA, Profile.V1)[(data[0] if data else 0) & 1])
    for line in data[1:].split(b"\n")[:MOST_LINES]:
        match line[:1]:
            case b"+":
                both.wait(float((line[1] if len(line) > 1 else 0) ** 3))
            case b"*":
                both.select(TYPES[(line[1] if len(line) > 1 else 0) % len(TYPES)])
            case _:
                try:
                    message = parse(line, both.profile)
                except MessageRefused:
                    continue
                both.hear(message)


TARGET = Target(
    "s2_map",
    feed,
    words=(
        b"\n*\x03\n", b"\n*\x00\n", b"\n*\x01\n", b"\n*\x02\n", b"\n*\x04\n", b"\n*\x05\n", b"\n+\x0b\n", b"\n+\xff\n",
        b'"own-1"', b'"own-2"', b'"own-3"', b'"ACCEPTED"', b'"STARTED"', b'"SUCCEEDED"', b'"REJECTED"', b"1e300", b"-1",
    ),
    holds_json=True,
    longest=8192,
)  # fmt: skip
