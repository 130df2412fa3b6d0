"""S2 Connect for one plugin instance: identity and pairings on disk, server, announcement, and calls of others."""

import asyncio
import ssl
from collections.abc import Callable
from functools import partial
from uuid import UUID

from efpi_core.errors import EfpiError, RefusedError, TryAgainError
from efpi_core.plugin.context import Context
from efpi_core.plugin.memory import SECRET_KEY
from efpi_core.s2.connect.announcement import Announcement, Found
from efpi_core.s2.connect.calling import Caller, Met, NoLongerPairedError, Opened
from efpi_core.s2.connect.certificates import Identity, fingerprint_text
from efpi_core.s2.connect.challenge import Binding
from efpi_core.s2.connect.code import VALID_S, Issued, PairingCode
from efpi_core.s2.connect.discovery import Neighbourhood
from efpi_core.s2.connect.endpoint import Endpoint, as_pairing
from efpi_core.s2.connect.exchange import Answer, Asked
from efpi_core.s2.connect.http_server import HttpsServer
from efpi_core.s2.connect.node import LocalNode
from efpi_core.s2.connect.pairing_client import PairingClient
from efpi_core.s2.connect.pairing_server import Paired, PairingServer
from efpi_core.s2.connect.pairings import Pairing, PairingBook
from efpi_core.s2.connect.place import Place
from efpi_core.s2.connect.registry import Registry
from efpi_core.s2.connect.session_server import Granted
from efpi_core.s2.connect.waiter import Waiter
from efpi_core.s2.connect.waiting import AWAY_S
from efpi_core.s2.connect.wire import Deployment, EndpointDescription, NodeDescription, Role, WaitAction

IDENTITY = f"{SECRET_KEY}s2connect.identity"

LOOK_AT_LEAF_S = 86400.0
"""How often it is looked whether the leaf must be renewed."""

PairingHeard = Callable[[Pairing], None]


class ConnectService:
    """The endpoint of one instance. It listens once started; pairings are there from the beginning."""

    def __init__(self, context: Context, place: Place, websocket_url: Callable[[], str]) -> None:
        """`websocket_url` tells where sessions run, when this side is the communication server."""
        self._context = context
        self._place = place
        self._websocket_url = websocket_url
        self._nodes: dict[UUID, LocalNode] = {}
        self.book = PairingBook(context.storage)
        self.description = EndpointDescription(name=place.name or None, deployment=Deployment.LAN)
        self.neighbourhood = Neighbourhood(place.looks_on)
        self._announcer = Neighbourhood(place.announced_on)
        self._caller = Caller(self.neighbourhood.resolve)
        self._identity = self._known_identity()
        self.tls: ssl.SSLContext = self._identity.server_context()
        """What this side shows as server, of the WebSocket, too."""
        self._pairing = PairingServer(self._nodes, self.description, *self._shown())
        self._server: HttpsServer | None = None
        self._endpoint: Endpoint | None = None
        self._expected: dict[UUID, asyncio.Future[Pairing]] = {}
        self.registry: Registry | None = None
        """Where endpoints on the internet are registered, if one was set."""
        self.on_paired: PairingHeard = _ignore
        """Called when a pairing is there and kept."""
        self.on_ended: PairingHeard = _ignore
        """Called when one has ended, whoever ended it."""
        self.on_preparing: Callable[[LocalNode, NodeDescription], None] = _ignore_preparing
        """Called when somebody is about to pair with a node."""

    # --- identity

    def _known_identity(self) -> Identity:
        names, now = self._place.names, self._context.now()
        known = Identity.of(self._context.storage.get(IDENTITY))
        if known is not None and not known.due(names, now):
            return known
        fresh = Identity.new(names, now) if known is None else known.renewed(names, now)
        self._context.storage.put(IDENTITY, fresh.kept(), durable=True)
        return fresh

    def _shown(self) -> tuple[Binding, str]:
        return Binding.to_certificate(self._identity.leaf), fingerprint_text(self._identity.authority)

    def _look_at_leaf(self) -> None:
        fresh = self._known_identity()
        if fresh != self._identity:
            self._identity = fresh
            fresh.load_into(self.tls)
            self._pairing.binding, _ = self._shown()
        self._context.call_later(LOOK_AT_LEAF_S, self._look_at_leaf)

    # --- life

    async def start(self) -> None:
        """Listen, and tell the LAN; TryAgainError with a cure when that cannot be now."""
        server = HttpsServer(self._handle, self._place.host, self._place.port, self.tls)
        await server.open()
        self._server = server
        self._endpoint = Endpoint(
            self._pairing, self.book, self._context, self, endpoint=self.description,
            session_url=self.session_url, websocket_url=self._websocket_url,
        )  # fmt: skip
        self._context.call_later(LOOK_AT_LEAF_S, self._look_at_leaf)

    async def announce(self, role: Role) -> None:
        """Tell the LAN of this endpoint; TryAgainError when multicast DNS does not work."""
        told = Announcement(Deployment.LAN, self._place.name, "", self.pairing_url, self.pairing_url)
        place = self._place
        await self._announcer.announce(place.announced_as, self.port, place.addresses(), told, role)

    async def close(self) -> None:
        """Take the announcement back, and listen no more."""
        for each in (self._announcer, self.neighbourhood):
            await each.close()
        if self._server is not None:
            await self._server.close()

    async def _handle(self, asked: Asked) -> Answer:
        return Answer(503) if self._endpoint is None else await self._endpoint.handle(asked)

    @property
    def listens(self) -> bool:
        """Whether others can pair with this endpoint."""
        return self._server is not None

    @property
    def port(self) -> int:
        """At which it listens."""
        if self._server is None:
            raise TryAgainError("S2 Connect does not listen here", "see the condition of the instance")
        return self._server.port

    @property
    def pairing_url(self) -> str:
        """Where others pair with this endpoint."""
        return self._place.pairing_url(self.port)

    @property
    def session_url(self) -> str:
        """Where paired nodes open sessions with this endpoint."""
        return self._place.session_url(self.port)

    # --- nodes

    def offer(self, node: LocalNode) -> None:
        """Offer a node for pairing; one of its id is replaced."""
        self._nodes[node.description.id] = node

    def withdraw(self, node_id: UUID) -> None:
        """Offer a node no longer; its pairings stay."""
        self._nodes.pop(node_id, None)

    def node(self, node_id: UUID) -> LocalNode | None:
        """The node of that id."""
        return self._nodes.get(node_id)

    def issue(self, node: LocalNode) -> Issued:
        """A new pairing code for a node, to be typed in at the other side."""
        token = node.tokens.issue(self._context.elapsed())
        return Issued(PairingCode(node.alias, token).text, VALID_S, self.pairing_url if self.listens else "")

    # --- pairing that this side begins

    async def browse(self, seconds: float, role: Role | None = None) -> tuple[Found, ...]:
        """The endpoints in the LAN, without this one."""
        found = await self.neighbourhood.browse(seconds, role)
        own = self.pairing_url if self.listens else None
        return tuple(each for each in found if each.announcement.pairing_url != own)

    async def registered(self, role: Role) -> tuple[tuple[str, str], ...]:
        """The endpoints on the internet with nodes of a role: name and address."""
        if self.registry is None:
            return ()
        return tuple((record.name, record.pairing_url) for record in await self.registry.endpoints(role))

    def waiting(self) -> dict[UUID, NodeDescription | None]:
        """The nodes without a server that wait to be told to pair."""
        if self._endpoint is None:
            return {}
        room = self._endpoint.waiting.nodes(self._context.elapsed())
        return {node_id: node.description for node_id, node in room.items()}

    async def pair(
        self, node: LocalNode, url: str, code: PairingCode, node_id: UUID | None = None, *, force: bool = False
    ) -> Pairing:
        """Pair a node with one of the endpoint at a URL."""
        attempt = PairingClient(node, self.description, code, node_id, force)
        session_url = self.session_url if self.listens else ""
        met: Met = await self._caller.pair(url, attempt, session_url, self._shown()[1])
        return await self._take(met.paired, met.authority, met.authority_fingerprint)

    async def pair_waiting(self, node: LocalNode, waiting: UUID, code: PairingCode) -> Pairing:
        """Pair a node with one that waits, by the code that it shows; waits until it has done so."""
        if self._endpoint is None or waiting not in self.waiting():
            raise TryAgainError("no such node waits to be paired", "see which are found, and try again")
        node.tokens.enter(code.token, self._context.elapsed(), AWAY_S)
        expected: asyncio.Future[Pairing] = asyncio.get_running_loop().create_future()
        self._expected[waiting] = expected
        self._endpoint.waiting.tell(waiting, WaitAction.REQUEST_PAIRING)
        try:
            async with self._context.timeout(AWAY_S):
                return await expected
        except TimeoutError:
            raise TryAgainError("the node that waits did not pair in time", "read its code again") from None
        finally:
            del self._expected[waiting]

    async def wait_at(self, url: str, node: LocalNode) -> None:
        """Wait at an endpoint until a person there wants to pair with a node of this one; for one without a server."""

        async def told(node: LocalNode, action: WaitAction) -> None:
            token = node.tokens.valid(self._context.elapsed())
            if action is WaitAction.REQUEST_PAIRING and token is not None:
                pairing = await self.pair(node, url, PairingCode(None, token))
                node.tokens.spend(token)
                self._context.log.info(f"paired with '{pairing.peer.shown}', at whose side somebody wanted it")

        await Waiter(self._context, partial(self._caller.waiting_at, url), node, self.description, told).run()

    async def unpair(self, pairing: Pairing) -> bool:
        """End a pairing; whether the other side has been told. It finds out by itself otherwise."""
        told = True
        if not pairing.serves:
            try:
                await self._caller.unpair(pairing, self.book)
            except EfpiError:
                told = False
        await self.book.end(pairing)
        self._ended(pairing)
        return told

    # --- sessions

    def admit(self, token: str) -> Granted | None:
        """Who opens a WebSocket with a token; it is void from then on."""
        return None if self._endpoint is None else self._endpoint.sessions.spend(token, self._context.elapsed())

    async def open_session(self, pairing: Pairing) -> Opened:
        """A session with the communication server of a pairing; RefusedError when there is none any more."""
        current, node = self.book.find(*pairing.key), self._nodes.get(pairing.own)
        if current is None or node is None:
            raise RefusedError("these nodes are not paired any more", "pair them again")
        try:
            return await self._caller.open_session(node, current, self.book)
        except NoLongerPairedError:
            await self.book.end(current)
            self._ended(current)
            raise

    # --- what the other side brings about

    async def paired(self, paired: Paired) -> None:
        """A pairing has come about at the server: keep it, and end what it replaces."""
        told = "" if paired.details is None else (paired.details.certificate_fingerprint or {}).get("SHA256", "")
        pairing = await self._take(paired, b"", told)
        expected = self._expected.get(pairing.peer.id)
        if expected is not None and not expected.done():
            expected.set_result(pairing)

    async def unpaired(self, pairing: Pairing) -> None:
        """The other side has ended a pairing."""
        self._ended(pairing)

    def preparing(self, node: LocalNode, peer: NodeDescription) -> None:
        """Somebody is about to pair with a node: its code may be shown."""
        self.on_preparing(node, peer)

    async def _take(self, paired: Paired, authority: bytes, authority_fingerprint: str) -> Pairing:
        pairing = as_pairing(paired, self._context.now(), authority, authority_fingerprint)
        former = self.book.find(*pairing.key)
        replaced = [] if paired.own.role is Role.CEM else list(self.book.of_node(pairing.own))
        await self.book.keep(pairing)
        if former is not None:
            self._ended(former)
        for other in replaced:  # a resource manager has one energy manager
            if other.key != pairing.key:
                self._context.soon(partial(self._part, other))
        self.on_paired(pairing)
        return pairing

    async def _part(self, pairing: Pairing) -> None:
        if self.book.find(*pairing.key) == pairing:
            await self.unpair(pairing)

    def _ended(self, pairing: Pairing) -> None:
        if self._endpoint is not None:
            self._endpoint.sessions.forget_grants(pairing.key, self._context.elapsed())
        self.on_ended(pairing)


def _ignore(pairing: Pairing) -> None:
    """Nobody wants to know."""


def _ignore_preparing(node: LocalNode, peer: NodeDescription) -> None:
    """Nobody wants to know."""
