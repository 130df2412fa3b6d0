"""The WebSockets of paired nodes: a server for those that call, a client for each that is called."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import UUID

from efi.s2.profile import Profile
from efi.s2.version import profile_of
from efpi_core.errors import RefusedError
from efpi_core.plugin.context import Context
from efpi_core.s2.backoff import Backoff
from efpi_core.s2.client import Credentials, LinkClient
from efpi_core.s2.connect.certificates import public_context
from efpi_core.s2.connect.node import LocalNode
from efpi_core.s2.connect.pairings import Pairing
from efpi_core.s2.connect.registry import Registry
from efpi_core.s2.connect.service import ConnectService
from efpi_core.s2.connect.session_server import Granted
from efpi_core.s2.connect.settings import ConnectConfig
from efpi_core.s2.ending import EndedBy, Ending
from efpi_core.s2.gate import Admitted, Knock, TurnedAway
from efpi_core.s2.link import Link
from efpi_core.s2.server import LinkServer
from efpi_core.s2.trouble import Trouble

SESSION_PATH = "/s2"

MOST_LINKS = 200

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 600.0
"""How soon, and how rarely, one that is called and does not answer is called again (S2 Connect 1.0)."""

UNPAIRED = Ending(EndedBy.REFUSED, "the pairing has ended", "pair again if that was not meant")

ServePaired = Callable[[Link, Pairing, Profile | None], Awaitable[None]]
"""Runs a session to its end; the version was agreed on beforehand, so no Handshake is sent."""

Heard = Callable[[Pairing, Trouble | None], None]
"""A node that is called does not answer, with the reason; or it does again."""

Key = tuple[UUID, UUID]


class PairedLinks:
    """Opens and serves the sessions of all pairings of an endpoint, and ends them with the pairing."""

    def __init__(
        self,
        context: Context,
        config: ConnectConfig,
        serve: ServePaired,
        on_trouble: Heard,
        *,
        serves: bool = True,
    ) -> None:
        """`serves`: the nodes may be communication servers, as energy managers are in the LAN."""
        self._serves = serves
        self._context = context
        self._config = config
        self._place = config.place(context.instance)
        self._serve = serve
        self._on_trouble = on_trouble
        self.service = ConnectService(context, self._place, self._websocket_url)
        if config.registry:
            self.service.registry = Registry(config.registry, public_context())
        self.service.on_paired = self._paired
        self.service.on_ended = self._ended
        self.on_pairings: Callable[[], None] = _nothing
        """Called when a pairing has come or gone."""
        self._server: LinkServer | None = None
        self._granted: dict[str, Granted] = {}
        self._versions: dict[Key, str] = {}
        self._calls: dict[Key, asyncio.Task[None]] = {}
        self._links: dict[Key, set[Link]] = {}

    # --- life

    async def start(self) -> None:
        """Listen for pairing and for sessions; TryAgainError with a cure when that cannot be now."""
        if self._serves and self._server is None:
            self._server = await self._opened()
        if not self.service.listens:
            await self.service.start()

    async def _opened(self) -> LinkServer:
        server = LinkServer(
            self._context, host=self._config.host, port=self._config.session_port, admit=self._admit,
            serve_link=self._welcome, most_links=MOST_LINKS, tls=self.service.tls,
        )  # fmt: skip
        await server.open()
        return server

    def offer(self, node: LocalNode) -> None:
        """Offer a node for pairing, and call on the servers with which it is paired."""
        self.service.offer(node)
        for pairing in self.service.book.of_node(node.description.id):
            self._call(pairing)

    async def withdraw(self, node_id: UUID) -> None:
        """Offer a node no longer, and call on nobody for it; its pairings stay."""
        self.service.withdraw(node_id)
        calls = [self._calls.pop(key) for key in tuple(self._calls) if key[0] == node_id]
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    async def close(self) -> None:
        """Part from all."""
        for task in self._calls.values():
            task.cancel()
        await asyncio.gather(*self._calls.values(), return_exceptions=True)
        if self._server is not None:
            await self._server.close()
        await self.service.close()

    def _websocket_url(self) -> str:
        if self._server is None:
            raise RefusedError("no sessions are served here", "see the condition of the instance")
        host = self._place.host_name
        return f"wss://{f'[{host}]' if ':' in host else host}:{self._server.port}{SESSION_PATH}"

    # --- who calls

    def _admit(self, knock: Knock) -> Admitted | TurnedAway:
        if knock.path.rstrip("/") != SESSION_PATH:
            return TurnedAway(HTTPStatus.NOT_FOUND, f"S2 is spoken at {SESSION_PATH}")
        granted = None if knock.token is None else self.service.admit(knock.token)
        if granted is None:
            return TurnedAway(HTTPStatus.UNAUTHORIZED, "open a session by S2 Connect first")
        own, peer = granted.pairing.key
        name = f"{own} {peer}"
        self._granted[name] = granted
        return Admitted(name)

    async def _welcome(self, link: Link, name: str) -> None:
        granted = self._granted.pop(name, None)
        if granted is not None:
            await self._run(link, granted.pairing, granted.version)

    # --- who is called

    def _call(self, pairing: Pairing) -> None:
        if pairing.serves or pairing.key in self._calls or self.service.node(pairing.own) is None:
            return
        client = LinkClient(
            self._context, pairing.url, name=pairing.peer.shown,
            credentials=partial(self._credentials, pairing),
            serve_link=partial(self._called, pairing),
            on_trouble=partial(self._on_trouble, pairing),
            backoff=Backoff(self._context.random, FIRST_PAUSE_S, LONGEST_PAUSE_S),
        )  # fmt: skip
        self._calls[pairing.key] = self._context.spawn(client.run(), f"calls {pairing.peer.shown}")

    async def _credentials(self, pairing: Pairing) -> Credentials:
        opened = await self.service.open_session(pairing)
        self._versions[pairing.key] = opened.version
        host = urlsplit(opened.url).hostname or ""
        return Credentials(opened.url, opened.token, opened.tls, await self.service.neighbourhood.resolve(host))

    async def _called(self, pairing: Pairing, link: Link) -> None:
        self._on_trouble(pairing, None)
        await self._run(link, pairing, self._versions.get(pairing.key, ""))

    # --- sessions

    async def _run(self, link: Link, pairing: Pairing, version: str) -> None:
        links = self._links.setdefault(pairing.key, set())
        links.add(link)
        try:
            await self._serve(link, pairing, profile_of(version))
        finally:
            links.discard(link)
            if not links:
                self._links.pop(pairing.key, None)
                if self.service.book.find(*pairing.key) is None:
                    self._hang_up(pairing)

    def _paired(self, pairing: Pairing) -> None:
        self._call(pairing)
        self.on_pairings()

    def _ended(self, pairing: Pairing) -> None:
        links = tuple(self._links.get(pairing.key, ()))
        for link in links:
            link.end(UNPAIRED)  # in order; nobody calls again once it has ended
        if not links:
            self._hang_up(pairing)

    def _hang_up(self, pairing: Pairing) -> None:
        call = self._calls.pop(pairing.key, None)
        if call is not None:
            self._context.soon(partial(_cancel, call))
        self.on_pairings()


def _cancel(call: "asyncio.Task[None]") -> None:
    """Later, since it may be the call itself that found out."""
    call.cancel()


def _nothing() -> None:
    """Nobody wants to know."""
