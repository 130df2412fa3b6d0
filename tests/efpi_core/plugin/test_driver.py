from datetime import timedelta
from itertools import pairwise

import pytest

from efpi_core.errors import TryAgainError
from efpi_core.plugin.condition import ConditionState
from tests.efpi_core.plugin.bench import on_bench
from tests.efpi_core.plugin.devices import Panels


class Polled(Panels):
    """Notes when it is polled."""

    poll_every = timedelta(seconds=5)
    fault: Exception | None = None

    async def open(self) -> None:
        await super().open()
        self.polled_at: list[float] = []

    async def poll(self) -> None:
        self.polled_at.append(self.context.elapsed())
        if self.fault is not None:
            raise self.fault


def pauses(times: list[float]) -> list[float]:
    return [round(after - before, 3) for before, after in pairwise(times)]


async def test_a_device_that_answers_is_polled_at_its_pace_and_reported_each_time() -> None:
    async with on_bench(Polled) as bench:
        await bench.let_pass(15)
        assert pauses(bench.driver.polled_at) == [5, 5, 5]
        assert bench.kinds().count("measurement") == 4
        assert bench.kinds().count("inflexible_registration") == 1


@pytest.mark.parametrize(
    "fault", [TryAgainError("no answer", "plug it in"), OSError("no route"), TimeoutError(), EOFError()]
)
async def test_a_silent_device_is_polled_ever_more_slowly_and_at_its_pace_again_when_it_returns(
    fault: Exception,
) -> None:
    async with on_bench(Polled) as bench:
        bench.driver.fault = fault
        await bench.let_pass(2000)
        assert (
            pauses(bench.driver.polled_at)
            == [5, 10, 20, 40, 80, 160, 300, 300, 300, 300, 300][: len(bench.driver.polled_at) - 1]
        )
        assert bench.conditions()[-1].state is ConditionState.OFFLINE
        bench.driver.fault = None
        await bench.let_pass(310)
        assert pauses(bench.driver.polled_at)[-1] == 5
        assert bench.conditions()[-1].state is ConditionState.OK


async def test_a_device_slower_than_the_longest_pause_keeps_its_own_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Polled, "poll_every", timedelta(seconds=900))
    async with on_bench(Polled) as bench:
        bench.driver.fault = OSError("no route")
        await bench.let_pass(4000)
        assert set(pauses(bench.driver.polled_at)) == {900}


async def test_the_reason_and_cure_of_a_silent_device_are_told() -> None:
    async with on_bench(Polled) as bench:
        bench.driver.fault = TryAgainError("no answer", "plug it in")
        await bench.let_pass(6)
        told = bench.conditions()[-1]
        assert (told.text, told.cure, told.appliance_id) == ("no answer", "plug it in", "device")
        assert bench.last("control_space_revoke").reason == "no answer"


async def test_a_fault_without_words_is_named_by_its_kind() -> None:
    async with on_bench(Polled) as bench:
        bench.driver.fault = TimeoutError()
        await bench.let_pass(6)
        assert bench.conditions()[-1].text == "TimeoutError"


async def test_a_device_that_never_answered_is_told_of_the_instance_since_there_is_no_appliance_yet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Polled, "fault", OSError("no route"))
    async with on_bench(Polled) as bench:
        assert bench.said == []
        assert bench.conditions()[-1].appliance_id is None


async def test_any_other_exception_of_a_poll_is_a_fault_of_the_driver() -> None:
    async with on_bench(Polled, may_fail=True) as bench:
        bench.driver.fault = ValueError("not a number")
        await bench.let_pass(6)
        assert bench.failed is not None
        assert "not a number" in bench.failed.error


async def test_on_an_overloaded_machine_polls_come_more_seldom_and_at_their_pace_again_when_it_is_over() -> None:
    async with on_bench(Polled) as bench:
        await bench.let_pass(0)

        async def late_by(seconds: float) -> None:
            """The next poll begins so late."""
            bench.clock.advance(bench.clock.next_wakeup() + timedelta(seconds=seconds))
            await bench.settle()

        await late_by(4)
        await bench.let_pass(5)
        assert pauses(bench.driver.polled_at) == [9, 5], "one that is late is a machine that slept"
        for _ in range(5):
            await late_by(4)
        assert pauses(bench.driver.polled_at)[2:] == [9, 9, 14, 24, 44]
        await bench.let_pass(75)
        assert pauses(bench.driver.polled_at)[-4:] == [40, 20, 10, 5]
