"""The plain numbers that the app works with say the same as the messages they were made from."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from efpi_app_self_consumption.flow import Flow
from efpi_app_self_consumption.segment import UNKNOWN_COST, segments
from efpi_app_self_consumption.storage_model import Leakage, StorageModel
from efpi_app_self_consumption.ways import Ways
from hypothesis import given
from hypothesis import strategies as st

from efi.commodity import CommodityQuantity, Phase, PowerRange, PowerValue, ValueRange, electric_range, per_phase_w
from efi.running_mode import CostRange, ModeBehaviour, Timer, Transition
from efi.storage import (
    ActuatorBehaviour,
    LeakageElement,
    StorageBehaviour,
    StorageLeakageUpdate,
    StorageMode,
    StorageModeElement,
    StorageSystemDescription,
)
from efi.types import NumberRange

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HEADER = {"message_id": "m1", "appliance_id": "a1", "timestamp": NOW, "valid_from": NOW}
numbers = st.floats(-5000, 5000)


@given(st.lists(st.tuples(st.sampled_from([*CommodityQuantity]), numbers), max_size=4, unique_by=lambda pair: pair[0]))
def test_flows_split_over_the_phases_as_the_interface_does(pairs):
    values = [PowerValue(quantity=quantity, value=value) for quantity, value in pairs]
    flow = Flow.measured(values, (Phase.L2, Phase.L3))
    electric = [value for value in values if value.quantity.commodity.value == "electricity"]
    if not electric:
        assert flow is None
        return
    phases = per_phase_w(electric, (Phase.L2, Phase.L3))
    assert flow[1:] == pytest.approx([phases[phase] for phase in Phase])
    assert flow.total == pytest.approx(sum(phases.values()))


def test_a_connection_whose_split_is_not_told_is_taken_at_its_worst():
    total = (PowerValue(quantity=CommodityQuantity.ELECTRIC_POWER, value=3000.0),)
    assert Flow.of_connection(total) == Flow(3000, 3000, 3000, 3000)
    fed_in = (PowerValue(quantity=CommodityQuantity.ELECTRIC_POWER, value=-3000.0),)
    assert Flow.of_connection(fed_in) == Flow(-3000, 0, 0, 0)


def test_a_range_that_changes_sign_becomes_two_stretches():
    behaviour = ModeBehaviour(power=electric_range(-2000, 3000), energy_cost=CostRange.point(Decimal("0.000001")))
    giving, taking = segments("any", "", True, False, behaviour, (-2.0, 3.0), (), {})
    assert (giving.low.total, giving.high.total, taking.low.total, taking.high.total) == (-2000, 0, 0, 3000)
    assert giving.high_rate == pytest.approx(0) == taking.low_rate
    assert giving.factor(0.0) == 0.0
    assert taking.factor(0.0) == giving.factor(1.0) == pytest.approx(0.4)
    assert (giving.low_cost, giving.high_cost, taking.high_cost) == pytest.approx((0.002, 0.0, 0.003))


def test_a_mode_whose_power_falls_with_the_factor_is_turned_round():
    (part,) = segments("run", "", True, False, ModeBehaviour(power=electric_range(-100, -900)), (0, 0), (), {})
    assert (part.low.total, part.high.total) == (-900, -100)
    assert (part.factor(0.0), part.factor(1.0)) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("told", "fuels", "cost"),
    [
        (None, {}, UNKNOWN_COST),
        (Decimal("0.002"), {}, 0.002),
        (None, {CommodityQuantity.GAS_FLOW: 1.5}, 0.003),
        (Decimal("0.002"), {CommodityQuantity.GAS_FLOW: 1.5}, 0.005),
    ],
)
def test_what_burns_costs_what_was_told_and_what_the_fuel_costs(told, fuels, cost):
    gas = PowerRange(quantity=CommodityQuantity.GAS_FLOW, start=0.002, end=0.002)
    running = None if told is None else CostRange.point(told)
    (part,) = segments("heat", "", False, False, ModeBehaviour(power=(gas,), running_cost=running), (1, 1), (), fuels)
    assert part.cost(1.0) == pytest.approx(cost)


@st.composite
def storage_modes(draw):
    marks = sorted({0.0, 100.0, *draw(st.lists(st.floats(5, 95), max_size=3))})
    continuous = draw(st.booleans())
    elements = []
    for lower, upper in itertools.pairwise(marks):

        def behaviour():
            start = draw(numbers)
            end = draw(numbers) if continuous else start
            rate = ValueRange(start=start / 100, end=end / 100)
            return {"fill_rate": rate, "power": electric_range(start, end)}

        at_upper = StorageBehaviour(**behaviour()) if draw(st.booleans()) else None
        element = StorageModeElement(
            fill_level_range=NumberRange(lower=lower, upper=upper), at_upper=at_upper, **behaviour()
        )
        elements.append(element)
    return StorageMode(mode_id="run", elements=tuple(elements))


@given(storage_modes(), st.floats(0, 100), st.floats(0, 1))
def test_a_mode_does_at_any_level_and_factor_what_its_message_says(mode, level, factor):
    description = StorageSystemDescription(
        **HEADER,
        fill_level_range=NumberRange(lower=0, upper=100),
        actuators=(ActuatorBehaviour(actuator_id="main", modes=(mode,)),),
    )
    (actuator,) = StorageModel(description, (), {}).actuators
    behaviour = mode.behaviour_at(level)
    told_w = behaviour.electric_power_at(factor if mode.continuous else 1.0)
    found = actuator.modes["run"].at(level)
    assert found
    near = [(part, part.share(told_w)) for part in found if part.low.total - 1e-6 <= told_w <= part.high.total + 1e-6]
    if not near:
        # Where the sign changes on one end of an element only, the nearer end speaks for it.
        assert any(
            len(element.at_lower) != len(element.at_upper or element.at_lower)
            for element in actuator.modes["run"]._elements
        )
        return
    if behaviour.power[0].start != behaviour.power[0].end:
        assert any(part.rate(share) == pytest.approx(told_w / 100, abs=0.5) or len(found) == 1 for part, share in near)


@given(st.floats(-40, 140), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_leakage_is_as_told_at_any_level(level, one, two, three):
    update = StorageLeakageUpdate(
        **HEADER,
        elements=(
            LeakageElement(fill_level_range=NumberRange(lower=0, upper=30), rate=one),
            LeakageElement(fill_level_range=NumberRange(lower=30, upper=100), rate=two, rate_at_upper=three),
        ),
    )
    assert Leakage(update).rate(level) == pytest.approx(update.rate_at(level))


NAMES = ("off", "warm", "hot", "test")


@st.composite
def graphs(draw):
    timers = ("t1", "t2")
    pairs = draw(st.lists(st.sampled_from([(a, b) for a in NAMES for b in NAMES if a != b]), unique=True))
    ways = tuple(
        Transition(
            from_mode=a,
            to_mode=b,
            start_timers=tuple(draw(st.sets(st.sampled_from(timers)))),
            blocking_timers=tuple(draw(st.sets(st.sampled_from(timers)))),
            abnormal_condition_only=draw(st.booleans()),
        )
        for a, b in pairs
    )
    element = StorageModeElement(
        fill_level_range=NumberRange(lower=0, upper=1), fill_rate=ValueRange.point(0.0), power=electric_range(0.0)
    )
    return ActuatorBehaviour(
        actuator_id="main",
        modes=tuple(StorageMode(mode_id=name, elements=(element,)) for name in NAMES),
        transitions=ways,
        timers=tuple(Timer(timer_id=name, duration=timedelta(minutes=5)) for name in timers),
    )


@given(graphs(), st.sampled_from(NAMES), st.sets(st.sampled_from(["t1", "t2"])), st.booleans())
def test_the_first_hop_is_always_allowed_and_nothing_reachable_at_once_is_missed(graph, mode, blocked, abnormal):
    ends = {name: NOW + timedelta(minutes=1 if name in blocked else -1) for name in ("t1", "t2")}
    allowed = graph.reachable(mode, ends, NOW, abnormal)
    found = Ways(graph).reachable(mode, frozenset(blocked), abnormal)
    assert {reach.hop for reach in found} <= set(allowed)
    assert set(allowed) <= {reach.mode_id for reach in found}
    assert found[0].mode_id == mode
