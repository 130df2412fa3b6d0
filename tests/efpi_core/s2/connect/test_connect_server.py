"""The server's side against a client that knows only the OpenAPI documents, over real TLS."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator
from http.client import HTTPException
from uuid import UUID, uuid4

import pytest

from efpi_core.s2.connect.exchange import Answer, Asked
from efpi_core.s2.connect.http_server import MOST_OF_ONE
from efpi_core.s2.connect.node import LocalNode
from efpi_core.s2.connect.pairing_server import ATTEMPT_S, MOST_IN_LINE
from efpi_core.s2.connect.session_server import CONFIRM_S, WEBSOCKET_TOKEN_S
from efpi_core.s2.connect.wire import NodeDescription, Role
from tests.efpi_core.s2.connect.connect_world import Box, boxes, code_of
from tests.efpi_core.s2.connect.openapi_client import OpenApiClient


@pytest.fixture
async def hub() -> AsyncIterator[Box]:
    """An energy manager that listens."""
    async with boxes(Box(Role.CEM, name="Hub")) as (box,):
        yield box


def token_of(box: Box) -> str:
    return box.service.issue(box.node).code


def client_of(box: Box, role: str = "RM") -> OpenApiClient:
    return OpenApiClient(box.service.pairing_url, role)


async def test_the_indexes_name_the_versions(hub: Box) -> None:
    client = client_of(hub)
    for url in (hub.service.pairing_url, hub.service.session_url):
        assert await client.send(url, "GET", "") == (200, b'["v1"]')


async def test_a_resource_manager_pairs_opens_sessions_and_unpairs(hub: Box) -> None:
    client = client_of(hub)
    details = await client.pair(token_of(hub))
    token = details["accessToken"]
    assert len(base64.b64decode(token, validate=True)) >= 32
    for _ in range(3):
        request = client.session_request(str(hub.id))
        status, offer = await client.session(details["initiateSessionUrl"], "/initiateSession", request, token)
        assert status == 200
        token = offer["accessToken"]
        status, told = await client.session(details["initiateSessionUrl"], "/confirmAccessToken", None, token)
        assert (status, told["communicationProtocol"]) == (200, "WebSocket")
        granted = hub.service.admit(told["websocketToken"])
        assert granted is not None
        assert str(granted.pairing.peer.id) == client.node["id"]
        assert hub.service.admit(told["websocketToken"]) is None
    who = {"clientNodeId": client.node["id"], "serverNodeId": str(hub.id)}
    assert await client.session(details["initiateSessionUrl"], "/unpair", who, token) == (204, None)
    assert list(hub.service.book) == []
    assert [str(each.peer.id) for each in hub.ended] == [client.node["id"]]
    request = client.session_request(str(hub.id))
    status, told = await client.session(details["initiateSessionUrl"], "/initiateSession", request, token)
    assert (status, told["errorMessage"]) == (400, "NoLongerPaired")


async def test_an_energy_manager_posts_where_its_sessions_are() -> None:
    async with boxes(Box(Role.RM, name="Heat pump")) as (pump,):
        client, token = client_of(pump, "CEM"), token_of(pump)
        assert (await client.request_pairing(token))[0] == 200
        details = {
            "initiateSessionUrl": "https://hub.local:8443/connection/",
            "accessToken": base64.b64encode(os.urandom(32)).decode(),
            "certificateFingerprint": {"SHA256": "AB:" * 31 + "AB"},
        }
        body = {"serverHmacChallengeResponse": client.proof(token), "connectionDetails": details}
        assert await client.pairing("/postConnectionDetails", body, client.attempt) == (204, None)
        assert await client.pairing("/postConnectionDetails", body, client.attempt) == (204, None)
        assert await client.finalize() == 204
        pairing = pump.only()
        assert (pairing.serves, pairing.url) == (False, details["initiateSessionUrl"])
        assert pairing.tokens == (details["accessToken"],)
        assert pairing.authority_fingerprint == details["certificateFingerprint"]["SHA256"]


async def test_who_posts_no_fingerprint_could_be_anybody_later() -> None:
    async with boxes(Box(Role.RM)) as (pump,):
        client, token = client_of(pump, "CEM"), token_of(pump)
        await client.request_pairing(token)
        details = {"initiateSessionUrl": "https://hub.local/", "accessToken": "x" * 44}
        body = {"serverHmacChallengeResponse": client.proof(token), "connectionDetails": details}
        assert (await client.pairing("/postConnectionDetails", body, client.attempt))[0] == 400
        assert await client.finalize() == 401


async def test_the_lan_sees_the_endpoint_and_its_nodes(hub: Box) -> None:
    client = client_of(hub)
    assert await client.pairing("/endpoint") == (200, {"name": "Hub", "deployment": "LAN"})
    status, nodes = await client.pairing("/nodes")
    assert status == 200
    assert [node["id"] for node in nodes] == [str(hub.id)]


async def test_a_person_is_told_that_somebody_wants_to_pair(hub: Box) -> None:
    heard: list[tuple[LocalNode, NodeDescription]] = []
    hub.service.on_preparing = lambda node, peer: heard.append((node, peer))
    client = client_of(hub)
    about = {"clientNodeDescription": client.node, "clientEndpointDescription": client.endpoint}
    assert (await client.pairing("/preparePairing", about | {"serverNodeId": str(hub.id)}))[0] == 204
    stranger = "8b3e3a5e-4d0e-4f6c-9c1c-0f5f4b1f0a11"
    assert (await client.pairing("/preparePairing", about | {"serverNodeId": stranger}))[0] == 204
    assert [str(peer.id) for _, peer in heard] == [client.node["id"]]
    who = {"clientNodeId": client.node["id"], "serverNodeId": str(hub.id)}
    assert (await client.pairing("/cancelPreparePairing", who))[0] == 204


# --- what is not compatible


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"nodeIdAlias": "ZZ"}, "NodeNotFound"),
        ({"nodeId": "8b3e3a5e-4d0e-4f6c-9c1c-0f5f4b1f0a11"}, "NodeNotFound"),
        ({"supportedS2MessageVersions": ["v9"]}, "IncompatibleS2MessageVersions"),
        ({"supportedCommunicationProtocols": []}, "IncompatibleCommunicationProtocols"),
        ({"supportedHmacHashingAlgorithms": []}, "IncompatibleHmacHashingAlgorithms"),
        ({"supportedHmacHashingAlgorithms": [], "forcePairing": True}, "IncompatibleHmacHashingAlgorithms"),
    ],
)
async def test_what_does_not_fit_is_refused_by_its_word(hub: Box, changes: dict[str, object], error: str) -> None:
    status, told = await client_of(hub).request_pairing(token_of(hub), **changes)
    assert (status, told["errorMessage"]) == (400, error)
    assert told["additionalInfo"]


async def test_two_of_one_role_do_not_pair(hub: Box) -> None:
    status, told = await client_of(hub, "CEM").request_pairing(token_of(hub))
    assert (status, told["errorMessage"]) == (400, "InvalidCombinationOfRoles")


async def test_without_a_code_that_is_valid_nobody_pairs(hub: Box) -> None:
    client = client_of(hub)
    assert (await client.request_pairing("none"))[1]["errorMessage"] == "NoValidPairingTokenOnPairingServer"
    token = token_of(hub)
    hub.context.skipped += 301
    assert (await client.request_pairing(token))[1]["errorMessage"] == "NoValidPairingTokenOnPairingServer"


async def test_versions_that_do_not_fit_yet_can_be_forced(hub: Box) -> None:
    client = client_of(hub)
    details = await client.pair(token_of(hub), supportedS2MessageVersions=["v9"], forcePairing=True)
    client.versions = ("v9",)
    request = client.session_request(str(hub.id))
    answer = await client.session(details["initiateSessionUrl"], "/initiateSession", request, details["accessToken"])
    assert (answer[0], answer[1]["errorMessage"]) == (400, "IncompatibleS2MessageVersions")


@pytest.mark.parametrize(("spelled", "kept"), [("1.0.0", "1.0.0"), ("v1.0.0", "v1.0.0"), ("0.0.2-beta", "0.0.2-beta")])
async def test_a_version_is_one_however_it_is_spelled(hub: Box, spelled: str, kept: str) -> None:
    client = client_of(hub)
    client.versions = (spelled,)
    details = await client.pair(token_of(hub))
    request = client.session_request(str(hub.id))
    _, offer = await client.session(details["initiateSessionUrl"], "/initiateSession", request, details["accessToken"])
    assert offer["selectedS2MessageVersion"] == kept


async def test_of_several_nodes_one_must_be_named(hub: Box) -> None:
    description = hub.node.description.model_copy(update={"id": uuid4()})
    second = LocalNode(description, alias="B2")
    hub.service.offer(second)
    client = client_of(hub)
    assert (await client.request_pairing("x"))[1]["errorMessage"] == "NoNodeIdProvided"
    code = hub.service.issue(second).code
    assert code.startswith("B2-")
    await client.pair(code.partition("-")[2], nodeIdAlias="B2")
    assert [each.own for each in hub.service.book] == [description.id]


# --- attacks


async def test_a_wrong_code_gets_nothing_and_ends_the_attempt(hub: Box) -> None:
    client, token = client_of(hub), token_of(hub)
    await client.request_pairing(token)
    assert (await client.request_details("wrong12345"))[0] == 403
    assert (await client.request_details(token))[0] == 401
    assert await client.finalize() == 401
    assert len(hub.service.book) == 0


async def test_a_proof_is_not_worth_anything_again(hub: Box) -> None:
    first, second, token = client_of(hub), client_of(hub), token_of(hub)
    await first.request_pairing(token)
    await second.request_pairing(token)
    body = {"serverHmacChallengeResponse": first.proof(token)}
    assert (await second.pairing("/requestConnectionDetails", body, second.attempt))[0] == 403


async def test_the_servers_own_proof_reflected_to_it_proves_nothing(hub: Box) -> None:
    client, token = client_of(hub), token_of(hub)
    await client.request_pairing(token)
    reflected = {"serverHmacChallengeResponse": client.accepted["clientHmacChallengeResponse"]}
    assert (await client.pairing("/requestConnectionDetails", reflected, client.attempt))[0] == 403


@pytest.mark.parametrize("padding", [b"", b"\0", b"\0" * 32], ids=["itself", "padded", "padded to a block"])
async def test_a_server_does_not_answer_its_own_challenge(hub: Box, padding: bytes) -> None:
    """A reflection: the answer to it in a second attempt would be the proof in the first, without any code."""
    thief = client_of(hub)
    _, first = await thief.pairing("/requestPairing", thief.pairing_request())
    assert "serverHmacChallenge" not in first  # there is no code yet
    token_of(hub)
    _, first = await thief.pairing("/requestPairing", thief.pairing_request())
    thief.challenge = base64.b64decode(first["serverHmacChallenge"]) + padding
    status, told = await thief.pairing("/requestPairing", thief.pairing_request())
    assert (status, told["errorMessage"]) == (400, "Other")


async def test_an_attempt_is_over_after_fifteen_seconds(hub: Box) -> None:
    client, token = client_of(hub), token_of(hub)
    await client.request_pairing(token)
    hub.context.skipped += ATTEMPT_S
    assert (await client.request_details(token))[0] == 401


async def test_out_of_order_is_refused_and_ends_the_attempt(hub: Box) -> None:
    client, token = client_of(hub), token_of(hub)
    await client.request_pairing(token)
    assert await client.finalize() == 400
    assert (await client.request_details(token))[0] == 401
    await client.request_pairing(token)
    details = {"initiateSessionUrl": "https://hub.local/", "accessToken": "x" * 44}
    body = {"serverHmacChallengeResponse": client.proof(token), "connectionDetails": details}
    assert (await client.pairing("/postConnectionDetails", body, client.attempt))[0] == 400
    assert (await client.request_details(token))[0] == 401


async def test_the_same_request_twice_is_answered_twice(hub: Box) -> None:
    client, token = client_of(hub), token_of(hub)
    await client.request_pairing(token)
    assert await client.request_details(token) == await client.request_details(token)
    assert [await client.finalize(), await client.finalize()] == [204, 204]
    assert len(hub.paired) == 1


async def test_a_code_is_good_for_one_pairing_however_many_try_at_once(hub: Box) -> None:
    token = token_of(hub)
    clients = [client_of(hub) for _ in range(4)]
    for client in clients:
        assert (await client.request_pairing(token))[0] == 200
        assert (await client.request_details(token))[0] == 200
    assert [await client.finalize() for client in clients] == [204, 401, 401, 401]
    assert len(hub.service.book) == 1
    assert (await client_of(hub).request_pairing(token))[0] == 400


async def test_guesses_take_a_second_each_and_do_not_queue_for_long(hub: Box) -> None:
    token = token_of(hub)
    begun = hub.context.skipped
    statuses = [(await client_of(hub).request_pairing(token))[0] for _ in range(3)]
    assert statuses == [200, 200, 200]
    assert hub.context.skipped - begun >= 3
    node = hub.service._pairing  # the queue itself
    waits = [node.turn(hub.node, 0.0) for _ in range(MOST_IN_LINE + 1)]
    assert [wait for wait in waits if not isinstance(wait, float)]


async def test_a_pending_token_is_void_after_fifteen_seconds_and_the_old_one_goes_on(hub: Box) -> None:
    client = client_of(hub)
    details = await client.pair(token_of(hub))
    url, request = details["initiateSessionUrl"], client.session_request(str(hub.id))
    _, offer = await client.session(url, "/initiateSession", request, details["accessToken"])
    hub.context.skipped += CONFIRM_S
    assert (await client.session(url, "/confirmAccessToken", None, offer["accessToken"]))[0] == 401
    assert (await client.session(url, "/initiateSession", request, details["accessToken"]))[0] == 200


async def test_a_token_that_was_used_opens_nothing(hub: Box) -> None:
    client = client_of(hub)
    details = await client.pair(token_of(hub))
    url, request = details["initiateSessionUrl"], client.session_request(str(hub.id))
    _, offer = await client.session(url, "/initiateSession", request, details["accessToken"])
    assert (await client.session(url, "/confirmAccessToken", None, offer["accessToken"]))[0] == 200
    assert (await client.session(url, "/initiateSession", request, details["accessToken"]))[0] == 401
    assert (await client.session(url, "/confirmAccessToken", None, offer["accessToken"]))[0] == 401
    assert (await client.session(url, "/confirmAccessToken", None, details["accessToken"]))[0] == 401


async def test_a_websocket_token_is_void_after_thirty_seconds_and_with_the_pairing(hub: Box) -> None:
    client = client_of(hub)
    details = await client.pair(token_of(hub))
    url, request = details["initiateSessionUrl"], client.session_request(str(hub.id))
    token = details["accessToken"]
    for end in ("late", "unpaired"):
        _, offer = await client.session(url, "/initiateSession", request, token)
        token = offer["accessToken"]
        _, told = await client.session(url, "/confirmAccessToken", None, token)
        if end == "late":
            hub.context.skipped += WEBSOCKET_TOKEN_S
        else:
            await hub.service.unpair(hub.only())
        assert hub.service.admit(told["websocketToken"]) is None


async def test_one_client_cannot_speak_for_another(hub: Box) -> None:
    mine, others = client_of(hub), client_of(hub)
    details = await mine.pair(token_of(hub))
    await others.pair(token_of(hub))
    request = mine.session_request(str(hub.id)) | {"clientNodeId": others.node["id"]}
    url = details["initiateSessionUrl"]
    assert (await mine.session(url, "/initiateSession", request, details["accessToken"]))[0] == 401
    who = {"clientNodeId": others.node["id"], "serverNodeId": str(hub.id)}
    assert (await mine.session(url, "/unpair", who, details["accessToken"]))[0] == 401
    assert len(hub.service.book) == 2


async def test_a_client_may_be_called_otherwise_and_never_be_another(hub: Box) -> None:
    client = client_of(hub)
    details = await client.pair(token_of(hub))
    url, token = details["initiateSessionUrl"], details["accessToken"]
    renamed = client.node | {"userDefinedName": "In the cellar"}
    request = client.session_request(str(hub.id))
    await client.session(url, "/initiateSession", request | {"clientNodeDescription": renamed}, token)
    assert hub.only().peer.shown == "In the cellar"
    other = client.node | {"id": "8b3e3a5e-4d0e-4f6c-9c1c-0f5f4b1f0a11", "role": "CEM"}
    await client.session(url, "/initiateSession", request | {"clientNodeDescription": other}, token)
    assert (str(hub.only().peer.id), hub.only().peer.role) == (client.node["id"], Role.RM)


BODIES = (
    b"",
    b"null",
    b"[]",
    b"{",
    b"{}",
    b"\xff\xfe",
    b'{"a":' * 5000,
    b'{"clientHmacChallenge": "c2hvcnQ="}',
    json.dumps({"x": "y" * 60_000}).encode(),
)


@pytest.mark.parametrize("path", ["requestPairing", "preparePairing"])
@pytest.mark.parametrize("body", BODIES)
async def test_what_cannot_be_read_is_a_parsing_error(hub: Box, path: str, body: bytes) -> None:
    status, content = await client_of(hub).send(hub.service.pairing_url, "POST", f"v1/{path}", body)
    assert (status, json.loads(content)["errorMessage"]) == (400, "ParsingError")


@pytest.mark.parametrize("path", ["requestConnectionDetails", "postConnectionDetails", "finalizePairing"])
@pytest.mark.parametrize("body", BODIES)
async def test_what_cannot_be_read_within_an_attempt_ends_it(hub: Box, path: str, body: bytes) -> None:
    client, token = client_of(hub), token_of(hub)
    await client.request_pairing(token)
    if path == "finalizePairing" and body in (b"{}", BODIES[-1], BODIES[-2]):
        return  # a body without `success` is no success, and what is beside it does not count
    status, _ = await client.send(hub.service.pairing_url, "POST", f"v1/{path}", body, client.attempt)
    assert status == 400
    assert (await client.request_details(token))[0] == 401


async def test_sizes_kinds_paths_and_methods_are_bounded(hub: Box) -> None:
    client, url = client_of(hub), hub.service.pairing_url
    huge = b'{"x":"' + b"y" * 200_000 + b'"}'
    assert (await client.send(url, "POST", "v1/requestPairing", huge))[0] == 413
    plain = {"Content-Type": "text/plain"}
    assert (await client.send(url, "POST", "v1/requestPairing", b"{}", None, **plain))[0] == 415
    assert (await client.send(url, "GET", "v1/requestPairing"))[0] == 405
    assert (await client.send(url, "GET", "v1/../../etc/passwd"))[0] == 404
    assert (await client.send(url, "GET", "v1/nodes", None, None, X="y" * 30_000))[0] == 431


async def test_a_disk_that_takes_nothing_lets_no_pairing_come_about(hub: Box) -> None:
    client, token = client_of(hub), token_of(hub)
    await client.request_pairing(token)
    await client.request_details(token)
    hub.disk.fails = True
    status, _ = await client.send(
        hub.service.pairing_url, "POST", "v1/finalizePairing", {"success": True}, client.attempt
    )
    assert status == 500
    assert len(hub.service.book) == 0
    assert hub.paired == []


async def test_a_disk_that_takes_nothing_keeps_the_old_token_in_force(hub: Box) -> None:
    client = client_of(hub)
    details = await client.pair(token_of(hub))
    url, request = details["initiateSessionUrl"], client.session_request(str(hub.id))
    _, offer = await client.session(url, "/initiateSession", request, details["accessToken"])
    hub.disk.fails = True
    assert (await client.session(url, "/confirmAccessToken", None, offer["accessToken"]))[0] == 500
    hub.disk.fails = False
    assert (await client.session(url, "/initiateSession", request, details["accessToken"]))[0] == 200


# --- clients without a server


async def test_a_node_without_a_server_waits_and_is_told_to_pair(hub: Box) -> None:
    client = client_of(hub)
    body = [{"clientNodeId": client.node["id"]}]
    assert await client.pairing("/waitForPairing", body) == (
        200,
        [{"clientNodeId": client.node["id"], "action": "sendNodeDescription"}],
    )
    told = body[0] | {"clientNodeDescription": client.node, "clientEndpointDescription": client.endpoint}
    polling = asyncio.create_task(client.pairing("/waitForPairing", [told]))
    waiting = UUID(client.node["id"])
    assert list(hub.service.waiting()) == [waiting]
    pairing = asyncio.create_task(hub.service.pair_waiting(hub.node, waiting, code_of("stickerTOKEN42")))
    status, instructions = await polling
    assert (status, instructions[0]["action"]) == (200, "requestPairing")
    await client.pair("stickerTOKEN42")
    assert str((await pairing).peer.id) == client.node["id"]


async def test_too_many_who_wait_are_sent_away(hub: Box) -> None:
    client = client_of(hub)
    crowd = [{"clientNodeId": f"8b3e3a5e-4d0e-4f6c-9c1c-{number:012d}"} for number in range(17)]
    assert (await client.pairing("/waitForPairing", crowd))[0] == 503
    assert (await client.pairing("/waitForPairing", []))[0] == 400


async def test_who_opens_many_connections_and_says_nothing_holds_up_nobody_else(hub: Box) -> None:
    silent = [await asyncio.open_connection("127.0.0.1", hub.port) for _ in range(MOST_OF_ONE)]
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    assert await reader.read() == b""  # one too many of this address
    assert len(hub.service._server._connections) == MOST_OF_ONE  # type: ignore[union-attr]
    for _, each in (*silent, (reader, writer)):
        each.close()
    async with asyncio.timeout(30):
        while True:  # the places are free again as soon as the server has noticed
            try:
                assert await client_of(hub).send(hub.service.pairing_url, "GET", "") == (200, b'["v1"]')
            except OSError:
                continue
            break


async def test_a_fault_in_an_answer_ends_its_connection_and_no_other(hub: Box) -> None:
    server = hub.service._server
    assert server is not None
    handle = server._handler

    async def fail(asked: Asked) -> Answer:
        if asked.path.endswith("endpoint"):
            raise LookupError("a fault")
        return await handle(asked)

    server._handler = fail
    with pytest.raises((OSError, HTTPException)):
        await client_of(hub).send(hub.service.pairing_url, "GET", "v1/endpoint")
    assert (await client_of(hub).send(hub.service.pairing_url, "GET", ""))[0] == 200
