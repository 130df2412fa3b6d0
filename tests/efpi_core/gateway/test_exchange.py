"""The exchange: the order of messages around the journal, and what bounds those who never answer."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from efi.allocation import AllocationRevoke, AllocationStatus, AllocationStatusUpdate
from efi.allocation_rules import MAX_OPEN
from efi.messages import AnyAllocation
from efi.storage import StorageAllocation
from efpi_core.host.frames import RemoveAppliance, Say
from tests.support.bare_house import BareHouse


class SlowJournal:
    """Commits when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[bool]] = []
        self.closed: list[tuple[str, AllocationStatus]] = []

    def journal_allocation(self, allocation: AnyAllocation, holder: str) -> "asyncio.Future[bool] | None":
        self.waiting.append(asyncio.get_running_loop().create_future())
        return self.waiting[-1]

    def journal_status(self, status: AllocationStatusUpdate, at: datetime) -> None:
        self.closed.append((status.allocation_id, status.status))


def with_slow_journal(
    story: Callable[[BareHouse, SlowJournal], None], commit: Callable[[SlowJournal], None]
) -> BareHouse:
    async def main() -> BareHouse:
        journal = SlowJournal()
        world = BareHouse("app", journal=journal)
        world.battery("battery")
        story(world, journal)
        commit(journal)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return world

    return asyncio.run(main())


def commit_all(journal: SlowJournal) -> None:
    for future in journal.waiting:
        future.set_result(True)


def fail_all(journal: SlowJournal) -> None:
    for future in journal.waiting:
        future.set_exception(OSError("the card is full"))


def test_an_allocation_waits_for_the_journal() -> None:
    def story(world: BareHouse, journal: SlowJournal) -> None:
        world.say("app", Say("battery", world.charge("battery")))
        assert world.delivered("battery") == []

    world = with_slow_journal(story, commit_all)
    assert [type(order) for order in world.delivered("battery")] == [StorageAllocation]


def test_a_journal_that_fails_is_named_and_holds_up_nothing() -> None:
    def story(world: BareHouse, journal: SlowJournal) -> None:
        world.say("app", Say("battery", world.charge("battery")))

    world = with_slow_journal(story, fail_all)
    assert [type(order) for order in world.delivered("battery")] == [StorageAllocation]
    assert "journal_failed" in world.kinds()


def test_an_allocation_that_ended_before_it_was_committed_never_reaches_the_driver() -> None:
    def story(world: BareHouse, journal: SlowJournal) -> None:
        world.say("app", Say("battery", world.charge("battery")))
        world.house.instance_ended("app", "it crashed")

    world = with_slow_journal(story, commit_all)
    assert not any(isinstance(order, StorageAllocation) for order in world.delivered("battery"))


def test_a_revocation_never_overtakes_its_allocation() -> None:
    def story(world: BareHouse, journal: SlowJournal) -> None:
        allocation = world.charge("battery")
        world.say("app", Say("battery", allocation))
        revoke = AllocationRevoke(**world.stamp("battery"), allocation_id=allocation.message_id)
        world.say("app", Say("battery", revoke))

    world = with_slow_journal(story, commit_all)
    assert [type(order) for order in world.delivered("battery")] == [StorageAllocation, AllocationRevoke]


def test_the_allocations_of_an_appliance_that_is_taken_away_are_closed_for_app_and_journal() -> None:
    journal = SlowJournal()
    journal.journal_allocation = lambda allocation, holder: None  # type: ignore[method-assign]
    world = BareHouse("app", journal=journal)
    world.battery("battery")
    allocation = world.charge("battery")
    world.say("app", Say("battery", allocation))
    world.answer("battery", allocation, AllocationStatus.ACCEPTED)
    world.say("battery", RemoveAppliance("battery", "unplugged"))
    assert journal.closed[-1] == (allocation.message_id, AllocationStatus.ABORTED)
    told = [m for m in world.delivered("app") if isinstance(m, AllocationStatusUpdate)]
    assert told[-1].status is AllocationStatus.ABORTED


def test_the_status_of_an_allocation_goes_to_the_app_that_gave_it() -> None:
    world = BareHouse("app", "other")
    world.battery("battery")
    world.house.choose("battery", "app")
    allocation = world.charge("battery")
    world.say("app", Say("battery", allocation))
    world.house.choose("battery", "other")
    told = [m for m in world.delivered("app") if isinstance(m, AllocationStatusUpdate)]
    assert [status.allocation_id for status in told] == [allocation.message_id]
    assert not [m for m in world.delivered("other") if isinstance(m, AllocationStatusUpdate)]


def test_a_repeated_name_changes_nothing_about_the_allocation_that_bears_it() -> None:
    world = BareHouse("app")
    world.battery("battery")
    allocation = world.charge("battery")
    world.say("app", Say("battery", allocation))
    world.answer("battery", allocation, AllocationStatus.ACCEPTED)
    world.say("app", Say("battery", allocation))
    held = world.record("battery").allocations[allocation.message_id]
    assert held.status is AllocationStatus.ACCEPTED


def test_names_of_others_messages_leave_no_trace() -> None:
    world = BareHouse("app")
    world.battery("battery")
    space = world.record("battery").session.space
    assert space.state is not None
    allocation = world.charge("battery").model_copy(update={"message_id": space.state.message_id})
    world.say("app", Say("battery", allocation))
    assert world.record("battery").allocations == {}


def test_a_driver_that_never_answers_does_not_fill_the_memory() -> None:
    world = BareHouse("app")
    world.battery("battery")
    for _ in range(3 * MAX_OPEN):
        world.say("app", Say("battery", world.charge("battery")))
    assert len(world.record("battery").allocations) <= MAX_OPEN + 1
    last = world.delivered("app")[-1]
    assert isinstance(last, AllocationStatusUpdate)
    assert last.status is AllocationStatus.REJECTED
