"""Devices written with s2-python, one of each control type that it gets right; each calls on an energy manager.

s2-python brings messages, connection, acknowledgement and the order of the session; the devices behind it are here.
"""

import asyncio
import ssl
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

from s2python.common import (
    Commodity,
    CommodityQuantity,
    Duration,
    InstructionStatus,
    InstructionStatusUpdate,
    NumberRange,
    PowerForecastValue,
    PowerMeasurement,
    PowerRange,
    PowerValue,
    RevokeObject,
    Role,
    RoleType,
    SessionRequest,
    Transition,
)
from s2python.connection import AssetDetails
from s2python.connection.async_ import S2AsyncConnection
from s2python.connection.async_.control_type.class_based import (
    FRBCControlType,
    NoControlControlType,
    OMBCControlType,
    PEBCControlType,
    PPBCControlType,
    ResourceManagerHandler,
    S2ControlType,
)
from s2python.frbc import (
    FRBCActuatorDescription,
    FRBCActuatorStatus,
    FRBCOperationMode,
    FRBCOperationModeElement,
    FRBCStorageDescription,
    FRBCStorageStatus,
    FRBCSystemDescription,
)
from s2python.generated.gen_s2 import (
    PEBCPowerEnvelopeConsequenceType,
    PEBCPowerEnvelopeLimitType,
    PPBCPowerSequenceStatus,
)
from s2python.ombc import OMBCOperationMode, OMBCStatus, OMBCSystemDescription
from s2python.pebc import PEBCAllowedLimitRange, PEBCPowerConstraints
from s2python.ppbc import (
    PPBCPowerProfileDefinition,
    PPBCPowerProfileStatus,
    PPBCPowerSequence,
    PPBCPowerSequenceContainer,
    PPBCPowerSequenceContainerStatus,
    PPBCPowerSequenceElement,
)
from websockets.asyncio.client import ClientConnection, connect

from tests.peers.socket_medium import SocketMedium

PATIENCE_S = 30.0
POWER = CommodityQuantity.ELECTRIC_POWER_L1
T = TypeVar("T")


def named(seed: str) -> uuid.UUID:
    """An id that is the same in each life of a device."""
    return uuid.uuid5(uuid.NAMESPACE_DNS, seed)


def new() -> uuid.UUID:
    """An id of its own for each message."""
    return uuid.uuid4()


def power(start: float, end: float | None = None) -> list[PowerRange]:
    """The power of a mode."""
    return [PowerRange(start_of_range=start, end_of_range=start if end is None else end, commodity_quantity=POWER)]


class Device:
    """What all devices have: how often they were chosen and left, the instructions they took, and a way to answer."""

    def __init__(self) -> None:
        self.connection: S2AsyncConnection | None = None
        self.activated = self.deactivated = 0
        self.instructions: list[Any] = []
        self.revoked: list[str] = []
        self.answers: tuple[InstructionStatus, ...] = (
            InstructionStatus.ACCEPTED, InstructionStatus.STARTED, InstructionStatus.SUCCEEDED,
        )  # fmt: skip
        """What is said of each instruction at once."""
        self.news = asyncio.Event()

    async def say(self, message: Any) -> None:
        """Send a message and wait until it is acknowledged with OK."""
        assert self.connection is not None
        await self.connection.send_msg_and_await_reception_status(message, timeout_reception_status=PATIENCE_S)

    async def tell(self) -> None:
        """Say what it can do and how it is."""

    async def act(self, instruction: Any) -> None:
        """Do as told, and say how it is then."""

    async def activate(self, connection: S2AsyncConnection) -> None:
        """Its control type was chosen."""
        self.connection = connection
        self.activated += 1
        self.news.set()
        await self.tell()

    async def deactivate(self, connection: S2AsyncConnection) -> None:
        """Its control type was left."""
        self.deactivated += 1
        self.news.set()

    async def handle_instruction(self, connection: S2AsyncConnection, instruction: Any, send_okay: Any) -> None:
        """An instruction came."""
        await send_okay()
        self.instructions.append(instruction)
        for status in self.answers:
            await self.say_status(instruction, status)
            if status is InstructionStatus.STARTED:
                await self.act(instruction)
        self.news.set()

    async def say_status(self, instruction: Any, status: InstructionStatus) -> None:
        """How far an instruction has come."""
        await self.say(
            InstructionStatusUpdate(
                message_id=new(), instruction_id=instruction.id, status_type=status, timestamp=datetime.now(UTC)
            )
        )

    async def measure(self, power_w: float) -> None:
        """Say what it draws."""
        value = PowerValue(commodity_quantity=POWER, value=power_w)
        await self.say(PowerMeasurement(message_id=new(), measurement_timestamp=datetime.now(UTC), values=[value]))

    async def until(self, look: Callable[[], T | None], what: str) -> T:
        """The first answer that is true."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    self.news.clear()
                    if found := look():
                        return found
                    await self.news.wait()
        except TimeoutError:
            raise AssertionError(what) from None


class Battery(Device, FRBCControlType):
    """10 kWh, 3 kW either way; one mode that charges, one that rests, one that discharges. Its level is in %."""

    CHARGE, REST, DISCHARGE, ACTUATOR = named("charge"), named("rest"), named("discharge"), named("inverter")
    NAME, ROLE = "s2-python battery", RoleType.ENERGY_STORAGE

    def __init__(self) -> None:
        super().__init__()
        self.level, self.mode, self.factor = 50.0, self.REST, 1.0

    def _mode(self, name: uuid.UUID, label: str, low_w: float, high_w: float) -> FRBCOperationMode:
        def rate(power_w: float) -> float:
            return power_w / 36_000_000 * 100

        element = FRBCOperationModeElement(
            fill_level_range=NumberRange(start_of_range=0.0, end_of_range=100.0),
            fill_rate=NumberRange(start_of_range=rate(low_w), end_of_range=rate(high_w)),
            power_ranges=power(low_w, high_w), running_costs=None,
        )  # fmt: skip
        return FRBCOperationMode(id=name, diagnostic_label=label, elements=[element], abnormal_condition_only=False)

    async def tell(self) -> None:
        modes = [
            self._mode(self.CHARGE, "charge", 0.0, 3000.0), self._mode(self.REST, "rest", 0.0, 0.0),
            self._mode(self.DISCHARGE, "discharge", -3000.0, 0.0),
        ]  # fmt: skip
        ids = [mode.id for mode in modes]
        transitions = [
            Transition(
                id=named(f"{one}{other}"), from_=one, to=other, start_timers=[], blocking_timers=[],
                transition_costs=None, transition_duration=None, abnormal_condition_only=False,
            )
            for one in ids for other in ids if one != other
        ]  # fmt: skip
        actuator = FRBCActuatorDescription(
            id=self.ACTUATOR, diagnostic_label="inverter", supported_commodities=[Commodity.ELECTRICITY],
            operation_modes=modes, transitions=transitions, timers=[],
        )  # fmt: skip
        storage = FRBCStorageDescription(
            diagnostic_label="battery", fill_level_label="%", provides_leakage_behaviour=False,
            provides_fill_level_target_profile=False, provides_usage_forecast=False,
            fill_level_range=NumberRange(start_of_range=0.0, end_of_range=100.0),
        )  # fmt: skip
        await self.say(
            FRBCSystemDescription(message_id=new(), valid_from=datetime.now(UTC), actuators=[actuator], storage=storage)
        )
        await self.tell_state()

    async def tell_state(self) -> None:
        """Level and mode."""
        await self.say(FRBCStorageStatus(message_id=new(), present_fill_level=self.level))
        await self.say(
            FRBCActuatorStatus(
                message_id=new(), actuator_id=self.ACTUATOR, active_operation_mode_id=self.mode,
                operation_mode_factor=self.factor,
            )
        )  # fmt: skip
        await self.measure(self.power_w)

    @property
    def power_w(self) -> float:
        """What it draws."""
        low, high = {self.CHARGE: (0.0, 3000.0), self.REST: (0.0, 0.0), self.DISCHARGE: (-3000.0, 0.0)}[self.mode]
        return low + (high - low) * self.factor

    async def act(self, instruction: Any) -> None:
        self.mode, self.factor = instruction.operation_mode, instruction.operation_mode_factor
        await self.tell_state()


class WashingMachine(Device, PPBCControlType):
    """One programme of an hour, to be done within six."""

    PROFILE, CONTAINER, SEQUENCE = named("profile"), named("container"), named("sequence")
    NAME, ROLE = "s2-python washing machine", RoleType.ENERGY_CONSUMER

    def __init__(self) -> None:
        super().__init__()
        self.answers = (InstructionStatus.ACCEPTED, InstructionStatus.STARTED)
        self.status = PPBCPowerSequenceStatus.NOT_SCHEDULED

    async def tell(self) -> None:
        def value(watts: float) -> PowerForecastValue:
            return PowerForecastValue(
                value_expected=watts, commodity_quantity=POWER, value_lower_limit=None, value_lower_68PPR=None,
                value_lower_95PPR=None, value_upper_limit=None, value_upper_68PPR=None, value_upper_95PPR=None,
            )  # fmt: skip

        elements = [
            PPBCPowerSequenceElement(duration=Duration.from_timedelta(timedelta(minutes=30)), power_values=[value(w)])
            for w in (2000.0, 200.0)
        ]
        sequence = PPBCPowerSequence(
            id=self.SEQUENCE, elements=elements, is_interruptible=False, abnormal_condition_only=False,
            max_pause_before=Duration.from_milliseconds(0),
        )  # fmt: skip
        container = PPBCPowerSequenceContainer(id=self.CONTAINER, power_sequences=[sequence])
        now = datetime.now(UTC)
        await self.say(
            PPBCPowerProfileDefinition(
                message_id=new(), id=self.PROFILE, start_time=now, end_time=now + timedelta(hours=6),
                power_sequences_containers=[container],
            )
        )  # fmt: skip
        await self.tell_state()

    async def tell_state(self) -> None:
        """How far it has come."""
        chosen = None if self.status is PPBCPowerSequenceStatus.NOT_SCHEDULED else self.SEQUENCE
        status = PPBCPowerSequenceContainerStatus(
            power_profile_id=self.PROFILE, sequence_container_id=self.CONTAINER, selected_sequence_id=chosen,
            progress=None, status=self.status,
        )  # fmt: skip
        await self.say(PPBCPowerProfileStatus(message_id=new(), sequence_container_status=[status]))

    async def act(self, instruction: Any) -> None:
        self.status = PPBCPowerSequenceStatus.EXECUTING
        await self.tell_state()
        await self.measure(2000.0)


class Generator(Device, OMBCControlType):
    """Off, or giving 2 kW."""

    OFF, ON = named("off"), named("on")
    NAME, ROLE = "s2-python generator", RoleType.ENERGY_PRODUCER

    def __init__(self) -> None:
        super().__init__()
        self.mode = self.OFF

    async def tell(self) -> None:
        modes = [
            OMBCOperationMode(
                id=name, diagnostic_label=label, power_ranges=power(watts), running_costs=None,
                abnormal_condition_only=False,
            )
            for name, label, watts in ((self.OFF, "off", 0.0), (self.ON, "on", -2000.0))
        ]  # fmt: skip
        transitions = [
            Transition(
                id=named(f"{one}{other}"), from_=one, to=other, start_timers=[], blocking_timers=[],
                transition_costs=None, transition_duration=None, abnormal_condition_only=False,
            )
            for one, other in ((self.OFF, self.ON), (self.ON, self.OFF))
        ]  # fmt: skip
        await self.say(
            OMBCSystemDescription(
                message_id=new(), valid_from=datetime.now(UTC), operation_modes=modes, transitions=transitions,
                timers=[],
            )
        )  # fmt: skip
        await self.tell_state()

    async def tell_state(self) -> None:
        """Its mode."""
        status: Any = {"active_operation_mode_id": str(self.mode), "operation_mode_factor": 1.0}
        await self.say(OMBCStatus(message_id=new(), **status))
        await self.measure(0.0 if self.mode == self.OFF else -2000.0)

    async def act(self, instruction: Any) -> None:
        self.mode = instruction.operation_mode_id
        await self.tell_state()


class Panels(Device, PEBCControlType):
    """5 kW, which can be limited."""

    CONSTRAINTS = named("constraints")
    NAME, ROLE = "s2-python panels", RoleType.ENERGY_PRODUCER

    async def tell(self) -> None:
        ranges = [
            PEBCAllowedLimitRange(
                commodity_quantity=POWER, limit_type=kind, abnormal_condition_only=False,
                range_boundary=NumberRange(start_of_range=low, end_of_range=0.0),
            )
            for kind, low in (
                (PEBCPowerEnvelopeLimitType.LOWER_LIMIT, -5000.0), (PEBCPowerEnvelopeLimitType.UPPER_LIMIT, 0.0),
            )
        ]  # fmt: skip
        await self.say(
            PEBCPowerConstraints(
                message_id=new(), id=self.CONSTRAINTS, valid_from=datetime.now(UTC), valid_until=None,
                consequence_type=PEBCPowerEnvelopeConsequenceType.VANISH, allowed_limit_ranges=ranges,
            )
        )  # fmt: skip
        await self.measure(-4000.0)

    async def act(self, instruction: Any) -> None:
        lowest = instruction.power_envelopes[0].power_envelope_elements[0].lower_limit
        await self.measure(max(-4000.0, lowest))


class Meter(Device, NoControlControlType):
    """It measures, and that is all."""

    NAME, ROLE = "s2-python meter", RoleType.ENERGY_CONSUMER

    async def tell(self) -> None:
        await self.measure(321.0)


class S2PythonRm:
    """One device on its way to an energy manager."""

    def __init__(self, *devices: Any, resource_id: uuid.UUID | None = None) -> None:
        self.device = devices[0]
        self.resource_id = resource_id or named(self.device.NAME)
        self.session_requests: list[SessionRequest] = []
        self.socket: ClientConnection | None = None
        self._details = AssetDetails(
            resource_id=self.resource_id, name=self.device.NAME, manufacturer="s2-python",
            instruction_processing_delay=Duration.from_milliseconds(50), provides_forecast=False,
            provides_power_measurements=[POWER], roles=[Role(role=self.device.ROLE, commodity=Commodity.ELECTRICITY)],
        )  # fmt: skip
        self._control_types: list[S2ControlType] = list(devices)

    @asynccontextmanager
    async def calling(
        self, url: str, token: str | None = None, tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[Self]:
        """It has called on the energy manager; as long as the context lasts."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with connect(url, additional_headers=headers, ssl=tls, proxy=None) as socket:
            self.socket = socket
            connection = S2AsyncConnection(SocketMedium(socket))
            ResourceManagerHandler(self._control_types, self._details).register_handlers(connection)
            connection.register_handler(RevokeObject, self._revoked)
            connection.register_handler(SessionRequest, self._asked)
            life = asyncio.create_task(connection.run())
            try:
                yield self
            finally:
                await connection.stop()
                await asyncio.gather(life, return_exceptions=True)

    async def _revoked(self, connection: S2AsyncConnection, message: Any, send_okay: Any) -> None:
        await send_okay()
        self.device.revoked.append(str(message.object_id))
        self.device.news.set()

    async def _asked(self, connection: S2AsyncConnection, message: Any, send_okay: Any) -> None:
        await send_okay()
        self.session_requests.append(message)
        self.device.news.set()
