import pytest
from efpi_driver_simulated.physics.generator import Generator, GeneratorSize
from efpi_driver_simulated.physics.piecewise import Refused
from hypothesis import given
from hypothesis import strategies as st

from .stepping import same_life

SIZE = GeneratorSize()
HOUR = 3600.0


def order(output_w: float):
    def give(model: Generator) -> None:
        try:
            model.order(output_w)
        except Refused as refusal:
            assert refusal.until > model.t

    return give


orders = st.lists(st.tuples(st.floats(0.0, 60 * HOUR), st.sampled_from((0.0, 500.0, 2000.0, 9000.0))), max_size=8)


@given(st.lists(st.floats(0.0, 60 * HOUR), max_size=12), orders)
def test_looking_at_it_changes_nothing(looks, given_orders):
    same_life(
        lambda: Generator(SIZE, 0.0),
        looks,
        [(when, order(output_w)) for when, output_w in given_orders],
        lambda model: (model.fuel_l, model.produced_j, model.consumed_j, model.power_w),
    )


def test_it_gives_power_only_after_its_start_up():
    model = Generator(SIZE, 0.0)
    model.order(3000.0)
    assert model.stage == "starting"
    assert model.power_w == 0.0
    model.advance_to(20.0)
    assert model.power_w == -3000.0


def test_the_output_stays_between_its_least_and_its_most():
    model = Generator(SIZE, 0.0)
    model.order(100.0)
    assert model.output_w == 1000.0
    model.order(9000.0)
    assert model.output_w == 4000.0


def test_it_runs_and_rests_for_its_least_times():
    model = Generator(SIZE, 0.0)
    model.order(2000.0)
    model.advance_to(100.0)
    with pytest.raises(Refused) as running:
        model.order(0.0)
    assert running.value.until == 320.0
    model.advance_to(320.0)
    model.order(0.0)
    assert model.stage == "cooling"
    model.advance_to(380.0)
    assert model.stage == "off"
    with pytest.raises(Refused) as resting:
        model.order(2000.0)
    assert resting.value.until == 440.0


def test_the_fuel_that_is_burnt_belongs_to_the_output():
    model = Generator(SIZE, 0.0)
    model.order(2000.0)
    model.advance_to(20.0 + HOUR)
    burnt = SIZE.tank_l - model.fuel_l
    expected = SIZE.idle_l_per_s * (20.0 + HOUR) + SIZE.fuel_l_per_j * 2000.0 * HOUR
    assert burnt == pytest.approx(expected, rel=1e-12)
    assert model.produced_j / (burnt * 34e6) == pytest.approx(0.22, abs=0.05)


def test_a_dry_tank_stops_it_until_the_resident_has_filled_it():
    model = Generator(SIZE, 0.0)
    model.order(4000.0)
    while model.stage != "off":
        model.advance_to(model.until)
    assert model.fuel_l == 0.0
    dry_at = model.t
    model.advance_to(dry_at + HOUR)
    with pytest.raises(Refused, match="empty") as refusal:
        model.order(4000.0)
    model.advance_to(refusal.value.until)
    assert model.fuel_l == SIZE.tank_l
    model.order(4000.0)
