"""The client's side of pairing, without a network: what to send next, and what each answer means."""

from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID

from efpi_core.errors import RefusedError
from efpi_core.s2.connect.challenge import Binding, new_challenge, proves, response
from efpi_core.s2.connect.code import PairingCode
from efpi_core.s2.connect.node import HASHINGS, PROTOCOLS, LocalNode, serves
from efpi_core.s2.connect.pairing_server import Paired, new_access_token
from efpi_core.s2.connect.wire import (
    ConnectionDetails,
    ConnectionDetailsPost,
    ConnectionDetailsRequest,
    Deployment,
    EndpointDescription,
    PairingAccepted,
    PairingError,
    PairingRequest,
)


class NextStep(Enum):
    """Who will be the communication server."""

    REQUEST_DETAILS = "requestConnectionDetails"
    """The other."""
    POST_DETAILS = "postConnectionDetails"
    """This side."""


@dataclass(slots=True)
class PairingClient:
    """One attempt. The steps are called in their order; RefusedError says why it cannot go on."""

    node: LocalNode
    endpoint: EndpointDescription
    code: PairingCode
    node_id: UUID | None = None
    """Which node of the other endpoint is meant, where that is known otherwise than by the code."""
    force: bool = False
    """Pair even with a node that speaks no common version of the messages; an update may mend that."""
    _challenge: bytes = field(default_factory=new_challenge, repr=False)
    _accepted: PairingAccepted | None = None
    _binding: Binding | None = None
    _issued: str | None = field(default=None, repr=False)

    def request(self) -> PairingRequest:
        """The first request."""
        return PairingRequest(
            client_node_description=self.node.description,
            client_endpoint_description=self.endpoint,
            node_id=self.node_id,
            node_id_alias=self.code.alias if self.node_id is None else None,
            supported_communication_protocols=PROTOCOLS,
            supported_s2_message_versions=self.node.versions,
            supported_hmac_hashing_algorithms=HASHINGS,
            client_hmac_challenge=self._challenge,
            force_pairing=self.force,
        )

    def take_accepted(self, accepted: PairingAccepted, binding: Binding) -> NextStep:
        """The answer: the server must be of the other role, and prove that it knows the token."""
        self._accepted, self._binding = accepted, binding
        own, peer = self.node.description, accepted.server_node_description
        if peer.role is own.role or peer.id == own.id:
            raise RefusedError(f"'{peer.shown}' is a {peer.role}, too", "pair a CEM with an RM", detail_code="roles")
        if self.node_id is not None and peer.id != self.node_id:
            raise RefusedError("another node answers than was asked for", "look who is at that address")
        if not proves(accepted.client_hmac_challenge_response, self._challenge, self.code.token, binding):
            raise RefusedError(
                "the other side does not know this pairing code, or somebody sits in between",
                "read the code again, or have the other side issue a new one",
                detail_code="wrong_code",
            )
        other = accepted.server_endpoint_description.deployment or Deployment.LAN
        ours = self.endpoint.deployment or Deployment.LAN
        return NextStep.POST_DETAILS if serves(own.role, ours, other) else NextStep.REQUEST_DETAILS

    def details_request(self) -> ConnectionDetailsRequest:
        """Ask where sessions are opened."""
        return ConnectionDetailsRequest(server_hmac_challenge_response=self._proof())

    def details_post(self, url: str, ca_fingerprint: str | None) -> ConnectionDetailsPost:
        """Tell where sessions are opened with this side."""
        self._issued = self._issued or new_access_token()
        fingerprint = None if ca_fingerprint is None else {"SHA256": ca_fingerprint}
        details = ConnectionDetails(
            initiate_session_url=url, access_token=self._issued, certificate_fingerprint=fingerprint
        )
        return ConnectionDetailsPost(server_hmac_challenge_response=self._proof(), connection_details=details)

    def paired(self, details: ConnectionDetails | None) -> Paired:
        """What has come about, once the server has confirmed it."""
        assert self._accepted is not None  # noqa: S101  # the steps have an order
        accepted = self._accepted
        return Paired(
            self.node.description,
            accepted.server_node_description,
            accepted.server_endpoint_description,
            self._issued,
            details,
        )

    def _proof(self) -> bytes:
        assert self._accepted is not None  # noqa: S101  # the steps have an order
        assert self._binding is not None  # noqa: S101  # likewise
        return response(self._accepted.server_hmac_challenge, self.code.token, self._binding)


_CURES = {
    PairingError.NO_VALID_TOKEN: "have the other side show a new pairing code, and take that",
    PairingError.NODE_NOT_FOUND: "read the part before the dash of the pairing code again",
    PairingError.NO_NODE_ID: "take the whole pairing code, with the part before the dash",
    PairingError.INCOMPATIBLE_VERSIONS: "update one of both, or pair with `force` and update later",
    PairingError.INVALID_COMBINATION_OF_ROLES: "pair a CEM with an RM",
}


def refusal_in_words(word: str, info: str | None) -> RefusedError:
    """What a server's refusal means to a person."""
    cure = next((cure for error, cure in _CURES.items() if error.value == word), "see what the other side's log says")
    more = f" ({info[:200]})" if info else ""
    return RefusedError(f"the other side refuses: {word[:100]}{more}", cure, detail_code="refused_by_peer")
