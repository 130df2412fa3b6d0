from math import exp

import pytest
from efpi_driver_simulated.physics.boiler import WATER_J_PER_LITRE_K, Boiler, BoilerSize
from efpi_driver_simulated.physics.piecewise import Refused
from hypothesis import given, settings
from hypothesis import strategies as st

from .stepping import same_life

HOUR = 3600.0
SIZE = BoilerSize()


def outdoor(t: float) -> tuple[float, float]:
    quarter = t // 900.0
    return -12.0 + (quarter * 7) % 45, (quarter + 1.0) * 900.0


def showers(t: float) -> tuple[float, float]:
    place = t % (5 * HOUR)
    base = t - place
    return (0.13, base + 420.0) if place < 420.0 else (0.0, base + 5 * HOUR)


def mild(t: float) -> tuple[float, float]:
    return 7.0, (t // 900.0 + 1.0) * 900.0


def order(mode: str):
    def give(model: Boiler) -> None:
        try:
            model.order(mode)
        except Refused as refusal:
            assert refusal.reason

    return give


orders = st.lists(st.tuples(st.floats(0.0, 30 * HOUR), st.sampled_from(("off", "eco", "boost"))), max_size=8)


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 30 * HOUR), max_size=12), orders, st.floats(8.0, 66.0))
def test_looking_at_it_changes_nothing(looks, given_orders, water_c):
    same_life(
        lambda: Boiler(SIZE, 0.0, water_c, outdoor, showers),
        looks,
        [(when, order(mode)) for when, mode in given_orders],
        lambda model: (model.water_c, model.consumed_j, model.power_w),
    )


@settings(deadline=None, max_examples=15)
@given(orders, st.floats(8.0, 64.0))
def test_the_heat_in_the_vessel_is_what_came_in_less_what_went_out(given_orders, water_c):
    """Checked against many small steps of the plain heat balance, which shares no code with the model's pieces."""
    model = Boiler(SIZE, 0.0, water_c, outdoor, showers)
    euler_c, step = water_c, 2.0
    pending = sorted(given_orders)
    while model.t < 6 * HOUR:
        while pending and pending[0][0] <= model.t:
            order(pending.pop(0)[1])(model)
        t = model.t
        heat_w = 0.0
        if model.mode != "off" and not model.starting:
            heat_w += SIZE.heat_pump_w * SIZE.cop_at(euler_c, outdoor(t)[0])
        if model.mode == "boost":
            heat_w += SIZE.element_w
        heat_w -= SIZE.loss_w_per_k * (euler_c - SIZE.room_c)
        heat_w -= showers(t)[0] * WATER_J_PER_LITRE_K * (min(euler_c, SIZE.use_c) - SIZE.cold_c)
        end = min(t + step, model.until)
        euler_c += heat_w * (end - t) / SIZE.capacity_j_per_k
        model.advance_to(end)
    assert model.water_c == pytest.approx(euler_c, abs=0.03)


def test_a_resting_boiler_cools_exponentially_towards_the_room():
    model = Boiler(SIZE, 0.0, 60.0, mild)
    model.advance_to(20 * HOUR)
    expected = 18.0 + 42.0 * exp(-SIZE.loss_w_per_k / SIZE.capacity_j_per_k * 20 * HOUR)
    assert model.water_c == pytest.approx(expected, rel=1e-12)


def test_the_coefficient_of_performance_follows_both_temperatures():
    assert SIZE.cop_at(45.0, 7.0) == pytest.approx(3.2)
    assert SIZE.cop_at(45.0, 12.0) > SIZE.cop_at(45.0, 7.0) > SIZE.cop_at(55.0, 7.0)
    assert SIZE.cop_at(90.0, -20.0) == SIZE.cop_least
    assert SIZE.cop_at(0.0, 40.0) == SIZE.cop_most


def test_it_heats_by_itself_before_the_water_is_too_cold_and_then_rests():
    model = Boiler(SIZE, 0.0, 42.5, mild)
    while model.mode == "off":
        model.advance_to(model.until)
    assert model.by_itself
    assert model.water_c == pytest.approx(42.0)
    with pytest.raises(Refused, match="too cold"):
        model.order("off")
    while model.mode != "off":
        model.advance_to(model.until)
    assert model.water_c == pytest.approx(46.0)


def test_the_compressor_keeps_its_least_times():
    model = Boiler(SIZE, 0.0, 50.0, mild)
    model.order("eco")
    model.advance_to(120.0)
    with pytest.raises(Refused, match="least time") as running:
        model.order("off")
    assert running.value.until == 600.0
    model.advance_to(600.0)
    model.order("off")
    with pytest.raises(Refused, match="least time") as resting:
        model.order("eco")
    assert resting.value.until == 900.0


def test_the_soft_start_draws_less_and_does_not_heat():
    model = Boiler(SIZE, 0.0, 50.0, mild)
    model.order("eco")
    assert model.starting
    assert model.power_w == 220.0
    model.advance_to(60.0)
    assert model.water_c < 50.0
    assert model.power_w == 550.0


def test_each_mode_ends_at_its_own_temperature():
    model = Boiler(SIZE, 0.0, 54.0, mild)
    model.order("eco")
    while model.mode == "eco":
        model.advance_to(model.until)
    assert model.water_c == 55.0
    with pytest.raises(Refused, match="ends at 55"):
        model.order("eco")
    model.advance_to(model.t + 300.0)
    model.order("boost")
    while model.mode == "boost":
        model.advance_to(model.until)
    assert model.water_c == 65.0


def test_a_draw_takes_the_heat_that_a_mixing_tap_needs():
    once = lambda t: (0.1, 600.0) if t < 600.0 else (0.0, 1e12)  # noqa: E731  # the shape of the model's argument
    drawn = Boiler(SIZE, 0.0, 60.0, mild, once)
    undrawn = Boiler(SIZE, 0.0, 60.0, mild)
    drawn.advance_to(600.0)
    undrawn.advance_to(600.0)
    heat = (undrawn.water_c - drawn.water_c) * SIZE.capacity_j_per_k
    assert heat == pytest.approx(0.1 * 600.0 * WATER_J_PER_LITRE_K * 30.0, rel=1e-3)
