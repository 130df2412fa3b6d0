"""The demo house is steered from outside: by FlexMeasures' energy manager, by one of s2-python, by one that errs."""

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from s2python.common import ControlType, ResourceManagerDetails, RevokableObjects
from s2python.frbc import FRBCActuatorStatus, FRBCInstruction, FRBCStorageStatus, FRBCSystemDescription
from s2python.pebc import PEBCPowerConstraints
from websockets.exceptions import ConnectionClosed

from efpi_core.site.demo import demo_text
from tests.peers.flexmeasures_peer import FlexMeasuresPeer
from tests.peers.loop_thread import LoopThread
from tests.peers.raw_cem import RawCem
from tests.peers.s2_python_cem import Managed, S2PythonCem
from tests.support.real_gateway import RealGateway, running, site_file

DEMO = ("meter", "pv", "household", "washer", "dishwasher", "battery", "car", "boiler", "freezer", "generator")


@pytest.fixture
def there() -> Iterator[LoopThread]:
    with LoopThread() as thread:
        yield thread


def demo_site(folder: Path, **config: Any) -> Path:
    """The demo house, in which the bridge is the only app."""
    head, _, _ = demo_text().partition("\napps:\n")
    apps = {"cem": {"app": "s2_bridge", "config": config}}
    return site_file(folder, f"{head}\n\napps: {json.dumps(apps)}\n", "demo-by-s2.yaml")


def near(gateway: RealGateway, appliance: str, watts: float, within: float = 60) -> bool:
    power = gateway.power(appliance)
    return power is not None and abs(power - watts) <= within


def mode_of(description: FRBCSystemDescription, least_w: float, most_w: float) -> dict[str, Any]:
    """The fields of an instruction for the mode whose power lies within these bounds."""
    actuator = description.actuators[0]
    for mode in actuator.operation_modes:
        powers = mode.elements[0].power_ranges[0]
        if least_w <= powers.start_of_range and powers.end_of_range <= most_w:
            return {"actuator_id": actuator.id, "operation_mode": mode.id, "powers": powers}
    raise AssertionError(f"no mode between {least_w} and {most_w} W")


def instruct(there: LoopThread, battery: Managed, watts: float, after_s: float = 0.0) -> str:
    """Ask the demo's battery for a power, now or later."""
    description = there.run(battery.hears(FRBCSystemDescription))
    found = mode_of(description, 20, 1e6) if watts > 0 else mode_of(description, -1e6, -20)
    powers = found.pop("powers")
    factor = (watts - powers.start_of_range) / (powers.end_of_range - powers.start_of_range)
    at = datetime.now(UTC) + timedelta(seconds=after_s)
    return there.run(battery.instruct(FRBCInstruction, **found, operation_mode_factor=factor, execution_time=at))


def chosen(there: LoopThread, cem: S2PythonCem, after: Managed | None = None) -> Managed:
    """The battery, by its fill rate."""
    battery = there.run(cem.manager("battery", after=after))
    there.run(battery.select(ControlType.FILL_RATE_BASED_CONTROL))
    return battery


def told(cem: FlexMeasuresPeer) -> list[str]:
    """What FlexMeasures last heard of each instruction for the battery."""
    known = cem.look("battery")
    return [known["statuses"].get(name, "nothing") for name in known["instructed"]]


@pytest.mark.slow
def test_flexmeasures_charges_and_discharges_the_battery(home: Path, tmp_path: Path) -> None:
    levels = {"battery": {"unit": "MWh", "per_unit": 0.0001}}
    with (
        FlexMeasuresPeer.running() as cem,
        running(home, demo_site(tmp_path, url=cem.url, fill_levels=levels)) as gateway,
    ):
        seen = gateway.eventually(
            lambda: (it := cem.look("battery")).get("control_type") == "FILL_RATE_BASED_CONTROL" and it["level"] and it,
            "the energy manager knows the battery",
        )
        assert seen["details"]["name"] == "Home battery"
        assert 0 < seen["level"] < 0.01, "MWh of a battery of 10 kWh"
        asked = cem.tell("schedule", "battery", watts=[2000.0, 0.0])
        assert asked["asked"][-1]["flex-model"][0]["soc-max"] == pytest.approx(0.01)
        gateway.eventually(lambda: near(gateway, "battery", 2000), "it charges")
        gateway.eventually(lambda: told(cem)[-2:] == ["SUCCEEDED", "ACCEPTED"], "it is told what became of both")
        cem.tell("schedule", "battery", watts=[-1500.0, 0.0])
        gateway.eventually(lambda: near(gateway, "battery", -1500), "it discharges")
        cem.tell("select", "battery", type="NOT_CONTROLABLE")
        gateway.eventually(lambda: near(gateway, "battery", 0), "it rests again")
        assert [refused for refused in cem.look("battery")["refused"] if "PERMANENT" in refused] == []
        assert gateway.health()["status"] == "ok"
        gateway.end()


@pytest.mark.slow
def test_limit_and_resident_win_over_the_energy_manager_which_is_told(
    home: Path, tmp_path: Path, there: LoopThread
) -> None:
    cem = there.enter(S2PythonCem.listening())
    with running(home, demo_site(tmp_path, url=cem.url)) as gateway:
        battery = chosen(there, cem)
        gateway.says("limit", "set", "cellar", "--appliance", "battery", "--upper", "1000", "--for", "1h")
        assert there.run(battery.told(instruct(there, battery, 3000), "REJECTED"))
        there.run(battery.told(instruct(there, battery, 800), "STARTED"))
        gateway.eventually(lambda: near(gateway, "battery", 800), "below the limit it may")
        gateway.says("override", "battery", "mode", "--mode", "discharge", "--factor", "0.5", "--for", "1h")
        gateway.eventually(
            lambda: (power := gateway.power("battery")) is not None and power < -1000, "the resident's way"
        )
        assert there.run(battery.told(instruct(there, battery, 500), "REJECTED"))
        status = there.run(battery.hears(FRBCActuatorStatus))
        assert (
            status.active_operation_mode_id == mode_of(battery.last(FRBCSystemDescription), -1e6, -20)["operation_mode"]
        )  # type: ignore[arg-type]
        gateway.says("override", "battery", "end")
        there.run(battery.told(instruct(there, battery, 600), "STARTED"))
        gateway.eventually(lambda: near(gateway, "battery", 600), "it charges again")
        later = instruct(there, battery, 900, after_s=3600)
        there.run(battery.told(later, "ACCEPTED"))
        there.run(battery.revoke(RevokableObjects.FRBC_Instruction, later))
        there.run(battery.told(later, "REVOKED"))
        assert near(gateway, "battery", 600), "what runs goes on"
        there.run(battery.select(ControlType.NO_SELECTION))
        gateway.eventually(lambda: near(gateway, "battery", 0), "nothing is asked any more")
        there.run(battery.select(ControlType.FILL_RATE_BASED_CONTROL))
        there.run(battery.told(instruct(there, battery, 900), "STARTED"))
        gateway.says("limit", "set", "cellar", "--appliance", "battery", "--upper", "300", "--for", "1h")
        gateway.eventually(lambda: (power := gateway.power("battery")) is not None and power <= 300, "the limit holds")
        assert there.run(battery.told(instruct(there, battery, 400), "REJECTED"))
        gateway.end()


@pytest.mark.slow
def test_every_category_of_the_house_is_offered_by_its_control_type(
    home: Path, tmp_path: Path, there: LoopThread
) -> None:
    cem = there.enter(S2PythonCem.listening())
    with running(home, demo_site(tmp_path, url=cem.url)) as gateway:
        managed = {name: there.run(cem.manager(name)) for name in DEMO}
        offered = {
            name: {control_type.value for control_type in each.details.available_control_types}
            for name, each in managed.items()
            if each.details is not None
        }
        for name in ("battery", "car", "boiler", "freezer"):
            assert offered[name] == {"FILL_RATE_BASED_CONTROL", "NOT_CONTROLABLE"}
        assert offered["washer"] == offered["dishwasher"] == {"POWER_PROFILE_BASED_CONTROL", "NOT_CONTROLABLE"}
        assert offered["generator"] == {"OPERATION_MODE_BASED_CONTROL", "NOT_CONTROLABLE"}
        assert offered["meter"] == offered["household"] == {"NOT_CONTROLABLE"}
        assert "POWER_ENVELOPE_BASED_CONTROL" in offered["pv"]
        for name, each in managed.items():
            assert isinstance(each.details, ResourceManagerDetails)
            there.run(each.select(each.details.available_control_types[0]))
            gateway.eventually(lambda each=each: each.messages, f"{name} tells")
        there.run(managed["pv"].hears(PEBCPowerConstraints))
        for name in ("battery", "car", "boiler", "freezer"):
            there.run(managed[name].hears(FRBCStorageStatus))
        refused = "generator: the energy manager answers INVALID_MESSAGE to OMBC.SystemDescription"
        gateway.eventually(lambda: refused in gateway.log, "s2-python takes no power that falls while another rises")
        assert gateway.health()["status"] == "ok"
        gateway.end()


@pytest.mark.slow
def test_an_energy_manager_disappears_and_returns(home: Path, tmp_path: Path, there: LoopThread) -> None:
    cem = there.enter(S2PythonCem.listening())
    with running(home, demo_site(tmp_path, url=cem.url, hold_s=3)) as gateway:
        battery = chosen(there, cem)
        there.run(battery.told(instruct(there, battery, 2000), "STARTED"))
        gateway.eventually(lambda: near(gateway, "battery", 2000), "it charges")
        there.run(battery.hang_up())
        returned = there.run(cem.manager("battery", after=battery))
        there.run(returned.select(ControlType.FILL_RATE_BASED_CONTROL))
        there.run(returned.hears(FRBCStorageStatus))
        there.run(returned.told(instruct(there, returned, -1000), "STARTED"))
        gateway.eventually(lambda: near(gateway, "battery", -1000), "it discharges")
        there.run(returned.hang_up())
        gateway.eventually(lambda: near(gateway, "battery", 0), "left alone for long enough it rests")
        gateway.end()


@pytest.mark.slow
def test_a_gateway_that_is_killed_amid_an_instruction_goes_on_with_it_and_the_energy_manager_begins_anew(
    home: Path, tmp_path: Path, there: LoopThread
) -> None:
    cem = there.enter(S2PythonCem.listening())
    site = demo_site(tmp_path, url=cem.url, hold_s=20)
    with running(home, site) as gateway:
        first = chosen(there, cem)
        there.run(first.told(instruct(there, first, 2000), "STARTED"))
        gateway.eventually(lambda: near(gateway, "battery", 2000), "it charges")
        resource = first.details.resource_id if first.details is not None else None
        os.kill(gateway.pid, signal.SIGKILL)
        gateway.process.wait()
    with running(home) as gateway:
        second = chosen(there, cem, after=first)
        assert second.details is not None
        assert second.details.resource_id == resource
        gateway.eventually(lambda: near(gateway, "battery", 2000), "what was promised stands")
        there.run(second.told(instruct(there, second, -700), "STARTED"))
        gateway.eventually(lambda: near(gateway, "battery", -700), "and gives way to what is asked anew")
        assert len(second.statuses) == 1
        gateway.end()


@pytest.mark.slow
def test_neither_bad_frames_nor_a_flood_nor_a_slow_reader_ends_the_process(
    home: Path, tmp_path: Path, there: LoopThread
) -> None:
    cem = there.enter(RawCem.listening())
    with running(home, demo_site(tmp_path, url=cem.url)) as gateway:
        battery, car = there.run(cem.caller("battery")), there.run(cem.caller("car"))
        there.run(battery.hears("Handshake"))
        life = gateway.instances()["cem"]
        for frame in ("", "[]", "{", "null", b"\x00\xff", "[" * 100_000, '{"message_type":"X","message_id":"a"}'):
            there.run(battery.send(frame))
        filler = (
            '{"message_type":"SessionRequest","message_id":"big","request":"RECONNECT","x":"' + "y" * 1_000_000 + '"}'
        )
        there.run(battery.send(filler))
        there.run(battery.say("HandshakeResponse", selected_protocol_version="0.0.2-beta"))
        there.run(battery.hears("ResourceManagerDetails"))
        there.run(battery.select("FILL_RATE_BASED_CONTROL"))
        there.run(battery.hears("FRBC.StorageStatus"))
        there.run(flood(car))
        there.run(battery.select("NO_SELECTION"))
        view = gateway.instances()["cem"]
        assert (view["state"], view["restarts"], view["pid"]) == ("running", 0, life["pid"])
        gateway.end()


async def flood(caller: Any) -> None:
    """Send as fast as can be until the other side has had enough, or for some thousand messages."""
    caller.reads.clear()
    with suppress(TimeoutError, ConnectionClosed):
        async with asyncio.timeout(20):
            for number in range(20_000):
                await caller.send(f'{{"message_type":"RevokeObject","message_id":"f{number}"}}')
    caller.reads.set()
