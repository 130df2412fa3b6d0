"""Two devices on one buffer become one storage, and its allocations theirs."""

from datetime import timedelta

from efpi_app_joined_storage.joint_allocation import JointAllocation

from efi.allocation import AllocationStatus
from efi.storage import StorageRegistration, StorageStateUpdate, StorageSystemDescription
from efpi_core.gateway.overrides import Override
from tests.support.stepped_world import World, play

HOUSE = {
    "appliances": {
        "pump": {"driver": "toy.battery", "config": {"power_w": 2000}},
        "chp": {"driver": "toy.battery", "config": {"power_w": 1000}},
        "meter": {"driver": "toy.meter"},
    },
    "apps": {
        "buffer": {
            "app": "joined_storage",
            "config": {"name": "Buffer", "members": ["pump", "chp"], "level_from": "pump"},
        },
        "steering": {"app": "toy.app"},
    },
    "connections": {"pump": "buffer", "chp": "buffer", "buffer": None},
}


def test_the_whole_registers_with_the_actuators_of_all_members():
    async def story(world: World) -> None:
        await world.let_pass(120)
        space = world.appliance("buffer").session.space
        assert isinstance(space.registration, StorageRegistration)
        assert [actuator.actuator_id for actuator in space.registration.actuators] == ["pump:inverter", "chp:inverter"]
        description = space.description_at(world.clock.now())
        assert isinstance(description, StorageSystemDescription)
        assert isinstance(space.state, StorageStateUpdate)
        assert space.state.fill_level == world.appliance("pump").session.space.state.fill_level
        assert {state.actuator_id for state in space.state.actuators} == {"pump:inverter", "chp:inverter"}

    play(HOUSE, story)


def test_an_allocation_of_the_whole_reaches_the_member_it_is_for():
    async def story(world: World) -> None:
        await world.let_pass(120)
        world.house.choose("buffer", "steering")
        buffer = world.appliance("buffer")
        wish = Override(
            "buffer", "mode", world.clock.now() + timedelta(hours=1), "anna", {"mode": "discharge", "factor": 1.0}
        )
        world.house.desk.begin(buffer, wish)
        await world.let_pass(60)
        assert world.appliance("pump").power_w == -2000.0
        assert world.appliance("chp").power_w == 0.0
        assert wish.allocation_id is not None
        assert buffer.allocations[wish.allocation_id].status == "started"
        await world.let_pass(3700)
        assert world.appliance("pump").power_w == 0.0, "taken back with the override"

    play(HOUSE, story)


def test_the_power_of_the_parts_is_not_counted_twice():
    async def story(world: World) -> None:
        await world.let_pass(120)
        balance = world.house.balance()
        assert balance.unmeasured == 0.0
        assert balance.missing == ()
        assert world.appliance("buffer").role is None

    play(HOUSE, story)


def test_a_member_that_is_lost_takes_its_actuators_with_it():
    async def story(world: World) -> None:
        await world.let_pass(120)
        world.house.choose("chp", None)
        await world.let_pass(120)
        registration = world.appliance("buffer").registration
        assert isinstance(registration, StorageRegistration)
        assert [actuator.actuator_id for actuator in registration.actuators] == ["pump:inverter"]
        world.house.choose("pump", None)
        await world.let_pass(120)
        assert not world.appliance("buffer").online
        assert world.appliance("buffer").session.space.state is None

    play(HOUSE, story)


def test_the_joint_word_is_as_slow_as_the_slowest_member():
    joint = JointAllocation("a1", {"pump": "p1", "chp": "c1"})
    assert joint.take("pump", AllocationStatus.ACCEPTED) is None
    assert joint.take("chp", AllocationStatus.ACCEPTED) is AllocationStatus.ACCEPTED
    assert joint.take("pump", AllocationStatus.STARTED) is None
    assert joint.take("chp", AllocationStatus.STARTED) is AllocationStatus.STARTED


def test_one_refusal_refuses_the_whole():
    joint = JointAllocation("a1", {"pump": "p1", "chp": "c1"})
    joint.take("pump", AllocationStatus.ACCEPTED)
    assert joint.take("chp", AllocationStatus.REJECTED) is AllocationStatus.REJECTED
    assert joint.failed


def test_a_refusal_after_the_acceptance_aborts_the_whole():
    joint = JointAllocation("a1", {"pump": "p1", "chp": "c1"})
    joint.take("pump", AllocationStatus.ACCEPTED)
    joint.take("chp", AllocationStatus.ACCEPTED)
    assert joint.take("pump", AllocationStatus.ABORTED) is AllocationStatus.ABORTED
    assert joint.failed
