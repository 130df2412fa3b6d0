"""How an allocation comes, is answered, gives way and ends."""

import gc
import sys
from types import FunctionType, ModuleType

import pytest

from efi.allocation import AllocationStatus, AllocationStatusUpdate
from efi.demand_driven import DemandDrivenAllocation, DemandDrivenStateUpdate
from efi.message import ControlSpaceRevoke
from efi.session import Session, Verdict
from efi.storage import (
    ActuatorAllocation,
    ActuatorState,
)
from tests.efi.house import (
    HOUR,
    MINUTE,
    NOON,
    Talk,
    battery_allocation,
    battery_description,
    battery_registration,
    battery_state,
    battery_talk,
    hybrid_description,
    hybrid_registration,
    measurement,
    panel_registration,
    revoke_of,
    stamp,
    status_of,
)

ACCEPTED, REJECTED, PROCESSING, STARTED, FINISHED, ABORTED, REVOKED = AllocationStatus


# The life of an allocation --------------------------------------------------------------------------------------------


def test_statuses_come_in_their_order() -> None:
    talk, state = battery_talk()
    allocation = battery_allocation(state.message_id)
    talk.asks(allocation)
    assert talk.refuses(status_of(allocation, STARTED)) == "status_out_of_order"
    for status in (ACCEPTED, PROCESSING, STARTED, FINISHED):
        talk.hears(status_of(allocation, status))
    assert not talk.session.allocations
    assert talk.refuses(status_of(allocation, STARTED)) == "allocation_closed"


def test_a_rejected_allocation_is_closed() -> None:
    talk, state = battery_talk()
    allocation = battery_allocation(state.message_id)
    talk.asks(allocation)
    talk.hears(status_of(allocation, REJECTED))
    assert talk.refuses(status_of(allocation, ACCEPTED)) == "allocation_closed"


def test_the_statuses_that_may_follow_each_other_are_these() -> None:
    ends = {FINISHED, ABORTED, REVOKED}
    following = {before: {each for each in AllocationStatus if each.may_follow(before)} for before in AllocationStatus}
    assert {each for each in AllocationStatus if each.may_follow(None)} == {ACCEPTED, REJECTED}
    assert following.pop(ACCEPTED) == {PROCESSING, STARTED, *ends}
    assert following.pop(PROCESSING) == {STARTED, *ends}
    assert following.pop(STARTED) == ends
    assert following == {REJECTED: set(), FINISHED: set(), ABORTED: set(), REVOKED: set()}
    assert {each for each in AllocationStatus if each.final} == {REJECTED, *ends}


@pytest.mark.parametrize("status", [ACCEPTED, PROCESSING])
def test_a_status_never_goes_back(status: AllocationStatus) -> None:
    talk, state = battery_talk()
    allocation = battery_allocation(state.message_id)
    talk.asks(allocation)
    talk.hears(status_of(allocation, ACCEPTED))
    talk.hears(status_of(allocation, STARTED))
    assert talk.refuses(status_of(allocation, status)) == "status_out_of_order"


def test_a_status_of_an_unknown_allocation_is_refused() -> None:
    talk, _ = battery_talk()
    assert talk.refuses(status_of("no-such-one", ACCEPTED)) == "unknown_allocation"


def test_a_late_last_word_on_a_closed_allocation_does_no_harm() -> None:
    talk, state = battery_talk()
    allocation = battery_allocation(state.message_id)
    talk.asks(allocation)
    talk.hears(status_of(allocation, ACCEPTED))
    talk.hears(ControlSpaceRevoke(**stamp()))
    verdict = talk.hears(status_of(allocation, ABORTED))
    assert [warning.rule for warning in verdict.warnings] == ["allocation_closed"]
    assert verdict.to_app == ()


def test_a_newer_allocation_replaces_the_older_once_it_is_accepted() -> None:
    talk, state = battery_talk()
    older, newer = battery_allocation(state.message_id), battery_allocation(state.message_id, "discharge")
    talk.asks(older)
    talk.hears(status_of(older, ACCEPTED))
    talk.asks(newer)
    assert [*talk.session.allocations] == [older.message_id, newer.message_id]
    verdict = talk.hears(status_of(newer, ACCEPTED))
    assert _told(verdict.to_app) == [(newer.message_id, ACCEPTED), (older.message_id, REVOKED)]
    assert [*talk.session.allocations] == [newer.message_id]


def test_an_allocation_that_begins_now_ends_one_that_runs_since_long() -> None:
    talk, state = battery_talk()
    older = battery_allocation(state.message_id, start=NOON - HOUR)
    newer = battery_allocation(state.message_id, "discharge", start=NOON)
    for allocation in (older, newer):
        talk.asks(allocation)
        verdict = talk.hears(status_of(allocation, ACCEPTED))
    assert _told(verdict.to_app) == [(newer.message_id, ACCEPTED), (older.message_id, REVOKED)]


def test_a_rejected_newer_allocation_leaves_the_older_alone() -> None:
    talk, state = battery_talk()
    older, newer = battery_allocation(state.message_id), battery_allocation(state.message_id, "discharge")
    for allocation in (older, newer):
        talk.asks(allocation)
    talk.hears(status_of(older, ACCEPTED))
    talk.hears(status_of(newer, REJECTED))
    assert [*talk.session.allocations] == [older.message_id]


def test_an_allocation_for_later_leaves_the_present_one_until_it_starts() -> None:
    talk, state = battery_talk()
    present = battery_allocation(state.message_id)
    later = battery_allocation(state.message_id, "discharge", start=NOON + HOUR)
    for allocation in (present, later):
        talk.asks(allocation)
        talk.hears(status_of(allocation, ACCEPTED))
    assert [*talk.session.allocations] == [present.message_id, later.message_id]
    talk.now = NOON + HOUR
    verdict = talk.hears(status_of(later, STARTED, talk.now))
    assert _told(verdict.to_app) == [(later.message_id, STARTED), (present.message_id, REVOKED)]


def test_an_allocation_for_later_replaces_one_for_later_still_at_once() -> None:
    talk, state = battery_talk()
    later = battery_allocation(state.message_id, start=NOON + 2 * HOUR)
    sooner = battery_allocation(state.message_id, "discharge", start=NOON + HOUR)
    for allocation in (later, sooner):
        talk.asks(allocation)
        verdict = talk.hears(status_of(allocation, ACCEPTED))
    assert _told(verdict.to_app) == [(sooner.message_id, ACCEPTED), (later.message_id, REVOKED)]


def test_an_older_allocation_that_is_accepted_late_is_replaced_then() -> None:
    talk, state = battery_talk()
    older, newer = battery_allocation(state.message_id), battery_allocation(state.message_id, "discharge")
    for allocation in (older, newer):
        talk.asks(allocation)
    verdict = talk.hears(status_of(newer, ACCEPTED))
    assert _told(verdict.to_app) == [(newer.message_id, ACCEPTED)]
    verdict = talk.hears(status_of(older, ACCEPTED))
    assert _told(verdict.to_app) == [(older.message_id, ACCEPTED), (older.message_id, REVOKED)]


def test_an_allocation_loses_only_the_actuators_that_a_newer_one_takes() -> None:
    actuators = tuple(ActuatorState(actuator_id=name, mode_id="off") for name in ("pump", "boiler"))
    state = DemandDrivenStateUpdate(**stamp(), valid_from=NOON, actuators=actuators)
    talk = Talk(hybrid_registration(), hybrid_description(), state)

    def ask(*names: str) -> DemandDrivenAllocation:
        selectors = tuple(
            ActuatorAllocation(actuator_id=name, mode_id="on", factor=1.0, start_time=NOON) for name in names
        )
        return DemandDrivenAllocation(**stamp(), control_space_update_id=state.message_id, actuators=selectors)

    both, pump, boiler = ask("pump", "boiler"), ask("pump"), ask("boiler")
    for allocation in (both, pump):
        talk.asks(allocation)
        talk.hears(status_of(allocation, ACCEPTED))
    assert [*talk.session.allocations] == [both.message_id, pump.message_id]
    talk.asks(boiler)
    talk.hears(status_of(boiler, ACCEPTED))
    assert [*talk.session.allocations] == [pump.message_id, boiler.message_id]


def test_an_app_takes_back_one_allocation_or_all() -> None:
    talk, state = battery_talk()
    allocation = battery_allocation(state.message_id)
    assert talk.rejects(revoke_of(allocation)) == "unknown_allocation"
    talk.asks(allocation)
    talk.hears(status_of(allocation, ACCEPTED))
    for revoke in (revoke_of(allocation), revoke_of(None)):
        assert talk.asks(revoke).to_appliance == (revoke,)
    talk.hears(status_of(allocation, REVOKED))
    late = talk.asks(revoke_of(allocation))
    assert not late.to_appliance
    assert [warning.rule for warning in late.warnings] == ["allocation_closed"]


def test_taking_back_the_control_space_closes_what_rested_on_it() -> None:
    talk, state = battery_talk()
    accepted, unanswered = battery_allocation(state.message_id), battery_allocation(state.message_id)
    for allocation in (accepted, unanswered):
        talk.asks(allocation)
    talk.hears(status_of(accepted, ACCEPTED))
    revoke = ControlSpaceRevoke(**stamp(), reason="the device is off")
    verdict = talk.hears(revoke)
    assert _told(verdict.to_app[:-1]) == [(accepted.message_id, ABORTED), (unanswered.message_id, REJECTED)]
    assert verdict.to_app[-1] is revoke
    assert talk.session.space.registration is not None
    assert talk.session.space.messages() == (talk.session.space.registration,)


def test_taking_back_one_state_closes_only_what_quoted_it() -> None:
    talk, first = battery_talk()
    second = battery_state()
    talk.hears(second)
    on_first = battery_allocation(first.message_id)
    on_second = battery_allocation(second.message_id, start=NOON + HOUR)
    for allocation in (on_first, on_second):
        talk.asks(allocation)
        talk.hears(status_of(allocation, ACCEPTED))
    verdict = talk.hears(ControlSpaceRevoke(**stamp(), object_id=first.message_id))
    assert _told(verdict.to_app[:-1]) == [(on_first.message_id, ABORTED)]
    assert [*talk.session.allocations] == [on_second.message_id]


def test_taking_back_the_description_closes_everything() -> None:
    talk, state = battery_talk()
    allocation = battery_allocation(state.message_id)
    talk.asks(allocation)
    talk.hears(status_of(allocation, ACCEPTED))
    (description,) = talk.session.space.descriptions
    verdict = talk.hears(ControlSpaceRevoke(**stamp(), object_id=description.message_id))
    assert _told(verdict.to_app[:-1]) == [(allocation.message_id, ABORTED)]
    assert talk.session.space.state is None
    assert talk.refuses(battery_state()) == "description_missing"


def test_only_what_is_live_can_be_taken_back() -> None:
    talk, _ = battery_talk()
    assert talk.refuses(ControlSpaceRevoke(**stamp(), object_id="no-such-id")) == "update_not_live"


def test_registering_anew_replaces_everything() -> None:
    talk, state = battery_talk()
    allocation = battery_allocation(state.message_id)
    talk.asks(allocation)
    talk.hears(status_of(allocation, ACCEPTED))
    anew = battery_registration()
    verdict = talk.hears(anew)
    assert _told(verdict.to_app[:-1]) == [(allocation.message_id, ABORTED)]
    assert verdict.to_app[-1] is anew
    assert talk.session.space.messages() == (anew,)
    assert talk.rejects(battery_allocation(state.message_id)) == "update_not_live"


def test_an_appliance_may_register_anew_in_another_category() -> None:
    talk, _ = battery_talk()
    talk.hears(panel_registration())
    assert talk.refuses(battery_state()) == "wrong_category"


def test_a_new_description_leaves_an_accepted_allocation_open() -> None:
    talk, state = battery_talk()
    allocation = battery_allocation(state.message_id)
    talk.asks(allocation)
    talk.hears(status_of(allocation, ACCEPTED))
    talk.hears(battery_description())
    assert [*talk.session.allocations] == [allocation.message_id]
    talk.hears(status_of(allocation, FINISHED))


def test_when_the_app_goes_its_allocations_are_closed_and_taken_back() -> None:
    talk, state = battery_talk()
    allocation = battery_allocation(state.message_id)
    talk.asks(allocation)
    talk.hears(status_of(allocation, ACCEPTED))
    verdict = talk.session.release(NOON, "the app was stopped")
    assert _told(verdict.to_app) == [(allocation.message_id, ABORTED)]
    (revoke,) = verdict.to_appliance
    assert revoke.type == "allocation_revoke"
    assert talk.session.space.state is state
    assert talk.session.release(NOON, "again") == Verdict()


@pytest.mark.parametrize("reason", ["\x1b[31mred\x00", "x" * 5000, "\ud800", "line\nline\r"])
def test_whatever_the_reason_it_can_be_told(reason: str) -> None:
    talk, state = battery_talk()
    talk.asks(battery_allocation(state.message_id))
    (closed,) = talk.session.end(NOON, reason).to_app
    assert isinstance(closed, AllocationStatusUpdate)
    assert len(closed.text) <= 2000
    assert not set(closed.text) & set("\x1b\x00\r")


def test_the_end_of_a_conversation_closes_all_and_starts_afresh() -> None:
    talk, state = battery_talk()
    allocation = battery_allocation(state.message_id)
    talk.asks(allocation)
    verdict = talk.session.end(NOON, "the connection was lost")
    assert _told(verdict.to_app) == [(allocation.message_id, REJECTED)]
    assert talk.refuses(battery_state()) == "not_registered"
    talk.hears(battery_registration())


def test_there_are_never_too_many_open_allocations() -> None:
    talk, state = battery_talk()
    for _ in range(64):
        talk.asks(battery_allocation(state.message_id))
    assert talk.rejects(battery_allocation(state.message_id)) == "too_many_open"
    assert len(talk.session.allocations) == 64


def test_a_conversation_resumes_as_it_stood() -> None:
    talk, state = battery_talk(battery_state(rest_until=NOON + 3 * MINUTE))
    later = battery_description(NOON + HOUR)
    allocation = battery_allocation(state.message_id, start=NOON + HOUR)
    talk.hears(later)
    talk.asks(allocation)
    talk.hears(status_of(allocation, ACCEPTED))

    stood = [(each.allocation, each.status) for each in talk.session.allocations.values()]
    resumed = Session.restore("battery", talk.session.space.messages(), stood, NOON + MINUTE, new_id=lambda: "fresh-id")
    assert resumed.space.messages() == talk.session.space.messages()
    assert resumed.space.state == state
    talk.session = resumed
    assert talk.rejects(battery_allocation(state.message_id)) == "transition_blocked"
    talk.hears(status_of(allocation, STARTED))


def test_a_long_conversation_takes_no_more_room_than_a_short_one() -> None:
    talk, _ = battery_talk()

    def rounds(number: int) -> None:
        for _ in range(number):
            newer = battery_state(rest_until=NOON)
            talk.hears(newer)
            allocation = battery_allocation(newer.message_id)
            talk.asks(allocation)
            talk.hears(status_of(allocation, ACCEPTED))
            talk.refuses(status_of("no-such-one", ACCEPTED))
            talk.hears(measurement())

    rounds(200)
    before = _size(talk.session)
    rounds(400)
    assert _size(talk.session) <= before * 1.1


# Helpers --------------------------------------------------------------------------------------------------------------


def _told(messages: object) -> list[tuple[str, AllocationStatus]]:
    assert isinstance(messages, tuple)
    assert all(isinstance(message, AllocationStatusUpdate) for message in messages)
    return [(message.allocation_id, message.status) for message in messages]


def _size(start: object) -> int:
    """All memory that hangs on an object, classes and modules left out."""
    seen: set[int] = set()
    waiting = [start]
    size = 0
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, type | ModuleType | FunctionType):
            continue
        seen.add(id(item))
        size += sys.getsizeof(item)
        waiting.extend(gc.get_referents(item))
    return size
