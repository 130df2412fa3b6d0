"""What panels may be asked: limits on offer, long enough, that leave the energy which must flow."""

from datetime import timedelta

import pytest

from efi.commodity import CommodityQuantity
from efi.inflexible import (
    CurtailmentElement,
    CurtailmentOption,
    InflexibleCurtailmentOptions,
    InflexibleEnergyEnvelope,
    LimitKind,
)
from tests.efi.house import (
    HOUR,
    MINUTE,
    NOON,
    Talk,
    curtailment,
    levels,
    limit,
    panel_options,
    panel_registration,
    panel_talk,
    stamp,
)


def test_a_limit_on_offer_passes() -> None:
    talk, options = panel_talk()
    for lower in (-4000.0, -2500.5, -1000.0, 0.0):
        talk.asks(curtailment(options.message_id, limit(lower)))


@pytest.mark.parametrize("lower", [-4000.1, -500.0, 1.0])
def test_a_limit_that_is_not_on_offer_is_refused_with_the_closest_one(lower: float) -> None:
    talk, options = panel_talk()
    verdict = talk.session.from_app(curtailment(options.message_id, limit(lower)), NOON)
    assert verdict.refusal is not None
    assert verdict.refusal.rule == "limit_not_offered"
    assert f"the closest is {options.options[0].closest(lower)}" in verdict.refusal.cure


def test_a_side_that_cannot_be_limited_is_refused() -> None:
    talk, options = panel_talk()
    assert talk.rejects(curtailment(options.message_id, limit(upper=0.0))) == "curtailment_not_offered"


def test_an_element_without_bounds_leaves_the_appliance_free() -> None:
    talk, options = panel_talk()
    talk.asks(curtailment(options.message_id, limit(-1000.0), limit(), limit(-2000.0)))


def test_a_limit_holds_for_its_shortest_time_at_least() -> None:
    talk, options = panel_talk()
    short, rest = limit(-1000.0, duration=4 * MINUTE), limit(-1000.0, duration=MINUTE)
    assert talk.rejects(curtailment(options.message_id, short)) == "curtailment_too_short"
    assert talk.rejects(curtailment(options.message_id, short, limit(), rest)) == "curtailment_too_short"
    talk.asks(curtailment(options.message_id, short, rest))


def test_an_option_can_be_kept_for_emergencies() -> None:
    reserved = CurtailmentOption(
        quantity=CommodityQuantity.ELECTRIC_POWER,
        limit=LimitKind.UPPER,
        ranges=(levels(0, 5000),),
        abnormal_condition_only=True,
    )
    talk, options = panel_talk(options=(*panel_options().options, reserved))
    element = limit(upper=100.0)
    assert talk.rejects(curtailment(options.message_id, element)) == "abnormal_condition_only"
    talk.asks(curtailment(options.message_id, element, abnormal_condition=True))


def test_each_element_is_judged_by_the_options_that_hold_then() -> None:
    talk, options = panel_talk()
    none_left = InflexibleCurtailmentOptions(**stamp(), valid_from=NOON + HOUR, options=())
    talk.hears(none_left)
    talk.asks(curtailment(options.message_id, limit(-1000.0)))
    two_hours = (limit(-1000.0), limit(-2000.0))
    assert talk.rejects(curtailment(options.message_id, *two_hours)) == "curtailment_not_offered"


def test_options_end_when_they_said_so() -> None:
    talk, options = panel_talk(valid_until=NOON + HOUR)
    talk.asks(curtailment(options.message_id, limit(-1000.0)))
    late = curtailment(options.message_id, limit(-1000.0), start=NOON + HOUR)
    assert talk.rejects(late) == "curtailment_not_offered"


def test_options_speak_of_registered_commodities_only() -> None:
    talk = Talk(panel_registration())
    gas = panel_options().options[0].model_copy(update={"quantity": CommodityQuantity.GAS_FLOW})
    assert talk.refuses(panel_options(options=(gas,))) == "commodity_not_registered"


def _envelope(lower: float, upper: float, lasting: timedelta = HOUR) -> InflexibleEnergyEnvelope:
    return InflexibleEnergyEnvelope(
        **stamp(),
        valid_from=NOON,
        valid_until=NOON + lasting,
        quantity=CommodityQuantity.ELECTRIC_POWER,
        average=levels(lower, upper),
    )


@pytest.mark.parametrize(
    ("elements", "passes"),
    [
        ((limit(-1000.0, 500.0),), True),
        ((limit(0.0, 500.0),), False),
        ((limit(0.0, duration=30 * MINUTE), limit(-2000.0, 0.0, duration=30 * MINUTE)), True),
        ((limit(0.0, duration=30 * MINUTE),), True),
    ],
)
def test_limits_leave_the_average_that_an_envelope_demands(
    elements: tuple[CurtailmentElement, ...], passes: bool
) -> None:
    upper = CurtailmentOption(
        quantity=CommodityQuantity.ELECTRIC_POWER, limit=LimitKind.UPPER, ranges=(levels(0, 5000),)
    )
    talk, options = panel_talk(options=(*panel_options().options, upper))
    talk.hears(_envelope(-4000, -500))
    allocation = curtailment(options.message_id, *elements)
    if passes:
        talk.asks(allocation)
    else:
        assert talk.rejects(allocation) == "energy_envelope_broken"


def test_an_envelope_of_the_past_is_refused() -> None:
    talk, _ = panel_talk()
    talk.now = NOON + HOUR
    assert talk.refuses(_envelope(0, 1)) == "interval_passed"


def test_an_envelope_tells_its_energy_too() -> None:
    assert _envelope(-1000, 2000).energy == levels(-3.6e6, 7.2e6)


def test_an_appliance_does_not_tell_ahead_without_end() -> None:
    talk, _ = panel_talk()
    for number in range(399):
        talk.hears(panel_options(valid_from=NOON + (number + 1) * HOUR))
    assert talk.refuses(panel_options(valid_from=NOON + 1000 * HOUR)) == "too_much_told_ahead"
