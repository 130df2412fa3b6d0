"""Whatever a device does, its session goes on or ends by name, and no other device notices."""

import asyncio
import contextlib
import json

import pytest
from efpi_driver_s2 import conversation, household, telling
from s2_gateway_end import OPEN, S2End
from websockets.exceptions import ConnectionClosed

from efi.allocation import AllocationStatus
from efi.s2.session_limits import SessionLimits
from efi.storage import StorageStateUpdate, StorageSystemDescription
from efpi_core.plugin.condition import ConditionState
from tests.peers.raw_rm import RawRm, battery, details, level, measurement, mode, new_id

NAME = "s2-battery1"
NIL = "00000000-0000-0000-0000-000000000000"


async def well(gateway: S2End, rm: RawRm, percent: float) -> None:
    """The session is as good as before: what the device says arrives, what it is asked it does."""
    assert await rm.asks(level(percent)) == "OK"
    await gateway.until(
        lambda: (state := gateway.last(NAME, StorageStateUpdate)) and abs(state.fill_level - percent) < 1e-9
    )
    asked = await gateway.charge(NAME, "charge", 1.0)
    await gateway.status(asked, AllocationStatus.FINISHED)


BAD_FRAMES: dict[str, str | bytes] = {
    "a list": "[]",
    "no object": '"hello"',
    "nothing": "",
    "broken JSON": '{"message_type": "FRBC.StorageStatus"',
    "no text": b"\xff\xfe\x00",
    "binary": b"\x00\x01\x02",
    "a number that is none": '{"message_type":"FRBC.StorageStatus","message_id":"ab","present_fill_level":NaN}',
    "an endless number": '{"message_type":"FRBC.StorageStatus","message_id":"ab","present_fill_level":1e999}',
    "an unknown type": '{"message_type":"FRBC.Weather","message_id":"ab"}',
    "no type": '{"message_id":"ab"}',
    "no id": '{"message_type":"FRBC.StorageStatus","present_fill_level":5}',
    "an id that is none": '{"message_type":"FRBC.StorageStatus","message_id":"a b","present_fill_level":5}',
    "a property too many": json.dumps({**level(5), "colour": "red"}),
    "deeply nested": "[" * 100_000,
    "a megabyte of nothing": " " * (1 << 20),
    "a megabyte of text": json.dumps({"message_type": "x" * (1 << 20)}),
    "a key twice": '{"message_type":"FRBC.StorageStatus","message_id":"ab","message_id":"cd","present_fill_level":5}',
    "a message of ours": json.dumps({
        "message_type": "SelectControlType", "message_id": "ab", "control_type": "NO_SELECTION",
    }),
    "the wrong control type": json.dumps({
        "message_type": "OMBC.Status", "message_id": "ab", "active_operation_mode_id": "on", "operation_mode_factor": 1,
    }),
    "an unknown actuator": json.dumps(mode("charge", actuator="nobody")),
    "an unknown mode": json.dumps(mode("overdrive")),
    "a factor beyond all": json.dumps(mode("charge", factor=7.5)),
    "a status of nothing": json.dumps({
        "message_type": "InstructionStatusUpdate", "message_id": "ab", "instruction_id": "nobody",
        "status_type": "SUCCEEDED", "timestamp": "2026-01-01T00:00:00Z",
    }),
    "an answer to nothing": json.dumps({
        "message_type": "ReceptionStatus", "subject_message_id": "nobody", "status": "INVALID_CONTENT",
    }),
    "an answer to what could not be read": json.dumps({
        "message_type": "ReceptionStatus", "subject_message_id": NIL, "status": "INVALID_DATA",
    }),
    "a revocation of nothing": json.dumps({
        "message_type": "RevokeObject", "message_id": "ab", "object_type": "FRBC.SystemDescription",
        "object_id": "nobody",
    }),
}  # fmt: skip


async def test_no_single_frame_ends_a_session() -> None:
    async with S2End.running() as gateway, RawRm.calling(await gateway.url()) as rm:
        await gateway.told(NAME, StorageSystemDescription)
        for number, (what, frame) in enumerate(BAD_FRAMES.items()):
            await rm.send(frame)
            assert await rm.asks(level(40 + number / 10)) == "OK", what
        await well(gateway, rm, 77.0)
        assert rm.closed is None
        answers = [answer["status"] for answer in rm.all("ReceptionStatus") if answer["status"] != "OK"]
        assert len(answers) == len([what for what in BAD_FRAMES if not what.startswith("an answer")])
        degraded = await gateway.condition(ConditionState.DEGRADED, "wrong_messages", NAME)
        assert degraded.cure


async def test_a_null_stands_for_what_is_absent() -> None:
    async with S2End.running() as gateway, RawRm.calling(await gateway.url(), name=None, currency=None) as rm:
        await gateway.told(NAME, StorageSystemDescription)
        assert (
            await rm.asks({**mode("charge"), "previous_operation_mode_id": None, "transition_timestamp": None}) == "OK"
        )
        await well(gateway, rm, 60.0)


async def test_a_device_that_skips_its_handshake_is_taken_all_the_same() -> None:
    async with S2End.running() as gateway, RawRm.calling(await gateway.url(), behaves=False) as rm:
        rm.describes = True
        await rm.send(details("battery1"))
        assert await rm.selected() == "FILL_RATE_BASED_CONTROL"
        await gateway.told(NAME, StorageSystemDescription)
        await well(gateway, rm, 60.0)


async def test_a_device_that_speaks_no_version_of_ours_is_told_and_named() -> None:
    async with S2End.running() as gateway, RawRm.calling(await gateway.url(), behaves=False) as rm:
        await rm.say("Handshake", role="RM", supported_protocol_versions=["7.0"])
        assert (await rm.gone())[0] == 1008
        told = await gateway.condition(ConditionState.OFFLINE, "protocol_mismatch")
        assert "7.0" in told.text and told.cure


async def test_a_device_that_acknowledges_nothing_is_steered_all_the_same() -> None:
    async with S2End.running() as gateway, RawRm.calling(await gateway.url()) as rm:
        rm.acknowledges = False
        await gateway.told(NAME, StorageSystemDescription)
        await well(gateway, rm, 60.0)


async def test_a_device_that_acknowledges_everything_twice_is_steered_all_the_same() -> None:
    async with S2End.running() as gateway, RawRm.calling(await gateway.url()) as rm:
        await gateway.told(NAME, StorageSystemDescription)
        for message in [message for message in rm.heard if "message_id" in message]:
            await rm.acknowledge(message["message_id"])
        await well(gateway, rm, 60.0)


async def test_a_device_that_refuses_an_instruction_has_the_allocation_rejected_with_its_reason() -> None:
    async with S2End.running() as gateway, RawRm.calling(await gateway.url()) as rm:
        rm.follows = ("REJECTED",)
        asked = await gateway.charge(NAME, "charge", 1.0)
        await gateway.status(asked, AllocationStatus.REJECTED)
        rm.follows = ("ACCEPTED", "STARTED", "ABORTED")
        asked = await gateway.charge(NAME, "charge", 1.0)
        await gateway.status(asked, AllocationStatus.ABORTED)


async def test_a_device_that_cannot_read_an_instruction_has_the_allocation_rejected() -> None:
    async with S2End.running() as gateway, RawRm.calling(await gateway.url()) as rm:
        await gateway.told(NAME, StorageStateUpdate)
        rm.acknowledges, rm.follows = False, ()
        asked = await gateway.charge(NAME, "charge", 1.0)
        instruction = await rm.hears("FRBC.Instruction")
        await rm.acknowledge(instruction["message_id"], "INVALID_CONTENT")
        assert "INVALID_CONTENT" in (await gateway.status(asked, AllocationStatus.REJECTED)).text


async def test_a_device_that_never_says_whether_it_follows_has_the_allocation_rejected_and_is_named() -> None:
    async with (
        S2End.running(listen=OPEN["listen"], answer_within_s=1) as gateway,
        RawRm.calling(await gateway.url()) as rm,
    ):
        rm.follows = ()
        asked = await gateway.charge(NAME, "charge", 1.0)
        assert (await gateway.status(asked, AllocationStatus.REJECTED)).text
        await gateway.condition(ConditionState.DEGRADED, "no_status", NAME)
        revoked = await rm.hears("RevokeObject")
        assert revoked["object_id"] == rm.all("FRBC.Instruction")[0]["id"], "it is not to follow later"
        rm.follows = ("ACCEPTED", "STARTED", "SUCCEEDED")
        again = await gateway.charge(NAME, "charge", 0.5)
        await gateway.status(again, AllocationStatus.FINISHED)


async def test_statuses_that_come_late_twice_or_backwards_harm_nothing() -> None:
    async with S2End.running() as gateway, RawRm.calling(await gateway.url()) as rm:
        rm.follows = ("SUCCEEDED", "STARTED", "ACCEPTED", "SUCCEEDED", "NEW")
        asked = await gateway.charge(NAME, "charge", 1.0)
        await gateway.status(asked, AllocationStatus.FINISHED)
        rm.follows = ("STARTED", "STARTED", "NEW", "REVOKED")
        asked = await gateway.charge(NAME, "charge", 0.5)
        await gateway.status(asked, AllocationStatus.REVOKED)
        rm.follows = ("ACCEPTED", "STARTED", "SUCCEEDED")
        await well(gateway, rm, 60.0)


async def test_of_two_connections_of_one_device_the_newer_counts_and_the_older_is_told() -> None:
    async with S2End.running() as gateway, contextlib.AsyncExitStack() as both:
        older = await both.enter_async_context(RawRm.calling(await gateway.url()))
        older.follows = ("ACCEPTED",)
        asked = await gateway.charge(NAME, "charge", 1.0)
        await gateway.status(asked, AllocationStatus.ACCEPTED)
        newer = await both.enter_async_context(RawRm.calling(await gateway.url()))
        code, reason = await older.gone()
        assert code == 1000 and "newer" in reason
        assert older.all("SessionRequest")[-1]["request"] == "TERMINATE"
        await gateway.status(asked, AllocationStatus.ABORTED)
        await gateway.told(NAME, StorageSystemDescription)
        await well(gateway, newer, 60.0)
        assert newer.closed is None
        await gateway.condition(ConditionState.OK, "", NAME)


async def test_nobody_takes_the_place_of_a_device_by_its_id_alone() -> None:
    devices = [{"token": "battery-token"}, {"token": "boiler-token"}]
    secrets = {"battery-token": "let-battery-in", "boiler-token": "let-boiler-in"}
    async with S2End.running(secrets=secrets, listen={"port": 0}, devices=devices) as gateway:
        url = await gateway.url()
        async with RawRm.calling(url, token="let-battery-in") as rm:
            await gateway.told(NAME, StorageSystemDescription)
            async with RawRm.calling(url, token="let-boiler-in") as impostor:
                assert (await impostor.gone())[0] == 1008
                told = await gateway.condition(ConditionState.DEGRADED, "identity_taken")
                assert told.cure and "let-" not in told.text
            await well(gateway, rm, 60.0)
            assert rm.closed is None


async def test_a_device_that_becomes_another_within_a_session_has_to_connect_anew() -> None:
    async with S2End.running() as gateway, RawRm.calling(await gateway.url()) as rm:
        await gateway.told(NAME, StorageSystemDescription)
        await rm.send(details("somebody-else"))
        assert (await rm.gone())[0] == 1008
        await gateway.condition(ConditionState.OFFLINE, "identity_changed", NAME)


async def test_there_is_room_for_so_many_devices() -> None:
    async with S2End.running(listen=OPEN["listen"], most_devices=1) as gateway:
        url = await gateway.url()
        async with RawRm.calling(url) as rm:
            await gateway.told(NAME, StorageSystemDescription)
            async with RawRm.calling(url, "battery2") as second:
                assert (await second.gone())[0] == 1008
            await gateway.condition(ConditionState.DEGRADED, "too_many_devices")
            await well(gateway, rm, 60.0)


async def test_useless_messages_in_a_flood_end_the_session_by_name_and_no_other() -> None:
    async with S2End.running() as gateway, contextlib.AsyncExitStack() as both:
        flooder = await both.enter_async_context(RawRm.calling(await gateway.url(), "flooder"))
        rm = await both.enter_async_context(RawRm.calling(await gateway.url()))
        await gateway.told("s2-flooder", StorageSystemDescription)
        await gateway.told(NAME, StorageSystemDescription)
        with contextlib.suppress(Exception):
            for _ in range(500):
                await flooder.send("[]")
        assert (await flooder.gone())[0] == 1008
        await gateway.condition(ConditionState.OFFLINE, "flood", "s2-flooder")
        await well(gateway, rm, 60.0)


async def test_a_device_that_changes_what_it_can_do_all_the_time_loses_its_link_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(telling, "AT_ONCE", 100)
    async with S2End.running() as gateway, contextlib.AsyncExitStack() as both:
        restless = await both.enter_async_context(RawRm.calling(await gateway.url(), "restless"))
        rm = await both.enter_async_context(RawRm.calling(await gateway.url()))
        await gateway.told("s2-restless", StorageSystemDescription)
        with contextlib.suppress(ConnectionClosed):
            for number in range(300):
                changed = battery()
                changed["storage"]["fill_level_label"] = f"unit {number}"
                await restless.send(changed)
        assert (await restless.gone())[0] == 1008
        told = await gateway.condition(ConditionState.OFFLINE, "flood", "s2-restless")
        assert "changes" in told.text
        await well(gateway, rm, 60.0)


async def test_a_device_that_does_not_say_what_it_can_do_is_named_until_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversation, "DESCRIBE_WITHIN_S", 0.0)
    monkeypatch.setattr(household, "TICK_S", 0.05)
    async with S2End.running() as gateway, RawRm.calling(await gateway.url(), behaves=False) as rm:
        await rm.say("Handshake", role="RM", supported_protocol_versions=["0.0.2-beta"])
        await rm.send(rm.details)
        await rm.selected()
        told = await gateway.condition(ConditionState.DEGRADED, "no_description")
        assert NAME in told.text and told.cure
        for message in (battery(), level(50), mode("rest")):
            await rm.send(message)
        await gateway.condition(ConditionState.OK, "")
        await well(gateway, rm, 60.0)


async def test_a_device_that_offers_nothing_that_is_known_here_is_named() -> None:
    async with S2End.running() as gateway:
        url = await gateway.url()
        async with RawRm.calling(url, control_types=["NO_SELECTION"]) as rm:
            told = await gateway.condition(ConditionState.DEGRADED, "no_control_type")
            assert NAME in told.text and told.cure
            assert rm.closed is None


async def test_a_device_that_connects_and_says_nothing_is_named_and_parted_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(household, "TICK_S", 0.05)
    monkeypatch.setattr(conversation, "LIMITS", SessionLimits(handshake_within_s=0.2))
    async with S2End.running() as gateway, RawRm.calling(await gateway.url(), behaves=False) as rm:
        assert (await rm.gone())[0] == 1008
        told = await gateway.condition(ConditionState.OFFLINE, "no_handshake")
        assert told.cure


async def test_a_device_that_is_asked_much_and_answers_all_of_it_floods_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "AT_ONCE", 20)
    async with S2End.running() as gateway, RawRm.calling(await gateway.url()) as rm:
        for number in range(60):
            asked = await gateway.charge(NAME, "charge", number / 60)
            await gateway.status(asked, AllocationStatus.FINISHED)
        assert rm.closed is None


async def test_hostile_texts_are_harmless() -> None:
    evil = "\u001b[31m<script>alert(1)</script>\u202e\n" * 3
    async with S2End.running() as gateway, RawRm.calling(
        await gateway.url(), name=evil, manufacturer=evil, model="x" * 5000, serial_number="\u0007", firmware_version=""
    ) as rm:  # fmt: skip
        await gateway.told(NAME, StorageSystemDescription)
        registered = gateway.sessions[NAME].space.registration
        assert registered is not None and min(registered.name) >= " "
        await rm.say("SessionRequest", request="TERMINATE", diagnostic_label=evil)
        told = await gateway.condition(ConditionState.OFFLINE, "left", NAME)
        assert told.text


async def test_a_device_with_a_hostile_id_has_a_decent_name() -> None:
    async with S2End.running() as gateway, RawRm.calling(await gateway.url(), "::--__::" * 8) as rm:
        await rm.selected()
        name = await gateway.until(lambda: next(iter(gateway.sessions), None))
        assert name.startswith("s2-device-") and len(name) < 64


async def test_a_device_that_asks_for_another_connection_gets_it() -> None:
    async with S2End.running() as gateway:
        url = await gateway.url()
        async with RawRm.calling(url) as rm:
            await gateway.told(NAME, StorageSystemDescription)
            await rm.say("SessionRequest", request="RECONNECT")
            await rm.gone()
        async with RawRm.calling(url) as rm:
            await gateway.told(NAME, StorageSystemDescription)
            await well(gateway, rm, 60.0)


async def test_a_storm_of_connections_is_slowed_down() -> None:
    devices, secrets = [{"token": "battery-token"}], {"battery-token": "let-me-in"}
    async with S2End.running(secrets=secrets, listen={"port": 0}, devices=devices) as gateway:
        url = await gateway.url()
        with pytest.raises(Exception, match="429"):
            for _ in range(50):
                async with RawRm.calling(url, token="let-me-in", behaves=False):
                    pass


async def test_messages_before_their_time_are_refused_and_forgotten() -> None:
    async with S2End.running() as gateway, RawRm.calling(await gateway.url(), behaves=False) as rm:
        for early in (level(10), battery(), measurement(5)):
            assert await rm.asks(early) == "INVALID_CONTENT"
        await rm.say("Handshake", role="RM", supported_protocol_versions=["0.0.2-beta"])
        rm.describes = True
        await rm.send(details("battery1"))
        await gateway.told(NAME, StorageSystemDescription)
        await well(gateway, rm, 60.0)


async def test_every_message_is_acknowledged_before_anything_is_done_about_it() -> None:
    async with S2End.running() as gateway, RawRm.calling(await gateway.url()) as rm:
        await rm.selected()
        kinds = [(message["message_type"], message.get("subject_message_id")) for message in rm.heard]
        answered = kinds.index(("ReceptionStatus", rm.details["message_id"]))
        assert answered < kinds.index(("SelectControlType", None))


async def test_many_devices_come_and_go_and_none_is_lost() -> None:
    async def life(url: str, number: int) -> None:
        for _ in range(2):
            async with RawRm.calling(url, f"device{number}") as rm:
                await rm.hears("SelectControlType")
                assert await rm.asks({**level(number), "message_id": new_id()}) == "OK"

    async with S2End.running() as gateway:
        url = await gateway.url()
        await asyncio.gather(*(life(url, number) for number in range(5)))
        await gateway.until(lambda: len(gateway.sessions) == 5)
