"""A link passes whole messages and ends by name, whatever the peer does; nobody else is affected."""

import asyncio
import json
import socket
import struct
from dataclasses import replace
from functools import partial

import pytest
from link_world import Served, linked, served, until
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame

from efpi_core.s2.ending import EndedBy, Ending
from efpi_core.s2.link import Link
from efpi_core.s2.link_limits import LinkLimits

LIMITS = LinkLimits()


async def test_messages_pass_both_ways_in_their_order() -> None:
    async with linked() as (world, peer):
        for number in range(50):
            await peer.send(f"up {number}")
            world.links[0].send(f"down {number}".encode())
        assert [await peer.recv() for _ in range(50)] == [f"down {number}" for number in range(50)]
        await until(lambda: len(world.received) == 50)
        assert world.received == [f"up {number}".encode() for number in range(50)]
        await peer.close()
        ended = await world.ending()
        assert ended.by is EndedBy.LEFT and "1000" in ended.text


async def test_a_megabyte_passes_and_what_is_beyond_the_cap_closes_the_link() -> None:
    async with linked() as (world, peer):
        await peer.send("x" * (1 << 20))
        await until(lambda: world.received)
        assert len(world.received[0]) == 1 << 20
        await peer.send("x" * (LIMITS.largest_frame + 1))
        with pytest.raises(ConnectionClosed) as closed:
            await peer.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009
        assert (await world.ending()).by is EndedBy.TOO_LARGE


async def test_bytes_that_are_no_text_are_a_message_like_any_other() -> None:
    async with linked() as (world, peer):
        await peer.send(b"\xff\xfe binary")
        await peer.send(b"\xff in a text frame", text=True)
        await until(lambda: len(world.received) == 2)
        await peer.send("still here")
        await until(lambda: len(world.received) == 3)
        assert world.links[0].open


async def test_large_messages_are_packed_and_small_ones_are_not() -> None:
    async with linked() as (world, peer):
        (agreed,) = peer.protocol.extensions
        unpacked: list[bool] = []
        decode = agreed.decode

        def watched(frame: Frame, **more: int | None) -> Frame:
            unpacked.append(frame.rsv1)
            return decode(frame, **more)

        agreed.decode = watched  # type: ignore[method-assign]  # what comes is looked at
        messages = [b"x" * 500, b"y" * 100_000, b"x" * 2047, b"x" * 2048]
        for message in messages:
            world.links[0].send(message)
            assert await peer.recv(decode=False) == message
            await peer.send(message)
        assert unpacked == [False, True, False, True]
        await until(lambda: world.received == messages)


async def test_a_compressed_bomb_is_not_unpacked_beyond_the_cap() -> None:
    async with linked(replace(LIMITS, largest_frame=10_000)) as (world, peer):
        await peer.send("a" * 50_000_000)
        assert (await world.ending()).by is EndedBy.TOO_LARGE
        assert world.received == []


async def test_a_handler_that_fails_on_a_message_ends_this_link_and_no_other() -> None:
    async with served() as world:

        def fail(link: Link, message: bytes) -> None:
            if message == b"poison":
                raise RuntimeError("unforeseen")

        world.on_message = fail
        async with world.dial() as sick, world.dial() as well:
            await sick.send("poison")
            assert (await world.ending()).by is EndedBy.FAULT
            assert any("unforeseen" in line for line in world.lines.lines)
            await well.send("hello")
            await until(lambda: b"hello" in world.received)


async def test_what_comes_in_one_go_is_taken_in_its_order_whole_or_in_fragments() -> None:
    async with served() as world, DeafPeer(world) as peer:
        await until(lambda: world.links)
        fragments = b"\x01\x83\0\0\0\0hal" + b"\x80\x81\0\0\0\0f"
        told = [str(number).encode() for number in range(50)]
        frames = [masked(each) for each in told]
        await asyncio.get_running_loop().sock_sendall(peer, b"".join((*frames[:10], fragments, *frames[10:])))
        await until(lambda: len(world.received) == 51)
        assert world.received == [*told[:10], b"half", *told[10:]]


async def test_after_a_message_that_could_not_be_handled_nothing_more_is_taken() -> None:
    async with served() as world, DeafPeer(world) as peer:

        def fail(link: Link, message: bytes) -> None:
            raise RuntimeError("unforeseen")

        world.on_message = fail
        await until(lambda: world.links)
        await asyncio.get_running_loop().sock_sendall(peer, masked(b"poison") + masked(b"more") * 50)
        assert (await world.ending()).by is EndedBy.FAULT
        assert world.received == [b"poison"]


async def test_what_waits_is_sent_before_a_link_closes_in_order() -> None:
    async with linked() as (world, peer):
        for number in range(20):
            world.links[0].send(f"last words {number}".encode())
        world.links[0].end(Ending(EndedBy.STOPPED, "the gateway ends"))
        assert [await peer.recv() for _ in range(20)] == [f"last words {number}" for number in range(20)]
        with pytest.raises(ConnectionClosed) as closed:
            await peer.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1001, "the gateway ends")


async def test_a_reason_is_cut_to_what_a_close_frame_carries() -> None:
    async with linked() as (world, peer):
        world.links[0].end(Ending(EndedBy.REFUSED, "ü" * 200))
        with pytest.raises(ConnectionClosed) as closed:
            await peer.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.reason == "ü" * 61


class DeafPeer:
    """A peer that opens a link and then reads nothing."""

    def __init__(self, world: Served) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.setblocking(False)
        self._port = world.server.port

    async def __aenter__(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, ("127.0.0.1", self._port))
        await loop.sock_sendall(
            self._socket,
            b"GET /s2 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        )
        return self._socket

    async def __aexit__(self, *_: object) -> None:
        self._socket.close()


def masked(text: bytes) -> bytes:
    """One text frame of a client, as it is on the wire."""
    head = bytes([0x81, 0x80 | len(text)]) if len(text) < 126 else bytes([0x81, 0xFE]) + struct.pack("!H", len(text))
    return head + b"\0\0\0\0" + text


async def test_a_peer_that_reads_nothing_loses_its_link_once_too_much_waits() -> None:
    async with served(replace(LIMITS, waiting_frames=50)) as world, DeafPeer(world), world.dial() as well:
        await until(lambda: len(world.links) == 2)
        deaf = next(link for link in world.links if link is world.links[0])
        for _ in range(5000):
            deaf.send(b"x" * 10_000)
            if not deaf.open:
                break
        ended = await world.ending()
        assert ended.by is EndedBy.SLOW and "50 messages wait" in ended.text and ended.cure
        world.links[1].send(b"you are not meant")
        assert await well.recv() == "you are not meant"


async def test_a_peer_that_reads_nothing_loses_its_link_after_a_while() -> None:
    async with served(replace(LIMITS, write_within_s=0.2)) as world, DeafPeer(world):
        await until(lambda: world.links)
        for _ in range(100):
            world.links[0].send(b"x" * 40_000)
        ended = await world.ending()
        assert ended.by is EndedBy.SLOW and "0.2 s" in ended.text


async def test_of_states_the_newest_wins_while_they_wait_and_all_else_is_kept() -> None:
    async with served() as world, DeafPeer(world) as deaf:
        await until(lambda: world.links)
        link = world.links[0]
        link.send(b"f" * 4_000_000)
        await until(lambda: link.waiting == 0)
        for number in range(500):
            link.send(b"state %d|" % number, newest="state")
            if number % 100 == 0:
                link.send(b"order %d|" % number)
        assert link.waiting == 6 and link.open
        loop, got = asyncio.get_running_loop(), b""
        while b"state 499|" not in got:
            got = got[-1000:] + await loop.sock_recv(deaf, 1 << 16)
        heard = [word for word in (b"order 0|", b"order 100|", b"order 400|", b"state 499|") if word in got]
        assert len(heard) == 4 and b"state 498|" not in got


async def test_a_peer_that_answers_no_ping_is_given_up() -> None:
    async with served(replace(LIMITS, ping_every_s=0.05, pong_within_s=0.1)) as world, DeafPeer(world):
        assert (await world.ending()).by is EndedBy.SILENT


async def test_a_connection_that_breaks_is_told_from_one_that_is_closed() -> None:
    async with served() as world:
        async with DeafPeer(world) as deaf:
            await until(lambda: world.links)
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert (await world.ending()).by is EndedBy.LOST


async def test_what_is_no_websocket_is_told_so() -> None:
    async with served() as world, DeafPeer(world) as peer:
        await until(lambda: world.links)
        await asyncio.get_running_loop().sock_sendall(peer, b"\xff" * 100)
        assert (await world.ending()).by is EndedBy.NO_WEBSOCKET


async def test_a_flooding_peer_is_read_more_slowly_then_loses_its_link_and_others_notice_nothing() -> None:
    limits = replace(LIMITS, frames_per_s=200.0, frames_at_once=20, flood_patience_s=0.3)
    async with served(limits) as world, DeafPeer(world) as flooder, world.dial() as well:
        await until(lambda: len(world.links) == 2)
        loop = asyncio.get_running_loop()

        async def flood() -> None:
            while True:
                await loop.sock_sendall(flooder, masked(b"spam") * 100)

        flooding = asyncio.create_task(flood())
        for number in range(10):
            await well.send(json.dumps(number))
            await until(partial(world.received.count, json.dumps(number).encode()))
        ended = await world.ending()
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
        assert ended.by is EndedBy.FLOODED and "200 messages" in ended.text
        spam = world.received.count(b"spam")
        assert 20 <= spam <= 20 + 200 * 10, "it was read at its rate"
        assert world.links[1].open


async def test_a_burst_within_what_is_allowed_at_once_costs_nothing() -> None:
    async with linked(replace(LIMITS, frames_per_s=0.001, frames_at_once=300)) as (world, peer):
        for number in range(300):
            await peer.send(str(number))
        await until(lambda: len(world.received) == 300)


async def test_whoever_answers_what_came_floods_nobody_however_much_came() -> None:
    async with linked(replace(LIMITS, frames_per_s=0.001, frames_at_once=10, flood_patience_s=0.0)) as (world, peer):
        for number in range(200):
            world.links[0].send(b"question", answers=2)
            assert await peer.recv() == "question"
            await peer.send("heard")
            await peer.send("answer")
            await until(partial(longer, world.received, 2 * number + 1))
        assert world.links[0].open


def longer(found: list[bytes], number: int) -> bool:
    return len(found) > number


async def test_sending_after_the_end_is_harmless() -> None:
    async with linked() as (world, peer):
        await peer.close()
        await world.ending()
        world.links[0].send(b"too late")
        world.links[0].end(Ending(EndedBy.STOPPED, "twice"))
        assert (await world.ending()).by is EndedBy.LEFT
