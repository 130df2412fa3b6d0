"""The supervisor with real processes: whatever is killed comes back, and nothing is left at the end."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from efpi_core.clock import RealClock
from efpi_core.gateway.habits import Habits
from efpi_core.gateway.instances import InstancePlan
from efpi_core.gateway.strain import Strain
from efpi_core.gateway.supervised import THROTTLED_NICE
from efpi_core.gateway.supervisor import Supervisor
from efpi_core.host.frames import FromInstance
from efpi_core.host.host import BUDGET_CURE
from efpi_core.host.hosts import Hosts
from efpi_core.host.launcher import ForkServerLauncher
from efpi_core.host.offer import Offer, OfferKind, PluginDescription
from efpi_core.site.document import Budget, CpuExcess
from efpi_core.site.expand import InstanceSpec
from efpi_core.views import InstanceState, InstanceView
from tests.support.hosted_world import environment, gone_within, runs, start_frame

STATES = InstanceState

PATIENCE_S = 60.0
"""A test fails rather than waits longer."""


class House:
    """A supervisor of forked processes, and what it tells."""

    def __init__(self, habits: Habits) -> None:
        self.launcher = ForkServerLauncher(environment())
        self.news = asyncio.Event()
        self.frames: list[tuple[str, FromInstance]] = []
        self.turns: list[tuple[str, InstanceState, str]] = []
        self.strains: list[tuple[str, Strain | None]] = []
        hosts = Hosts(self.launcher, patience_s=habits.patience_s)
        self.supervisor = Supervisor(hosts, self, RealClock(), habits)

    def on_frame(self, instance: str, frame: FromInstance) -> None:
        self.frames.append((instance, frame))
        self.news.set()

    def on_state(self, instance: str, state: InstanceState, text: str, cure: str) -> None:
        self.turns.append((instance, state, text))
        self.news.set()

    def on_strain(self, instance: str, strain: Strain | None) -> None:
        self.strains.append((instance, strain))
        self.news.set()
        self.news.set()

    async def until(self, condition: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        try:
            async with asyncio.timeout(within_s):
                while not condition():
                    self.news.clear()
                    await self.news.wait()
        except TimeoutError:
            raise AssertionError(f"still not after {within_s} s: {self.turns}") from None

    def view(self, instance: str) -> InstanceView:
        return next(view for view in self.supervisor.views() if view.instance == instance)

    def pid(self, instance: str) -> int:
        pid = self.view(instance).pid
        assert pid is not None
        return pid

    async def running(self, *instances: str, within_s: float = PATIENCE_S) -> None:
        await self.until(lambda: all(self.view(i).state is STATES.RUNNING for i in instances), within_s)


def plan(
    instance: str, memory_mb: int = 256, cpu_share: float = 64.0, budget: Budget | None = None, **config: Any
) -> InstancePlan:
    offer = Offer(
        name="faulty.battery", kind=OfferKind.DRIVER, title="Battery", memory_mb=memory_mb, cpu_share=cpu_share
    )
    plugin = PluginDescription(distribution="faulty", version="1", module="faulty_plugin", offers=(offer,))
    spec = InstanceSpec(instance, "driver", "faulty.battery", budget=budget or Budget())
    return InstancePlan(spec, plugin, offer, start=lambda: start_frame(instance, **config))


@asynccontextmanager
async def house(*plans: InstancePlan, **habits: Any) -> AsyncIterator[House]:
    house = House(Habits(**habits))
    await house.supervisor.change(plans, frozenset())
    try:
        yield house
    finally:
        server = house.launcher.pid
        pids = [view.pid for view in house.supervisor.views() if view.pid is not None]
        async with asyncio.timeout(PATIENCE_S):
            await house.supervisor.stop(2.0)
        assert not [pid for pid in (*pids, server) if pid is not None and runs(pid)]


async def test_a_killed_process_works_again() -> None:
    async with house(plan("one"), plan("two")) as home:
        await home.running("one", "two")
        other, former = home.pid("two"), home.pid("one")
        os.kill(former, signal.SIGKILL)
        await home.until(lambda: home.view("one").state is STATES.BACKING_OFF)
        assert home.view("one").text == "ended by signal 9 (SIGKILL)"
        await home.running("one")
        assert home.pid("one") != former
        assert home.pid("two") == other
        assert home.view("one").restarts == 1


async def test_the_forkserver_may_die_and_the_next_launch_makes_a_new_one() -> None:
    async with house(plan("one"), plan("two")) as home:
        await home.running("one", "two")
        server, one, two = home.launcher.pid, home.pid("one"), home.pid("two")
        assert server is not None
        os.kill(server, signal.SIGKILL)
        assert await asyncio.to_thread(gone_within, server)
        os.kill(one, signal.SIGKILL)
        await home.until(lambda: home.view("one").pid not in (one, None))
        await home.running("one")
        assert home.pid("two") == two
        assert home.launcher.pid not in (server, None)


async def test_the_forkserver_and_all_its_children_may_die_at_once() -> None:
    async with house(plan("one"), plan("two")) as home:
        await home.running("one", "two")
        victims = [home.launcher.pid, home.pid("one"), home.pid("two")]
        for pid in victims:
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
        await home.until(lambda: all(home.view(name).restarts for name in ("one", "two")))
        await home.running("one", "two")
        assert home.launcher.pid not in victims


async def test_a_forkserver_that_dies_while_it_is_asked_is_replaced() -> None:
    async with house(plan("one")) as home:
        while (server := home.launcher.pid) is None:  # noqa: ASYNC110  # a state of the process table, not an event
            await asyncio.sleep(0)
        os.kill(server, signal.SIGKILL)
        await home.running("one")
        assert home.launcher.pid != server


async def test_a_fault_of_one_leaves_the_rest_of_the_house_at_work() -> None:
    async with house(
        plan("well"),
        plan("busy", moment="poll", fault="busy", every_s=0.05),
        plan("raises", moment="start", fault="raise"),
        plan("nonsense", moment="poll", fault="nonsense", every_s=0.05),
        patience_s=1.5,
        ping_every_s=0.25,
    ) as home:
        await home.until(lambda: home.view("raises").state is STATES.QUARANTINED)
        await home.until(lambda: home.view("busy").restarts and home.view("nonsense").restarts)
        view = home.view("raises")
        assert view.text.startswith("start: RuntimeError: the driver has a fault (ended 5 times")
        assert view.cure.startswith("report it to the plugin's author")
        assert view.cure.endswith("release it with `efpi restart raises`")
        assert home.view("well").state is STATES.RUNNING
        assert home.view("well").restarts == 0
        trouble = home.supervisor.trouble("busy")
        assert trouble is not None
        assert any("faults.py" in line for line in trouble.printed), "it shows where it hung"
        assert home.supervisor.trouble("well") is None


async def test_one_that_wants_very_much_memory_at_once_is_refused_it_by_the_kernel() -> None:
    async with house(plan("bomb", memory_mb=64, moment="poll", fault="bomb", every_s=0.05), plan("well")) as home:
        await home.until(lambda: home.view("bomb").restarts)
        refused = "running: MemoryError: it asked for more memory than the kernel gives it, far beyond its budget"
        assert ("bomb", STATES.BACKING_OFF, refused) in home.turns
        trouble = home.supervisor.trouble("bomb")
        assert trouble is not None
        assert trouble.cure == BUDGET_CURE
        assert home.view("well").restarts == 0


async def test_one_that_takes_too_much_cpu_time_comes_after_the_others() -> None:
    spinning = plan("spins", cpu_share=0.05, moment="poll", fault="spin", every_s=0.05)
    async with house(spinning, plan("well"), memory_every_s=0.1, ping_every_s=0.1) as home:
        await home.until(lambda: home.strains)
        ((name, strain),) = home.strains
        assert strain is not None
        assert (name, strain.kind.name) == ("spins", "cpu_over_budget")
        view = home.view("spins")
        assert (view.state, view.detail, view.restarts) == (STATES.RUNNING, "cpu_over_budget", 0)
        assert view.cpu_share is not None and view.cpu_share > 0.05
        assert view.memory_bytes
        assert os.getpriority(os.PRIO_PROCESS, home.pid("spins")) == THROTTLED_NICE
        assert os.getpriority(os.PRIO_PROCESS, home.pid("well")) < THROTTLED_NICE


async def test_one_that_takes_too_much_cpu_time_is_started_anew_where_the_site_says_so() -> None:
    budget = Budget(cpu_excess=CpuExcess.RESTART)
    spinning = plan("spins", cpu_share=0.05, budget=budget, moment="poll", fault="spin", every_s=0.05)
    async with house(spinning, memory_every_s=0.1, ping_every_s=0.1) as home:
        await home.until(lambda: home.view("spins").restarts)
        ((_, _, text), *_) = [turn for turn in home.turns if turn[1] is STATES.BACKING_OFF]
        assert "of a core, more than its 5%" in text


async def test_one_whose_start_hangs_is_ended_at_the_deadline() -> None:
    async with house(plan("slow", moment="start", fault="hang"), start_s=1.0) as home:
        await home.until(lambda: home.view("slow").restarts)
        assert ("slow", STATES.BACKING_OFF, "it was not ready within 1 s") in home.turns


async def test_one_whose_handler_hangs_is_ended_at_the_deadline() -> None:
    habits = {"ping_every_s": 0.1, "handler_s": 0.5, "patience_s": 5.0}
    async with house(plan("slow", moment="poll", fault="hang", every_s=0.05), **habits) as home:
        await home.until(lambda: home.view("slow").restarts)
        assert any("one of its handlers has run for" in text for _, _, text in home.turns)


async def test_one_that_is_halted_is_ended_at_the_deadline() -> None:
    async with house(plan("halted"), ping_every_s=0.1, patience_s=1.0) as home:
        await home.running("halted")
        os.kill(home.pid("halted"), signal.SIGSTOP)
        await home.until(lambda: home.view("halted").restarts)
        assert ("halted", STATES.BACKING_OFF, "its event loop has stood still for 1 s") in home.turns


async def test_one_that_takes_too_much_memory_is_ended_and_named() -> None:
    async with house(plan("large", memory_mb=9), memory_every_s=0.1) as home:
        await home.until(lambda: home.view("large").restarts)
        assert any("MB of memory, more than its 9 MB" in text for _, _, text in home.turns)


async def test_a_leak_is_found() -> None:
    leaking = plan("leaks", memory_mb=160, moment="start", fault="leak")  # it leaks once, less than the kernel refuses
    async with house(leaking, plan("well"), memory_every_s=0.1) as home:
        await home.until(lambda: home.view("leaks").restarts)
        assert any("MB of memory, more than its 160 MB" in text for _, _, text in home.turns)
        assert home.view("well").restarts == 0


async def test_all_end_whatever_they_do(tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    plans = (
        plan("well", diary=str(diary)),
        plan("busy", moment="poll", fault="busy", every_s=0.05),
        plan("hangs", moment="poll", fault="hang", every_s=0.05),
        plan("blocks", moment="safe_state", fault="block"),
        plan("forks", moment="start", fault="fork"),
    )
    async with house(*plans) as home:
        await home.running("well", "busy", "hangs", "blocks", "forks")
    assert diary.read_text().split() == ["start", "safe", "stop"]


async def test_a_restart_by_hand_visits_the_safe_state_first(tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    async with house(plan("one", diary=str(diary))) as home:
        await home.running("one")
        former = home.pid("one")
        await home.supervisor.restart("one")
        await home.running("one")
        assert home.pid("one") != former
        assert diary.read_text().split() == ["start", "safe", "stop", "start"]


@pytest.mark.parametrize("count", [10])
async def test_many_start_together(count: int) -> None:
    names = [f"battery{number}" for number in range(count)]
    async with house(*(plan(name) for name in names)) as home:
        await home.running(*names)
        assert len({home.pid(name) for name in names}) == count
