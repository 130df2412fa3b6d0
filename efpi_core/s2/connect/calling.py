"""This side as HTTP client: pairing with an endpoint, opening a session with one, unpairing, asking who is there."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, TypeAdapter, ValidationError

from efpi_core.errors import EfpiError, PluginFailure, RefusedError, TryAgainError
from efpi_core.s2.connect.certificates import (
    authority_in,
    fingerprint,
    pinned_context,
    public_context,
    unverified_context,
)
from efpi_core.s2.connect.challenge import Binding
from efpi_core.s2.connect.endpoint import VERSION, is_local
from efpi_core.s2.connect.exchange import Answer, UnreadableError, read
from efpi_core.s2.connect.http_client import HttpsClient, Resolve, as_it_is
from efpi_core.s2.connect.node import PROTOCOLS, LocalNode
from efpi_core.s2.connect.pairing_client import NextStep, PairingClient, refusal_in_words
from efpi_core.s2.connect.pairing_server import Paired
from efpi_core.s2.connect.pairings import Pairing, PairingBook, with_token
from efpi_core.s2.connect.wire import (
    CommunicationDetails,
    ConnectionDetails,
    EndpointDescription,
    ErrorMessage,
    Finalization,
    NodeDescription,
    PairingAccepted,
    SessionError,
    SessionOffer,
    SessionRequest,
    Unpairing,
    to_wire,
)

BodyT = TypeVar("BodyT", bound=BaseModel)

_VERSIONS = TypeAdapter(list[str])
_NODES = TypeAdapter(list[NodeDescription])

REPORT = "report it to the maker of the other side"


class NoLongerPairedError(RefusedError):
    """The other side has ended the pairing."""


@dataclass(frozen=True, slots=True)
class Met:
    """A pairing that this side has brought about, and whom it trusts for its sessions as communication client."""

    paired: Paired
    authority: bytes = b""
    authority_fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that may be opened now, once, within 30 s."""

    url: str
    token: str = field(repr=False)
    version: str
    tls: ssl.SSLContext
    pairing: Pairing


def is_lan(url: str) -> bool:
    """Whether a URL leads to a server in the LAN, whose certificate nobody public vouches for."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".local"):
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return is_local(host)


class Caller:
    """Calls endpoints on behalf of the nodes of this one."""

    def __init__(self, resolve: Resolve = as_it_is) -> None:
        self._resolve = resolve

    # --- pairing

    async def pair(self, url: str, attempt: PairingClient, session_url: str, ca_fingerprint: str | None) -> Met:
        """Pair with the endpoint at a URL. RefusedError and TryAgainError say why it did not come to that."""
        lan = is_lan(url)
        shown = _OneCertificate()
        tls = unverified_context() if lan else public_context()
        base = await self._versioned(url, tls, shown)
        accepted = await self._begin(base, attempt)
        try:
            binding = Binding.to_certificate(shown.chain[0]) if lan else Binding.to_domain(base.host)
            details = await self._go_on(base, attempt, accepted, binding, session_url, ca_fingerprint)
        except EfpiError:
            await self._give_up(base, accepted.pairing_attempt_id)
            raise
        answer = await base.post("finalizePairing", to_wire(Finalization(success=True)), accepted.pairing_attempt_id)
        _require(answer, "finalizePairing")
        return _met(attempt.paired(details), details, shown.chain if lan else ())

    async def _begin(self, base: HttpsClient, attempt: PairingClient) -> PairingAccepted:
        answer = await base.post("requestPairing", to_wire(attempt.request()))
        if answer.status == 400:
            message = _understood(ErrorMessage, answer, "requestPairing")
            raise refusal_in_words(message.error_message, message.additional_info)
        _require(answer, "requestPairing")
        return _understood(PairingAccepted, answer, "requestPairing")

    async def _go_on(
        self,
        base: HttpsClient,
        attempt: PairingClient,
        accepted: PairingAccepted,
        binding: Binding,
        session_url: str,
        ca_fingerprint: str | None,
    ) -> ConnectionDetails | None:
        step = attempt.take_accepted(accepted, binding)
        if step is NextStep.REQUEST_DETAILS:
            body = to_wire(attempt.details_request())
            answer = await base.post(step.value, body, accepted.pairing_attempt_id)
            _require(answer, step.value)
            return _understood(ConnectionDetails, answer, step.value)
        if not session_url:
            raise RefusedError(
                "this side would have to serve the sessions, and does not listen", "let it listen, and pair again"
            )
        body = to_wire(attempt.details_post(session_url, ca_fingerprint))
        _require(await base.post(step.value, body, accepted.pairing_attempt_id), step.value)
        return None

    async def _give_up(self, base: HttpsClient, attempt_id: str) -> None:
        """Tell the server that nothing comes of it; it finds out by itself otherwise."""
        try:
            await base.post("finalizePairing", to_wire(Finalization(success=False)), attempt_id)
        except EfpiError:
            return

    # --- sessions

    async def open_session(self, node: LocalNode, pairing: Pairing, book: PairingBook) -> Opened:
        """A session with the communication server of a pairing. NoLongerPairedError when it has ended it."""
        pairing, tls = await self._trusted(pairing, book)
        base = await self._versioned(pairing.url, tls)
        request = to_wire(
            SessionRequest(
                client_node_id=node.description.id,
                server_node_id=pairing.peer.id,
                supported_s2_message_versions=node.versions,
                supported_communication_protocols=PROTOCOLS,
                client_node_description=node.description,
            )
        )
        for token in pairing.tokens:
            answer = await base.post("initiateSession", request, token)
            if answer.status == 401:
                continue
            offer = self._offer(answer, node)
            pairing = with_token(replace(pairing, tokens=(token,)), offer.access_token)
            await book.keep(pairing)  # on disk before the old token is given up
            return await self._confirm(base, pairing, offer, tls, book)
        raise RefusedError(
            f"'{pairing.peer.shown}' accepts none of our access tokens", "pair again", detail_code="not_accepted"
        )

    def _offer(self, answer: Answer, node: LocalNode) -> SessionOffer:
        if answer.status == 400:
            message = _understood(ErrorMessage, answer, "initiateSession")
            if message.error_message == SessionError.NO_LONGER_PAIRED:
                raise NoLongerPairedError("the other side has ended the pairing", "pair again if that was not meant")
            raise TryAgainError(f"the other side opens no session: {message.error_message[:100]}", "see its log")
        _require(answer, "initiateSession")
        offer = _understood(SessionOffer, answer, "initiateSession")
        known = offer.selected_communication_protocol in PROTOCOLS
        if not known or offer.selected_s2_message_version not in node.versions:
            raise TryAgainError("the other side chose what was not offered", REPORT)
        return offer

    async def _confirm(
        self, base: HttpsClient, pairing: Pairing, offer: SessionOffer, tls: ssl.SSLContext, book: PairingBook
    ) -> Opened:
        answer = await base.post("confirmAccessToken", b"", offer.access_token)
        _require(answer, "confirmAccessToken")
        pairing = replace(pairing, tokens=(offer.access_token,), peer=offer.server_node_description or pairing.peer)
        book.note(pairing)
        details = _understood(CommunicationDetails, answer, "confirmAccessToken")
        version = offer.selected_s2_message_version
        return Opened(details.websocket_url, details.websocket_token, version, tls, pairing)

    async def _trusted(self, pairing: Pairing, book: PairingBook) -> tuple[Pairing, ssl.SSLContext]:
        """TLS for the sessions of a pairing; who was only told the fingerprint of an authority meets it first."""
        if pairing.authority_fingerprint:
            seen = _OneCertificate()
            await self._versioned(pairing.url, unverified_context(), seen)
            authority = authority_in(seen.chain)
            if not _is(authority, pairing.authority_fingerprint):
                raise TryAgainError(
                    "the server of the sessions shows another certificate than was told at the pairing",
                    "pair again, if the other side was set up anew",
                    detail_code="wrong_certificate",
                )
            pairing = replace(pairing, authority=authority, authority_fingerprint="")
            await book.keep(pairing)
        return pairing, pinned_context(pairing.authority) if pairing.authority else public_context()

    async def unpair(self, pairing: Pairing, book: PairingBook) -> None:
        """Tell the communication server that the pairing has ended; TryAgainError when it cannot be told."""
        pairing, tls = await self._trusted(pairing, book)
        base = await self._versioned(pairing.url, tls)
        body = to_wire(Unpairing(client_node_id=pairing.own, server_node_id=pairing.peer.id))
        for token in pairing.tokens:
            answer = await base.post("unpair", body, token)
            if answer.status != 401:
                _require(answer, "unpair")
                return

    # --- who is there

    async def waiting_at(self, url: str) -> HttpsClient:
        """An endpoint in the LAN at which a node waits; nobody vouches for it yet."""
        return await self._versioned(url, unverified_context())

    async def nodes(self, url: str) -> tuple[EndpointDescription, tuple[NodeDescription, ...]]:
        """The endpoint at a URL in the LAN, and its nodes; nobody vouches for what it says."""
        base = await self._versioned(url, unverified_context() if is_lan(url) else public_context(), _OneCertificate())
        endpoint = _understood(EndpointDescription, await base.get("endpoint"), "endpoint")
        answer = await base.get("nodes")
        _require(answer, "nodes")
        try:
            return endpoint, tuple(_NODES.validate_json(answer.body))
        except ValidationError:
            raise PluginFailure("what it answers to 'nodes' is not what S2 Connect says", REPORT) from None

    async def _versioned(
        self, url: str, tls: ssl.SSLContext, look_at: Callable[[tuple[bytes, ...]], None] | None = None
    ) -> HttpsClient:
        index = HttpsClient(url, tls, resolve=self._resolve, look_at=look_at)
        answer = await index.get("")
        _require(answer, "the index")
        try:
            versions = _VERSIONS.validate_json(answer.body)
        except ValidationError:
            raise RefusedError("no S2 Connect endpoint is at this URL", "read the URL again") from None
        if VERSION not in versions:
            raise RefusedError(f"the other side speaks {', '.join(versions)[:100]}, not {VERSION}", "update it")
        base = url if url.endswith("/") else f"{url}/"
        return HttpsClient(f"{base}{VERSION}/", tls, resolve=self._resolve, look_at=look_at)


class _OneCertificate:
    """Sees to it that all requests of an exchange meet the same certificate."""

    def __init__(self) -> None:
        self.chain: tuple[bytes, ...] = ()

    def __call__(self, chain: tuple[bytes, ...]) -> None:
        if not chain or (self.chain and chain[0] != self.chain[0]):
            raise TryAgainError(
                "the certificate of the other side has changed in between", "try again", detail_code="wrong_certificate"
            )
        self.chain = chain


def _met(paired: Paired, details: ConnectionDetails | None, chain: tuple[bytes, ...]) -> Met:
    """Whom to trust for the sessions: the authority that was met while pairing, one that was told, or a public one."""
    if details is None or not is_lan(details.initiate_session_url):
        return Met(paired)
    told = (details.certificate_fingerprint or {}).get("SHA256", "")
    if not chain:
        return Met(paired, authority_fingerprint=told)
    authority = authority_in(chain)
    if not told or _is(authority, told):
        return Met(paired, authority)
    return Met(paired, authority_fingerprint=told)


def _is(certificate: bytes, told: str) -> bool:
    """Whether a certificate has the fingerprint that was told, with colons or without."""
    return fingerprint(certificate).hex() == told.replace(":", "").lower()


def _require(answer: Answer, step: str) -> None:
    """Raise what a status other than success means."""
    if answer.status in (200, 204):
        return
    match answer.status:
        case 401:
            raise RefusedError(f"the other side does not know our '{step}' any more", "try again from the start")
        case 403:
            raise RefusedError("the other side does not take our proof", "read the pairing code again")
        case 404:
            raise RefusedError(f"there is no '{step}' at this URL", "read the URL again")
        case 503:
            raise TryAgainError("the other side is busy", "try again in a moment")
        case _:
            raise TryAgainError(f"the other side answers '{step}' with the status {answer.status}", "see its log")


def _understood(kind: type[BodyT], answer: Answer, step: str) -> BodyT:
    if answer.status != 400:
        _require(answer, step)
    try:
        return read(kind, answer.body)
    except UnreadableError as error:
        raise PluginFailure(f"what the other side answers to '{step}' cannot be read: {error}", REPORT) from None
