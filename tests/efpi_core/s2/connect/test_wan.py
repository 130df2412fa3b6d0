"""Who serves whom across networks, and the proof that is bound to a domain; without a network."""

from uuid import uuid4

import pytest

from efpi_core.errors import RefusedError
from efpi_core.s2.connect.calling import is_lan
from efpi_core.s2.connect.challenge import Binding
from efpi_core.s2.connect.code import PairingCode, TokenDesk
from efpi_core.s2.connect.endpoint import is_local
from efpi_core.s2.connect.node import LocalNode, serves
from efpi_core.s2.connect.pairing_client import NextStep, PairingClient
from efpi_core.s2.connect.pairing_server import Paired, PairingServer
from efpi_core.s2.connect.wire import (
    ConnectionDetails,
    Deployment,
    EndpointDescription,
    NodeDescription,
    PairingAccepted,
    Role,
)

LAN, WAN, CEM, RM = Deployment.LAN, Deployment.WAN, Role.CEM, Role.RM
DOMAIN = Binding.to_domain("pairing.example.com")


@pytest.mark.parametrize(
    ("role", "own", "other", "expected"),
    [
        (CEM, WAN, WAN, True),
        (CEM, WAN, LAN, True),
        (CEM, LAN, WAN, False),
        (CEM, LAN, LAN, True),
        (RM, WAN, WAN, False),
        (RM, WAN, LAN, True),
        (RM, LAN, WAN, False),
        (RM, LAN, LAN, False),
    ],
)
def test_one_of_two_serves_as_the_table_says(role: Role, own: Deployment, other: Deployment, expected: bool) -> None:
    assert serves(role, own, other) is expected
    assert serves(role.other, other, own) is not expected


def node(role: Role) -> LocalNode:
    return LocalNode(
        NodeDescription(id=uuid4(), brand="b", type="t", model_name="m", role=role), tokens=TokenDesk("stickerTOKEN42")
    )


@pytest.mark.parametrize("role", [CEM, RM])
def test_a_node_in_the_lan_pairs_with_one_in_the_wan_which_serves(role: Role) -> None:
    ours, cloud = node(role), node(role.other)
    server = PairingServer({cloud.description.id: cloud}, EndpointDescription(deployment=WAN), DOMAIN, None)
    client = PairingClient(ours, EndpointDescription(deployment=LAN), PairingCode(None, "stickerTOKEN42"))
    accepted = server.request(cloud, client.request(), 0.0)
    assert isinstance(accepted, PairingAccepted)
    assert client.take_accepted(accepted, DOMAIN) is NextStep.REQUEST_DETAILS
    proof = client.details_request().server_hmac_challenge_response
    details = server.connection_details(accepted.pairing_attempt_id, proof, "https://pairing.example.com/s/", 1.0)
    assert isinstance(details, ConnectionDetails)
    assert details.certificate_fingerprint is None
    paired = server.finalize(accepted.pairing_attempt_id, True, 2.0)
    assert isinstance(paired, Paired)
    assert paired.issued == client.paired(details).details.access_token  # type: ignore[union-attr]


def test_a_proof_for_another_domain_is_none() -> None:
    ours, cloud = node(RM), node(CEM)
    server = PairingServer({cloud.description.id: cloud}, EndpointDescription(deployment=WAN), DOMAIN, None)
    client = PairingClient(ours, EndpointDescription(deployment=LAN), PairingCode(None, "stickerTOKEN42"))
    accepted = server.request(cloud, client.request(), 0.0)
    assert isinstance(accepted, PairingAccepted)
    with pytest.raises(RefusedError, match="or somebody sits in between"):
        client.take_accepted(accepted, Binding.to_domain("pairing.example.org"))


def test_a_server_that_is_of_our_own_role_or_another_node_than_asked_for_is_refused() -> None:
    ours, twin, other = node(RM), node(RM), node(CEM)
    endpoint = EndpointDescription(deployment=LAN)
    code = PairingCode(None, "stickerTOKEN42")
    server = PairingServer({other.description.id: other}, endpoint, DOMAIN, None)
    client = PairingClient(ours, endpoint, code, node_id=uuid4())
    accepted = server.request(other, client.request(), 0.0)
    assert isinstance(accepted, PairingAccepted)
    with pytest.raises(RefusedError, match="another node answers"):
        client.take_accepted(accepted, DOMAIN)
    posing = accepted.model_copy(update={"server_node_description": twin.description})
    with pytest.raises(RefusedError, match="is a RM, too"):
        client.take_accepted(posing, DOMAIN)


@pytest.mark.parametrize(
    ("url", "lan"),
    [
        ("https://hub.local:8443/pairing/", True),
        ("https://hub.local./", True),
        ("https://localhost/", True),
        ("https://192.168.1.20/", True),
        ("https://[fe80::1]/", True),
        ("https://10.0.0.1:1/", True),
        ("https://pairing.example.com/", False),
        ("https://8.8.8.8/", False),
        ("https://local/", False),
        ("https://hub.local.example.com/", False),
    ],
)
def test_only_names_and_addresses_of_the_lan_are_met_unverified(url: str, lan: bool) -> None:
    assert is_lan(url) is lan


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("192.168.1.7", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("::ffff:192.168.1.7", True),
        ("::ffff:8.8.8.8", False),
        ("8.8.8.8", False),
        ("2001:4860:4860::8888", False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_the_lan_ends_where_addresses_are_routed(address: str, local: bool) -> None:
    assert is_local(address) is local
