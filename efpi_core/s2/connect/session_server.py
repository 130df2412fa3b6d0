"""The communication server's side of session initiation, without a network.

S2 Connect 1.0, "Session initiation": an access token opens one session. The new one is pending until the client shows
that it has kept it, by confirming with it; until then the old one stays in force, so that neither side ever loses both.
"""

import hmac
import secrets
from dataclasses import dataclass, field, replace
from uuid import UUID

from efpi_core.s2.connect.node import PROTOCOLS, common_version
from efpi_core.s2.connect.pairing_server import new_access_token
from efpi_core.s2.connect.pairings import Pairing, PairingBook, digest
from efpi_core.s2.connect.wire import SessionError, SessionOffer, SessionRequest, Unpairing

CONFIRM_S = 15.0
"""A pending token must be confirmed within so many s."""

WEBSOCKET_TOKEN_S = 30.0
"""A WebSocket must be opened within so many s, once."""

MOST_PENDING = 4
"""Pending tokens of one pairing; the oldest gives way."""


@dataclass(frozen=True, slots=True)
class NoSession:
    """400: a word of the protocol, and a sentence for the other's log."""

    error: SessionError
    info: str


class Unauthorized:
    """401."""


UNAUTHORIZED = Unauthorized()


@dataclass(frozen=True, slots=True)
class _Pending:
    pairing: tuple[UUID, UUID]
    digest: str
    version: str
    until: float


@dataclass(frozen=True, slots=True)
class Activation:
    """A pending token that was confirmed: keep the pairing as it is here, then tell the client."""

    pairing: Pairing
    version: str


@dataclass(frozen=True, slots=True)
class Granted:
    """Who may open a WebSocket with a token."""

    pairing: Pairing
    version: str
    until: float = field(repr=False)


class SessionServer:
    """Access tokens against sessions."""

    def __init__(self, book: PairingBook) -> None:
        self._book = book
        self._pending: list[_Pending] = []
        self._granted: dict[str, Granted] = {}

    def initiate(
        self, request: SessionRequest, bearer: str | None, versions: tuple[str, ...], now: float
    ) -> SessionOffer | NoSession | Unauthorized:
        """initiateSession: a pending token, if the one that is shown is in force."""
        own, peer = request.server_node_id, request.client_node_id
        pairing = self._book.find(own, peer)
        if pairing is None:
            if self._book.was_unpaired(own, peer):
                return NoSession(SessionError.NO_LONGER_PAIRED, "these nodes were unpaired")
            return UNAUTHORIZED
        if not self._is_in_force(pairing, bearer):
            return UNAUTHORIZED
        if not set(PROTOCOLS) & set(request.supported_communication_protocols):
            return NoSession(SessionError.INCOMPATIBLE_PROTOCOLS, f"here it is {', '.join(PROTOCOLS)}")
        version = common_version(versions, request.supported_s2_message_versions)
        if version is None:
            return NoSession(SessionError.INCOMPATIBLE_VERSIONS, f"here it is {', '.join(versions)}")
        token = new_access_token()
        self._add_pending(_Pending(pairing.key, digest(token), version, now + CONFIRM_S), now)
        self._renew_descriptions(pairing, request)
        return SessionOffer(
            selected_communication_protocol=PROTOCOLS[0], selected_s2_message_version=version, access_token=token
        )

    def _add_pending(self, fresh: _Pending, now: float) -> None:
        alive = [each for each in self._pending if now < each.until]
        same = [each for each in alive if each.pairing == fresh.pairing]
        crowded = same[: max(len(same) - MOST_PENDING + 1, 0)]
        self._pending = [each for each in alive if each not in crowded] + [fresh]

    def _renew_descriptions(self, pairing: Pairing, request: SessionRequest) -> None:
        """The client may tell anew what it is called; never that it is another."""
        peer = request.client_node_description or pairing.peer
        endpoint = request.client_endpoint_description or pairing.endpoint
        same = peer.id == pairing.peer.id and peer.role is pairing.peer.role
        renewed = replace(pairing, peer=peer if same else pairing.peer, endpoint=endpoint)
        if renewed != pairing:
            self._book.note(renewed)

    def confirm(self, bearer: str | None, now: float) -> Activation | Unauthorized:
        """confirmAccessToken: the pending token comes into force; to be kept before `grant`."""
        shown = None if bearer is None else digest(bearer)
        found = next((each for each in self._pending if shown is not None and _same(each.digest, shown)), None)
        if found is None or now >= found.until:
            return UNAUTHORIZED
        pairing = self._book.find(*found.pairing)
        if pairing is None or not pairing.serves:
            return UNAUTHORIZED
        return Activation(replace(pairing, digest=found.digest), found.version)

    def grant(self, activation: Activation, now: float) -> str:
        """The activation is kept: a token for one WebSocket. Every pending token of the pairing is void."""
        key = activation.pairing.key
        self._pending = [each for each in self._pending if each.pairing != key]
        self.forget_grants(key, now)
        token = secrets.token_urlsafe(48)
        self._granted[digest(token)] = Granted(activation.pairing, activation.version, now + WEBSOCKET_TOKEN_S)
        return token

    def spend(self, token: str, now: float) -> Granted | None:
        """A WebSocket is opened with a token: for whom; None when it is none, was used before, or is too old."""
        granted = self._granted.pop(digest(token), None)
        if granted is None or now >= granted.until or self._book.find(*granted.pairing.key) is None:
            return None
        return granted

    def unpair(self, request: Unpairing, bearer: str | None) -> Pairing | Unauthorized:
        """unpair: the pairing to end."""
        pairing = self._book.find(request.server_node_id, request.client_node_id)
        if pairing is None or not self._is_in_force(pairing, bearer):
            return UNAUTHORIZED
        return pairing

    def forget_grants(self, key: tuple[UUID, UUID], now: float) -> None:
        """Tokens for WebSockets of a pairing are void, and those that are too old."""
        self._granted = {
            token: granted
            for token, granted in self._granted.items()
            if now < granted.until and granted.pairing.key != key
        }

    def _is_in_force(self, pairing: Pairing, bearer: str | None) -> bool:
        return pairing.serves and bearer is not None and bool(pairing.digest) and _same(pairing.digest, digest(bearer))


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one, other)
