"""Somebody sets the clock while drivers are at work: what takes time still takes that time, and all is told anew."""

import asyncio
from datetime import datetime, timedelta

import pytest

from efpi_core.clock_event import ClockEvent, Suspended
from tests.efpi_core.plugin.bench import BEGIN, Bench, on_bench
from tests.efpi_core.plugin.cell import Cell, ask
from tests.efpi_core.plugin.devices import Boiler, Panels, Washer
from tests.efpi_core.plugin.test_inflexible_appliance import curtail, profile
from tests.efpi_core.plugin.test_time_shiftable_appliance import START, progress, want

STEPS = [timedelta(days=366), timedelta(hours=-1), timedelta(days=-20_000), timedelta(seconds=5)]
LOST_YEARS = datetime(1970, 1, 1, 0, 5, tzinfo=BEGIN.tzinfo) - BEGIN


@pytest.mark.parametrize("by_server", [True, False])
@pytest.mark.parametrize("step", STEPS)
async def test_no_minimum_time_is_shortened_or_lengthened(step: timedelta, by_server: bool) -> None:
    async with on_bench(Cell) as bench:
        await ask(bench, ("inverter", "charge", 0))
        await ask(bench, ("inverter", "idle", 0))
        await bench.let_pass(20)  # of the minute in which it rests
        await bench.set_clock(step, by_server=by_server)
        await bench.let_pass(35)
        early = await ask(bench, ("inverter", "charge", 0), guarded=False)
        assert bench.statuses(early) == ["rejected"]
        await bench.let_pass(6)
        late = await ask(bench, ("inverter", "charge", 0))
        assert bench.statuses(late) == ["accepted", "started"]


@pytest.mark.parametrize("step", STEPS)
async def test_what_was_accepted_for_later_is_as_far_away_as_it_was(step: timedelta) -> None:
    async with on_bench(Cell) as bench:
        asked = await ask(bench, ("inverter", "charge", 300))
        await bench.set_clock(step)
        await bench.let_pass(299)
        assert (bench.statuses(asked), bench.driver.mode) == (["accepted"], "idle")
        await bench.let_pass(1)
        assert (bench.statuses(asked), bench.driver.mode) == (["accepted", "started"], "charge")


@pytest.mark.parametrize("step", STEPS)
async def test_a_description_and_the_state_are_told_anew_with_instants_of_the_new_time(step: timedelta) -> None:
    async with on_bench(Cell) as bench:
        await bench.set_clock(step)
        description, state = bench.said[-2:]
        assert [description.type, state.type] == ["storage_system_description", "storage_state_update"]
        assert description.timestamp == state.timestamp == bench.clock.now()
        assert bench.session is not None
        assert bench.session.space.description_at(bench.clock.now()) is description
        asked = await ask(bench, ("inverter", "charge", 0))
        assert bench.statuses(asked) == ["accepted", "started"]


async def test_a_device_that_is_out_of_reach_is_described_when_it_is_found() -> None:
    async with on_bench(Cell) as bench:
        bench.driver.answers = False
        await bench.let_pass(10)
        said = len(bench.said)
        await bench.set_clock(timedelta(hours=1))
        assert len(bench.said) == said


@pytest.mark.parametrize("step", STEPS)
async def test_a_limit_lasts_as_long_as_was_asked(step: timedelta) -> None:
    async with on_bench(Panels) as bench:
        asked = await curtail(bench, profile((600, -1000.0)))
        await bench.let_pass(60)
        await bench.set_clock(step)
        await bench.let_pass(539)
        assert bench.statuses(asked)[-1] == "started"
        await bench.let_pass(1)
        assert bench.statuses(asked)[-1] == "finished"


async def filled(bench: Bench, hours: float = 6) -> None:
    bench.driver.fill(hours=hours)
    await bench.settle()


@pytest.mark.parametrize("step", STEPS)
async def test_work_that_was_accepted_starts_when_it_would_have(step: timedelta) -> None:
    async with on_bench(Washer) as bench:
        await filled(bench)
        asked = await want(bench, ("wash", START, 30, "quick"), ("spin", START, 60, "quick"))
        await bench.set_clock(step, by_server=False)
        await bench.let_pass(29 * 60)
        assert bench.driver.done == []
        await bench.let_pass(60)
        assert bench.driver.done == [("wash", "quick")]
        assert bench.statuses(asked) == ["accepted", "started"]
        assert progress(bench) == {"wash": "executing", "spin": "scheduled"}


async def test_a_deadline_is_the_clock_on_the_wall_where_a_server_keeps_it() -> None:
    async with on_bench(Washer) as bench:
        await filled(bench)
        await bench.set_clock(timedelta(hours=2))
        assert bench.last("time_shiftable_update").end_before == BEGIN + timedelta(hours=6)
        await bench.let_pass(3 * 3600 - 1)
        assert bench.driver.done == []
        await bench.let_pass(1)
        assert bench.driver.done == [("wash", "quick")]


@pytest.mark.parametrize("step", [timedelta(days=366), timedelta(hours=-1)])
async def test_a_deadline_is_as_far_away_as_it_was_where_nobody_keeps_the_clock(step: timedelta) -> None:
    async with on_bench(Washer) as bench:
        await filled(bench)
        await bench.set_clock(step, by_server=False)
        assert bench.last("time_shiftable_update").end_before == BEGIN + step + timedelta(hours=6)
        await bench.let_pass(5 * 3600 - 1)
        assert bench.driver.done == []
        await bench.let_pass(1)
        assert bench.driver.done == [("wash", "quick")]


async def test_a_deadline_that_was_named_before_the_clock_was_set_for_the_first_time_does_not_pass_by_that() -> None:
    async with on_bench(Washer) as bench:
        await bench.set_clock(LOST_YEARS, by_server=False)
        await filled(bench)
        await bench.set_clock(-LOST_YEARS)
        await bench.let_pass(5 * 3600 - 1)
        assert bench.driver.done == []
        await bench.let_pass(1)
        assert bench.driver.done == [("wash", "quick")]


class Attentive(Cell):
    """A driver that wants to know."""

    offer_name = "bench.attentive"

    def on_clock(self, event: ClockEvent) -> None:
        super().on_clock(event)
        self.told = [*getattr(self, "told", []), event]


async def test_a_driver_is_told_once_of_each_event() -> None:
    async with on_bench(Attentive) as bench:
        await bench.set_clock(timedelta(hours=1))
        await bench.suspend(3600)
        assert [type(event).__name__ for event in bench.driver.told] == ["ClockSet", "Suspended"]
        assert bench.driver.told[1] == Suspended(3600)


class Fumbling(Cell):
    """A driver whose author made a mistake."""

    offer_name = "bench.fumbling"

    def on_clock(self, event: ClockEvent) -> None:
        raise ValueError("what is a clock")


async def test_a_driver_that_raises_at_it_has_failed_by_name_and_takes_no_other_along() -> None:
    async with on_bench(Fumbling, may_fail=True) as bench:
        bench.clock.set(bench.clock.now() + timedelta(hours=1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert bench.failed is not None
        assert "what is a clock" in bench.failed.error


async def test_a_machine_that_slept_for_a_night_polls_once() -> None:
    class Counted(Cell):
        offer_name = "bench.counted"
        polls = 0

        async def poll(self) -> None:
            self.polls += 1
            await super().poll()

    async with on_bench(Counted) as bench:
        await bench.let_pass(100)
        polls = bench.driver.polls
        await bench.suspend(8 * 3600)
        assert bench.driver.polls == polls + 1
        await bench.let_pass(100)
        assert bench.driver.polls == polls + 11


@pytest.mark.parametrize("step", STEPS)
async def test_what_was_told_ahead_is_told_ahead_of_the_new_time(step: timedelta) -> None:
    async with on_bench(Boiler) as bench:
        bench.driver.element_ends_after = timedelta(hours=6)
        bench.driver.describe_anew()
        await bench.settle()
        await bench.set_clock(step)
        bench.driver.tell_ahead(tuple(bench.driver.describe())[-1])
        await bench.set_clock(timedelta(minutes=1) - step)
        assert bench.session is not None
        now = bench.clock.now()
        present, ahead = bench.session.space.descriptions
        assert present.valid_from == now
        assert ahead.valid_from == now + timedelta(hours=6)
