"""Limits and setpoints in a device whose reversion timers really run: proved, renewed, restored, and let go."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from efpi_driver_sunspec.bus import Bus
from efpi_driver_sunspec.chain import Found
from efpi_driver_sunspec.control import Control
from efpi_driver_sunspec.device import ALL, Device, Values
from efpi_driver_sunspec.errors import NotProvenError, UnitRefusedError
from efpi_driver_sunspec.limit import DerLimit, ImmediateLimit, limit_of
from efpi_driver_sunspec.section import Section, identify, interest
from efpi_driver_sunspec.steering import PowerSteering, RateSteering, steering_of
from efpi_driver_sunspec.wire import TcpPort
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP
from sunspec_devices import hybrid
from sunspec_peer import SunSpecPeer

from efpi_core.clock import RealClock

HYBRID = {"kind": "hybrid", "sun_w": 6000}
REVERT_S = 2


@dataclass
class Rig:
    """A device on a server, looked at, with its controls."""

    peer: SunSpecPeer
    bus: Bus
    device: Device
    section: Section

    def limit(self, revert_s: int = REVERT_S) -> ImmediateLimit | DerLimit:
        limit = limit_of(
            self.device, self.section.models, self.section.readings, RealClock(), revert_s,
            self.section.inverter.rated_w if self.section.inverter else None,
        )  # fmt: skip
        assert isinstance(limit, ImmediateLimit | DerLimit)
        return limit

    def steering(self, revert_s: int = REVERT_S) -> RateSteering | PowerSteering | None:
        battery = self.section.battery
        assert battery is not None
        return steering_of(
            self.device, self.section.models, self.section.readings, RealClock(), revert_s, self.section.ratings,
            battery.alone,
        )  # fmt: skip

    async def values(self, found: Found) -> Values:
        return await self.device.read({found: ALL})

    async def becomes(self, name: str, expected: float, tolerance: float = 1.0, within_s: float = 5.0) -> None:
        """Wait until the device itself holds a value."""
        value = await self.peer.value(name)
        try:
            async with asyncio.timeout(within_s):
                while abs(value - expected) > tolerance:
                    await asyncio.sleep(0.05)
                    value = await self.peer.value(name)
        except TimeoutError:
            raise AssertionError(f"{name} is {value}, not {expected}") from None

    async def keep_maintained(self, control: Control, seconds: float) -> int:
        """Maintain as the driver does; returns how often the device had dropped its target."""
        dropped = 0
        clock = asyncio.get_running_loop()
        end = clock.time() + seconds
        while clock.time() < end:
            dropped += await control.maintain(await self.values(control.found))
            await asyncio.sleep(0.1)
        return dropped


@asynccontextmanager
async def rig(settings: Mapping[str, Any]) -> AsyncIterator[Rig]:
    async with SunSpecPeer.running({1: settings}) as peer:
        bus = Bus(TcpPort("127.0.0.1", peer.port), RealClock())
        device = Device(bus, 1)
        chain = await device.scan()
        section = identify(chain.sections()[0], await device.read(interest(chain.models)))
        yield Rig(peer, bus, device, section)
        bus.close()


def counts_on_its_timer(control: Control) -> bool:
    return control.has_timer


def is_to_be_released(control: Control) -> bool:
    return control.release_due


def as_pysunspec2_reads(port: int, model: int) -> dict[str, Any]:
    """What an independent client finds in the device."""
    client = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=port, timeout=5)
    try:
        client.scan()
        points: dict[str, Any] = client.models[model][0].get_dict(computed=True)
        return points
    finally:
        client.close()


async def test_a_limit_is_in_force_when_it_is_proved() -> None:
    async with rig(HYBRID) as it:
        limit = it.limit()
        await limit.follow(2000.0)
        await it.becomes("103.W", 2000.0)
        read = await asyncio.to_thread(as_pysunspec2_reads, it.peer.port, 123)
        assert (read["WMaxLimPct"], read["WMaxLim_Ena"], read["WMaxLimPct_RvrtTms"]) == (25.0, 1, REVERT_S)


async def test_the_limit_is_enabled_last() -> None:
    async with rig(HYBRID) as it:
        await it.limit().follow(4000.0)
        writes = (await it.peer.tell("count"))["writes"]
        enable = (await it.peer.tell("get", name="123.WMaxLim_Ena"))["address"]
        assert [enable in range(address, address + len(values)) for address, values in writes[:-1]] == [False] * (
            len(writes) - 1
        )
        assert writes[-1] == [enable, [1]]


async def test_without_renewal_the_device_returns_to_its_own_ways() -> None:
    async with rig(HYBRID) as it:
        await it.limit().follow(2000.0)
        await it.becomes("103.W", 2000.0)
        await it.becomes("103.W", 6000.0, within_s=REVERT_S + 2)


@pytest.mark.slow
async def test_while_it_is_maintained_the_limit_outlives_the_reversion_time() -> None:
    async with rig(HYBRID) as it:
        limit = it.limit()
        await limit.follow(2000.0)
        assert await it.keep_maintained(limit, 1.8 * REVERT_S) == 0
        assert await it.peer.value("103.W") == 2000.0


async def test_a_dropped_limit_is_noticed_and_set_anew() -> None:
    async with rig(HYBRID) as it:
        limit = it.limit(revert_s=600)
        await limit.follow(2000.0)
        await it.peer.tell("set", name="123.WMaxLim_Ena", value=0)
        assert await it.keep_maintained(limit, 0.5) == 1
        await it.becomes("103.W", 2000.0)


async def test_a_released_limit_is_gone_from_the_device() -> None:
    async with rig(HYBRID) as it:
        limit = it.limit()
        await limit.follow(0.0)
        await it.becomes("103.W", 0.0)
        await limit.release()
        await it.becomes("103.W", 6000.0)
        assert await it.peer.value("123.WMaxLimPct") == 100.0
        assert await it.peer.value("123.WMaxLim_Ena") == 0.0


async def test_a_device_that_acknowledges_and_ignores_is_found_out() -> None:
    async with rig(HYBRID) as it:
        await it.peer.tell("ignore_writes", value=True)
        with pytest.raises(NotProvenError, match=r"acknowledged WMaxLimPct = 25 of model 123 but holds 100") as caught:
            await it.limit().follow(2000.0)
        assert "allow control by Modbus" in caught.value.cure


async def test_a_device_that_refuses_to_be_written_is_named_with_the_cure() -> None:
    async with rig(HYBRID) as it:
        controls = it.section.models[123]
        await it.peer.tell("refuse", writes=True, **{"from": controls.address, "to": controls.end})
        with pytest.raises(UnitRefusedError, match=r"refused to write .* illegal data address \(2\)") as caught:
            await it.limit().follow(2000.0)
        assert "allow control by Modbus" in caught.value.cure


async def test_an_inverter_without_a_reversion_timer_is_limited_all_the_same_and_known_for_it() -> None:
    controls = next(one for one in hybrid({}) if one.id == 123)
    values = {**controls.values, "WMaxLimPct_RvrtTms": None}
    async with rig({**HYBRID, "models": {"5": {"values": values}}}) as it:
        limit = it.limit()
        assert not counts_on_its_timer(limit)
        await limit.follow(2000.0)
        await it.becomes("103.W", 2000.0)


async def test_a_release_that_fails_stays_due_until_it_succeeds() -> None:
    async with rig(HYBRID) as it:
        limit = it.limit(revert_s=600)
        await limit.follow(2000.0)
        await it.peer.behave("exception")
        with pytest.raises(UnitRefusedError):
            await limit.release()
        assert is_to_be_released(limit)
        await it.peer.behave("well")
        await limit.maintain(await it.values(limit.found))
        assert not is_to_be_released(limit)
        await it.becomes("103.W", 6000.0)


@pytest.mark.parametrize(("power_w", "battery_w"), [(2500.0, 2500.0), (-4000.0, -4000.0), (0.0, 0.0)])
async def test_a_battery_follows_a_power_by_its_rates(power_w: float, battery_w: float) -> None:
    async with rig({**HYBRID, "auto_w": 1000.0}) as it:
        steering = it.steering()
        assert isinstance(steering, RateSteering)
        await steering.follow(power_w)
        await it.becomes("103.W", 6000.0 - battery_w, 30.0)
        read = await asyncio.to_thread(as_pysunspec2_reads, it.peer.port, 124)
        assert (read["InWRte"], read["OutWRte"]) == (power_w / 50, -power_w / 50)
        assert read["StorCtl_Mod"] == 3


async def test_a_battery_left_alone_does_as_it_was_set_up_to_do() -> None:
    async with rig({**HYBRID, "auto_w": 1000.0}) as it:
        steering = it.steering()
        assert steering is not None
        await steering.follow(-3000.0)
        await it.becomes("103.W", 9000.0, 30.0)
        await it.becomes("103.W", 5000.0, 30.0, within_s=REVERT_S + 2)
        await steering.follow(-3000.0)
        await steering.release()
        await it.becomes("103.W", 5000.0, 30.0)
        assert await it.peer.value("124.StorCtl_Mod") == 0.0


async def test_a_battery_that_takes_no_negative_rates_is_held_below_the_power() -> None:
    async with rig({**HYBRID, "auto_w": 4000.0, "positive_rates": True}) as it:
        steering = it.steering()
        assert isinstance(steering, RateSteering)
        await steering.follow(2000.0)
        assert not steering.forces
        await it.becomes("103.W", 4000.0, 30.0)
        assert await it.peer.value("124.OutWRte") == 0.0


async def test_a_storage_after_ieee_1547_follows_a_power_and_reverts() -> None:
    async with rig({"kind": "ieee1547", "auto_w": 500.0}) as it:
        steering = it.steering()
        assert isinstance(steering, PowerSteering)
        await steering.follow(-2000.0)
        await it.becomes("701.W", 2000.0)
        read = await asyncio.to_thread(as_pysunspec2_reads, it.peer.port, 704)
        assert (read["WSetEna"], read["WSet"], read["WSetMod"], read["WSetEnaRvrt"]) == (1, 2000, 1, 0)
        assert 0 < read["WSetRvrtRem"] <= REVERT_S
        await it.becomes("701.W", -500.0, within_s=REVERT_S + 2)


@pytest.mark.slow
async def test_an_inverter_after_ieee_1547_is_limited_and_reverts() -> None:
    async with rig({"kind": "ieee1547", "pv": True, "sun_w": 4500.0}) as it:
        limit = it.limit()
        assert isinstance(limit, DerLimit)
        await limit.follow(1500.0)
        await it.becomes("701.W", 1500.0)
        assert await it.keep_maintained(limit, 1.5 * REVERT_S) == 0
        assert await it.peer.value("701.W") == 1500.0
        await it.becomes("701.W", 4500.0, within_s=REVERT_S + 2)


async def test_a_timer_that_does_not_run_is_not_counted_on() -> None:
    async with rig({"kind": "ieee1547", "pv": True, "sun_w": 4500.0, "broken_timer": True}) as it:
        limit = it.limit()
        assert counts_on_its_timer(limit)
        await limit.follow(1500.0)
        assert not counts_on_its_timer(limit)
        await it.becomes("701.W", 1500.0)


async def test_a_power_for_the_whole_inverter_does_not_steer_a_battery_beside_panels() -> None:
    async with rig({"kind": "ieee1547"}) as it:
        alone = it.steering()
        assert alone is not None
        beside = steering_of(
            it.device, it.section.models, it.section.readings, RealClock(), REVERT_S, it.section.ratings, alone=False
        )
        assert beside is None
