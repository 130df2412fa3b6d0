"""A small house for the tests: one appliance of each kind, what they say, and a conversation with one of them."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.commodity import Commodity, CommodityQuantity, ValueRange, electric, electric_range
from efi.demand_driven import (
    DemandDrivenActuatorBehaviour,
    DemandDrivenMode,
    DemandDrivenRegistration,
    DemandDrivenSystemDescription,
)
from efi.inflexible import (
    CurtailmentElement,
    CurtailmentOption,
    CurtailmentProfile,
    InflexibleAllocation,
    InflexibleCurtailmentOptions,
    InflexibleRegistration,
    LimitKind,
)
from efi.measurement import ForecastElement, Measurement
from efi.messages import AnyAllocation, ApplianceMessage, AppMessage
from efi.output_adjustable import (
    OutputAdjustableMode,
    OutputAdjustableRegistration,
    OutputAdjustableSystemDescription,
)
from efi.running_mode import Timer, TimerState, Transition
from efi.session import PastStart, Session, Verdict
from efi.storage import (
    Actuator,
    ActuatorAllocation,
    ActuatorBehaviour,
    ActuatorState,
    StorageAllocation,
    StorageMode,
    StorageModeElement,
    StorageRegistration,
    StorageStateUpdate,
    StorageSystemDescription,
)
from efi.time_shiftable import (
    Alternative,
    SequenceAllocation,
    SequentialProfile,
    TimeShiftableAllocation,
    TimeShiftableRegistration,
    TimeShiftableUpdate,
)
from efi.types import NumberRange
from efi.uncertainty import UncertainPower

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

_counter = itertools.count()


def stamp(**fields: Any) -> dict[str, Any]:
    """The fields of every message, with a name of its own; any of them can be given."""
    return {"message_id": f"id-{next(_counter)}", "appliance_id": "battery", "timestamp": NOON, **fields}


def levels(lower: float, upper: float) -> NumberRange:
    return NumberRange(lower=lower, upper=upper)


# A battery: idle is a point, charge and discharge are ranges, and a timer keeps it from swinging


def storage_mode(
    mode_id: str, start_w: float, end_w: float, within: NumberRange | None = None, **fields: Any
) -> StorageMode:
    """A mode of a battery of 10 kWh, whose fill level runs from 0 to 1."""
    capacity_j = 36e6
    element = StorageModeElement(
        fill_level_range=within or levels(0, 1),
        fill_rate=ValueRange(start=start_w / capacity_j, end=end_w / capacity_j),
        power=electric_range(start_w, end_w),
    )
    return StorageMode(mode_id=mode_id, elements=(element,), **fields)


def battery_registration(**fields: Any) -> StorageRegistration:
    actuator = Actuator(actuator_id="inverter", commodities=(Commodity.ELECTRICITY,))
    told: dict[str, Any] = {
        "name": "Battery",
        "commodities": (Commodity.ELECTRICITY,),
        "actuators": (actuator,),
        **fields,
    }
    return StorageRegistration(**stamp(), **told)


def battery_behaviour(**fields: Any) -> ActuatorBehaviour:
    told: dict[str, Any] = {
        "actuator_id": "inverter",
        "modes": (
            storage_mode("idle", 0, 0),
            storage_mode("charge", 0, 3000),
            storage_mode("discharge", 0, -3000),
            storage_mode("island", 0, -5000, abnormal_condition_only=True),
        ),
        "timers": (Timer(timer_id="rest", duration=5 * MINUTE),),
        "transitions": (
            Transition(from_mode="idle", to_mode="charge", blocking_timers=("rest",)),
            Transition(from_mode="idle", to_mode="discharge", blocking_timers=("rest",)),
            Transition(from_mode="charge", to_mode="idle", start_timers=("rest",)),
            Transition(from_mode="discharge", to_mode="idle", start_timers=("rest",)),
            Transition(from_mode="idle", to_mode="island", abnormal_condition_only=True),
        ),
        **fields,
    }
    return ActuatorBehaviour(**told)


def battery_description(valid_from: datetime = NOON, **fields: Any) -> StorageSystemDescription:
    told: dict[str, Any] = {"fill_level_range": levels(0, 1), "actuators": (battery_behaviour(),), **fields}
    return StorageSystemDescription(**stamp(timestamp=told.pop("timestamp", NOON)), valid_from=valid_from, **told)


def battery_state(
    mode_id: str = "idle",
    factor: float | None = None,
    *,
    fill_level: float = 0.5,
    now: datetime = NOON,
    rest_until: datetime | None = None,
) -> StorageStateUpdate:
    timers = () if rest_until is None else (TimerState(timer_id="rest", finished_at=rest_until),)
    actuator = ActuatorState(actuator_id="inverter", mode_id=mode_id, factor=factor, timers=timers)
    return StorageStateUpdate(**stamp(timestamp=now), valid_from=now, fill_level=fill_level, actuators=(actuator,))


def battery_allocation(
    quoted: str, mode_id: str = "charge", factor: float | None = 1.0, start: datetime = NOON, **fields: Any
) -> StorageAllocation:
    selector = ActuatorAllocation(actuator_id="inverter", mode_id=mode_id, factor=factor, start_time=start)
    told: dict[str, Any] = {"actuators": (selector,), **fields}
    return StorageAllocation(**stamp(), control_space_update_id=quoted, **told)


# A generator ----------------------------------------------------------------------------------------------------------


def generator_registration(**fields: Any) -> OutputAdjustableRegistration:
    told: dict[str, Any] = {"name": "Generator", "commodities": (Commodity.ELECTRICITY, Commodity.GAS), **fields}
    return OutputAdjustableRegistration(**stamp(), **told)


def generator_description(valid_from: datetime = NOON, **fields: Any) -> OutputAdjustableSystemDescription:
    told: dict[str, Any] = {
        "modes": (
            OutputAdjustableMode(mode_id="off", power=electric_range(0)),
            OutputAdjustableMode(mode_id="run", power=electric_range(-1000, -2000)),
        ),
        "transitions": (
            Transition(from_mode="off", to_mode="run", cost=Decimal("0.10")),
            Transition(from_mode="run", to_mode="off"),
        ),
        **fields,
    }
    return OutputAdjustableSystemDescription(**stamp(), valid_from=valid_from, **told)


# A hybrid heat pump ---------------------------------------------------------------------------------------------------


def hybrid_registration() -> DemandDrivenRegistration:
    return DemandDrivenRegistration(
        **stamp(),
        name="Hybrid heat pump",
        commodities=(Commodity.ELECTRICITY, Commodity.GAS, Commodity.HEAT),
        actuators=(
            Actuator(actuator_id="pump", commodities=(Commodity.ELECTRICITY, Commodity.HEAT)),
            Actuator(actuator_id="boiler", commodities=(Commodity.GAS, Commodity.HEAT)),
        ),
    )


def hybrid_description() -> DemandDrivenSystemDescription:
    def behaviour(actuator_id: str, power: Any, supply_w: float) -> DemandDrivenActuatorBehaviour:
        off = DemandDrivenMode(mode_id="off", supply=ValueRange.point(0))
        run = DemandDrivenMode(mode_id="on", power=power, supply=ValueRange(start=0, end=supply_w))
        ways = (Transition(from_mode="off", to_mode="on"), Transition(from_mode="on", to_mode="off"))
        return DemandDrivenActuatorBehaviour(actuator_id=actuator_id, modes=(off, run), transitions=ways)

    return DemandDrivenSystemDescription(
        **stamp(),
        valid_from=NOON,
        actuators=(behaviour("pump", electric_range(0, 2000), 6000), behaviour("boiler", (), 10000)),
    )


# Photovoltaics --------------------------------------------------------------------------------------------------------


def panel_registration() -> InflexibleRegistration:
    return InflexibleRegistration(**stamp(), name="Panels", commodities=(Commodity.ELECTRICITY,))


def panel_options(**fields: Any) -> InflexibleCurtailmentOptions:
    option = CurtailmentOption(
        quantity=CommodityQuantity.ELECTRIC_POWER,
        limit=LimitKind.LOWER,
        ranges=(levels(-4000, -1000), levels(0, 0)),
        minimum_duration=5 * MINUTE,
    )
    told: dict[str, Any] = {"options": (option,), "valid_from": NOON, **fields}
    return InflexibleCurtailmentOptions(**stamp(), **told)


def curtailment(
    quoted: str, *elements: CurtailmentElement, start: datetime = NOON, **fields: Any
) -> InflexibleAllocation:
    profile = CurtailmentProfile(quantity=CommodityQuantity.ELECTRIC_POWER, elements=elements)
    return InflexibleAllocation(
        **stamp(), control_space_update_id=quoted, start_time=start, curtailments=(profile,), **fields
    )


def limit(lower: float | None = None, upper: float | None = None, duration: timedelta = HOUR) -> CurtailmentElement:
    return CurtailmentElement(duration=duration, lower=lower, upper=upper)


# A washing machine ----------------------------------------------------------------------------------------------------


def washer_registration(**fields: Any) -> TimeShiftableRegistration:
    told: dict[str, Any] = {"name": "Washing machine", "commodities": (Commodity.ELECTRICITY,), **fields}
    return TimeShiftableRegistration(**stamp(), **told)


def way(alternative_id: str, duration: timedelta, power_w: float = 1000, **fields: Any) -> Alternative:
    power = UncertainPower(quantity=CommodityQuantity.ELECTRIC_POWER, expected=power_w)
    element = ForecastElement(duration=duration, values=(power,))
    return Alternative(alternative_id=alternative_id, elements=(element,), **fields)


def washer_work(**fields: Any) -> TimeShiftableUpdate:
    """Wash for an hour, then within half an hour dry for an hour: slowly, or faster with more power."""
    told: dict[str, Any] = {
        "valid_from": NOON,
        "end_before": NOON + 8 * HOUR,
        "sequences": (
            SequentialProfile(
                sequence_id="wash",
                alternatives=(way("only", HOUR, interruptible=True, maximum_interruption=10 * MINUTE),),
            ),
            SequentialProfile(
                sequence_id="dry",
                maximum_interval_before=30 * MINUTE,
                alternatives=(way("slow", HOUR), way("fast", 30 * MINUTE, 2500, abnormal_condition_only=True)),
            ),
        ),
        **fields,
    }
    return TimeShiftableUpdate(**stamp(), **told)


def step(sequence_id: str, start: datetime, alternative_id: str | None = None, **fields: Any) -> SequenceAllocation:
    return SequenceAllocation(sequence_id=sequence_id, start_time=start, alternative_id=alternative_id, **fields)


def washing(quoted: str, *steps: SequenceAllocation, **fields: Any) -> TimeShiftableAllocation:
    return TimeShiftableAllocation(**stamp(), control_space_update_id=quoted, sequences=steps, **fields)


# Anybody --------------------------------------------------------------------------------------------------------------


def measurement(power_w: float = 100.0, now: datetime = NOON, **fields: Any) -> Measurement:
    told: dict[str, Any] = {"values": electric(power_w), **fields}
    return Measurement(**stamp(timestamp=now), measured_at=now, **told)


def status_of(
    allocation: AnyAllocation | str, status: AllocationStatus, now: datetime = NOON
) -> AllocationStatusUpdate:
    name = allocation if isinstance(allocation, str) else allocation.message_id
    return AllocationStatusUpdate(**stamp(timestamp=now), allocation_id=name, status=status)


def revoke_of(allocation: AnyAllocation | None) -> AllocationRevoke:
    return AllocationRevoke(**stamp(), allocation_id=None if allocation is None else allocation.message_id)


class Talk:
    """A conversation about the battery's name, whatever it is, at an hour that can be set."""

    def __init__(
        self, *said: ApplianceMessage, past_start: PastStart = PastStart.AT_ONCE, now: datetime = NOON
    ) -> None:
        self.session = Session("battery", new_id=lambda: f"own-{next(_counter)}", past_start=past_start)
        self.now = now
        for message in said:
            self.hears(message)

    def hears(self, message: ApplianceMessage) -> Verdict:
        """What the appliance says, and it must pass."""
        verdict = self.session.from_appliance(message, self.now)
        assert verdict.refusal is None, verdict.refusal.sentence
        return verdict

    def asks(self, message: AppMessage) -> Verdict:
        """What the app says, and it must pass."""
        verdict = self.session.from_app(message, self.now)
        assert verdict.refusal is None, verdict.refusal.sentence
        return verdict

    def refuses(self, message: ApplianceMessage) -> str:
        """What the appliance says is refused: the rule."""
        verdict = self.session.from_appliance(message, self.now)
        assert verdict.refusal is not None
        assert not verdict.to_app and not verdict.to_appliance
        return verdict.refusal.rule

    def rejects(self, message: AppMessage) -> str:
        """What the app asks is refused, and answered with a status that says why: the rule."""
        verdict = self.session.from_app(message, self.now)
        assert verdict.refusal is not None
        assert not verdict.to_appliance
        if not isinstance(message, AllocationRevoke):
            (answer,) = verdict.to_app
            assert isinstance(answer, AllocationStatusUpdate)
            assert (answer.allocation_id, answer.status) == (message.message_id, AllocationStatus.REJECTED)
            assert answer.text == verdict.refusal.sentence
        return verdict.refusal.rule


def battery_talk(state: StorageStateUpdate | None = None, **fields: Any) -> tuple[Talk, StorageStateUpdate]:
    """A conversation with the battery, up to a state that can be quoted."""
    state = state or battery_state()
    return Talk(battery_registration(), battery_description(), state, **fields), state


def washer_talk(**fields: Any) -> tuple[Talk, TimeShiftableUpdate]:
    """A conversation with the washing machine, up to its work."""
    work = washer_work(**fields)
    return Talk(washer_registration(), work), work


def panel_talk(**fields: Any) -> tuple[Talk, InflexibleCurtailmentOptions]:
    """A conversation with the panels, up to what can be curtailed."""
    options = panel_options(**fields)
    return Talk(panel_registration(), options), options
