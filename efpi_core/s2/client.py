"""A WebSocket client for S2: it keeps one link to a server open, and tries again when it is gone."""

import ssl
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from efpi_core.errors import EfpiError
from efpi_core.plugin.context import Context
from efpi_core.s2.backoff import Backoff
from efpi_core.s2.compression import ForClient
from efpi_core.s2.guarded import Guarded
from efpi_core.s2.link import Link
from efpi_core.s2.link_limits import LinkLimits
from efpi_core.s2.server import QUIET, READ_AHEAD
from efpi_core.s2.tls import has_fingerprint
from efpi_core.s2.trouble import Trouble, WrongCertificateError, trouble_of


class Credentials(NamedTuple):
    """For one link."""

    url: str
    token: str
    tls: ssl.SSLContext
    address: str
    """Where the host of the URL is."""


class LinkClient:
    """Keeps a link to one URL open. Redirects are followed without the token; proxies of the machine are not used."""

    def __init__(
        self,
        context: Context,
        url: str,
        *,
        name: str,
        serve_link: Callable[[Link], Awaitable[None]],
        on_trouble: Callable[[Trouble], None],
        token: str | None = None,
        tls: ssl.SSLContext | None = None,
        fingerprint: bytes | None = None,
        limits: LinkLimits | None = None,
        backoff: Backoff | None = None,
        credentials: Callable[[], Awaitable[Credentials]] | None = None,
    ) -> None:
        """`credentials` takes the place of URL, token and TLS where each link has its own, made right before it."""
        self._context = context
        self._credentials = credentials
        self._url = url
        self._name = name
        self._serve_link = serve_link
        self._on_trouble = on_trouble
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._secured: dict[str, Any] = {} if tls is None else {"ssl": tls}
        self._fingerprint = fingerprint
        self._limits = limits or LinkLimits()
        self._backoff = backoff or Backoff(context.random)

    async def run(self) -> None:
        """Open the link and serve it, again and again, until cancelled."""
        while True:
            opened_at: float | None = None
            try:
                socket = await self._open()
            except (OSError, EOFError, WebSocketException, EfpiError) as error:
                self._on_trouble(trouble_of(error))
            else:
                opened_at = self._context.elapsed()
                await self._serve_link(Link(socket, self._context, self._limits, self._name))
            held_s = 0.0 if opened_at is None else self._context.elapsed() - opened_at
            await self._context.sleep(self._backoff.next_s(held_s))

    async def _open(self) -> Guarded:
        limits, fingerprint = self._limits, self._fingerprint
        url, headers, secured = self._url, self._headers, self._secured
        if self._credentials is not None:
            own = await self._credentials()
            url, headers = own.url, {"Authorization": f"Bearer {own.token}"}
            secured = {"ssl": own.tls, "host": own.address}

        class Pinned(_Pinned):
            expected = fingerprint

        socket = await connect(
            url, additional_headers=headers, proxy=None, create_connection=Pinned,
            open_timeout=limits.open_within_s, close_timeout=limits.close_within_s,
            ping_interval=limits.ping_every_s, ping_timeout=limits.pong_within_s, max_size=limits.largest_frame,
            max_queue=READ_AHEAD, logger=QUIET, user_agent_header=None, compression=None, extensions=(ForClient(),),
            **secured,
        )  # fmt: skip
        assert isinstance(socket, Pinned)  # noqa: S101  # made by this client
        return socket


class _Pinned(Guarded, ClientConnection):
    """A connection that says nothing to a server whose certificate is not the expected one."""

    expected: bytes | None = None

    async def handshake(self, *args: Any, **more: Any) -> None:
        """Look at the server's certificate before anything is said, above all the token."""
        if self.expected is not None:
            tls = self.transport.get_extra_info("ssl_object")
            if not has_fingerprint(None if tls is None else tls.getpeercert(binary_form=True), self.expected):
                raise WrongCertificateError("its fingerprint is another")
        await super().handshake(*args, **more)
