"""The server's side of pairing, without a network: each request at an instant, and what is answered.

S2 Connect 1.0, "Pairing interaction". An attempt lives for 15 s; a request that is wrong or out of order ends it; the
same request twice is answered twice. Once a token has led to a pairing, other attempts with it come to nothing.
"""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from efpi_core.s2.connect.challenge import Binding, key_of, new_challenge, proves, response
from efpi_core.s2.connect.node import HASHINGS, PROTOCOLS, LocalNode, common_version, serves
from efpi_core.s2.connect.wire import (
    ConnectionDetails,
    ConnectionDetailsPost,
    Deployment,
    EndpointDescription,
    NodeDescription,
    PairingAccepted,
    PairingError,
    PairingRequest,
)

ATTEMPT_S = 15.0
"""How long an attempt may take."""

PACE_S = 1.0
"""A node answers one request for pairing in so many s, and each only after so many s, against guessing."""

MOST_IN_LINE = 10
"""Requests that wait for their turn; more are sent away."""

_ATTEMPT_ID_BYTES = 36


@dataclass(frozen=True, slots=True)
class Refused:
    """No pairing: a word of the protocol, and a sentence for the other's log."""

    error: PairingError
    info: str


@dataclass(frozen=True, slots=True)
class Denied:
    """A status without a body: 400 out of order, 401 no such attempt, 403 the proof is wrong, 503 too many."""

    status: Literal[400, 401, 403, 503]


@dataclass(frozen=True, slots=True)
class Paired:
    """A pairing has come about; it must be kept before the client is told."""

    own: NodeDescription
    peer: NodeDescription
    endpoint: EndpointDescription
    issued: str | None = field(repr=False)
    """The access token that this side issued, as communication server; None as client."""
    details: ConnectionDetails | None
    """Where this side finds the other, as communication client; None as server."""


@dataclass(slots=True)
class _Attempt:
    """One attempt from its first answer on."""

    node: LocalNode
    request: PairingRequest
    token: str = field(repr=False)
    challenge: bytes = field(repr=False)
    until: float
    serves: bool
    proven: bool = False
    issued: str | None = field(default=None, repr=False)
    details: ConnectionDetails | None = None
    over: bool = False
    succeeded: bool = False


class PairingServer:
    """The attempts at the nodes of one endpoint."""

    def __init__(
        self,
        nodes: Mapping[UUID, LocalNode],
        endpoint: EndpointDescription,
        binding: Binding,
        ca_fingerprint: str | None,
    ) -> None:
        """`nodes` may change. `ca_fingerprint` is of the authority of the session server; None with a public one."""
        self._nodes = nodes
        self._endpoint = endpoint
        self._deployment = endpoint.deployment or Deployment.LAN
        self.binding = binding
        self._ca_fingerprint = ca_fingerprint
        self._attempts: dict[str, _Attempt] = {}
        self._turns: dict[UUID, float] = {}

    @property
    def nodes(self) -> tuple[LocalNode, ...]:
        """The nodes of the endpoint."""
        return tuple(self._nodes.values())

    def node(self, node_id: UUID) -> LocalNode | None:
        """The node of that id."""
        return self._nodes.get(node_id)

    # --- requestPairing

    def target(self, request: PairingRequest) -> LocalNode | Refused:
        """The node that is meant."""
        if request.node_id is not None and request.node_id_alias is not None:
            return Refused(PairingError.PARSING, "nodeId and nodeIdAlias exclude each other")
        if request.node_id is None and request.node_id_alias is None:
            if len(self._nodes) == 1:
                return next(iter(self._nodes.values()))
            return Refused(PairingError.NO_NODE_ID, f"this endpoint has {len(self._nodes)} nodes; name one")
        for node in self._nodes.values():
            if request.node_id == node.description.id or (node.alias and request.node_id_alias == node.alias):
                return node
        return Refused(PairingError.NODE_NOT_FOUND, "this endpoint has no such node")

    def turn(self, node: LocalNode, now: float) -> float | Denied:
        """In how many s a request for this node may be answered; whoever asks waits so long."""
        last = self._turns.get(node.description.id, now)
        at = max(last, now) + PACE_S
        if at - now > MOST_IN_LINE * PACE_S:
            return Denied(503)
        self._turns[node.description.id] = at
        return at - now

    def request(self, node: LocalNode, request: PairingRequest, now: float) -> PairingAccepted | Refused:
        """Begin an attempt, when it is its turn."""
        token = node.tokens.valid(now)
        refusal = self._incompatible(node, request)
        if refusal is not None:
            return refusal
        if token is None:
            return Refused(PairingError.NO_VALID_TOKEN, "this node has no valid pairing code; have it issue one")
        self._forget(now)
        if key_of(request.client_hmac_challenge) in {key_of(each.challenge) for each in self._attempts.values()}:
            return Refused(PairingError.OTHER, "this challenge is one of ours; make a new one")
        other = request.client_endpoint_description.deployment or Deployment.LAN
        attempt_id = _random_text(_ATTEMPT_ID_BYTES)
        challenge = new_challenge()
        self._attempts[attempt_id] = _Attempt(
            node, request, token, challenge, now + ATTEMPT_S, serves(node.description.role, self._deployment, other)
        )
        return PairingAccepted(
            pairing_attempt_id=attempt_id,
            server_node_description=node.description,
            server_endpoint_description=self._endpoint,
            selected_hmac_hashing_algorithm="SHA256",
            client_hmac_challenge_response=response(request.client_hmac_challenge, token, self.binding),
            server_hmac_challenge=challenge,
        )

    def _incompatible(self, node: LocalNode, request: PairingRequest) -> Refused | None:
        own, peer = node.description, request.client_node_description
        if peer.role is own.role or peer.id == own.id:
            return Refused(PairingError.INVALID_COMBINATION_OF_ROLES, f"this node is a {own.role}, too")
        if not set(HASHINGS) & set(request.supported_hmac_hashing_algorithms):
            return Refused(PairingError.INCOMPATIBLE_HASHING, f"here it is {', '.join(HASHINGS)}")
        if request.force_pairing:
            return None
        if not set(PROTOCOLS) & set(request.supported_communication_protocols):
            return Refused(PairingError.INCOMPATIBLE_PROTOCOLS, f"here it is {', '.join(PROTOCOLS)}")
        if common_version(node.versions, request.supported_s2_message_versions) is None:
            return Refused(PairingError.INCOMPATIBLE_VERSIONS, f"here it is {', '.join(node.versions)}")
        return None

    # --- the rest of an attempt

    def connection_details(
        self, attempt_id: str | None, proof: bytes, url: str, now: float
    ) -> ConnectionDetails | Denied:
        """requestConnectionDetails: what the client needs to open sessions with this side at a URL."""
        attempt = self._open(attempt_id, now)
        if isinstance(attempt, Denied):
            return attempt
        if not attempt.serves:
            return self._fail(attempt, 400)
        if not proves(proof, attempt.challenge, attempt.token, self.binding):
            return self._fail(attempt, 403)
        attempt.proven = True
        attempt.issued = attempt.issued or new_access_token()
        return ConnectionDetails(
            initiate_session_url=url,
            access_token=attempt.issued,
            certificate_fingerprint=None if self._ca_fingerprint is None else {"SHA256": self._ca_fingerprint},
        )

    def take_details(self, attempt_id: str | None, posted: ConnectionDetailsPost, now: float) -> Denied | None:
        """postConnectionDetails: where this side finds the client, which will be the communication server."""
        attempt = self._open(attempt_id, now)
        if isinstance(attempt, Denied):
            return attempt
        if attempt.serves or (attempt.details is not None and attempt.details != posted.connection_details):
            return self._fail(attempt, 400)
        if not proves(posted.server_hmac_challenge_response, attempt.challenge, attempt.token, self.binding):
            return self._fail(attempt, 403)
        details = posted.connection_details
        lan = attempt.request.client_endpoint_description.deployment is not Deployment.WAN
        if lan and "SHA256" not in (details.certificate_fingerprint or {}):
            return self._fail(attempt, 400)  # nothing would tell the client's session server from another
        attempt.proven, attempt.details = True, details
        return None

    def finalize(self, attempt_id: str | None, success: bool, now: float) -> Paired | Denied | None:
        """finalizePairing: a pairing to keep; None when it failed, or was kept before."""
        known = None if attempt_id is None else self._attempts.get(attempt_id)
        if known is not None and known.over and known.succeeded and success and now < known.until:
            return None
        attempt = self._open(attempt_id, now)
        if isinstance(attempt, Denied):
            return attempt
        if not success:
            attempt.over = True
            return None
        if not attempt.proven:
            return self._fail(attempt, 400)
        attempt.over = attempt.succeeded = True
        attempt.node.tokens.spend(attempt.token)
        for other in self._attempts.values():
            if other is not attempt and other.token == attempt.token and not other.over:
                other.over = attempt.node.tokens.valid(now) != other.token
        request = attempt.request
        return Paired(
            attempt.node.description,
            request.client_node_description,
            request.client_endpoint_description,
            attempt.issued,
            attempt.details,
        )

    def unreadable(self, attempt_id: str | None, now: float) -> Denied:
        """A request of an attempt could not be read: 400, and the attempt has failed; 401 when there is none."""
        attempt = self._open(attempt_id, now)
        return attempt if isinstance(attempt, Denied) else self._fail(attempt, 400)

    def _open(self, attempt_id: str | None, now: float) -> _Attempt | Denied:
        attempt = None if attempt_id is None else self._attempts.get(attempt_id)
        if attempt is None or attempt.over or now >= attempt.until:
            return Denied(401)
        return attempt

    def _fail(self, attempt: _Attempt, status: Literal[400, 403]) -> Denied:
        attempt.over = True
        return Denied(status)

    def _forget(self, now: float) -> None:
        for attempt_id in [key for key, attempt in self._attempts.items() if now >= attempt.until]:
            del self._attempts[attempt_id]


def new_access_token() -> str:
    """A token that nobody guesses, in Base64."""
    return _random_text(48)


def _random_text(length: int) -> str:
    """So many random bytes in Base64; a multiple of three needs no padding."""
    return base64.b64encode(secrets.token_bytes(length)).decode()
