"""The driver as the gateway sees it, before real devices on a real server: appliances, states, allocations, faults."""

import asyncio
import json
import socket
import sys
from typing import Any

import pytest
from sunspec_devices import hybrid
from sunspec_gateway_end import SunSpecEnd
from sunspec_peer import SunSpecPeer

from efi.allocation import AllocationStatus
from efi.commodity import CommodityQuantity
from efi.inflexible import InflexibleCurtailmentOptions
from efi.registration import EnergyRole
from efi.storage import StorageSystemDescription
from efpi_core.plugin.condition import ConditionState

HYBRID = {"kind": "hybrid", "sun_w": 4000, "load_w": 1000, "auto_w": 500, "meter": True}
LOCAL = "127.0.0.1"
PV, BATTERY, METER = "sun-1-pv", "sun-1-battery", "sun-1-meter"

pytestmark = pytest.mark.slow


def settings(peer: SunSpecPeer, **more: Any) -> dict[str, Any]:
    return {"host": LOCAL, "port": peer.port, "timeout_s": 0.4, "revert_after_s": 4, **more}


async def test_a_hybrid_inverter_is_panels_a_battery_and_a_meter() -> None:
    async with SunSpecPeer.running({1: HYBRID}) as peer, SunSpecEnd.running(**settings(peer)) as end:
        await end.power(PV, -4000)
        await end.power(BATTERY, 500)
        await end.power(METER, -2500)
        roles = {name: end.role(name) for name in end.sessions}
        assert roles == {PV: EnergyRole.PRODUCER, BATTERY: EnergyRole.STORAGE, METER: EnergyRole.GRID}
        await end.condition(ConditionState.OK, "")
        assert end.flags == {PV: (True, True), BATTERY: (True, True), METER: (False, True)}


@pytest.mark.parametrize("inverter", [101, 102, 103, 111, 112, 113])
async def test_every_inverter_model_is_read(inverter: int) -> None:
    device = {"kind": "hybrid", "inverter": inverter, "sun_w": 2345, "storage": False}
    async with SunSpecPeer.running({1: device}) as peer, SunSpecEnd.running(**settings(peer)) as end:
        await end.power(PV, -2345)
        assert list(end.sessions) == [PV]


@pytest.mark.parametrize("meter", [201, 202, 203, 204, 211, 212, 213, 214])
async def test_every_meter_model_is_read(meter: int) -> None:
    device = {"kind": "meter", "meter": meter, "load_w": 777}
    async with SunSpecPeer.running({1: device}) as peer, SunSpecEnd.running(**settings(peer)) as end:
        await end.power(METER, 777)


async def test_a_meters_phases_are_told_when_they_add_up() -> None:
    device = {"kind": "meter", "load_w": 250}
    async with SunSpecPeer.running({1: device}) as peer, SunSpecEnd.running(**settings(peer)) as end:
        await end.power(METER, 250)
        told = {value.quantity: value.value for value in end.measurements[METER][-1].values}
        assert told == {
            CommodityQuantity.ELECTRIC_POWER_L1: 300.0,
            CommodityQuantity.ELECTRIC_POWER_L2: -100.0,
            CommodityQuantity.ELECTRIC_POWER_L3: 50.0,
        }


async def test_a_meter_that_counts_export_as_positive_is_turned_round() -> None:
    device = {"kind": "meter", "load_w": 600, "export_positive": True}
    units = [{"unit": 1, "meter_direction": "export_positive", "meter_roles": ["consumer"]}]
    async with (
        SunSpecPeer.running({1: device}) as peer,
        SunSpecEnd.running(**settings(peer, units=units)) as end,
    ):
        await end.power(METER, 600)
        assert end.role(METER) is EnergyRole.CONSUMER


async def test_a_second_meter_is_used_only_when_it_is_given_a_part() -> None:
    device = {"kind": "meter", "load_w": 5, "models": {"2": {"id": 203, "values": {"W": 9, "W_SF": 0}}}}
    async with SunSpecPeer.running({1: device}) as peer:
        async with SunSpecEnd.running(**settings(peer)) as end:
            await end.power(METER, 5)
            assert list(end.sessions) == [METER]
            assert any("meter_roles" in line for line in end.logs)
        units = [{"unit": 1, "name": "Shed", "meter_roles": ["grid", "producer"]}]
        async with SunSpecEnd.running(**settings(peer, units=units)) as end:
            await end.power(f"{METER}-2", 9)
            assert end.role(f"{METER}-2") is EnergyRole.PRODUCER
            assert end.name(METER) == "Shed (meter)"


async def test_a_battery_whose_own_power_is_not_told_says_so() -> None:
    device = {**HYBRID, "models": {"7": None}}
    async with SunSpecPeer.running({1: device}) as peer, SunSpecEnd.running(**settings(peer)) as end:
        told = await end.condition(ConditionState.DEGRADED, "power_unknown", BATTERY)
        assert "contained in the inverter's" in told.text
        await end.power(PV, -3500)


async def test_a_counter_that_runs_over_keeps_rising_over_a_restart() -> None:
    async with SunSpecPeer.running({1: {"kind": "meter"}}) as peer:
        async with SunSpecEnd.running(**settings(peer)) as end:
            first = await end.until(lambda: end.consumed_wh(METER))
            assert first == 4294967290
            await peer.tell("set", name="203.TotWhImp", value=5)
            await end.until(lambda: end.consumed_wh(METER) == 2**32 + 5)
        async with SunSpecEnd.running(storage=end.stored, **settings(peer)) as again:
            await again.until(lambda: again.consumed_wh(METER) == 2**32 + 5)


@pytest.mark.slow
async def test_a_curtailment_limits_the_panels_until_it_ends() -> None:
    async with (
        SunSpecPeer.running({1: {**HYBRID, "storage": False}}) as peer,
        SunSpecEnd.running(**settings(peer)) as end,
    ):
        await end.power(PV, -4000)
        asked = await end.curtail(PV, -1000.0, seconds=3)
        await end.status(asked, AllocationStatus.STARTED)
        await end.power(PV, -1000, 80)
        assert end.observed[f"{PV}.limit"] == 1000.0
        await end.status(asked, AllocationStatus.FINISHED)
        await end.power(PV, -4000)
        assert await peer.value("123.WMaxLim_Ena") == 0.0


@pytest.mark.slow
async def test_a_limit_outlives_the_reversion_time_as_long_as_it_is_wanted() -> None:
    device = {**HYBRID, "storage": False}
    async with (
        SunSpecPeer.running({1: device}) as peer,
        SunSpecEnd.running(**settings(peer, revert_after_s=2)) as end,
    ):
        await end.curtail(PV, -1000.0)
        await end.power(PV, -1000, 80)
        already = len(end.measurements[PV])
        await end.until(lambda: len(end.measurements[PV]) >= already + 8)
        assert all(abs(told.electric_power_w + 1000) < 80 for told in end.measurements[PV][already:])  # type: ignore[operator]


async def test_a_limit_goes_when_it_is_taken_back_or_nobody_controls_any_more() -> None:
    async with (
        SunSpecPeer.running({1: {**HYBRID, "storage": False}}) as peer,
        SunSpecEnd.running(**settings(peer)) as end,
    ):
        for end_it in (end.take_back, end.disconnect):
            await end.curtail(PV, 0.0)
            await end.power(PV, 0, 80)
            end_it(PV)
            await end.power(PV, -4000)
        assert end.stored["1-pv-engaged"] is None


async def test_the_limit_of_a_hybrid_moves_with_its_battery() -> None:
    async with SunSpecPeer.running({1: HYBRID}) as peer, SunSpecEnd.running(**settings(peer)) as end:
        await end.curtail(PV, -2000.0)
        await end.power(PV, -2000, 100)
        assert abs(await peer.value("123.WMaxLimPct") - 100 * (2000 - 500) / 8000) < 1.1
        await peer.tell("plant", auto_w=-1000)
        await end.power(BATTERY, -1000)
        await end.power(PV, -2000, 100)


async def test_a_battery_is_steered_and_given_back() -> None:
    async with SunSpecPeer.running({1: HYBRID}) as peer, SunSpecEnd.running(**settings(peer)) as end:
        state = await end.level(BATTERY)
        assert state.fill_level == 50.0
        asked = await end.run_mode(BATTERY, "charge", 0.4)
        await end.status(asked, AllocationStatus.STARTED)
        await end.power(BATTERY, 2000, 60)
        assert (await end.mode(BATTERY, "charge")).factor == 0.4
        await end.run_mode(BATTERY, "discharge", 1.0)
        await end.power(BATTERY, -5000, 60)
        await end.run_mode(BATTERY, "idle", None)
        await end.power(BATTERY, 0, 60)
        end.disconnect(BATTERY)
        await end.power(BATTERY, 500)
        await end.mode(BATTERY, "charge")
        assert await peer.value("124.StorCtl_Mod") == 0.0


async def test_a_batterys_description_keeps_energy_and_efficiency() -> None:
    units = [{"unit": 1, "capacity_wh": 7200, "charge_efficiency": 0.9, "discharge_efficiency": 0.8}]
    async with (
        SunSpecPeer.running({1: HYBRID}) as peer,
        SunSpecEnd.running(**settings(peer, units=units)) as end,
    ):
        description = await end.until(lambda: end.last(BATTERY, StorageSystemDescription))
        actuator = description.actuators[0]
        charge, discharge = actuator.mode("charge"), actuator.mode("discharge")
        assert charge is not None
        assert discharge is not None
        full_j = 7200 * 3600
        assert charge.elements[0].fill_rate.end == pytest.approx(100 * 5000 * 0.9 / full_j)
        assert discharge.elements[0].fill_rate.end == pytest.approx(-100 * 5000 / 0.8 / full_j)
        assert discharge.fill_level_range.lower == 5.0, "the reserve that is set in the device"


async def test_a_storage_inverter_alone_is_a_battery() -> None:
    device = {"kind": "ieee1547", "auto_w": -700}
    async with SunSpecPeer.running({1: device}) as peer, SunSpecEnd.running(**settings(peer)) as end:
        await end.power(BATTERY, -700)
        assert list(end.sessions) == [BATTERY]
        await end.run_mode(BATTERY, "charge", 0.5)
        await end.power(BATTERY, 2000, 60)
        assert await peer.value("704.WSetEna") == 1.0
    assert end.stopped is not None


async def test_stopping_leaves_every_device_to_itself() -> None:
    async with SunSpecPeer.running({1: HYBRID, 2: {"kind": "ieee1547"}}) as peer:
        async with SunSpecEnd.running(**settings(peer, units=[1, 2], revert_after_s=600)) as end:
            await end.curtail(PV, -800.0)
            await end.status(await end.run_mode(BATTERY, "charge", 1.0), AllocationStatus.STARTED)
            await end.status(await end.run_mode("sun-2-battery", "charge", 1.0), AllocationStatus.STARTED)
        assert end.stopped is not None
        assert end.stopped.unsafe == ()
        assert await peer.value("123.WMaxLim_Ena") == 0.0
        assert await peer.value("124.StorCtl_Mod") == 0.0
        assert await peer.value("704.WSetEna", 2) == 0.0


async def test_a_limit_that_a_crash_left_behind_is_lifted_first_of_all() -> None:
    device = {**HYBRID, "storage": False}
    async with SunSpecPeer.running({1: device}) as peer:
        await peer.tell("set", name="123.WMaxLimPct", value=10)
        await peer.tell("set", name="123.WMaxLim_Ena", value=1)
        async with SunSpecEnd.running(storage={"1-pv-engaged": True}, **settings(peer)) as end:
            await end.power(PV, -4000)
            assert await peer.value("123.WMaxLim_Ena") == 0.0


async def test_a_limit_that_somebody_else_has_set_stays() -> None:
    device = {**HYBRID, "storage": False}
    async with SunSpecPeer.running({1: device}) as peer:
        await peer.tell("set", name="123.WMaxLimPct", value=10)
        await peer.tell("set", name="123.WMaxLim_Ena", value=1)
        async with SunSpecEnd.running(**settings(peer)) as end:
            await end.power(PV, -800, 30)
        assert await peer.value("123.WMaxLim_Ena") == 1.0
        assert (await peer.tell("count"))["writes"] == []


@pytest.mark.slow
async def test_a_device_that_ignores_settings_ends_the_allocation_with_the_reason() -> None:
    async with (
        SunSpecPeer.running({1: {**HYBRID, "storage": False}}) as peer,
        SunSpecEnd.running(**settings(peer)) as end,
    ):
        await end.power(PV, -4000)
        await peer.tell("ignore_writes", value=True)
        asked = await end.curtail(PV, -1000.0)
        ended = await end.status(asked, AllocationStatus.ABORTED)
        assert "acknowledged WMaxLimPct = 12.5" in ended.text
        await peer.tell("ignore_writes", value=False)
        await end.power(PV, -4000)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"OutWRte": None}, "neither rates"),
        ({"StorCtl_Mod": None}, "neither rates"),
    ],
)
async def test_a_battery_without_control_is_measured_only_and_says_so(change: dict[str, Any], words: str) -> None:
    device = {**HYBRID, "storage_values": change}
    async with SunSpecPeer.running({1: device}) as peer, SunSpecEnd.running(**settings(peer)) as end:
        told = await end.condition(ConditionState.OK, "measured_only", BATTERY)
        assert words in told.text
        assert "measured only" in told.text
        assert end.flags[BATTERY] == (False, True)
        await end.power(BATTERY, 500)
        await end.until(lambda: end.observed.get(f"{BATTERY}.fill_level"))


async def test_a_battery_of_unknown_capacity_asks_for_it() -> None:
    nameplate = {"DERTyp": 82, "WRtg": 8000, "WRtg_SF": 0, "MaxChaRte": 5000, "MaxChaRte_SF": 0}
    device = {**HYBRID, "models": {"2": {"values": nameplate}}}
    async with SunSpecPeer.running({1: device}) as peer, SunSpecEnd.running(**settings(peer)) as end:
        told = await end.condition(ConditionState.OK, "measured_only", BATTERY)
        assert "capacity_wh" in told.cure


async def test_with_control_switched_off_nothing_is_ever_written() -> None:
    async with (
        SunSpecPeer.running({1: HYBRID}) as peer,
        SunSpecEnd.running(**settings(peer, control=False)) as end,
    ):
        await end.power(PV, -4000)
        assert {name: flag[0] for name, flag in end.flags.items()} == dict.fromkeys((PV, BATTERY, METER), False)
        options = end.last(PV, InflexibleCurtailmentOptions)
        assert options is not None
        assert options.options == ()
        assert (await peer.tell("count"))["writes"] == []


@pytest.mark.slow
async def test_a_silent_unit_is_lost_alone_and_comes_back() -> None:
    async with (
        SunSpecPeer.running({1: HYBRID, 2: {"kind": "meter", "load_w": 111}}) as peer,
        SunSpecEnd.running(**settings(peer, units=[1, 2], revert_after_s=600)) as end,
    ):
        await end.power("sun-2-meter", 111)
        asked = await end.curtail(PV, -1000.0)
        await end.power(PV, -1000, 100)
        await peer.behave("silent", 1)
        await end.condition(ConditionState.OFFLINE, "no_answer", PV)
        ended = await end.status(asked, AllocationStatus.ABORTED)
        assert "did not answer" in ended.text
        told = await end.condition(ConditionState.DEGRADED, "no_answer")
        assert "unit 1 did not answer" in told.text
        assert "powered" in told.cure
        count = len(end.measurements["sun-2-meter"])
        await end.until(lambda: len(end.measurements["sun-2-meter"]) > count + 2)
        await peer.behave("well", 1)
        await end.condition(ConditionState.OK, "", PV)
        await end.condition(ConditionState.OK, "")
        await end.power(PV, -4000)
        assert await peer.value("123.WMaxLim_Ena") == 0.0


@pytest.mark.slow
async def test_an_allocation_to_a_unit_that_falls_silent_ends_once() -> None:
    async with SunSpecPeer.running({1: HYBRID}) as peer, SunSpecEnd.running(**settings(peer)) as end:
        await end.power(PV, -4000)
        await end.level(BATTERY)
        await peer.behave("silent")
        asked = [await end.curtail(PV, -1000.0), await end.run_mode(BATTERY, "charge", 1.0)]
        for allocation in asked:
            await end.status(allocation, AllocationStatus.ABORTED)
        await end.condition(ConditionState.OFFLINE, "no_answer", BATTERY)
        await peer.behave("well")
        await end.condition(ConditionState.OK, "", BATTERY)
        await end.power(PV, -4000)
        for allocation in asked:
            told = [update.status for update in end.statuses[allocation]]
            assert told == [AllocationStatus.ACCEPTED, AllocationStatus.ABORTED]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("behaviour", "detail"), [("exception", "refused"), ("garbage", "garbled"), ("wrong_unit", "garbled")]
)
async def test_a_misbehaving_device_is_a_named_state(behaviour: str, detail: str) -> None:
    async with SunSpecPeer.running({1: HYBRID}) as peer, SunSpecEnd.running(**settings(peer)) as end:
        await end.power(PV, -4000)
        await peer.behave(behaviour)
        told = await end.condition(ConditionState.OFFLINE, detail, PV)
        assert told.text
        assert told.cure
        await peer.behave("well")
        await end.condition(ConditionState.OK, "", PV)


async def test_one_damaged_answer_is_no_loss() -> None:
    async with SunSpecPeer.running({1: HYBRID}) as peer, SunSpecEnd.running(**settings(peer)) as end:
        await end.power(PV, -4000)
        await peer.behave("garbage", once=True)
        await peer.tell("plant", sun_w=3500)
        await end.power(PV, -3500)
        assert {told.state for told in end.conditions[PV]} == {ConditionState.OK}


async def test_an_absent_port_is_a_named_state_until_it_is_there() -> None:
    with socket.socket() as reserved:
        reserved.bind((LOCAL, 0))
        port = reserved.getsockname()[1]
    async with SunSpecEnd.running(host=LOCAL, port=port, timeout_s=0.4) as end:
        told = await end.condition(ConditionState.OFFLINE, "no_port")
        assert "connection refused" in told.text
        assert "switch Modbus TCP on" in told.cure
        async with SunSpecPeer.running({1: HYBRID}, port=port):
            await end.condition(ConditionState.OK, "")
            await end.power(PV, -4000)


async def test_a_device_without_sunspec_is_a_wrong_setting() -> None:
    async with (
        SunSpecPeer.running({1: {**HYBRID, "base": 30000}}) as peer,
        SunSpecEnd.running(**settings(peer)) as end,
    ):
        told = await end.condition(ConditionState.MISCONFIGURED, "no_sunspec")
        assert "base_address" in told.cure
    async with (
        SunSpecPeer.running({1: {**HYBRID, "base": 30000}}) as peer,
        SunSpecEnd.running(**settings(peer, units=[{"unit": 1, "base_address": 30000}])) as end,
    ):
        await end.power(PV, -4000)


@pytest.mark.slow
async def test_a_device_that_restarts_while_it_is_looked_at_is_found_in_the_end() -> None:
    device = {**HYBRID, "delay_s": 0.05, "reboot_at_request": 5}
    async with SunSpecPeer.running({1: device}) as peer, SunSpecEnd.running(**settings(peer)) as end:
        told = await end.until(lambda: end.conditions.get(None))
        assert told[0].state is ConditionState.OFFLINE
        assert told[0].detail in ("no_port", "no_answer")
        await end.power(PV, -4000)


async def test_a_firmware_update_that_changes_the_chain_is_followed() -> None:
    async with SunSpecPeer.running({1: HYBRID}) as peer, SunSpecEnd.running(**settings(peer)) as end:
        await end.power(BATTERY, 500)
        newer = {**HYBRID, "storage": False, "meter": False, "inverter": 113, "serial": "34119102"}
        await peer.tell("become", settings=newer)
        await end.until(lambda: BATTERY in end.removed and METER in end.removed)
        await end.power(PV, -4000)
        assert PV not in end.removed
        asked = await end.curtail(PV, -500.0)
        await end.status(asked, AllocationStatus.STARTED)
        await end.power(PV, -500, 80)


@pytest.mark.slow
async def test_a_device_that_was_exchanged_is_registered_anew() -> None:
    async with SunSpecPeer.running({1: HYBRID}) as peer, SunSpecEnd.running(**settings(peer)) as end:
        await end.power(PV, -4000)
        await peer.behave("silent")
        await end.condition(ConditionState.OFFLINE, "no_answer", PV)
        await peer.tell("become", settings={**HYBRID, "serial": "NEW-1"})
        await peer.behave("well")
        await end.until(lambda: end.serial(PV) == "NEW-1")


@pytest.mark.slow
async def test_units_in_a_range_are_found_while_the_known_ones_keep_their_pace() -> None:
    units: dict[int, dict[str, Any]] = {1: HYBRID, 4: {"kind": "meter", "load_w": 44}, 9: {"kind": "ieee1547"}}
    async with (
        SunSpecPeer.running(units) as peer,
        SunSpecEnd.running(**settings(peer, scan_first=2, scan_last=9, timeout_s=0.2)) as end,
    ):
        await end.until(lambda: {PV, "sun-4-meter", "sun-9-battery"} <= set(end.sessions), 30)
        assert len(end.measurements[PV]) > 3


async def test_hostile_names_reach_nobody() -> None:
    common = dict(hybrid({})[0].values)
    device = {**HYBRID, "models": {"0": {"values": {**common, "Mn": "\x1b[2JEvil\n", "Md": "<b>\x07x</b>"}}}}
    async with SunSpecPeer.running({1: device}) as peer, SunSpecEnd.running(**settings(peer)) as end:
        await end.power(PV, -4000)
        name = end.name(PV)
        assert name.isprintable()
        assert name == "[2JEvil <b>x</b>"


async def test_the_package_loads_nothing_heavy() -> None:
    program = (
        "import sys, json; import efpi_driver_sunspec;"
        "heavy = {'requests', 'openpyxl', 'lxml', 'sunspec2.device', 'numpy', 'pandas', 'rich', 'typer', 'starlette',"
        " 'uvicorn', 'pymodbus.server'}; print(json.dumps(sorted(heavy & set(sys.modules))))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert json.loads(output) == []
