"""A small HTTPS server (HTTP/1.1 by h11): one handler, and bounds on everything that a stranger may send or hold."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import unquote, urlsplit

import h11

from efpi_core.errors import TryAgainError
from efpi_core.s2.connect.exchange import Answer, Asked
from efpi_core.s2.connect.wire import LARGEST_BODY

MOST_CONNECTIONS = 64
"""At a time; who comes beyond is hung up on."""

LARGEST_HEAD = 16 * 1024
"""Bytes of a request before its body, and a read more at most."""

READ_SIZE = 4096

ASK_S = 10.0
"""A request has this long from the beginning of the connection, or of the answer before it, until it is whole."""

ANSWER_S = 35.0
"""An answer takes at most so long; a long poll is held for 25 s."""

HANDSHAKE_S = 10.0

Handler = Callable[[Asked], Awaitable[Answer]]


class HttpsServer:
    """Listens at one address."""

    def __init__(self, handler: Handler, host: str, port: int, tls: ssl.SSLContext) -> None:
        self._handler = handler
        self._host = host
        self._port = port
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        """The port it listens at; the system's choice where 0 was asked for."""
        assert self._server is not None  # noqa: S101  # asked of a server that is open
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def open(self) -> None:
        """Begin to listen; TryAgainError with a cure when that cannot be now."""
        try:
            self._server = await asyncio.start_server(
                self._accepted, self._host, self._port, ssl=self._tls, ssl_handshake_timeout=HANDSHAKE_S,
                ssl_shutdown_timeout=1.0, limit=LARGEST_HEAD,
            )  # fmt: skip
        except OSError as error:
            where = f"{self._host}:{self._port}"
            raise TryAgainError(
                f"cannot listen for pairing at {where}: {error.strerror or error}",
                "choose another address or port, or end the program that listens there",
                detail_code="not_listening",
            ) from error

    async def close(self) -> None:
        """Stop listening, and hang up."""
        if self._server is not None:
            self._server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # asyncio calls it in a task
        if len(self._connections) >= MOST_CONNECTIONS:
            writer.transport.abort()
            return
        self._connections.add(task)
        try:
            await self._converse(_Line(reader, writer))
        except (OSError, TimeoutError, h11.ProtocolError):
            pass
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._connections.discard(task)
            writer.close()

    async def _converse(self, line: "_Line") -> None:
        while True:
            async with asyncio.timeout(ASK_S):
                try:
                    asked = await line.request()
                except h11.RemoteProtocolError as error:
                    with suppress(h11.LocalProtocolError):
                        await line.answer(Answer(error.error_status_hint or 400))
                    return
            if asked is None:
                return
            async with asyncio.timeout(ANSWER_S):
                answer = Answer(413) if len(asked.body) > LARGEST_BODY else await self._handler(asked)
                await line.answer(answer)
            if not line.next():
                return


class _Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD)
        peer = writer.get_extra_info("peername")
        self._address = str(peer[0]) if isinstance(peer, tuple) and peer else ""

    async def request(self) -> Asked | None:
        """The next request, its body up to a little more than may be; None when the peer has left."""
        head = await self._event()
        if not isinstance(head, h11.Request):
            return None
        body = bytearray()
        while isinstance(data := await self._event(), h11.Data):
            body += data.data
            if len(body) > LARGEST_BODY:
                break
        headers = [(name, value.decode("latin-1")) for name, value in head.headers]
        return Asked(
            head.method.decode("ascii"),
            unquote(urlsplit(head.target.decode("latin-1")).path),
            bytes(body),
            _bearer([value for name, value in headers if name == b"authorization"]),
            next((value for name, value in headers if name == b"content-type"), ""),
            self._address,
        )

    async def _event(self) -> h11.Event | None:
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Event):
                return event
            if event is not h11.NEED_DATA:
                return None
            if self._http.they_are_waiting_for_100_continue:
                await self._send(h11.InformationalResponse(status_code=100, headers=[]))
            self._http.receive_data(await self._reader.read(READ_SIZE))

    async def answer(self, answer: Answer) -> None:
        """Send an answer."""
        headers = [("content-length", str(len(answer.body))), ("cache-control", "no-store")]
        if answer.body:
            headers.append(("content-type", "application/json"))
        if answer.status == 204:
            headers = headers[1:]
        await self._send(h11.Response(status_code=answer.status, headers=headers, reason=b""))
        await self._send(h11.Data(data=answer.body))
        await self._send(h11.EndOfMessage())

    async def _send(self, event: h11.Event) -> None:
        data = self._http.send(event)
        if data:
            self._writer.write(data)
            await self._writer.drain()

    def next(self) -> bool:
        """Whether another request may come."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True


def _bearer(values: list[str]) -> str | None:
    """The token of the one `Authorization` header; None when there is none, or more than one."""
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
