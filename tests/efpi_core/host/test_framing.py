"""Frames on a byte stream, and all that may be wrong with them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efi.measurement import Measurement
from efpi_core.host.frame_error import FrameError
from efpi_core.host.frames import (
    Advance,
    Condition,
    Deliver,
    Failed,
    Hello,
    Log,
    Pong,
    Publish,
    Quiet,
    Ready,
    Say,
    Start,
    Stopped,
    Store,
    Watch,
)
from efpi_core.host.framing import (
    HEADER,
    Decoder,
    Encoder,
    FrameSplitter,
    agree,
    from_instance_adapter,
    to_instance_adapter,
)
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.observation import Quality
from tests.support.hosted_world import start_frame

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

MEASUREMENT = Measurement.model_validate(
    {
        "message_id": "m1",
        "appliance_id": "meter",
        "timestamp": NOW,
        "measured_at": NOW,
        "values": [{"quantity": "electricity.power", "value": 230.5}],
    }
)

FROM_INSTANCE = [
    Hello((1, 0), (1, 0), 4711),
    Ready(),
    Say("meter", MEASUREMENT),
    Publish("meter.power", 1.5, NOW, Quality.STALE),
    Publish("meter.name", None, NOW),
    Watch(("*.power",)),
    Store("key", {"deep": [1, None, "x"]}),
    Log(20, "a line"),
    Condition(ConditionState.OFFLINE, "no_answer", "it is silent", "plug it in", "meter"),
    Pong(1, 2, 0.5),
    Quiet(None, 3),
    Failed("running", "RuntimeError", "cure", "traceback"),
    Stopped(("battery: TimeoutError",)),
]


def encoder() -> Encoder:
    return Encoder(from_instance_adapter(), 1_000_000)


def decoder() -> Decoder:
    return Decoder(from_instance_adapter(), 4_000_000)


def wire(value: object) -> bytes:
    return json.dumps(value).encode()


def refused(payload: bytes, decoder: Decoder) -> FrameError:
    with pytest.raises(FrameError) as caught:
        decoder.decode(payload)
    return caught.value


@pytest.mark.parametrize("frame", FROM_INSTANCE, ids=lambda frame: frame.op)
def test_a_frame_of_an_instance_survives_the_wire(frame: Any) -> None:
    data = encoder().encode(frame)
    (payload,) = FrameSplitter(1_000_000).feed(data)
    assert decoder().decode(payload) == frame


@pytest.mark.parametrize("frame", [start_frame(), Deliver("meter", MEASUREMENT), Advance(NOW)], ids=lambda f: f.op)
def test_a_frame_of_the_gateway_survives_the_wire(frame: Any) -> None:
    data = Encoder(to_instance_adapter(), 1_000_000).encode(frame)
    (payload,) = FrameSplitter(1_000_000).feed(data)
    assert Decoder(to_instance_adapter(), 4_000_000).decode(payload) == frame


def test_an_instance_cannot_speak_as_the_gateway() -> None:
    error = refused(wire({"op": "start"}), decoder())
    assert (error.rule, error.problem) == ("unknown_type", "frame: there is no 'op' 'start' in this version")


@given(st.lists(st.binary(max_size=50), max_size=8), st.lists(st.integers(1, 20), min_size=1))
def test_frames_are_found_however_the_stream_is_cut(payloads: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(len(payload).to_bytes(HEADER, "big") + payload for payload in payloads)
    splitter = FrameSplitter(50)
    found: list[bytes] = []
    turn = 0
    while stream:
        cut = cuts[turn % len(cuts)]
        found += splitter.feed(stream[:cut])
        stream = stream[cut:]
        turn += 1
    assert found == payloads
    assert splitter.pending == 0


def test_a_length_beyond_the_bound_is_refused_before_its_bytes_come() -> None:
    splitter = FrameSplitter(100)
    with pytest.raises(FrameError, match="a frame of 101 bytes was announced, at most 100 may come") as caught:
        list(splitter.feed((101).to_bytes(4, "big")))
    assert caught.value.rule == "oversized"


def test_the_frames_before_an_oversized_one_are_taken() -> None:
    splitter = FrameSplitter(100)
    found = []
    with pytest.raises(FrameError):
        for payload in splitter.feed(b"\0\0\0\2{}" + b"\xff\xff\xff\xff"):
            found.append(payload)  # noqa: PERF402  # the error comes after it
    assert found == [b"{}"]


@pytest.mark.parametrize(
    ("payload", "rule", "words"),
    [
        (b"{nono", "malformed", "what came is not JSON"),
        (b"\xff\xfe", "malformed", "what came is not JSON"),
        (b"[" * 100_000, "malformed", "what came is not JSON"),
        (b"[]", "unfit", "frame: "),
        (wire({"x": 1}), "unfit", "frame: "),
        (wire({"op": "explode"}), "unknown_type", "there is no 'op' 'explode' in this version"),
        (wire({"op": "e" * 10_000}), "unknown_type", "there is no 'op' 'eee"),
        (wire({"op": "ready", "x": 1}), "unfit", "ready.x: Unexpected keyword argument, not 1"),
        (wire({"op": "pong", "number": "x", "received": 1, "busy_s": 0}), "unfit", "pong.number: "),
        (wire({"op": "say", "appliance_id": "a", "message": {"type": "poem"}}), "unknown_type", "'type' 'poem'"),
        (wire({"op": "say", "appliance_id": "a", "message": {"type": "measurement"}}), "unfit", "message_id"),
    ],
)
def test_what_is_no_frame_is_refused_by_name(payload: bytes, rule: str, words: str) -> None:
    error = refused(payload, decoder())
    assert error.rule == rule
    assert words in error.problem
    assert len(error.problem) < 600


def test_a_frame_of_a_million_mistakes_costs_little() -> None:
    assert refused(wire({"op": "watch", "patterns": [1] * 300_000}), decoder()).rule == "oversized"
    error = refused(wire({"op": "watch", "patterns": [1] * 9_000}), decoder())
    assert (error.rule, error.problem) == ("unfit", "9000 things are wrong with one frame")
    assert refused(wire({"op": "watch", "patterns": ["*"] * 11_000}), decoder()).rule == "unfit"


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_frame_error(payload: bytes) -> None:
    refused(payload, decoder())


def test_unknown_fields_of_a_newer_peer_are_dropped_and_counted() -> None:
    said = json.loads(encoder().encode(Say("meter", MEASUREMENT))[HEADER:])
    said["urgency"] = 3
    said["message"]["mood"] = "good"
    said["message"]["values"][0]["colour"] = "red"
    strict, lenient = decoder(), decoder()
    lenient.peer_is_newer = True
    assert refused(wire(said), strict).rule == "unfit"
    assert lenient.decode(wire(said)) == Say("meter", MEASUREMENT)
    assert lenient.unknown_fields == 3


def test_a_newer_peer_must_still_send_what_is_needed() -> None:
    lenient = decoder()
    lenient.peer_is_newer = True
    error = refused(wire({"op": "pong", "number": 1, "mood": "good"}), lenient)
    assert error.rule == "unfit"


def test_versions_agree_when_their_majors_do() -> None:
    assert agree((1, 0), (1, 0)) is False
    assert agree((1, 5), (1, 0)) is True
    assert agree((1, 0), (1, 5)) is False
    with pytest.raises(FrameError, match=r"the peer speaks version 2\.0 of the frames, this end 1\.0") as caught:
        agree((2, 0), (1, 0))
    assert caught.value.rule == "version"
    assert caught.value.cure


@pytest.mark.parametrize("value", [object(), {1, 2}, b"\xff", "\ud800"])
def test_a_value_without_a_json_form_is_refused_where_it_is_said(value: Any) -> None:
    with pytest.raises(FrameError) as caught:
        encoder().encode(Publish("a.b", value, NOW))
    assert caught.value.rule == "unfit"
    assert "'publish'" in caught.value.problem


def test_a_frame_that_is_too_long_is_refused_where_it_is_said() -> None:
    with pytest.raises(FrameError, match="send less at once") as caught:
        Encoder(from_instance_adapter(), 100).encode(Log(20, "x" * 100))
    assert caught.value.rule == "oversized"


def test_the_start_frame_tells_the_secrets_and_nothing_is_left_out() -> None:
    start = start_frame(moment="poll")
    start.secrets = {"token": "s3cret"}
    payload = Encoder(to_instance_adapter(), 10_000).encode(start)[HEADER:]
    read = Decoder(to_instance_adapter(), 4_000_000).decode(payload)
    assert isinstance(read, Start)
    assert read.secrets == {"token": "s3cret"}
    assert read.config == {"moment": "poll"}
