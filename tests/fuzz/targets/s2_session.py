"""An S2 session of either end under watch, given frames of a peer, words of its own, and time."""

from pydantic import ValidationError

from efi.s2.codec import MessageRefused, parse
from efi.s2.common import ControlType
from efi.s2.conversation import EnergyManagementRole, ReceptionStatus
from efi.s2.profile import Profile
from tests.efi.s2.watched_session import WatchedSession
from tests.fuzz.target import Target

MOST_LINES = 60
TYPES = tuple(ControlType)


def feed(data: bytes) -> None:
    """The first byte says which end it is; each line is a frame, or after a mark something that this end does."""
    flags = data[0] if data else 0
    role = EnergyManagementRole.CEM if flags & 1 else EnergyManagementRole.RM
    end = WatchedSession(role, (None, None, *Profile)[flags >> 1 & 3])
    for line in data[1:].split(b"\n")[:MOST_LINES]:
        match line[:1]:
            case b"+":
                end.wait(float(line[1] if len(line) > 1 else 0))
            case b"*":
                end.select(TYPES[(line[1] if len(line) > 1 else 0) % len(TYPES)])
            case b"!":
                _say(end, line[1:])
            case _:
                end.receive(line)


def _say(end: WatchedSession, line: bytes) -> None:
    try:
        message = parse(line, end.session.profile or Profile.BETA)
    except (MessageRefused, ValidationError):
        return
    if not isinstance(message, ReceptionStatus):
        end.send(message)


TARGET = Target(
    "s2_session",
    feed,
    words=(
        b'\n{"message_type":"ReceptionStatus","subject_message_id":"own-1","status":"TEMPORARY_ERROR"}\n', b"\n+\x0b\n",
        b'\n{"message_type":"SessionRequest","message_id":"aa","request":"RECONNECT"}\n', b"\n*\x03\n",
        b"\n[]\n", b"\n!{",
        b'"own-1"', b'"own-2"', b'"own-3"', b'"OK"', b'"PERMANENT_ERROR"', b'"message_id":"aa"',
    ),
    holds_json=True,
    longest=8192,
)  # fmt: skip
