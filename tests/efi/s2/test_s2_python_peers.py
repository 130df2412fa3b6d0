"""Our S2 session in conversation with s2-python's own ends, over a pair of queues instead of a socket."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from s2python import common as s2
from s2python import frbc
from s2python.connection.asset_details import AssetDetails
from s2python.connection.async_.connection import S2AsyncConnection
from s2python.connection.async_.control_type.class_based import FRBCControlType, ResourceManagerHandler
from s2python.connection.async_.medium.s2_medium import S2AsyncMediumConnection, UnparsedMediumData

from efi.s2.cem_session import CemSession
from efi.s2.codec import dump
from efi.s2.conversation import InstructionStatus, InstructionStatusUpdate, ReceptionStatus, SessionRequestType
from efi.s2.frbc import FRBCInstruction, FRBCStorageStatus, FRBCSystemDescription
from efi.s2.outcome import ControlTypeChanged, Declined, EndingKind, Event, NotDelivered, Outcome, Received, Warned
from efi.s2.profile import Profile
from efi.s2.rm_session import RmSession
from efi.s2.session import Session
from tests.efi.s2 import messages_of_s2 as m

PATIENCE_S = 20


class Wire(S2AsyncMediumConnection):
    """s2-python's end of a pair of queues."""

    def __init__(self) -> None:
        self.to_peer: asyncio.Queue[str] = asyncio.Queue()
        self.from_peer: asyncio.Queue[bytes] = asyncio.Queue()

    async def is_connected(self) -> bool:
        return True

    async def messages(self) -> AsyncGenerator[UnparsedMediumData, None]:
        while True:
            yield await self.from_peer.get()

    async def send(self, message: str) -> None:
        await self.to_peer.put(message)


class Ours:
    """Our end: the session, and what happened."""

    def __init__(self, session: Session, wire: Wire) -> None:
        self.session = session
        self.wire = wire
        self.events: list[Event] = []
        self.on: Callable[[Event], None] = lambda event: None

    def take(self, outcome: Outcome) -> None:
        assert outcome.refusal is None, outcome.refusal
        for message in outcome.to_peer:
            self.wire.from_peer.put_nowait(dump(message))
        for event in outcome.events:
            self.events.append(event)
            self.on(event)

    async def run(self) -> None:
        self.take(self.session.start(0))
        while self.session.ending is None:
            self.take(self.session.receive(await self.wire.to_peer.get(), 0))

    def troubles(self) -> list[Event]:
        return [each for each in self.events if isinstance(each, Declined | Warned | NotDelivered)]


async def converse(ours: Ours, theirs: S2AsyncConnection, story: Callable[[], Awaitable[None]]) -> None:
    """Let both ends run until the story is told."""
    tasks = [asyncio.create_task(ours.run()), asyncio.create_task(theirs.run())]
    try:
        async with asyncio.timeout(PATIENCE_S):
            await story()
    finally:
        await theirs.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# Their resource manager -----------------------------------------------------------------------------------------------

ACTUATOR, REST, CHARGE = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()


def their_mode(name: uuid.UUID, watts: float) -> frbc.FRBCOperationMode:
    return frbc.FRBCOperationMode(
        id=name,
        elements=[
            frbc.FRBCOperationModeElement(
                fill_level_range=s2.NumberRange(start_of_range=0, end_of_range=100),
                fill_rate=s2.NumberRange(start_of_range=0, end_of_range=watts / 36000),
                power_ranges=[
                    s2.PowerRange(
                        start_of_range=0,
                        end_of_range=watts,
                        commodity_quantity=s2.CommodityQuantity.ELECTRIC_POWER_L1,
                    )
                ],
            )
        ],
        abnormal_condition_only=False,
    )


class TheirBattery(FRBCControlType):
    """A battery as s2-python's users write it: it tells what it can do, obeys, and says so."""

    def __init__(self) -> None:
        self.obeyed = asyncio.Event()
        self.left = asyncio.Event()

    async def activate(self, connection: S2AsyncConnection) -> None:
        await connection.send_msg_and_await_reception_status(
            frbc.FRBCSystemDescription(
                message_id=uuid.uuid4(),
                valid_from=datetime.now(UTC),
                actuators=[
                    frbc.FRBCActuatorDescription(
                        id=ACTUATOR,
                        supported_commodities=[s2.Commodity.ELECTRICITY],
                        operation_modes=[their_mode(REST, 0), their_mode(CHARGE, 3000)],
                        transitions=[],
                        timers=[],
                    )
                ],
                storage=frbc.FRBCStorageDescription(
                    provides_leakage_behaviour=False,
                    provides_fill_level_target_profile=False,
                    provides_usage_forecast=False,
                    fill_level_range=s2.NumberRange(start_of_range=0, end_of_range=100),
                ),
            )
        )
        await connection.send_msg_and_await_reception_status(
            frbc.FRBCStorageStatus(message_id=uuid.uuid4(), present_fill_level=40)
        )

    async def deactivate(self, connection: S2AsyncConnection) -> None:
        self.left.set()

    async def handle_instruction(self, connection: S2AsyncConnection, msg: Any, send_okay: Any) -> None:
        await send_okay()
        for status in (s2.InstructionStatus.ACCEPTED, s2.InstructionStatus.STARTED, s2.InstructionStatus.SUCCEEDED):
            await connection.send_msg_and_await_reception_status(
                s2.InstructionStatusUpdate(
                    message_id=uuid.uuid4(), instruction_id=msg.id, status_type=status, timestamp=datetime.now(UTC)
                )
            )
        self.obeyed.set()


def their_details() -> AssetDetails:
    return AssetDetails(
        resource_id=uuid.uuid4(),
        provides_forecast=False,
        provides_power_measurements=[s2.CommodityQuantity.ELECTRIC_POWER_L1],
        instruction_processing_delay=s2.Duration.from_milliseconds(100),
        roles=[s2.Role(role=s2.RoleType.ENERGY_STORAGE, commodity=s2.Commodity.ELECTRICITY)],
        name="battery",
    )


def uuids() -> str:
    return str(uuid.uuid4())


async def test_a_battery_of_s2python_is_understood_steered_and_left() -> None:
    wire, battery = Wire(), TheirBattery()
    session = CemSession(new_id=uuids)
    ours = Ours(session, wire)
    theirs = S2AsyncConnection(wire)
    ResourceManagerHandler([battery], their_details()).register_handlers(theirs)

    def on(event: Event) -> None:
        match event:
            case Received(message) if message is session.details:
                ours.take(session.select(m.FRBC, 0))
            case Received(FRBCStorageStatus()):
                ours.take(session.send(instruction, 0))
            case _:
                pass

    instruction = FRBCInstruction(
        message_id=uuids(),
        id=uuids(),
        actuator_id=str(ACTUATOR),
        operation_mode=str(CHARGE),
        operation_mode_factor=1,
        execution_time=datetime.now(UTC),
        abnormal_condition=False,
    )
    ours.on = on

    async def story() -> None:
        await battery.obeyed.wait()
        ours.take(session.finish(SessionRequestType.TERMINATE, "enough", 0))

    await converse(ours, theirs, story)
    assert session.profile is Profile.BETA
    assert ours.troubles() == []
    received = [each.message for each in ours.events if isinstance(each, Received)]
    assert [type(each) for each in received[1:3]] == [FRBCSystemDescription, FRBCStorageStatus]
    statuses = [each.status_type for each in received if isinstance(each, InstructionStatusUpdate)]
    assert statuses == [InstructionStatus.ACCEPTED, InstructionStatus.STARTED, InstructionStatus.SUCCEEDED]
    assert len(session.instructions) == 0
    assert session.ending is not None and session.ending.kind is EndingKind.ENDED_HERE


# Their energy manager -------------------------------------------------------------------------------------------------


class TheirManager:
    """An energy manager of s2-python's parts. It never says a Handshake of its own, as FlexMeasures' does not."""

    def __init__(self, connection: S2AsyncConnection) -> None:
        self.connection = connection
        self.finished = asyncio.Event()
        for kind, handler in (
            (s2.Handshake, self.shake),
            (s2.ResourceManagerDetails, self.select),
            (frbc.FRBCSystemDescription, self.instruct),
            (s2.InstructionStatusUpdate, self.follow),
        ):
            connection.register_handler(kind, handler)

    async def shake(self, connection: S2AsyncConnection, msg: Any, send_okay: Any) -> None:
        await send_okay()
        await connection.send_msg_and_await_reception_status(
            s2.HandshakeResponse(message_id=uuid.uuid4(), selected_protocol_version="0.0.2-beta")
        )

    async def select(self, connection: S2AsyncConnection, msg: Any, send_okay: Any) -> None:
        # Before it acknowledges the details, as some do.
        await connection.send_msg_and_await_reception_status(
            s2.SelectControlType(message_id=uuid.uuid4(), control_type=s2.ControlType.FILL_RATE_BASED_CONTROL)
        )
        await send_okay()

    async def instruct(self, connection: S2AsyncConnection, msg: Any, send_okay: Any) -> None:
        await send_okay()
        actuator = msg.actuators[0]
        await connection.send_msg_and_await_reception_status(
            frbc.FRBCInstruction(
                message_id=uuid.uuid4(),
                id=uuid.uuid4(),
                actuator_id=actuator.id,
                operation_mode=actuator.operation_modes[1].id,
                operation_mode_factor=1,
                execution_time=datetime.now(UTC),
                abnormal_condition=False,
            )
        )

    async def follow(self, connection: S2AsyncConnection, msg: Any, send_okay: Any) -> None:
        await send_okay()
        if msg.status_type is s2.InstructionStatus.SUCCEEDED:
            self.finished.set()


def with_uuids(message: Any) -> Any:
    """A message whose ids s2-python reads."""
    names: dict[str, str] = {}

    def exchanged(part: Any, key: str = "") -> Any:
        if isinstance(part, dict):
            return {name: exchanged(value, name) for name, value in part.items()}
        if isinstance(part, list | tuple):
            return tuple(exchanged(value, key) for value in part)
        is_id = key.endswith("id") or key in ("from_", "to", "start_timers", "blocking_timers", "operation_mode")
        return names.setdefault(part, uuids()) if is_id and isinstance(part, str) else part

    return type(message)(**exchanged(message.model_dump(by_alias=False)))


async def test_an_energy_manager_of_s2python_steers_our_battery() -> None:
    wire = Wire()
    session = RmSession(with_uuids(m.details(m.FRBC)), new_id=uuids)
    ours = Ours(session, wire)
    manager = TheirManager(S2AsyncConnection(wire))

    def on(event: Event) -> None:
        match event:
            case ControlTypeChanged(control_type, _) if control_type is m.FRBC:
                ours.take(session.send(with_uuids(m.battery()), 0))
                ours.take(session.send(with_uuids(m.level()), 0))
            case Received(FRBCInstruction() as instruction):
                for status in (InstructionStatus.ACCEPTED, InstructionStatus.STARTED, InstructionStatus.SUCCEEDED):
                    update = m.came_to(instruction.id, status).model_copy(update={"message_id": uuids()})
                    ours.take(session.send(update, 0))
            case _:
                pass

    ours.on = on
    await converse(ours, manager.connection, manager.finished.wait)
    assert session.profile is Profile.BETA
    assert ours.troubles() == []
    assert len(session.instructions) == 0


@pytest.mark.parametrize("frame", [b"[]", b"{", b'{"message_type":"Handshake"}', b'{"message_id":"m1"}'])
async def test_what_we_answer_to_nonsense_is_read_by_s2python(frame: bytes) -> None:
    (answer,) = (
        each for each in CemSession(new_id=uuids).receive(frame, 0).to_peer if isinstance(each, ReceptionStatus)
    )
    # s2-python knows ids only as UUIDs; the subject of what could be read is the peer's own.
    if answer.subject_message_id != "m1":
        assert s2.ReceptionStatus.from_json(dump(answer).decode()).status.value == answer.status.value
