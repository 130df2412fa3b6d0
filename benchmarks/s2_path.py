"""How long an instruction takes to an S2 device and its status back, beside a raw WebSocket echo in the same run.

    python benchmarks/s2_path.py [--rounds 2000]

A round: an allocation comes to the driver → an instruction over a WebSocket on this machine → the device acknowledges
it, tells one status and is acknowledged → the driver tells the allocation's end. Driver, device and echo run in this
process, on the same library as it comes; the echo sends and gets back one such instruction.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from efpi_driver_s2.driver import S2Driver
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from efi.allocation import AllocationStatus, AllocationStatusUpdate
from efi.session import Session
from efi.storage import ActuatorAllocation, StorageAllocation, StorageStateUpdate, StorageSystemDescription
from efpi_core.clock import RealClock
from efpi_core.host.frames import AddAppliance, ClockMode, Deliver, FromInstance, Say, Start, Stop
from efpi_core.host.runtime import InstanceRuntime
from efpi_core.plugin.site_facts import SiteFacts

TARGET_RATIO = 3.0
TARGET_P99_MS = 3.0
NAME = "s2-battery1"
INSTRUCTION = (
    '{"message_type":"FRBC.Instruction","message_id":"5d3f2c1a-8b7e-5f60-9a41-%012d",'
    '"id":"0c9be8d7-64a5-5b32-8f10-%012d","actuator_id":"inverter","operation_mode":"charge",'
    '"operation_mode_factor":0.%02d,"execution_time":"2026-03-29T12:00:00.%06dZ","abnormal_condition":false}'
)
"""A fill-rate instruction as the driver writes it, for the echo."""


class Device:
    """A battery that acknowledges, and tells of each instruction that it succeeded.

    Its texts are prepared, so that it costs hardly more than the echo beside which it is measured.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._said = itertools.count()

    async def say(self, message_type: str, **fields: Any) -> None:
        """Send a message."""
        await self._socket.send(
            json.dumps({"message_type": message_type, "message_id": f"m{next(self._said)}", **fields})
        )

    async def live(self) -> None:
        """Answer what comes."""
        await self.say("Handshake", role="RM", supported_protocol_versions=["0.0.2-beta"])
        while True:
            frame = await self._socket.recv()
            if '"ReceptionStatus"' in frame:
                continue
            message = json.loads(frame)
            await self._socket.send(ACKNOWLEDGEMENT % message["message_id"])
            match message["message_type"]:
                case "FRBC.Instruction":
                    await self._socket.send(SUCCEEDED % (next(self._said), message["id"]))
                case "HandshakeResponse":
                    await self.say("ResourceManagerDetails", **DETAILS)
                case "SelectControlType":
                    await self.describe()

    async def describe(self) -> None:
        """Tell what it can do, and how it runs."""
        await self.say("FRBC.SystemDescription", valid_from=datetime.now(UTC).isoformat(), **DESCRIPTION)
        await self.say("FRBC.StorageStatus", present_fill_level=50.0)
        await self.say(
            "FRBC.ActuatorStatus", actuator_id="inverter", active_operation_mode_id="charge", operation_mode_factor=0.5
        )


ACKNOWLEDGEMENT = '{"message_type": "ReceptionStatus", "subject_message_id": "%s", "status": "OK"}'

SUCCEEDED = (
    '{"message_type": "InstructionStatusUpdate", "message_id": "m%d", "instruction_id": "%s", '
    f'"status_type": "SUCCEEDED", "timestamp": "{datetime.now(UTC).isoformat()}"}}'
)


def _span(start: float, end: float) -> dict[str, float]:
    return {"start_of_range": start, "end_of_range": end}


DETAILS = {
    "resource_id": "battery1", "roles": [{"role": "ENERGY_STORAGE", "commodity": "ELECTRICITY"}],
    "instruction_processing_delay": 0, "available_control_types": ["FILL_RATE_BASED_CONTROL"],
    "provides_forecast": False, "provides_power_measurement_types": ["ELECTRIC.POWER.L1"],
}  # fmt: skip

DESCRIPTION = {
    "actuators": [{
        "id": "inverter", "supported_commodities": ["ELECTRICITY"], "transitions": [], "timers": [],
        "operation_modes": [{
            "id": "charge", "abnormal_condition_only": False,
            "elements": [{
                "fill_level_range": _span(0, 100), "fill_rate": _span(-0.01, 0.01),
                "power_ranges": [{**_span(-3000, 3000), "commodity_quantity": "ELECTRIC.POWER.L1"}],
            }],
        }],
    }],
    "storage": {
        "provides_leakage_behaviour": False, "provides_fill_level_target_profile": False,
        "provides_usage_forecast": False, "fill_level_range": _span(0, 100),
    },
}  # fmt: skip


class Gateway:
    """The gateway's end of the driver."""

    def __init__(self) -> None:
        self.clock = RealClock()
        self.session = Session(NAME, new_id=lambda: "gw")
        self.ready = asyncio.Event()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        start = Start(
            protocol=(1, 0), instance="s2", offer="s2", config={"listen": {"port": 0, "without_token": True}},
            secrets={}, storage={}, clock=ClockMode.REAL, now=self.clock.now(), life="bench", seed=1, site=SiteFacts(),
        )  # fmt: skip
        self.runtime = InstanceRuntime(S2Driver, start, self.clock, self._frame)  # type: ignore[arg-type]  # any config

    def _frame(self, frame: FromInstance) -> None:
        now = self.clock.now()
        if isinstance(frame, AddAppliance):
            self.session.from_appliance(frame.registration, now)
        elif isinstance(frame, Say):
            message: Any = frame.message
            if isinstance(message, AllocationStatusUpdate):
                if message.status is AllocationStatus.FINISHED:
                    self.ended.set_result(None)
                return
            self.session.from_appliance(message, now)
            if isinstance(message, StorageStateUpdate):
                self.ready.set()

    async def round(self, number: int, ground: str) -> float:
        """Ask for one step; how long it took until its end was told, in s."""
        step = ActuatorAllocation(
            actuator_id="inverter", mode_id="charge", factor=number % 100 / 100, start_time=self.clock.now()
        )
        allocation = StorageAllocation(
            message_id=f"a{number}", appliance_id=NAME, timestamp=self.clock.now(), control_space_update_id=ground,
            actuators=(step,),
        )  # fmt: skip
        self.ended = asyncio.get_running_loop().create_future()
        begun = time.perf_counter()
        self.runtime.receive(Deliver(NAME, allocation))
        await self.ended
        return time.perf_counter() - begun


@asynccontextmanager
async def steered() -> AsyncIterator[Gateway]:
    """A driver with one device."""
    gateway = Gateway()
    running = asyncio.create_task(gateway.runtime.run())
    while not (getattr(gateway.runtime, "plugin", None) and gateway.runtime.plugin.listens):  # noqa: ASYNC110  # nobody tells
        await asyncio.sleep(0.01)
    url = f"ws://127.0.0.1:{gateway.runtime.plugin.port}/s2"
    async with connect(url, proxy=None) as socket:
        life = asyncio.create_task(Device(socket).live())
        await gateway.ready.wait()
        yield gateway
        gateway.runtime.receive(Stop(3.0, "done"))
        await asyncio.wait([running], timeout=5)
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)


@asynccontextmanager
async def echoed() -> AsyncIterator[ClientConnection]:
    """A bare echo."""

    async def echo(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(message)

    async with serve(echo, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        async with connect(url, proxy=None) as socket:
            yield socket


async def measure(rounds: int) -> tuple[list[float], list[float]]:
    """Times of the driver's rounds and of the echo's, taken in turn, in s."""
    ours, theirs = [], []
    async with steered() as gateway, echoed() as socket:
        description = next(m for m in gateway.session.space.messages() if isinstance(m, StorageSystemDescription))
        for number in range(rounds):
            ours.append(await gateway.round(number, description.message_id))
            text = INSTRUCTION % (number, number, number % 100, number)
            begun = time.perf_counter()
            await socket.send(text)
            await socket.recv()
            theirs.append(time.perf_counter() - begun)
    return ours[rounds // 10 :], theirs[rounds // 10 :]  # the first ones warm up


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2000)
    ours, theirs = asyncio.run(measure(parser.parse_args().rounds))
    median, echo = statistics.median(ours), statistics.median(theirs)
    p99, echo_p99 = (sorted(times)[int(len(times) * 0.99)] for times in (ours, theirs))
    print(f"instruction and status: {median * 1000:.2f} ms in the median, p99 {p99 * 1000:.2f} ms", end="")
    print(f"   (target p99 ≤ {TARGET_P99_MS:g} ms)")
    print(f"raw echo: {echo * 1000:.2f} ms in the median, p99 {echo_p99 * 1000:.2f} ms; ", end="")
    print(f"ratio of the medians {median / echo:.1f}   (target ≤ {TARGET_RATIO:g})")


if __name__ == "__main__":
    main()
