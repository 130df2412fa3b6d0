import pytest

from .stage import Stage, play

BATTERY = {"battery": {"driver": "simulated.battery", "config": {"capacity_kwh": 10, "level": 0.5}}}


def test_a_charge_order_is_accepted_started_and_measured():
    async def story(stage: Stage) -> None:
        await stage.order("battery", "charge", 1.0)
        assert stage.statuses() == ["accepted", "started"]
        assert stage.power("battery") == 5000.0
        await stage.let_pass(3600)
        assert stage.said("storage_state_update")[-1].fill_level == pytest.approx(50 + 47.5, abs=4)

    play(BATTERY, story)


def test_what_the_description_promises_is_what_happens():
    async def story(stage: Stage) -> None:
        (description,) = stage.said("storage_system_description")
        mode = description.actuators[0].mode("charge")
        for factor in (0.0, 0.3, 1.0):
            await stage.order("battery", "charge", factor)
            stage.model("battery")
            before = stage.driver("battery").level()
            behaviour = mode.behaviour_at(before)
            assert stage.power("battery") == pytest.approx(behaviour.electric_power_at(factor), abs=0.1)
            await stage.let_pass(300)
            model = stage.model("battery")
            leaked = model.size.self_discharge_per_s * before * 300
            risen = model.level_j / model.size.capacity_j * 100 - before
            assert risen == pytest.approx(behaviour.fill_rate.at(factor) * 300 - leaked, rel=1e-2)

    play(BATTERY, story)


def test_a_full_battery_says_that_it_rests_and_refuses_to_charge():
    async def story(stage: Stage) -> None:
        await stage.order("battery", "charge", 1.0)
        await stage.until(lambda: stage.driver("battery").model.level_j >= 36e6, step_s=30)
        state = stage.said("storage_state_update")[-1]
        assert state.actuators[0].mode_id == "idle"
        assert stage.power("battery") == 8.0
        await stage.order("battery", "charge", 1.0)
        assert stage.statuses()[-1] in ("rejected", "aborted")

    play(BATTERY, story)


def test_a_battery_at_its_reserve_refuses_to_discharge():
    async def story(stage: Stage) -> None:
        await stage.order("battery", "discharge", 1.0)
        assert stage.power("battery") == -5000.0
        await stage.let_pass(2 * 3600)
        assert stage.said("storage_state_update")[-1].actuators[0].mode_id == "idle"
        await stage.order("battery", "discharge", 0.5)
        assert stage.statuses()[-1] in ("rejected", "aborted")

    play(BATTERY, story)


def test_a_battery_that_nobody_controls_any_more_rests():
    async def story(stage: Stage) -> None:
        await stage.order("battery", "discharge", 0.2)
        stage.house.choose("battery", None)
        await stage.barrier.settle()
        assert stage.power("battery") == 8.0
        assert stage.statuses()[-1] == "aborted"

    play(BATTERY, story)


def test_an_order_for_later_happens_later():
    async def story(stage: Stage) -> None:
        await stage.order("battery", "charge", 0.5, after_s=1234.5)
        await stage.let_pass(1234.4)
        assert stage.power("battery") == 8.0
        await stage.let_pass(0.2)
        assert stage.power("battery") == pytest.approx(2550.0)

    play(BATTERY, story)


def test_its_values_move_every_few_seconds_in_a_live_house():
    async def story(stage: Stage) -> None:
        await stage.order("battery", "charge", 1.0)
        count = len(stage.said("storage_state_update"))
        await stage.let_pass(60)
        assert len(stage.said("storage_state_update")) >= count + 3

    play(BATTERY, story, resolution_s=5.0)
