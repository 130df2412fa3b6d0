"""The JSON bodies of S2 Connect 1.0, after its OpenAPI documents (pairing and session initiation, v1.0 of 2026-07-10).

Properties that are not known are left out of account: a later minor version may add some. All texts and lists are
bounded, since whoever sends them is not known yet.
"""

import base64
import binascii
from enum import StrEnum
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints
from pydantic.alias_generators import to_camel

SHORTEST_CHALLENGE = 32
"""Bytes of a challenge, and of an access token."""

LONGEST_CHALLENGE = 1024

LONGEST_URL = 2000

LARGEST_BODY = 64 * 1024
"""Bytes of a request or an answer; the longest that makes sense has a few thousand."""


def _decoded(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("this is not Base64") from None


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("https", "wss") or not parts.hostname or parts.username or parts.password:
        raise ValueError("this is no https:// or wss:// URL")
    if ":" not in parts.hostname and not all(0 < len(label) < 64 for label in parts.hostname.rstrip(".").split(".")):
        raise ValueError("this is no name of a host")
    if parts.port == 0 or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("this is no URL")
    return value


Text = Annotated[str, StringConstraints(max_length=256)]
Url = Annotated[str, StringConstraints(max_length=LONGEST_URL), AfterValidator(_web_address)]
"""An address that is called on: https or wss, and no credentials in it."""
LogoUrl = Annotated[str, StringConstraints(max_length=LONGEST_URL)]
"""An address that is only shown."""
Secret = Annotated[str, StringConstraints(min_length=1, max_length=2048, pattern=r"^[\x21-\x7E]+$")]
"""A token as it is shown in an `Authorization` header."""
Alias = Annotated[str, StringConstraints(pattern=r"^[0-9a-zA-Z]{1,64}$")]
Versions = Annotated[tuple[Text, ...], Field(max_length=64)]
Binary = Annotated[
    bytes,
    BeforeValidator(_decoded),
    PlainSerializer(lambda value: base64.b64encode(value).decode(), return_type=str, when_used="json"),
    Field(max_length=LONGEST_CHALLENGE),
]
"""Random or computed bytes, in JSON as Base64."""
Challenge = Annotated[Binary, Field(min_length=SHORTEST_CHALLENGE)]


class Role(StrEnum):
    """What a node is."""

    CEM = "CEM"
    RM = "RM"

    @property
    def other(self) -> "Role":
        """Whom it pairs with."""
        return Role.RM if self is Role.CEM else Role.CEM


class Deployment(StrEnum):
    """Where an endpoint is."""

    LAN = "LAN"
    WAN = "WAN"


class _Body(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        validate_by_name=True,
        serialize_by_alias=True,
        hide_input_in_errors=True,
    )


class NodeDescription(_Body):
    """A node, as its user recognises it."""

    id: UUID
    brand: Text
    type: Text
    model_name: Text
    role: Role
    logo_url: LogoUrl | None = None
    user_defined_name: Text | None = None

    @property
    def shown(self) -> str:
        """What people call it."""
        return self.user_defined_name or f"{self.brand} {self.model_name}".strip()


class EndpointDescription(_Body):
    """The application that hosts nodes."""

    name: Text | None = None
    logo_url: LogoUrl | None = None
    deployment: Deployment | None = None


class PairingRequest(_Body):
    """POST /requestPairing."""

    client_node_description: NodeDescription
    client_endpoint_description: EndpointDescription
    node_id: UUID | None = None
    node_id_alias: Alias | None = None
    supported_communication_protocols: Versions
    supported_s2_message_versions: Versions = Field(alias="supportedS2MessageVersions")
    supported_hmac_hashing_algorithms: Versions
    client_hmac_challenge: Challenge
    force_pairing: bool = False


class PairingAccepted(_Body):
    """The answer to it."""

    pairing_attempt_id: Annotated[Secret, Field(min_length=32)]
    server_node_description: NodeDescription
    server_endpoint_description: EndpointDescription
    selected_hmac_hashing_algorithm: Literal["SHA256"]
    client_hmac_challenge_response: Binary
    server_hmac_challenge: Challenge


class PairingError(StrEnum):
    """Why no pairing comes about."""

    INVALID_COMBINATION_OF_ROLES = "InvalidCombinationOfRoles"
    INCOMPATIBLE_VERSIONS = "IncompatibleS2MessageVersions"
    INCOMPATIBLE_HASHING = "IncompatibleHmacHashingAlgorithms"
    INCOMPATIBLE_PROTOCOLS = "IncompatibleCommunicationProtocols"
    NODE_NOT_FOUND = "NodeNotFound"
    NO_NODE_ID = "NoNodeIdProvided"
    NO_VALID_TOKEN = "NoValidPairingTokenOnPairingServer"  # noqa: S105  # a word of the protocol
    PARSING = "ParsingError"
    OTHER = "Other"


class ErrorMessage(_Body):
    """The body of a 400: a word of the protocol, and perhaps a sentence."""

    error_message: Text
    additional_info: Annotated[str, StringConstraints(max_length=2000)] | None = None


class ConnectionDetails(_Body):
    """What the communication client needs for its first session."""

    initiate_session_url: Url
    access_token: Secret = Field(repr=False)
    certificate_fingerprint: Annotated[dict[Text, Text], Field(max_length=8)] | None = None


class ConnectionDetailsRequest(_Body):
    """POST /requestConnectionDetails."""

    server_hmac_challenge_response: Binary


class ConnectionDetailsPost(_Body):
    """POST /postConnectionDetails."""

    server_hmac_challenge_response: Binary
    connection_details: ConnectionDetails


class Finalization(_Body):
    """POST /finalizePairing; what is not said is no success."""

    success: bool = False


class PreparePairing(_Body):
    """POST /preparePairing."""

    client_node_description: NodeDescription
    client_endpoint_description: EndpointDescription
    server_node_id: UUID


class CancelPreparePairing(_Body):
    """POST /cancelPreparePairing."""

    client_node_id: UUID
    server_node_id: UUID


class WaitAction(StrEnum):
    """What a client that waits is to do."""

    SEND_NODE_DESCRIPTION = "sendNodeDescription"
    PREPARE_PAIRING = "preparePairing"
    CANCEL_PREPARE_PAIRING = "cancelPreparePairing"
    REQUEST_PAIRING = "requestPairing"


class Waiting(_Body):
    """One node of a client that waits for pairing."""

    client_node_id: UUID
    client_node_description: NodeDescription | None = None
    client_endpoint_description: EndpointDescription | None = None
    error_message: Literal["NoValidTokenOnPairingClient"] | None = None


class WaitInstruction(_Body):
    """What one of them is to do."""

    client_node_id: UUID
    action: WaitAction


class SessionRequest(_Body):
    """POST /initiateSession."""

    client_node_id: UUID
    server_node_id: UUID
    supported_s2_message_versions: Versions = Field(alias="supportedS2MessageVersions")
    supported_communication_protocols: Versions
    client_node_description: NodeDescription | None = None
    client_endpoint_description: EndpointDescription | None = None


class SessionOffer(_Body):
    """The answer to it: what was chosen, and the token that takes the place of the one that was shown."""

    selected_communication_protocol: Text
    selected_s2_message_version: Text = Field(alias="selectedS2MessageVersion")
    access_token: Secret = Field(repr=False)
    server_node_description: NodeDescription | None = None
    server_endpoint_description: EndpointDescription | None = None


class SessionError(StrEnum):
    """Why no session comes about."""

    INCOMPATIBLE_VERSIONS = "IncompatibleS2MessageVersions"
    INCOMPATIBLE_PROTOCOLS = "IncompatibleCommunicationProtocols"
    NO_LONGER_PAIRED = "NoLongerPaired"
    PARSING = "ParsingError"
    OTHER = "Other"


class CommunicationDetails(_Body):
    """The answer to POST /confirmAccessToken."""

    communication_protocol: Literal["WebSocket"]
    websocket_token: Secret = Field(repr=False)
    websocket_url: Url


class Unpairing(_Body):
    """POST /unpair."""

    client_node_id: UUID
    server_node_id: UUID


def to_wire(body: BaseModel) -> bytes:
    """A body as bytes; what is absent is left out, never null."""
    return body.model_dump_json(exclude_none=True).encode()
