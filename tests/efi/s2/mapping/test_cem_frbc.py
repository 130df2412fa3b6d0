"""A storage here is a battery under fill rate based control for an energy manager."""

from datetime import timedelta

from efi.allocation import AllocationRevoke, AllocationStatus
from efi.s2.common import ControlType
from efi.s2.conversation import ResourceManagerDetails, RevokableObjects, RevokeObject
from efi.s2.frbc import FRBCActuatorStatus, FRBCInstruction, FRBCStorageStatus, FRBCSystemDescription, FRBCTimerStatus
from efi.storage import StorageAllocation
from tests.efi.house import HOUR, MINUTE, NOON, battery_description, battery_registration, battery_state
from tests.efi.s2.mapping.house import named, new_id
from tests.efi.s2.mapping.offered import OfferedTalk, types_told

FRBC = ControlType.FILL_RATE_BASED_CONTROL


def battery() -> OfferedTalk:
    return OfferedTalk(
        battery_registration(), battery_description(), battery_state(rest_until=NOON + MINUTE), select=FRBC
    )


def modes(talk: OfferedTalk) -> dict[str, str]:
    """The names of the modes in S2, by their words."""
    described: FRBCSystemDescription = talk.told(FRBCSystemDescription)[-1]
    words = ("idle", "charge", "discharge", "island")
    return {word: mode.id for word, mode in zip(words, described.actuators[0].operation_modes, strict=True)}


def instruct(talk: OfferedTalk, mode: str, factor: float = 1.0, after: timedelta = timedelta()) -> FRBCInstruction:
    described: FRBCSystemDescription = talk.told(FRBCSystemDescription)[-1]
    return FRBCInstruction(
        message_id=new_id(),
        id=new_id(),
        actuator_id=described.actuators[0].id,
        operation_mode=modes(talk)[mode],
        operation_mode_factor=factor,
        execution_time=talk.now + after,
        abnormal_condition=False,
    )


def test_what_holds_is_told_once_a_control_type_is_selected() -> None:
    talk = battery()
    assert types_told(talk.to_cem) == [
        "ResourceManagerDetails",
        "FRBC.SystemDescription",
        "FRBC.StorageStatus",
        "FRBC.ActuatorStatus",
        "FRBC.TimerStatus",
    ]
    (details,) = talk.told(ResourceManagerDetails)
    assert details.available_control_types == (FRBC, ControlType.NOT_CONTROLABLE)
    talk.to_cem.clear()
    talk.selects(ControlType.NOT_CONTROLABLE)
    assert not talk.to_cem
    talk.selects(FRBC)
    assert types_told(talk.to_cem)[0] == "FRBC.SystemDescription"


def test_ranges_that_fall_are_turned_round_with_their_factor() -> None:
    talk = battery()
    discharge = talk.told(FRBCSystemDescription)[0].actuators[0].operation_modes[2]
    (power,) = discharge.elements[0].power_ranges
    assert (power.start_of_range, power.end_of_range) == (-3000, 0)
    assert discharge.elements[0].fill_rate.start_of_range == -3000 / 36e6
    talk.hears(instruct(talk, "discharge", 0.25, 2 * MINUTE))
    assert talk.asked.actuators[0].factor == 0.75
    talk.says(battery_state("discharge", 0.75))
    assert talk.told(FRBCActuatorStatus)[-1].operation_mode_factor == 0.25


def test_an_instruction_is_followed_to_its_end() -> None:
    talk = battery()
    talk.waits(2 * MINUTE)
    wish = instruct(talk, "charge", 0.5)
    talk.hears(wish)
    allocation = talk.asked
    assert isinstance(allocation, StorageAllocation)
    assert allocation.control_space_update_id == talk.session.space.descriptions[0].message_id
    talk.reaches(allocation, AllocationStatus.ACCEPTED, AllocationStatus.STARTED)
    assert talk.statuses(wish.id) == ["NEW", "ACCEPTED", "STARTED"]
    talk.says(battery_state("charge", 0.5))
    assert talk.statuses(wish.id)[-1] == "SUCCEEDED"
    talk.reaches(allocation, AllocationStatus.REVOKED)
    assert talk.statuses(wish.id)[-1] == "SUCCEEDED"


def test_what_the_appliance_refuses_is_rejected() -> None:
    talk = battery()
    wish = instruct(talk, "charge", 0.5, 2 * MINUTE)
    talk.hears(wish)
    talk.reaches(talk.asked, AllocationStatus.REJECTED)
    assert talk.statuses(wish.id) == ["NEW", "REJECTED"]


def test_an_instruction_that_makes_no_sense_is_rejected_at_once() -> None:
    talk = battery()
    wish = instruct(talk, "charge")
    unknown = wish.model_copy(update={"operation_mode": named("boost"), "id": new_id()})
    assert talk.refuses(unknown) == "unknown_mode"
    assert talk.statuses(unknown.id) == ["REJECTED"]
    stranger = wish.model_copy(update={"actuator_id": named("pump"), "id": new_id()})
    assert talk.refuses(stranger) == "unknown_actuator"
    wild = wish.model_copy(update={"operation_mode_factor": 7.0, "id": new_id()})
    assert talk.refuses(wild) == "factor_out_of_range"


def test_a_plan_in_its_order_is_one_allocation_each() -> None:
    talk = battery()
    first, second = instruct(talk, "charge", 0.5, 2 * MINUTE), instruct(talk, "idle", after=HOUR)
    talk.hears(first)
    talk.hears(second)
    assert [len(asked.actuators) for asked in talk.to_appliance] == [1, 1]
    for asked in talk.to_appliance:
        talk.reaches(asked, AllocationStatus.ACCEPTED)
    assert talk.statuses(first.id) == talk.statuses(second.id) == ["NEW", "ACCEPTED"]


def test_an_earlier_wish_does_not_take_the_place_of_a_later_one() -> None:
    talk = battery()
    later, earlier = instruct(talk, "idle", after=HOUR), instruct(talk, "charge", 0.5, 2 * MINUTE)
    talk.hears(later)
    talk.reaches(talk.asked, AllocationStatus.ACCEPTED)
    talk.hears(earlier)
    both = talk.asked
    assert [step.mode_id for step in both.actuators] == ["charge", "idle"]
    talk.reaches(both, AllocationStatus.ACCEPTED)
    assert talk.statuses(later.id) == ["NEW", "ACCEPTED"]
    assert talk.statuses(earlier.id) == ["NEW", "ACCEPTED"]
    talk.waits(2 * MINUTE)
    talk.reaches(both, AllocationStatus.STARTED)
    assert talk.statuses(earlier.id)[-1] == "STARTED"
    assert talk.side.wakes_at == NOON + HOUR
    talk.waits(HOUR)
    assert talk.statuses(earlier.id)[-1] == "SUCCEEDED"
    assert talk.statuses(later.id)[-1] == "STARTED"


def test_a_refused_earlier_wish_leaves_the_later_one() -> None:
    talk = battery()
    later, earlier = instruct(talk, "idle", after=HOUR), instruct(talk, "charge", 0.5, 2 * MINUTE)
    talk.hears(later)
    talk.reaches(talk.asked, AllocationStatus.ACCEPTED)
    talk.hears(earlier)
    talk.reaches(talk.asked, AllocationStatus.REJECTED)
    assert talk.statuses(earlier.id) == ["NEW", "REJECTED"]
    assert talk.statuses(later.id) == ["NEW", "ACCEPTED"]


def test_a_day_of_quarter_hours_is_taken() -> None:
    talk = battery()
    wishes = [instruct(talk, "charge", n / 96, 2 * MINUTE + n * 15 * MINUTE) for n in range(96)]
    for wish in wishes:
        talk.hears(wish)
        talk.reaches(talk.asked, AllocationStatus.ACCEPTED)
    assert {tuple(talk.statuses(wish.id)) for wish in wishes} == {("NEW", "ACCEPTED")}
    assert len(talk.session.allocations) <= 33


def test_one_of_two_wishes_can_be_taken_back() -> None:
    talk = battery()
    later, earlier = instruct(talk, "idle", after=HOUR), instruct(talk, "charge", 0.5, 2 * MINUTE)
    talk.hears(later)
    talk.reaches(talk.asked, AllocationStatus.ACCEPTED)
    talk.hears(earlier)
    talk.reaches(talk.asked, AllocationStatus.ACCEPTED)
    talk.hears(RevokeObject(message_id=new_id(), object_type=RevokableObjects.FRBC_INSTRUCTION, object_id=earlier.id))
    both, rest, revoke = talk.to_appliance[-3:]
    assert [step.mode_id for step in rest.actuators] == ["idle"]
    assert revoke.allocation_id == both.message_id
    talk.reaches(rest, AllocationStatus.ACCEPTED)
    talk.reaches(both, AllocationStatus.REVOKED)
    assert talk.statuses(earlier.id) == ["NEW", "ACCEPTED", "REVOKED"]
    assert talk.statuses(later.id) == ["NEW", "ACCEPTED"]


def test_a_wish_that_is_taken_back_is_revoked() -> None:
    talk = battery()
    wish = instruct(talk, "charge", 0.5, 2 * MINUTE)
    talk.hears(wish)
    allocation = talk.asked
    talk.reaches(allocation, AllocationStatus.ACCEPTED)
    revoked = RevokeObject(message_id=new_id(), object_type=RevokableObjects.FRBC_INSTRUCTION, object_id=wish.id)
    talk.hears(revoked)
    assert isinstance(talk.asked, AllocationRevoke)
    talk.reaches(allocation, AllocationStatus.REVOKED)
    assert talk.statuses(wish.id) == ["NEW", "ACCEPTED", "REVOKED"]
    talk.hears(revoked)
    unknown = revoked.model_copy(update={"object_id": named("unknown")})
    assert talk.refuses(unknown) == "unknown_object"


def test_the_end_of_a_session_takes_all_wishes_back() -> None:
    talk = battery()
    talk.hears(instruct(talk, "charge", 0.5, 2 * MINUTE))
    allocation = talk.asked
    ended = talk.side.end(talk.now, "the link is gone")
    assert [revoke.allocation_id for revoke in ended.to_efi] == [allocation.message_id]  # type: ignore[union-attr]  # it is a revocation
    assert not talk.side.tell(battery_state(), talk.now).to_s2


def test_only_what_is_new_is_told_of_an_actuator() -> None:
    talk = battery()
    talk.to_cem.clear()
    talk.says(battery_state(fill_level=0.6))
    assert types_told(talk.to_cem) == ["FRBC.StorageStatus"]
    talk.says(battery_state(rest_until=NOON + HOUR))
    assert types_told(talk.to_cem) == ["FRBC.StorageStatus"] * 2 + ["FRBC.TimerStatus"]
    assert talk.told(FRBCStorageStatus)[0].present_fill_level == 0.6
    assert talk.told(FRBCTimerStatus)[0].finished_at == NOON + HOUR
