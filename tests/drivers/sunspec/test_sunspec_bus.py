"""The bus against a real pymodbus server in another process: each fault under its name, and nobody held up."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from efpi_driver_sunspec.bus import STALE_AFTER, Bus
from efpi_driver_sunspec.chain import MARKER
from efpi_driver_sunspec.device import ALL, Device
from efpi_driver_sunspec.errors import (
    PortUnavailableError,
    UnitGarbledError,
    UnitRefusedError,
    UnitSilentError,
)
from efpi_driver_sunspec.wire import SerialPort, TcpPort
from pty_pair import pty_pair
from sunspec_peer import SunSpecPeer

from efpi_core.clock import RealClock

TIMEOUT_S = 0.3
LOCAL = "127.0.0.1"


@asynccontextmanager
async def bus_to(peer: SunSpecPeer, **options: Any) -> AsyncIterator[Bus]:
    bus = Bus(TcpPort(LOCAL, peer.port), RealClock(), timeout_s=TIMEOUT_S, **options)
    try:
        yield bus
    finally:
        bus.close()


@pytest.fixture
async def peer() -> AsyncIterator[SunSpecPeer]:
    async with SunSpecPeer.running({1: {"kind": "hybrid", "sun_w": 3000}, 2: {"kind": "meter"}}) as running:
        yield running


async def test_a_well_unit_answers(peer: SunSpecPeer) -> None:
    async with bus_to(peer) as bus:
        assert await bus.read(1, 40000, 2) == MARKER


@pytest.mark.parametrize(
    ("behaviour", "error", "words"),
    [
        ("silent", UnitSilentError, r"unit 2 did not answer within 0.3 s; check that it is powered"),
        ("slow", UnitSilentError, r"did not answer within 0.3 s"),
        ("exception", UnitRefusedError, r"unit 2 refused to read 2 registers from 40000: device failure \(4\)"),
        ("garbage", UnitGarbledError, r"unit 2 answered nonsense: 60 bytes that are no answer, beginning with 0b 30"),
        ("short", UnitGarbledError, r"1 registers where 2 were asked for"),
        ("wrong_unit", UnitGarbledError, r"unit 3 answered in its place"),
        ("broken_pdu", UnitGarbledError, r"bytes that are no answer"),
    ],
)
async def test_each_misbehaviour_has_a_name_and_leaves_the_other_unit_alone(
    peer: SunSpecPeer, behaviour: str, error: type[Exception], words: str
) -> None:
    async with bus_to(peer) as bus:
        await bus.read(2, 40000, 2)
        await peer.behave(behaviour, 2)
        with pytest.raises(error, match=words):
            await bus.read(2, 40000, 2)
        assert await bus.read(1, 40000, 2) == MARKER
        await peer.behave("well", 2)
        assert await bus.read(2, 40000, 2) == MARKER


async def test_a_gateway_that_speaks_for_a_missing_unit_is_told_as_silence() -> None:
    async with SunSpecPeer.running({1: {"kind": "meter"}}, gateway=True) as peer, bus_to(peer) as bus:
        with pytest.raises(UnitSilentError, match="unit 9"):
            await bus.read(9, 40000, 2)


async def test_a_late_answer_is_not_taken_for_the_next_ones(peer: SunSpecPeer) -> None:
    async with bus_to(peer) as bus:
        await bus.read(2, 40000, 2)
        await peer.behave("slow", 2)
        with pytest.raises(UnitSilentError):
            await bus.read(2, 40002, 2)
        await peer.behave("well", 2)
        await asyncio.sleep(0.3)
        assert await bus.read(2, 40000, 2) == MARKER


async def test_only_one_request_is_under_way() -> None:
    async with SunSpecPeer.running({1: {"kind": "meter", "delay_s": 0.05}}) as peer, bus_to(peer) as bus:
        begun = asyncio.get_running_loop().time()
        await bus.read(1, 40000, 2)
        await asyncio.gather(*(bus.read(1, 40000, 2) for _ in range(5)))
        assert asyncio.get_running_loop().time() - begun >= 6 * 0.05


async def test_a_silent_unit_rests_alone_and_ever_longer(peer: SunSpecPeer) -> None:
    async with bus_to(peer) as bus:
        await bus.read(1, 40000, 2)
        await bus.read(2, 40000, 2)
        await peer.behave("silent", 2)
        rests = []
        for _ in range(2):
            with pytest.raises(UnitSilentError):
                await bus.read(2, 40000, 2)
            rests.append(bus.rest_s(2))
        assert rests[0] == 0.0
        assert 1.5 < rests[1] <= 2.0
        assert bus.rest_s(1) == 0.0


async def test_a_refused_connection_is_named_with_its_cure_and_tried_later() -> None:
    with socket.socket() as taken:
        taken.bind((LOCAL, 0))
        bus = Bus(TcpPort(LOCAL, taken.getsockname()[1]), RealClock(), timeout_s=TIMEOUT_S)
        with pytest.raises(PortUnavailableError, match="connection refused; switch Modbus TCP on"):
            await bus.read(1, 40000, 2)
        assert 0 < bus.trouble_s() <= 0.5
        with pytest.raises(PortUnavailableError) as again:
            await bus.read(1, 40000, 2)
        assert again.value.retry_in_s > 0


async def test_an_unknown_host_and_a_silent_one_have_names() -> None:
    with pytest.raises(PortUnavailableError, match="host name not known; check the spelling"):
        await Bus(TcpPort("no-such-host.invalid"), RealClock(), timeout_s=1).read(1, 0, 1)
    with socket.socket() as full:
        full.bind((LOCAL, 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        with pytest.raises(PortUnavailableError, match=r"no answer within 0\.3 s|second attempt"):
            await Bus(TcpPort(LOCAL, full.getsockname()[1]), RealClock(), timeout_s=TIMEOUT_S).read(1, 0, 1)
        for filler in fillers:
            filler.close()


async def test_the_connection_comes_back_after_the_device_restarted() -> None:
    async with SunSpecPeer.running({1: {"kind": "meter"}}) as first:
        port = first.port
        bus = Bus(TcpPort(LOCAL, port), RealClock(), timeout_s=TIMEOUT_S)
        await bus.read(1, 40000, 2)
        await first.stop()
        with pytest.raises(PortUnavailableError):
            for _ in range(3):
                await bus.read(1, 40000, 2)
    async with SunSpecPeer.running({1: {"kind": "meter"}}, port=port):
        await asyncio.sleep(bus.trouble_s())
        assert await bus.read(1, 40000, 2) == MARKER
        assert bus.trouble is None
        bus.close()


async def test_a_connection_on_which_nobody_answers_is_made_anew() -> None:
    accepted = []

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(swallow, LOCAL, 0)
    bus = Bus(TcpPort(LOCAL, server.sockets[0].getsockname()[1]), RealClock(), timeout_s=0.1)
    for _ in range(STALE_AFTER + 1):
        with pytest.raises(UnitSilentError):
            await bus.read(1, 40000, 2)
    assert len(accepted) == 2
    bus.close()
    server.close()
    for writer in accepted:
        writer.close()
        await writer.wait_closed()


async def test_a_cancelled_request_leaves_the_bus_usable(peer: SunSpecPeer) -> None:
    async with bus_to(peer) as bus:
        await bus.read(1, 40000, 2)
        await peer.behave("slow", 1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await bus.read(1, 40000, 2)
        await peer.behave("well", 1)
        assert await bus.read(2, 40000, 2) == MARKER
        assert await bus.read(1, 40000, 2) == MARKER


async def test_registers_in_a_gap_that_cannot_be_read_are_read_around(peer: SunSpecPeer) -> None:
    async with bus_to(peer) as bus:
        device = Device(bus, 1)
        chain = await device.scan()
        by_id = {found.id: found for found in chain.models}
        await peer.tell("refuse", **{"from": by_id[121].address, "to": by_id[121].end})
        wanted = {by_id[103]: ALL, by_id[120]: ALL, by_id[123]: ALL}
        values = await device.read(wanted)
        for number in (103, 120, 123):
            assert values.of(by_id[number]) is not None
        before = (await peer.tell("count"))["requests"]
        await device.read(wanted)
        assert (await peer.tell("count"))["requests"] - before <= 3, "what was learnt is not forgotten"


async def test_a_single_unreadable_value_costs_only_itself(peer: SunSpecPeer) -> None:
    async with bus_to(peer) as bus:
        device = Device(bus, 1)
        found = next(found for found in (await device.scan()).models if found.id == 103)
        hole = found.address + 38
        await peer.tell("refuse", **{"from": hole, "to": hole + 1})
        reading = (await device.read({found: ALL})).of(found)
        assert reading is not None
        assert reading.number("W") == 3000.0
        assert reading.number("TmpCab") == 41.2
        assert reading.word("St") is None


async def test_rtu_frames_travel_over_a_serial_line() -> None:
    async with (
        pty_pair() as (ours, theirs),
        SunSpecPeer.running({1: {"kind": "meter"}, 7: {"kind": "hybrid", "sun_w": 900}}, serial=theirs) as peer,
    ):
        bus = Bus(SerialPort(ours, 115200), RealClock(), timeout_s=TIMEOUT_S)
        assert [found.id for found in (await Device(bus, 1).scan()).models] == [1, 203]
        assert 103 in [found.id for found in (await Device(bus, 7).scan()).models]
        with pytest.raises(UnitSilentError, match="unit 5"):
            await bus.read(5, 40000, 2)
        await peer.behave("garbage", 7)
        with pytest.raises(UnitGarbledError, match="unit 7"):
            await bus.read(7, 40000, 2)
        assert await bus.read(1, 40000, 2) == MARKER
        bus.close()


async def test_rtu_frames_travel_through_a_serial_server() -> None:
    async with SunSpecPeer.running({3: {"kind": "meter"}}, framing="rtu") as peer:
        bus = Bus(TcpPort(LOCAL, peer.port, "rtu"), RealClock(), timeout_s=TIMEOUT_S)
        assert await bus.read(3, 40000, 2) == MARKER
        bus.close()


async def test_a_missing_serial_line_and_a_file_in_its_place_have_names(tmp_path: Path) -> None:
    with pytest.raises(PortUnavailableError, match="no such device; plug the adapter in"):
        await Bus(SerialPort(str(tmp_path / "ttyUSB7")), RealClock()).read(1, 0, 1)
    no_line = tmp_path / "file"
    no_line.write_text("")
    with pytest.raises(PortUnavailableError, match="it is in use, or is no serial line"):
        await Bus(SerialPort(str(no_line)), RealClock()).read(1, 0, 1)


async def test_an_unplugged_serial_line_is_told_as_a_lost_port() -> None:
    async with pty_pair() as (ours, theirs), SunSpecPeer.running({1: {"kind": "meter"}}, serial=theirs):
        bus = Bus(SerialPort(ours, 115200), RealClock(), timeout_s=TIMEOUT_S)
        assert await bus.read(1, 40000, 2) == MARKER
    with pytest.raises(PortUnavailableError):
        for _ in range(3):
            await bus.read(1, 40000, 2)
    bus.close()
