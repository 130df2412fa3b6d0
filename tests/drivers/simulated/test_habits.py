import subprocess
import sys
from datetime import UTC, datetime

import pytest
from efpi_driver_simulated.chance import Noise, dice
from efpi_driver_simulated.habits.bathing import draws
from efpi_driver_simulated.habits.chores import Chores
from efpi_driver_simulated.habits.doors import openings
from efpi_driver_simulated.habits.spells import Spells
from efpi_driver_simulated.habits.trips import Trips
from efpi_driver_simulated.local_days import LocalDays, days_of
from efpi_driver_simulated.programs import washing
from hypothesis import given
from hypothesis import strategies as st

BRUSSELS = days_of("Europe/Brussels")
START = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
DAY = 86400.0
instants = st.floats(START, START + 3 * 365 * DAY)


def test_the_day_that_summer_time_begins_has_23_hours():
    day = datetime(2025, 3, 30).toordinal()  # noqa: DTZ001  # only its number counts
    assert BRUSSELS.at(day + 1, 0.0) - BRUSSELS.at(day, 0.0) == 23 * 3600.0
    assert BRUSSELS.weekday(day) == 6


@given(instants)
def test_an_instant_lies_in_its_day(t):
    number = BRUSSELS.number(t)
    assert BRUSSELS.at(number, 0.0) <= t < BRUSSELS.at(number + 1, 0.0)
    wall = datetime.fromtimestamp(t, BRUSSELS.zone)
    assert BRUSSELS.wall_seconds(t) == pytest.approx(
        wall.hour * 3600.0 + wall.minute * 60.0 + wall.second + wall.microsecond / 1e6, abs=1e-4
    )


@given(instants)
def test_a_spell_holds_until_it_says(t):
    habit = draws(LocalDays("Europe/Brussels"), 1, 3)
    value, until = habit(t)
    assert until > t
    assert habit((t + until) / 2.0)[0] == value or (t + until) / 2.0 == until


def test_overlapping_spells_follow_one_another():
    habit = Spells(LocalDays("UTC"), lambda day: [(100.0, 200.0, 1.0), (150.0, 300.0, 2.0), (160.0, 170.0, 3.0)])
    t, seen = START, []
    while t < START + DAY:
        value, until = habit(t)
        seen.append((t - START, value))
        t = until
    assert seen == [(0.0, 0.0), (100.0, 1.0), (200.0, 2.0), (300.0, 0.0)]


def test_a_household_of_three_draws_a_plausible_amount():
    habit = draws(BRUSSELS, 1, 3)
    first = BRUSSELS.number(START)
    litres = sum((end - start) * rate for day in range(first, first + 200) for start, end, rate in habit.on_day(day))
    assert 80.0 < litres / 200.0 < 220.0


def test_the_freezer_is_opened_a_few_times_a_day():
    first = BRUSSELS.number(START)
    times = [len(openings(BRUSSELS, 1).on_day(day)) for day in range(first, first + 100)]
    assert min(times) >= 2
    assert max(times) <= 8


@given(st.integers(0, 50))
def test_trips_do_not_overlap(seed):
    trips = Trips(BRUSSELS, seed, 25.0, 180.0)
    t, before = START, None
    for _ in range(40):
        trip = trips.next_trip(t)
        assert trip is not None
        assert trip.leave < trip.back
        assert trip.energy_j > 0.0
        if before is not None:
            assert trip.leave >= before.back
        t, before = trip.back, trip


@given(st.integers(0, 50))
def test_a_chore_leaves_time_for_its_program(seed):
    chores = Chores(BRUSSELS, seed, programs=washing.PROGRAMS, share=0.5, hour=8.0, done_hour=17.0)
    t = START
    for _ in range(30):
        chore = chores.next_after(t)
        assert chore is not None
        assert chore.at > t
        assert chore.deadline >= chore.at + chore.program.seconds
        t = chore.at


def test_nobody_who_never_washes_has_a_chore():
    assert Chores(BRUSSELS, 1, programs=washing.PROGRAMS, share=0.0, hour=8.0, done_hour=17.0).next_after(START) is None


@given(st.floats(0.0, 1e9), st.integers(0, 5))
def test_noise_stays_between_its_bounds_and_has_no_jumps(t, seed):
    noise = Noise(seed, ((86400.0, 3.0), (900.0, 1.0)))
    assert 0.0 <= noise.at(t) <= 1.0
    assert noise.at(t + 1.0) == pytest.approx(noise.at(t), abs=0.005)


def test_dice_fall_alike_for_the_same_numbers_only():
    assert dice(1, 2, 3).random() == dice(1, 2, 3).random()
    assert len({dice(1, 2, 3).random(), dice(1, 3, 2).random(), dice(2, 2, 3).random(), dice(1, 2).random()}) == 4


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_chance_is_the_same_in_every_process(hash_seed):
    script = (
        "from efpi_driver_simulated.habits.bathing import draws\n"
        "from efpi_driver_simulated.habits.trips import Trips\n"
        "from efpi_driver_simulated.local_days import days_of\n"
        "from efpi_driver_simulated.climate import Climate\n"
        "from efpi_driver_simulated.sun import Place\n"
        "days = days_of('Europe/Brussels')\n"
        "print(draws(days, 7, 3).on_day(739300), Trips(days, 7, 25.0, 180.0).next_trip(1.75e9))\n"
        "print(Climate(Place(50.0, 4.0), 7).cover(1.75e9))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
    )
    assert ran.stdout == _expected(script)


def _expected(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
