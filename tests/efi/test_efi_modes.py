"""What a mode draws and costs at a level and factor, and when another mode can be reached."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efi.commodity import (
    CommodityQuantity,
    Phase,
    PowerRange,
    PowerValue,
    ValueRange,
    electric,
    electric_power_w,
    electric_quantity,
    electric_range,
    per_phase_w,
)
from efi.output_adjustable import OutputAdjustableMode, OutputAdjustableSystemDescription
from efi.reachability import Step
from efi.running_mode import CostBounds, CostRange, ModeGraph, Timer, Transition
from efi.storage import StorageBehaviour, StorageMode, StorageModeElement
from tests.efi.house import HOUR, MINUTE, NOON, battery_behaviour, levels, stamp

# Power and cost -------------------------------------------------------------------------------------------------------


def rising() -> StorageMode:
    """Heats with 1 to 2 kW when cold, and with half of it when hot."""
    cold = {
        "fill_rate": ValueRange(start=0.01, end=0.02),
        "power": electric_range(1000, 2000),
        "running_cost": CostRange(start=Decimal(1), end=Decimal(3)),
        "running_cost_bounds": CostBounds(lower=Decimal(0), upper=Decimal(3)),
    }
    hot = StorageBehaviour(
        fill_rate=ValueRange(start=0.005, end=0.01),
        power=electric_range(500, 1000),
        running_cost=CostRange(start=Decimal(2), end=Decimal(4)),
        running_cost_bounds=CostBounds(lower=Decimal(1), upper=Decimal(5)),
    )
    element = StorageModeElement(fill_level_range=levels(20, 80), at_upper=hot, **cold)  # type: ignore[arg-type]
    return StorageMode(mode_id="heat", elements=(element,))


def test_between_the_ends_of_an_element_all_is_linear() -> None:
    mode = rising()
    assert mode.fill_rate_at(20, 0) == 0.01
    assert mode.fill_rate_at(50, 1) == pytest.approx(0.015)
    assert mode.electric_power_at(80, 0.5) == 750
    behaviour = mode.behaviour_at(50)
    assert behaviour is not None
    assert behaviour.cost_per_second_at(0) == Decimal("1.5")
    assert behaviour.running_cost_bounds == CostBounds(lower=Decimal(0), upper=Decimal(5))


def test_outside_its_levels_a_mode_cannot_run() -> None:
    assert rising().behaviour_at(19.9) is None
    assert rising().fill_rate_at(80.1) is None
    assert rising().electric_power_at(80.1) is None


def test_absurd_costs_are_mixed_without_harm() -> None:
    vast = CostRange.point(Decimal("999999999999.999999999999999999"))
    element = StorageModeElement(
        fill_level_range=levels(0, 1),
        fill_rate=ValueRange.point(0),
        running_cost=vast,
        at_upper=StorageBehaviour(fill_rate=ValueRange.point(0), running_cost=CostRange.point(Decimal(0))),
    )
    assert element.at_level(0.3).cost_per_second_at() > 0


def test_a_cost_by_the_joule_counts_either_direction() -> None:
    mode = OutputAdjustableMode(
        mode_id="run",
        power=electric_range(-1000, -3000),
        running_cost=CostRange.point(Decimal("0.5")),
        energy_cost=CostRange(start=Decimal("0.001"), end=Decimal("0.002")),
    )
    assert mode.cost_per_second_at(1.0) == Decimal("6.5")
    assert mode.cost_per_second_at(0.0) == Decimal("1.5")


@pytest.mark.parametrize(("wanted", "factor"), [(-1000, 0), (-1500, 0.5), (-9000, 1), (500, 0)])
def test_the_factor_for_a_power_is_the_closest_there_is(wanted: float, factor: float) -> None:
    mode = OutputAdjustableMode(mode_id="run", power=electric_range(-1000, -2000))
    assert mode.factor_for(wanted) == factor
    assert OutputAdjustableMode(mode_id="off").factor_for(wanted) == 0


def test_a_mode_is_a_range_when_its_factor_changes_anything() -> None:
    point = {"mode_id": "run", "power": electric_range(100)}
    assert not OutputAdjustableMode(**point).continuous  # type: ignore[arg-type]
    slope = CostRange(start=Decimal(0), end=Decimal(1))
    assert OutputAdjustableMode(**point, running_cost=slope).continuous  # type: ignore[arg-type]
    assert OutputAdjustableMode(**point, energy_cost=slope).continuous  # type: ignore[arg-type]
    assert rising().continuous


def test_electrical_power_is_told_by_phase_or_in_total() -> None:
    assert electric_quantity(()) is CommodityQuantity.ELECTRIC_POWER
    assert electric_quantity((Phase.L2,)) is CommodityQuantity.ELECTRIC_POWER_L2
    assert electric_quantity(tuple(Phase)) is CommodityQuantity.ELECTRIC_POWER_SYMMETRIC
    gas = PowerValue(quantity=CommodityQuantity.GAS_FLOW, value=1)
    assert electric_power_w((*electric(100, (Phase.L1,)), *electric(50, (Phase.L3,)), gas)) == 150
    assert electric_power_w((gas,)) is None


def test_the_power_of_a_phase_is_what_is_told_of_it_and_its_share_of_the_rest() -> None:
    assert per_phase_w(electric(300, tuple(Phase))) == dict.fromkeys(Phase, 100)
    assert per_phase_w(electric(300)) == {Phase.L1: 300, Phase.L2: 0, Phase.L3: 0}
    assert per_phase_w(electric(300), tuple(Phase)) == dict.fromkeys(Phase, 100)
    assert per_phase_w(electric(-50, (Phase.L2,)))[Phase.L2] == -50


def test_every_quantity_has_a_unit_and_a_commodity() -> None:
    for quantity in CommodityQuantity:
        assert quantity.unit
        assert quantity.value.startswith(quantity.commodity.value)


def test_a_range_may_fall_as_the_factor_rises() -> None:
    falling = PowerRange(quantity=CommodityQuantity.ELECTRIC_POWER, start=0, end=-3000)
    assert falling.at(0.5) == -1500
    assert falling.bounds == levels(-3000, 0)


# Reaching modes -------------------------------------------------------------------------------------------------------


def graph(*transitions: Transition, modes: str = "abcd", **timers: timedelta) -> ModeGraph:
    return OutputAdjustableSystemDescription(
        **stamp(),
        valid_from=NOON,
        modes=tuple(OutputAdjustableMode(mode_id=f"mode-{name}") for name in modes),
        transitions=transitions,
        timers=tuple(Timer(timer_id=f"timer-{name}", duration=duration) for name, duration in timers.items()),
    )


def move(way: str, starts: str = "", heeds: str = "", lasting: timedelta = timedelta(0)) -> Transition:
    return Transition(
        from_mode=f"mode-{way[0]}",
        to_mode=f"mode-{way[1]}",
        start_timers=tuple(f"timer-{name}" for name in starts),
        blocking_timers=tuple(f"timer-{name}" for name in heeds),
        duration=lasting,
    )


def test_the_present_mode_and_every_unblocked_one_can_be_run() -> None:
    behaviour = battery_behaviour()
    running = {"rest": NOON + MINUTE}
    assert behaviour.reachable("idle", running, NOON) == ("idle",)
    assert behaviour.reachable("idle", running, NOON + MINUTE) == ("idle", "charge", "discharge")
    assert behaviour.reachable("idle", running, NOON, abnormal_condition=True) == ("idle", "island")
    assert behaviour.reachable("charge", running, NOON) == ("charge", "idle")


def test_a_mode_is_reached_by_way_of_others_and_as_their_timers_allow() -> None:
    arrivals = battery_behaviour().earliest("charge", {}, NOON)
    assert arrivals["charge"].instant == NOON
    assert arrivals["idle"].instant == NOON
    assert arrivals["discharge"].instant == NOON + 5 * MINUTE
    assert arrivals["discharge"].steps == (Step("idle", NOON), Step("discharge", NOON + 5 * MINUTE))
    assert "island" not in arrivals


def test_an_emergency_opens_ways() -> None:
    assert "island" in battery_behaviour().earliest("idle", {}, NOON, abnormal_condition=True)


def test_a_mode_is_reached_when_its_transition_has_ended() -> None:
    arrivals = graph(move("ab", lasting=MINUTE), move("bc", lasting=MINUTE)).earliest("mode-a", {}, NOON)
    assert arrivals["mode-c"].instant == NOON + 2 * MINUTE
    assert "mode-d" not in arrivals


def test_a_detour_that_starts_no_timer_can_be_the_faster_way() -> None:
    # Straight to b at once, but that starts the timer which bars c; by way of d it takes a minute and bars nothing.
    ways = graph(move("ab", starts="t"), move("bc", heeds="t"), move("ad", lasting=MINUTE), move("db"), t=HOUR)
    arrivals = ways.earliest("mode-a", {}, NOON)
    assert arrivals["mode-b"].instant == NOON
    assert arrivals["mode-c"].instant == NOON + MINUTE
    assert [step.to_mode for step in arrivals["mode-c"].steps] == ["mode-d", "mode-b", "mode-c"]


def test_a_timer_that_has_ended_holds_nothing_up() -> None:
    arrivals = graph(move("ab", heeds="t"), t=HOUR).earliest("mode-a", {"timer-t": NOON - HOUR}, NOON)
    assert arrivals["mode-b"].instant == NOON


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_way_of_at_most_four_steps_is_faster_than_the_one_found(draw: st.DataObject) -> None:
    pairs = draw.draw(st.lists(st.sampled_from([*permutations("abcd", 2)]), unique=True, max_size=7))
    subset = st.sets(st.sampled_from("tu"))
    ways = tuple(
        move(
            f"{one}{other}",
            "".join(draw.draw(subset)),
            "".join(draw.draw(subset)),
            draw.draw(st.sampled_from((0, 1, 5))) * MINUTE,
        )
        for one, other in pairs
    )
    made = graph(*ways, t=7 * MINUTE, u=3 * MINUTE)
    running = {"timer-t": NOON + draw.draw(st.integers(-5, 9)) * MINUTE}
    arrivals = made.earliest("mode-a", running, NOON)
    best: dict[str, datetime] = {"mode-a": NOON}
    _walk(made, "mode-a", NOON, running, best, 5)
    assert {mode: arrival.instant for mode, arrival in arrivals.items()} == best
    for mode, arrival in arrivals.items():
        assert arrival.instant == _follow(made, "mode-a", running, arrival.steps), mode


def _walk(
    made: ModeGraph, mode: str, now: datetime, timers: dict[str, datetime], best: dict[str, datetime], steps: int
) -> None:
    """Try every way of so many steps, waiting only as long as needed."""
    if not steps:
        return
    for way in made.transitions:
        if way.from_mode == mode:
            begins = way.unblocked_at(timers, now)
            there = begins + way.duration
            best[way.to_mode] = min(there, best.get(way.to_mode, there))
            _walk(made, way.to_mode, there, {**timers, **made.started_timers(way, begins)}, best, steps - 1)


def _follow(made: ModeGraph, mode: str, timers: dict[str, datetime], steps: tuple[Step, ...]) -> datetime:
    """Go the way that was said, and see that every transition is allowed when it begins."""
    now = NOON
    for step in steps:
        way = made.transition(mode, step.to_mode)
        assert way is not None
        assert step.begins >= now
        assert way.unblocked_at(timers, step.begins) == step.begins
        timers = {**timers, **made.started_timers(way, step.begins)}
        mode, now = step.to_mode, step.begins + way.duration
    return now
