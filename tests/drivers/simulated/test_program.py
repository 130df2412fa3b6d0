import pytest
from efpi_driver_simulated.physics.piecewise import Refused
from efpi_driver_simulated.physics.program import Machine, Program, Sequence, Step
from efpi_driver_simulated.programs import dishwashing, washing
from hypothesis import given
from hypothesis import strategies as st

from .stepping import same_life

HOUR = 3600.0
WASH = Program(
    "Wash",
    (
        Sequence("Wash", (Step(600.0, 100.0), Step(1200.0, 2000.0))),
        Sequence("Rinse", (Step(900.0, 80.0),), gap_s=1800.0, pause_s=600.0),
    ),
)


def machine(deadline: float = 8 * HOUR) -> Machine:
    model = Machine(0.0)
    model.load(WASH, deadline)
    return model


def act(name: str):
    def give(model: Machine) -> None:
        try:
            getattr(model, name)()
        except Refused as refusal:
            assert refusal.reason

    return give


orders = st.lists(st.tuples(st.floats(0.0, 9 * HOUR), st.sampled_from(("start", "pause"))), max_size=6)


@given(st.lists(st.floats(0.0, 9 * HOUR), max_size=12), orders)
def test_looking_at_it_changes_nothing(looks, given_orders):
    same_life(
        machine,
        looks,
        [(when, act(name)) for when, name in given_orders],
        lambda model: (model.consumed_j, model.power_w, model.position, model.finished, model.remaining_s()),
    )


@given(orders)
def test_whoever_meddles_the_program_is_done_by_its_deadline(given_orders):
    model = machine()
    for when, name in sorted(given_orders):
        model.advance_to(when)
        act(name)(model)
    model.advance_to(9 * HOUR)
    assert model.finished == 1
    assert model.ended_at <= 8 * HOUR + 1e-6
    energy = sum(sequence.energy_j for sequence in WASH.sequences)
    assert model.consumed_j == pytest.approx(energy + (9 * HOUR - WASH.seconds) * 0.5, rel=1e-9)


def test_left_alone_it_starts_at_the_last_moment():
    model = machine()
    assert model.must_start_at == 8 * HOUR - 2700.0
    model.advance_to(model.must_start_at)
    assert model.stage == "running"
    model.advance_to(8 * HOUR)
    assert model.finished == 1


def test_the_second_sequence_waits_no_longer_than_its_gap():
    model = machine()
    model.start()
    model.advance_to(1800.0)
    assert model.stage == "waiting"
    assert model.must_start_at == 3600.0
    model.advance_to(3600.0)
    assert model.stage == "running"


def test_only_what_may_be_interrupted_is():
    model = machine()
    model.start()
    with pytest.raises(Refused, match="cannot be interrupted"):
        model.pause()
    model.advance_to(1800.0)
    model.start()
    model.advance_to(2000.0)
    model.pause()
    assert model.power_w == 0.5
    model.advance_to(2300.0)
    model.start()
    model.advance_to(3000.0)
    assert model.finished == 1


def test_an_interruption_ends_by_itself():
    model = machine()
    model.start()
    model.advance_to(1800.0)
    model.start()
    model.pause()
    model.advance_to(2400.0)
    assert model.stage == "running"


def test_a_full_machine_refuses_a_second_load():
    with pytest.raises(Refused, match="still in the machine"):
        machine().load(WASH, HOUR)


def test_a_deadline_too_near_starts_at_once():
    model = Machine(0.0)
    model.load(WASH, 100.0)
    model.advance_to(0.0)
    assert model.stage == "running"


def test_an_unstarted_machine_can_be_emptied():
    model = machine()
    model.unload()
    assert model.stage == "empty"
    with pytest.raises(Refused, match="nothing waits"):
        model.start()


@pytest.mark.parametrize("program", {p.name: p for p in (*washing.PROGRAMS, *dishwashing.PROGRAMS)}.values())
def test_the_shipped_programs_use_what_data_sheets_say(program):
    kwh = sum(sequence.energy_j for sequence in program.sequences) / 3.6e6
    assert 0.3 < kwh < 2.0
    assert 1.0 < program.seconds / HOUR < 4.0
