"""Limits of the connection, halting work, and holding production back."""

from datetime import UTC, datetime, timedelta

import pytest
from efpi_app_self_consumption.curtailment_policy import Curtailable, Curtailment, hold_back, offered
from efpi_app_self_consumption.flow import Flow
from efpi_app_self_consumption.headroom import Headroom
from efpi_app_self_consumption.held import Held
from efpi_app_self_consumption.holding import to_change
from efpi_app_self_consumption.interruption_policy import RunningWork, halts
from hypothesis import given
from hypothesis import strategies as st

from efi.commodity import CommodityQuantity, Phase
from efi.inflexible import CurtailmentOption, LimitKind
from efi.time_shiftable import SequenceAction
from efi.types import NumberRange
from efpi_core.plugin.limits import Limit, LimitSource
from tests.energy_apps.self_consumption.segments_made import PHASES, segment

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FUSE = [Limit(f"fuse.{phase}", LimitSource.FUSE, lower_w=-5750, upper_w=5750, phase=phase) for phase in PHASES]


def room(grid, *limits, spared=0.0):
    flow = grid if isinstance(grid, Flow) else Flow.on(grid, PHASES)
    return Headroom(flow, limits, NOW, spared)


def test_one_phase_is_bounded_though_the_sum_has_room():
    headroom = room(Flow(5000, 5000, 0, 0), *FUSE)
    assert headroom.most_share(segment("car", 1400, 3700, phases=(Phase.L1,))) is None
    assert headroom.most_share(segment("car", 1400, 3700, phases=(Phase.L2,))) == 1.0
    share = headroom.most_share(segment("car", 300, 11_000))
    power = 300 + share * 10_700
    assert power / 3 == pytest.approx(5750 * 0.96 - 5000)


def test_what_is_about_to_start_is_left_free():
    limit = Limit("sum", LimitSource.CONTRACT, upper_w=5000.0)
    assert room(1000, limit).most_share(segment("car", 0, 6000)) == pytest.approx(3800 / 6000)
    assert room(1000, limit, spared=2000).most_share(segment("car", 0, 6000)) == pytest.approx(1800 / 6000)


def test_limits_that_have_ended_or_not_begun_bound_nothing():
    later = Limit("later", LimitSource.GRID_OPERATOR, upper_w=0.0, start=NOW + timedelta(hours=1))
    ended = Limit("ended", LimitSource.GRID_OPERATOR, upper_w=0.0, end=NOW)
    assert room(5000, later, ended).bounds == []


def test_of_two_limits_on_one_appliance_the_tighter_holds():
    limits = [
        Limit("a", LimitSource.GRID_OPERATOR, upper_w=4200.0, appliance_id="car"),
        Limit("b", LimitSource.CONTRACT, lower_w=-100.0, upper_w=9000.0, appliance_id="car"),
    ]
    headroom = room(0, *limits)
    assert headroom.own_bounds("car") == (-100.0, 4200.0)
    assert headroom.own_bounds("battery") == (float("-inf"), float("inf"))
    assert headroom.bounds == []


@given(
    st.floats(-9000, 9000),
    st.tuples(st.floats(0, 9000), st.floats(0, 9000)),
    st.floats(100, 9000),
    st.sampled_from([PHASES, (Phase.L1,), (Phase.L2, Phase.L3)]),
)
def test_a_share_that_is_granted_breaks_nothing(grid_w, ends, fuse_w, phases):
    limits = [Limit(f"f{phase}", LimitSource.FUSE, upper_w=fuse_w, phase=phase) for phase in PHASES]
    headroom = room(Flow.on(grid_w, (Phase.L1, Phase.L2)), *limits)
    low, high = sorted(ends)
    part = segment("x", low, high, phases=phases)
    share = headroom.most_share(part)
    if share is None:
        return
    after = headroom.grid.plus(part.low.towards(part.high, share))
    assert all(power <= max(fuse_w, before) + 1e-6 for power, before in zip(after[1:], headroom.grid[1:], strict=True))


# Halting --------------------------------------------------------------------------------------------------------------


def running(name="washer", watts=2000.0, halted=None, longest=3600.0, slack=7200.0):
    return RunningWork(name, "heat", Flow.on(watts, PHASES), halted, longest, slack)


LIMIT = Limit("sum", LimitSource.CONTRACT, upper_w=5000.0)


def actions(headroom, *works):
    return [(work.appliance_id, action) for work, action in halts(works, headroom)]


def test_the_strongest_work_that_can_wait_is_halted_until_the_limit_is_kept():
    headroom = room(6000, LIMIT)
    found = actions(headroom, running("dryer", 1000), running("washer", 2000), running("busy", 2500, slack=60))
    assert found == [("washer", SequenceAction.INTERRUPT)]
    assert headroom.grid.total == 4000


def test_halted_work_goes_on_when_there_is_room_and_not_before():
    assert actions(room(4000, LIMIT), running(halted=600)) == []
    assert actions(room(2500, LIMIT), running(halted=600)) == [("washer", SequenceAction.RESUME)]
    assert actions(room(2500, LIMIT), running(halted=10)) == []


@pytest.mark.parametrize("pressing", [{"slack": 300.0}, {"longest": 700.0}])
def test_halted_work_goes_on_in_any_case_when_its_time_is_over(pressing):
    assert actions(room(6000, LIMIT), running(halted=600, **pressing)) == [("washer", SequenceAction.RESUME)]


# Holding back ---------------------------------------------------------------------------------------------------------


def option(*ranges, kind=LimitKind.LOWER, quantity=CommodityQuantity.ELECTRIC_POWER, **more):
    bounds = tuple(NumberRange(lower=low, upper=high) for low, high in ranges or [(-10_000, 0)])
    return CurtailmentOption(quantity=quantity, limit=kind, ranges=bounds, **more)


def sun(power=-5000.0, **more):
    return Curtailable("sun", power, (), **{"lower": option(), "upper": None, **more})


def test_production_is_free_while_feeding_in_earns():
    (free,) = hold_back([sun()], room(-4000), worthless=False)
    assert (free.lower_w, free.upper_w) == (None, None)


def test_what_would_be_fed_in_for_nothing_is_held_back_and_no_more():
    headroom = room(-4000)
    (held,) = hold_back([sun()], headroom, worthless=True)
    assert held.lower_w == -1000.0
    assert not held.by_limit
    assert headroom.grid.total == 0.0


def test_only_what_exceeds_the_limit_is_held_back():
    (held,) = hold_back([sun()], room(-4000, Limit("e", LimitSource.CONTRACT, lower_w=-2500.0)), worthless=False)
    assert held.lower_w == -3500.0
    assert held.by_limit


def test_held_back_production_is_reckoned_by_its_forecast():
    held = sun(-1000.0, held_w=-1000.0, forecast_w=-4800.0)
    assert held.hidden_w == 3800.0
    assert sun(-600.0, held_w=-1000.0, forecast_w=-4800.0).hidden_w == 0.0
    assert sun(-1000.0, held_w=-1000.0).hidden_w == pytest.approx(150.0)


def test_steps_of_a_limit_are_chosen_so_that_it_is_kept():
    steps = option((0, 0), (-3000, -3000), (-10_000, -10_000))
    limit = Limit("e", LimitSource.CONTRACT, lower_w=-2500.0)
    (held,) = hold_back([sun(lower=steps)], room(-4000, limit), worthless=False)
    assert held.lower_w == -3000.0


def test_an_envelope_keeps_the_energy_flowing_that_must_flow():
    (held,) = hold_back([sun(most_average_w=-2000.0)], room(-5000), worthless=True)
    assert held.lower_w == -2000.0


def test_consumption_is_held_back_only_against_a_broken_limit():
    heater = Curtailable("heater", 3000.0, (), None, option((0, 3000), kind=LimitKind.UPPER), least_average_w=1000.0)
    (free,) = hold_back([heater], room(4000, LIMIT), worthless=False)
    assert free.upper_w is None
    (held,) = hold_back([heater], room(6500, LIMIT), worthless=False)
    assert held.upper_w == 1500.0
    (least,) = hold_back([heater], room(9000, LIMIT), worthless=False)
    assert least.upper_w == 1000.0


def test_a_single_phase_speaks_for_the_whole_of_an_appliance_on_that_phase_only():
    on_l1 = option(quantity=CommodityQuantity.ELECTRIC_POWER_L1)
    assert offered([on_l1], LimitKind.LOWER, (Phase.L1,), abnormal=False) is on_l1
    assert offered([on_l1], LimitKind.LOWER, PHASES, abnormal=False) is None
    kept = option(abnormal_condition_only=True)
    assert offered([kept], LimitKind.LOWER, (), abnormal=False) is None
    assert offered([kept], LimitKind.LOWER, (), abnormal=True) is kept


def wanted(lower):
    return Curtailment(sun(), lower, None, 500.0, by_limit=False)


def test_a_limit_is_told_anew_when_it_differs_or_is_about_to_end():
    held = Held("a1", -1000.0, None, since_s=0.0, until_s=1800.0, shortest_s=0.0)
    assert not to_change(wanted(-1030.0), held, 75.0, 300.0, 5.0)
    assert to_change(wanted(-1200.0), held, 75.0, 300.0, 5.0)
    assert to_change(wanted(-1000.0), held, 75.0, 1300.0, 5.0)
    assert to_change(wanted(None), held, 75.0, 300.0, 5.0)
    assert not to_change(wanted(None), None, 75.0, 300.0, 5.0)


def test_a_limit_lasts_as_long_as_it_must():
    held = Held("a1", -1000.0, None, since_s=0.0, until_s=1800.0, shortest_s=600.0)
    assert not to_change(wanted(None), held, 75.0, 300.0, 5.0)
    assert to_change(wanted(None), held, 75.0, 700.0, 5.0)
    pressing = wanted(-200.0)._replace(by_limit=True)
    assert to_change(pressing, held, 75.0, 300.0, 5.0)
