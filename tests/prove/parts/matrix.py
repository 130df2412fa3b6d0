"""Degraded start is a law: every kind of plugin, every moment, every fault, beside others that notice nothing."""

import asyncio
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from efpi_core.clock import BoottimeEventLoop
from tests.prove.case import Case, Figures
from tests.support.matrix import Cell, all_cells, grouped, run_cells


def _run(cells: list[Cell], folder: Path) -> Figures:
    with asyncio.Runner(loop_factory=BoottimeEventLoop) as runner:
        return runner.run(run_cells(cells, folder))


def cases() -> Iterable[Case]:
    """One for each kind and moment, with all faults side by side."""
    for name, cells in grouped(all_cells(), lambda cell: f"{cell.kind}-{cell.moment}").items():
        yield Case(name, partial(_run, cells), 180.0)
