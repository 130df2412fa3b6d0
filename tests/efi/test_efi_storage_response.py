"""A storage's exact response to a schedule, held against a simulation in small steps and against plain reckoning."""

import math
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from efi.affine import Affine, Course
from efi.commodity import CommodityQuantity, PowerRange, ValueRange, electric_range
from efi.running_mode import CostRange
from efi.storage import (
    ActuatorAllocation,
    ActuatorBehaviour,
    LeakageElement,
    StorageBehaviour,
    StorageLeakageUpdate,
    StorageMode,
    StorageModeElement,
    StorageSystemDescription,
    StorageUsageForecast,
    UsageElement,
)
from efi.storage_law import Held
from efi.storage_response import StorageModel, StorageResponse, storage_response
from efi.types import NumberRange
from efi.uncertainty import UncertainValue
from tests.efi.house import HOUR, MINUTE, NOON, Talk, battery_registration, battery_talk, levels, stamp

POWER = CommodityQuantity.ELECTRIC_POWER
TWO_HOURS_S = 7200.0


def element(lower: float, upper: float, rate: float, power_w: float = 0.0, **fields: object) -> StorageModeElement:
    return StorageModeElement(
        fill_level_range=levels(lower, upper),
        fill_rate=ValueRange.point(rate),
        power=electric_range(power_w),
        **fields,  # type: ignore[arg-type]
    )


def mode(mode_id: str, *elements: StorageModeElement) -> StorageMode:
    return StorageMode(mode_id=mode_id, elements=elements)


def description(*modes: StorageMode, upper: float = 100.0) -> StorageSystemDescription:
    behaviour = ActuatorBehaviour(actuator_id="heater", modes=modes)
    return StorageSystemDescription(
        **stamp(), valid_from=NOON, fill_level_range=levels(0, upper), actuators=(behaviour,)
    )


def leakage(*elements: LeakageElement) -> StorageLeakageUpdate:
    return StorageLeakageUpdate(**stamp(), valid_from=NOON, elements=elements)


def usage(*parts: tuple[timedelta, float]) -> StorageUsageForecast:
    elements = tuple(UsageElement(duration=lasting, rate=UncertainValue.certain(rate)) for lasting, rate in parts)
    return StorageUsageForecast(**stamp(), valid_from=NOON, elements=elements)


def ask(
    mode_id: str, after: timedelta = timedelta(0), factor: float | None = None, actuator: str = "heater"
) -> ActuatorAllocation:
    return ActuatorAllocation(actuator_id=actuator, mode_id=mode_id, factor=factor, start_time=NOON + after)


def respond(model: StorageModel, level: float, *schedule: ActuatorAllocation, hours: float = 2.0) -> StorageResponse:
    return model.respond(level, {}, schedule, NOON, NOON + hours * HOUR)


# By hand --------------------------------------------------------------------------------------------------------------


def test_a_constant_rate_fills_in_a_straight_line() -> None:
    model = StorageModel((description(mode("on", element(0, 100, 0.01, 2000))),))
    response = respond(model, 10, ask("on"))
    assert response.level_at(NOON + HOUR) == pytest.approx(46)
    assert response.electric_energy_j == pytest.approx(2000 * 7200)
    assert response.power_at(NOON + HOUR, POWER) == pytest.approx(2000)
    assert response.held == ()


def test_linear_leakage_empties_as_an_exponential() -> None:
    model = StorageModel(
        (description(mode("off", element(0, 100, 0))),),
        (leakage(LeakageElement(fill_level_range=levels(0, 100), rate=0, rate_at_upper=0.01)),),
    )
    response = respond(model, 80, ask("off"))
    assert response.level_at(NOON + 2 * HOUR) == pytest.approx(80 * math.exp(-0.01 / 100 * 7200), rel=1e-12)


def test_a_full_storage_is_held_and_draws_only_what_it_loses() -> None:
    model = StorageModel(
        (description(mode("on", element(0, 100, 0.1, 2000))),),
        (leakage(LeakageElement(fill_level_range=levels(0, 100), rate=0.01)),),
    )
    response = respond(model, 91, ask("on"))
    assert response.held == ((NOON + timedelta(seconds=100), NOON + 2 * HOUR, Held.FULL),)
    assert [*response.levels] == [91, 100, 100]
    assert response.power_at(NOON + HOUR, POWER) == pytest.approx(200)
    assert response.spilled == 0


def test_what_users_want_of_an_empty_storage_is_unmet() -> None:
    model = StorageModel((description(mode("off", element(0, 100, 0))),), usage=usage((HOUR, 0.01)))
    response = respond(model, 18, ask("off"))
    assert response.levels[-1] == 0
    assert response.unmet == pytest.approx(18)
    assert [held for _, _, held in response.held] == [Held.EMPTY]


def test_what_users_put_into_a_full_storage_is_spilled() -> None:
    model = StorageModel((description(mode("off", element(0, 100, 0))),), usage=usage((HOUR, -0.01)))
    response = respond(model, 82, ask("off"))
    assert response.levels[-1] == 100
    assert response.spilled == pytest.approx(18)


def test_usage_ends_with_its_forecast() -> None:
    model = StorageModel((description(mode("off", element(0, 100, 0))),), usage=usage((HOUR, 0.01), (HOUR, 0.002)))
    response = respond(model, 90, ask("off"), hours=3)
    assert response.level_at(NOON + HOUR) == pytest.approx(54)
    assert response.level_at(NOON + 3 * HOUR) == pytest.approx(54 - 7.2)


def test_a_mode_that_cannot_run_at_a_level_does_nothing_there() -> None:
    model = StorageModel((description(mode("boost", element(20, 60, 0.01, 3000))),))
    response = respond(model, 10, ask("boost"))
    assert [*response.levels] == [10, 10]
    assert response.electric_energy_j == 0
    assert response.segments[0].idle == ("heater",)


def test_where_it_rises_below_and_falls_above_the_level_stays() -> None:
    model = StorageModel(
        (description(mode("boost", element(0, 60, 0.03, 3000))),),
        (leakage(LeakageElement(fill_level_range=levels(0, 100), rate=0.01)),),
    )
    response = respond(model, 58, ask("boost"))
    assert response.levels[-1] == 60
    assert response.segments[-1].held is Held.BALANCED
    assert response.power_at(NOON + HOUR, POWER) == pytest.approx(1000)


def test_on_a_bound_the_higher_element_holds() -> None:
    model = StorageModel((description(mode("on", element(0, 50, -0.001, 10), element(50, 100, 0.001, 20))),))
    response = respond(model, 50, ask("on"))
    assert response.power_at(NOON, POWER) == 20
    assert response.levels[-1] == pytest.approx(57.2)


def test_a_freezer_below_zero_degrees_warms_and_cools() -> None:
    cold = levels(-24, -16)
    off, on = mode("off", element(-24, -16, 0)), mode("on", element(-24, -16, -0.002, 90))
    behaviour = ActuatorBehaviour(actuator_id="heater", modes=(off, on))
    told = StorageSystemDescription(**stamp(), valid_from=NOON, fill_level_range=cold, actuators=(behaviour,))
    warming = leakage(LeakageElement(fill_level_range=cold, rate=-0.0005))
    response = respond(StorageModel((told,), (warming,)), -18, ask("off"), ask("on", HOUR))
    assert response.level_at(NOON + HOUR) == pytest.approx(-16.2)
    assert response.level_at(NOON + 2 * HOUR) == pytest.approx(-16.2 - 0.0015 * 3600)


def test_a_level_beyond_the_storage_comes_back_and_goes_no_further() -> None:
    model = StorageModel(
        (description(mode("on", element(0, 100, 0.01, 2000)), mode("off", element(0, 100, 0))),),
        (leakage(LeakageElement(fill_level_range=levels(0, 100), rate=0.001)),),
    )
    response = respond(model, 103, ask("on"))
    assert response.level_at(NOON + timedelta(seconds=1000)) == pytest.approx(102)
    assert response.power_at(NOON, POWER) == 0
    assert response.levels[-1] == 100
    held = StorageModel((description(mode("off", element(0, 100, 0))),), usage=usage((2 * HOUR, -0.01)))
    assert respond(held, 103, ask("off")).levels == (103.0, 103.0)


def test_queued_descriptions_each_hold_until_the_next() -> None:
    slow = description(mode("on", element(0, 100, 0.001, 2000)))
    fast = slow.model_copy(
        update={"valid_from": NOON + HOUR, "actuators": description(mode("on", element(0, 100, 0.002, 2000))).actuators}
    )
    response = respond(StorageModel((slow, fast)), 0, ask("on"))
    assert response.level_at(NOON + HOUR) == pytest.approx(3.6)
    assert response.level_at(NOON + 2 * HOUR) == pytest.approx(10.8)


def test_cost_is_told_by_the_second_and_by_the_joule() -> None:
    wear = CostRange.point(Decimal("0.001"))
    per_joule = CostRange.point(Decimal("0.000001"))
    model = StorageModel(
        (description(mode("on", element(0, 1000, 0.01, -2000, running_cost=wear, energy_cost=per_joule)), upper=1000),)
    )
    response = respond(model, 10, ask("on"))
    assert float(response.running_cost) == pytest.approx(0.001 * 7200 + 0.000001 * 2000 * 7200)


def test_cost_by_the_joule_counts_either_direction_of_the_power() -> None:
    # The power goes from -1000 W to 1000 W over the fill level, and the level rises evenly through all of it.
    rising = StorageModeElement(
        fill_level_range=levels(0, 72),
        fill_rate=ValueRange.point(0.01),
        power=electric_range(-1000),
        energy_cost=CostRange.point(Decimal("0.000001")),
        at_upper=StorageBehaviour(
            fill_rate=ValueRange.point(0.01),
            power=electric_range(1000),
            energy_cost=CostRange.point(Decimal("0.000001")),
        ),
    )
    response = respond(StorageModel((description(mode("on", rising), upper=72),)), 0, ask("on"))
    assert response.electric_energy_j == pytest.approx(0, abs=1e-6)
    assert float(response.running_cost) == pytest.approx(0.000001 * 500 * 7200)


def test_the_response_of_a_control_space_begins_with_its_state() -> None:
    talk, _ = battery_talk()
    response = storage_response(talk.session.space, [_charge()], NOON, NOON + HOUR)
    assert response is not None
    assert response.levels[0] == 0.5
    assert response.levels[-1] == pytest.approx(0.8)
    assert storage_response(Talk(battery_registration()).session.space, [], NOON, NOON + HOUR) is None


def test_outside_its_time_a_response_tells_nothing() -> None:
    model = StorageModel((description(mode("on", element(0, 100, 0.01))),))
    response = respond(model, 10, ask("on"))
    assert response.level_at(NOON - MINUTE) is None
    assert response.level_at(NOON + 3 * HOUR) is None
    assert response.power_at(NOON + 3 * HOUR, POWER) is None
    assert model.respond(10, {}, [], NOON, NOON).levels == ()


def _charge() -> ActuatorAllocation:
    return ActuatorAllocation(actuator_id="inverter", mode_id="charge", factor=1.0, start_time=NOON)


# Against small steps --------------------------------------------------------------------------------------------------

rates = st.integers(-8, 8).map(lambda number: number / 200)
powers = st.integers(-3, 3).map(lambda number: number * 1000.0)
cuts = st.sampled_from(((0, 100), (0, 40, 100), (0, 25, 60, 100)))
some_levels = st.integers(1, 99).map(lambda number: number + 0.37)


@st.composite
def modes(draw: st.DrawFn, mode_id: str) -> StorageMode:
    elements = []
    for lower, upper in pairwise(draw(cuts)):
        linear = StorageBehaviour(
            fill_rate=ValueRange(start=draw(rates), end=draw(rates)),
            power=(PowerRange(quantity=POWER, start=draw(powers), end=draw(powers)),),
        )
        elements.append(
            StorageModeElement(
                fill_level_range=levels(lower, upper),
                fill_rate=ValueRange(start=draw(rates), end=draw(rates)),
                power=(PowerRange(quantity=POWER, start=draw(powers), end=draw(powers)),),
                at_upper=linear if draw(st.booleans()) else None,
            )
        )
    return StorageMode(mode_id=mode_id, elements=tuple(elements[: draw(st.integers(1, len(elements)))]))


@st.composite
def leaks(draw: st.DrawFn) -> tuple[LeakageElement, ...]:
    slow = rates.map(lambda rate: rate / 4)
    return tuple(
        LeakageElement(fill_level_range=levels(*pair), rate=draw(slow), rate_at_upper=draw(st.none() | slow))
        for pair in pairwise(draw(cuts))
    )


class SmallSteps:
    """The same physics in steps of a fraction of a second, without any cleverness."""

    def __init__(self, within: NumberRange, leaking: Sequence[LeakageElement], step_s: float) -> None:
        self.step_s = step_s
        self.within = within
        self.leaking = leaking

    def run(
        self, level: float, running: Sequence[tuple[StorageMode, float]], used: float, seconds: float
    ) -> tuple[float, float]:
        """The level and the energy after a time."""
        tables = [self._table(each, factor) for each, factor in running]
        leaks = [
            (
                each.fill_level_range.lower,
                each.fill_level_range.upper,
                each.rate,
                each.rate if each.rate_at_upper is None else each.rate_at_upper,
            )
            for each in self.leaking
        ]
        energy = 0.0
        for _ in range(round(seconds / self.step_s)):
            rate = -used - self._at(leaks, level)[0]
            for table in tables:
                filling, power = self._at(table, level)
                if (level >= self.within.upper and filling > 0) or (level <= self.within.lower and filling < 0):
                    continue
                rate += filling
                energy += power * self.step_s
            outwards = (level >= self.within.upper and rate > 0) or (level <= self.within.lower and rate < 0)
            level += 0.0 if outwards else rate * self.step_s
        return level, energy

    @staticmethod
    def _table(each: StorageMode, factor: float) -> list[tuple[float, ...]]:
        rows: list[tuple[float, ...]] = []
        for part in each.elements:
            upper = part.at_upper or part
            rows.append(
                (
                    part.fill_level_range.lower,
                    part.fill_level_range.upper,
                    part.fill_rate.at(factor),
                    upper.fill_rate.at(factor),
                    part.power[0].at(factor),
                    upper.power[0].at(factor),
                )
            )
        return rows

    def _at(self, table: Sequence[tuple[float, ...]], level: float) -> tuple[float, float]:
        for row in table:
            inside = self.within.clamp(level)
            if row[0] <= inside < row[1] or inside == row[1] == self.within.upper:
                share = (inside - row[0]) / (row[1] - row[0])
                power = row[4] + (row[5] - row[4]) * share if len(row) > 4 else 0.0
                return row[2] + (row[3] - row[2]) * share, power
        return 0.0, 0.0


@pytest.mark.slow
@settings(max_examples=40, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(modes("one"), modes("two"), modes("three"), leaks(), rates, some_levels, st.data())
def test_the_exact_response_is_what_small_steps_come_to(
    one: StorageMode,
    two: StorageMode,
    three: StorageMode,
    leaking: tuple[LeakageElement, ...],
    used: float,
    level: float,
    draw: st.DataObject,
) -> None:
    factors = [draw.draw(st.sampled_from((0.0, 0.3, 1.0))) for _ in range(3)]
    within = levels(0, 100)
    told = StorageSystemDescription(
        **stamp(),
        valid_from=NOON,
        fill_level_range=within,
        actuators=(
            ActuatorBehaviour(actuator_id="heater", modes=(one, two)),
            ActuatorBehaviour(actuator_id="pump", modes=(three,)),
        ),
    )
    model = StorageModel((told,), (leakage(*leaking),), usage((HOUR, used / 4)))
    schedule = (
        ask("one", factor=factors[0]),
        ask("two", 30 * MINUTE, factors[1]),
        ask("three", factor=factors[2], actuator="pump"),
    )
    response = model.respond(level, {}, schedule, NOON, NOON + 2 * HOUR)
    # Small steps waver about a bound at which the level is balanced, and may leave it by the wrong side at a switch.
    assume(not any(each.held is Held.BALANCED for each in response.segments[:-1]))

    def stepped(step_s: float) -> tuple[float, float]:
        steps = SmallSteps(within, leaking, step_s)
        reached, energy = level, 0.0
        for heater, rate, seconds in (
            ((one, factors[0]), used / 4, 1800.0),
            ((two, factors[1]), used / 4, 1800.0),
            ((two, factors[1]), 0.0, 3600.0),
        ):
            reached, drawn = steps.run(reached, (heater, (three, factors[2])), rate, seconds)
            energy += drawn
        return reached, energy

    def agrees(step_s: float) -> bool:
        reached, energy = stepped(step_s)
        return abs(response.levels[-1] - reached) < 0.25 and abs(response.electric_energy_j - energy) < 120e3

    # Where the level just passes a bound, only small steps that are small enough find the way.
    assert agrees(0.5) or agrees(0.02), (response.levels, response.electric_energy_j, stepped(0.5), stepped(0.02))
    for before, after in pairwise(response.segments):
        assert before.ends_s == after.begins_s
        assert before.last_level == after.course.level
    assert response.segments[-1].ends_s == TWO_HOURS_S


# The closed forms -----------------------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(st.floats(-50, 50), st.floats(-1, 1), st.floats(-0.01, 0.01), st.floats(0.1, 500))
def test_the_closed_forms_agree_with_quadrature(level: float, rate: float, growth: float, seconds: float) -> None:
    course = Course(level, rate, growth)
    steps = 2000
    width = seconds / steps
    middles = [course.at((number + 0.5) * width) for number in range(steps)]
    line, other = Affine(3.0, 0.5), Affine(-2.0, 0.25)
    assert course.integral(line, seconds) == pytest.approx(sum(map(line.at, middles)) * width, rel=1e-3, abs=1e-3)
    product = sum(line.at(each) * other.at(each) for each in middles) * width
    assert course.integral_of_product(line, other, seconds) == pytest.approx(product, rel=1e-3, abs=1e-2)


@pytest.mark.parametrize(
    "growth", [-3.0, -0.0201, -0.0199, -1e-4, -1e-12, 0.0, 5e-324, 1e-12, 1e-4, 0.0199, 0.0201, 3.0]
)
def test_the_closed_forms_hold_to_the_last_digits_for_any_growth(growth: float) -> None:
    course = Course(0.0, 1.0, growth)
    places = [number / 2000 for number in range(2001)]
    weights = [(1 if number in (0, 2000) else 4 if number % 2 else 2) / 6000 for number in range(2001)]
    rises = [course.at(place) for place in places]
    exact = [place * (1 + place * growth / 2 + (place * growth) ** 2 / 6) for place in places]
    if abs(growth) < 1e-3:
        assert rises == pytest.approx(exact, rel=1e-11)
    rise = math.fsum(weight * each for weight, each in zip(weights, rises, strict=True))
    squared = math.fsum(weight * each**2 for weight, each in zip(weights, rises, strict=True))
    assert course.rise(1.0) == pytest.approx(rise, rel=1e-10)
    assert course.rise_squared(1.0) == pytest.approx(squared, rel=1e-10)


@given(st.floats(-50, 50), st.floats(-1, 1), st.floats(-0.01, 0.01), st.floats(-60, 60))
def test_a_level_is_reached_when_it_was_said_to_be(level: float, rate: float, growth: float, ahead: float) -> None:
    course = Course(level, rate, growth)
    seconds = course.time_to(ahead)
    if math.isfinite(seconds) and seconds < 1e5:
        assert course.at(seconds) == pytest.approx(ahead, rel=1e-6, abs=1e-6)
