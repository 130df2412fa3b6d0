"""Devices written with another library become appliances, are steered, and report back; over real sockets."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
from efpi_driver_s2 import hand_back
from s2_gateway_end import OPEN, S2End
from s2python.common import InstructionStatus

from efi.allocation import AllocationStatus
from efi.commodity import Commodity, CommodityQuantity
from efi.inflexible import InflexibleCurtailmentOptions, InflexibleRegistration
from efi.message import ControlSpaceRevoke
from efi.output_adjustable import (
    OutputAdjustableRegistration,
    OutputAdjustableStateUpdate,
    OutputAdjustableSystemDescription,
)
from efi.registration import DeviceClass, EnergyRole
from efi.storage import StorageRegistration, StorageStateUpdate, StorageSystemDescription
from efi.time_shiftable import SequenceStatus, TimeShiftableRegistration, TimeShiftableStateUpdate
from efpi_core.plugin.condition import ConditionState
from tests.peers.raw_rm import RawRm
from tests.peers.s2_python_rm import Battery, Device, Generator, Meter, Panels, S2PythonRm, WashingMachine, named
from tests.support.certificates import a_certificate, trusting

L1 = CommodityQuantity.ELECTRIC_POWER_L1


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device to which nobody says anything is left to itself at once."""
    monkeypatch.setattr(hand_back, "HAND_BACK_S", 0.05)


def registration(gateway: S2End, name: str) -> Any:
    return gateway.sessions[name].space.registration


async def the_one(gateway: S2End) -> str:
    """The only appliance, once it is there."""
    return await gateway.until(lambda: next(iter(gateway.sessions), None))


async def test_a_battery_is_a_storage_that_charges_as_asked() -> None:
    async with S2End.running() as gateway, S2PythonRm(Battery()).calling(await gateway.url()) as rm:
        name = await the_one(gateway)
        assert name.startswith("s2-")
        description = await gateway.told(name, StorageSystemDescription)
        registered = registration(gateway, name)
        assert isinstance(registered, StorageRegistration) and registered.fill_level_unit == "%"
        assert registered.name == Battery.NAME and registered.manufacturer == "s2-python"
        assert registered.role_for(Commodity.ELECTRICITY) is EnergyRole.STORAGE
        assert gateway.flags[name] == (True, True)
        assert (await gateway.told(name, StorageStateUpdate)).fill_level == 50.0
        charge = description.actuators[0].modes[0].mode_id
        asked = await gateway.charge(name, charge, 0.5)
        await gateway.status(asked, AllocationStatus.FINISHED)
        assert gateway.said(asked) == ["accepted", "started", "finished"]
        assert rm.device.instructions[0].operation_mode_factor == 0.5
        await gateway.power(name, 1500.0)
        await gateway.until(
            lambda: (state := gateway.last(name, StorageStateUpdate)) and state.actuators[0].mode_id == charge
        )


async def test_a_washing_machine_is_time_shiftable_and_starts_when_asked() -> None:
    async with S2End.running() as gateway, S2PythonRm(WashingMachine()).calling(await gateway.url()) as rm:
        name = await the_one(gateway)
        asked = await gateway.start_work(name)
        await gateway.status(asked, AllocationStatus.STARTED)
        assert isinstance(registration(gateway, name), TimeShiftableRegistration)
        await gateway.power(name, 2000.0)
        state = await gateway.told(name, TimeShiftableStateUpdate)
        assert state.sequences[0].status is SequenceStatus.EXECUTING
        await rm.device.say_status(rm.device.instructions[0], InstructionStatus.SUCCEEDED)
        await gateway.status(asked, AllocationStatus.FINISHED)


async def test_a_generator_is_output_adjustable_and_runs_as_asked() -> None:
    async with S2End.running() as gateway, S2PythonRm(Generator()).calling(await gateway.url()):
        name = await the_one(gateway)
        state = await gateway.told(name, OutputAdjustableStateUpdate)
        assert isinstance(registration(gateway, name), OutputAdjustableRegistration)
        on = await other_mode(gateway, name, state.mode_id)
        asked = await gateway.run_mode(name, on)
        await gateway.status(asked, AllocationStatus.FINISHED)
        await gateway.power(name, -2000.0)


async def other_mode(gateway: S2End, name: str, mode_id: str) -> str:
    description = await gateway.told(name, OutputAdjustableSystemDescription)
    return next(mode for mode in description.mode_ids if mode != mode_id)


async def test_panels_are_inflexible_and_are_curtailed_as_asked() -> None:
    async with S2End.running() as gateway, S2PythonRm(Panels()).calling(await gateway.url()) as rm:
        name = await the_one(gateway)
        options = await gateway.told(name, InflexibleCurtailmentOptions)
        assert isinstance(registration(gateway, name), InflexibleRegistration) and gateway.flags[name][0]
        await gateway.power(name, -4000.0)
        asked = await gateway.curtail(name, -1000.0, options.options[0].quantity)
        await gateway.status(asked, AllocationStatus.STARTED)
        await gateway.power(name, -1000.0)
        assert rm.device.instructions[0].power_envelopes[0].power_envelope_elements[0].lower_limit == -1000.0


async def test_a_meter_is_measured_only() -> None:
    async with S2End.running() as gateway, S2PythonRm(Meter()).calling(await gateway.url()):
        name = await the_one(gateway)
        await gateway.power(name, 321.0)
        assert isinstance(registration(gateway, name), InflexibleRegistration)
        assert gateway.flags[name] == (False, True)


async def test_several_devices_are_here_at_once() -> None:
    kinds: list[Device] = [Battery(), WashingMachine(), Generator(), Panels(), Meter()]
    async with S2End.running() as gateway, contextlib.AsyncExitStack() as house:
        for device in kinds:
            await house.enter_async_context(S2PythonRm(device).calling(await gateway.url()))
        await gateway.until(lambda: len(gateway.measurements) == 4 and len(gateway.sessions) == 5)


async def test_a_device_that_offers_several_control_types_is_controlled_as_the_settings_prefer() -> None:
    devices = [{"resource_id": str(named(Battery.NAME)), "control": ["operation_mode"]}]
    battery, generator = Battery(), Generator()
    async with (
        S2End.running(listen=OPEN["listen"], devices=devices) as gateway,
        S2PythonRm(battery, generator).calling(await gateway.url()),
    ):
        name = await the_one(gateway)
        assert isinstance(registration(gateway, name), OutputAdjustableRegistration)
        assert (battery.activated, generator.activated) == (0, 1)


async def test_a_device_that_offers_other_control_types_later_is_chosen_anew() -> None:
    async with (
        S2End.running() as gateway,
        RawRm.calling(await gateway.url(), control_types=["NOT_CONTROLABLE"]) as rm,
    ):
        assert await rm.selected() == "NOT_CONTROLABLE"
        await gateway.until(lambda: isinstance(registration(gateway, "s2-battery1"), InflexibleRegistration))
        await rm.send({**rm.details, "message_id": "later", "available_control_types": ["FILL_RATE_BASED_CONTROL"]})
        await rm.hears("SelectControlType", 2)
        await gateway.told("s2-battery1", StorageSystemDescription)
        assert isinstance(registration(gateway, "s2-battery1"), StorageRegistration)
        await gateway.until(lambda: gateway.flags["s2-battery1"] == (True, True))


async def test_a_device_keeps_its_name_its_token_and_its_settings() -> None:
    devices = [
        {
            "name": "Cellar", "token": "battery-token", "device_class": "stationary_battery", "phases": ["l2"],
            "fill_level_unit": "J", "fill_level_scale": 360000.0,
        }
    ]  # fmt: skip
    secrets = {"battery-token": "let-me-in"}
    async with S2End.running(secrets=secrets, listen={"port": 0}, devices=devices) as gateway:
        async with S2PythonRm(Battery()).calling(await gateway.url(), token="let-me-in"):
            name = await the_one(gateway)
            state = await gateway.told(name, StorageStateUpdate)
            registered = registration(gateway, name)
            assert (registered.name, registered.device_class) == ("Cellar", DeviceClass.STATIONARY_BATTERY)
            assert registered.fill_level_unit == "J" and state.fill_level == 50 * 360000.0
        stored = gateway.stored
    async with (
        S2End.running(stored, secrets, listen={"port": 0}, devices=devices) as again,
        S2PythonRm(Battery()).calling(await again.url(), token="let-me-in"),
    ):
        assert await the_one(again) == name


async def test_a_stranger_stays_outside_and_the_instance_says_so() -> None:
    devices = [{"token": "battery-token"}]
    secrets = {"battery-token": "let-me-in"}
    async with S2End.running(secrets=secrets, listen={"port": 0}, devices=devices) as gateway:
        waiting = await gateway.condition(ConditionState.OFFLINE, "waiting_for_devices")
        assert "ws://127.0.0.1:" in waiting.text and waiting.cure
        for token in ("let-me-out", None):
            with pytest.raises(Exception, match="401"):
                async with RawRm.calling(await gateway.url(), token=token):
                    pass
        await gateway.until(lambda: any("token" in told.text for told in gateway.conditions[None]))
        assert "let-me" not in str(gateway.conditions) + str(gateway.logs)
        async with RawRm.calling(await gateway.url(), token="let-me-in"):
            await gateway.told("s2-battery1", StorageSystemDescription)


async def test_a_device_that_comes_back_is_the_same_appliance_and_what_was_asked_has_ended() -> None:
    async with S2End.running() as gateway:
        url = await gateway.url()
        async with RawRm.calling(url) as rm:
            rm.follows = ("ACCEPTED",)
            asked = await gateway.charge("s2-battery1", "charge", 1.0)
            await gateway.status(asked, AllocationStatus.ACCEPTED)
        away = await gateway.condition(ConditionState.OFFLINE, "left", "s2-battery1")
        assert away.cure and (await gateway.status(asked, AllocationStatus.ABORTED)).text
        assert gateway.last("s2-battery1", StorageSystemDescription) is None
        async with RawRm.calling(url):
            await gateway.told("s2-battery1", StorageSystemDescription)
            await gateway.condition(ConditionState.OK, "", "s2-battery1")
            again = await gateway.charge("s2-battery1", "charge", 1.0)
            await gateway.status(again, AllocationStatus.FINISHED)
        assert list(gateway.sessions) == ["s2-battery1"]


async def test_an_allocation_that_is_taken_back_is_revoked_and_the_device_is_left_to_itself(soon: None) -> None:
    async with S2End.running() as gateway, RawRm.calling(await gateway.url()) as rm:
        rm.follows = ("ACCEPTED",)
        asked = await gateway.charge("s2-battery1", "charge", 1.0, in_s=3600)
        await gateway.status(asked, AllocationStatus.ACCEPTED)
        gateway.take_back("s2-battery1", asked)
        revoked = await rm.hears("RevokeObject")
        assert revoked["object_type"] == "FRBC.Instruction"
        assert revoked["object_id"] == rm.all("FRBC.Instruction")[0]["id"]
        await gateway.status(asked, AllocationStatus.REVOKED)
        await rm.hears("SelectControlType", 3)
        chosen = [message["control_type"] for message in rm.all("SelectControlType")]
        assert chosen == ["FILL_RATE_BASED_CONTROL", "NO_SELECTION", "FILL_RATE_BASED_CONTROL"]
        again = await gateway.charge("s2-battery1", "charge", 1.0)
        await gateway.status(again, AllocationStatus.ACCEPTED)


async def test_without_an_app_the_device_is_left_to_itself(soon: None) -> None:
    async with S2End.running() as gateway, RawRm.calling(await gateway.url()) as rm:
        asked = await gateway.charge("s2-battery1", "charge", 1.0)
        await gateway.status(asked, AllocationStatus.FINISHED)
        gateway.disconnect("s2-battery1")
        await rm.until(lambda: len(rm.all("SelectControlType")) == 3, "it is chosen anew")
        await gateway.told("s2-battery1", StorageSystemDescription)


async def test_at_the_end_the_device_is_left_to_itself_and_asked_to_come_back() -> None:
    async with S2End.running() as gateway, RawRm.calling(await gateway.url()) as rm:
        rm.follows = ("ACCEPTED", "STARTED")
        asked = await gateway.charge("s2-battery1", "charge", 1.0)
        await gateway.status(asked, AllocationStatus.STARTED)
        await gateway.stop()
        assert gateway.stopped is not None and gateway.stopped.unsafe == ()
        assert (await rm.gone())[0] == 1001
        assert rm.all("SelectControlType")[-1]["control_type"] == "NO_SELECTION"
        assert rm.all("RevokeObject")[-1]["object_id"] == rm.all("FRBC.Instruction")[-1]["id"]
        assert rm.all("SessionRequest")[-1]["request"] == "RECONNECT"
        assert gateway.said(asked) == ["accepted", "started"], "what was promised stands until the gateway is back"
        assert gateway.last("s2-battery1", ControlSpaceRevoke) is None
        assert gateway.last("s2-battery1", StorageSystemDescription) is not None


async def test_what_stands_of_a_former_life_is_asked_again_and_accepted_once() -> None:
    async with S2End.running() as gateway:
        url = await gateway.url()
        async with RawRm.calling(url) as rm:
            rm.follows = ()
            asked = await gateway.charge("s2-battery1", "charge", 1.0)
            await rm.hears("FRBC.Instruction")
            allocation: Any = gateway.sessions["s2-battery1"].allocations[asked].allocation
    async with S2End.running() as gateway, RawRm.calling(await gateway.url()) as rm:
        await gateway.told("s2-battery1", StorageStateUpdate)
        gateway.stands(allocation, AllocationStatus.ACCEPTED)
        await gateway.status(asked, AllocationStatus.FINISHED)
        assert gateway.said(asked) == ["started", "finished"]
        assert len(rm.all("FRBC.Instruction")) == 1


async def test_links_are_encrypted_where_the_settings_name_a_certificate(tmp_path: Path) -> None:
    certificate = a_certificate(tmp_path)
    listen = {**OPEN["listen"], "certificate": str(certificate.certificate), "key": str(certificate.key)}
    async with S2End.running(listen=listen) as gateway:
        url = (await gateway.url()).replace("ws:", "wss:")
        async with S2PythonRm(Meter()).calling(url, tls=trusting(certificate)):
            await gateway.power(await the_one(gateway), 321.0)


async def test_a_certificate_that_is_none_is_named_with_its_cure(tmp_path: Path) -> None:
    listen = {**OPEN["listen"], "certificate": str(tmp_path / "none.pem"), "key": str(tmp_path / "none.key")}
    async with S2End.running(listen=listen) as gateway:
        told = await gateway.condition(ConditionState.MISCONFIGURED, "not_listening")
        assert "none.pem" in told.text and told.cure


async def test_a_server_that_others_can_listen_to_is_told() -> None:
    devices, secrets = [{"token": "battery-token"}], {"battery-token": "let-me-in"}
    async with S2End.running(secrets=secrets, listen={"port": 0, "host": "0.0.0.0"}, devices=devices) as gateway:
        url = await gateway.url()
        await gateway.condition(ConditionState.OFFLINE, "waiting_for_devices")
        async with RawRm.calling(url, token="let-me-in"):
            told = await gateway.condition(ConditionState.OK, "unencrypted")
            assert told.text and told.cure
