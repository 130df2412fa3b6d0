"""A device is paired by the command line with a real gateway, and stays paired whenever the gateway is killed."""

import asyncio
import random
import signal
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from efpi_core.errors import EfpiError
from efpi_core.s2.connect.wire import Role
from tests.efpi_core.s2.connect.connect_world import Box, boxes, code_of
from tests.support.real_gateway import RealGateway, running

KILLS = 6


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A house whose S2 devices are paired; the ports stay the same over restarts, since devices keep them."""
    ports = f"port: {free_port()}, session_port: {free_port()}"
    connect = f"{{host: 127.0.0.1, host_name: localhost, {ports}}}"
    path = tmp_path / "house.yaml"
    path.write_text(f"efpi: 1\nname: Paired\nappliances:\n  s2: {{driver: s2, config: {{connect: {connect}}}}}\n")
    return path


async def until_open(device: Box) -> None:
    """Open a session, however often the gateway is away meanwhile."""
    async with asyncio.timeout(60):
        while True:
            try:
                await device.service.open_session(device.only())
            except EfpiError as error:
                assert error.detail_code != "not_accepted", "the pairing is lost"
                await asyncio.sleep(0.05)
            else:
                return


async def says(gateway: RealGateway, *words: str) -> Any:
    """The JSON of a command that succeeds."""
    return await asyncio.to_thread(gateway.says, "operation", "s2", *words)


async def pair_by_hand(gateway: RealGateway, device: Box) -> None:
    """A person asks for the code at the command line, and types it in at the device."""
    told = await says(gateway, "pairing_code")
    await device.service.pair(device.node, told["url"], code_of(told["code"]))


async def test_a_device_is_paired_listed_and_unpaired_by_commands(home: Path, site: Path) -> None:
    with running(home, site) as gateway:
        await asyncio.to_thread(gateway.state, "s2", "running")
        async with boxes(Box(Role.RM, listens=False, name="Battery")) as (device,):
            await pair_by_hand(gateway, device)
            await until_open(device)
            assert [each["name"] for each in (await says(gateway, "pairings"))["pairings"]] == ["efpi Battery"]
            shown = await asyncio.to_thread(gateway.cli, "operation", "s2", "pairings")
            assert "efpi Battery" in shown.out
            words = ("operation", "s2", "pair", "--url", "https://localhost:1/", "--code", "SECRETcode99")
            wrong = await asyncio.to_thread(gateway.cli, *words)
            assert wrong.code == 5
            assert "localhost cannot be reached" in wrong.err
            gone = await says(gateway, "unpair", "--peer", "efpi Battery")
            assert gone == {"name": "efpi Battery", "told": True}
        journal = gateway.get("/api/journal")
        assert [each["text"] for each in journal if each["kind"] == "operation_failed"]
        assert "SECRETcode99" not in repr(journal)
        assert "SECRETcode99" not in gateway.log


@pytest.mark.slow
async def test_no_kill_of_the_gateway_loses_a_pairing(home: Path, site: Path) -> None:
    chance = random.Random(7)  # noqa: S311  # when to kill
    async with boxes(Box(Role.RM, listens=False, name="Battery")) as (device,):
        for life in range(KILLS):
            with running(home, site) as gateway:
                await asyncio.to_thread(gateway.state, "s2", "running")
                if life == 0:
                    await pair_by_hand(gateway, device)
                opening = asyncio.create_task(open_again_and_again(device))
                await asyncio.sleep(chance.uniform(0.0, 0.3))
                gateway.process.send_signal(signal.SIGKILL)
                gateway.process.wait(30)
                opening.cancel()
                await asyncio.gather(opening, return_exceptions=True)
        with running(home, site) as gateway:
            await asyncio.to_thread(gateway.state, "s2", "running")
            await until_open(device)
            assert len(device.only().tokens) == 1


async def open_again_and_again(device: Box) -> None:
    """Until the gateway is killed in the middle of one."""
    while True:
        await until_open(device)
