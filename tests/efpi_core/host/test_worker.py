"""The worker of an instance, and a runtime whose handlers do not keep up."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from efi.commodity import Commodity
from efi.inflexible import InflexibleRegistration
from efi.storage import ActuatorAllocation, StorageAllocation
from efpi_core.clock import RealClock
from efpi_core.host.frames import Connected, Deliver, Failed, FromInstance, Observed, Ping, Pong, Ready, Stop, Stopped
from efpi_core.host.runtime import CROWDED, InstanceRuntime
from efpi_core.host.worker import Worker
from efpi_core.plugin.app import EnergyApp
from efpi_core.plugin.config import PluginConfig
from efpi_core.plugin.observation import Quality
from efpi_core.plugin.plugin import Plugin
from tests.support.hosted_world import start_frame

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


async def run(worker: Worker) -> "asyncio.Task[None]":
    task = asyncio.create_task(worker.run())
    await asyncio.sleep(0)
    return task


async def until_idle(worker: Worker) -> None:
    async with asyncio.timeout(60):
        while not worker.idle:  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0)


async def end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_jobs_run_one_after_the_other() -> None:
    worker, done = Worker(RealClock()), list[str]()

    async def job(name: str) -> None:
        done.append(f"{name} begins")
        await asyncio.sleep(0)
        done.append(f"{name} ends")

    worker.enqueue(lambda: job("one"))
    worker.enqueue(lambda: job("two"))
    worker.enqueue(lambda: done.append("plain"))
    worker.enqueue_first(lambda: done.append("first"))
    task = await run(worker)
    await until_idle(worker)
    assert done == ["first", "one begins", "one ends", "two begins", "two ends", "plain"]
    await end(task)


async def test_of_jobs_with_one_key_only_the_newest_runs_in_its_own_turn() -> None:
    worker, done = Worker(RealClock()), list[str]()
    for name in ("old state", "new state", "newest state"):
        worker.enqueue_newest("state", partial(done.append, name))
        worker.enqueue(partial(done.append, f"after {name}"))
    assert worker.waiting == 4
    task = await run(worker)
    await until_idle(worker)
    assert done == ["after old state", "after new state", "newest state", "after newest state"]
    assert worker.waiting == 0
    worker.enqueue_newest("state", lambda: done.append("later"))
    await until_idle(worker)
    assert done[-1] == "later"
    await end(task)


async def test_a_job_that_is_dropped_makes_way_for_the_next() -> None:
    worker, done = Worker(RealClock()), list[str]()
    worker.enqueue(asyncio.Event().wait)  # type: ignore[arg-type]  # its result is of no use
    worker.enqueue(lambda: done.append("next"))
    task = await run(worker)
    worker.drop_job()
    await until_idle(worker)
    assert done == ["next"]
    assert not task.done()
    await end(task)


async def test_a_job_that_does_not_heed_its_drop_does_not_make_the_worker_deaf() -> None:
    worker = Worker(RealClock())
    go = asyncio.Event()

    async def stubborn() -> None:
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                go.set()

    worker.enqueue(stubborn)
    task = await run(worker)
    worker.drop_job()
    await until_idle(worker)
    assert task.cancelling() == 0
    await end(task)


async def test_what_a_job_raises_ends_the_worker() -> None:
    worker = Worker(RealClock())
    worker.enqueue(lambda: 1 / 0)  # type: ignore[arg-type, return-value]  # it never returns
    with pytest.raises(ZeroDivisionError):
        await worker.run()


class SlowApp(EnergyApp[PluginConfig]):
    """Hears observations, once it is let go on."""

    offer_name = "test.slow"
    title = "Slow"

    async def start(self) -> None:
        self.gate = asyncio.Event()
        self.heard: list[Any] = []
        self.context.observe("*.power", lambda observation: self.heard.append(observation.value))

    async def on_connect(self, appliance: Any) -> None:
        await self.gate.wait()


class Instance:
    """A runtime at work and what it says."""

    def __init__(self, plugin_type: type[Plugin[PluginConfig]]) -> None:
        self.said: list[FromInstance] = []
        self.runtime = InstanceRuntime(plugin_type, start_frame(), RealClock(), self.said.append)
        self.task = asyncio.create_task(self.runtime.run())

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(60):
            while not condition():  # noqa: ASYNC110  # what is waited for tells nobody
                await asyncio.sleep(0)

    async def ready(self) -> None:
        await self.until(lambda: Ready() in self.said)


def observed(name: str, value: float) -> Observed:
    return Observed(name, value, "W", Quality.GOOD, NOW)


def registration() -> Connected:
    return Connected(
        "pv",
        "app",
        InflexibleRegistration(
            message_id="r1", appliance_id="pv", timestamp=NOW, name="PV", commodities=(Commodity.ELECTRICITY,)
        ),
    )


def allocation(number: int) -> Deliver:
    selector = ActuatorAllocation(actuator_id="main", mode_id="charge", start_time=NOW)
    message = StorageAllocation(
        message_id=f"a{number}",
        appliance_id="pv",
        timestamp=NOW,
        control_space_update_id="s1",
        actuators=(selector,),
    )
    return Deliver("pv", message)


async def blocked() -> tuple[Instance, SlowApp]:
    instance = Instance(SlowApp)
    await instance.ready()
    app = instance.runtime.plugin
    assert isinstance(app, SlowApp)
    instance.runtime.receive(registration())
    await asyncio.sleep(0)
    return instance, app


async def test_while_a_handler_is_busy_newer_values_take_the_place_of_older_ones() -> None:
    instance, app = await blocked()
    for number in range(1000):
        instance.runtime.receive(observed("pv.power", number))
        instance.runtime.receive(observed("car.power", -number))
    assert instance.runtime.waiting <= CROWDED + 2
    assert instance.runtime.received == 2001
    app.gate.set()
    await instance.until(lambda: instance.runtime.idle)
    assert app.heard[-2:] == [999, -999]
    instance.runtime.receive(Stop(1.0))
    await instance.task


async def test_allocations_are_never_left_out_and_too_many_of_them_end_the_instance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("efpi_core.host.runtime.MOST_WAITING", 100)
    instance, _ = await blocked()
    for number in range(100):
        instance.runtime.receive(allocation(number))
    assert instance.runtime.waiting == 100
    instance.runtime.receive(allocation(100))
    await instance.task
    failed = instance.said[-1]
    assert isinstance(failed, Failed)
    assert failed.error.startswith("its handlers do not keep up: 100 frames wait")


async def test_a_question_is_answered_while_a_handler_is_busy() -> None:
    instance, app = await blocked()
    await asyncio.sleep(0.01)
    instance.runtime.receive(Ping(5))
    pong = instance.said[-1]
    assert isinstance(pong, Pong)
    assert (pong.number, pong.received) == (5, 2)
    assert pong.busy_s > 0.005
    app.gate.set()
    instance.runtime.receive(Stop(1.0))
    await instance.task


async def test_an_order_to_stop_goes_before_all_that_waits() -> None:
    instance, app = await blocked()
    for number in range(50):
        instance.runtime.receive(allocation(number))
    instance.runtime.receive(Stop(0.4))
    instance.runtime.receive(Stop(0.4))
    await instance.task
    assert instance.said[-1] == Stopped()
    assert instance.said.count(Stopped()) == 1
    assert not app.gate.is_set()


class Unmade(Plugin[PluginConfig]):
    """Cannot be made."""

    offer_name = "test.unmade"
    title = "Unmade"

    def __init__(self) -> None:
        raise RuntimeError("not with me")


async def test_a_class_that_cannot_be_made_is_told_as_a_failed_start() -> None:
    instance = Instance(Unmade)
    await instance.task
    (failed,) = instance.said
    assert isinstance(failed, Failed)
    assert (failed.moment, failed.error) == ("start", "RuntimeError: not with me")


class Exits(Plugin[PluginConfig]):
    """Calls for an exit."""

    offer_name = "test.exits"
    title = "Exits"

    async def start(self) -> None:
        raise SystemExit(3)


async def test_a_plugin_that_calls_for_an_exit_ends_only_itself() -> None:
    instance = Instance(Exits)
    await instance.task
    (failed,) = instance.said
    assert isinstance(failed, Failed)
    assert failed.error == "SystemExit: 3"
