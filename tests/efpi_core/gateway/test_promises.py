"""Promises: what a driver had accepted stands over its crash and over the gateway's, and ends by exactly one word."""

from datetime import timedelta

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.messages import AnyAllocation
from efi.storage import ActuatorBehaviour, StorageRegistration, StorageSystemDescription
from efpi_core.gateway.appliances import OpenAllocation
from efpi_core.gateway.handover import GIVER_S
from efpi_core.gateway.overrides import Override
from efpi_core.gateway.promises import DESCRIBE_S, RETURN_S
from efpi_core.host.frames import Connected, Disconnected, Ready, Standing
from efpi_core.plugin.limits import Limit, LimitSource
from tests.support.bare_house import ELECTRIC, BareHouse

ACCEPTED, STARTED = AllocationStatus.ACCEPTED, AllocationStatus.STARTED


class Journal:
    """Notes every word."""

    def __init__(self) -> None:
        self.words: dict[str, list[str]] = {}

    def journal_allocation(self, allocation: AnyAllocation, holder: str) -> None:
        assert allocation.message_id not in self.words, "journalled once"
        self.words[allocation.message_id] = []

    def journal_status(self, status: AllocationStatusUpdate, at: object) -> None:
        self.words.setdefault(status.allocation_id, []).append(status.status.value)


def a_house_that_charges(*statuses: AllocationStatus) -> tuple[BareHouse, Journal, AnyAllocation]:
    journal = Journal()
    world = BareHouse("app", journal=journal)
    world.battery("battery")
    allocation = world.charge("battery")
    world.tell("app", allocation)
    world.answer("battery", allocation, *statuses)
    world.sent.clear()
    return world, journal, allocation


def crashed(world: BareHouse, instance: str) -> None:
    world.house.instance_ended(instance, "killed by a signal", returns=True)


def test_what_a_crashed_driver_had_accepted_is_told_to_the_next_one_on_its_new_ground():
    world, journal, allocation = a_house_that_charges(ACCEPTED, STARTED)
    crashed(world, "battery")
    assert not world.record("battery").session.allocations
    world.battery("battery")
    (standing,) = world.frames("battery", Standing)
    assert standing.allocation.message_id == allocation.message_id
    assert standing.word.status is STARTED
    ground = world.record("battery").session.space.description_at(world.clock.now())
    assert ground is not None
    assert standing.allocation.control_space_update_id == ground.message_id != allocation.control_space_update_id
    assert [frame.allocation.message_id for frame in world.frames("app", Standing)] == [allocation.message_id]
    world.answer("battery", allocation, AllocationStatus.FINISHED)
    assert journal.words[allocation.message_id] == ["accepted", "started", "finished"]


def test_what_a_crashed_driver_had_not_answered_is_rejected_since_it_may_have_crashed_of_it():
    world, journal, allocation = a_house_that_charges()
    crashed(world, "battery")
    world.battery("battery")
    assert not world.frames("battery", Standing)
    assert journal.words[allocation.message_id] == ["rejected"]


def test_a_driver_that_crashes_of_what_it_took_up_is_not_given_it_a_third_time():
    world, journal, allocation = a_house_that_charges(ACCEPTED)
    crashed(world, "battery")
    world.battery("battery")
    crashed(world, "battery")
    assert journal.words[allocation.message_id] == ["accepted", "aborted"]
    world.battery("battery")
    assert len(world.frames("battery", Standing)) == 1


def test_what_the_new_description_does_not_offer_any_more_ends_with_the_rule_by_name():
    world, journal, allocation = a_house_that_charges(ACCEPTED)
    before = world.record("battery").session.space.description_at(world.clock.now())
    assert isinstance(before, StorageSystemDescription)
    (behaviour,) = before.actuators
    crashed(world, "battery")
    registration = StorageRegistration(
        **world.stamp("battery"),
        name="b",
        commodities=ELECTRIC,
        actuators=world.record("battery").registration.actuators,
    )
    world.add("battery", registration)
    only_idle = ActuatorBehaviour(actuator_id="inverter", modes=behaviour.modes[:1])
    world.tell("battery", before.model_copy(update={**world.stamp("battery"), "actuators": (only_idle,)}))
    assert journal.words[allocation.message_id] == ["accepted", "aborted"]
    assert not world.frames("battery", Standing)
    (word,) = [each for each in world.delivered("app") if isinstance(each, AllocationStatusUpdate)]
    assert word.text.startswith("not taken up again: actuators.0.mode_id is charge")


def test_an_appliance_that_does_not_come_back_does_not_keep_its_promises():
    world, journal, allocation = a_house_that_charges(ACCEPTED)
    crashed(world, "battery")
    world.let_pass(RETURN_S - 1)
    assert journal.words[allocation.message_id] == ["accepted"]
    world.let_pass(2)
    assert journal.words[allocation.message_id] == ["accepted", "aborted"]
    world.battery("battery")
    assert not world.frames("battery", Standing)


def test_an_appliance_that_comes_back_without_a_word_of_its_freedom_does_not_either():
    world, journal, allocation = a_house_that_charges(ACCEPTED)
    registration = world.record("battery").registration
    crashed(world, "battery")
    world.add("battery", registration.model_copy(update=world.stamp("battery")))
    world.let_pass(DESCRIBE_S + 1)
    assert journal.words[allocation.message_id] == ["accepted", "aborted"]


def test_an_app_may_take_back_what_waits_for_its_appliance():
    world, journal, allocation = a_house_that_charges(ACCEPTED)
    crashed(world, "battery")
    registration = world.record("battery").registration
    world.add("battery", registration.model_copy(update=world.stamp("battery")))
    revoke = AllocationRevoke(**world.stamp("battery"), allocation_id=allocation.message_id, reason="dear now")
    world.tell("app", revoke)
    world.describe("battery")
    assert journal.words[allocation.message_id] == ["accepted", "revoked"]
    assert not world.frames("battery", Standing)


def test_an_app_that_crashed_finds_its_allocations_as_they_stood_and_its_appliance_never_noticed():
    world, journal, allocation = a_house_that_charges(ACCEPTED, STARTED)
    crashed(world, "app")
    assert world.record("battery").app is None
    world.let_pass(GIVER_S / 2)
    world.say("app", Ready())
    assert world.record("battery").app == "app"
    assert not world.frames("battery", Disconnected)
    assert [frame.allocation.message_id for frame in world.frames("app", Standing)] == [allocation.message_id]
    assert journal.words[allocation.message_id] == ["accepted", "started"]
    world.let_pass(2 * GIVER_S)
    assert journal.words[allocation.message_id] == ["accepted", "started"]


def test_an_app_that_does_not_come_back_loses_its_appliances_after_a_while():
    world, journal, allocation = a_house_that_charges(ACCEPTED)
    crashed(world, "app")
    world.let_pass(GIVER_S + 1)
    assert journal.words[allocation.message_id] == ["accepted", "aborted"]
    assert len(world.frames("battery", Disconnected)) == 1
    world.say("app", Ready())
    assert not world.frames("app", Standing)
    assert len(world.frames("battery", Connected)) == 1


def test_an_app_that_is_stopped_for_good_loses_them_at_once():
    world, journal, allocation = a_house_that_charges(ACCEPTED)
    crashed(world, "app")
    world.house.instance_ended("app", "quarantined")
    assert journal.words[allocation.message_id] == ["accepted", "aborted"]
    assert len(world.frames("battery", Disconnected)) == 1


def test_a_person_may_decide_otherwise_while_an_app_is_away():
    world, journal, allocation = a_house_that_charges(ACCEPTED)
    crashed(world, "app")
    world.house.choose("battery", None)
    assert journal.words[allocation.message_id] == ["accepted", "aborted"]
    world.say("app", Ready())
    assert world.record("battery").app is None


# --- the gateway's own restart


def a_house_that_begins_anew(
    *statuses: AllocationStatus, holder: str = "app", apps: tuple[str, ...] = ("app",)
) -> tuple[BareHouse, Journal, AnyAllocation]:
    """A new gateway that finds an allocation in its journal; its instances have not begun."""
    _, journal, allocation = a_house_that_charges(*statuses)
    world = BareHouse(*apps, journal=journal, begun=False, life="2")
    now = world.clock.now()
    status = statuses[-1] if statuses else None
    world.house.promises.keep([OpenAllocation(allocation, holder, status, "", now, now)])
    return world, journal, allocation


def test_a_gateway_that_begins_anew_tells_driver_and_app_what_stands_whoever_of_them_is_first():
    for app_first in (True, False):
        world, journal, allocation = a_house_that_begins_anew(ACCEPTED, STARTED)
        if app_first:
            world.say("app", Ready())
        world.battery("battery")
        if not app_first:
            world.say("app", Ready())
        assert [frame.word.status for frame in world.frames("battery", Standing)] == [STARTED]
        assert [frame.word.status for frame in world.frames("app", Standing)] == [STARTED]
        kinds = [type(frame) for to, frame in world.sent if to == "app"]
        assert kinds.index(Connected) < kinds.index(Standing)
        world.let_pass(2 * GIVER_S)
        world.answer("battery", allocation, AllocationStatus.FINISHED)
        assert journal.words[allocation.message_id] == ["accepted", "started", "finished"]


def test_what_was_committed_and_never_answered_survives_the_gateway():
    world, journal, allocation = a_house_that_begins_anew()
    world.battery("battery")
    (standing,) = world.frames("battery", Standing)
    assert standing.word is None
    world.answer("battery", allocation, ACCEPTED)
    assert journal.words[allocation.message_id] == ["accepted"]


def test_without_its_giver_it_is_taken_back_after_a_while_and_the_device_goes_its_own_way():
    world, journal, allocation = a_house_that_begins_anew(ACCEPTED)
    world.battery("battery")
    world.let_pass(GIVER_S + 1)
    assert journal.words[allocation.message_id] == ["accepted", "aborted"]
    assert [type(message) for message in world.delivered("battery")] == [AllocationRevoke]
    assert len(world.frames("battery", Disconnected)) == 1


def test_with_another_app_in_control_it_is_taken_back():
    world, _, allocation = a_house_that_begins_anew(ACCEPTED, holder="gone")
    world.say("app", Ready())
    world.battery("battery")
    (revoke,) = [message for message in world.delivered("battery") if isinstance(message, AllocationRevoke)]
    assert revoke.allocation_id == allocation.message_id
    assert not world.frames("app", Standing)


def test_an_override_is_carried_on_by_its_own_allocation_and_not_asked_for_twice():
    world, _, allocation = a_house_that_begins_anew(ACCEPTED, STARTED, holder="resident")
    until = world.clock.now() + timedelta(hours=1)
    wish = {"mode": "charge", "factor": 1.0}
    world.house.desk.resume(Override("battery", "mode", until, "anna", wish, allocation.message_id))
    world.battery("battery")
    world.let_pass(60)
    assert [frame.allocation.message_id for frame in world.frames("battery", Standing)] == [allocation.message_id]
    assert not world.delivered("battery")
    world.let_pass(3600)
    (revoke,) = world.delivered("battery")
    assert revoke.allocation_id == allocation.message_id


def test_an_override_whose_allocation_ended_is_carried_out_anew_but_work_is_started_once():
    for action, asked in (("mode", 1), ("start", 0)):
        world = BareHouse()
        until = world.clock.now() + timedelta(hours=1)
        wish = {"mode": "charge", "factor": 1.0}
        world.house.desk.resume(Override("battery", action, until, "anna", wish, "gateway_g1_7"))
        world.battery("battery")
        world.let_pass(60)
        assert len(world.delivered("battery")) == asked


def test_an_override_waits_for_an_appliance_that_describes_itself_late():
    world = BareHouse()
    until = world.clock.now() + timedelta(hours=1)
    world.house.desk.resume(Override("battery", "mode", until, "anna", {"mode": "charge", "factor": 1.0}))
    other = BareHouse(life="2")
    other.battery("battery")
    world.add("battery", other.record("battery").registration)
    world.let_pass(20)
    assert not world.delivered("battery")
    world.describe("battery")
    assert len(world.delivered("battery")) == 1
    world.let_pass(60)
    assert len(world.delivered("battery")) == 1
    assert "override_not_resumed" not in world.kinds()


def test_a_limit_stands_above_what_was_promised():
    world, journal, allocation = a_house_that_begins_anew(ACCEPTED)
    world.house.limits.put(Limit("small", LimitSource.GRID_OPERATOR, upper_w=500.0, appliance_id="battery"))
    world.battery("battery")
    assert journal.words[allocation.message_id] == ["accepted", "aborted"]
    assert not world.frames("battery", Standing)
