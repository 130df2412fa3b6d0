"""An S2 Connect endpoint over HTTP: which path leads to which state machine, and which answer to which status."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from ipaddress import IPv6Address, ip_address
from typing import Protocol

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from efpi_core.errors import EfpiError
from efpi_core.s2.connect.exchange import Answer, Asked, UnreadableError, read
from efpi_core.s2.connect.node import LocalNode
from efpi_core.s2.connect.pairing_server import Denied, Paired, PairingServer, Refused
from efpi_core.s2.connect.pairings import MOST_PAIRINGS, Pairing, PairingBook, digest
from efpi_core.s2.connect.session_server import NoSession, SessionServer, Unauthorized
from efpi_core.s2.connect.waiting import HOLD_S, WaitingRoom
from efpi_core.s2.connect.wire import (
    CancelPreparePairing,
    CommunicationDetails,
    ConnectionDetailsPost,
    ConnectionDetailsRequest,
    Deployment,
    EndpointDescription,
    ErrorMessage,
    Finalization,
    NodeDescription,
    PairingError,
    PairingRequest,
    PreparePairing,
    SessionError,
    SessionRequest,
    Unpairing,
    Waiting,
)

PAIRING_PATH = "/pairing/"
SESSION_PATH = "/connection/"
VERSION = "v1"

LOG = logging.getLogger("efpi.s2")

_WAITING = TypeAdapter(list[Waiting])


class Time(Protocol):
    """The clock, as `Context` has it."""

    def now(self) -> datetime:
        """The present instant."""

    def elapsed(self) -> float:
        """Seconds that no setting of the wall clock changes."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Listener(Protocol):
    """Whoever owns the endpoint."""

    async def paired(self, paired: Paired) -> None:
        """A pairing has come about: keep it, and end what it replaces. TryAgainError when it cannot be kept."""

    async def unpaired(self, pairing: Pairing) -> None:
        """The other side has ended a pairing, which is forgotten already."""

    def preparing(self, node: LocalNode, peer: NodeDescription) -> None:
        """Somebody is about to pair with a node: its pairing code may be shown."""


Route = Callable[[Asked], Awaitable[Answer]]


class Endpoint:
    """Answers requests of pairing and of session initiation."""

    def __init__(
        self,
        pairing: PairingServer,
        book: PairingBook,
        time: Time,
        listener: Listener,
        *,
        endpoint: EndpointDescription,
        session_url: str,
        websocket_url: Callable[[], str],
    ) -> None:
        self.sessions = SessionServer(book)
        self.waiting = WaitingRoom()
        self._pairing = pairing
        self._book = book
        self._time = time
        self._listener = listener
        self._endpoint = endpoint
        self._session_url = session_url
        self._websocket_url = websocket_url
        pairing_base, session_base = f"{PAIRING_PATH}{VERSION}/", f"{SESSION_PATH}{VERSION}/"
        self._routes: dict[tuple[str, str], Route] = {
            ("GET", PAIRING_PATH): _index,
            ("GET", SESSION_PATH): _index,
            ("POST", f"{pairing_base}requestPairing"): self._request_pairing,
            ("POST", f"{pairing_base}requestConnectionDetails"): self._request_details,
            ("POST", f"{pairing_base}postConnectionDetails"): self._post_details,
            ("POST", f"{pairing_base}finalizePairing"): self._finalize,
            ("POST", f"{session_base}initiateSession"): self._initiate,
            ("POST", f"{session_base}confirmAccessToken"): self._confirm,
            ("POST", f"{session_base}unpair"): self._unpair,
        }
        if endpoint.deployment is not Deployment.WAN:
            local = {
                ("GET", f"{pairing_base}endpoint"): self._show_endpoint,
                ("GET", f"{pairing_base}nodes"): self._show_nodes,
                ("POST", f"{pairing_base}preparePairing"): self._prepare,
                ("POST", f"{pairing_base}cancelPreparePairing"): self._cancel_prepare,
                ("POST", f"{pairing_base}waitForPairing"): self._wait,
            }
            self._routes |= {where: _from_the_lan(route) for where, route in local.items()}

    async def handle(self, asked: Asked) -> Answer:
        """The answer to any request."""
        route = self._routes.get((asked.method, asked.path))
        if route is None:
            known = any(path == asked.path for _, path in self._routes)
            return Answer(405 if known else 404)
        if asked.body and asked.content_type.partition(";")[0].strip().lower() != "application/json":
            return Answer(415)
        try:
            return await route(asked)
        except EfpiError as error:
            LOG.warning("S2 Connect: %s: %s", asked.path, error.problem)
            return Answer(500)

    # --- pairing

    async def _request_pairing(self, asked: Asked) -> Answer:
        try:
            request = read(PairingRequest, asked.body)
        except UnreadableError as error:
            return _refusal(Refused(PairingError.PARSING, str(error)))
        node = self._pairing.target(request)
        if isinstance(node, Refused):
            return _refusal(node)
        wait_s = self._pairing.turn(node, self._time.elapsed())
        if isinstance(wait_s, Denied):
            return Answer(wait_s.status)
        await self._time.sleep(wait_s)
        accepted = self._pairing.request(node, request, self._time.elapsed())
        return _refusal(accepted) if isinstance(accepted, Refused) else Answer.of(accepted)

    async def _request_details(self, asked: Asked) -> Answer:
        now = self._time.elapsed()
        try:
            proof = read(ConnectionDetailsRequest, asked.body).server_hmac_challenge_response
        except UnreadableError:
            return Answer(self._pairing.unreadable(asked.bearer, now).status)
        details = self._pairing.connection_details(asked.bearer, proof, self._session_url, now)
        return Answer(details.status) if isinstance(details, Denied) else Answer.of(details)

    async def _post_details(self, asked: Asked) -> Answer:
        now = self._time.elapsed()
        try:
            posted = read(ConnectionDetailsPost, asked.body)
        except UnreadableError:
            return Answer(self._pairing.unreadable(asked.bearer, now).status)
        denied = self._pairing.take_details(asked.bearer, posted, now)
        return Answer(204 if denied is None else denied.status)

    async def _finalize(self, asked: Asked) -> Answer:
        now = self._time.elapsed()
        try:
            success = read(Finalization, asked.body).success
        except UnreadableError:
            return Answer(self._pairing.unreadable(asked.bearer, now).status)
        if success and len(self._book) >= MOST_PAIRINGS:
            return Answer(503)
        paired = self._pairing.finalize(asked.bearer, success, now)
        if isinstance(paired, Denied):
            return Answer(paired.status)
        if paired is not None:
            await self._listener.paired(paired)
        return Answer(204)

    # --- what only the LAN may ask

    async def _show_endpoint(self, asked: Asked) -> Answer:
        return Answer.of(self._endpoint)

    async def _show_nodes(self, asked: Asked) -> Answer:
        nodes = [node.description.model_dump(mode="json", exclude_none=True) for node in self._pairing.nodes]
        return Answer(200, to_json(nodes))

    async def _prepare(self, asked: Asked) -> Answer:
        try:
            request = read(PreparePairing, asked.body)
        except UnreadableError as error:
            return _refusal(Refused(PairingError.PARSING, str(error)))
        node = self._pairing.node(request.server_node_id)
        if node is not None:
            if request.client_node_description.role is node.description.role:
                role = node.description.role
                return _refusal(Refused(PairingError.INVALID_COMBINATION_OF_ROLES, f"this node is a {role}, too"))
            self._listener.preparing(node, request.client_node_description)
        return Answer(204)

    async def _cancel_prepare(self, asked: Asked) -> Answer:
        try:
            read(CancelPreparePairing, asked.body)
        except UnreadableError:
            return Answer(400)
        return Answer(204)

    async def _wait(self, asked: Asked) -> Answer:
        try:
            waiting = _WAITING.validate_json(asked.body)
        except ValidationError:
            return Answer(400)
        if not waiting or not self.waiting.arrive(waiting, self._time.elapsed()):
            return Answer(503 if waiting else 400)
        instructions = self.waiting.instructions(waiting)
        until = self._time.elapsed() + HOLD_S
        while not instructions and (left_s := until - self._time.elapsed()) > 0:
            try:
                async with asyncio.timeout(left_s):
                    await self.waiting.news()
            except TimeoutError:
                break
            instructions = self.waiting.instructions(waiting)
        if not instructions:
            return Answer(204)
        return Answer(200, to_json([each.model_dump(mode="json") for each in instructions]))

    # --- sessions

    async def _initiate(self, asked: Asked) -> Answer:
        try:
            request = read(SessionRequest, asked.body)
        except UnreadableError as error:
            return _no_session(NoSession(SessionError.PARSING, str(error)))
        node = self._pairing.node(request.server_node_id)
        versions = () if node is None else node.versions
        offer = self.sessions.initiate(request, asked.bearer, versions, self._time.elapsed())
        match offer:
            case NoSession():
                return _no_session(offer)
            case Unauthorized():
                return Answer(401)
            case _:
                return Answer.of(offer)

    async def _confirm(self, asked: Asked) -> Answer:
        activation = self.sessions.confirm(asked.bearer, self._time.elapsed())
        if isinstance(activation, Unauthorized):
            return Answer(401)
        await self._book.keep(activation.pairing)
        token = self.sessions.grant(activation, self._time.elapsed())
        return Answer.of(
            CommunicationDetails(
                communication_protocol="WebSocket", websocket_token=token, websocket_url=self._websocket_url()
            )
        )

    async def _unpair(self, asked: Asked) -> Answer:
        try:
            request = read(Unpairing, asked.body)
        except UnreadableError:
            return Answer(400)
        pairing = self.sessions.unpair(request, asked.bearer)
        if isinstance(pairing, Unauthorized):
            return Answer(401)
        self.sessions.forget_grants(pairing.key, self._time.elapsed())
        await self._book.end(pairing)
        await self._listener.unpaired(pairing)
        return Answer(204)


def as_pairing(paired: Paired, since: datetime, authority: bytes, authority_fingerprint: str) -> Pairing:
    """What came about as it is kept, with the certificate that the communication client pins, or its fingerprint."""
    pairing = Pairing(
        own=paired.own.id, peer=paired.peer, endpoint=paired.endpoint, since=since, serves=paired.issued is not None
    )
    if paired.issued is not None:
        return replace(pairing, digest=digest(paired.issued))
    assert paired.details is not None  # noqa: S101  # one of both sides issues the token
    return replace(
        pairing,
        tokens=(paired.details.access_token,),
        url=paired.details.initiate_session_url,
        authority=authority,
        authority_fingerprint=authority_fingerprint,
    )


def is_local(address: str) -> bool:
    """Whether an address belongs to this machine or to a network that is not routed on the internet."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.is_private or found.is_link_local or found.is_loopback


def _from_the_lan(route: Route) -> Route:
    async def guarded(asked: Asked) -> Answer:
        return await route(asked) if is_local(asked.address) else Answer(401)

    return guarded


async def _index(asked: Asked) -> Answer:
    return Answer(200, to_json([VERSION]))


def _refusal(refused: Refused) -> Answer:
    return Answer.of(ErrorMessage(error_message=refused.error, additional_info=refused.info), 400)


def _no_session(refused: NoSession) -> Answer:
    return Answer.of(ErrorMessage(error_message=refused.error, additional_info=refused.info), 400)
