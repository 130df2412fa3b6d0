"""Shifts the clocks that efpi reads in this process and all that it starts, as a test says in a folder of its own.

Python imports it at its start where the folder of this file is on its path. Everything else of the gateway is as it is
run by people: its processes, its event loops, its selectors, which go on by the kernel's own time.
"""

import importlib.abc
import importlib.machinery
import mmap
import os
import struct
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

FOLDER = "EFPI_TEST_CLOCK"
SHIFTS = struct.Struct("dd")


class _Shifts:
    """By how much the wall clock and the clock of the boot are ahead of the kernel's."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            self._memory = mmap.mmap(file.fileno(), SHIFTS.size, access=mmap.ACCESS_READ)

    @property
    def wall_s(self) -> float:
        return float(SHIFTS.unpack(self._memory[:])[0])

    @property
    def boot_s(self) -> float:
        return float(SHIFTS.unpack(self._memory[:])[1])


def _shift(clock: ModuleType) -> None:
    folder = Path(os.environ[FOLDER])
    shifts = _Shifts(folder / "shifts")

    def boottime(*_: object) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME) + shifts.boot_s

    def now(*_: object) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=shifts.wall_s)

    def synchronised() -> bool:
        return (folder / "synchronised").exists()

    def wall_s(*_: object) -> float:
        return time.time() + shifts.wall_s

    clock.RealClock.now, clock.RealClock.wall_s = now, wall_s
    clock.RealClock.elapsed = clock.BoottimeEventLoop.time = boottime
    clock.synchronised = synchronised
    clock.boot_id = lambda: (folder / "boot_id").read_text(encoding="ascii")


class _Loader(importlib.abc.Loader):
    """Loads the module as ever, then shifts it."""

    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _shift(module)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the one module."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "efpi_core.clock":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


if FOLDER in os.environ:
    sys.meta_path.insert(0, _Finder())
