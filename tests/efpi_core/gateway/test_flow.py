"""The allowance of messages that may not be left out."""

from datetime import UTC, datetime, timedelta

from efpi_core.gateway.flow import MOST_AT_ONCE, PER_S, Flow

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_whoever_goes_beyond_the_allowance_is_named_once_and_not_passed_on() -> None:
    flow = Flow()
    named: list[tuple[str, str]] = []
    flow.on_flood = lambda instance, problem: named.append((instance, problem))
    assert all(flow.passes("app", "battery", None, NOW) for _ in range(MOST_AT_ONCE))
    assert not any(flow.passes("app", "battery", None, NOW) for _ in range(10))
    assert named == [("app", "it floods 'battery' with messages that may not be left out")]
    assert flow.passes("app", "car", None, NOW), "each appliance has an allowance of its own"
    assert flow.passes("other", "battery", None, NOW)


def test_the_allowance_comes_back_with_time_and_with_a_new_life() -> None:
    flow = Flow()
    for _ in range(MOST_AT_ONCE):
        flow.passes("app", "battery", None, NOW)
    later = NOW + timedelta(seconds=1)
    assert sum(flow.passes("app", "battery", None, later) for _ in range(MOST_AT_ONCE)) == PER_S
    flow.forget("app")
    assert all(flow.passes("app", "battery", None, later) for _ in range(MOST_AT_ONCE))


def test_whoever_answers_a_flood_is_not_taken_for_it() -> None:
    flow = Flow()
    named: list[str] = []
    flow.on_flood = lambda instance, problem: named.append(instance)
    for _ in range(3):
        while flow.passes("driver", "battery", "app", NOW):
            assert flow.passes("app", "battery", "", NOW)
        flow.forget("driver")
    assert named == ["driver"] * 3


def test_who_answers_each_of_many_states_floods_nobody() -> None:
    flow, accused = Flow(), list[str]()
    flow.on_flood = lambda instance, problem: accused.append(instance)
    for _ in range(3 * MOST_AT_ONCE):
        flow.told("app", "battery")
        assert flow.passes("app", "battery", "driver", NOW)
    assert not accused
