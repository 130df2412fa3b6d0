import pytest

from .stage import Stage, play

GENERATOR = {"generator": {"driver": "simulated.generator"}}


def test_it_starts_in_an_emergency_only():
    async def story(stage: Stage) -> None:
        await stage.order("generator", "run", 1.0)
        assert stage.statuses() == ["rejected"]
        await stage.order("generator", "run", 1.0, emergency=True)
        assert stage.statuses()[1:] == ["accepted", "started"]
        assert stage.power("generator") == 0.0
        await stage.let_pass(20)
        assert stage.power("generator") == -4000.0

    play(GENERATOR, story)


def test_it_runs_for_its_least_time_and_then_stops():
    async def story(stage: Stage) -> None:
        await stage.order("generator", "run", 0.0, emergency=True)
        await stage.let_pass(100)
        assert stage.power("generator") == -1000.0
        await stage.order("generator", "off", emergency=True)
        assert stage.statuses()[-1] == "rejected"
        await stage.let_pass(221)
        await stage.order("generator", "off", emergency=True)
        assert stage.power("generator") == 0.0
        await stage.let_pass(60)
        assert stage.power("generator") == 6.0

    play(GENERATOR, story)


def test_its_fuel_flows_and_costs():
    async def story(stage: Stage) -> None:
        mode = stage.said("output_adjustable_system_description")[0].mode("run")
        assert float(mode.running_cost.at(1.0)) * 3600 == pytest.approx(1.8 * (0.00012 + 9e-8 * 4000) * 3600)
        await stage.order("generator", "run", 1.0, emergency=True)
        await stage.let_pass(60)
        flows = {value.quantity.value: value.value for value in stage.said("measurement")[-1].values}
        assert flows["oil.flow_rate"] == pytest.approx((0.00012 + 9e-8 * 4000) / 1000)

    play(GENERATOR, story)


def test_left_alone_it_stops_as_soon_as_it_may():
    async def story(stage: Stage) -> None:
        await stage.order("generator", "run", 1.0, emergency=True)
        await stage.let_pass(60)
        stage.house.choose("generator", None)
        await stage.barrier.settle()
        await stage.let_pass(600)
        assert stage.driver("generator").model.stage == "off"

    play(GENERATOR, story)


def test_a_dry_tank_is_told():
    async def story(stage: Stage) -> None:
        await stage.order("generator", "run", 1.0, emergency=True)
        await stage.let_pass(2 * 3600)
        assert stage.statuses()[-1] == "aborted"
        assert stage.said("output_adjustable_state_update")[-1].mode_id == "off"

    play({"generator": {"driver": "simulated.generator", "config": {"tank_l": 0.5}}}, story)
