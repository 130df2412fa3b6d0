"""A small HTTPS client (HTTP/1.1 by h11) that shows which certificates it met. No redirects, no proxies, no cookies."""

import asyncio
import os
import socket
import ssl
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import h11

from efpi_core.errors import TryAgainError
from efpi_core.s2.connect.certificates import chain_of
from efpi_core.s2.connect.exchange import Answer
from efpi_core.s2.connect.wire import LARGEST_BODY

CONNECT_S = 10.0
ANSWER_S = 20.0
"""A server delays the answer to a request for pairing by at least a second."""

LARGEST_HEAD = 16 * 1024

Resolve = Callable[[str], Awaitable[str]]
"""Makes the address of a host name, as one that ends with `.local`."""

LookAt = Callable[[tuple[bytes, ...]], None]
"""Sees the certificates of a server before anything is said to it, and raises when they are not the right ones."""


async def as_it_is(host: str) -> str:
    """Leave it to the system."""
    return host


class HttpsClient:
    """Calls the endpoints below one base URL."""

    def __init__(
        self, base: str, tls: ssl.SSLContext, *, resolve: Resolve = as_it_is, look_at: LookAt | None = None
    ) -> None:
        try:
            parts = urlsplit(base)
            host, port = parts.hostname or "", parts.port or 443
            host.encode("ascii" if ":" in host else "idna")
        except ValueError:
            parts, host, port = urlsplit(""), "", 0
        if parts.scheme != "https" or not host or parts.username or parts.password:
            raise TryAgainError("this is no https:// URL", "write it as https://hostname.local:443/pairing/")
        self.host = host
        self._port = port
        self._path = parts.path if parts.path.endswith("/") else f"{parts.path}/"
        self._tls = tls
        self._resolve = resolve
        self._look_at = look_at

    async def get(self, path: str) -> Answer:
        """What is at a path."""
        return await self._ask("GET", path, b"", None, ANSWER_S)

    async def post(self, path: str, body: bytes, bearer: str | None = None, within_s: float = ANSWER_S) -> Answer:
        """What comes of a body that is sent to a path."""
        return await self._ask("POST", path, body, bearer, within_s)

    async def _ask(self, method: str, path: str, body: bytes, bearer: str | None, within_s: float) -> Answer:
        try:
            async with asyncio.timeout(CONNECT_S + within_s):
                address = await self._resolve(self.host)
                reader, writer = await asyncio.open_connection(
                    address, self._port, ssl=self._tls, server_hostname=self.host, ssl_handshake_timeout=CONNECT_S,
                    ssl_shutdown_timeout=1.0, limit=LARGEST_HEAD,
                )  # fmt: skip
                try:
                    if self._look_at is not None:
                        self._look_at(chain_of(writer.get_extra_info("ssl_object")))
                    return await self._exchange(reader, writer, self._request(method, path, body, bearer), body)
                finally:
                    writer.transport.abort()
        except ssl.SSLCertVerificationError as error:
            raise TryAgainError(
                f"the certificate of {self.host} is not to be trusted: {error.verify_message}",
                "if the other side was replaced or set up anew, pair again",
                detail_code="wrong_certificate",
            ) from error
        except TimeoutError:
            raise TryAgainError(f"{self.host} does not answer in time", "look whether it runs") from None
        except (OSError, EOFError, h11.ProtocolError, socket.gaierror) as error:
            reason = os.strerror(error.errno) if isinstance(error, ConnectionError) and error.errno else str(error)
            raise TryAgainError(
                f"{self.host} cannot be reached: {reason or type(error).__name__}",
                "look whether it runs, and at its address",
            ) from error

    def _request(self, method: str, path: str, body: bytes, bearer: str | None) -> h11.Request:
        host = f"[{self.host}]" if ":" in self.host else self.host
        headers = [("host", f"{host}:{self._port}"), ("accept", "application/json"), ("connection", "close")]
        if method == "POST":
            headers += [("content-type", "application/json"), ("content-length", str(len(body)))]
        if bearer is not None:
            headers.append(("authorization", f"Bearer {bearer}"))
        return h11.Request(method=method, target=f"{self._path}{path}", headers=headers)

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: h11.Request, body: bytes
    ) -> Answer:
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=LARGEST_HEAD)
        sent = (http.send(request), http.send(h11.Data(data=body)) if body else b"", http.send(h11.EndOfMessage()))
        writer.write(b"".join(each or b"" for each in sent))
        await writer.drain()
        status, content = 0, bytearray()
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await reader.read(LARGEST_HEAD))
            elif isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                content += event.data
                if len(content) > LARGEST_BODY:
                    raise EOFError(f"it answers with more than {LARGEST_BODY} bytes")
            elif isinstance(event, h11.EndOfMessage):
                return Answer(status, bytes(content))
            elif isinstance(event, h11.ConnectionClosed):
                raise EOFError("it hung up")
