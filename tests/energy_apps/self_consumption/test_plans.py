"""The plans of the coming day: needs, batteries, and work that may wait."""

import itertools
import math
from datetime import UTC, datetime, timedelta

import pytest
from efpi_app_self_consumption.battery_plan import NEVER, Battery, plan_battery
from efpi_app_self_consumption.gears import Step
from efpi_app_self_consumption.need_plan import NO_FLOOR, Need, plan_need
from efpi_app_self_consumption.outlook import Outlook, nowcast
from efpi_app_self_consumption.shiftable_policy import (
    Schedule,
    StepFacts,
    Way,
    WorkFacts,
    cost_of,
    schedule,
    worth_moving,
)
from efpi_app_self_consumption.slots import SLOT_S, Slots
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.energy_apps.self_consumption.segments_made import KWH_J as KWH
from tests.energy_apps.self_consumption.segments_made import price

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def outlook(sun=(), prices=None, size=96, now=NOON, most=math.inf):
    slots = Slots.ahead(now, size)
    row = [*sun, *([-300.0] * (size - len(sun)))]
    return Outlook(slots, prices or [price()] * size, row, most)


def bands(cheap, size=96):
    """Cheap in the slots named."""
    return [price(0.20 if place in cheap else 0.40) for place in range(size)]


CAR = ((Step(0.0, 1400.0, 1400.0, 0.0, False), Step(1400.0, 5600.0, 5600.0, 0.0, True)),)
"""From 1.4 to 7 kW; the level is in J."""
TANK = ((Step(0.0, 2000.0, 2000.0, 0.0, False),),)


def need(target, at, chains=CAR, size=96, level=0.0, decay=0.0, ceiling=1e12):
    floor = [NO_FLOOR] * size
    floor[at] = target
    return Need([level] * size, floor, [ceiling] * size, chains, decay)


def energy(plan):
    return sum(plan.powers) * SLOT_S


def test_what_is_met_anyway_needs_no_plan():
    plan = plan_need(need(5.0, 40, level=6.0), outlook())
    assert plan.powers == []
    assert plan.needed_at is None


def test_the_sun_before_the_deadline_is_taken_first():
    sun = [-300.0] * 20 + [3000.0] * 8
    plan = plan_need(need(3000.0 * 6 * SLOT_S, 40), outlook(sun))
    assert energy(plan) == pytest.approx(3000 * 6 * SLOT_S)
    assert all(power == 0 or 20 <= place < 28 for place, power in enumerate(plan.powers))
    assert plan.worth == pytest.approx(price().sold)


def test_what_the_sun_leaves_is_bought_in_the_cheapest_slots():
    plan = plan_need(need(7000.0 * 4 * SLOT_S, 40), outlook(prices=bands(range(10, 20))))
    assert all(power == 0 or 10 <= place < 20 for place, power in enumerate(plan.powers))
    assert plan.worth == pytest.approx(price(0.20).bought)


def test_of_equal_prices_the_later_is_taken_since_there_may_yet_be_sun():
    plan = plan_need(need(7000.0 * 2 * SLOT_S, 40), outlook())
    assert [place for place, power in enumerate(plan.powers) if power] == [39, 40]


def test_nothing_is_planned_beyond_what_the_fuse_allows():
    plan = plan_need(need(7000.0 * 40 * SLOT_S, 40), outlook(most=3000.0))
    assert max(plan.powers) == pytest.approx(2700.0)
    assert plan.unmet > 0


def test_what_leaks_away_is_bought_late_rather_than_early():
    cheap = bands(range(5))
    short = plan_need(need(2000.0 * SLOT_S, 60, TANK, decay=1e-5), outlook(prices=cheap))
    assert next(place for place, power in enumerate(short.powers) if power) < 5
    leaky = plan_need(need(2000.0 * SLOT_S, 60, TANK, decay=3e-5), outlook(prices=cheap))
    assert min(place for place, power in enumerate(leaky.powers) if power) > 50


def test_help_never_brings_the_level_above_its_ceiling():
    floor = [1000.0 * SLOT_S] * 96
    plan = plan_need(Need([0.0] * 96, floor, [2500.0 * SLOT_S] * 96, TANK, 0.0), outlook([5000.0] * 96))
    assert energy(plan) <= 2500.0 * SLOT_S + 1


@given(
    target_kwh=st.floats(0.5, 60),
    at=st.integers(4, 95),
    sun=st.lists(st.floats(-3000, 9000), min_size=96, max_size=96),
    cheap=st.sets(st.integers(0, 95)),
    decay=st.sampled_from([0.0, 1e-6, 1e-5]),
    chains=st.sampled_from([CAR, TANK]),
)
@settings(max_examples=60)
def test_a_target_is_met_whenever_running_all_the_time_would_meet_it(target_kwh, at, sun, cheap, decay, chains):
    target = target_kwh * KWH
    most = sum(step.power_w for step in chains[0])
    fade = math.exp(-decay * SLOT_S)
    reachable = sum(most * SLOT_S * fade ** (at - place) for place in range(at + 1))
    plan = plan_need(need(target, at, chains, decay=decay), outlook(sun, bands(cheap)))
    reached = sum(power * SLOT_S * fade ** (at - place) for place, power in enumerate(plan.powers[: at + 1]))
    assert all(-1e-6 <= power <= most + 1e-6 for power in plan.powers)
    if reachable >= target:
        assert plan.unmet == 0.0
        assert reached == pytest.approx(target, rel=1e-6)
    else:
        assert reached == pytest.approx(reachable, rel=1e-6)
        assert plan.unmet == pytest.approx(target - reachable, rel=1e-6)


@given(
    target_kwh=st.floats(0.5, 6),
    sun=st.lists(st.floats(-3000, 9000), min_size=8, max_size=8),
    cheap=st.sets(st.integers(0, 7)),
)
@settings(max_examples=40)
def test_no_other_slots_would_have_been_cheaper_for_a_tank(target_kwh, sun, cheap):
    count = math.ceil(target_kwh * KWH / (2000.0 * SLOT_S))
    assume(count <= 8)
    view = outlook(sun, bands(cheap, 8), size=8)
    plan = plan_need(need(count * 2000.0 * SLOT_S, 7, TANK, size=8), view)
    paid = sum(view.cost(place, power) for place, power in enumerate(plan.powers))
    best = min(sum(view.cost(place, 2000.0) for place in places) for places in itertools.combinations(range(8), count))
    assert paid == pytest.approx(best, rel=1e-6)


# Batteries ------------------------------------------------------------------------------------------------------------


def battery(**more):
    facts = {
        "content": 0.0,
        "least": 0.0,
        "most": 10 * KWH,
        "charge_w": 5000.0,
        "discharge_w": 5000.0,
        "charge_gain": 0.95,
        "discharge_loss": 1 / 0.95,
        "charge_wear": 0.0,
        "discharge_wear": 0.0,
    }
    return Battery(**{**facts, **more})


def test_with_one_price_a_battery_gives_whatever_the_house_draws():
    policy = plan_battery(battery(), outlook(), from_grid=True)
    assert policy.sell_from == price().bought
    assert policy.fill_up_to == NEVER


def test_a_scarce_content_is_kept_for_the_dear_hours():
    view = outlook([-2000.0] * 96, bands(range(40)))
    policy = plan_battery(battery(content=5 * KWH), view, from_grid=False)
    assert policy.sell_from == pytest.approx(price(0.40).bought)


def test_a_plentiful_content_is_given_at_any_price():
    sun = [-500.0] * 40 + [8000.0] * 20 + [-500.0] * 36
    policy = plan_battery(battery(content=10 * KWH), outlook(sun, bands(range(40))), from_grid=False)
    assert policy.sell_from == pytest.approx(price(0.20).bought)


def test_filling_from_the_grid_must_pay_for_losses_and_wear():
    view = outlook([-2000.0] * 96, bands(range(40)))
    assert plan_battery(battery(), view, from_grid=True).fill_up_to == pytest.approx(price(0.20).bought)
    worn = battery(charge_wear=0.1 / KWH, discharge_wear=0.1 / KWH)
    assert plan_battery(worn, view, from_grid=True).fill_up_to == NEVER
    assert plan_battery(battery(), view, from_grid=False).fill_up_to == NEVER


def test_a_battery_that_the_sun_will_fill_is_not_filled_before():
    sun = [-300.0] * 20 + [6000.0] * 20 + [-300.0] * 56
    policy = plan_battery(battery(), outlook(sun, bands(range(20))), from_grid=True)
    assert policy.fill_up_to == NEVER or policy.fill_until < 3 * KWH


# Work -----------------------------------------------------------------------------------------------------------------

IMPATIENCE = 0.002


def step(name, powers, seconds=None, pause=math.inf, abnormal=False, label=""):
    way = Way("normal", label, seconds or len(powers) * SLOT_S, tuple(powers), abnormal)
    return StepFacts(name, pause, (way,))


def work(*steps, hours=8.0, earliest=None, first_by=math.inf):
    begin = NOON.timestamp() if earliest is None else earliest
    return WorkFacts("w1", steps, begin, first_by, NOON.timestamp() + hours * 3600)


def test_work_is_placed_on_the_sun_and_its_share_is_told():
    view = outlook([-300.0] * 8 + [2500.0] * 8)
    found = schedule(work(step("heat", [2000.0] * 4), step("turn", [100.0] * 4)), view, IMPATIENCE)
    starts = [view.slots.place_of(start.start_s) for start in found.starts]
    assert 8 <= starts[0] <= 12
    assert starts[1] >= starts[0] + 4
    assert found.sun_share > 0.9


def test_of_equal_costs_the_sooner_start_is_taken():
    found = schedule(work(step("heat", [2000.0] * 4)), outlook(), IMPATIENCE)
    assert found.starts[0].start_s == NOON.timestamp()


def test_a_pause_is_used_where_it_saves_and_never_exceeded():
    view = outlook([2500.0] * 4 + [-300.0] * 3 + [2500.0] * 8)
    for pause, place in ((3 * SLOT_S, 7), (0.0, 4), (1000.0, 4)):
        first, second = schedule(
            work(step("heat", [2000.0] * 4), step("rinse", [2000.0] * 2, pause=pause)), view, IMPATIENCE
        ).starts
        ends = first.start_s + first.seconds
        assert 0 <= second.start_s - ends <= pause + 1e-6
        if pause == 3 * SLOT_S:
            assert view.slots.place_of(second.start_s) == place


def test_the_cheaper_alternative_is_chosen():
    quick = Way("quick", "", 2 * SLOT_S, (3000.0, 3000.0), False)
    eco = Way("eco", "", 4 * SLOT_S, (1000.0,) * 4, False)
    found = schedule(work(StepFacts("wash", math.inf, (quick, eco))), outlook(), IMPATIENCE)
    assert found.starts[0].alternative_id == "eco"
    pressed = schedule(work(StepFacts("wash", math.inf, (quick, eco)), hours=0.6), outlook(), IMPATIENCE)
    assert pressed.starts[0].alternative_id == "quick"


def test_a_way_kept_for_emergencies_is_left_alone_without_one():
    ways = (
        Way("kept", "", SLOT_S, (10.0,), True),
        Way("normal", "", SLOT_S, (500.0,), False),
    )
    facts = work(StepFacts("wash", math.inf, ways))
    assert schedule(facts, outlook(), IMPATIENCE).starts[0].alternative_id == "normal"
    assert schedule(facts, outlook(), IMPATIENCE, abnormal=True).starts[0].alternative_id == "kept"


def test_work_that_is_late_starts_at_once_and_says_so():
    found = schedule(work(step("heat", [2000.0] * 8), hours=1.0), outlook(), IMPATIENCE)
    assert found.starts[0].start_s == NOON.timestamp()
    assert found.late


@st.composite
def works(draw):
    count = draw(st.integers(1, 3))
    steps = []
    for number in range(count):
        ways = []
        for place in range(draw(st.integers(1, 2))):
            powers = draw(st.lists(st.floats(0, 3000), min_size=1, max_size=5))
            seconds = (len(powers) - 1) * SLOT_S + draw(st.integers(60, SLOT_S))
            ways.append(Way(f"way{place}", "", float(seconds), tuple(powers), False))
        pause = draw(st.sampled_from([math.inf, 0.0, 600.0, 1800.0, 5400.0]))
        steps.append(StepFacts(f"step{number}", pause, tuple(ways)))
    shortest = sum(each.shortest_s for each in steps)
    now = NOON + timedelta(seconds=draw(st.integers(0, 5000)))
    slack = draw(st.floats(0, 20 * 3600))
    facts = WorkFacts("w1", tuple(steps), now.timestamp(), math.inf, now.timestamp() + shortest + slack)
    return now, facts


@given(works(), st.lists(st.floats(-3000, 5000), min_size=96, max_size=96), st.sets(st.integers(0, 95)))
@settings(max_examples=80)
def test_steps_keep_their_order_their_pauses_and_their_deadline(made, sun, cheap):
    now, facts = made
    found = schedule(facts, outlook(sun, bands(cheap), now=now), IMPATIENCE)
    assert found is not None
    assert [start.sequence_id for start in found.starts] == [each.sequence_id for each in facts.steps]
    assert not found.late
    assert found.starts[0].start_s >= facts.earliest_s - 1e-3
    ends = None
    for start, facts_of in zip(found.starts, facts.steps, strict=True):
        way = next(way for way in facts_of.ways if way.alternative_id == start.alternative_id)
        assert start.seconds == way.seconds
        if ends is not None:
            assert -1e-3 <= start.start_s - ends <= facts_of.longest_pause_s + 1e-3
        ends = start.start_s + start.seconds
    assert ends <= facts.deadline_s + 1e-3


def test_a_start_is_moved_only_when_that_saves_enough_and_is_not_near():
    def found(place, cost):
        at = NOON.timestamp() + place * SLOT_S
        return Schedule(
            (schedule(work(step("heat", [2000.0])), outlook(), 0).starts[0]._replace(start_s=at),), cost, 0, False
        )

    now = NOON.timestamp()
    assert worth_moving(found(8, 0.5), found(12, 0.3), 0.5, now)
    assert not worth_moving(found(8, 0.5), found(12, 0.48), 0.5, now)
    assert not worth_moving(found(8, 0.02), found(12, 0.013), 0.02, now)
    assert not worth_moving(found(0, 0.5), found(12, 0.1), 0.5, now)


def test_the_cost_of_a_kept_schedule_follows_the_forecast():
    facts = work(step("heat", [2000.0] * 4))
    kept = schedule(facts, outlook([2500.0] * 8), IMPATIENCE)
    assert cost_of(kept, outlook([2500.0] * 8), 0.0) < cost_of(kept, outlook(), 0.0) / 3


def test_what_is_measured_now_corrects_the_next_two_hours():
    corrected = nowcast([100.0] * 20, 900.0)
    assert corrected[0] == 900.0
    assert corrected[4] == 500.0
    assert corrected[8:] == [100.0] * 12
