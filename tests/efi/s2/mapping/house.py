"""Devices that speak S2, for the tests of the map: what each says, and a conversation with one of them."""

import itertools
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from efi.allocation import AllocationStatusUpdate
from efi.messages import ApplianceMessage, AppMessage
from efi.s2.common import (
    Commodity,
    CommodityQuantity,
    ControlType,
    NumberRange,
    PowerRange,
    Role,
    RoleType,
    Timer,
    Transition,
)
from efi.s2.conversation import InstructionStatus, InstructionStatusUpdate, ResourceManagerDetails, RevokeObject
from efi.s2.frbc import (
    FRBCActuatorDescription,
    FRBCActuatorStatus,
    FRBCOperationMode,
    FRBCOperationModeElement,
    FRBCStorageDescription,
    FRBCStorageStatus,
    FRBCSystemDescription,
)
from efi.s2.mapping.device_side import DeviceSide
from efi.s2.mapping.settings import DeviceSettings
from efi.s2.mapping.translation import Translation
from efi.s2.messages import AnyS2Message, Instruction
from efi.s2.profile import Profile
from efi.session import Session

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
L1 = CommodityQuantity.ELECTRIC_POWER_L1

_counter = itertools.count()


def named(word: str) -> str:
    """A UUID for a word, always the same."""
    return str(uuid5(NAMESPACE_DNS, word))


def new_id() -> str:
    """A UUID that no other message has."""
    return named(f"message {next(_counter)}")


def numbers(start: float, end: float) -> NumberRange:
    return NumberRange(start_of_range=start, end_of_range=end)


def power(start: float, end: float | None = None, quantity: CommodityQuantity = L1) -> PowerRange:
    return PowerRange(start_of_range=start, end_of_range=start if end is None else end, commodity_quantity=quantity)


def details(*control_types: ControlType, **fields: Any) -> ResourceManagerDetails:
    """Who a device is."""
    told: dict[str, Any] = {
        "resource_id": named("resource"),
        "name": "Device",
        "roles": (Role(role=RoleType.ENERGY_STORAGE, commodity=Commodity.ELECTRICITY),),
        "instruction_processing_delay": 0,
        "available_control_types": control_types,
        "provides_forecast": False,
        "provides_power_measurement_types": (L1,),
        **fields,
    }
    return ResourceManagerDetails(message_id=new_id(), **told)


def way(from_: str, to: str, **fields: Any) -> Transition:
    """A transition between two modes, by their words."""
    told: dict[str, Any] = {"start_timers": (), "blocking_timers": (), "abnormal_condition_only": False, **fields}
    return Transition(id=named(f"{from_} to {to}"), from_=named(from_), to=named(to), **told)


def timer(word: str, duration: int = 300_000) -> Timer:
    return Timer(id=named(word), diagnostic_label=word, duration=duration)


# A battery: idle is a point, charging and discharging are ranges ------------------------------------------------------


def frbc_mode(
    word: str, rate: NumberRange, *powers: PowerRange, within: NumberRange | None = None, **fields: Any
) -> FRBCOperationMode:
    element = FRBCOperationModeElement(
        fill_level_range=within or numbers(0, 100), fill_rate=rate, power_ranges=powers, **fields
    )
    return FRBCOperationMode(id=named(word), diagnostic_label=word, elements=(element,), abnormal_condition_only=False)


def battery_details(**fields: Any) -> ResourceManagerDetails:
    return details(ControlType.FILL_RATE_BASED_CONTROL, ControlType.NOT_CONTROLABLE, **fields)


def battery_description(**fields: Any) -> FRBCSystemDescription:
    """10 kWh in percent, 5 kW either way; charging starts a timer that holds up discharging."""
    words = ("idle", "charge", "discharge")
    held = {"blocking_timers": (named("swing"),)}
    ways = tuple(
        way(one, other, **(held if (one, other) == ("charge", "discharge") else {}))
        for one, other in itertools.permutations(words, 2)
    )
    actuator = FRBCActuatorDescription(
        id=named("inverter"),
        diagnostic_label="inverter",
        supported_commodities=(Commodity.ELECTRICITY,),
        operation_modes=(
            frbc_mode("idle", numbers(0, 0), power(0)),
            frbc_mode("charge", numbers(0, 0.0132), power(0, 5000)),
            frbc_mode("discharge", numbers(-0.0146, 0), power(-5000, 0)),
        ),
        transitions=ways,
        timers=(timer("swing"),),
    )
    told: dict[str, Any] = {
        "valid_from": NOON,
        "actuators": (actuator,),
        "storage": FRBCStorageDescription(
            diagnostic_label="battery",
            fill_level_label="state of charge [%]",
            provides_leakage_behaviour=True,
            provides_fill_level_target_profile=True,
            provides_usage_forecast=True,
            fill_level_range=numbers(0, 100),
        ),
        **fields,
    }
    return FRBCSystemDescription(message_id=new_id(), **told)


def level(value: float) -> FRBCStorageStatus:
    return FRBCStorageStatus(message_id=new_id(), present_fill_level=value)


def runs(mode: str, factor: float = 1.0, actuator: str = "inverter", **fields: Any) -> FRBCActuatorStatus:
    return FRBCActuatorStatus(
        message_id=new_id(),
        actuator_id=named(actuator),
        active_operation_mode_id=named(mode),
        operation_mode_factor=factor,
        **fields,
    )


# Any device -----------------------------------------------------------------------------------------------------------


def status_of(
    instruction: Instruction | AnyS2Message, status: InstructionStatus, at: datetime = NOON
) -> InstructionStatusUpdate:
    name: str = instruction.id  # type: ignore[union-attr]  # the tests hand in instructions
    return InstructionStatusUpdate(message_id=new_id(), instruction_id=name, status_type=status, timestamp=at)


class DeviceTalk:
    """A conversation with a device, heard by a gateway's session: all that is said to it must pass there."""

    def __init__(
        self,
        *said: AnyS2Message,
        profile: Profile = Profile.BETA,
        settings: DeviceSettings = DeviceSettings(),  # noqa: B008  # it is frozen
    ) -> None:
        self.now = NOON
        self.side = DeviceSide("device", profile=profile, new_id=new_id, settings=settings)
        self.session = Session("device", new_id=new_id)
        self.heard: list[ApplianceMessage | AppMessage] = []
        self.to_device: list[AnyS2Message] = []
        for message in said:
            self.hears(message)

    def hears(self, message: AnyS2Message) -> Translation:
        """The device says something that makes sense."""
        translation = self.side.hear(message, self.now)
        assert translation.refusal is None, translation.refusal
        return self.passes(translation)

    def refuses(self, message: AnyS2Message) -> str:
        """The device says something that makes no sense; the answer is the rule that it breaks."""
        translation = self.side.hear(message, self.now)
        assert translation.refusal is not None
        assert not translation.to_efi
        return translation.refusal.rule

    def selects(self, control_type: ControlType) -> Translation:
        """A control type is selected."""
        return self.passes(self.side.select(control_type, self.now))

    def asks(self, message: AppMessage) -> Translation:
        """An energy app says something that the session lets pass."""
        verdict = self.session.from_app(message, self.now)
        assert verdict.refusal is None, verdict.refusal
        translation = self.side.tell(message, self.now)
        assert translation.refusal is None, translation.refusal
        return self.passes(translation)

    def waits(self, by: timedelta) -> Translation:
        """Time passes."""
        self.now += by
        return self.passes(self.side.wake(self.now))

    def passes(self, translation: Translation) -> Translation:
        """The gateway's session takes all of it; the statuses of allocations that it closed itself it knows already."""
        for message in translation.to_efi:
            verdict = self.session.from_appliance(message, self.now)  # type: ignore[arg-type]  # an appliance's words
            assert verdict.refusal is None, (message, verdict.refusal)
            self.heard += verdict.to_app
        self.to_device += translation.to_s2
        return translation

    @property
    def space(self) -> Any:
        """What the gateway knows of the device."""
        return self.session.space

    def statuses(self, allocation_id: str) -> list[str]:
        """What was told of an allocation, in its order."""
        updates = (message for message in self.heard if isinstance(message, AllocationStatusUpdate))
        return [update.status.value for update in updates if update.allocation_id == allocation_id]

    def said_to_device(self, kind: type[Any]) -> list[Any]:
        """What the device heard of one kind."""
        return [message for message in self.to_device if isinstance(message, kind)]

    @property
    def revoked(self) -> list[str]:
        """The instructions that were taken back."""
        return [message.object_id for message in self.to_device if isinstance(message, RevokeObject)]


def types_of(messages: Iterable[Any]) -> list[str]:
    """The types of messages of the interface."""
    return [message.type for message in messages]


def battery_talk(**fields: Any) -> DeviceTalk:
    """A battery that has said all that is needed to steer it: it is half full and idle."""
    talk = DeviceTalk(battery_details(), **fields)
    talk.selects(ControlType.FILL_RATE_BASED_CONTROL)
    for message in (battery_description(), level(50), runs("idle")):
        talk.hears(message)
    return talk
