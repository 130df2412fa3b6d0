"""HTTP: any bytes to either listener, in pieces, and a good request after them; nothing is an unexpected error."""

import asyncio
import logging
import re
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

from efpi_core.http.unix_socket import SOCKET_FILE
from tests.fuzz.target import Target
from tests.support.http_world import Served, served

ANSWERED = re.compile(rb"HTTP/1\.1 [1-5][0-9][0-9] [ -~]*\r\n")

GOOD = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

PATIENCE_S = 60.0
"""For an answer, on a machine that is busy."""

MOST_ANSWERED = 4 * 1024 * 1024


class Refusing(logging.Handler):
    """Keeps what the gateway calls an error of its own."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.errors.append(self.format(record))


class World:
    """The gateway behind its listeners, in a loop that runs while an input is fed."""

    def __init__(self) -> None:
        self.log = Refusing()
        for name in ("efpi.http", "asyncio", "uvicorn.error"):
            logging.getLogger(name).addHandler(self.log)
        self.runner = asyncio.Runner()
        self._open = served(Path(tempfile.mkdtemp()))
        self.house = self.runner.run(self._open.__aenter__())


@cache
def world() -> World:
    """The one of this process."""
    return World()


def feed(data: bytes) -> None:
    """The first byte chooses the listener; where the bytes have no Host, they still may be a request."""
    log = world().log
    world().runner.run(_feed(world().house, data))
    if log.errors:
        raise AssertionError(log.errors.pop())


async def _feed(house: Served, data: bytes) -> None:
    owner = bool(data[:1]) and bool(data[0] & 1)
    house.gateway.asked.clear()
    answer = await _ask(house, data[1:], owner=owner)
    assert not answer or ANSWERED.match(answer), answer[:200]
    assert len(answer) <= MOST_ANSWERED
    if not owner:
        assert all(asked[0] == "observations" for asked in house.gateway.asked), house.gateway.asked
        assert b"Test house" not in answer or b"\r\nhost:" in data.lower().replace(b"\n", b"\r\n")
    good = await _ask(house, GOOD, owner=owner)
    assert good.startswith(b"HTTP/1.1 200 ") and b"Test house" in good


async def _ask(house: Served, data: bytes, *, owner: bool) -> bytes:
    path = house.home / SOCKET_FILE
    opened = asyncio.open_unix_connection(str(path)) if owner else asyncio.open_connection("127.0.0.1", house.port)
    reader, writer = await opened
    answer = b""
    try:
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionError, BrokenPipeError):
                writer.write(data)
                writer.write_eof()
                while (piece := await reader.read(65536)) and len(answer) <= MOST_ANSWERED:
                    answer += piece
                    if b"text/event-stream" in answer:
                        break  # it has no end of its own
    finally:
        writer.close()
    return answer


TARGET = Target(
    "http",
    feed,
    words=(
        b"GET ", b"PUT ", b"DELETE ", b"POST ", b"OPTIONS ", b"HEAD ", b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b"\r\n\r\n",
        b"Host: localhost\r\n", b"Host: evil.example\r\n", b"Origin: null\r\n", b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 0\r\n", b"Content-Length: 99999999999999999999\r\n", b"0\r\n\r\n",
        b"/api/overrides/battery", b"/api/limits/x", b"/api/site", b"/api/site/history/" + b"9" * 5000, b"/api/events",
        b"/api/site/rollback", b"/api/journal?after=", b"&since=0001-01-01T00:00:00%2b23:59", b"&level=info&subject=",
        b"/api/observations?name=", b"%00", b"%ff", b"/../", b"/static/",
        b"Upgrade: websocket\r\nConnection: upgrade\r\n", b"Expect: 100-continue\r\n",
        b'{"action":"off","for_s":', b'{"text":"', b'{"revision":', b'{"app":null,"app":"planner"}', b"If-Match: ",
        b"Content-Type: text/plain\r\n", b"X-A: " + b"a" * 4000 + b"\r\n", b"Last-Event-ID: ", b" \t", b"\x80",
    ),
    holds_json=True,
    longest=8192,
)  # fmt: skip
