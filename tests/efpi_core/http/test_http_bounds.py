"""Who takes his time at the gateway's door does not keep others out, and a body says each thing once."""

import asyncio
import socket
from contextlib import suppress
from pathlib import Path

import pytest

from efpi_core.http import connection
from tests.support.http_world import served


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /api/health HT",
        b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nX: ",
        b"PUT /api/limits/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{",
    ],
)
async def test_a_request_that_never_becomes_whole_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(connection, "ASK_S", 0.05)
    async with served(tmp_path) as house:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "gateway.sock"))
        writer.write(begun)
        async with asyncio.timeout(60):
            await reader.read(-1)
        writer.close()
        assert house.gateway.asked == []


async def test_bytes_that_trickle_in_do_not_move_the_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "ASK_S", 0.1)
    async with served(tmp_path):
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "gateway.sock"))
        writer.write(b"GET / HTTP/1.1\r\n")
        ended = asyncio.create_task(reader.read(-1))
        async with asyncio.timeout(60):
            while not ended.done():
                writer.write(b"X")
                await asyncio.wait({ended}, timeout=0.02)
        with suppress(ConnectionError):
            ended.result()
        writer.close()


async def test_a_stream_of_events_outlives_the_deadline_of_its_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "ASK_S", 0.05)
    async with served(tmp_path) as house:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(b"GET /api/events?kinds=balance HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(60):
            await reader.readuntil(b"event: live")
            loop = asyncio.get_running_loop()
            passed = loop.create_future()
            loop.call_later(0.2, passed.set_result, None)
            await passed
            house.gateway.feed.tell("balance", "balance", house.gateway.balance())
            await reader.readuntil(b"event: balance")
        writer.close()


async def test_a_reader_that_leaves_everything_unread_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "STALL_S", 0.05)
    async with served(tmp_path):
        near = socket.socket(socket.AF_UNIX)
        near.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(near, str(tmp_path / "gateway.sock"))
        request = b"GET /api/schema/messages HTTP/1.1\r\nHost: localhost\r\n\r\n"
        with near, pytest.raises(ConnectionError):
            async with asyncio.timeout(60):
                while True:
                    await loop.sock_sendall(near, request * 10)
                    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"action":"off","for_s":60,"for_s":6e6}', "for_s"),
        (b'{"action":"off","for_s":60,"parameters":{"a":1,"\\u0061":2}}', "parameters.a"),
    ],
)
async def test_a_body_that_says_a_thing_twice_is_refused_by_its_path(tmp_path: Path, body: bytes, path: str) -> None:
    async with served(tmp_path) as house:
        answer = await house.own("PUT", "/api/overrides/battery", body)
    assert (answer.status, answer.json["path"]) == (422, path)
    assert house.gateway.asked == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/api/overrides/battery", b'{"action":"off","until":"9999-12-31T23:59:59-23:59"}', 422),
        ("PUT", "/api/overrides/battery", b'{"action":"off","for_s":1e300}', 422),
        ("PUT", "/api/overrides/battery", b'{"action":"off","for_s":NaN}', 422),
        ("PUT", "/api/limits/x", b'{"upper_w":Infinity}', 422),
        ("PUT", "/api/limits/x", b'{"reason":"\\ud800"}', 422),
        ("PUT", "/api/limits/x", b"[" * 100_000, 422),
        ("POST", "/api/site/rollback", b'{"revision":' + b"9" * 30 + b"}", 422),
        ("POST", "/api/site/rollback", b'{"revision":' + b"9" * 5000 + b"}", 422),
        ("GET", "/api/site/history/" + "9" * 5000, None, 404),
        ("GET", "/api/site/history/-1", None, 404),
    ],
)
async def test_numbers_and_instants_that_cannot_be_are_refused_by_name(
    tmp_path: Path, method: str, path: str, body: bytes | None, status: int
) -> None:
    async with served(tmp_path) as house:
        answer = await house.own(method, path, body)
    assert answer.status == status and answer.json["detail"]
    assert house.gateway.asked == []
