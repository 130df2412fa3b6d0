"""The checks that no schema of the originals made, and the faults of the original that must not come back."""

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from efi.commodity import Commodity, CommodityQuantity, PowerRange, PowerValue, ValueRange, electric_range
from efi.inflexible import CurtailmentElement, CurtailmentOption, InflexibleEnergyEnvelope, LimitKind
from efi.measurement import EnergyReading, Forecast, ForecastElement, Measurement
from efi.messages import dump_message, parse_message
from efi.output_adjustable import OutputAdjustableMode
from efi.profile import element_at, slice_profile
from efi.registration import EnergyRole, Role
from efi.running_mode import CostBounds, Timer, TimerState, Transition
from efi.storage import (
    Actuator,
    ActuatorState,
    LeakageElement,
    StorageBehaviour,
    StorageLeakageUpdate,
    StorageMode,
    StorageModeElement,
    StorageStateUpdate,
    StorageUsageForecast,
    UsageElement,
    element_at_level,
)
from efi.time_shiftable import SequentialProfile
from efi.types import NumberRange
from efi.uncertainty import UncertainPower, UncertainValue
from tests.efi.house import (
    HOUR,
    MINUTE,
    NOON,
    battery_behaviour,
    battery_description,
    battery_registration,
    battery_state,
    curtailment,
    generator_description,
    hybrid_description,
    levels,
    limit,
    measurement,
    panel_options,
    panel_registration,
    stamp,
    storage_mode,
    washer_work,
    way,
)


def refused(rule: str) -> Any:
    """Expect a message to be refused by the rule of this name."""
    return pytest.raises(ValidationError, match=rf"type={rule}\b")


# Identifiers, labels, texts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ab", "A1:b-c_d", "0e37", "x" * 64, "550e8400-e29b-41d4-a716-446655440000"])
def test_a_name_has_letters_digits_and_little_else(name: str) -> None:
    assert measurement().model_copy(update={"appliance_id": name}).appliance_id == name
    Measurement(**stamp(appliance_id=name), measured_at=NOON, values=measurement().values)


@pytest.mark.parametrize("name", ["a", "", "x" * 65, "a b", "a\n", "ab\n", "ä1", "a/b", "../etc", "a\x00b"])
def test_a_name_with_anything_else_is_refused(name: str) -> None:
    with refused("string_pattern_mismatch"):
        Measurement(**stamp(appliance_id=name), measured_at=NOON, values=measurement().values)


@pytest.mark.parametrize("label", ["\x1b[31m", "a\nb", "\x7f", "x" * 201])
def test_a_label_holds_nothing_that_acts_on_a_terminal(label: str) -> None:
    with pytest.raises(ValidationError):
        Timer(timer_id="rest", label=label, duration=MINUTE)


# Numbers --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_is_infinite_or_none_at_all(value: float) -> None:
    with refused("finite_number"):
        PowerValue(quantity=CommodityQuantity.ELECTRIC_POWER, value=value)


def test_a_number_beyond_all_sense_is_refused() -> None:
    with refused("less_than_equal"):
        PowerValue(quantity=CommodityQuantity.ELECTRIC_POWER, value=1e16)


def test_json_that_hides_a_number_in_text_is_refused() -> None:
    wire = dump_message(measurement(100)).replace(b"100.0", b'"100.0"')
    with refused("float_type"):
        parse_message(wire)


@pytest.mark.parametrize("nothing", [b"NaN", b"Infinity", b"1e999"])
def test_json_numbers_are_finite(nothing: bytes) -> None:
    with pytest.raises(ValidationError):
        parse_message(dump_message(measurement(100)).replace(b"100.0", nothing))


def test_money_keeps_every_digit() -> None:
    cost = Decimal("0.000000000000000001")
    way_ = Transition(from_mode="idle", to_mode="charge", cost=cost)
    told = generator_description(transitions=(way_.model_copy(update={"from_mode": "off", "to_mode": "run"}),))
    again = parse_message(dump_message(told))
    assert again == told
    with pytest.raises(ValidationError):
        Transition(from_mode="idle", to_mode="charge", cost=cost / 10)


# Ranges ---------------------------------------------------------------------------------------------------------------


def test_a_lower_end_above_its_upper_end_is_refused_everywhere() -> None:
    with refused("range_reversed"):
        levels(1, 0)
    with refused("range_reversed"):
        CurtailmentElement(duration=HOUR, lower=1, upper=0)
    with refused("range_reversed"):
        CostBounds(lower=Decimal(1), upper=Decimal(0))
    assert levels(1, 1).width == 0


def test_the_elements_of_a_mode_follow_each_other_without_gap_or_overlap() -> None:
    def described(*pairs: tuple[float, float]) -> StorageMode:
        elements = (StorageModeElement(fill_level_range=levels(*pair), fill_rate=ValueRange.point(0)) for pair in pairs)
        return StorageMode(mode_id="idle", elements=tuple(elements))

    described((0, 1), (1, 2))
    for broken in (((0, 1), (1.1, 2)), ((0, 1), (0.9, 2)), ((1, 2), (0, 1))):
        with refused("ranges_not_contiguous"):
            described(*broken)
    with refused("range_empty"):
        described((0, 1), (1, 1), (1, 2))


def test_the_elements_of_a_leakage_follow_each_other() -> None:
    parts = tuple(LeakageElement(fill_level_range=levels(*pair), rate=0) for pair in ((0, 1), (2, 3)))
    with refused("ranges_not_contiguous"):
        StorageLeakageUpdate(**stamp(), valid_from=NOON, elements=parts)


def test_a_mode_is_described_within_the_storage() -> None:
    wide = battery_behaviour(modes=(storage_mode("idle", 0, 0, levels(0, 1.5)),), transitions=(), timers=())
    with refused("mode_outside_storage"):
        battery_description(actuators=(wide,))


def test_both_ends_of_an_element_tell_the_same_quantities() -> None:
    upper = StorageBehaviour(fill_rate=ValueRange.point(0), power=electric_range(1))
    with refused("quantities_differ"):
        StorageModeElement(fill_level_range=levels(0, 1), fill_rate=ValueRange.point(0), at_upper=upper)


# Names that stand once, and references that lead somewhere ------------------------------------------------------------


def test_every_name_stands_once_in_its_place() -> None:
    actuator = Actuator(actuator_id="inverter", commodities=(Commodity.ELECTRICITY,))
    timer = Timer(timer_id="rest", duration=MINUTE)
    state = ActuatorState(actuator_id="inverter", mode_id="idle")
    transition = Transition(from_mode="idle", to_mode="charge")
    idle, charge = storage_mode("idle", 0, 0), storage_mode("charge", 0, 1)
    with refused("repeated_id"):
        battery_registration(actuators=(actuator, actuator))
    with refused("repeated_id"):
        battery_behaviour(modes=(idle, idle), transitions=(), timers=())
    with refused("repeated_id"):
        battery_behaviour(modes=(idle, charge), transitions=(), timers=(timer, timer))
    with refused("repeated_id"):
        battery_behaviour(modes=(idle, charge), transitions=(transition, transition), timers=())
    with refused("repeated_id"):
        battery_description(actuators=(battery_behaviour(), battery_behaviour()))
    with refused("repeated_id"):
        StorageStateUpdate(**stamp(), valid_from=NOON, fill_level=0, actuators=(state, state))
    with refused("repeated_id"):
        ActuatorState(
            actuator_id="inverter", mode_id="idle", timers=2 * (TimerState(timer_id="rest", finished_at=NOON),)
        )
    with refused("repeated_id"):
        panel_options(options=2 * panel_options().options)
    with refused("repeated_id"):
        profile = curtailment("update", limit(0)).curtailments
        curtailment("update", limit(0)).__class__(
            **stamp(), control_space_update_id="update", start_time=NOON, curtailments=2 * profile
        )
    with refused("repeated_id"):
        Transition(from_mode="idle", to_mode="charge", start_timers=("rest", "rest"))


def test_transitions_lead_between_modes_that_exist_and_heed_timers_that_exist() -> None:
    idle, charge = storage_mode("idle", 0, 0), storage_mode("charge", 0, 1)
    for broken in (
        Transition(from_mode="idle", to_mode="boost"),
        Transition(from_mode="boost", to_mode="idle"),
        Transition(from_mode="idle", to_mode="charge", start_timers=("nap",)),
        Transition(from_mode="idle", to_mode="charge", blocking_timers=("nap",)),
    ):
        with refused("unknown_reference"):
            battery_behaviour(modes=(idle, charge), transitions=(broken,), timers=())
        with refused("unknown_reference"):
            generator_description(
                modes=tuple(OutputAdjustableMode(mode_id=name) for name in ("idle", "charge")),
                transitions=(broken,),
            )


def test_no_transition_leads_to_its_own_start() -> None:
    with refused("self_transition"):
        Transition(from_mode="idle", to_mode="idle")


def test_a_registration_speaks_of_its_commodities_only() -> None:
    told = {"commodities": (Commodity.ELECTRICITY,)}
    gas_limit = PowerRange(quantity=CommodityQuantity.GAS_FLOW, start=0, end=1)
    gas_part = Actuator(actuator_id="burner", commodities=(Commodity.GAS,))
    for broken in (
        {"roles": (Role(commodity=Commodity.GAS, role=EnergyRole.CONSUMER),)},
        {"measures": (CommodityQuantity.GAS_FLOW,)},
        {"power_limits": (gas_limit,)},
        {"actuators": (gas_part,)},
    ):
        with refused("commodity_not_registered"):
            battery_registration(**told, **{"actuators": battery_registration().actuators, **broken})


def test_the_electrical_total_does_not_stand_beside_a_phase() -> None:
    total, phase = CommodityQuantity.ELECTRIC_POWER, CommodityQuantity.ELECTRIC_POWER_L1
    with refused("total_beside_phases"):
        measurement(values=(PowerValue(quantity=total, value=1), PowerValue(quantity=phase, value=1)))
    with refused("repeated_id"):
        measurement(values=(PowerValue(quantity=phase, value=1), PowerValue(quantity=phase, value=2)))


# Uncertainty ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bands",
    [
        {"lower_68": 1.0},
        {"upper_68": -1.0},
        {"lower_95": 0.5, "lower_68": 0.0},
        {"upper_95": 1.0, "upper_68": 2.0},
        {"lower_limit": 0.0, "lower_95": -1.0},
        {"upper_limit": 1.0, "upper_95": 2.0},
    ],
)
def test_the_bands_of_an_uncertain_number_lie_within_each_other(bands: dict[str, float]) -> None:
    with refused("bands_not_ordered"):
        UncertainValue(expected=0.0, **bands)


# Empty messages -------------------------------------------------------------------------------------------------------


def test_a_message_that_tells_nothing_is_refused() -> None:
    with refused("empty_measurement"):
        measurement(values=())
    with refused("empty_reading"):
        EnergyReading(commodity=Commodity.ELECTRICITY)
    with refused("too_short"):
        Forecast(**stamp(), valid_from=NOON, elements=())
    with refused("too_short"):
        ForecastElement(duration=HOUR, values=())
    with refused("too_short"):
        washer_work(sequences=())
    with refused("too_short"):
        SequentialProfile(sequence_id="wash", alternatives=())
    with refused("too_short"):
        battery_registration(commodities=())
    with refused("too_short"):
        curtailment("update")


def test_every_element_of_a_forecast_tells_the_same_quantities() -> None:
    def told(*quantities: CommodityQuantity) -> ForecastElement:
        values = tuple(UncertainPower(quantity=each, expected=1) for each in quantities)
        return ForecastElement(duration=HOUR, values=values)

    electric, gas = CommodityQuantity.ELECTRIC_POWER, CommodityQuantity.GAS_FLOW
    with refused("quantities_differ"):
        Forecast(**stamp(), valid_from=NOON, elements=(told(electric, gas), told(electric)))
    with refused("quantities_differ"):
        way("only", HOUR).__class__(alternative_id="only", elements=(told(electric), told(gas)))


# Time -----------------------------------------------------------------------------------------------------------------


def test_an_instant_without_a_zone_is_refused() -> None:
    with refused("timezone_aware"):
        measurement(now=datetime(2026, 6, 1, 12))  # noqa: DTZ001  # its zone is missing on purpose
    with refused("timezone_aware"):
        parse_message(dump_message(measurement()).replace(b"12:00:00Z", b"12:00:00"))


def test_every_instant_is_kept_in_utc() -> None:
    prague = timezone(timedelta(hours=2))
    told = measurement(now=datetime(2026, 6, 1, 14, tzinfo=prague))
    assert told.measured_at == NOON
    assert told.measured_at.tzinfo is UTC
    again = parse_message(dump_message(told))
    assert again.timestamp.tzinfo is UTC


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+12:00", "9999-12-31T23:59:59-12:00", "9500-01-01T00:00:00Z"])
def test_an_instant_beyond_the_calendar_is_refused(instant: str) -> None:
    with refused("instant_out_of_range"):
        measurement(now=instant)  # type: ignore[arg-type]


def test_a_profile_longer_than_a_century_is_refused() -> None:
    element = UsageElement(duration=timedelta(days=30000), rate=UncertainValue.certain(0))
    with refused("profile_too_long"):
        StorageUsageForecast(**stamp(), valid_from=NOON, elements=(element, element))


def test_no_duration_is_negative_and_no_interval_empty() -> None:
    with refused("greater_than_equal"):
        Timer(timer_id="rest", duration=-MINUTE)
    with refused("greater_than"):
        UsageElement(duration=timedelta(0), rate=UncertainValue.certain(0))


def test_an_interval_ends_after_it_begins() -> None:
    with refused("interval_reversed"):
        panel_options(valid_until=NOON)
    with refused("interval_reversed"):
        InflexibleEnergyEnvelope(
            **stamp(),
            valid_from=NOON,
            valid_until=NOON - HOUR,
            quantity=CommodityQuantity.ELECTRIC_POWER,
            average=levels(0, 1),
        )
    with refused("interval_reversed"):
        washer_work(start_after=NOON + 9 * HOUR)


def test_sums_of_absurd_durations_do_not_overflow() -> None:
    (slow,) = washer_work().sequences[0].alternatives
    long = slow.model_copy(
        update={"elements": (slow.elements[0].model_copy(update={"duration": timedelta(days=36000)}),)}
    )
    steps = tuple(SequentialProfile(sequence_id=f"step-{number}", alternatives=(long,)) for number in range(1000))
    with refused("deadline_too_early"):
        washer_work(sequences=steps)


# Factor ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [-0.01, 1.01, math.nan])
def test_a_factor_lies_from_zero_to_one(factor: float) -> None:
    with pytest.raises(ValidationError):
        battery_state("charge", factor)


# What the original got wrong ------------------------------------------------------------------------------------------


def test_a_boundary_belongs_to_the_later_element_not_to_the_earlier() -> None:
    early, late = (UsageElement(duration=HOUR, rate=UncertainValue.certain(rate)) for rate in (1, 2))
    assert element_at((early, late), timedelta(0)) is early
    assert element_at((early, late), HOUR) is late
    assert element_at((early, late), HOUR - timedelta(microseconds=1)) is early
    assert element_at((early, late), 2 * HOUR) is None
    assert element_at((early, late), -timedelta(microseconds=1)) is None


def test_a_profile_can_be_sliced() -> None:
    early, late = (UsageElement(duration=HOUR, rate=UncertainValue.certain(rate)) for rate in (1, 2))
    sliced = slice_profile((early, late), 30 * MINUTE, 90 * MINUTE)
    assert [(each.duration, each.rate.expected) for each in sliced] == [(30 * MINUTE, 1), (30 * MINUTE, 2)]
    assert slice_profile((early, late), timedelta(0), 2 * HOUR) == (early, late)
    assert slice_profile((early, late), HOUR, HOUR) == ()


def test_a_fill_level_below_all_elements_finds_none() -> None:
    elements = tuple(LeakageElement(fill_level_range=levels(*pair), rate=pair[0]) for pair in ((20, 40), (40, 60)))
    found = {level: element_at_level(elements, level) for level in (19.9, 20.0, 40.0, 60.0, 60.1)}
    assert [each and each.rate for each in found.values()] == [None, 20, 40, 40, None]


def test_a_freezer_knows_its_fraction_though_its_levels_are_negative() -> None:
    cold = levels(-24, -16)
    assert cold.fraction(-18) == 0.75
    assert cold.fraction(-15) > 1
    assert cold.clamp(0) == -16
    assert -18.0 in cold
    assert levels(-18, -18).fraction(-18) == 0


def test_a_registration_without_curtailment_is_a_registration() -> None:
    assert panel_registration().commodities == (Commodity.ELECTRICITY,)


def test_a_message_keeps_its_name_through_json_and_equals_itself() -> None:
    told = battery_state()
    again = parse_message(dump_message(told))
    assert again == told
    assert again.message_id == told.message_id
    assert again != battery_state()


def test_a_mode_that_draws_nothing_can_be_written_down() -> None:
    idle = OutputAdjustableMode(mode_id="idle")
    assert "idle" in str(idle)
    assert "idle" in repr(idle)
    assert idle.electric_power_at() == 0.0


def test_an_appliance_with_one_mode_and_no_transition_can_be_described() -> None:
    assert generator_description(modes=generator_description().modes[:1], transitions=()).transitions == ()


def test_what_is_registered_twice_or_described_wrongly_is_named_with_its_cure() -> None:
    with pytest.raises(ValidationError) as error:
        hybrid_description().__class__(**stamp(), valid_from=NOON, actuators=2 * hybrid_description().actuators[:1])
    assert "'pump'" in str(error.value)
    assert "give each a name of its own" in str(error.value)


def test_a_curtailment_option_names_its_closest_limit() -> None:
    option = CurtailmentOption(
        quantity=CommodityQuantity.ELECTRIC_POWER,
        limit=LimitKind.LOWER,
        ranges=(levels(-4000, -3000), levels(0, 0)),
    )
    assert [option.closest(wanted) for wanted in (-9000.0, -3500.0, -2000.0, -1.0)] == [-4000, -3500, -3000, 0]


def test_bands_and_ranges_are_numbers() -> None:
    assert NumberRange(lower=0, upper=2).width == 2
