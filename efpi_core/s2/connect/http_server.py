"""A small HTTPS server (HTTP/1.1 by h11): one handler, and bounds on everything that a stranger may send or hold."""

import asyncio
import logging
import socket
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

MOST_OF_ONE = 16
"""From one address."""

BACKLOG = 64

PAUSE_S = 0.1
"""How long to wait when nobody can be taken in."""

LARGEST_HEAD = 16 * 1024
"""Bytes of a request before its body, and a read more at most."""

READ_SIZE = 4096

ASK_S = 10.0
"""A request has this long from the beginning of the connection, or of the answer before it, until it is whole."""

ANSWER_S = 35.0
"""An answer takes at most so long; a long poll is held for 25 s."""

HANDSHAKE_S = 10.0

LOG = logging.getLogger("efpi.s2")

Handler = Callable[[Asked], Awaitable[Answer]]


class HttpsServer:
    """Listens at one address; it counts who comes before TLS begins, so that nobody holds more than his part."""

    def __init__(self, handler: Handler, host: str, port: int, tls: ssl.SSLContext) -> None:
        self._handler = handler
        self._host = host
        self._port = port
        self._tls = tls
        self._socket: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._connections: dict[asyncio.Task[None], str] = {}

    @property
    def port(self) -> int:
        """The port it listens at; the system's choice where 0 was asked for."""
        assert self._socket is not None  # noqa: S101  # asked of a server that is open
        port: int = self._socket.getsockname()[1]
        return port

    async def open(self) -> None:
        """Begin to listen; TryAgainError with a cure when that cannot be now."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            family, address = found[0][0], found[0][4]
            both = family is socket.AF_INET6 and self._host == "::"
            self._socket = socket.create_server(address[:2], family=family, backlog=BACKLOG, dualstack_ipv6=both)
        except OSError as error:
            where = f"{self._host}:{self._port}"
            raise TryAgainError(
                f"cannot listen for pairing at {where}: {error.strerror or error}",
                "choose another address or port, or end the program that listens there",
                detail_code="not_listening",
            ) from error
        self._socket.setblocking(False)
        self._accepting = loop.create_task(self._accept(self._socket), name="S2 Connect: accept")

    async def close(self) -> None:
        """Stop listening, and hang up."""
        tasks = [*self._connections, *([self._accepting] if self._accepting is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                guest, address = await loop.sock_accept(listening)
            except OSError:  # who came has left already, or there are no more descriptors
                await asyncio.sleep(PAUSE_S)
                continue
            host = str(address[0])
            if (
                len(self._connections) >= MOST_CONNECTIONS
                or list(self._connections.values()).count(host) >= MOST_OF_ONE
            ):
                guest.close()
                continue
            task = loop.create_task(self._serve(guest, host), name=f"S2 Connect: {host}")
            self._connections[task] = host
            task.add_done_callback(lambda done: self._connections.pop(done, None))

    async def _serve(self, guest: socket.socket, host: str) -> None:
        reader = asyncio.StreamReader(limit=LARGEST_HEAD)
        protocol = asyncio.StreamReaderProtocol(reader)
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, guest, ssl=self._tls, ssl_handshake_timeout=HANDSHAKE_S, ssl_shutdown_timeout=1.0
            )
        except (OSError, TimeoutError):
            guest.close()
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        try:
            await self._converse(_Line(reader, writer, host))
        except (OSError, TimeoutError, h11.ProtocolError):
            pass
        except asyncio.CancelledError:
            transport.abort()
            raise
        except Exception:  # one request must not end the server, whatever it breaks
            LOG.exception("S2 Connect: a request could not be answered")
        finally:
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

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD)
        self._address = address

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
