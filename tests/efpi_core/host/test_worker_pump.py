"""A worker that is pumped: what needs not wait is done in the turn of whoever pumps, the rest in its own task."""

import asyncio
from collections.abc import Callable

import pytest

from efpi_core.clock import RealClock
from efpi_core.errors import PluginFailure
from efpi_core.host.worker import Worker
from tests.efpi_core.host.test_worker import end, run, until_idle


def pump(worker: Worker, *jobs: Callable[[], object]) -> None:
    worker.hold()
    for job in jobs:
        worker.enqueue(job)  # type: ignore[arg-type]  # a plain function may return anything here
    worker.pump()


async def test_what_does_not_wait_is_done_when_the_pump_returns() -> None:
    worker, done = Worker(RealClock()), list[object]()
    task = await run(worker)

    async def ends_at_once() -> None:
        done.append("coroutine")

    pump(worker, lambda: done.append("plain"), ends_at_once, lambda: worker.enqueue(lambda: done.append("made")))
    assert (done, worker.idle) == (["plain", "coroutine", "made"], True)
    await end(task)


async def test_what_waits_goes_on_in_the_worker_s_task_and_holds_up_what_is_behind_it() -> None:
    worker, done = Worker(RealClock()), list[object]()
    task = await run(worker)
    opened: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def waits() -> None:
        done.append(asyncio.current_task())
        done.append(await opened)
        await asyncio.sleep(0)
        done.append(asyncio.current_task())

    pump(worker, waits, lambda: done.append("behind"))
    assert (done, worker.idle) == ([task], False)
    opened.set_result("open")
    await until_idle(worker)
    assert done == [task, "open", task, "behind"]
    assert asyncio.current_task() is not task
    await end(task)


async def test_a_deadline_that_began_in_the_pump_ends_the_job_and_nobody_else() -> None:
    worker, done = Worker(RealClock()), list[object]()
    task = await run(worker)

    async def too_slow() -> None:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.get_running_loop().create_future()
        except TimeoutError:
            done.append("too slow")

    pump(worker, too_slow, lambda: done.append("behind"))
    await until_idle(worker)
    assert (done, task.cancelling()) == (["too slow", "behind"], 0)
    await end(task)


async def test_what_a_coroutine_waits_for_may_fail_into_it() -> None:
    worker, done = Worker(RealClock()), list[object]()
    task = await run(worker)
    broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def copes() -> None:
        try:
            await broken
        except OSError as error:
            done.append(str(error))

    pump(worker, copes)
    broken.set_exception(OSError("the line is dead"))
    await until_idle(worker)
    assert done == ["the line is dead"]
    await end(task)


@pytest.mark.parametrize("error", [ValueError("broken"), SystemExit(3)])
async def test_what_a_job_raises_ends_the_worker_and_not_the_one_who_pumps(error: BaseException) -> None:
    worker = Worker(RealClock())
    raised: list[BaseException] = []

    async def runs() -> None:
        try:
            await worker.run()
        except (Exception, SystemExit) as caught:
            raised.append(caught)

    task = asyncio.create_task(runs())
    await asyncio.sleep(0)

    def job() -> None:
        raise error

    pump(worker, job)
    await task
    assert raised == [error]


async def test_a_worker_that_has_not_begun_or_is_busy_is_left_to_its_task() -> None:
    worker, done = Worker(RealClock()), list[object]()
    pump(worker, lambda: done.append("before it began"))
    assert done == []
    opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def waits() -> None:
        await opened

    worker.enqueue(waits)
    task = await run(worker)
    pump(worker, lambda: done.append("while it waits"))
    assert done == ["before it began"]
    opened.set_result(None)
    await until_idle(worker)
    assert done == ["before it began", "while it waits"]
    await end(task)


async def test_a_plain_job_that_raises_stop_iteration_has_failed() -> None:
    worker = Worker(RealClock())
    task = await run(worker)
    pump(worker, lambda: next(iter(())))
    with pytest.raises(RuntimeError, match="StopIteration"):
        await task


async def test_a_job_that_calls_itself_without_end_is_named() -> None:
    worker = Worker(RealClock())
    task = await run(worker)

    def again() -> None:
        worker.enqueue(again)

    pump(worker, again)
    with pytest.raises(PluginFailure, match="without end"):
        await task
