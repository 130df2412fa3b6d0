import pytest
from efpi_driver_simulated.physics.car import Car, CarSize, Trip
from efpi_driver_simulated.physics.piecewise import Refused
from hypothesis import given
from hypothesis import strategies as st

from .stepping import same_life

HOUR = 3600.0
KWH = 3.6e6
TRIPS = (Trip(8 * HOUR, 17 * HOUR, 12 * KWH), Trip(30 * HOUR, 32 * HOUR, 70 * KWH))


def car(level: float = 0.5, trips: tuple[Trip, ...] = TRIPS) -> Car:
    size = CarSize(60 * KWH)
    return Car(size, 0.0, level * size.capacity_j, lambda t: next((trip for trip in trips if trip.back > t), None))


def order(current_a: float, phases: int):
    def give(model: Car) -> None:
        try:
            model.order(current_a, phases)
        except Refused as refusal:
            assert refusal.until > model.t

    return give


orders = st.lists(st.tuples(st.floats(0.0, 40 * HOUR), st.floats(0.0, 20.0), st.sampled_from((1, 3))), max_size=8)


@given(st.lists(st.floats(0.0, 40 * HOUR), max_size=12), orders, st.floats(0.0, 1.0))
def test_looking_at_it_changes_nothing(looks, given_orders, level):
    same_life(
        lambda: car(level),
        looks,
        [(when, order(current_a, phases)) for when, current_a, phases in given_orders],
        lambda model: (model.level_j, model.consumed_j, model.elsewhere_j, model.power_w),
    )


@given(orders, st.floats(0.0, 1.0))
def test_energy_is_charged_driven_or_lost(given_orders, level):
    model = car(level)
    parked_loss = charged = 0.0
    for when, current_a, phases in [*sorted(given_orders), (40 * HOUR, 0.0, 1)]:
        while model.t < when:
            start, level_j, power_w, working, away = model.t, model.level_j, model.power_w, model.working, model.away
            model.advance_to(min(model.until, when))
            span = model.t - start
            charged += power_w * span * model.size.efficiency if working else 0.0
            parked_loss += 0.0 if away else model.size.idle_per_s * (level_j + model.level_j) / 2.0 * span
        order(current_a, phases)(model)
    balance = level * 60 * KWH + charged + model.elsewhere_j - model.road_j - parked_loss
    assert model.level_j == pytest.approx(balance, rel=1e-6, abs=10.0)


def test_six_amperes_are_the_least():
    model = car(trips=())
    model.order(5.9, 1)
    assert not model.working
    model.order(6.0, 1)
    assert model.power_w == 6.0 * 230.0
    model.order(32.0, 1)
    assert model.power_w == 16.0 * 230.0


def test_three_phases_charge_three_times_as_fast_after_a_pause():
    model = car(trips=())
    model.order(10.0, 1)
    model.order(10.0, 3)
    assert not model.working
    model.advance_to(10.0)
    assert model.power_w == 3 * 10.0 * 230.0
    with pytest.raises(Refused, match="phases"):
        model.order(10.0, 1)
    model.advance_to(300.0)
    model.order(10.0, 1)


def test_a_car_on_the_road_refuses_and_comes_back_emptier():
    model = car(0.8)
    model.order(16.0, 1)
    model.advance_to(9 * HOUR)
    assert model.away
    assert model.power_w == model.size.standby_w
    with pytest.raises(Refused, match="away"):
        model.order(16.0, 1)
    before = model.level_j
    model.advance_to(17 * HOUR)
    assert not model.away
    assert model.level_j < before
    assert not model.working


def test_a_trip_longer_than_the_battery_is_charged_for_on_the_road():
    model = car(0.3)
    model.advance_to(33 * HOUR)
    assert model.elsewhere_j > 0.0
    assert model.level_j == pytest.approx(0.1 * 60 * KWH, rel=1e-3)


def test_the_end_of_charge_is_slow():
    model = car(0.89, trips=())
    model.order(16.0, 3)
    model.advance_to(model.until)
    model.advance_to(model.until)
    assert model.level_j == 0.9 * 60 * KWH
    assert model.power_w == pytest.approx(3 * 6.0 * 230.0)
    model.advance_to(model.until)
    assert model.level_j == 60 * KWH
    assert not model.working
