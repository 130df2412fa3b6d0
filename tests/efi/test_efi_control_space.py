"""What the live messages of an appliance say together, and for how long."""

from datetime import datetime, timedelta

from efi.control_space import ControlSpace
from efi.demand_driven import DemandDrivenStateUpdate
from efi.message import ControlSpaceRevoke
from efi.messages import ApplianceMessage
from efi.output_adjustable import OutputAdjustableStateUpdate
from efi.running_mode import TimerState
from efi.storage import (
    ActuatorState,
    LeakageElement,
    StorageLeakageUpdate,
    StorageStateUpdate,
    StorageTargetProfileUpdate,
)
from tests.efi.house import (
    HOUR,
    MINUTE,
    NOON,
    battery_description,
    battery_registration,
    battery_state,
    generator_description,
    generator_registration,
    hybrid_description,
    hybrid_registration,
    levels,
    measurement,
    panel_options,
    panel_registration,
    stamp,
    washer_registration,
    washer_work,
)


def told(*messages: ApplianceMessage, now: datetime = NOON) -> ControlSpace:
    space = ControlSpace()
    for message in messages:
        space.apply(message, now)
    return space


def two_actuators(*states: ActuatorState) -> StorageStateUpdate:
    return StorageStateUpdate(**stamp(), valid_from=NOON, fill_level=0.5, actuators=states)


def running(actuator_id: str, mode_id: str, **timers: datetime) -> ActuatorState:
    ends = tuple(TimerState(timer_id=name, finished_at=end) for name, end in timers.items())
    return ActuatorState(actuator_id=actuator_id, mode_id=mode_id, timers=ends)


def test_an_actuator_that_a_state_does_not_mention_runs_as_before() -> None:
    space = told(two_actuators(running("pump", "on"), running("chp", "off")))
    space.apply(two_actuators(running("chp", "on")), NOON)
    assert isinstance(space.state, StorageStateUpdate)
    assert {each.actuator_id: each.mode_id for each in space.state.actuators} == {"pump": "on", "chp": "on"}


def test_a_timer_that_a_state_does_not_mention_ends_as_said_before() -> None:
    space = told(two_actuators(running("pump", "on", rest=NOON + HOUR, warm=NOON + MINUTE)))
    space.apply(two_actuators(running("pump", "off", rest=NOON + 2 * HOUR)), NOON)
    state = space.mode_state("pump")
    assert state is not None
    assert state.mode_id == "off"
    assert state.timer_ends == {"rest": NOON + 2 * HOUR, "warm": NOON + MINUTE}


def test_a_timer_that_has_ended_is_not_carried_on() -> None:
    space = told(two_actuators(running("pump", "on", rest=NOON + MINUTE)))
    space.apply(two_actuators(running("pump", "off")), NOON + MINUTE)
    state = space.mode_state("pump")
    assert state is not None
    assert state.timers == ()


def test_a_state_that_mentions_everything_is_kept_as_it_came() -> None:
    space = told(battery_state(rest_until=NOON))
    newer = battery_state("charge", 0.5, rest_until=NOON + HOUR)
    space.apply(newer, NOON)
    assert space.state is newer


def test_the_timers_of_a_generator_are_kept_too() -> None:
    timers = (TimerState(timer_id="rest", finished_at=NOON + HOUR),)
    space = told(
        OutputAdjustableStateUpdate(**stamp(), valid_from=NOON, mode_id="off", timers=timers),
        OutputAdjustableStateUpdate(**stamp(), valid_from=NOON, mode_id="run", factor=0.5),
    )
    state = space.mode_state()
    assert state is not None
    assert (state.mode_id, state.timer_ends) == ("run", {"rest": NOON + HOUR})


def test_a_demand_that_is_not_told_anew_stays() -> None:
    first = DemandDrivenStateUpdate(
        **stamp(), valid_from=NOON, demand=levels(4000, 5000), actuators=(running("pump", "on"),)
    )
    space = told(first)
    space.apply(DemandDrivenStateUpdate(**stamp(), valid_from=NOON, actuators=(running("boiler", "on"),)), NOON)
    assert isinstance(space.state, DemandDrivenStateUpdate)
    assert space.state.demand == levels(4000, 5000)
    assert space.mode_state("pump") == running("pump", "on")
    space.apply(DemandDrivenStateUpdate(**stamp(), valid_from=NOON, demand=levels(0, 0)), NOON)
    assert space.state.demand == levels(0, 0)


def test_each_description_holds_until_the_next() -> None:
    now_, soon, later = (battery_description(NOON + hours * HOUR) for hours in range(3))
    space = told(now_, later, soon)
    assert space.descriptions == (now_, soon, later)
    found = [space.description_at(NOON + minutes * MINUTE) for minutes in (-1, 0, 59, 60, 119, 120, 9999)]
    assert found == [now_, now_, now_, soon, soon, later, later]


def test_a_description_for_the_same_time_replaces_the_one_told_ahead() -> None:
    present, ahead, better = battery_description(), battery_description(NOON + HOUR), battery_description(NOON + HOUR)
    space = told(present, ahead, better)
    assert space.descriptions == (present, better)
    assert not space.live(ahead.message_id)


def test_what_has_passed_is_dropped_but_can_be_quoted_still() -> None:
    past, present = battery_description(), battery_description(NOON + HOUR)
    space = told(past, present)
    space.apply(battery_description(NOON + 3 * HOUR), NOON + 2 * HOUR)
    assert space.descriptions[0] is present
    assert space.live(past.message_id)


def test_a_description_that_takes_effect_at_once_keeps_what_was_told_ahead() -> None:
    ahead, anew = battery_description(NOON + HOUR), battery_description()
    space = told(battery_description(), ahead, battery_state(), anew)
    assert space.descriptions == (anew, ahead)
    assert space.state is None


def test_leakage_and_curtailment_can_be_told_ahead_as_well() -> None:
    def leaking(valid_from: datetime) -> StorageLeakageUpdate:
        element = LeakageElement(fill_level_range=levels(0, 1), rate=0)
        return StorageLeakageUpdate(**stamp(), valid_from=valid_from, elements=(element,))

    first, second = leaking(NOON), leaking(NOON + HOUR)
    space = told(second, first)
    assert (space.leakage_at(NOON), space.leakage_at(NOON + HOUR)) == (first, second)
    early, late = panel_options(), panel_options(valid_from=NOON + HOUR, valid_until=NOON + 2 * HOUR)
    space = told(early, late)
    found = [space.curtailment_options_at(NOON + hours * HOUR) for hours in range(3)]
    assert found == [early, late, None]


def test_profiles_replace_each_other_as_a_whole() -> None:
    old, new = (StorageTargetProfileUpdate(**stamp(), valid_from=NOON, elements=()) for _ in range(2))
    space = told(old, new)
    assert space.targets is new
    assert space.live(old.message_id)


def test_the_modes_of_an_actuator_are_found_at_an_instant() -> None:
    space = told(hybrid_description())
    pump = space.graph_at(NOON, "pump")
    assert pump is not None
    assert pump.mode_ids == ("off", "on")
    assert space.graph_at(NOON, "stove") is None
    assert space.graph_at(NOON) is None
    generator = generator_description()
    assert told(generator).graph_at(NOON) is generator


def test_a_newcomer_is_told_everything_in_an_order_that_can_be_taken() -> None:
    said = (battery_registration(), battery_description(), battery_description(NOON + HOUR), battery_state())
    space = told(measurement(), *said[:1], measurement(), *said[1:])
    messages = space.messages()
    assert messages[:-1] == said
    assert messages[-1].type == "measurement"
    assert told(*messages).messages() == messages


def test_registering_anew_forgets_everything() -> None:
    anew = washer_registration()
    space = told(battery_registration(), battery_description(), battery_state(), measurement(), anew)
    assert space.messages() == (anew,)


def test_revoking_everything_leaves_the_registration_and_what_is_measured() -> None:
    registration, measured = panel_registration(), measurement()
    space = told(registration, panel_options(), measured, ControlSpaceRevoke(**stamp()))
    assert space.messages() == (registration, measured)


def test_each_kind_of_update_can_be_revoked_by_its_name() -> None:
    for update in (panel_options(), washer_work(), battery_description(), battery_state()):
        space = told(update)
        assert space.live(update.message_id)
        assert space.revoke(update.message_id)
        assert not space.live(update.message_id)
        assert space.messages() == ()
        assert not space.revoke(update.message_id)


def test_a_description_told_ahead_can_be_revoked_alone() -> None:
    present, ahead, state = battery_description(), battery_description(NOON + HOUR), battery_state()
    space = told(battery_registration(), present, ahead, state)
    assert space.revoke(ahead.message_id)
    assert space.descriptions == (present,)
    assert space.state is state


def test_a_superseded_state_can_be_revoked() -> None:
    old, new = battery_state(), battery_state()
    space = told(old, new)
    assert space.revoke(old.message_id)
    assert not space.live(old.message_id)
    assert space.state is new


def test_every_registration_says_its_category() -> None:
    categories = [
        made().category.value
        for made in (
            panel_registration,
            washer_registration,
            battery_registration,
            generator_registration,
            hybrid_registration,
        )
    ]
    assert categories == ["inflexible", "time_shiftable", "storage", "output_adjustable", "output_adjustable"]


def test_an_empty_space_is_small() -> None:
    assert told().messages() == ()
    assert told().description_at(NOON + timedelta(days=1)) is None
