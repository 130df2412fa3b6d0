"""The driver brings the meters that are there, tells what they measure, and names every trouble."""

import asyncio
import re
from importlib.metadata import entry_points
from itertools import pairwise
from pathlib import Path
from typing import Any

import p1_synthetic as synthetic
import pluggy
import pytest
from efpi_driver_p1.config import P1Config
from efpi_driver_p1.driver import P1Driver
from p1_bench import bench, recorded
from p1_peers import HurriedClock, pty_meter, tcp_adapter, tcp_server
from pydantic import ValidationError
from test_p1_telegram import CAPTURE

from efi.commodity import Commodity, CommodityQuantity, Phase
from efi.inflexible import InflexibleRegistration
from efi.message import ControlSpaceRevoke
from efi.registration import EnergyRole
from efpi_core.host.frames import Declare, Failed, Publish, Say
from efpi_core.plugin import hookspecs
from efpi_core.plugin.condition import ConditionState


def at(second: int, text: bytes = synthetic.DSMR_5, **changes: str) -> bytes:
    """A DSMR 5 telegram some seconds later, some of its values changed, sealed anew."""
    body = text.decode().partition("!")[0].replace("120005S", f"1200{5 + second:02d}S")
    for old, new in changes.items():
        body = re.sub(re.escape(old), new, body)
    return synthetic.seal(body.replace("\r\n", "\n"))


def value_of(telegram_value: str, new: str, second: int, text: bytes = synthetic.DSMR_5) -> bytes:
    return at(second, text, **{telegram_value: new})


async def test_a_capture_becomes_a_grid_connection_with_the_power_of_each_phase() -> None:
    async with bench(port=f"replay:{CAPTURE}") as driver:
        await driver.step(20)
    (added,) = driver.appliances().values()
    registration = added.registration
    assert isinstance(registration, InflexibleRegistration) and added.steerable is False
    assert registration.appliance_id == "p1" and registration.role_for(Commodity.ELECTRICITY) is EnergyRole.GRID
    assert (registration.manufacturer, registration.serial_number) == ("Iskraemeco", "E0044007131650618")
    assert registration.phases == tuple(Phase)
    measured = driver.measurements("p1")
    assert len(measured) == 12
    assert [(value.quantity, value.value) for value in measured[0].values] == [
        (CommodityQuantity.ELECTRIC_POWER_L1, 45.0),
        (CommodityQuantity.ELECTRIC_POWER_L2, 10.0),
        (CommodityQuantity.ELECTRIC_POWER_L3, 322.0),
    ]
    assert measured[0].energy[0].consumed == (3_432_827 + 3_224_632) * 3600
    gaps = [(later.measured_at - earlier.measured_at).total_seconds() for earlier, later in pairwise(measured)]
    assert gaps == [1.0] * 11
    seen = driver.observed()
    assert seen["p1.tariff"] == 1 and 230 < seen["p1.voltage.l2"] < 240 and seen["p1.current.l3"] == 2
    assert seen["p1.electricity_consumed.tariff_1"] >= 3_432_827 * 3600
    assert {spec.name for frame in driver.of(Declare) for spec in frame.specs} == set(seen)


async def test_each_meter_on_the_m_bus_is_told_as_what_it_is(tmp_path: Path) -> None:
    later = value_of("(240715120001S)(01234.567*m3)", "(240715120501S)(01234.867*m3)", 10)
    async with bench(port=recorded(tmp_path, synthetic.DSMR_5, at(5), later)) as driver:
        await driver.step(30)
    assert set(driver.appliances()) == {"p1", "p1-gas-1", "p1-heat-2"}
    gas = driver.appliances()["p1-gas-1"].registration
    assert gas.role_for(Commodity.GAS) is EnergyRole.GRID and gas.serial_number == "G0039001750494117"
    first, second = driver.measurements("p1-gas-1")
    assert first.values == () and first.energy[0].consumed == 1234.567
    assert second.values[0].quantity is CommodityQuantity.GAS_FLOW
    assert second.values[0].value == pytest.approx(0.3 / 300)
    assert (second.measured_at - first.measured_at).total_seconds() == 300
    seen = driver.observed()
    assert seen["p1-water-3.volume"] == 321.098
    assert seen["p1-electricity-4.energy"] == 55_500 * 3600
    assert driver.measurements("p1-heat-2")[0].energy[0].consumed == 98_765_000_000
    assert not any(name.startswith(("p1-gas-1.", "p1-heat-2.")) for name in seen), "the gateway makes those itself"


async def test_channels_without_a_meter_bring_nothing(tmp_path: Path) -> None:
    async with bench(port=recorded(tmp_path, synthetic.GAS_LOST)) as driver:
        await driver.step(5)
    assert set(driver.appliances()) == {"p1"}


async def test_a_meter_that_tells_no_phases_is_told_in_total(tmp_path: Path) -> None:
    async with bench(port=recorded(tmp_path, synthetic.DSMR_3)) as driver:
        await driver.step(5)
    (measured,) = driver.measurements("p1")
    assert [(value.quantity, value.value) for value in measured.values] == [(CommodityQuantity.ELECTRIC_POWER, -1370)]
    assert driver.observed()["p1.message"] == "Stromuitval om 14 maart"


async def test_belgian_peaks_are_observations(tmp_path: Path) -> None:
    async with bench(port=recorded(tmp_path, synthetic.BELGIUM)) as driver:
        await driver.step(5)
    seen = driver.observed()
    assert (seen["p1.power_quarter_hour"], seen["p1.power_month_peak"]) == (2351, 5980)
    assert "p1.voltage.l2" not in seen


async def test_another_meter_on_the_same_port_is_registered_anew(tmp_path: Path) -> None:
    async with bench(port=recorded(tmp_path, synthetic.DSMR_5, synthetic.SWEDEN)) as driver:
        await driver.step(7200)
    said = [frame.message for frame in driver.of(Say) if isinstance(frame.message, InflexibleRegistration)]
    assert [registration.model for registration in said if registration.appliance_id == "p1"] == ["53833635_A"]


async def test_the_gas_flow_is_not_told_over_a_meter_that_was_exchanged(tmp_path: Path) -> None:
    smaller = value_of("(240715120001S)(01234.567*m3)", "(240715120501S)(00000.100*m3)", 10)
    async with bench(port=recorded(tmp_path, synthetic.DSMR_5, smaller)) as driver:
        await driver.step(30)
    assert [measured.values for measured in driver.measurements("p1-gas-1")] == [(), ()]


async def test_another_gas_meter_on_the_same_channel_is_registered_anew_and_its_counter_is_no_flow(
    tmp_path: Path,
) -> None:
    other = value_of("(240715120001S)(01234.567*m3)", "(240715120501S)(05000.000*m3)", 10)
    other = value_of("4730303339303031373530343934313137", "4E4557", 10, other)
    async with bench(port=recorded(tmp_path, synthetic.DSMR_5, other)) as driver:
        await driver.step(30)
    said = [frame.message for frame in driver.of(Say) if isinstance(frame.message, InflexibleRegistration)]
    assert [one.serial_number for one in said if one.appliance_id == "p1-gas-1"] == ["NEW"]
    assert [measured.values for measured in driver.measurements("p1-gas-1")] == [(), ()]


async def test_recorded_telegrams_keep_the_pace_of_the_meters_clock(tmp_path: Path) -> None:
    async with bench(port=recorded(tmp_path, at(0), at(7), at(8))) as driver:
        await driver.step(30)
    first, second, third = (measured.measured_at for measured in driver.measurements("p1"))
    assert ((second - first).total_seconds(), (third - second).total_seconds()) == (7.0, 1.0)


async def test_what_does_not_change_is_told_often_enough_to_stay_fresh_and_no_more(tmp_path: Path) -> None:
    async with bench(port=recorded(tmp_path, *(at(second) for second in range(31)))) as driver:
        await driver.step(60)
    told = [frame.at for frame in driver.of(Publish) if frame.name == "p1.voltage.l1"]
    assert [(later - earlier).total_seconds() for earlier, later in pairwise(told)] == [10.0, 10.0, 10.0]


async def test_the_end_of_a_recording_is_said_and_the_appliances_are_lost(tmp_path: Path) -> None:
    async with bench(port=recorded(tmp_path, synthetic.DSMR_5)) as driver:
        await driver.step(5)
        assert driver.conditions()[-1].detail == "replay_ended"
        assert any(isinstance(frame.message, ControlSpaceRevoke) for frame in driver.of(Say))
    states = [condition.state for condition in driver.conditions()]
    assert states == [ConditionState.OFFLINE, ConditionState.OK, ConditionState.OFFLINE]


async def test_a_recording_can_be_repeated(tmp_path: Path) -> None:
    async with bench(port=recorded(tmp_path, synthetic.DSMR_5, at(5)), repeat=True) as driver:
        await driver.step(60)
    assert len(driver.measurements("p1")) >= 6


async def test_a_recording_that_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    async with bench(port=f"replay:{tmp_path}/none.txt") as driver:
        await driver.step(5)
    assert driver.conditions()[-1].detail == "port_missing"
    async with bench(port=recorded(tmp_path, b"hello")) as driver:
        await driver.step(5)
    assert "no good telegram" in driver.conditions()[-1].text
    async with bench(port=f"replay:{tmp_path}") as driver:
        await driver.step(5)
    assert driver.conditions()[-1].detail == "port_not_serial"


async def test_values_are_told_no_more_often_than_the_site_wants(tmp_path: Path) -> None:
    telegrams = [at(second) for second in range(40)]
    async with bench(port=recorded(tmp_path, *telegrams), resolution_s=10.0) as driver:
        await driver.step(60)
    assert 4 <= len(driver.measurements("p1")) <= 6


async def test_bad_telegrams_are_counted_and_their_share_is_named(tmp_path: Path) -> None:
    bad = synthetic.DSMR_5.replace(b"01.250", b"09.250")
    telegrams = [at(second) if second % 3 else bad for second in range(40)]
    async with bench(port=recorded(tmp_path, *telegrams)) as driver:
        await driver.step(50)
        degraded = next(one for one in driver.conditions() if one.state is ConditionState.DEGRADED)
    assert degraded.detail == "bad_telegrams" and "wrong_crc" in degraded.text and degraded.cure
    assert driver.observed()["p1.good_telegrams"] == pytest.approx(67, abs=5)
    assert len(driver.measurements("p1")) == sum(1 for second in range(40) if second % 3)


async def test_an_encrypted_meter_is_named_with_the_cure(tmp_path: Path) -> None:
    encrypted = b"\xdb\x08SAGgp\x00\x12\x82\x03\xe5\x30" + bytes(range(128, 255)) * 8
    async with bench(port=recorded(tmp_path, encrypted)) as driver:
        await driver.step(5)
        named = next(one for one in driver.conditions() if one.detail == "encrypted")
    assert named.state is ConditionState.MISCONFIGURED and "grid operator" in named.cure


async def test_a_live_port_is_followed_through_waiting_reading_and_unplugging(tmp_path: Path) -> None:
    with pty_meter(tmp_path) as meter:
        async with bench(port=str(meter.path), clock=HurriedClock()) as driver:
            await driver.wait(lambda driver: any(one.detail == "waiting_for_telegram" for one in driver.conditions()))
            meter.send(synthetic.DSMR_5)
            await driver.wait(lambda driver: driver.conditions()[-1].state is ConditionState.OK)
            meter.unplug()
            await driver.wait(lambda driver: driver.conditions()[-1].detail == "port_missing")
            assert driver.conditions("p1")[-1].state is ConditionState.OFFLINE
            meter.plug_in()
            await driver.wait(lambda driver: driver.conditions()[-1].detail == "waiting_for_telegram")
            meter.send(synthetic.DSMR_5)
            await driver.wait(lambda driver: driver.conditions("p1")[-1].state is ConditionState.OK)
    assert driver.of(Failed) == []
    assert len(driver.measurements("p1")) == 2


async def test_only_broken_telegrams_make_what_is_known_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken_from_the_second_on(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(synthetic.DSMR_5)
        while True:
            writer.write(synthetic.DSMR_5.replace(b"01.250", b"09.250"))
            await writer.drain()
            await asyncio.sleep(0.01)

    monkeypatch.setattr("efpi_driver_p1.driver.SILENCE_S", 0.2)
    async with (
        tcp_server(broken_from_the_second_on) as port,
        bench(port=f"socket://127.0.0.1:{port}", clock=HurriedClock()) as driver,
    ):
        await driver.wait(lambda driver: any(one.detail == "stale" for one in driver.conditions()))
        assert driver.conditions("p1")[-1].state is ConditionState.OFFLINE
        assert len(driver.measurements("p1")) == 1
    stale = next(one for one in driver.conditions() if one.detail == "stale")
    assert "no good telegram" in stale.text and "wrong_crc" in stale.cure


async def test_a_port_that_falls_silent_takes_the_appliances_offline() -> None:
    async with tcp_adapter(synthetic.DSMR_5) as port, bench(port=f"socket://127.0.0.1:{port}") as driver:
        await driver.wait(lambda driver: bool(driver.measurements("p1")))
        await driver.step(30)
        assert driver.conditions("p1")[-1].state is ConditionState.OK
        await driver.step(10)
        await driver.wait(lambda driver: any(one.detail == "silent" for one in driver.conditions()))
    assert driver.conditions("p1")[-1].state is ConditionState.OFFLINE


@pytest.mark.parametrize(
    "port",
    [
        "/dev/ttyUSB0",
        "COM3",
        "rfc2217://10.0.0.5:2217",
        "socket://p1.home.arpa:23",
        "socket://[::1]:23",
        "replay:/tmp/x",
    ],
)
def test_ports_of_every_kind_are_taken(port: str) -> None:
    assert P1Config(port=port).port == port


@pytest.mark.parametrize(
    ("config", "word"),
    [
        ({}, "port"),
        ({"port": ""}, "names no port"),
        ({"port": "replay:"}, "names no port"),
        ({"port": "http://h:80"}, "no kind of port"),
        ({"port": "loop://x:1"}, "no kind of port"),
        ({"port": "socket://host"}, "port number"),
        ({"port": "socket://host:99999"}, "range"),
        ({"port": "rfc2217://host:1?logging=debug"}, "more than a host"),
        ({"port": "/dev/x\x00y"}, "names no port"),
        ({"port": "/dev/ttyUSB0", "baud": 0}, "300"),
        ({"port": "/dev/ttyUSB0", "format": "8E1"}, "7E1"),
        ({"port": "/dev/ttyUSB0", "time_zone": "Mars"}, "time zone"),
        ({"port": "/dev/ttyUSB0", "time_zone": "../../etc/passwd"}, "time zone"),
        ({"port": "/dev/ttyUSB0", "speed": 1}, "speed"),
    ],
)
def test_wrong_settings_are_refused_by_name(config: dict[str, Any], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        P1Config.model_validate(config)


def test_every_setting_has_a_title_a_description_and_an_example() -> None:
    for name, described in P1Config.model_json_schema()["properties"].items():
        assert described["title"] and described["description"] and "examples" in described, name


def test_the_package_offers_the_driver_by_its_hook() -> None:
    (entry,) = entry_points(group=hookspecs.PROJECT, name="p1")
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(entry.load())
    assert manager.hook.efpi_plugins() == [(P1Driver,)]
