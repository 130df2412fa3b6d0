"""Messages that lose, on their way into the interim form, what messages made by chance lose too seldom."""

from datetime import timedelta

from efi.commodity import Commodity, CommodityQuantity, PowerRange, electric_range
from efi.inflexible import Consequence, InflexibleAllocation
from efi.measurement import EnergyReading, ForecastElement, Measurement
from efi.messages import AnyMessage
from efi.output_adjustable import OutputAdjustableAllocation, OutputAdjustableMode, RunningModeSelector
from efi.running_mode import Transition
from efi.time_shiftable import Alternative, SequentialProfile, TimeShiftableUpdate
from efi.types import Duration
from efi.uncertainty import UncertainPower
from tests.efi.house import (
    HOUR,
    MINUTE,
    NOON,
    battery_allocation,
    curtailment,
    generator_description,
    limit,
    measurement,
    panel_options,
    panel_registration,
    stamp,
    step,
    washer_work,
    washing,
    way,
)

SECOND = timedelta(seconds=1)

PHASE = CommodityQuantity.ELECTRIC_POWER_L1
WORDLESS = CommodityQuantity.HYDROGEN_FLOW


def rarities() -> list[tuple[AnyMessage, ...]]:
    """Conversations of one message or two."""
    return [*(_alone(each) for each in (*_measurements(), *_modes(), *_work(), *_curtailments())), _options()]


def _alone(message: AnyMessage) -> tuple[AnyMessage, ...]:
    return (message,)


def _measurements() -> list[Measurement]:
    standing = EnergyReading(commodity=Commodity.ELECTRICITY, consumed=1.0, produced=2.0)
    period = EnergyReading(commodity=Commodity.ELECTRICITY, consumed=-1.0, since=NOON - HOUR)
    return [
        measurement(energy=(period, standing)),
        Measurement(**stamp(), measured_at=NOON - HOUR, energy=(standing,)),
    ]


def _modes() -> list[AnyMessage]:
    powers = (PowerRange(quantity=CommodityQuantity.GAS_FLOW, start=0.0, end=1.0), *electric_range(-1000))
    run = OutputAdjustableMode(mode_id="run", power=powers)
    ways = (Transition(from_mode="run", to_mode="off"), Transition(from_mode="off", to_mode="run"))
    selector = RunningModeSelector(mode_id="run", factor=1.0, start_time=NOON)
    return [
        generator_description(modes=(OutputAdjustableMode(mode_id="off"), run), transitions=ways),
        OutputAdjustableAllocation(**stamp(), control_space_update_id="aa", selectors=(selector,)),
        battery_allocation("aa", factor=1.0),
    ]


def _work() -> list[AnyMessage]:
    return [
        washer_work(),
        _work_of(_way_of(CommodityQuantity.GAS_FLOW, CommodityQuantity.ELECTRIC_POWER)),
        _work_of(_way_of(CommodityQuantity.HEAT_POWER, CommodityQuantity.ELECTRIC_POWER)),
        _work_of(_way_of(WORDLESS)),
        _work_of(_way_of(CommodityQuantity.ELECTRIC_POWER, lower_68=0.0, upper_68=2.0)),
        _work_of(_way_of(CommodityQuantity.ELECTRIC_POWER, lower_95=0.0, upper_95=2.0)),
        _work_of(way("long", 9 * HOUR), way("short", HOUR, abnormal_condition_only=True)),
        _work_of(way("only", HOUR, maximum_interval_before=MINUTE + SECOND / 2), pause=HOUR),
        washing("aa", step("wash", NOON, "fast")),
    ]


def _work_of(*ways: Alternative, pause: Duration | None = None) -> TimeShiftableUpdate:
    return washer_work(
        sequences=(SequentialProfile(sequence_id="wash", maximum_interval_before=pause, alternatives=ways),)
    )


def _way_of(*quantities: CommodityQuantity, **bounds: float) -> Alternative:
    values = tuple(UncertainPower(quantity=quantity, expected=1.0, **bounds) for quantity in quantities)
    return Alternative(alternative_id="only", elements=(ForecastElement(duration=HOUR, values=values),))


def _curtailments() -> list[InflexibleAllocation]:
    bounded = curtailment("aa", limit(upper=1000), limit(lower=-1000), reason="the grid is full")
    on_a_phase = bounded.curtailments[0].model_copy(update={"quantity": PHASE})
    return [bounded, bounded.model_copy(update={"curtailments": (on_a_phase,)})]


def _options() -> tuple[AnyMessage, ...]:
    options = panel_options()
    deferred = options.options[0].model_copy(update={"quantity": PHASE, "consequence": Consequence.DEFER})
    return panel_registration(), options.model_copy(update={"options": (deferred,)})
