"""The technician's command, as a program."""

import asyncio
import json
import socket
import sys
from typing import Any

import pytest
from efpi_driver_sunspec.__main__ import FOUND, NO_PORT, NOTHING_FOUND
from efpi_driver_sunspec.driver import SunSpecDriver
from sunspec_peer import SunSpecPeer

from efpi_core.host.loading import plugin_types


async def run(*arguments: str) -> tuple[int, Any, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "efpi_driver_sunspec", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, json.loads(output) if output else None, errors.decode()


async def test_a_scan_prints_what_is_there() -> None:
    units: dict[int, dict[str, Any]] = {1: {"kind": "hybrid", "sun_w": 3210}, 3: {"kind": "hybrid", "base": 0}}
    async with SunSpecPeer.running(units) as peer:
        code, found, errors = await run("scan", f"127.0.0.1:{peer.port}", "--unit", "1-3", "--timeout", "0.3")
    assert (code, errors) == (FOUND, "")
    assert [unit["unit"] for unit in found["units"]] == [1, 3]
    first = found["units"][0]
    assert first["base_address"] == 40000
    assert [model["id"] for model in first["models"]] == [1, 103, 120, 121, 122, 123, 124, 160]
    device = first["devices"][0]
    assert (device["maker"], device["serial"]) == ("Fronius", "34119102")
    assert device["inverter"]["power_w"] == -3210.0
    assert device["battery"]["capacity_wh"] == 10000.0
    assert found["units"][1]["base_address"] == 0


async def test_a_device_without_sunspec_is_shown_with_the_cure() -> None:
    async with SunSpecPeer.running({1: {"kind": "hybrid", "base": 30000}}) as peer:
        code, found, _ = await run("scan", f"127.0.0.1:{peer.port}")
    assert code == NOTHING_FOUND
    assert found["units"][0]["state"] == "no_sunspec"
    assert "base_address" in found["units"][0]["cure"]


async def test_nothing_behind_the_port_is_no_error_of_the_port() -> None:
    async with SunSpecPeer.running({1: {"kind": "meter"}}) as peer:
        code, found, _ = await run("scan", f"127.0.0.1:{peer.port}", "--unit", "9", "--timeout", "0.2")
    assert (code, found["units"]) == (NOTHING_FOUND, [])


async def test_a_port_that_does_not_open_is_told_with_the_cure() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        code, found, errors = await run("scan", f"127.0.0.1:{reserved.getsockname()[1]}")
    assert (code, errors) == (NO_PORT, "")
    assert found["state"] == "no_port"
    assert "connection refused" in found["problem"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan",),
        ("scan", "a:b:c"),
        ("scan", "host:99999"),
        ("scan", "host", "--unit", "9-1"),
        ("scan", "h", "--unit", "x"),
    ],
)
async def test_a_wrong_command_line_is_explained_without_a_traceback(arguments: tuple[str, ...]) -> None:
    code, found, errors = await run(*arguments)
    assert (code, found) == (2, None)
    assert "usage:" in errors
    assert "Traceback" not in errors


def test_the_package_hands_its_driver_over() -> None:
    assert plugin_types("efpi_driver_sunspec") == {"sunspec": SunSpecDriver}
