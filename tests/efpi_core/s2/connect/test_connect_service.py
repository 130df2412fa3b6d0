"""Two endpoints of ours against each other over real TLS: who serves, what a kill leaves, whose certificate counts."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from efpi_core.errors import EfpiError, RefusedError, TryAgainError
from efpi_core.s2.connect.calling import NoLongerPairedError
from efpi_core.s2.connect.certificates import Identity
from efpi_core.s2.connect.exchange import Answer, Asked
from efpi_core.s2.connect.http_server import Handler, HttpsServer
from efpi_core.s2.connect.wire import Role
from tests.efpi_core.s2.connect.connect_world import Box, boxes, code_of, join
from tests.efpi_core.s2.connect.openapi_client import PAIRING, SESSION, check_request

NO_ADDRESSES = ("ftp://x/", "https://", "https://[x/", "https://a:99999/", "https://a..b/")


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Box, Box]]:
    """An energy manager and a resource manager."""
    async with boxes(Box(Role.CEM, name="Hub"), Box(Role.RM, name="Pump")) as (hub, pump):
        yield hub, pump


async def open_and_admit(pump: Box, hub: Box) -> None:
    opened = await pump.service.open_session(pump.only())
    granted = hub.service.admit(opened.token)
    assert granted is not None
    assert granted.pairing.peer.id == pump.id


async def test_whoever_begins_the_energy_manager_serves(pair: tuple[Box, Box]) -> None:
    hub, pump = pair
    for client, server in ((pump, hub), (hub, pump)):
        await join(client, server)
        assert hub.only().serves
        assert not pump.only().serves
        await open_and_admit(pump, hub)
        await open_and_admit(pump, hub)
    assert (len(hub.paired), len(pump.paired), len(hub.ended), len(pump.ended)) == (2, 2, 1, 1)


async def test_what_is_kept_says_no_secret_of_the_server_and_none_is_shown(pair: tuple[Box, Box]) -> None:
    hub, pump = pair
    await join(pump, hub)
    (token,) = pump.only().tokens
    assert token not in repr(hub.disk.kept)
    assert token not in repr(pump.only())
    assert token in repr(pump.disk.kept)
    assert all(key.startswith("secret.") for key, value in pump.disk.kept.items() if token in repr(value))


async def test_a_pairing_outlives_both(pair: tuple[Box, Box]) -> None:
    hub, pump = pair
    await join(pump, hub)
    await open_and_admit(pump, hub)
    for box in (hub, pump):
        await box.off()
        await box.on()
    await open_and_admit(pump, hub)


async def test_a_wrong_code_is_refused_and_told(pair: tuple[Box, Box]) -> None:
    hub, pump = pair
    hub.service.issue(hub.node)
    with pytest.raises(RefusedError, match="does not know this pairing code") as caught:
        await pump.service.pair(pump.node, hub.service.pairing_url, code_of("WRONGcode2"))
    assert caught.value.cure
    assert len(pump.service.book) == len(hub.service.book) == 0


async def test_a_resource_manager_leaves_its_energy_manager_for_another(pair: tuple[Box, Box]) -> None:
    hub, pump = pair
    async with boxes(Box(Role.CEM, name="Other")) as (other,):
        await join(pump, hub)
        await join(pump, other)
        await pump.settle()
        assert pump.only().peer.id == other.id
        assert list(hub.service.book) == []
        assert len(hub.ended) == 1
        await open_and_admit(pump, other)


async def test_an_energy_manager_has_many(pair: tuple[Box, Box]) -> None:
    hub, pump = pair
    async with boxes(Box(Role.RM, name="Battery")) as (battery,):
        await join(pump, hub)
        await join(battery, hub)
        assert len(hub.service.book) == 2
        for box in (pump, battery, pump):
            await open_and_admit(box, hub)


async def test_the_server_unpairs_and_the_client_hears_it_next_time(pair: tuple[Box, Box]) -> None:
    hub, pump = pair
    await join(pump, hub)
    await hub.service.unpair(hub.only())
    await hub.off()
    await hub.on()  # it remembers over a restart that it once was
    with pytest.raises(NoLongerPairedError):
        await pump.service.open_session(pump.only())
    assert len(pump.service.book) == 0
    assert len(pump.ended) == 1


async def test_the_client_unpairs_and_the_server_is_told(pair: tuple[Box, Box]) -> None:
    hub, pump = pair
    await join(pump, hub)
    assert await pump.service.unpair(pump.only())
    assert len(hub.service.book) == len(pump.service.book) == 0


async def test_who_cannot_tell_the_other_side_forgets_it_all_the_same(pair: tuple[Box, Box]) -> None:
    hub, pump = pair
    await join(pump, hub)
    await hub.off()
    assert not await pump.service.unpair(pump.only())
    assert len(pump.service.book) == 0
    await hub.on()


# --- kills


async def interrupted(pump: Box, hub: Box, step: str, *, answered: bool) -> None:
    """Open a session, and cut the line at a step: after the server did its part, or before."""
    service = hub.service
    handle = service._handle

    async def cut(asked: Asked) -> Answer:
        if asked.path.endswith(step):
            if answered:
                await handle(asked)
            return Answer(500)
        return await handle(asked)

    service._server._handler = cut  # type: ignore[union-attr]  # the wire between the two
    try:
        with pytest.raises(EfpiError):
            await pump.service.open_session(pump.only())
    finally:
        service._server._handler = handle  # type: ignore[union-attr]


@pytest.mark.parametrize("answered", [False, True], ids=["not done", "done"])
@pytest.mark.parametrize("step", ["initiateSession", "confirmAccessToken"])
@pytest.mark.parametrize("killed", ["nobody", "client", "server", "both"])
async def test_no_kill_at_any_moment_loses_the_pairing(
    pair: tuple[Box, Box], step: str, answered: bool, killed: str
) -> None:
    hub, pump = pair
    await join(pump, hub)
    await open_and_admit(pump, hub)
    await interrupted(pump, hub, step, answered=answered)
    for box, name in ((pump, "client"), (hub, "server")):
        if killed in (name, "both"):
            await box.off(killed=True)
            await box.on()
    await open_and_admit(pump, hub)
    assert len(pump.only().tokens) == 1


@pytest.mark.parametrize("answered", [False, True], ids=["not done", "done"])
@pytest.mark.parametrize("step", ["requestPairing", "requestConnectionDetails", "finalizePairing"])
async def test_a_pairing_that_breaks_off_leaves_nothing_in_the_way_of_the_next(
    pair: tuple[Box, Box], step: str, answered: bool
) -> None:
    hub, pump = pair
    service = hub.service
    handle = service._handle

    async def cut(asked: Asked) -> Answer:
        if asked.path.endswith(step):
            if answered:
                await handle(asked)
            return Answer(500)
        return await handle(asked)

    service._server._handler = cut  # type: ignore[union-attr]  # the wire between the two
    with pytest.raises(EfpiError):
        await join(pump, hub)
    assert len(pump.service.book) == 0
    service._server._handler = handle  # type: ignore[union-attr]
    for box in pair:
        await box.off(killed=True)
        await box.on()
    await join(pump, hub)
    await open_and_admit(pump, hub)
    assert len(hub.service.book) == 1


async def test_a_client_whose_disk_takes_nothing_does_not_confirm(pair: tuple[Box, Box]) -> None:
    hub, pump = pair
    await join(pump, hub)
    pump.disk.fails = True
    with pytest.raises(TryAgainError, match="the disk takes nothing"):
        await pump.service.open_session(pump.only())
    pump.disk.fails = False
    await pump.off(killed=True)
    await pump.on()
    await open_and_admit(pump, hub)


# --- certificates


async def test_somebody_in_between_is_found_out(pair: tuple[Box, Box]) -> None:
    hub, pump = pair
    code = hub.service.issue(hub.node).code
    other = Identity.new(("localhost",), hub.context.now())
    relay = HttpsServer(hub.service._handle, "127.0.0.1", 0, other.server_context())
    await relay.open()
    try:
        url = f"https://localhost:{relay.port}/pairing/"
        with pytest.raises(RefusedError, match="or somebody sits in between"):
            await pump.service.pair(pump.node, url, code_of(code))
    finally:
        await relay.close()
    assert len(pump.service.book) == len(hub.service.book) == 0


async def test_an_impostor_at_the_address_of_the_server_gets_no_token(pair: tuple[Box, Box]) -> None:
    hub, pump = pair
    await join(pump, hub)
    await hub.off()
    asked: list[Asked] = []

    async def take(request: Asked) -> Answer:
        asked.append(request)
        return Answer(200, b'["v1"]')

    other = Identity.new(("localhost",), pump.context.now())
    impostor = HttpsServer(take, "127.0.0.1", hub.port, other.server_context())
    await impostor.open()
    try:
        with pytest.raises(TryAgainError, match="the certificate of localhost is not to be trusted"):
            await pump.service.open_session(pump.only())
    finally:
        await impostor.close()
    assert asked == []
    await hub.on()
    await open_and_admit(pump, hub)


async def test_an_impostor_of_a_server_that_was_only_told_is_found_out(pair: tuple[Box, Box]) -> None:
    hub, pump = pair
    await join(hub, pump)  # the energy manager begins, and tells where its sessions are
    await hub.off()
    other = Identity.new(("localhost",), pump.context.now())
    asked: list[Asked] = []

    async def take(request: Asked) -> Answer:
        asked.append(request)
        return Answer(200, b'["v1"]')

    impostor = HttpsServer(take, "127.0.0.1", hub.port, other.server_context())
    await impostor.open()
    try:
        with pytest.raises(TryAgainError, match="another certificate than was told"):
            await pump.service.open_session(pump.only())
    finally:
        await impostor.close()
    assert [request.bearer for request in asked] == [None]
    await hub.on()
    await open_and_admit(pump, hub)


async def test_a_renewed_leaf_is_no_other_server(pair: tuple[Box, Box]) -> None:
    hub, pump = pair
    await join(pump, hub)
    service = hub.service
    before = service._identity
    service._identity = replace(before, renew_at=before.renew_at.replace(year=2000))
    hub.context.storage.put("secret.s2connect.identity", service._identity.kept())
    service._look_at_leaf()
    assert service._identity.leaf != before.leaf
    assert service._identity.authority == before.authority
    await open_and_admit(pump, hub)
    await join(pump, hub)  # and pairing is bound to the new one


async def test_the_server_speaks_no_tls_before_1_3(pair: tuple[Box, Box]) -> None:
    hub, _ = pair
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", hub.port, ssl=context, server_hostname="localhost")


# --- hostile servers


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"[]"),
        Answer(200, b"{"),
        Answer(200, b'["v2"]'),
        Answer(200, b"x" * 200_000),
        Answer(301),
        Answer(404),
        Answer(500),
        Answer(204),
    ],
)
async def test_what_is_no_endpoint_is_named(pair: tuple[Box, Box], answer: Answer) -> None:
    hub, pump = pair

    async def answers(asked: Asked) -> Answer:
        return answer

    hub.service._server._handler = answers  # type: ignore[union-attr]
    with pytest.raises(EfpiError) as caught:
        await pump.service.pair(pump.node, hub.service.pairing_url, code_of("abcd1234"))
    assert caught.value.cure


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/",
        "localhost",
        "https://a:b@localhost/",
        "ftp://x/",
        "https://",
        "https://[x/",
        "https://a:99999/",
        "https://a..b/",
    ],
)
async def test_what_is_no_address_is_named(pair: tuple[Box, Box], url: str) -> None:
    _, pump = pair
    with pytest.raises(EfpiError, match="https://"):
        await pump.service.pair(pump.node, url, code_of("abcd1234"))


async def test_nobody_there_is_named(pair: tuple[Box, Box]) -> None:
    hub, pump = pair
    url = hub.service.pairing_url
    await hub.off()
    with pytest.raises(TryAgainError, match="localhost cannot be reached"):
        await pump.service.pair(pump.node, url, code_of("abcd1234"))
    await hub.on()


async def test_who_would_serve_and_does_not_listen_is_told(pair: tuple[Box, Box]) -> None:
    _, pump = pair
    async with boxes(Box(Role.CEM, listens=False)) as (deaf,):
        code = pump.service.issue(pump.node).code
        with pytest.raises(RefusedError, match="does not listen"):
            await deaf.service.pair(deaf.node, pump.service.pairing_url, code_of(code))


async def test_all_that_we_ask_is_what_the_documents_say(pair: tuple[Box, Box]) -> None:
    hub, pump = pair
    asked: list[Asked] = []
    for box in pair:
        handle = box.service._handle

        async def listen(request: Asked, handle: Handler = handle) -> Answer:
            asked.append(request)
            return await handle(request)

        box.service._server._handler = listen  # type: ignore[union-attr]
    await join(hub, pump)
    await join(pump, hub)
    await open_and_admit(pump, hub)
    await pump.service.unpair(pump.only())
    paths = set()
    for request in asked:
        name = PAIRING if request.path.startswith("/pairing/") else SESSION
        path = "/" + request.path.rpartition("/")[2]
        if request.body:
            check_request(name, path, json.loads(request.body))
            paths.add(path)
    assert paths == {
        "/requestPairing",
        "/requestConnectionDetails",
        "/postConnectionDetails",
        "/finalizePairing",
        "/initiateSession",
        "/unpair",
    }


async def until(look: Callable[[], object]) -> None:
    """What the other side finds out by itself."""
    while not look():  # noqa: ASYNC110  # it is at the other end of a wire
        await asyncio.sleep(0.01)


async def test_a_device_without_a_server_waits_and_pairs_when_a_person_wants_it() -> None:
    async with boxes(Box(Role.CEM, name="Hub"), Box(Role.RM, listens=False, name="Sensor")) as (hub, sensor):
        waiting = asyncio.create_task(sensor.service.wait_at(hub.service.pairing_url, sensor.node))
        try:
            async with asyncio.timeout(60):
                await until(lambda: hub.service.waiting().get(sensor.id))  # it has described itself
                code = sensor.service.issue(sensor.node).code
                pairing = await hub.service.pair_waiting(hub.node, sensor.id, code_of(code))
                assert pairing.peer.id == sensor.id
                await until(lambda: sensor.paired)
            await open_and_admit(sensor, hub)
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)


async def test_a_person_who_names_nobody_that_waits_is_told(pair: tuple[Box, Box]) -> None:
    hub, pump = pair
    with pytest.raises(TryAgainError, match="no such node waits"):
        await hub.service.pair_waiting(hub.node, pump.id, code_of("abcd1234"))
