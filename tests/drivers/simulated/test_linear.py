from math import exp, inf

import pytest
from efpi_driver_simulated.physics.linear import seconds_until, value_after
from hypothesis import given
from hypothesis import strategies as st

starts = st.floats(-50.0, 100.0)
gains = st.floats(-0.01, 0.01)
decays = st.one_of(st.just(0.0), st.floats(1e-9, 1e-3))
spans = st.floats(0.0, 1e5)


@given(starts, gains, decays, spans, spans)
def test_two_spans_one_after_the_other_are_as_good_as_one(start, gain, decay, first, second):
    stepped = value_after(value_after(start, gain, decay, first), gain, decay, second)
    whole = value_after(start, gain, decay, first + second)
    assert stepped == pytest.approx(whole, rel=1e-9, abs=1e-9)


@given(starts, gains, st.floats(1e-6, 1e-3), spans)
def test_the_value_is_the_textbook_solution(start, gain, decay, seconds):
    rest = gain / decay
    expected = rest + (start - rest) * exp(-decay * seconds)
    assert value_after(start, gain, decay, seconds) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(starts, starts, gains, decays)
def test_the_goal_is_reached_when_promised(start, goal, gain, decay):
    wait = seconds_until(start, goal, gain, decay)
    if wait != inf:
        assert wait >= 0.0
        assert value_after(start, gain, decay, wait) == pytest.approx(goal, rel=1e-6, abs=1e-6)


def test_a_goal_on_the_other_side_is_never_reached():
    assert seconds_until(10.0, 5.0, 1.0, 0.0) == inf


def test_a_goal_beyond_the_resting_value_is_never_reached():
    assert seconds_until(0.0, 11.0, 1.0, 0.1) == inf


def test_a_value_at_its_goal_waits_no_time():
    assert seconds_until(5.0, 5.0, 0.0, 0.0) == 0.0
