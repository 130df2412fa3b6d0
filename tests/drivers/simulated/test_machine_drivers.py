from datetime import timedelta

from .stage import Stage, play

MACHINE = {"washer": {"driver": "simulated.washing_machine", "config": {"loads_per_week": 7, "seed": 5}}}


async def loaded(stage: Stage) -> None:
    await stage.until(lambda: stage.driver("washer").work is not None)


def test_a_loaded_machine_tells_its_steps_and_its_deadline():
    async def story(stage: Stage) -> None:
        await loaded(stage)
        (work,) = stage.said("time_shiftable_update")
        assert work.end_before - work.valid_from > timedelta(hours=4)
        assert len(work.sequences) >= 2
        assert work.sequences[1].maximum_interval_before == timedelta(minutes=30)

    play(MACHINE, story)


def test_a_step_is_started_on_order_and_its_end_is_told():
    async def story(stage: Stage) -> None:
        await loaded(stage)
        await stage.do_step("washer", "step_1")
        assert stage.power("washer") == 90.0
        assert stage.statuses() == ["accepted", "started"]
        first = stage.driver("washer").model.program.sequences[0]
        await stage.let_pass(first.seconds)
        assert stage.statuses() == ["accepted", "started", "finished"]
        states = stage.said("time_shiftable_state_update")[-1].sequences
        assert [state.status.value for state in states][:2] == ["finished", "not_scheduled"]

    play(MACHINE, story)


def test_left_alone_it_is_done_exactly_by_its_deadline():
    async def story(stage: Stage) -> None:
        await loaded(stage)
        work = stage.driver("washer").work
        await stage.until(lambda: stage.driver("washer").model.finished == 1)
        assert stage.driver("washer").model.ended_at <= work.end_before.timestamp() + 1e-3
        assert stage.driver("washer").work is None
        assert {state.status.value for state in stage.said("time_shiftable_state_update")[-1].sequences} == {"finished"}

    play(MACHINE, story, puppet=False)


def test_the_next_step_starts_by_itself_when_its_gap_is_over():
    async def story(stage: Stage) -> None:
        await loaded(stage)
        await stage.do_step("washer", "step_1")
        await stage.until(lambda: stage.driver("washer").model.position == 1, step_s=60)
        await stage.let_pass(1860)
        states = stage.said("time_shiftable_state_update")[-1].sequences
        assert [state.status.value for state in states][:2] == ["finished", "executing"]

    play(MACHINE, story)


def test_a_step_that_cannot_be_halted_refuses():
    async def story(stage: Stage) -> None:
        await loaded(stage)
        await stage.do_step("washer", "step_1")
        await stage.do_step("washer", "step_1", "interrupt")
        assert stage.statuses()[-1] == "rejected"

    play(MACHINE, story)


def test_a_step_that_can_be_halted_is_and_goes_on():
    async def story(stage: Stage) -> None:
        await stage.until(lambda: stage.driver("dish").work is not None)
        program = stage.driver("dish").model.program
        place = next(place for place, each in enumerate(program.sequences) if each.pause_s)
        while stage.driver("dish").model.position < place or stage.driver("dish").model.stage != "running":
            if stage.driver("dish").model.stage == "waiting":
                await stage.do_step("dish", f"step_{stage.driver('dish').model.position + 1}")
            await stage.let_pass(60)
        step = f"step_{place + 1}"
        await stage.do_step("dish", step, "interrupt")
        assert stage.power("dish") == 0.5
        await stage.let_pass(120)
        await stage.do_step("dish", step, "resume")
        assert stage.power("dish") > 1.0
        await stage.until(lambda: stage.driver("dish").model.finished == 1)

    play({"dish": {"driver": "simulated.dishwasher", "config": {"loads_per_week": 7}}}, story)


def test_a_month_of_loads_breaks_no_rule():
    async def story(stage: Stage) -> None:
        await stage.let_pass(30 * 86400)
        assert stage.driver("washer").model.finished >= 28

    play(MACHINE, story, puppet=False)
