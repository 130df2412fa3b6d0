import pytest
from efpi_driver_simulated.physics.battery import Battery, BatterySize
from hypothesis import given
from hypothesis import strategies as st

from .stepping import same_life

SIZE = BatterySize(capacity_j=36e6, charge_w=5000.0, discharge_w=5000.0)
HOUR = 3600.0


def battery(level: float = 0.5, **changes: float) -> Battery:
    size = BatterySize(**{"capacity_j": 36e6, "charge_w": 5000.0, "discharge_w": 5000.0, **changes})
    return Battery(size, 0.0, level * size.capacity_j)


instants = st.lists(st.floats(0.0, 20 * HOUR), max_size=12)
orders = st.lists(st.tuples(st.floats(0.0, 20 * HOUR), st.floats(-6000.0, 6000.0)), max_size=6)


@given(instants, orders, st.floats(0.0, 1.0))
def test_looking_at_it_changes_nothing(looks, given_orders, level):
    same_life(
        lambda: battery(level),
        looks,
        [(when, lambda model, power=power: model.order(power)) for when, power in given_orders],
        lambda model: (model.level_j, model.consumed_j, model.produced_j, model.power_w),
    )


@given(orders, st.floats(0.0, 1.0))
def test_what_goes_in_comes_out_or_is_lost_as_the_plate_says(given_orders, level):
    model = battery(level)
    charged = discharged = leaked = standby = 0.0
    for when, power in [*sorted(given_orders), (20 * HOUR, 0.0)]:
        while model.t < when:
            start, level_j, power_w, working = model.t, model.level_j, model.power_w, model.working
            model.advance_to(min(model.until, when))
            span = model.t - start
            charged += max(power_w, 0.0) * span if working else 0.0
            discharged += max(-power_w, 0.0) * span
            standby += 0.0 if working else power_w * span
            leaked += SIZE.self_discharge_per_s * (level_j + model.level_j) / 2.0 * span
        model.order(power)
    stored = charged * SIZE.charge_efficiency - discharged / SIZE.discharge_efficiency - leaked
    assert model.level_j - level * SIZE.capacity_j == pytest.approx(stored, rel=1e-6, abs=5.0)
    assert model.consumed_j == pytest.approx(charged + standby, rel=1e-9, abs=1e-6)
    assert model.produced_j == pytest.approx(discharged, rel=1e-9, abs=1e-6)


@given(orders, st.floats(0.0, 1.0))
def test_it_is_never_fuller_than_full_or_emptier_than_empty(given_orders, level):
    model = battery(level)
    for when, power in sorted(given_orders):
        while model.until < when:
            model.advance_to(model.until)
            assert 0.0 <= model.level_j <= SIZE.capacity_j
        model.advance_to(when)
        assert 0.0 <= model.level_j <= SIZE.capacity_j
        model.order(power)


def test_a_round_trip_loses_both_efficiencies():
    model = battery(0.1, self_discharge_per_s=0.0, standby_w=0.0)
    model.order(2000.0)
    model.advance_to(2 * HOUR)
    stored = model.level_j - 3.6e6
    model.order(-2000.0)
    model.advance_to(model.until)
    assert stored == pytest.approx(2000.0 * 2 * HOUR * 0.95)
    assert model.produced_j == pytest.approx((stored + 3.6e6 - 0.05 * 36e6) * 0.95)


def test_charging_slows_down_near_the_end_and_stops_when_full():
    model = battery(0.5)
    model.order(5000.0)
    model.advance_to(model.until)
    assert model.level_j == 0.92 * 36e6
    assert model.power_w == 1500.0
    model.advance_to(model.until)
    assert model.level_j == 36e6
    assert model.power_w == SIZE.standby_w
    assert not model.working


def test_a_full_battery_tops_up_when_it_has_leaked():
    model = battery(1.0)
    model.order(3000.0)
    assert not model.working
    model.advance_to(model.until)
    assert model.level_j == 0.99 * 36e6
    assert model.working


def test_discharging_stops_at_the_reserve():
    model = battery(0.3)
    model.order(-5000.0)
    model.advance_to(24 * HOUR)
    assert not model.working
    assert model.level_j < 0.05 * 36e6
    assert model.produced_j == pytest.approx(0.25 * 36e6 * 0.95, rel=1e-4)


def test_a_resting_battery_leaks_and_its_converter_draws():
    model = battery(1.0)
    model.advance_to(30 * 24 * HOUR)
    assert model.level_j == pytest.approx(0.97 * 36e6, rel=2e-3)
    assert model.consumed_j == pytest.approx(8.0 * 30 * 24 * HOUR)


def test_a_power_too_small_for_the_converter_is_none():
    model = battery(0.5)
    model.order(60.0)
    assert model.power_w == SIZE.standby_w


def test_time_does_not_go_back():
    model = battery()
    model.advance_to(10.0)
    with pytest.raises(ValueError, match="cannot go back"):
        model.advance_to(9.0)
