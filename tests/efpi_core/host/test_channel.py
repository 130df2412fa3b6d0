"""A channel whose other end is slow, gone, or hostile."""

import asyncio
import socket
from datetime import UTC, datetime
from typing import Any

import pytest

from efi.allocation import AllocationStatus, AllocationStatusUpdate
from efi.storage import ActuatorState, StorageStateUpdate
from efpi_core.host.channel import Channel, gateway_codec, instance_codec
from efpi_core.host.frame_error import FrameError
from efpi_core.host.frames import Deliver, FromInstance, Log, Publish, Say, ToInstance
from efpi_core.host.outbox import Outbox
from efpi_core.host.pace import Pace

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def state(number: int, appliance: str = "battery", *actuators: str) -> Say:
    stamp: dict[str, Any] = {"appliance_id": appliance, "timestamp": NOW, "valid_from": NOW}
    states = tuple(ActuatorState(actuator_id=actuator, mode_id="idle") for actuator in actuators or ("main",))
    return Say(
        appliance,
        StorageStateUpdate(message_id=f"state_{number}", fill_level=float(number), actuators=states, **stamp),
    )


def status(number: int) -> Say:
    message = AllocationStatusUpdate(
        message_id=f"status_{number}",
        appliance_id="battery",
        timestamp=NOW,
        allocation_id=f"allocation_{number}",
        status=AllocationStatus.ACCEPTED,
    )
    return Say("battery", message)


class End:
    """One end of a pair, with all that it took in."""

    def __init__(self, sock: socket.socket, side: str, **options: Any) -> None:
        encoder, decoder, largest = instance_codec() if side == "instance" else gateway_codec()
        self.frames: list[FromInstance | ToInstance] = []
        self.ends: list[FrameError | None] = []
        self.news = asyncio.Event()
        self.channel = Channel(
            sock, encoder, decoder, largest=largest, on_frame=self._frame, on_end=self._end, **options
        )

    def _frame(self, frame: Any) -> None:
        self.frames.append(frame)
        self.news.set()

    def _end(self, error: FrameError | None) -> None:
        self.ends.append(error)
        self.news.set()

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(60):
            while not condition():
                self.news.clear()
                await self.news.wait()


@pytest.fixture
def pair() -> Any:
    near, far = socket.socketpair()
    yield near, far
    near.close()
    far.close()


async def test_frames_arrive_in_the_order_of_their_sending(pair: Any) -> None:
    instance, gateway = End(pair[0], "instance"), End(pair[1], "gateway")
    sent = [frame for number in range(100) for frame in (state(number), status(number))]
    for frame in sent:
        instance.channel.send(frame)
    await gateway.until(lambda: len(gateway.frames) == 200)
    assert gateway.frames == sent
    instance.channel.close()
    await gateway.until(lambda: gateway.ends)
    assert gateway.ends == [None]


async def test_a_slow_reader_gets_every_status_and_the_newest_state(pair: Any) -> None:
    instance = End(pair[0], "instance")
    for number in range(3000):
        instance.channel.send(state(number, "battery" if number % 2 else "boiler"))
        instance.channel.send(status(number))
        await asyncio.sleep(0)
    kept = instance.channel.accepted
    gateway = End(pair[1], "gateway")
    await gateway.until(lambda: len(gateway.frames) == kept)
    said = [frame for frame in gateway.frames if isinstance(frame, Say)]
    assert [s.message.message_id for s in said if s.message.type == "allocation_status_update"] == [
        f"status_{number}" for number in range(3000)
    ]
    states = [s.message for s in said if s.message.type == "storage_state_update"]
    assert len(states) < 2500
    assert {message.appliance_id: message.message_id for message in states} == {
        "boiler": "state_2998",
        "battery": "state_2999",
    }


async def test_a_state_that_waits_is_superseded_only_by_one_that_tells_as_much(pair: Any) -> None:
    instance = End(pair[0], "instance")
    filler = Log(20, "x" * 100_000)
    for _ in range(20):
        instance.channel.send(filler)
    await asyncio.sleep(0)
    for frame in (state(1, "battery", "one"), state(2, "battery", "two"), state(3, "battery", "one"), status(1)):
        instance.channel.send(frame)
    gateway = End(pair[1], "gateway")
    await gateway.until(lambda: status(1) in gateway.frames)
    assert gateway.frames[20:] == [state(2, "battery", "two"), state(3, "battery", "one"), status(1)]


async def test_in_stepped_time_nothing_is_superseded(pair: Any) -> None:
    instance = End(pair[0], "instance", superseding=False)
    for number in range(3000):
        instance.channel.send(state(number))
        await asyncio.sleep(0)
    gateway = End(pair[1], "gateway")
    await gateway.until(lambda: len(gateway.frames) == 3000)
    assert instance.channel.accepted == 3000


async def test_what_may_not_be_lost_and_is_not_read_ends_the_channel_as_flooded(pair: Any) -> None:
    instance = End(pair[0], "instance", outbox=Outbox(most_frames=500))
    for number in range(5000):
        instance.channel.send(status(number))
        if instance.ends:
            break
        await asyncio.sleep(0)
    (error,) = instance.ends
    assert error is not None
    assert error.rule == "flooded"
    instance.channel.send(status(1))


async def test_bytes_are_bounded_too(pair: Any) -> None:
    instance = End(pair[0], "instance", outbox=Outbox(most_bytes=1_000_000))
    for _ in range(50):
        instance.channel.send(Log(20, "x" * 100_000))
    assert [error.rule for error in instance.ends if error is not None] == ["flooded"]


async def test_a_wrong_frame_ends_the_channel_after_the_right_ones_before_it(pair: Any) -> None:
    instance, gateway = End(pair[0], "instance"), End(pair[1], "gateway")
    instance.channel.send(status(1))
    await gateway.until(lambda: gateway.frames)
    pair[0].send(b"\0\0\0\2xx")
    await gateway.until(lambda: gateway.ends)
    assert gateway.frames == [status(1)]
    assert gateway.ends[0] is not None
    assert gateway.ends[0].rule == "malformed"


async def test_an_unknown_frame_of_a_newer_peer_is_refused_alone(pair: Any) -> None:
    refused: list[FrameError] = []
    instance, gateway = End(pair[0], "instance"), End(pair[1], "gateway", on_refused=refused.append)
    gateway.channel._decoder.peer_is_newer = True
    pair[0].send(b"\0\0\0\x10" + b'{"op":"nightly"}')
    instance.channel.send(status(1))
    await gateway.until(lambda: gateway.frames)
    assert [error.problem for error in refused] == ["frame: there is no 'op' 'nightly' in this version"]
    assert gateway.ends == []


async def test_frames_for_a_peer_that_is_gone_are_lost_without_harm(pair: Any) -> None:
    gateway = End(pair[1], "gateway")
    pair[0].close()
    gateway.channel.send(Deliver("battery", status(1).message))
    await gateway.until(lambda: gateway.ends)
    gateway.channel.send(Deliver("battery", status(1).message))
    assert gateway.ends == [None]


async def test_the_last_words_of_a_peer_are_heard_after_its_end(pair: Any) -> None:
    instance, gateway = End(pair[0], "instance"), End(pair[1], "gateway")
    for number in range(100):
        instance.channel.send(status(number))
    instance.channel.finish(1.0)
    gateway.channel.drain()
    assert len(gateway.frames) == 100
    assert gateway.ends == [None]


async def test_one_that_sends_states_without_end_is_read_at_its_share_and_sheds_the_rest_itself(pair: Any) -> None:
    pace = Pace(share=0.05, credit_s=0.01, patience_s=0.3)
    instance, gateway = End(pair[0], "instance"), End(pair[1], "gateway", pace=pace)
    number = 0
    async with asyncio.timeout(60):
        while not (gateway.channel.pressed and instance.channel.superseded):
            instance.channel.send(Publish("a.b", number, NOW))
            number += 1
            await asyncio.sleep(0)
    assert gateway.ends == []
    assert len(gateway.frames) + instance.channel.superseded <= number
    instance.channel.close()


async def test_of_a_burst_of_states_in_one_turn_the_newest_is_sent_and_the_rest_is_counted(pair: Any) -> None:
    instance, gateway = End(pair[0], "instance"), End(pair[1], "gateway")
    for number in range(50_000):
        instance.channel.send(Publish("a.b", number, NOW))
    await gateway.until(lambda: gateway.frames and gateway.frames[-1].value == 49_999)
    assert instance.channel.superseded + len(gateway.frames) == 50_000
    assert len(gateway.frames) < 1000
    assert instance.ends == gateway.ends == []


def test_an_account_of_time_fills_with_the_share_and_pauses_when_it_is_empty() -> None:
    pace = Pace(share=0.5, credit_s=1.0, patience_s=10.0)
    assert pace.spend(1.0, now=0.0) == 0.0
    assert pace.spend(0.5, now=0.0) == 1.0
    assert not pace.flooding(5.0)
    assert pace.spend(0.1, now=1.0) == pytest.approx(0.2)
    assert pace.flooding(10.1)
    assert pace.spend(0.0, now=12.0) == 0.0
    assert not pace.flooding(30.0), "it was quiet for long enough"
