from math import exp

import pytest
from efpi_driver_simulated.physics.freezer import Freezer, FreezerSize
from efpi_driver_simulated.physics.piecewise import Refused
from hypothesis import given, settings
from hypothesis import strategies as st

from .stepping import same_life

HOUR = 3600.0
SIZE = FreezerSize()


def doors(t: float) -> tuple[float, float]:
    place = t % (3 * HOUR)
    base = t - place
    return (9.0, base + 45.0) if place < 45.0 else (0.0, base + 3 * HOUR)


def order(mode: str):
    def give(model: Freezer) -> None:
        try:
            model.order(mode)
        except Refused as refusal:
            assert refusal.reason

    return give


orders = st.lists(st.tuples(st.floats(0.0, 30 * HOUR), st.sampled_from(("off", "cool", "boost"))), max_size=8)


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 30 * HOUR), max_size=12), orders, st.floats(-28.0, -10.0))
def test_looking_at_it_changes_nothing(looks, given_orders, inside_c):
    same_life(
        lambda: Freezer(SIZE, 0.0, inside_c, doors),
        looks,
        [(when, order(mode)) for when, mode in given_orders],
        lambda model: (model.inside_c, model.consumed_j, model.power_w),
    )


@settings(deadline=None, max_examples=15)
@given(orders, st.floats(-27.0, -15.0))
def test_the_cold_inside_is_what_the_plain_heat_balance_says(given_orders, inside_c):
    model = Freezer(SIZE, 0.0, inside_c, doors)
    euler_c, step = inside_c, 2.0
    pending = sorted(given_orders)
    while model.t < 8 * HOUR:
        while pending and pending[0][0] <= model.t:
            order(pending.pop(0)[1])(model)
        t = model.t
        leak = SIZE.leak_w_per_k + doors(t)[0]
        heat_w = leak * (SIZE.room_c - euler_c) - SIZE.heat_moved_w(model.mode)
        end = min(t + step, model.until)
        euler_c += heat_w * (end - t) / SIZE.mass_j_per_k
        model.advance_to(end)
    assert model.inside_c == pytest.approx(euler_c, abs=0.02)


def test_a_resting_freezer_warms_exponentially_towards_the_room():
    model = Freezer(SIZE, 0.0, -24.0)
    model.advance_to(2 * HOUR)
    expected = 20.0 - 44.0 * exp(-SIZE.leak_w_per_k / SIZE.mass_j_per_k * 2 * HOUR)
    assert model.inside_c == pytest.approx(expected, rel=1e-12)


def test_left_alone_it_keeps_the_food_cold_for_a_plausible_use():
    model = Freezer(SIZE, 0.0, -20.0, doors)
    warmest = -30.0
    while model.t < 30 * 24 * HOUR:
        model.advance_to(min(model.until, 30 * 24 * HOUR))
        warmest = max(warmest, model.inside_c)
    assert warmest < -17.5
    yearly_kwh = model.consumed_j / 3.6e6 / 30.0 * 365.0
    assert 150.0 < yearly_kwh < 350.0


def test_the_compressor_keeps_its_least_rest():
    model = Freezer(SIZE, 0.0, -21.9)
    model.order("cool")
    while model.mode == "cool":
        model.advance_to(model.until)
    with pytest.raises(Refused, match="least time"):
        model.order("boost")


def test_the_freezer_keeps_the_last_word_about_its_food():
    model = Freezer(SIZE, 0.0, -18.0)
    assert model.by_itself
    with pytest.raises(Refused, match="food"):
        model.order("off")


def test_boost_freezes_deeper():
    model = Freezer(SIZE, 0.0, -20.0)
    model.order("boost")
    assert model.power_w == SIZE.boost_w
    while model.mode == "boost":
        model.advance_to(model.until)
    assert model.inside_c == -27.0


def test_an_open_door_warms():
    shut, opened = Freezer(SIZE, 0.0, -20.0), Freezer(SIZE, 0.0, -20.0, doors)
    shut.advance_to(45.0)
    opened.advance_to(45.0)
    assert opened.inside_c - shut.inside_c == pytest.approx(9.0 * 40.0 * 45.0 / SIZE.mass_j_per_k, rel=0.01)
