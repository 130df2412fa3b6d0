"""Devices that are servers themselves are called on, again and again, and what stands in the way is named."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from s2_gateway_end import S2End
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from efi.allocation import AllocationStatus
from efi.storage import StorageSystemDescription
from efpi_core.plugin.condition import ConditionState
from efpi_core.s2.tls import server_tls
from tests.peers.raw_rm import RawRm
from tests.support.certificates import a_certificate

TOKEN = "t0ken-of-the-charger"  # noqa: S105  # of a test


class Charger:
    """A device that is a server: it keeps whom it met."""

    def __init__(self) -> None:
        self.met: list[RawRm] = []
        self.port = 0

    @classmethod
    @asynccontextmanager
    async def listening(cls, token: str | None = None, port: int = 0, tls: Any = None) -> AsyncIterator["Charger"]:
        charger = cls()

        async def meet(socket: ServerConnection) -> None:
            device = RawRm(socket, "charger")
            charger.met.append(device)
            async with device.living():
                await socket.wait_closed()

        def admit(socket: ServerConnection, request: Request) -> Response | None:
            if token is None or request.headers.get("Authorization") == f"Bearer {token}":
                return None
            return socket.respond(HTTPStatus.UNAUTHORIZED, "no\n")

        async with serve(meet, "127.0.0.1", port, process_request=admit, ssl=tls) as server:
            charger.port = next(iter(server.sockets)).getsockname()[1]
            yield charger

    def device(self, **more: Any) -> dict[str, Any]:
        return {"url": f"ws://127.0.0.1:{self.port}/s2", **more}


async def test_a_device_that_is_a_server_is_called_on_and_steered() -> None:
    async with (
        Charger.listening(TOKEN) as charger,
        S2End.running(
            secrets={"charger-token": TOKEN}, devices=[charger.device(token="charger-token", name="C")]
        ) as gateway,
    ):
        await gateway.told("s2-charger", StorageSystemDescription)
        registered = gateway.sessions["s2-charger"].space.registration
        assert registered is not None and registered.name == "C"
        asked = await gateway.charge("s2-charger", "charge", 1.0)
        await gateway.status(asked, AllocationStatus.FINISHED)


async def test_a_device_that_hangs_up_is_called_again() -> None:
    async with Charger.listening() as charger, S2End.running(devices=[charger.device()]) as gateway:
        await gateway.told("s2-charger", StorageSystemDescription)
        await charger.met[0].socket.close()
        await gateway.condition(ConditionState.OFFLINE, "left", "s2-charger")
        await gateway.until(lambda: len(charger.met) == 2)
        await gateway.condition(ConditionState.OK, "", "s2-charger")


async def test_a_device_that_is_not_there_is_named_until_it_is() -> None:
    async with Charger.listening() as gone:
        port = gone.port
    async with S2End.running(devices=[gone.device(name="Charger")]) as gateway:
        told = await gateway.condition(ConditionState.DEGRADED, "connection_refused")
        assert "Charger" in told.text and told.cure
        async with Charger.listening(port=port):
            await gateway.condition(ConditionState.OK, "")


async def test_a_device_that_refuses_our_token_is_named() -> None:
    async with (
        Charger.listening(TOKEN) as charger,
        S2End.running(secrets={"charger-token": "another"}, devices=[charger.device(token="charger-token")]) as gateway,
    ):
        told = await gateway.condition(ConditionState.MISCONFIGURED, "refused_token")
        assert told.cure and "another" not in told.text


async def test_a_secret_that_is_missing_is_named() -> None:
    async with (
        Charger.listening() as charger,
        S2End.running(devices=[charger.device(token="charger-token")]) as gateway,
    ):
        told = await gateway.condition(ConditionState.MISCONFIGURED, "secret_missing")
        assert "secret" in told.cure


async def test_a_device_is_known_by_its_fingerprint(tmp_path: Path) -> None:
    mine, other = a_certificate(tmp_path), a_certificate(tmp_path, "other")
    async with Charger.listening(tls=server_tls(mine.certificate, mine.key)) as charger:
        url = charger.device()["url"].replace("ws:", "wss:")
        async with S2End.running(devices=[{"url": url, "fingerprint": mine.fingerprint.hex(":")}]) as gateway:
            await gateway.told("s2-charger", StorageSystemDescription)
        async with S2End.running(devices=[{"url": url, "certificate": str(mine.certificate)}]) as gateway:
            await gateway.told("s2-charger", StorageSystemDescription)
        async with S2End.running(devices=[{"url": url, "fingerprint": other.fingerprint.hex()}]) as gateway:
            await gateway.condition(ConditionState.MISCONFIGURED, "wrong_certificate")
        assert len(charger.met) == 2
