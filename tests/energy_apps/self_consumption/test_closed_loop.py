"""Small worlds in which the app meets appliances through the real gateway: what it does, and what it leaves alone."""

import itertools
from datetime import timedelta

import pytest

from efi.allocation import AllocationStatus
from efi.time_shiftable import SequenceAction
from efpi_core.gateway.overrides import Override
from efpi_core.plugin.condition import ConditionState
from efpi_core.plugin.limits import Limit, LimitSource
from tests.energy_apps.self_consumption.small_world import BEGIN, SmallWorld, play, site

HOUR = 3600.0
DAY_AND_NIGHT = [
    {"import_per_kwh": 0.40, "export_per_kwh": 0.08, "from": "07:00", "to": "22:00"},
    {"import_per_kwh": 0.20, "export_per_kwh": 0.08},
]
METER = {"meter": {"every_s": 1}}
SLOW_METER = {"meter": {"every_s": 60}}


def grid(world: SmallWorld) -> float:
    return world.power("meter")


# The battery and the meter --------------------------------------------------------------------------------------------


def test_a_battery_takes_the_surplus_and_gives_it_back_with_one_allocation_a_change():
    parts = {
        **METER,
        "load": {"every_s": 1, "profile": [[0, 400], [1200, 900]]},
        "sun": {"every_s": 1, "profile": [[0, -3000], [600, -1200], [1800, 0]]},
        "battery": {"ramp_s": 3},
    }

    async def story(world: SmallWorld) -> None:
        seen = []
        for _ in range(4):
            await world.let_pass(500)
            seen.append((world.power("battery"), grid(world)))
            await world.let_pass(100)
        assert [power for power, _ in seen] == pytest.approx([2600, 800, 300, -900], abs=80)
        assert all(abs(at_meter) <= 80 for _, at_meter in seen)
        assert len(world.of("battery")) == 4

    play(site(parts), story)


def test_two_batteries_do_not_hunt_each_other():
    parts = {
        **METER,
        "load": {"every_s": 1, "profile": [[t, 500 + (t // 60 % 3) * 10] for t in range(0, 1800, 60)]},
        "sun": {"every_s": 1, "profile": [[0, -5000], [900, 0]]},
        "battery1": {"ramp_s": 4},
        "battery2": {"ramp_s": 2},
    }

    async def story(world: SmallWorld) -> None:
        await world.let_pass(850)
        assert world.power("battery1") + world.power("battery2") == pytest.approx(4500, abs=100)
        await world.let_pass(950)
        assert world.power("battery1") + world.power("battery2") == pytest.approx(-510, abs=100)
        assert len(world.told) <= 6

    play(site(parts), story)


def test_noise_at_the_meter_moves_nothing():
    parts = {
        **METER,
        "load": {"every_s": 1, "profile": [[t, 500 + t % 7 * 8] for t in range(1800)]},
        "sun": {"every_s": 1, "profile": [[0, -3000]]},
        "battery": {},
    }

    async def story(world: SmallWorld) -> None:
        await world.let_pass(1800)
        assert len(world.of("battery")) <= 2

    play(site(parts), story)


def test_a_battery_that_takes_less_than_asked_leaves_the_rest_to_the_next():
    parts = {
        **METER,
        "load": {"profile": [[0, 500]]},
        "sun": {"profile": [[0, -4000]]},
        "battery": {"stuck_at_w": 800.0},
        "car": {"least_w": 1400, "power_w": 3600, "level": 30},
    }

    async def story(world: SmallWorld) -> None:
        await world.let_pass(600)
        assert world.power("battery") == 800.0
        assert world.power("car") == pytest.approx(2700, abs=150)

    play(site(parts), story)


def test_a_battery_gives_nothing_for_the_car():
    parts = {
        **METER,
        "load": {"profile": [[0, 400]]},
        "sun": {"profile": [[0, 0]]},
        "battery": {"level": 90},
        "car": {"least_w": 1400, "power_w": 3600, "level": 30, "target": 36, "target_in_s": 2 * HOUR},
    }

    async def story(world: SmallWorld) -> None:
        await world.let_pass(2 * HOUR)
        assert world.level("car") >= 36
        worst = min(power for _, power in world.powers["battery"])
        assert worst == pytest.approx(-400, abs=80)

    play(site(parts), story)


def test_a_cloud_does_not_stop_the_car_and_a_gleam_does_not_start_it():
    parts = {
        **METER,
        "load": {"profile": [[0, 300]]},
        "sun": {
            "every_s": 1,
            "profile": [[0, 0], [300, -2500], [330, 0], [600, -2500], [1200, 0], [1300, -2500], [2000, 0]],
        },
        "car": {"least_w": 1400, "power_w": 3600, "level": 30},
    }

    async def story(world: SmallWorld) -> None:
        await world.let_pass(595)
        assert world.of("car") == []
        await world.let_pass(1000)
        modes = [allocation.actuators[0].mode_id for allocation in world.of("car")]
        assert set(modes) == {"charge"}
        await world.let_pass(800)
        assert world.power("car") == 0.0
        assert "off" in [allocation.actuators[0].mode_id for allocation in world.of("car")]

    play(site(parts), story)


# Targets and prices ---------------------------------------------------------------------------------------------------


def test_a_car_is_full_in_time_without_sun_and_in_the_cheap_hours():
    car = {"least_w": 1400, "power_w": 7000, "capacity_kwh": 40, "level": 20, "target": 80, "target_in_s": 22 * HOUR}
    parts = {**SLOW_METER, "load": {"every_s": 60, "profile": [[0, 300]]}, "car": {**car, "every_s": 60}}

    async def story(world: SmallWorld) -> None:
        await world.let_pass(12.9 * HOUR)
        assert world.energy_kwh("car") == pytest.approx(0.0, abs=0.1)
        await world.let_pass(9.1 * HOUR)
        assert world.level("car") >= 80
        assert world.level("car") <= 84
        assert any("wanted by" in reason and "80 %" in reason for reason in world.reasons("car"))

    play(site(parts, tariff=DAY_AND_NIGHT), story, resolution_s=60.0)


def test_a_target_that_presses_is_met_at_any_price():
    car = {"least_w": 1400, "power_w": 7000, "capacity_kwh": 40, "level": 20, "target": 50, "target_in_s": 2 * HOUR}

    async def story(world: SmallWorld) -> None:
        await world.let_pass(2 * HOUR)
        assert world.level("car") >= 50

    play(site({**METER, "load": {"profile": [[0, 300]]}, "car": car}, tariff=DAY_AND_NIGHT), story)


def test_a_target_out_of_reach_is_approached_as_far_as_can_be():
    car = {"least_w": 1400, "power_w": 7000, "capacity_kwh": 40, "level": 20, "target": 90, "target_in_s": 2 * HOUR}

    async def story(world: SmallWorld) -> None:
        await world.let_pass(2 * HOUR)
        assert world.level("car") == pytest.approx(20 + 100 * 14 / 40, abs=1.0)
        assert any("which will be missed" in reason for reason in world.reasons("car"))

    play(site({**METER, "load": {"profile": [[0, 300]]}, "car": car}), story)


def test_sun_that_is_forecast_before_the_target_is_waited_for():
    sun = [[0, 0], [3 * HOUR, -6000], [8 * HOUR, 0]]
    car = {"least_w": 1400, "power_w": 7000, "capacity_kwh": 40, "level": 20, "target": 60, "target_in_s": 9 * HOUR}
    parts = {
        **SLOW_METER,
        "load": {"every_s": 60, "profile": [[0, 300]]},
        "sun": {"every_s": 60, "profile": sun, "forecast": sun},
        "car": {**car, "every_s": 60},
    }

    async def story(world: SmallWorld) -> None:
        await world.let_pass(2.9 * HOUR)
        assert world.power("car") == 0.0
        await world.let_pass(6.1 * HOUR)
        assert world.level("car") >= 60
        assert world.energy_kwh("meter") < 2.0

    play(site(parts), story, resolution_s=60.0)


def test_a_tank_keeps_its_bounds_and_its_timers():
    tank = {"power_w": 2000, "capacity_kwh": 8, "level": 60, "target": 55, "target_in_s": 6 * HOUR, "every_s": 60}
    parts = {**SLOW_METER, "load": {"every_s": 60, "profile": [[0, 300]]}, "tank": tank}

    async def story(world: SmallWorld) -> None:
        await world.let_pass(6 * HOUR)
        assert world.level("tank") >= 55
        assert AllocationStatus.REJECTED not in [status.status for status in world.statuses]
        assert 1 <= len(world.of("tank")) <= 8

    play(site(parts), story, resolution_s=60.0)


def test_a_battery_is_filled_in_cheap_hours_only_where_that_pays():
    parts = {**SLOW_METER, "load": {"every_s": 60, "profile": [[0, 1000]]}, "battery": {"level": 10, "every_s": 60}}

    async def story(world: SmallWorld) -> None:
        await world.let_pass(24 * HOUR)
        night = [power for at, power in world.powers["battery"] if 14 * HOUR < at < 21 * HOUR]
        assert max(night) > 500

    play(site(parts, tariff=DAY_AND_NIGHT), story, resolution_s=300.0)

    async def other(world: SmallWorld) -> None:
        await world.let_pass(24 * HOUR)
        assert max(power for _, power in world.powers["battery"]) == 0.0

    play(site(parts, {"battery_from_grid": False}, tariff=DAY_AND_NIGHT), other, resolution_s=300.0)


# Meters that fail, appliances that refuse -----------------------------------------------------------------------------


def test_a_silent_meter_stops_giving_back_and_is_told_with_a_cure():
    parts = {
        "meter": {"every_s": 1, "silent": [300, 900]},
        "load": {"profile": [[0, 2000]]},
        "battery": {"level": 80},
    }

    async def story(world: SmallWorld) -> None:
        await world.let_pass(290)
        assert world.power("battery") == pytest.approx(-2000, abs=80)
        await world.let_pass(200)
        assert world.power("battery") == 0.0
        condition = world.house.condition_of("app")
        assert condition.state is ConditionState.DEGRADED
        assert "cable" in condition.cure
        await world.let_pass(900)
        assert world.power("battery") == pytest.approx(-2000, abs=80)
        assert world.house.condition_of("app").state is ConditionState.OK

    play(site(parts), story)


def test_a_target_is_met_though_the_meter_is_silent():
    parts = {
        "meter": {"every_s": 1, "silent": [60, 10 * HOUR]},
        "load": {"profile": [[0, 500]]},
        "car": {
            "least_w": 1400,
            "power_w": 7000,
            "capacity_kwh": 40,
            "level": 20,
            "target": 50,
            "target_in_s": 3 * HOUR,
        },
    }

    async def story(world: SmallWorld) -> None:
        await world.let_pass(3 * HOUR)
        assert world.level("car") >= 50

    play(site(parts), story)


def test_without_any_meter_the_sum_of_what_is_measured_counts():
    parts = {
        "load": {"profile": [[0, 400], [600, 1500]]},
        "sun": {"profile": [[0, -3000], [600, 0]]},
        "battery": {},
    }

    async def story(world: SmallWorld) -> None:
        await world.let_pass(500)
        assert world.power("battery") == pytest.approx(2600, abs=80)
        await world.let_pass(500)
        assert world.power("battery") == pytest.approx(-1500, abs=80)

    play(site(parts), story)


def test_an_appliance_that_refuses_is_left_alone_for_longer_and_longer():
    parts = {**METER, "load": {"profile": [[0, 400]]}, "sun": {"profile": [[0, -3000]]}, "battery": {"refuses": True}}

    async def story(world: SmallWorld) -> None:
        await world.let_pass(3600)
        asked = [at for at, message in world.told if message.appliance_id == "battery"]
        assert 4 <= len(asked) <= 8
        pauses = [(after - before).total_seconds() for before, after in itertools.pairwise(asked)]
        assert pauses == sorted(pauses)
        assert pauses[0] >= 60

    play(site(parts), story)


@pytest.mark.slow
def test_an_appliance_that_does_not_answer_is_not_showered_with_orders():
    sun = [[t, -2000 - 500 * (t // 60 % 4)] for t in range(0, 3600, 60)]
    parts = {
        **METER,
        "load": {"profile": [[0, 400]]},
        "sun": {"every_s": 1, "profile": sun},
        "battery": {"hangs_s": 100_000},
    }

    async def story(world: SmallWorld) -> None:
        await world.let_pass(3600)
        assert 1 <= len(world.of("battery")) <= 8

    play(site(parts), story)


def test_a_resident_who_decides_is_left_in_peace_and_followed_up_afterwards():
    parts = {**METER, "load": {"profile": [[0, 400]]}, "sun": {"profile": [[0, -3000]]}, "battery": {}}

    async def story(world: SmallWorld) -> None:
        await world.let_pass(60)
        battery = world.house.appliances.get("battery")
        world.house.desk.begin(battery, Override("battery", "off", BEGIN + timedelta(hours=1), "resident"))
        await world.let_pass(3500)
        assert world.power("battery") == 0.0
        rejected = [status for status in world.statuses if status.status is AllocationStatus.REJECTED]
        assert 1 <= len(rejected) <= 8
        await world.let_pass(100)
        assert world.power("battery") == pytest.approx(2600, abs=80)

    play(site(parts), story)


# Limits ---------------------------------------------------------------------------------------------------------------


def test_a_car_is_charged_within_the_fuse():
    parts = {
        **METER,
        "load": {"every_s": 1, "profile": [[0, 1000], [1800, 3000]]},
        "car": {
            "least_w": 1400,
            "power_w": 11000,
            "capacity_kwh": 60,
            "level": 20,
            "target": 90,
            "target_in_s": 3 * HOUR,
        },
    }

    async def story(world: SmallWorld) -> None:
        await world.let_pass(1700)
        assert 4000 < world.power("car") <= 4750
        await world.let_pass(600)
        assert 2000 < world.power("car") <= 2750
        assert max(power for _, power in world.powers["meter"]) <= 5750 + 2001

    play(site(parts, limits={"fuse": {"phases": 1, "current_a": 25}}), story)


def test_an_order_to_draw_at_most_4_2_kw_gives_the_car_4_2_kw():
    car = {"least_w": 1400, "power_w": 11000, "capacity_kwh": 60, "level": 20, "target": 90, "target_in_s": 3 * HOUR}

    async def story(world: SmallWorld) -> None:
        await world.let_pass(120)
        assert world.power("car") == 11000
        world.house.limits.put(
            Limit("operator", LimitSource.GRID_OPERATOR, upper_w=4200.0, appliance_id="car", start=None)
        )
        world.house.limits_changed()
        await world.let_pass(120)
        assert world.power("car") == pytest.approx(4200, abs=5)

    play(site({**METER, "load": {"profile": [[0, 300]]}, "car": car}), story)


def test_a_generator_that_is_dearer_than_the_grid_stands_still_until_a_limit_needs_it():
    parts = {
        **METER,
        "load": {"every_s": 1, "profile": [[0, 2000], [600, 7000]]},
        "generator": {"power_w": 4000, "cost_per_kwh": "0.90"},
    }

    async def story(world: SmallWorld) -> None:
        await world.let_pass(590)
        assert world.of("generator") == []
        await world.let_pass(300)
        assert world.power("generator") <= -1200
        assert grid(world) <= 5750

    play(site(parts, limits={"fuse": {"phases": 1, "current_a": 25}}), story)


def test_a_generator_that_is_cheaper_than_the_grid_covers_the_house():
    parts = {**METER, "load": {"profile": [[0, 2000]]}, "generator": {"power_w": 4000, "cost_per_kwh": "0.20"}}

    async def story(world: SmallWorld) -> None:
        await world.let_pass(300)
        assert world.power("generator") == pytest.approx(-2000, abs=80)
        assert "0.200 EUR/kWh and the grid's 0.300" in world.reasons("generator")[0]

    play(site(parts), story)


# Production that nobody wants -----------------------------------------------------------------------------------------


def test_production_is_held_back_only_while_feeding_in_is_worthless():
    tariff = [
        {"import_per_kwh": 0.30, "export_per_kwh": -0.05, "from": "09:10", "to": "09:40"},
        {"import_per_kwh": 0.30, "export_per_kwh": 0.08},
    ]
    parts = {
        **METER,
        "load": {"every_s": 1, "profile": [[0, 400], [1500, 1400]]},
        "sun": {"every_s": 1, "profile": [[0, -3000]]},
    }

    async def story(world: SmallWorld) -> None:
        await world.let_pass(590)
        assert grid(world) == -2600
        await world.let_pass(600)
        assert grid(world) == pytest.approx(0, abs=80)
        assert "would be fed in for -0.050 EUR/kWh" in world.reasons("sun")[0]
        await world.let_pass(600)
        assert world.power("sun") == pytest.approx(-1400, abs=150)
        await world.let_pass(700)
        assert world.power("sun") == -3000
        assert len(world.of("sun")) <= 8

    play(site(parts, tariff=tariff), story)


def test_a_battery_takes_what_nobody_may_have_before_anything_is_held_back():
    parts = {
        **METER,
        "load": {"every_s": 1, "profile": [[0, 400]]},
        "sun": {"every_s": 1, "profile": [[0, -6000]]},
        "battery": {"level": 97.0, "power_w": 3000},
    }

    async def story(world: SmallWorld) -> None:
        await world.let_pass(200)
        assert world.power("battery") == 3000
        assert grid(world) == pytest.approx(-2500, abs=100)
        await world.let_pass(1200)
        assert world.power("battery") == 0.0
        assert grid(world) == pytest.approx(-2500, abs=150)

    play(site(parts, limits={"export_w": 2500}), story)


# Work that may wait ---------------------------------------------------------------------------------------------------


def test_a_washing_machine_waits_for_the_sun_that_is_forecast():
    sun = [[0, 0], [2 * HOUR, -3000], [5 * HOUR, 0]]
    parts = {
        **SLOW_METER,
        "load": {"every_s": 60, "profile": [[0, 300]]},
        "sun": {"every_s": 60, "profile": sun, "forecast": sun},
        "washer": {"power_w": 2000, "deadline_in_s": 8 * HOUR, "every_s": 60},
    }

    async def story(world: SmallWorld) -> None:
        await world.let_pass(6 * HOUR)
        start = next(at for at, power in world.powers["washer"] if power > 1000)
        assert 2 * HOUR <= start <= 3.1 * HOUR
        assert world.energy_kwh("washer") == pytest.approx(2.2, abs=0.1)
        assert "of its energy is expected from the sun" in world.reasons("washer")[-1]
        assert len(world.of("washer")) <= 3

    play(site(parts), story, resolution_s=60.0)


def test_without_sun_work_is_done_in_the_cheap_hours_before_its_deadline():
    washer = {"power_w": 2000, "deadline_in_s": 20 * HOUR, "every_s": 60}

    async def story(world: SmallWorld) -> None:
        await world.let_pass(20 * HOUR)
        start = next(at for at, power in world.powers["washer"] if power > 1000)
        assert 13 * HOUR <= start <= 18 * HOUR
        assert world.energy_kwh("washer") == pytest.approx(2.2, abs=0.1)

    parts = {**SLOW_METER, "load": {"every_s": 60, "profile": [[0, 300]]}, "washer": washer}
    play(site(parts, tariff=DAY_AND_NIGHT), story, resolution_s=60.0)


def test_work_that_presses_is_started_at_once():
    washer = {"power_w": 2000, "deadline_in_s": 2 * HOUR + 60, "every_s": 5}

    async def story(world: SmallWorld) -> None:
        await world.let_pass(120)
        assert world.power("washer") == 2000
        assert AllocationStatus.REJECTED not in [status.status for status in world.statuses]

    play(site({**METER, "load": {"profile": [[0, 300]]}, "washer": washer}), story)


def test_running_work_is_halted_while_a_limit_is_exceeded_and_goes_on_afterwards():
    parts = {
        **METER,
        "load": {"every_s": 1, "profile": [[0, 300], [600, 5000], [1200, 300]]},
        "washer": {"power_w": 2000, "deadline_in_s": 3 * HOUR, "every_s": 5},
    }

    async def story(world: SmallWorld) -> None:
        await world.let_pass(400)
        assert world.power("washer") == 2000
        await world.let_pass(400)
        assert world.power("washer") == 0.0
        await world.let_pass(800)
        assert world.power("washer") == 2000
        actions = [allocation.sequences[0].action for allocation in world.of("washer")]
        assert actions.count(SequenceAction.INTERRUPT) == actions.count(SequenceAction.RESUME) == 1

    play(site(parts, limits={"fuse": {"phases": 1, "current_a": 25}}), story)


# Calm -----------------------------------------------------------------------------------------------------------------


FULL_HOUSE = {
    **METER,
    "load": {"every_s": 5, "profile": [[t, 300 + (t * 7919) % 900] for t in range(0, 7200, 300)]},
    "sun": {"every_s": 5, "profile": [[t, -2000 - (t * 104729) % 4000] for t in range(0, 7200, 240)]},
    "battery": {"ramp_s": 2},
    "car": {"least_w": 1400, "power_w": 7000, "level": 40},
    "tank": {"power_w": 1500, "capacity_kwh": 8, "level": 50},
    "washer": {"power_w": 2000},
    "generator": {"power_w": 3000, "cost_per_kwh": "0.80"},
}


def test_the_same_house_gives_the_same_allocations():
    runs = []

    async def story(world: SmallWorld) -> None:
        await world.let_pass(3600)
        runs.append([message.model_dump_json() for _, message in world.told])

    play(site(FULL_HOUSE), story)
    play(site(FULL_HOUSE), story)
    assert runs[0] == runs[1]
    assert len(runs[0]) > 5


@pytest.mark.slow
def test_a_restless_day_does_not_make_the_app_restless():
    async def story(world: SmallWorld) -> None:
        await world.let_pass(7200)
        assert AllocationStatus.REJECTED not in [status.status for status in world.statuses]
        switches = [message.actuators[0].mode_id for message in world.of("car")]
        changes = sum(1 for one, other in itertools.pairwise(switches) if one != other)
        assert changes <= 12
        assert len(world.told) <= 130
        for name in ("battery", "car", "tank", "washer"):
            assert all(
                reason and any(char.isdigit() for char in reason)
                for reason in world.reasons(name)
                if "rest" not in reason
            )

    play(site(FULL_HOUSE), story)
