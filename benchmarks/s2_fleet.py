"""Two hundred S2 devices on one gateway, each saying one message a second: what it costs, and whether all arrives.

    python benchmarks/s2_fleet.py [--devices 200] [--seconds 20]

The gateway is the real program, with its plugin in a process of its own; the devices are sockets in this process. Each
message is a new fill level. Counted are the acknowledgements, and in the end each device's level as it is shown.
Printed is the CPU time of all processes of the gateway, as a share of one core, beside its target.
"""

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from s2_path import DESCRIPTION, DETAILS
from websockets.asyncio.client import ClientConnection, connect

TARGET_SHARE = 0.20
PATIENCE_S = 60.0
SITE = """\
efpi: 1
appliances:
  s2: {{driver: s2, config: {{listen: {{port: {port}, without_token: true}}, most_devices: {devices}}}}}
"""


class Device:
    """A battery that says its fill level again and again, and counts the answers."""

    def __init__(self, number: int, socket: ClientConnection) -> None:
        self.number = number
        self._socket = socket
        self.sent = 0
        self.level = 0.0
        self.taken: set[str] = set()
        self.ready = asyncio.Event()

    async def say(self, message_type: str, **fields: Any) -> None:
        """Send a message."""
        self.sent += 1
        name = f"{self.number}-{self.sent}"
        await self._socket.send(json.dumps({"message_type": message_type, "message_id": name, **fields}))

    async def live(self) -> None:
        """Answer what comes."""
        await self.say("Handshake", role="RM", supported_protocol_versions=["0.0.2-beta"])
        while True:
            message = json.loads(await self._socket.recv())
            kind = message["message_type"]
            if kind == "ReceptionStatus":
                if message["status"] == "OK":
                    self.taken.add(message["subject_message_id"])
                continue
            ok = {"message_type": "ReceptionStatus", "subject_message_id": message["message_id"], "status": "OK"}
            await self._socket.send(json.dumps(ok))
            if kind == "HandshakeResponse":
                await self.say("ResourceManagerDetails", **{**DETAILS, "resource_id": f"device{self.number}"})
            elif kind == "SelectControlType":
                await self.say("FRBC.SystemDescription", valid_from=datetime.now(UTC).isoformat(), **DESCRIPTION)
                await self.say("FRBC.StorageStatus", present_fill_level=0.0)
                await self.say(
                    "FRBC.ActuatorStatus", actuator_id="inverter", active_operation_mode_id="charge",
                    operation_mode_factor=0.5,
                )  # fmt: skip
                self.ready.set()

    async def tell(self, seconds: int) -> None:
        """Say a new level each second."""
        begin = asyncio.get_running_loop().time() + self.number / 200
        for second in range(seconds):
            await asyncio.sleep(max(begin + second - asyncio.get_running_loop().time(), 0))
            self.level = round((self.number + second) % 100 + second / 1000, 3)
            await self.say("FRBC.StorageStatus", present_fill_level=self.level)


def cpu_s(gateway: psutil.Process) -> float:
    """CPU time of a process and all that it started."""
    total = 0.0
    for process in (gateway, *gateway.children(recursive=True)):
        times = process.cpu_times()
        total += times.user + times.system
    return total


async def fleet(s2_port: int, http_port: int, gateway: psutil.Process, devices: int, seconds: int) -> None:
    """Connect the devices, let them speak, and print what it cost and what arrived."""
    async with AsyncExitStack() as sockets, asyncio.TaskGroup() as lives:
        url = f"ws://127.0.0.1:{s2_port}/s2"
        await _listening(url)
        found = [
            Device(number, await sockets.enter_async_context(connect(url, proxy=None))) for number in range(devices)
        ]
        running = [lives.create_task(device.live()) for device in found]
        for device in found:
            await asyncio.wait_for(device.ready.wait(), PATIENCE_S)
        await asyncio.sleep(3)
        before, begun = cpu_s(gateway), asyncio.get_running_loop().time()
        await asyncio.gather(*(device.tell(seconds) for device in found))
        memory_mb = max(child.memory_full_info().pss for child in gateway.children(recursive=True)) / 2**20
        share = (cpu_s(gateway) - before) / (asyncio.get_running_loop().time() - begun)
        await asyncio.sleep(2)
        shown = await asyncio.to_thread(_levels, http_port)
        lost = sum(device.sent - len(device.taken) for device in found)
        wrong = sum(shown.get(f"s2-device{device.number}.fill_level") != device.level for device in found)
        for life in running:
            life.cancel()
    print(f"{devices} devices at 1 message/s: {share:.1%} of a core   (target ≤ {TARGET_SHARE:.0%})")
    print(f"the plugin's process takes {memory_mb:.0f} MB")
    print(f"messages not acknowledged: {lost}; devices whose last level is not shown: {wrong}   (target 0)")


async def _listening(url: str) -> None:
    """Wait until the driver listens."""
    for _ in range(600):
        try:
            async with connect(url, proxy=None):
                return
        except OSError:
            await asyncio.sleep(0.1)
    raise SystemExit("the driver does not listen")


def _levels(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/observations", timeout=20) as answer:
        return {each["name"]: each["value"] for each in json.load(answer)}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def main() -> None:
    """Start the gateway, and let the devices come."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=20)
    options = parser.parse_args()
    s2_port, http_port = _free_port(), _free_port()
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder) / "site.yaml"
        site.write_text(SITE.format(port=s2_port, devices=options.devices), encoding="utf-8")
        command = [str(Path(sys.executable).with_name("efpi")), "run", "--site", str(site), "--home", f"{folder}/home"]
        with subprocess.Popen(
            [*command, "--port", str(http_port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as gateway:
            try:
                asyncio.run(fleet(s2_port, http_port, psutil.Process(gateway.pid), options.devices, options.seconds))
            finally:
                gateway.terminate()
                gateway.wait(20)


if __name__ == "__main__":
    main()
