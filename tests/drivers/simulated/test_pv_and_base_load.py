from math import inf, sin

import pytest
from efpi_driver_simulated.physics.base_load import BaseLoad
from efpi_driver_simulated.physics.pv import Pv, PvSize
from efpi_driver_simulated.physics.slots import Slots
from hypothesis import given
from hypothesis import strategies as st

from .stepping import same_life

HOUR = 3600.0
SIZE = PvSize(peak_w=5000.0, inverter_w=4000.0)


def light(t: float) -> tuple[float, float]:
    return max(0.0, 1000.0 * sin(t / (4 * HOUR))), 15.0


def pv() -> Pv:
    return Pv(SIZE, 0.0, light, Slots(300.0))


@given(
    st.lists(st.floats(0.0, 20 * HOUR), max_size=12),
    st.lists(st.tuples(st.floats(0.0, 20 * HOUR), st.one_of(st.floats(0.0, 6000.0), st.just(inf))), max_size=6),
)
def test_looking_at_pv_changes_nothing(looks, limits):
    same_life(
        pv,
        looks,
        [(when, lambda model, limit=limit: model.limit(limit)) for when, limit in limits],
        lambda model: (model.produced_j, model.consumed_j, model.spilt_j, model.power_w),
    )


@given(st.lists(st.tuples(st.floats(0.0, 20 * HOUR), st.floats(0.0, 5000.0)), max_size=6))
def test_what_is_not_fed_is_counted_as_spilt(limits):
    limited, free = pv(), pv()
    for when, limit in sorted(limits):
        limited.advance_to(when)
        limited.limit(limit)
    limited.advance_to(21 * HOUR)
    free.advance_to(21 * HOUR)
    assert limited.produced_j + limited.spilt_j == pytest.approx(free.produced_j, rel=1e-9, abs=1e-6)


def test_the_inverter_and_a_limit_bound_the_output():
    assert SIZE.output_w(1000.0, 0.0) == 4000.0
    model = pv()
    model.advance_to(6 * HOUR)
    model.limit(1500.3)
    assert model.power_w == -1500.25
    model.limit(inf)
    assert model.power_w == -model.available_w < -3900.0


def test_warm_panels_give_less():
    cold, warm = SIZE.output_w(500.0, 0.0), SIZE.output_w(500.0, 30.0)
    assert warm == pytest.approx(cold * (1 - 0.0035 * 20.0) / (1 + 0.0035 * 10.0), rel=1e-9)


def test_at_night_the_inverter_draws_a_little():
    model = Pv(SIZE, 0.0, lambda t: (0.0, 10.0), Slots(300.0))
    assert model.power_w == SIZE.night_w


@given(st.lists(st.floats(0.0, 20 * HOUR), max_size=12))
def test_looking_at_the_base_load_changes_nothing(looks):
    same_life(
        lambda: BaseLoad(0.0, lambda t: 300.0 + 200.0 * sin(t), Slots(300.0)),
        looks,
        (),
        lambda model: (model.consumed_j, model.power_w),
    )


@given(st.floats(0.0, 9000.0))
def test_the_phases_add_up_to_the_whole_exactly(power_w):
    model = BaseLoad(0.0, lambda t: power_w, Slots(300.0), (0.5, 0.3, 0.2))
    assert sum(model.phase_powers_w()) == model.power_w


@given(st.floats(-1e9, 2e9), st.sampled_from((0.1, 1.0, 5.0, 300.0, 900.0)))
def test_a_slot_ends_after_each_of_its_instants(t, seconds):
    slots = Slots(seconds)
    assert slots.end(t) > t
    assert slots.end(t) - t <= seconds * (1 + 1e-6) + 1e-6
