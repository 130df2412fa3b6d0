"""Host framing: whatever a plugin's process sends, taken in by a house, beside a plugin that is well."""

from functools import cache

from efpi_core.host.frame_error import FrameError
from efpi_core.host.frames import FromInstance, Log, Publish
from efpi_core.host.framing import (
    LARGEST_FROM_INSTANCE,
    Decoder,
    Encoder,
    FrameSplitter,
    from_instance_adapter,
)
from efpi_core.http.json_form import to_json
from tests.fuzz.target import Target
from tests.support.bare_house import BareHouse

LONGEST_PROBLEM = 4000


@cache
def house() -> BareHouse:
    """A house with a battery of a well-behaved plugin, and the instance that is hostile."""
    bare = BareHouse("app")
    bare.battery("battery")
    bare.load("hostile")
    return bare


@cache
def encoder() -> Encoder:
    """Writes the frames of the plugin that is well."""
    return Encoder(from_instance_adapter(), LARGEST_FROM_INSTANCE)


def feed(data: bytes) -> None:
    """Each line is a frame; the first byte says whether its length is right, and whether the peer is newer."""
    flags = data[0] if data else 0
    decoder = Decoder(from_instance_adapter(), LARGEST_FROM_INSTANCE)
    decoder.peer_is_newer = bool(flags & 1)
    splitter = FrameSplitter(LARGEST_FROM_INSTANCE)
    stream = data[1:] if flags & 2 else b"".join(len(line).to_bytes(4) + line for line in data[1:].split(b"\n"))
    try:
        for payload in splitter.feed(stream):
            take("hostile", decoder, payload)
    except FrameError as error:
        assert error.rule in ("oversized", "malformed", "unknown_type", "unfit", "version")
        assert len(error.problem) <= LONGEST_PROBLEM and error.problem.isprintable(), ascii(error.problem[:300])
    assert splitter.pending <= len(stream)
    good = encoder().encode(Publish("battery.power", 5.0, house().clock.now()))
    take("battery", decoder, good[4:])
    slot = house().house.board.value("battery.power")
    assert slot is not None and slot.value == 5.0
    shown()


def take(instance: str, decoder: Decoder, payload: bytes) -> None:
    """One frame from the wire into the house."""
    frame: FromInstance = decoder.decode(payload)
    if isinstance(frame, Log):
        frame.level = 0  # the log itself is not tried here
    house().sent.clear()
    house().stored.clear()
    house().say(instance, frame)


def shown() -> None:
    """All that people would see of the house can be written down."""
    bare = house()
    to_json(bare.house.board.views("**", bare.clock.now())[-50:])
    to_json(bare.events.recent(0, 20))
    for event in bare.events.recent(0, 3):
        assert (event.subject + event.kind + event.text + event.cure).isprintable()


TARGET = Target(
    "host_frames",
    feed,
    words=(
        b'{"op":"say","appliance_id":"hostile","message":', b'{"op":"log","level":20,"text":"', b'{"op":"ready"}',
        b'{"op":"publish","name":"hostile.x","value":', b',"at":"2026-03-01T12:00:00Z"}', b'{"op":"store","key":"',
        b'{"op":"condition","state":"ok","detail":"', b'{"op":"failed","moment":"', b'{"op":"pong","number":',
        b'"at":"0001-01-01T00:00:00+23:59"', b'"9999-12-31T23:59:59-23:59"', b"[" * 300, b"9" * 4400, b"\n", b"\\u0000",
        b'{"op":"remove_appliance","appliance_id":"battery","reason":""}', b'{"op":"watch","patterns":["*.*"]}',
        b'"\\u2028\\u202e"', b'"new\\nline":1,', b'{"op":"add_appliance","key":"', b'"steerable":true',
        b"\xff\xff\xff\xff",
        b'{"op":"hello","protocol":[1,0],"efi_version":[1,0],"pid":1}', b'{"op":"quiet","next_wakeup":null,"received":',
    ),
    holds_json=True,
)  # fmt: skip
