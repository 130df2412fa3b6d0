"""Control groups: where the machine gave the gateway a part of their tree, each hosted instance has one of its own.

The kernel then counts all that an instance and its descendants take, however they hide, refuses it more than its share,
and ends them all at once. A service manager gives such a part with `Delegate=` (systemd's "Control Group APIs and
Delegation"); where there is none, budgets are looked at, and bounded for each process alone.
"""

import contextlib
import itertools
import logging
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from efpi_core.log_line import say

LOG = logging.getLogger("efpi.host")

PREFIX = "efpi."
"""With which the names of our groups begin."""

MOST_PROCESSES = 256
"""What an instance may fork, threads included."""

ROOM = 2
"""An instance may take so many times its budget of memory at once, until somebody looks."""

LEAF = "efpi-gateway"
"""The group of the gateway's own process."""

FIRST_PROCESS = "1"
"""Of a container: it is the gateway's parent there, and ours, too; elsewhere it is never in our group."""

MOUNTS = Path("/proc/self/mounts")
MEMBERSHIP = Path("/proc/self/cgroup")

_OOM_KILL = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


class Group(ABC):
    """One instance's control group."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def entrance(self) -> str:
        """The file by which a process enters: it writes 0."""
        return str(self._path / "cgroup.procs")

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes within."""
        with contextlib.suppress(OSError):
            return tuple(map(int, (self._path / "cgroup.procs").read_text(encoding="ascii").split()))
        return ()

    @abstractmethod
    def set_bounds(self, memory_bytes: int) -> None:
        """Say what all of it may take together. OSError when the kernel refuses."""

    @property
    def was_too_large(self) -> bool:
        """Whether the kernel has ended a process of it for want of memory."""
        with contextlib.suppress(OSError):
            found = _OOM_KILL.search(self._memory_events())
            return found is not None and found[1] != "0"
        return False

    @abstractmethod
    def _memory_events(self) -> str:
        """The kernel's own lines about this group's memory."""

    def kill(self) -> None:
        """End all that is within."""
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, 9)

    def remove(self) -> bool:
        """Take the group away; False while a process is within."""
        try:
            self._path.rmdir()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True


class UnifiedGroup(Group):
    """A group of the unified tree (cgroup v2)."""

    def set_bounds(self, memory_bytes: int) -> None:
        """Memory and processes; where a bound is not given to us, the other still holds."""
        (self._path / "memory.max").write_text(str(memory_bytes), encoding="ascii")
        with contextlib.suppress(OSError):
            (self._path / "pids.max").write_text(str(MOST_PROCESSES), encoding="ascii")

    def _memory_events(self) -> str:
        return (self._path / "memory.events").read_text(encoding="ascii")

    def kill(self) -> None:
        """End all that is within, at once (Linux 5.14), or one by one."""
        try:
            (self._path / "cgroup.kill").write_text("1", encoding="ascii")
        except OSError:
            super().kill()


class MemoryGroup(Group):
    """A group of the memory controller's own tree (cgroup v1)."""

    def set_bounds(self, memory_bytes: int) -> None:
        """Memory, and memory with swap where that is counted."""
        (self._path / "memory.limit_in_bytes").write_text(str(memory_bytes), encoding="ascii")
        with contextlib.suppress(OSError):
            (self._path / "memory.memsw.limit_in_bytes").write_text(str(memory_bytes), encoding="ascii")

    def _memory_events(self) -> str:
        return (self._path / "memory.oom_control").read_text(encoding="ascii")


class Cgroups:
    """The gateway's part of the tree: makes the groups of instances beneath its own."""

    def __init__(self, kind: type[Group], home: Path, name: str) -> None:
        self._kind = kind
        self._home = home
        self._numbers = itertools.count(1)
        self.name = name
        """For people: "cgroup v2"."""

    def make(self, instance: str, memory_mb: int) -> Group | None:
        """A new group for one life of an instance; None when the kernel will have none."""
        path = self._home / f"{PREFIX}{os.getpid()}.{next(self._numbers)}.{instance}"
        group = self._kind(path)
        try:
            path.mkdir()
            group.set_bounds(ROOM * memory_mb * 1024 * 1024)
        except OSError as error:
            group.remove()
            say(LOG, logging.WARNING, "no_cgroup", instance, f"it has no control group: {error.strerror}")
            return None
        return group

    def sweep(self) -> None:
        """Take away what a gateway that was killed left behind, where nobody is within any more."""
        for left in self._home.glob(f"{PREFIX}*"):
            self._kind(left).remove()


class _Mount(NamedTuple):
    path: Path
    type: str
    options: frozenset[str]


def own_cgroups(mounts: Path = MOUNTS, membership: Path = MEMBERSHIP) -> Cgroups | None:
    """The part of the tree that this process was given; None where there is none, or it is shared with others."""
    with contextlib.suppress(OSError, ValueError):
        paths = dict(_memberships(membership))
        for mount in _mounts(mounts):
            if mount.type == "cgroup2" and (home := _unified_home(mount.path / paths.get("", "/").lstrip("/"))):
                return _swept(Cgroups(UnifiedGroup, home, "cgroup v2"))
        for mount in _mounts(mounts):
            if mount.type == "cgroup" and "memory" in mount.options and "memory" in paths:
                home = mount.path / paths["memory"].lstrip("/")
                if _may_change(home):
                    return _swept(Cgroups(MemoryGroup, home, "cgroup v1"))
    return None


def _swept(groups: Cgroups) -> Cgroups:
    groups.sweep()
    return groups


def _mounts(path: Path) -> Iterator[_Mount]:
    for line in path.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        _, where, kind, options, *_ = line.split(" ")
        yield _Mount(Path(where), kind, frozenset(options.split(",")))


def _memberships(path: Path) -> Iterator[tuple[str, str]]:
    """Where this process is in each tree, by controller; the unified tree has the empty name."""
    for line in path.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        _, controllers, where = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, where


def _may_change(home: Path) -> bool:
    return home.is_dir() and os.access(home, os.W_OK | os.X_OK)


def _unified_home(home: Path) -> Path | None:
    """The gateway's own group, made fit to have others beneath it; None where memory is not ours to divide.

    Who divides may have no processes of its own there, so the gateway goes into a leaf of its own.
    """
    if home.name == LEAF and _divides(home.parent):
        return home.parent
    if not _may_change(home) or "memory" not in _words(home / "cgroup.controllers"):
        return None
    ours = _words(home / "cgroup.procs")
    if not {str(os.getpid())} <= set(ours) <= {str(os.getpid()), FIRST_PROCESS}:
        return None
    leaf = home / LEAF
    leaf.mkdir(exist_ok=True)
    _move(ours, leaf)
    try:
        (home / "cgroup.subtree_control").write_text("+memory", encoding="ascii")
    except OSError:
        _move(ours, home)
        leaf.rmdir()
        raise
    with contextlib.suppress(OSError):
        (home / "cgroup.subtree_control").write_text("+pids", encoding="ascii")
    return home


def _move(pids: list[str], home: Path) -> None:
    for pid in pids:
        (home / "cgroup.procs").write_text(pid, encoding="ascii")


def _divides(home: Path) -> bool:
    return _may_change(home) and "memory" in _words(home / "cgroup.subtree_control")


def _words(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").split()
