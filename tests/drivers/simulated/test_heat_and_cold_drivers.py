import pytest

from .stage import Stage, play

BOILER = {"boiler": {"driver": "simulated.boiler"}}
FREEZER = {"freezer": {"driver": "simulated.freezer"}}


def test_the_boiler_heats_after_a_soft_start():
    async def story(stage: Stage) -> None:
        await stage.order("boiler", "eco")
        assert stage.statuses() == ["accepted", "started"]
        assert stage.power("boiler") == 220.0
        await stage.let_pass(60)
        assert stage.power("boiler") == 550.0
        await stage.order("boiler", "boost")
        assert stage.power("boiler") == 2050.0

    play(BOILER, story)


def test_the_boilers_description_promises_what_happens():
    async def story(stage: Stage) -> None:
        await stage.order("boiler", "eco")
        await stage.let_pass(60)
        space = stage.record("boiler").session.space
        before = stage.model("boiler").water_c
        await stage.let_pass(600)
        behaviour = space.description_at(stage.clock.now()).actuators[0].mode("eco").behaviour_at(before)
        promised = behaviour.fill_rate.at(1.0) - space.leakage_at(stage.clock.now()).rate_at(before)
        model = stage.model("boiler")
        assert model.draws(model.t)[0] == 0.0
        assert model.water_c - before == pytest.approx(promised * 600, rel=0.05)

    play(BOILER, story)


def test_the_timers_of_the_compressor_are_told_and_kept():
    async def story(stage: Stage) -> None:
        await stage.order("boiler", "eco")
        await stage.let_pass(120)
        await stage.order("boiler", "off")
        assert stage.statuses()[-1] == "rejected"
        await stage.let_pass(481)
        await stage.order("boiler", "off")
        assert stage.statuses()[-1] == "started"
        timers = stage.said("storage_state_update")[-1].actuators[0].timers
        assert {timer.timer_id for timer in timers} == {"least_run", "least_rest"}

    play(BOILER, story)


def test_the_efficiency_of_the_next_hours_is_told_ahead():
    async def story(stage: Stage) -> None:
        assert len(stage.said("storage_system_description")) == 4
        await stage.let_pass(24 * 3600)
        space = stage.record("boiler").session.space
        ahead = [description.valid_from for description in space.descriptions]
        assert max(ahead).timestamp() - stage.clock.now().timestamp() >= 6 * 3600
        rates = {
            description.actuators[0].mode("eco").elements[0].fill_rate.start
            for description in stage.said("storage_system_description")
        }
        assert len(rates) > 3

    play(BOILER, story)


def test_the_household_never_runs_out_of_hot_water():
    async def story(stage: Stage) -> None:
        coldest = 99.0
        for _ in range(14 * 24 * 4):
            await stage.let_pass(900)
            coldest = min(coldest, stage.model("boiler").water_c)
        assert 37.0 < coldest < 50.0
        assert stage.model("boiler").consumed_j / 3.6e6 / 14 == pytest.approx(2.5, abs=1.5)

    play(BOILER, story, puppet=False)


def test_wishes_and_usage_are_told_for_a_day():
    async def story(stage: Stage) -> None:
        usage, targets = stage.said("storage_usage_forecast")[-1], stage.said("storage_target_profile_update")[-1]
        assert len(usage.elements) == 24
        assert sum(element.rate.expected for element in usage.elements) > 0
        instants = [element for element in targets.elements if not element.duration]
        assert [element.fill_level_range.lower for element in instants] == [48.0, 48.0]

    play(BOILER, story)


def test_the_freezer_tells_its_own_decisions():
    async def story(stage: Stage) -> None:
        await stage.until(lambda: stage.driver("freezer").model.mode == "cool")
        state = stage.said("storage_state_update")[-1]
        assert state.actuators[0].mode_id == "cool"
        assert stage.power("freezer") == 85.0
        await stage.let_pass(300)
        await stage.order("freezer", "off")
        assert stage.statuses()[-1] in ("rejected", "aborted")

    play(FREEZER, story)


def test_the_freezer_can_be_made_colder_ahead():
    async def story(stage: Stage) -> None:
        await stage.order("freezer", "boost")
        assert stage.power("freezer") == 130.0
        await stage.until(lambda: stage.driver("freezer").model.mode == "off")
        assert stage.driver("freezer").model.inside_c < -26.5
        assert stage.said("storage_state_update")[-1].actuators[0].mode_id == "off"

    play(FREEZER, story)


def test_the_freezers_leak_warms_it_as_told():
    async def story(stage: Stage) -> None:
        leakage = stage.said("storage_leakage_update")[-1]
        before = stage.model("freezer").inside_c
        promised = leakage.rate_at(before)
        await stage.let_pass(600)
        assert stage.model("freezer").inside_c - before == pytest.approx(-promised * 600, rel=0.02)

    play(FREEZER, story)
