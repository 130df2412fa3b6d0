"""SunSpec: whatever registers a device holds, found, read, told and steered by the real driver."""

import asyncio
from collections.abc import Sequence
from functools import cache

from efpi_driver_sunspec.appliances import PvAppliance
from efpi_driver_sunspec.battery_appliance import BatteryAppliance
from efpi_driver_sunspec.bus import MOST_READ
from efpi_driver_sunspec.config import UnitConfig
from efpi_driver_sunspec.driver import SunSpecDriver
from efpi_driver_sunspec.errors import SunSpecError, UnitRefusedError
from efpi_driver_sunspec.health import Health
from efpi_driver_sunspec.unit import Unit

from efi.commodity import CommodityQuantity
from efpi_core.errors import RefusedError
from tests.fuzz.stage import Stage
from tests.fuzz.target import Target

BASE = 40000
MOST_REQUESTS = 3000
"""To find, read and steer one device of at most 2,000 registers, whatever it says."""


class Registers:
    """A bus with one device, whose registers are the input; it counts the requests."""

    def __init__(self, registers: list[int]) -> None:
        self.registers = registers
        self.requests = 0

    def now(self) -> float:
        return float(self.requests)

    def misses(self, unit: int) -> int:
        return 0

    def rest_s(self, unit: int) -> float:
        return 0.0

    async def read(self, unit: int, address: int, count: int) -> tuple[int, ...]:
        self.requests += 1
        assert self.requests < MOST_REQUESTS, "the walk has no end"
        assert 0 < count <= MOST_READ and address >= 0 and address + count <= 65536
        at = address - BASE
        if at < 0 or at + count > len(self.registers):
            raise UnitRefusedError(unit, 2, "read")
        return tuple(self.registers[at : at + count])

    read_back = read

    async def write(self, unit: int, address: int, values: Sequence[int]) -> None:
        self.requests += 1
        assert values and all(0 <= value <= 0xFFFF for value in values)
        at = address - BASE
        assert 0 <= at <= len(self.registers) - len(values), "a write beside the device's models"
        if self.requests % 3:  # one write in three is acknowledged, and not taken
            self.registers[at : at + len(values)] = values


@cache
def runner() -> asyncio.Runner:
    """The loop of all inputs."""
    return asyncio.Runner()


def feed(data: bytes) -> None:
    """The first two bytes say how the registers differ from poll to poll; the rest are the registers."""
    flags, place = (data[0], data[1]) if len(data) > 1 else (0, 0)
    body = data[2:] + b"\0" * (len(data) % 2)
    registers = [int.from_bytes(body[at : at + 2], "big") for at in range(0, len(body), 2)]
    runner().run(_live(Registers(registers), flags, place))


async def _live(bus: Registers, flags: int, place: int) -> None:
    stage = Stage(SunSpecDriver, host="127.0.0.1", control=not flags & 1)
    config = UnitConfig(unit=1, meter_roles=("grid", "consumer", "producer"))
    unit = Unit(stage.context, bus, stage.driver.config, config, Health(stage.context))  # type: ignore[arg-type]  # a bus of registers
    for turn in range(3):
        try:
            await stage.finish(unit.look())
            await stage.finish(unit._poll())
            for part in unit._parts.values():
                if isinstance(part, PvAppliance):
                    await stage.finish(part.curtail(CommodityQuantity.ELECTRIC_POWER, -700.0, None))
                elif isinstance(part, BatteryAppliance):
                    await stage.finish(part.run("battery", "charge" if flags & 2 else "discharge", 0.4))
            await stage.finish(unit._poll())
        except (SunSpecError, RefusedError) as error:
            assert error.problem and error.problem.isprintable()
        for step in range(turn + 1):  # the next time it says something else
            if bus.registers:
                bus.registers[(place * 7 + step * 31) % len(bus.registers)] ^= (0x8000, 0xFFFF, 1, 0x7F80)[step % 4]


TARGET = Target(
    "sunspec",
    feed,
    words=(
        b"SunS", b"\xff\xff\0\0", b"\x80\x00", b"\xff\xff", b"\x7f\xff", b"\x7f\x7f\xff\xff", b"\x7f\x80\0\0",
        b"\0\x0a",
        b"\x7f\xc0\0\0", b"\xff\x80\0\0", b"\0\x01\0\x42", b"\0\x67\0\x32", b"\0\x70\0\x3c", b"\0\xa0\xff\xff",
        b"\0\x7c\0\x18", b"\x03\x22\0\x3e", b"\0\xcb\0\x69", b"\0\x7b\0\x18", b"\0\x78\0\x1a", b"\xff\xf6", b"\0" * 8,
        b"\xff" * 8, b"\x02\xbd\0\x99", b"\x02\xc0\0\x41", b"\x02\xc9\0\x07", b"\x02\xca\0\x2b", b"\xe2\x80\xae\x1b[2J",
    ),
    longest=4096,
)  # fmt: skip
