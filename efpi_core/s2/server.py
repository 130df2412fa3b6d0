"""A WebSocket server for S2: it listens, asks who comes, and makes a link of each whom it lets in."""

import asyncio
import errno
import logging
import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from urllib.parse import urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from efpi_core.errors import TryAgainError
from efpi_core.plugin.context import Context
from efpi_core.s2.bearer import token_of
from efpi_core.s2.compression import ForServer
from efpi_core.s2.gate import Admitted, Knock, KnockCounter, TurnedAway
from efpi_core.s2.guarded import Guarded
from efpi_core.s2.link import Link
from efpi_core.s2.link_limits import LinkLimits

READ_AHEAD = 4
"""Messages of one peer that are read before they are handled."""

MOST_STRANGERS = 32
"""So many connections may be open beyond the links: those that have not shown yet who they are."""

QUIET = logging.Logger("efpi.s2", logging.CRITICAL + 1)
"""Where the library's own lines go: nowhere, since what is worth a word is said by name elsewhere."""

Admit = Callable[[Knock], Admitted | TurnedAway]
Serve = Callable[[Link, str], Awaitable[None]]
"""Runs a link to its end; with it comes the name under which it was admitted."""


class LinkServer:
    """Listens at one address and path."""

    def __init__(
        self,
        context: Context,
        *,
        host: str,
        port: int,
        admit: Admit,
        serve_link: Serve,
        most_links: int,
        tls: ssl.SSLContext | None = None,
        limits: LinkLimits | None = None,
    ) -> None:
        self._context = context
        self._host = host
        self._port = port
        self._admit = admit
        self._serve_link = serve_link
        self._most_links = most_links
        self._tls = tls
        self._limits = limits or LinkLimits()
        self._knocks = KnockCounter()
        self._links: set[Link] = set()
        self._server: Server | None = None

    @property
    def port(self) -> int:
        """The port it listens at; the system's choice where 0 was asked for."""
        assert self._server is not None  # noqa: S101  # asked of a server that is open
        port: int = next(iter(self._server.sockets)).getsockname()[1]
        return port

    async def open(self) -> None:
        """Begin to listen; raises TryAgainError with a cure when that cannot be now."""
        limits, most = self._limits, self._most_links + MOST_STRANGERS

        class Guest(_Guest):
            most_open = most

        try:
            self._server = await serve(
                self._handle, self._host, self._port, ssl=self._tls, process_request=self._process_request,
                create_connection=Guest, open_timeout=limits.open_within_s, close_timeout=limits.close_within_s,
                ping_interval=limits.ping_every_s, ping_timeout=limits.pong_within_s, max_size=limits.largest_frame,
                max_queue=READ_AHEAD, logger=QUIET, server_header=None, compression=None, extensions=(ForServer(),),
            )  # fmt: skip
        except OSError as error:
            raise _not_listening(self._host, self._port, error) from error

    async def close(self) -> None:
        """Stop listening and close what is open; whoever ends links in order does so before."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def _process_request(self, guest: ServerConnection, request: Request) -> Response | None:
        """Let somebody in, or answer why not."""
        assert isinstance(guest, _Guest)  # noqa: S101  # made by this server
        address = guest.remote_address
        host = str(address[0]) if isinstance(address, tuple) and address else "unknown"
        try:
            token = token_of(request.headers.get("Authorization"))
        except LookupError:  # it stands there twice
            token = None
        answer = self._admit(Knock(urlsplit(request.path).path, token, host))
        if isinstance(answer, Admitted):
            answer = self._room_for(answer, host)
        if isinstance(answer, TurnedAway):
            response = guest.respond(answer.status, f"{answer.text}\n")
            if answer.status is HTTPStatus.UNAUTHORIZED:
                response.headers["WWW-Authenticate"] = "Bearer"
            return response
        guest.admitted = answer.name
        return None

    def _room_for(self, admitted: Admitted, host: str) -> Admitted | TurnedAway:
        if len(self._links) >= self._most_links:
            return TurnedAway(HTTPStatus.SERVICE_UNAVAILABLE, f"{self._most_links} links are open, which is all")
        heads = 1 if admitted.name else self._most_links  # without tokens nobody knows who is who
        if self._knocks.too_often(admitted.name or host, self._context.elapsed(), heads):
            return TurnedAway(HTTPStatus.TOO_MANY_REQUESTS, "too many links were opened; wait some seconds")
        return admitted

    async def _handle(self, guest: ServerConnection) -> None:
        assert isinstance(guest, _Guest)  # noqa: S101  # made by this server
        link = Link(guest, self._context, self._limits, guest.admitted or "a device")
        self._links.add(link)
        try:
            await self._serve_link(link, guest.admitted)
        except Exception as error:  # noqa: BLE001  # the library would swallow what is the instance's own failure
            self._context.soon(partial(_fail, error))
        finally:
            self._links.discard(link)


class _Guest(Guarded, ServerConnection):
    """A connection to the server, and as whom it was admitted."""

    admitted = ""
    most_open = MOST_STRANGERS

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, unless too many are open already."""
        super().connection_made(transport)
        if len(self.server.handler_tasks) > self.most_open:
            self.transport.abort()


def _fail(error: Exception) -> None:
    raise error


def _not_listening(host: str, port: int, error: OSError) -> TryAgainError:
    where = f"{host}:{port}"
    match error.errno:
        case errno.EADDRINUSE:
            return TryAgainError(
                f"another program listens at {where}", "choose another port, or end that program",
                detail_code="port_in_use",
            )  # fmt: skip
        case errno.EACCES:
            return TryAgainError(
                f"the gateway may not listen at {where}", "choose a port above 1023", detail_code="no_rights"
            )
        case _:
            return TryAgainError(
                f"cannot listen at {where}: {error.strerror or error}",
                "choose an address of this machine", detail_code="not_listening",
            )  # fmt: skip
