"""The rules of a conversation, each by its name."""

from datetime import timedelta

import pytest

from efi.allocation import Allocation, AllocationStatus, AllocationStatusUpdate
from efi.commodity import Commodity, CommodityQuantity, PowerRange, PowerValue, ValueRange
from efi.demand_driven import DemandDrivenAllocation, DemandDrivenStateUpdate
from efi.measurement import Forecast, ForecastElement
from efi.message import ControlSpaceRevoke
from efi.output_adjustable import OutputAdjustableAllocation, OutputAdjustableStateUpdate, RunningModeSelector
from efi.running_mode import TimerState, Transition
from efi.session import PastStart
from efi.storage import (
    Actuator,
    ActuatorAllocation,
    ActuatorState,
    LeakageElement,
    StorageLeakageUpdate,
    StorageMode,
    StorageModeElement,
    StorageStateUpdate,
)
from efi.uncertainty import UncertainPower
from tests.efi.house import (
    HOUR,
    MINUTE,
    NOON,
    Talk,
    battery_allocation,
    battery_behaviour,
    battery_description,
    battery_registration,
    battery_state,
    battery_talk,
    generator_description,
    generator_registration,
    hybrid_description,
    hybrid_registration,
    levels,
    measurement,
    stamp,
    storage_mode,
    washer_registration,
    washer_work,
)

ACCEPTED, REJECTED, PROCESSING, STARTED, FINISHED, ABORTED, REVOKED = AllocationStatus


# Who may speak when ---------------------------------------------------------------------------------------------------


def test_registration_comes_first() -> None:
    talk = Talk()
    assert talk.refuses(measurement()) == "not_registered"
    assert talk.rejects(battery_allocation("any-id")) == "not_registered"
    talk.hears(battery_registration())
    talk.hears(measurement())


def test_a_message_about_another_appliance_is_refused() -> None:
    talk = Talk(battery_registration())
    stray = measurement().model_copy(update={"appliance_id": "boiler"})
    assert talk.refuses(stray) == "other_appliance"


def test_an_allocation_for_another_appliance_is_rejected_in_that_ones_name() -> None:
    talk, state = battery_talk()
    stray = battery_allocation(state.message_id).model_copy(update={"appliance_id": "boiler"})
    verdict = talk.session.from_app(stray, NOON)
    assert verdict.refusal is not None
    assert verdict.refusal.rule == "other_appliance"
    (answer,) = verdict.to_app
    assert isinstance(answer, AllocationStatusUpdate)
    assert (answer.appliance_id, answer.allocation_id) == ("boiler", stray.message_id)


def test_messages_fit_the_registered_category() -> None:
    talk = Talk(battery_registration())
    assert talk.refuses(washer_work()) == "wrong_category"
    assert talk.refuses(generator_description()) == "wrong_category"
    talk.hears(battery_description())


def test_each_side_says_only_what_is_its_own() -> None:
    talk, state = battery_talk()
    allocation = battery_allocation(state.message_id)
    assert talk.session.from_appliance(allocation, NOON).refusal.rule == "wrong_side"  # type: ignore[arg-type, union-attr]
    assert talk.session.from_app(battery_state(), NOON).refusal.rule == "wrong_side"  # type: ignore[arg-type, union-attr]


def test_a_message_that_is_sent_twice_is_refused_the_second_time() -> None:
    talk, state = battery_talk()
    assert talk.refuses(state) == "repeated_message"
    allocation = battery_allocation(state.message_id)
    talk.asks(allocation)
    verdict = talk.session.from_app(allocation, NOON)
    assert verdict.refusal is not None
    assert verdict.refusal.rule == "repeated_message"
    assert not verdict.to_app, "a status would speak of the allocation that is open"


def test_a_repetition_of_an_open_allocation_is_noticed_however_late() -> None:
    talk, state = battery_talk()
    allocation = battery_allocation(state.message_id)
    talk.asks(allocation)
    for _ in range(100):
        talk.hears(measurement())
    verdict = talk.session.from_app(allocation, NOON)
    assert verdict.refusal is not None
    assert verdict.refusal.rule == "repeated_message"


def test_a_timestamp_that_runs_back_is_warned_of_and_passes() -> None:
    talk = Talk(battery_registration(), measurement(now=NOON + HOUR))
    verdict = talk.hears(measurement(now=NOON))
    assert [warning.rule for warning in verdict.warnings] == ["timestamp_reversed"]
    assert len(verdict.to_app) == 1


# Descriptions and states ----------------------------------------------------------------------------------------------


def test_a_state_needs_a_description() -> None:
    talk = Talk(battery_registration())
    assert talk.refuses(battery_state()) == "description_missing"
    talk = Talk(generator_registration())
    state = OutputAdjustableStateUpdate(**stamp(), valid_from=NOON, mode_id="off")
    assert talk.refuses(state) == "description_missing"


def test_a_description_that_is_told_ahead_does_not_count_before_its_time() -> None:
    talk = Talk(battery_registration(), battery_description(NOON + HOUR))
    assert talk.refuses(battery_state()) == "description_missing"
    talk.now = NOON + HOUR
    talk.hears(battery_state(now=talk.now))


def test_a_description_of_a_peer_whose_clock_is_fast_counts_at_once() -> None:
    fast = NOON + 5 * MINUTE
    talk = Talk(battery_registration(), battery_description(fast, timestamp=fast))
    talk.hears(battery_state())


@pytest.mark.parametrize(
    ("state", "rule"),
    [
        (battery_state("boost"), "unknown_mode"),
        (battery_state("charge"), "factor_missing"),
        (battery_state("idle", 0.5), "factor_unexpected"),
    ],
)
def test_a_state_speaks_of_modes_that_exist_with_a_factor_where_the_mode_is_a_range(
    state: StorageStateUpdate, rule: str
) -> None:
    talk = Talk(battery_registration(), battery_description())
    assert talk.refuses(state) == rule


@pytest.mark.parametrize(
    ("actuator", "rule"),
    [
        (ActuatorState(actuator_id="heater", mode_id="idle"), "unknown_actuator"),
        (ActuatorState(actuator_id="inverter", mode_id="idle", previous_mode_id="boost"), "unknown_mode"),
        (
            ActuatorState(
                actuator_id="inverter", mode_id="idle", timers=(TimerState(timer_id="nap", finished_at=NOON),)
            ),
            "unknown_timer",
        ),
    ],
)
def test_a_state_speaks_of_actuators_and_timers_that_exist(actuator: ActuatorState, rule: str) -> None:
    talk = Talk(battery_registration(), battery_description())
    state = StorageStateUpdate(**stamp(), valid_from=NOON, fill_level=0.5, actuators=(actuator,))
    assert talk.refuses(state) == rule


def test_a_description_covers_exactly_the_registered_actuators() -> None:
    talk = Talk(battery_registration())
    stranger = battery_behaviour(actuator_id="heater")
    assert talk.refuses(battery_description(actuators=(stranger,))) == "unknown_actuator"
    assert talk.refuses(battery_description(actuators=(battery_behaviour(), stranger))) == "unknown_actuator"
    two = tuple(Actuator(actuator_id=name, commodities=(Commodity.ELECTRICITY,)) for name in ("inverter", "heater"))
    talk = Talk(battery_registration(actuators=two))
    assert talk.refuses(battery_description()) == "actuator_not_described"


def test_a_description_speaks_of_the_actuators_commodities_only() -> None:
    gas = PowerRange(quantity=CommodityQuantity.GAS_FLOW, start=0, end=1e-4)
    element = StorageModeElement(fill_level_range=levels(0, 1), fill_rate=ValueRange.point(0.1), power=(gas,))
    burn = StorageMode(mode_id="burn", elements=(element,))
    talk = Talk(battery_registration())
    description = battery_description(actuators=(battery_behaviour(modes=(burn,), transitions=()),))
    assert talk.refuses(description) == "commodity_not_registered"
    talk = Talk(generator_registration(commodities=(Commodity.GAS,)))
    assert talk.refuses(generator_description()) == "commodity_not_registered"


def test_leakage_covers_the_whole_storage() -> None:
    talk = Talk(battery_registration(), battery_description())
    assert talk.refuses(_leakage(0, 0.9)) == "leakage_incomplete"
    assert talk.refuses(_leakage(0.1, 1)) == "leakage_incomplete"
    talk.hears(_leakage(0, 1))
    talk.hears(_leakage(-1, 2))


def test_a_description_that_outgrows_the_leakage_is_warned_of() -> None:
    talk = Talk(battery_registration(), battery_description(), _leakage(0, 1))
    wider = battery_description(fill_level_range=levels(0, 2))
    assert [warning.rule for warning in talk.hears(wider).warnings] == ["leakage_incomplete"]


def test_measurements_and_forecasts_speak_of_registered_commodities_only() -> None:
    talk = Talk(washer_registration())
    assert (
        talk.refuses(measurement(values=(PowerValue(quantity=CommodityQuantity.GAS_FLOW, value=1e-4),)))
        == "commodity_not_registered"
    )
    assert talk.refuses(_forecast(CommodityQuantity.GAS_FLOW)) == "commodity_not_registered"
    talk.hears(_forecast(CommodityQuantity.ELECTRIC_POWER))


def test_a_new_description_ends_the_state_until_the_next_one() -> None:
    talk, state = battery_talk()
    talk.hears(battery_description())
    assert talk.session.space.state is None
    assert talk.rejects(battery_allocation(state.message_id)) == "update_not_live"


def test_a_description_told_ahead_leaves_the_state_as_it_is() -> None:
    talk, state = battery_talk()
    later = battery_description(NOON + HOUR)
    talk.hears(later)
    assert talk.session.space.state is state
    talk.asks(battery_allocation(state.message_id))
    talk.now = NOON + 2 * HOUR
    assert talk.session.space.description_at(talk.now) is later
    assert talk.session.space.state is state


# What an allocation rests on ------------------------------------------------------------------------------------------


def test_an_allocation_quotes_a_live_update() -> None:
    talk, state = battery_talk()
    assert talk.rejects(battery_allocation("no-such-id")) == "update_not_live"
    talk.asks(battery_allocation(state.message_id))


def test_an_update_stays_live_when_a_newer_state_follows() -> None:
    talk, state = battery_talk()
    for _ in range(10):
        talk.hears(battery_state())
    talk.asks(battery_allocation(state.message_id))


def test_of_states_that_newer_ones_followed_only_the_last_are_remembered() -> None:
    talk, state = battery_talk()
    for _ in range(200):
        talk.hears(battery_state())
    assert talk.rejects(battery_allocation(state.message_id)) == "update_not_live"


def test_an_allocation_may_quote_the_description() -> None:
    talk, _ = battery_talk()
    description = talk.session.space.descriptions[0]
    talk.asks(battery_allocation(description.message_id))


def test_a_revoked_state_is_quoted_no_more() -> None:
    talk, state = battery_talk()
    talk.hears(ControlSpaceRevoke(**stamp(), object_id=state.message_id))
    assert talk.rejects(battery_allocation(state.message_id)) == "update_not_live"


@pytest.mark.parametrize(
    ("mode_id", "factor", "rule"),
    [
        ("boost", None, "unknown_mode"),
        ("charge", None, "factor_missing"),
        ("idle", 0.5, "factor_unexpected"),
        ("island", 0.5, "abnormal_condition_only"),
    ],
)
def test_an_allocation_asks_for_modes_that_may_run(mode_id: str, factor: float | None, rule: str) -> None:
    talk, state = battery_talk()
    assert talk.rejects(battery_allocation(state.message_id, mode_id, factor)) == rule


def test_an_emergency_opens_what_is_kept_for_it() -> None:
    talk, state = battery_talk()
    talk.asks(battery_allocation(state.message_id, "island", 0.5, abnormal_condition=True))


def test_an_allocation_names_actuators_that_exist() -> None:
    talk, state = battery_talk()
    selector = ActuatorAllocation(actuator_id="heater", mode_id="idle", start_time=NOON)
    assert talk.rejects(battery_allocation(state.message_id, actuators=(selector,))) == "unknown_actuator"


def test_a_mode_runs_only_at_its_fill_levels() -> None:
    modes = (storage_mode("idle", 0, 0), storage_mode("charge", 0, 3000, levels(0, 0.8)))
    description = battery_description(actuators=(battery_behaviour(modes=modes, transitions=_to_charge()),))
    state = battery_state(fill_level=0.9)
    talk = Talk(battery_registration(), description, state)
    assert talk.rejects(battery_allocation(state.message_id)) == "mode_outside_fill_level"
    talk.asks(battery_allocation(state.message_id, start=NOON + HOUR))


def test_a_level_beyond_the_storage_keeps_no_mode_of_its_end_from_running() -> None:
    state = battery_state(fill_level=1.02)
    talk, _ = battery_talk(state)
    talk.asks(battery_allocation(state.message_id, "discharge"))


def test_a_blocked_transition_is_refused_with_the_instant_at_which_it_opens() -> None:
    opens = NOON + 3 * MINUTE
    talk, state = battery_talk(battery_state(rest_until=opens))
    allocation = battery_allocation(state.message_id)
    verdict = talk.session.from_app(allocation, NOON)
    assert verdict.refusal is not None
    assert verdict.refusal.rule == "transition_blocked"
    assert opens.isoformat() in verdict.refusal.sentence
    assert "'rest'" in verdict.refusal.sentence
    talk.asks(battery_allocation(state.message_id, start=opens))


def test_a_timer_that_ends_at_this_instant_blocks_no_more() -> None:
    talk, state = battery_talk(battery_state(rest_until=NOON))
    talk.asks(battery_allocation(state.message_id))


def test_the_processing_delay_counts_until_a_timer_has_ended() -> None:
    state = battery_state(rest_until=NOON + MINUTE)
    talk = Talk(battery_registration(processing_delay=2 * MINUTE), battery_description(), state)
    talk.asks(battery_allocation(state.message_id))


def test_a_timer_that_a_newer_state_does_not_mention_runs_on() -> None:
    talk, _ = battery_talk(battery_state(rest_until=NOON + 3 * MINUTE))
    newer = battery_state()
    talk.hears(newer)
    assert talk.rejects(battery_allocation(newer.message_id)) == "transition_blocked"


def test_without_a_transition_a_mode_cannot_be_entered() -> None:
    talk, state = battery_talk(battery_state("charge", 0.2))
    assert talk.rejects(battery_allocation(state.message_id, "discharge", 1.0)) == "no_transition"
    talk.asks(battery_allocation(state.message_id, "charge", 1.0))


def test_a_transition_can_be_kept_for_emergencies() -> None:
    modes = (storage_mode("idle", 0, 0), storage_mode("charge", 0, 3000))
    (transition,) = _to_charge()
    reserved = transition.model_copy(update={"abnormal_condition_only": True})
    description = battery_description(actuators=(battery_behaviour(modes=modes, transitions=(reserved,)),))
    state = battery_state()
    talk = Talk(battery_registration(), description, state)
    assert talk.rejects(battery_allocation(state.message_id)) == "abnormal_condition_only"
    talk.asks(battery_allocation(state.message_id, abnormal_condition=True))


def test_a_schedule_obeys_the_timers_that_it_starts_itself() -> None:
    talk, state = battery_talk(battery_state("charge", 1.0))

    def schedule(pause: timedelta) -> Allocation:
        steps = ((NOON, "idle", None), (NOON + pause, "discharge", 1.0))
        selectors = tuple(
            ActuatorAllocation(actuator_id="inverter", mode_id=mode, factor=factor, start_time=start)
            for start, mode, factor in steps
        )
        return battery_allocation(state.message_id, actuators=selectors)

    assert talk.rejects(schedule(4 * MINUTE)) == "transition_blocked"  # type: ignore[arg-type]
    talk.asks(schedule(5 * MINUTE))  # type: ignore[arg-type]


def test_two_modes_cannot_start_at_one_instant() -> None:
    talk, state = battery_talk()
    selectors = tuple(
        ActuatorAllocation(actuator_id="inverter", mode_id=mode, factor=1.0, start_time=NOON)
        for mode in ("charge", "discharge")
    )
    assert talk.rejects(battery_allocation(state.message_id, actuators=selectors)) == "two_modes_at_once"


def test_a_mode_is_judged_by_the_description_that_holds_when_it_starts() -> None:
    talk, state = battery_talk()
    modes = (storage_mode("idle", 0, 0), storage_mode("boost", 0, 9000))
    talk.hears(battery_description(NOON + HOUR, actuators=(battery_behaviour(modes=modes, transitions=()),)))
    assert talk.rejects(battery_allocation(state.message_id, "boost")) == "unknown_mode"
    talk.asks(battery_allocation(state.message_id, "boost", start=NOON + HOUR))
    assert talk.rejects(battery_allocation(state.message_id, "charge", start=NOON + HOUR)) == "unknown_mode"


@pytest.mark.parametrize(("past_start", "passes"), [(PastStart.AT_ONCE, True), (PastStart.REFUSE, False)])
def test_a_start_before_the_appliance_can_act_means_what_the_conversation_says(
    past_start: PastStart, passes: bool
) -> None:
    state = battery_state()
    talk = Talk(battery_registration(processing_delay=MINUTE), battery_description(), state, past_start=past_start)
    early, late = battery_allocation(state.message_id), battery_allocation(state.message_id, start=NOON + MINUTE)
    talk.asks(late)
    if passes:
        talk.asks(early)
    else:
        assert talk.rejects(early) == "starts_too_early"


# Other categories -----------------------------------------------------------------------------------------------------


def test_a_generator_is_asked_for_modes_one_after_the_other() -> None:
    state = OutputAdjustableStateUpdate(**stamp(), valid_from=NOON, mode_id="off")
    talk = Talk(generator_registration(), generator_description(), state)

    def ask(*selectors: RunningModeSelector) -> OutputAdjustableAllocation:
        return OutputAdjustableAllocation(**stamp(), control_space_update_id=state.message_id, selectors=selectors)

    run = RunningModeSelector(mode_id="run", factor=0.5, start_time=NOON)
    talk.asks(ask(run, RunningModeSelector(mode_id="off", start_time=NOON + HOUR)))
    assert talk.rejects(ask(RunningModeSelector(mode_id="idle", start_time=NOON))) == "unknown_mode"
    assert talk.rejects(ask(RunningModeSelector(mode_id="run", start_time=NOON))) == "factor_missing"


def test_the_actuators_of_a_demand_driven_appliance_are_asked_one_by_one() -> None:
    actuators = tuple(ActuatorState(actuator_id=name, mode_id="off") for name in ("pump", "boiler"))
    state = DemandDrivenStateUpdate(**stamp(), valid_from=NOON, demand=levels(4000, 4000), actuators=actuators)
    talk = Talk(hybrid_registration(), hybrid_description(), state)

    def ask(actuator_id: str, mode_id: str) -> DemandDrivenAllocation:
        selector = ActuatorAllocation(actuator_id=actuator_id, mode_id=mode_id, factor=0.5, start_time=NOON)
        return DemandDrivenAllocation(**stamp(), control_space_update_id=state.message_id, actuators=(selector,))

    talk.asks(ask("pump", "on"))
    assert talk.rejects(ask("stove", "on")) == "unknown_actuator"
    assert talk.rejects(ask("boiler", "off")) == "factor_unexpected"


# Helpers --------------------------------------------------------------------------------------------------------------


def _leakage(lower: float, upper: float) -> StorageLeakageUpdate:
    element = LeakageElement(fill_level_range=levels(lower, upper), rate=1e-6)
    return StorageLeakageUpdate(**stamp(), valid_from=NOON, elements=(element,))


def _forecast(quantity: CommodityQuantity) -> Forecast:
    element = ForecastElement(duration=HOUR, values=(UncertainPower(quantity=quantity, expected=1.0),))
    return Forecast(**stamp(), valid_from=NOON, elements=(element,))


def _to_charge() -> tuple[Transition, ...]:
    return (Transition(from_mode="idle", to_mode="charge"),)
