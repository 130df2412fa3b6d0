"""A device on a bare socket that does what no library would: whatever a test has it send, or leave unsaid.

Left to itself it behaves: it shakes hands, tells its details, acknowledges, describes a battery, follows instructions.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Self

from websockets.asyncio.client import connect
from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed

from tests.peers.raw_peer import RawPeer

CHARGE, REST, ACTUATOR = "charge", "rest", "inverter"
FOLLOWED = ("ACCEPTED", "STARTED", "SUCCEEDED")


def new_id() -> str:
    """A UUID."""
    return str(uuid.uuid4())


def stamp() -> str:
    """Now, as S2 writes it."""
    return datetime.now(UTC).isoformat()


def span(start: float, end: float) -> dict[str, float]:
    """A range."""
    return {"start_of_range": start, "end_of_range": end}


def details(resource_id: str, *control_types: str, **more: Any) -> dict[str, Any]:
    """Who it is."""
    return {
        "message_type": "ResourceManagerDetails", "message_id": new_id(), "resource_id": resource_id,
        "roles": [{"role": "ENERGY_STORAGE", "commodity": "ELECTRICITY"}], "instruction_processing_delay": 0,
        "available_control_types": list(control_types or ("FILL_RATE_BASED_CONTROL",)), "provides_forecast": False,
        "provides_power_measurement_types": ["ELECTRIC.POWER.L1"], **more,
    }  # fmt: skip


def battery(charge: str = CHARGE, rest: str = REST, actuator: str = ACTUATOR) -> dict[str, Any]:
    """A description of modes: charging at 0 to 3 kW, and resting."""
    both = [{"from": charge, "to": rest}, {"from": rest, "to": charge}]
    return {
        "message_type": "FRBC.SystemDescription", "message_id": new_id(), "valid_from": stamp(),
        "actuators": [{
            "id": actuator, "supported_commodities": ["ELECTRICITY"], "timers": [],
            "operation_modes": [
                {
                    "id": mode, "abnormal_condition_only": False,
                    "elements": [{
                        "fill_level_range": span(0, 100), "fill_rate": span(0, watts / 360_000),
                        "power_ranges": [{**span(0, watts), "commodity_quantity": "ELECTRIC.POWER.L1"}],
                    }],
                }
                for mode, watts in ((charge, 3000.0), (rest, 0.0))
            ],
            "transitions": [
                {
                    "id": f"to-{each['to']}", "start_timers": [], "blocking_timers": [],
                    "abnormal_condition_only": False, **each,
                }
                for each in both
            ],
        }],
        "storage": {
            "provides_leakage_behaviour": False, "provides_fill_level_target_profile": False,
            "provides_usage_forecast": False, "fill_level_range": span(0, 100), "fill_level_label": "%",
        },
    }  # fmt: skip


def level(percent: float) -> dict[str, Any]:
    """How full it is."""
    return {"message_type": "FRBC.StorageStatus", "message_id": new_id(), "present_fill_level": percent}


def mode(name: str, factor: float = 1.0, actuator: str = ACTUATOR) -> dict[str, Any]:
    """How it runs."""
    return {
        "message_type": "FRBC.ActuatorStatus", "message_id": new_id(), "actuator_id": actuator,
        "active_operation_mode_id": name, "operation_mode_factor": factor,
    }  # fmt: skip


def measurement(watts: float) -> dict[str, Any]:
    """What it draws."""
    return {
        "message_type": "PowerMeasurement", "message_id": new_id(), "measurement_timestamp": stamp(),
        "values": [{"commodity_quantity": "ELECTRIC.POWER.L1", "value": watts}],
    }  # fmt: skip


class RawRm(RawPeer):
    """One socket of a device."""

    def __init__(self, socket: Connection, resource_id: str = "battery1", **more: Any) -> None:
        super().__init__(socket)
        self.resource_id = resource_id
        self.details = details(resource_id, *more.pop("control_types", ()), **more)
        self.greets = self.describes = True
        self.follows: tuple[str, ...] = FOLLOWED
        """What it says of each instruction."""
        self.yields = True
        """Whether it says so when it has forgotten an instruction."""
        self.closed: tuple[int, str] | None = None
        """With which code and reason the other side closed."""

    @classmethod
    @asynccontextmanager
    async def calling(
        cls, url: str, resource_id: str = "battery1", token: str | None = None, *, behaves: bool = True, **more: Any
    ) -> AsyncIterator[Self]:
        """It has called on the energy manager; as long as the context lasts. One that does not behave says nothing."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with connect(url, additional_headers=headers, proxy=None, max_size=2**24) as socket:
            device = cls(socket, resource_id, **more)
            device.greets = device.describes = behaves
            async with device.living():
                yield device

    @asynccontextmanager
    async def living(self) -> AsyncIterator[Self]:
        """It reads and answers while the context lasts."""
        if self.greets:
            await self.say("Handshake", role="RM", supported_protocol_versions=["0.0.2-beta"])
        life = asyncio.create_task(self._live())
        try:
            yield self
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)

    async def _live(self) -> None:
        try:
            while True:
                message = json.loads(await self.socket.recv())
                self.heard.append(message)
                with suppress(ConnectionClosed):
                    await self._answer(message)
                self._news.set()
        except ConnectionClosed as closed:
            self.closed = (1006, "") if closed.rcvd is None else (closed.rcvd.code, closed.rcvd.reason)
            self._news.set()

    async def _answer(self, message: dict[str, Any]) -> None:
        kind = message["message_type"]
        if kind == "ReceptionStatus":
            return
        if self.acknowledges:
            await self.acknowledge(message["message_id"])
        if kind == "HandshakeResponse" and self.greets:
            await self.send(self.details)
        elif kind == "SelectControlType" and self.describes and message["control_type"].startswith("FILL"):
            for each in (battery(), level(50), mode(REST), measurement(0)):
                await self.send(each)
        elif kind.endswith("Instruction"):
            await self.follow(message)
        elif kind == "RevokeObject" and self.yields:
            await self.say_status(message["object_id"], "REVOKED")

    async def follow(self, instruction: dict[str, Any]) -> None:
        """Say of an instruction what `follows` has, and do it."""
        for status in self.follows:
            await self.say_status(instruction["id"], status)
            if status == "STARTED":
                await self.send(mode(instruction["operation_mode"], instruction["operation_mode_factor"]))

    async def say_status(self, instruction_id: str, status: str) -> None:
        """How far an instruction has come."""
        await self.say("InstructionStatusUpdate", instruction_id=instruction_id, status_type=status, timestamp=stamp())

    async def asks(self, message: dict[str, Any]) -> str:
        """Send a message; the answer is the status with which it was received."""
        await self.send(message)
        answer = await self.until(lambda: self.answer_to(message["message_id"]), f"an answer to {message}")
        return str(answer["status"])

    async def selected(self) -> str:
        """The control type that was chosen last, once one was."""
        return str((await self.hears("SelectControlType"))["control_type"])

    async def gone(self) -> tuple[int, str]:
        """Wait until the other side has closed; with which code and reason."""
        return await self.until(lambda: self.closed, "the other side closes")
