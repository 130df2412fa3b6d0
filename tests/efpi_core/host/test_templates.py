"""Several instances of one plugin are forked from a process that has imported it once."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from efpi_core.host.host import End
from efpi_core.host.launcher import ForkServerLauncher
from efpi_core.host.process import ProcessHost
from tests.support.hosted_world import (
    PLUGINS,
    Listener,
    children_of,
    environment,
    gone_within,
    hosted,
    runs,
)

Instance = tuple[ProcessHost, Listener]


def comm(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


class House:
    """A launcher and its instances."""

    def __init__(self, **extra: str) -> None:
        self.launcher = ForkServerLauncher(environment(**extra))
        self.instances: list[Instance] = []

    def launch(self, count: int, **config: Any) -> list[Instance]:
        launched = [hosted(self.launcher, **config) for _ in range(count)]
        self.instances += launched
        return launched

    async def ready(self, count: int, **config: Any) -> list[Instance]:
        launched = self.launch(count, **config)
        for _, listener in launched:
            await listener.ready()
        return launched

    @property
    def server(self) -> int:
        assert self.launcher.pid is not None
        return self.launcher.pid

    @property
    def templates(self) -> list[int]:
        return [pid for pid in children_of(self.server) if comm(pid).startswith("efpi-")]

    def parents(self, instances: list[Instance]) -> set[int]:
        return {parent_of(host.pid) for host, _ in instances if host.pid is not None}


@pytest.fixture(autouse=True)
def templates_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("efpi_core.host.template.IDLE_S", 600.0)


@asynccontextmanager
async def house(**extra: str) -> AsyncIterator[House]:
    home = House(**extra)
    pids: list[int | None] = []
    try:
        yield home
    finally:
        pids += [host.pid for host, _ in home.instances]
        pids += [home.launcher.pid, *(home.templates if home.launcher.pid is not None else [])]
        for host, listener in home.instances:
            host.kill("the test is over")
            await listener.end()
        await home.launcher.close()
        assert not [pid for pid in pids if pid is not None and not gone_within(pid)]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0.01)


async def test_many_instances_at_once_share_a_template_and_few_do_not() -> None:
    async with house() as home:
        assert home.parents(await home.ready(2)) == {home.server}
        many = await home.ready(3)
        (template,) = home.templates
        assert comm(template) == "efpi-faulty_plu"
        assert home.parents(many) == {template}
        assert home.parents(await home.ready(1)) == {template}, "it is there, so it is used"
        assert len({host.pid for host, _ in many}) == 3


async def test_an_instance_of_a_template_lives_and_ends_as_any_other(tmp_path: Path) -> None:
    async with house() as home:
        diary = tmp_path / "diary"
        instances = await home.ready(3, diary=str(diary))
        host, listener = instances[0]
        host.stop(5.0, "enough")
        assert (await listener.end()).how is End.STOPPED
        host, listener = instances[1]
        assert host.pid is not None
        os.kill(host.pid, signal.SIGKILL)
        ending = await listener.end()
        assert (ending.how, ending.text) == (End.CRASHED, "ended by signal 9 (SIGKILL)")
        assert diary.read_text().split() == ["start", "start", "start", "safe", "stop"]


async def test_what_an_instance_of_a_template_forks_goes_with_it() -> None:
    async with house() as home:
        for fault in ("fork", "daemon"):
            for host, listener in await home.ready(3, moment="start", fault=fault):
                await listener.until(listener.forked)
                (forked,) = listener.forked()
                host.stop(5.0, "enough")
                await listener.end()
                assert await asyncio.to_thread(gone_within, forked, 5.0)


@pytest.mark.parametrize("fault", ["raise", "sys_exit"])
async def test_an_import_that_fails_is_told_by_every_instance(fault: str) -> None:
    async with house(FAULTY_PLUGIN_IMPORT=fault) as home:
        for _, listener in home.launch(3):
            ending = await listener.end()
            assert ending.how is End.FAILED
            assert ending.text.startswith("faulty_plugin cannot be imported: ")
            assert listener.failed.moment == "import"
        for _, listener in home.launch(3):
            assert (await listener.end()).how is End.FAILED


async def test_an_import_that_exits_leaves_each_instance_to_itself() -> None:
    async with house(FAULTY_PLUGIN_IMPORT="exit") as home:
        for _, listener in home.launch(3):
            ending = await listener.end()
            assert (ending.how, ending.text) == (End.CRASHED, "gone with exit status 3")


async def test_an_import_that_leaves_a_thread_is_not_shared() -> None:
    async with house(FAULTY_PLUGIN_IMPORT="thread") as home:
        instances = await home.ready(4)
        assert home.parents(instances) == {home.server}
        assert home.templates == []


async def test_an_import_that_leaves_an_open_file_is_not_shared() -> None:
    async with house(FAULTY_PLUGIN_IMPORT="open") as home:
        assert home.parents(await home.ready(3)) == {home.server}


async def test_an_import_that_hangs_is_left_to_the_instances(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("efpi_core.host.template.IMPORT_S", 0.5)
    async with house(FAULTY_PLUGIN_IMPORT="busy") as home:
        instances = home.launch(3)
        await until(lambda: all(host.pid for host, _ in instances))
        assert home.parents(instances) == {home.server}
        await until(lambda: not home.templates)


async def test_a_changed_plugin_is_imported_anew_and_the_old_one_goes_with_its_last_instance(tmp_path: Path) -> None:
    shutil.copytree(PLUGINS / "faulty_plugin", tmp_path / "faulty_plugin")
    path = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("efpi_core.host.package_stamp.package_directory", lambda module: tmp_path / module)
        async with house(PYTHONPATH=path) as home:
            old = await home.ready(3)
            (former,) = home.templates
            driver = tmp_path / "faulty_plugin" / "driver.py"
            driver.write_text(driver.read_text() + "# changed\n")
            (one,) = await home.ready(1)
            assert home.parents([one]) == {home.server}, "one alone is not worth a new template"
            new = await home.ready(3)
            assert home.parents(new).isdisjoint({former, home.server})
            assert runs(former)
            for host, listener in old:
                host.stop(5.0, "enough")
                await listener.end()
            assert await asyncio.to_thread(gone_within, former, 5.0)
            assert all(host.pid for host, _ in new)


async def test_the_death_of_a_template_leaves_its_instances_at_work() -> None:
    async with house() as home:
        instances = await home.ready(3)
        (template,) = home.templates
        os.kill(template, signal.SIGKILL)
        assert await asyncio.to_thread(gone_within, template, 5.0)
        (extra,) = await home.ready(1)
        extra[0].kill("so that the forkserver looks at its children")
        await extra[1].end()
        assert all(host.pid is not None and runs(host.pid) for host, _ in instances)
        again = await home.ready(3)
        assert home.parents(again).isdisjoint({template, home.server})


async def test_a_template_of_which_nothing_is_asked_ends_and_its_instances_live_and_end_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("efpi_core.host.template.IDLE_S", 0.05)
    async with house() as home:
        instances = await home.ready(3)
        await until(lambda: not home.templates)
        await until(lambda: home.parents(instances) == {home.server})
        host, listener = instances[0]
        assert host.pid is not None
        os.kill(host.pid, signal.SIGKILL)
        ending = await listener.end()
        assert (ending.how, ending.text) == (End.CRASHED, "ended by signal 9 (SIGKILL)")
        host, listener = instances[1]
        host.stop(5.0, "enough")
        assert (await listener.end()).how is End.STOPPED
        host, _ = instances[2]
        assert host.pid is not None
        assert runs(host.pid)
        more = await home.ready(3)
        assert len({host.pid for host, _ in more}) == 3


async def test_the_death_of_the_forkserver_leaves_a_template_at_work() -> None:
    async with house() as home:
        instances = await home.ready(3)
        (template,) = home.templates
        os.kill(home.server, signal.SIGKILL)
        await until(lambda: home.launcher.pid is None)
        more = await home.ready(1)
        assert home.parents([*instances, *more]) == {template}
