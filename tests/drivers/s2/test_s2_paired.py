"""Devices are paired by S2 Connect: from the code to the allocation, over real TLS, and from one life to the next."""

import socket
import uuid
from typing import Any

import pytest
from s2_gateway_end import S2End
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from efi.allocation import AllocationStatus
from efi.storage import StorageSystemDescription
from efpi_core.plugin.condition import ConditionState
from efpi_core.s2.connect.calling import NoLongerPairedError, Opened
from efpi_core.s2.connect.wire import Role
from tests.efpi_core.s2.connect.connect_world import Box, boxes, code_of
from tests.peers.raw_rm import RawRm
from tests.peers.s2_python_rm import Battery, S2PythonRm

CONNECT = {"host": "127.0.0.1", "port": 0, "session_port": 0, "host_name": "localhost", "name": "House"}


async def paired(gateway: S2End, device: Box) -> None:
    """A person reads the code of the house, and types it in at the device."""
    told = await gateway.operate("pairing_code")
    await device.service.pair(device.node, told["url"], code_of(told["code"]))


async def opened(device: Box) -> Opened:
    return await device.service.open_session(device.only())


def pump() -> Box:
    return Box(Role.RM, listens=False, name="Battery")


async def test_a_device_that_types_in_the_code_is_an_appliance_and_does_as_asked() -> None:
    async with S2End.running(connect=CONNECT) as gateway, boxes(pump()) as (device,):
        await paired(gateway, device)
        session = await opened(device)
        async with S2PythonRm(Battery()).calling(session.url, session.token, session.tls):
            name = await gateway.until(lambda: next(iter(gateway.sessions), None))
            description = await gateway.told(name, StorageSystemDescription)
            asked = await gateway.charge(name, description.actuators[0].modes[0].mode_id, 0.5)
            await gateway.status(asked, AllocationStatus.FINISHED)
        listed = await gateway.operate("pairings")
        assert [(each["name"], each["role"], each["serves"]) for each in listed["pairings"]] == [
            ("efpi Battery", "RM", True)
        ]


async def test_no_handshake_is_said_and_the_version_is_the_agreed_one() -> None:
    async with S2End.running(connect=CONNECT) as gateway, boxes(pump()) as (device,):
        await paired(gateway, device)
        session = await opened(device)
        assert session.version == "v1.0.0"
        headers = {"Authorization": f"Bearer {session.token}"}
        async with connect(session.url, additional_headers=headers, ssl=session.tls, proxy=None) as line:
            rm = RawRm(line, control_types=("FILL_RATE_BASED_CONTROL",))
            rm.greets = False
            async with rm.living():
                await rm.send(rm.details)
                assert await rm.selected() == "FILL_RATE_BASED_CONTROL"
                assert rm.all("Handshake") == rm.all("HandshakeResponse") == []


async def test_a_token_opens_one_session_and_a_stranger_none() -> None:
    async with S2End.running(connect=CONNECT) as gateway, boxes(pump()) as (device,):
        await paired(gateway, device)
        session = await opened(device)
        for token, welcome in ((session.token, True), (session.token, False), ("guess" * 10, False)):
            headers = {"Authorization": f"Bearer {token}"}
            if welcome:
                async with connect(session.url, additional_headers=headers, ssl=session.tls, proxy=None):
                    continue
            with pytest.raises(InvalidStatus, match="401"):
                await connect(session.url, additional_headers=headers, ssl=session.tls, proxy=None)


async def test_a_pairing_outlives_the_instance_and_unpairing_ends_the_session() -> None:
    async with boxes(pump()) as (device,):
        port = {"port": free_port(), "session_port": free_port()}
        async with S2End.running(connect=CONNECT | port) as gateway:
            await paired(gateway, device)
        async with S2End.running(connect=CONNECT | port, storage=gateway.stored) as again:
            await again.operate("pairings")
            session = await opened(device)
            headers = {"Authorization": f"Bearer {session.token}"}
            async with connect(session.url, additional_headers=headers, ssl=session.tls, proxy=None) as line:
                rm = RawRm(line)
                rm.greets = False
                async with rm.living():
                    await again.until(lambda: again.driver._pairing().links._links)
                    told = await again.operate("unpair", peer="efpi Battery")
                    assert told == {"name": "efpi Battery", "told": True}
                    assert (await rm.gone())[0] == 1008
            with pytest.raises(NoLongerPairedError):
                await opened(device)


async def test_the_house_pairs_with_a_device_that_shows_a_code() -> None:
    async with S2End.running(connect=CONNECT) as gateway, boxes(Box(Role.RM, name="Charger")) as (charger,):
        code = charger.service.issue(charger.node).code
        output = await gateway.operate("pair", url=charger.service.pairing_url, code=code)
        assert (output["name"], output["role"], output["serves"]) == ("efpi Charger", "RM", True)
        session = await opened(charger)
        async with S2PythonRm(Battery()).calling(session.url, session.token, session.tls):
            await gateway.until(lambda: next(iter(gateway.sessions), None))


@pytest.mark.parametrize(
    ("fields", "error", "problem"),
    [
        ({"code": "x", "url": "https://localhost:1/"}, "settings", "a pairing code is letters"),
        ({"code": "abcd1234"}, "settings", "it is not said with whom"),
        ({"code": "abcd1234", "url": "https://localhost:1/"}, "try_again", "localhost cannot be reached"),
        ({"code": "abcd1234", "node_id": "me"}, "settings", "this is no id of a node"),
        ({"code": "abcd1234", "node_id": str(uuid.uuid4())}, "try_again", "no such node waits"),
        ({"code": "abcd1234", "url": "https://localhost:1/", "node": "other"}, "settings", "there is no node 'other'"),
    ],
)
async def test_what_cannot_be_paired_is_told_with_the_cure(fields: dict[str, str], error: str, problem: str) -> None:
    async with S2End.running(connect=CONNECT) as gateway:
        refusal: Any = await gateway.operate("pair", **fields)
        assert refusal.error == error
        assert problem in refusal.problem
        assert refusal.cure
        assert "abcd1234" not in repr(refusal)


async def test_without_the_setting_the_cure_is_the_setting() -> None:
    async with S2End.running() as gateway:
        refusal: Any = await gateway.operate("pairing_code")
        assert (refusal.error, refusal.cure) == ("refused", "give this instance the setting `connect`")


async def test_a_port_that_is_in_use_is_named() -> None:
    async with (
        boxes(Box(Role.CEM)) as (other,),
        S2End.running(connect=CONNECT | {"port": other.port}) as gateway,
    ):
        told = await gateway.condition(ConditionState.OFFLINE, "not_listening")
        assert f"127.0.0.1:{other.port}" in told.text


async def test_a_static_code_pairs_again_and_again() -> None:
    settings = CONNECT | {"code": "sticker"}
    async with S2End.running(connect=settings, secrets={"sticker": "stickerTOKEN42"}) as gateway:
        url = (await gateway.operate("pairing_code"))["url"]
        async with boxes(pump(), pump()) as devices:
            node = gateway.driver.pairing_nodes()[""]
            node.tokens.spend(str(node.tokens.valid(gateway.runtime.context.elapsed())))
            for device in devices:
                await device.service.pair(device.node, url, code_of("stickerTOKEN42"))
        assert len((await gateway.operate("pairings"))["pairings"]) == 2


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
