"""Time: timers in their order, timeouts that are ours, and a wall clock that jumps."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from efpi_core.clock import BoottimeEventLoop, RealClock, SteppedClock
from efpi_core.clock_event import ClockEvent, ClockSet, Suspended

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def test_timers_fire_in_the_order_of_their_instants_then_of_their_setting():
    clock = SteppedClock(BEGIN)
    fired: list[str] = []
    clock.call_later(20, lambda: fired.append("late"))
    clock.call_later(10, lambda: fired.append("first"))
    clock.call_later(10, lambda: fired.append("second"))
    clock.advance(BEGIN + timedelta(seconds=30))
    assert fired == ["first", "second", "late"]


def test_a_timer_set_for_the_present_instant_waits_for_the_next_round():
    clock = SteppedClock(BEGIN)
    fired: list[str] = []
    clock.call_later(5, lambda: clock.call_later(0, lambda: fired.append("again")))
    clock.advance(BEGIN + timedelta(seconds=5))
    assert fired == []
    assert clock.next_wakeup() == BEGIN + timedelta(seconds=5)
    clock.advance(BEGIN + timedelta(seconds=5))
    assert fired == ["again"]


def test_a_timer_in_the_past_counts_as_now():
    clock = SteppedClock(BEGIN)
    fired: list[datetime] = []
    clock.call_at(BEGIN - timedelta(days=1), lambda: fired.append(clock.now()))
    clock.advance(BEGIN)
    assert fired == [BEGIN]


def test_a_cancelled_timer_neither_fires_nor_wakes():
    clock = SteppedClock(BEGIN)
    clock.call_later(5, lambda: pytest.fail("it was cancelled")).cancel()
    assert clock.next_wakeup() is None
    clock.advance(BEGIN + timedelta(seconds=10))


def test_time_does_not_go_back():
    clock = SteppedClock(BEGIN)
    clock.advance(BEGIN + timedelta(seconds=1))
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(BEGIN)


def test_elapsed_counts_from_the_start():
    clock = SteppedClock(BEGIN)
    clock.advance(BEGIN + timedelta(minutes=2))
    assert clock.elapsed() == 120.0


async def test_sleeping_in_stepped_time_ends_when_time_is_advanced():
    clock = SteppedClock(BEGIN)
    sleeper = asyncio.create_task(clock.sleep(60))
    await asyncio.sleep(0)
    clock.advance(BEGIN + timedelta(seconds=59))
    await asyncio.sleep(0)
    assert not sleeper.done()
    clock.advance(BEGIN + timedelta(seconds=60))
    await sleeper


async def test_a_timeout_of_the_clock_becomes_a_timeout_error():
    clock = SteppedClock(BEGIN)

    async def wait() -> None:
        async with clock.timeout(10):
            await clock.sleep(60)

    waiter = asyncio.create_task(wait())
    await asyncio.sleep(0)
    clock.advance(BEGIN + timedelta(seconds=10))
    with pytest.raises(TimeoutError, match="10 s"):
        await waiter


async def test_cancelling_from_outside_is_passed_on_and_not_turned_into_a_timeout():
    clock = SteppedClock(BEGIN)

    async def wait() -> None:
        async with clock.timeout(10):
            await clock.sleep(60)

    waiter = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiter.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiter


async def test_a_body_in_time_is_left_alone():
    clock = SteppedClock(BEGIN)
    async with clock.timeout(10):
        await asyncio.sleep(0)
    clock.advance(BEGIN + timedelta(seconds=60))
    await asyncio.sleep(0)


async def test_the_real_clock_calls_at_an_instant_and_after_a_duration():
    clock = RealClock()
    done = asyncio.Event()
    order: list[str] = []
    clock.call_at(clock.now() + timedelta(milliseconds=40), lambda: (order.append("at"), done.set()))
    clock.call_later(0.01, lambda: order.append("later"))
    clock.call_at(clock.now() - timedelta(hours=1), lambda: order.append("past"))
    async with asyncio.timeout(60):
        await done.wait()
    assert order == ["past", "later", "at"]


class JumpyClock(RealClock):
    """A real clock whose wall time somebody sets."""

    offset = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.offset

    def wall_s(self) -> float:
        return super().wall_s() + self.offset.total_seconds()


async def test_a_wall_clock_that_jumps_forward_fires_what_became_due(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("efpi_core.clock.LONGEST_WAIT_S", 0.02)
    clock = JumpyClock()
    done = asyncio.Event()
    clock.call_at(clock.now() + timedelta(hours=1), done.set)
    clock.offset = timedelta(hours=2)
    async with asyncio.timeout(60):
        await done.wait()


async def test_a_wall_clock_that_jumps_leaves_durations_alone():
    clock = JumpyClock()
    fired: list[str] = []
    clock.call_later(3600, lambda: fired.append("too soon"))
    before = clock.elapsed()
    clock.offset = timedelta(days=1)
    await asyncio.sleep(0.02)
    assert not fired
    assert clock.elapsed() - before < 60


def test_the_loop_of_a_live_gateway_counts_boot_time():
    loop = BoottimeEventLoop()
    try:
        assert abs(loop.time() - RealClock().elapsed()) < 1.0
    finally:
        loop.close()


def test_a_callback_that_raises_takes_no_other_with_it():
    async def story() -> list[str]:
        heard: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: heard.append("named"))
        clock = RealClock()
        past = clock.now()
        clock.call_at(past, lambda: 1 / 0)
        done = asyncio.Event()
        clock.call_at(past, done.set)
        await asyncio.wait_for(done.wait(), 60)
        return heard

    assert asyncio.run(story()) == ["named"]


def test_timers_that_are_set_and_cancelled_for_years_leave_nothing_behind():
    async def story() -> None:
        for clock in (SteppedClock(BEGIN), RealClock()):
            kept = clock.call_at(clock.now() + timedelta(days=900), lambda: None)
            for _ in range(10_000):
                clock.call_at(clock.now() + timedelta(days=1), lambda: None).cancel()
            assert len(clock._schedule) < 200
            assert kept.active

    asyncio.run(story())


class SetClock(JumpyClock):
    """A real clock that somebody sets, on a machine that is suspended."""

    slept = 0.0

    def elapsed(self) -> float:
        return super().elapsed() + self.slept

    def wall_s(self) -> float:
        return super().wall_s() + self.slept


def events_of(clock: RealClock) -> list[ClockEvent]:
    told: list[ClockEvent] = []
    clock.follow(told.append)
    return told


@pytest.mark.parametrize("step", [timedelta(days=366), timedelta(hours=-1), timedelta(seconds=2)])
async def test_a_clock_that_was_set_is_noticed_with_its_size(step: timedelta):
    clock = JumpyClock()
    told = events_of(clock)
    clock.look()
    clock.offset = step
    clock.look()
    clock.look()
    (event,) = told
    assert isinstance(event, ClockSet)
    assert abs(event.step - step) < timedelta(seconds=0.5)


async def test_a_clock_that_is_slewed_was_not_set():
    clock = JumpyClock()
    told = events_of(clock)
    for _ in range(20):
        clock.offset += timedelta(milliseconds=100)
        clock.look()
    assert told == []


async def test_a_suspended_machine_is_noticed_and_its_clock_counts_as_untouched():
    clock = SetClock()
    told = events_of(clock)
    clock.slept = 8 * 3600.0
    clock.look()
    (event,) = told
    assert isinstance(event, Suspended)
    assert round(event.for_s) == 8 * 3600


async def test_clocks_that_could_not_be_read_at_one_instant_are_not_compared():
    class BusyMachine(JumpyClock):
        def wall_s(self) -> float:
            self.paused += 3.0
            return super().wall_s() + self.paused

        def awake(self) -> float:
            return super().awake() + self.paused

        paused = 0.0

    clock = BusyMachine()
    told = events_of(clock)
    clock.look()
    clock.look()
    assert told == []


async def test_a_timer_that_became_due_by_setting_the_clock_waits_until_those_who_follow_were_told():
    clock = JumpyClock()
    order: list[str] = []
    done = asyncio.Event()
    alarm = clock.call_at(clock.now() + timedelta(hours=1), lambda: order.append("too soon"))

    def told(event: ClockEvent) -> None:
        order.append("told")
        alarm.cancel()
        clock.call_at(clock.now(), done.set)

    clock.follow(told)
    clock.offset = timedelta(hours=2)
    clock.look()
    async with asyncio.timeout(60):
        await done.wait()
    assert order == ["told"]


async def test_a_timer_whose_instant_a_clock_set_back_has_moved_away_waits_again():
    clock = JumpyClock()
    fired: list[str] = []
    clock.follow(lambda event: None)
    clock.call_at(clock.now() + timedelta(seconds=0.2), lambda: fired.append("too soon"))
    clock.offset = timedelta(hours=-1)
    clock.look()
    later = asyncio.Event()
    clock.call_later(0.4, later.set)
    async with asyncio.timeout(60):
        await later.wait()
    assert fired == []


UNSET = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("former", "at", "synchronous", "believed"),
    [
        (UNSET, BEGIN, True, True),
        (UNSET, BEGIN, False, True),
        (BEGIN, BEGIN + timedelta(hours=1), True, True),
        (BEGIN, BEGIN + timedelta(days=366), False, False),
        (BEGIN, UNSET, True, False),
    ],
)
def test_a_new_time_is_believed_from_a_server_or_when_the_old_one_was_none(
    former: datetime, at: datetime, synchronous: bool, believed: bool
):
    assert ClockSet(at - former, at, synchronous).believed is believed


def test_what_happened_to_a_clock_is_said_in_words():
    event = ClockSet(timedelta(hours=-1), BEGIN, synchronised=True)
    assert event.sentence == "the clock was set back by 1 h, from 2026-01-01 01:00:00 to 2026-01-01 00:00:00 UTC"
    assert Suspended(8 * 3600.0 + 62).sentence == "the machine was suspended for 8 h 1 min"
    assert ClockSet(BEGIN - UNSET, BEGIN, synchronised=True).sentence.startswith(
        "the clock was set forward by 56 years"
    )
