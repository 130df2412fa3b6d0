"""Control groups of instances: the kernel's own where this machine gives them, and the shapes of trees elsewhere."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from efpi_core.host.cgroup import LEAF, Cgroups, UnifiedGroup, own_cgroups
from efpi_core.host.host import End
from efpi_core.host.launcher import ForkServerLauncher
from tests.support.hosted_world import environment, gone_within, hosted

OWN = str(os.getpid())


@pytest.fixture
def cgroups() -> Cgroups:
    """This machine's own."""
    found = own_cgroups()
    if found is None:
        pytest.skip("this machine gives us no control groups")
    return found


@pytest_asyncio.fixture
async def launcher() -> AsyncIterator[ForkServerLauncher]:
    launcher = ForkServerLauncher(environment())
    yield launcher
    await launcher.close()


async def test_an_instance_lives_in_a_group_of_its_own_with_all_that_it_forks(
    cgroups: Cgroups, launcher: ForkServerLauncher
) -> None:
    host, listener = hosted(launcher, cgroups=cgroups, moment="start", fault="daemon")
    await listener.ready()
    await listener.until(listener.forked)
    (forked,) = listener.forked()
    group = host._group
    assert group is not None
    assert set(group.pids) >= {host.pid, forked}
    assert host.bounded_by == cgroups.name
    host.stop(5.0, "enough")
    assert (await listener.end()).how is End.STOPPED
    assert gone_within(forked, 5.0)
    async with asyncio.timeout(60):
        while Path(group.entrance).exists():  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0.01)


async def test_what_takes_far_too_much_at_once_is_ended_by_the_kernel_and_that_is_told(
    cgroups: Cgroups, launcher: ForkServerLauncher
) -> None:
    host, listener = hosted(launcher, cgroups=cgroups, memory_mb=80, moment="start", fault="leak")
    ending = await listener.end()
    assert (ending.how, ending.text) == (End.KILLED, "the kernel ended it: it took more than 160 MB of memory")
    assert "budget" in ending.cure
    assert not host.alive


async def test_without_groups_each_process_has_a_bound_of_its_own(launcher: ForkServerLauncher) -> None:
    host, listener = hosted(launcher)
    await listener.ready()
    assert host.bounded_by == "RLIMIT_DATA"
    host.stop(5.0, "enough")
    await listener.end()


class Tree:
    """A machine's control groups as files."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "unified" / "efpi.service"
        self.memory = folder / "memory" / "efpi.service"
        self.mounts, self.membership = folder / "mounts", folder / "membership"
        self.mounts.write_text(
            "proc /proc proc rw 0 0\n"
            f"cgroup {folder / 'memory'} cgroup rw,memory 0 0\n"
            f"cgroup2 {folder / 'unified'} cgroup2 rw 0 0\n"
        )
        self.membership.write_text("4:memory:/efpi.service\n0::/efpi.service\n")

    def unified(self, controllers: str = "cpu memory pids", pids: str = OWN) -> None:
        self.home.mkdir(parents=True)
        for name, text in (("controllers", controllers), ("procs", pids), ("subtree_control", "")):
            (self.home / f"cgroup.{name}").write_text(text)

    def found(self) -> Cgroups | None:
        return own_cgroups(self.mounts, self.membership)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def test_a_unified_tree_that_is_ours_alone_is_divided(tree: Tree) -> None:
    tree.unified()
    found = tree.found()
    assert found is not None
    assert found.name == "cgroup v2"
    assert (tree.home / LEAF / "cgroup.procs").read_text() == OWN, "who divides has no process beside its parts"
    group = found.make("battery", 100)
    assert isinstance(group, UnifiedGroup)
    folder = Path(group.entrance).parent
    assert folder.parent == tree.home
    assert (folder / "memory.max").read_text() == str(200 * 1024 * 1024)
    (folder / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\noom_group_kill 0\n")
    assert group.was_too_large
    (folder / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 0\noom_kill 0\noom_group_kill 0\n")
    assert not group.was_too_large


def test_a_container_s_first_process_moves_along(tree: Tree) -> None:
    tree.unified(pids=f"1\n{OWN}\n")
    found = tree.found()
    assert found is not None
    assert (tree.home / LEAF).exists()


def test_a_group_that_is_shared_with_others_is_left_alone(tree: Tree) -> None:
    tree.unified(pids=f"{OWN}\n4242\n")
    assert tree.found() is None
    assert not (tree.home / LEAF).exists()


def test_where_memory_is_not_ours_to_divide_the_older_tree_serves(tree: Tree) -> None:
    tree.unified(controllers="cpu pids")
    assert tree.found() is None
    tree.memory.mkdir(parents=True)
    found = tree.found()
    assert found is not None
    assert found.name == "cgroup v1"


def test_a_machine_without_control_groups_has_none(tmp_path: Path) -> None:
    (tmp_path / "mounts").write_text("proc /proc proc rw 0 0\n")
    assert own_cgroups(tmp_path / "mounts", tmp_path / "membership") is None


def test_what_a_killed_gateway_left_behind_is_taken_away(tree: Tree) -> None:
    tree.memory.mkdir(parents=True)
    left = tree.memory / "efpi.4242.1.battery"
    left.mkdir()
    other = tree.memory / "somebody"
    other.mkdir()
    assert tree.found() is not None
    assert not left.exists()
    assert other.exists()


def test_a_group_that_the_kernel_will_not_make_is_done_without(tree: Tree) -> None:
    tree.memory.mkdir(parents=True)
    found = tree.found()
    assert found is not None
    assert found.make("x" * 300, 100) is None, "a name that no file system takes"
