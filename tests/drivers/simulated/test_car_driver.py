from datetime import timedelta

import pytest

from .stage import Stage, play

CAR = {"car": {"driver": "simulated.car", "config": {"phases": "three", "level": 0.4, "seed": 3}}}


async def leave(stage: Stage) -> None:
    await stage.until(lambda: stage.driver("car").model.away)


async def return_(stage: Stage) -> None:
    await stage.until(lambda: not stage.driver("car").model.away)


def test_it_charges_between_six_and_sixteen_amperes_on_one_or_three_phases():
    async def story(stage: Stage) -> None:
        await stage.order("car", "three_phases", 0.0)
        await stage.let_pass(11)
        assert stage.power("car") == 3 * 6 * 230.0
        await stage.order("car", "three_phases", 1.0)
        assert stage.power("car") == 3 * 16 * 230.0
        await stage.let_pass(300)
        await stage.order("car", "one_phase", 0.0)
        await stage.let_pass(11)
        assert stage.power("car") == 6 * 230.0

    play(CAR, story)


def test_the_number_of_phases_stays_for_a_while():
    async def story(stage: Stage) -> None:
        await stage.order("car", "one_phase", 0.5)
        await stage.let_pass(60)
        await stage.order("car", "three_phases", 0.5)
        await stage.let_pass(60)
        await stage.order("car", "one_phase", 0.5)
        assert stage.statuses()[-1] == "rejected"
        assert "hold" in stage.heard()[-1].text

    play(CAR, story)


def test_a_car_that_leaves_gives_up_what_was_asked_and_says_so():
    async def story(stage: Stage) -> None:
        await stage.order("car", "three_phases", 0.0)
        await leave(stage)
        assert stage.statuses()[-1] == "aborted"
        description = stage.said("storage_system_description")[-2]
        assert [mode.mode_id for mode in description.actuators[0].modes] == ["away"]
        assert stage.said("storage_state_update")[-1].actuators[0].mode_id == "away"
        await return_(stage)
        modes = stage.record("car").session.space.description_at(stage.clock.now()).actuators[0].mode_ids
        assert set(modes) == {"off", "one_phase", "three_phases"}

    play(CAR, story)


def test_it_wants_to_be_full_enough_when_it_leaves():
    async def story(stage: Stage) -> None:
        (targets,) = stage.said("storage_target_profile_update")
        wait, wish = targets.elements
        trip = stage.driver("car").model.trip
        assert (targets.valid_from + wait.duration).timestamp() == pytest.approx(trip.leave)
        assert wish.duration == timedelta(0)
        needed = trip.energy_j / stage.driver("car").model.size.capacity_j * 100
        assert wish.fill_level_range.lower >= max(50.0, needed)

    play(CAR, story)


def test_its_coming_and_going_is_told_ahead():
    async def story(stage: Stage) -> None:
        told = stage.said("storage_system_description")
        assert [description.actuators[0].mode_ids[0] for description in told] == ["off", "away", "off"]
        trip = stage.driver("car").model.trip
        assert told[1].valid_from.timestamp() == pytest.approx(trip.leave)
        assert told[2].valid_from.timestamp() == pytest.approx(trip.back)

    play(CAR, story)


def test_without_an_app_it_charges_as_soon_as_it_is_there():
    async def story(stage: Stage) -> None:
        await stage.let_pass(60)
        assert stage.power("car") == 3 * 16 * 230.0
        await leave(stage)
        assert stage.power("car") == 3.0
        await return_(stage)
        await stage.let_pass(300)
        assert stage.power("car") > 1000.0

    play(CAR, story, puppet=False)


def test_it_comes_home_emptier():
    async def story(stage: Stage) -> None:
        await leave(stage)
        before = stage.driver("car").level()
        await return_(stage)
        assert stage.said("storage_state_update")[-1].fill_level < before - 3

    play(CAR, story)


def test_a_single_phase_car_has_one_charging_mode():
    async def story(stage: Stage) -> None:
        description = stage.said("storage_system_description")[0]
        assert description.actuators[0].mode_ids == ("off", "one_phase")
        await stage.order("car", "one_phase", 1.0)
        assert stage.power("car") == 16 * 230.0

    play({"car": {"driver": "simulated.car", "config": {"phases": "l2"}}}, story)
