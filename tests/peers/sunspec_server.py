"""A real pymodbus server in a process of its own, holding SunSpec devices that can be told to misbehave.

Run as a program. Its first line of input is the scenario in JSON; it answers with one line `{"port": …}` and from then
on obeys one command a line, each answered by one line:

    {"units": {"1": {"kind": "hybrid", "sun_w": 4000}, "2": {"kind": "meter"}}}          over TCP, a free port
    {"serial": "/dev/pts/7", "units": …}                                                over a serial line
    {"do": "behave", "unit": 1, "how": "silent"}      or slow, exception, garbage, short, wrong_unit, broken_pdu, well;
                                                      with "once": true for the next answer only
    {"do": "get", "unit": 1, "name": "103.W"}         the scaled value of a point
    {"do": "set", "unit": 1, "name": "103.W", "value": 5}
    {"do": "plant", "unit": 1, "sun_w": 3000}         change the world behind the registers
    {"do": "become", "unit": 1, "settings": {…}}      another device under the same number, as after a firmware update
    {"do": "reboot", "unit": 1, "for_s": 1.0}         all connections are cut, and the unit is silent for a while
    {"do": "refuse", "unit": 1, "from": 40100, "to": 40110}   these addresses cannot be read; "writes": true for writes
    {"do": "count", "unit": 1}                        requests answered so far, and all writes
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.pdu import ExceptionResponse, ModbusPDU
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from sunspec_devices import Image, Plant, build

STEP_S = 0.05
ROOM = 2000
"""Registers behind a base address: more than any image has."""


class Unit:
    """One unit on the server."""

    def __init__(self, number: int, settings: Mapping[str, Any]) -> None:
        self.number = number
        self.behaviour = "well"
        self.once = ""
        self.delay_s = float(settings.get("delay_s", 0.0))
        self.silent_until = 0.0
        self.read_refused: list[range] = []
        self.write_refused: list[range] = []
        self.ignores_writes = False
        self.requests = 0
        self.reboot_at_request = int(settings.get("reboot_at_request", 0))
        self.rebooting = asyncio.Event()
        self.writes: list[tuple[int, list[int]]] = []
        self.image: Image
        self.plant: Plant
        self.image, self.plant = build(settings)
        self.base = self.image.base

    async def action(
        self, function: int, start: int, address: int, count: int, registers: list[int], values: Any
    ) -> ExcCodes | None:
        """Called by pymodbus for each access, before it looks into its own registers."""
        self.requests += 1
        if self.requests == self.reboot_at_request:
            self.rebooting.set()
        delay = self.delay_s + (0.5 if self.behaviour == "slow" else 0.0)
        if delay:
            await asyncio.sleep(delay)
        if self.behaviour == "exception":
            return ExcCodes.DEVICE_FAILURE
        wanted = range(address, address + count)
        if self._outside(wanted, self.read_refused if values is None else self.write_refused):
            return ExcCodes.ILLEGAL_ADDRESS
        low = address - self.image.base
        if values is not None:
            self._write(address, low, [int(value) for value in values])
        registers[address - start : address - start + count] = self.image.registers[low : low + count]
        if values is not None:
            values[:] = self.image.registers[low : low + count]
        return None

    def _outside(self, wanted: range, refused: list[range]) -> bool:
        end = self.image.base + len(self.image.registers)
        return wanted.stop > end or any(address in holes for holes in refused for address in wanted)

    def _write(self, address: int, low: int, values: list[int]) -> None:
        self.writes.append((address, values))
        if self.ignores_writes:
            return
        self.image.registers[low : low + len(values)] = values
        self.plant.written({name for name, place in self.image.places.items() if low <= place[0] < low + len(values)})

    def device(self) -> SimDevice:
        """The unit as pymodbus wants it."""
        room = SimData(self.base, values=[0] * min(ROOM, 65536 - self.base), datatype=DataType.REGISTERS)
        return SimDevice(self.number, simdata=[room], action=self.action)


class Server:
    """The units, the port, and what passes through it."""

    def __init__(self, scenario: Mapping[str, Any]) -> None:
        self.units = {int(number): Unit(int(number), settings) for number, settings in scenario["units"].items()}
        self.serial = scenario.get("serial")
        self.port = int(scenario.get("port", 0))
        self.framer = FramerType(scenario.get("framing", "socket"))
        self.gateway = bool(scenario.get("gateway", False))
        self.server: ModbusTcpServer | ModbusSerialServer

    async def start(self) -> int:
        """Listen; returns the port number."""
        devices = [unit.device() for unit in self.units.values()]
        if 0 not in self.units:
            devices.append(SimDevice(0, simdata=[SimData(0, datatype=DataType.REGISTERS)]))
        hooks: dict[str, Any] = {"trace_packet": self._packet, "trace_pdu": self._pdu}
        if self.serial:
            self.server = ModbusSerialServer(devices, port=self.serial, baudrate=115200, **hooks)
        else:
            address = ("127.0.0.1", self.port)
            self.server = ModbusTcpServer(devices, address=address, framer=self.framer, **hooks)
        await self.server.serve_forever(background=True)
        if self.serial:
            return 0
        listening: Any = self.server.transport
        self.port = int(listening.sockets[0].getsockname()[1])
        return self.port

    def _pdu(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        unit = self.units.get(pdu.dev_id)
        if sending and unit is None and self.gateway:
            absent = ExceptionResponse(3, ExcCodes.GATEWAY_NO_RESPONSE)
            absent.dev_id, absent.transaction_id = pdu.dev_id, pdu.transaction_id
            return absent
        if sending and unit is not None and unit.behaviour == "short" and len(pdu.registers) > 1:
            pdu.registers = pdu.registers[:-1]
        return pdu

    def _packet(self, sending: bool, data: bytes) -> bytes:
        tcp = not self.serial and self.framer is FramerType.SOCKET
        place = 6 if tcp else 0
        if not sending or len(data) <= place:
            return data
        unit = self.units.get(data[place])
        if unit is None:
            return data if self.gateway else b""
        behaviour, unit.once = unit.once or unit.behaviour, ""
        if behaviour == "silent" or asyncio.get_running_loop().time() < unit.silent_until:
            return b""
        if behaviour == "garbage":
            return bytes((at * 37 + 11) % 256 for at in range(60))
        if behaviour == "broken_pdu":
            return data[:4] + b"\x00\x04" + data[6:8] + b"\xff\x01" if tcp else data[:-1]
        if behaviour == "wrong_unit":
            return data[:place] + bytes((unit.number + 1,)) + data[place + 1 :]
        return data

    async def run_plants(self) -> None:
        """Let time pass behind the registers."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(STEP_S)
            now = loop.time()
            for unit in self.units.values():
                unit.plant.step(now - last)
                if unit.rebooting.is_set():
                    unit.rebooting.clear()
                    self._do_reboot(unit, {"for_s": 1.0})
            last = now

    def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        """Do as told by one line."""
        unit = self.units[int(command["unit"])]
        handler = getattr(self, f"_do_{command.pop('do')}")
        answer: dict[str, Any] = handler(unit, command) or {}
        return answer

    def _do_behave(self, unit: Unit, command: dict[str, Any]) -> None:
        if command.get("once"):
            unit.once = command["how"]
        else:
            unit.behaviour = command["how"]

    def _do_get(self, unit: Unit, command: dict[str, Any]) -> dict[str, Any]:
        name = command["name"]
        return {"value": unit.image.get(name), "raw": unit.image.raw(name), "address": unit.image.address(name)}

    def _do_set(self, unit: Unit, command: dict[str, Any]) -> None:
        unit.image.set(command["name"], command["value"])

    def _do_plant(self, unit: Unit, command: dict[str, Any]) -> None:
        for name, value in command.items():
            if name != "unit":
                setattr(unit.plant, name, value)

    def _do_become(self, unit: Unit, command: dict[str, Any]) -> None:
        unit.image, unit.plant = build(command["settings"])

    def _do_reboot(self, unit: Unit, command: dict[str, Any]) -> None:
        unit.silent_until = asyncio.get_running_loop().time() + float(command["for_s"])
        for connection in tuple(self.server.active_connections.values()):
            connection.transport.abort()  # type: ignore[attr-defined]

    def _do_refuse(self, unit: Unit, command: dict[str, Any]) -> None:
        span = range(command["from"], command["to"])
        (unit.write_refused if command.get("writes") else unit.read_refused).append(span)

    def _do_ignore_writes(self, unit: Unit, command: dict[str, Any]) -> None:
        unit.ignores_writes = bool(command["value"])

    def _do_count(self, unit: Unit, command: dict[str, Any]) -> dict[str, Any]:
        return {"requests": unit.requests, "writes": unit.writes}


async def main() -> None:
    """Serve until the input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    server = Server(json.loads(await reader.readline()))
    port = await server.start()
    plants = asyncio.create_task(server.run_plants())
    print(json.dumps({"port": port}), flush=True)  # noqa: T201  # the program's protocol
    while line := await reader.readline():
        try:
            answer = server.obey(json.loads(line))
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)  # noqa: T201  # the program's protocol
    plants.cancel()
    await server.server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus


if __name__ == "__main__":
    asyncio.run(main())
